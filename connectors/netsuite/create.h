/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: methods that create a record through the REST record service, never without
 * an external id. Owns: a plan lives in the catalog's arena and is read-only; requests
 * live in the op's. Threads: any, on an op of its own. Errors: create_compile:
 * ERR_UNPROCESSABLE with pointer; the others fill op->fault. Start reading at:
 * create_begin; the rules stand on top of create.c.
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_CREATE_H
#define SLUICE_CONNECTORS_NETSUITE_CREATE_H

#include "connectors/connector.h"

struct create_plan;

/*
 * "upstream": {"service":"record", "record", "expand"?, "concat"?,
 * "external_id": argument, "resolve"?:{argument: a SuiteQL query of one "id"},
 * "body":{see body.h}}. Borrows `tool`; keeps slices of `upstream`.
 */
MUST_USE enum err create_compile(struct arena *arena, const struct jval *upstream,
                                 const struct tool *tool,
                                 const struct create_plan **plan,
                                 struct schema_problem *problem);

enum connector_step create_begin(struct op *op, const struct create_plan *plan);
enum connector_step create_on_response(struct op *op, const struct create_plan *plan,
                                       const struct op_response *response);
/* See struct connector. */
enum connector_step create_lost(struct op *op, const struct create_plan *plan);

#endif
