/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: flat arguments to the nested JSON body of a record, as catalog data says.
 * Owns: a plan lives in the catalog's arena and is read-only; bodies live in the op's.
 * Threads: any, on an op of its own. Errors: body_compile: ERR_UNPROCESSABLE with
 * pointer; body_write fills op->fault. Start reading at: body_write. Numbers travel as
 * the text they came in: an amount is never anything but its own digits.
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_BODY_H
#define SLUICE_CONNECTORS_NETSUITE_BODY_H

#include "connectors/connector.h"

struct body_plan;

/*
 * {argument: {"to":"entity.id", "as"?:"number"} or {"to":"item.items",
 * "members":{...}}}. Every body argument of the tool needs its place, and every place
 * an argument. Keeps slices of `spec`.
 */
MUST_USE enum err body_compile(struct arena *arena, const struct jval *spec,
                               const struct tool *tool, const struct body_plan **plan,
                               struct schema_problem *problem);

/* The body's JSON text; false with op->fault filled. */
bool body_write(struct op *op, const struct body_plan *plan, const struct jval *given,
                struct slice *out);

/* "item" or "item,expense": the sublists that arguments fill; empty: none. */
struct slice body_sublists(const struct body_plan *plan);

#endif
