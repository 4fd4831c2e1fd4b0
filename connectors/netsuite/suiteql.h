/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: methods that are a SuiteQL query: compiled from catalog data once, sent with
 * bound values. Owns: a plan lives in the catalog's arena and is read-only; requests
 * live in the op's. Threads: any, on an op of its own. Errors: suiteql_compile:
 * ERR_UNPROCESSABLE with pointer; the others fill op->fault. Start reading at:
 * suiteql_begin. The rule of this file: the text of a query depends only on the catalog
 * and on which arguments are there; a value of an argument is only ever an element of
 * "params".
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_SUITEQL_H
#define SLUICE_CONNECTORS_NETSUITE_SUITEQL_H

#include "connectors/connector.h"

struct suiteql_plan;

/*
 * "upstream": {"service":"suiteql", "from", "select":{alias: expression},
 * "where"?:[condition], "filters"?:{argument: {"sql","bind","times"?} or
 * {"values":{value: condition}}}, "order_by"?, "rows"?}. Borrows `tool`; keeps slices
 * of `upstream`.
 */
MUST_USE enum err suiteql_compile(struct arena *arena, const struct jval *upstream,
                                  const struct tool *tool,
                                  const struct suiteql_plan **plan,
                                  struct schema_problem *problem);

enum connector_step suiteql_begin(struct op *op, const struct suiteql_plan *plan);
enum connector_step suiteql_on_response(struct op *op, const struct suiteql_plan *plan,
                                        const struct op_response *response);

/* The same for a query in the middle of another operation: `query` is a copy of `op` with
 * arguments of its own. What is to be sent is op's request; what fails, op's fault. */
enum connector_step suiteql_begin_for(struct op *op, struct op *query,
                                      const struct suiteql_plan *plan);
enum connector_step suiteql_on_response_for(struct op *op, struct op *query,
                                            const struct suiteql_plan *plan,
                                            const struct op_response *response);

#endif
