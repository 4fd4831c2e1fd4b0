/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: methods that read one record through the REST record service.
 * Owns: a plan lives in the catalog's arena and is read-only; requests live in the
 * op's. Threads: any, on an op of its own. Errors: rest_compile: ERR_UNPROCESSABLE with
 * pointer; the others fill op->fault. Start reading at: rest_begin.
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_REST_H
#define SLUICE_CONNECTORS_NETSUITE_REST_H

#include "connectors/connector.h"

struct rest_plan;

/*
 * "upstream": {"service":"record", "record":"invoice", "expand"?:true,
 * "concat"?:{"_lines":["expense","item"]}, "with"?:{a SuiteQL query of one row}}.
 * Borrows `tool`; keeps slices of `upstream`.
 */
MUST_USE enum err rest_compile(struct arena *arena, const struct jval *upstream,
                               const struct tool *tool, const struct rest_plan **plan,
                               struct schema_problem *problem);

enum connector_step rest_begin(struct op *op, const struct rest_plan *plan);
enum connector_step rest_on_response(struct op *op, const struct rest_plan *plan,
                                     const struct op_response *response);

#endif
