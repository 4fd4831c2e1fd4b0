/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the method whose SuiteQL its caller writes: guarded, bound, a page at a time.
 * Owns: a plan lives in the catalog's arena and is read-only; requests live in the op's.
 * Threads: any, on an op of its own. Errors: free_query_compile: ERR_UNPROCESSABLE with
 * pointer; the others fill op->fault. Start reading at: free_query_begin; what may be
 * sent at all is decided in suiteql_guard.h.
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_FREE_QUERY_H
#define SLUICE_CONNECTORS_NETSUITE_FREE_QUERY_H

#include "connectors/connector.h"

struct free_query_plan;

/*
 * "upstream": {"service":"free_suiteql", "query": argument, "params": argument,
 * "rows_max": rows of one query altogether, "note"?: said with every answer}. Only of a
 * method that is custom, opt_in, pages, reads, and returns rows as_sent. Borrows `tool`;
 * keeps slices of `upstream`.
 */
MUST_USE enum err free_query_compile(struct arena *arena, const struct jval *upstream,
                                     const struct tool *tool,
                                     const struct free_query_plan **plan,
                                     struct schema_problem *problem);

enum connector_step free_query_begin(struct op *op, const struct free_query_plan *plan);
enum connector_step free_query_on_response(struct op *op,
                                           const struct free_query_plan *plan,
                                           const struct op_response *response);

#endif
