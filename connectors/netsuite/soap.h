/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: methods that NetSuite offers by SOAP alone: one operation with one record element,
 * whose answer is a list. Owns: a plan lives in the catalog's arena and is read-only;
 * requests live in the op's. Threads: any, on an op of its own. Errors: soap_compile:
 * ERR_UNPROCESSABLE with pointer; the others fill op->fault. Start reading at: soap_begin.
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_SOAP_H
#define SLUICE_CONNECTORS_NETSUITE_SOAP_H

#include "connectors/connector.h"

struct soap_plan;

/*
 * "upstream": {"service":"soap", "scheme":"netsuite_tba", "operation":"getSavedSearch",
 * "record_type":"GetSavedSearchRecord", "attribute":"searchType", "argument":"type",
 * "default":"transaction", "items":"recordRef"}. Keeps slices of `upstream`.
 */
MUST_USE enum err soap_compile(struct arena *arena, const struct jval *upstream,
                               const struct tool *tool, const struct soap_plan **plan,
                               struct schema_problem *problem);

enum connector_step soap_begin(struct op *op, const struct soap_plan *plan);
enum connector_step soap_on_response(struct op *op, const struct soap_plan *plan,
                                     const struct op_response *response);

#endif
