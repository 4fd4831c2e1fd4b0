/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the contract of an ERP's protocol module: op in, request out; response in,
 * records out. Owns: nothing: a connector is a table of pure functions; what it makes
 * lives in arenas. Threads: any, on an op of its own. Errors: CONNECTOR_FAILED with
 * op->fault filled. Start reading at: struct connector. No sockets, no waiting, no
 * secrets, no time: a recorded response is a complete test. A new ERP is a folder
 * beside this file, a line in registry.c and a folder of catalog data.
 */
#ifndef SLUICE_CONNECTORS_CONNECTOR_H
#define SLUICE_CONNECTORS_CONNECTOR_H

#include "catalog/catalog.h"
#include "catalog/tool.h"

enum connector_step {
    CONNECTOR_SEND,   /* op->request is to be signed and sent; the slot is kept */
    CONNECTOR_DONE,   /* op->result is complete */
    CONNECTOR_FAILED, /* op->fault says why */
    CONNECTOR_WAIT,   /* op->wait_ms from now resume is called; meanwhile op->progress
                         may be told; the slot is kept */
    CONNECTOR_PARK /* another operation of the account is fetching what this one needs
                      too: resume is called when one of them has moved on; the slot is
                      kept */
};

struct connector {
    const char *name; /* the integration it serves */
    bool opt_in;      /* served only where the operator's configuration names it */

    /*
     * Checks an account's `connection` and completes it (canonical ids, derived hosts)
     * into `out`: in `arena` what calls need, which is kept as long as the account is
     * ready, in `scratch` (may be the same) out->connection, the fault and whatever else
     * is needed no longer than `connection`. ERR_UNPROCESSABLE with details (pointers
     * into connection).
     */
    enum err (*connect)(struct arena *arena, struct arena *scratch,
                        const struct jval *connection, struct op_target *out,
                        struct fault *fault);

    /* See struct catalog_compiler. `tool` is NULL for the integration's "verify". */
    enum err (*compile)(struct arena *arena, const struct jval *upstream,
                        const struct tool *tool, const void **plan,
                        struct schema_problem *problem);

    /* Called when the operation has its slot, so what it reads of the session is of
     * now. DONE at once is an operation without an upstream. */
    enum connector_step (*begin)(struct op *op, const void *plan);
    enum connector_step (*on_response)(struct op *op, const void *plan,
                                       const struct op_response *response);

    /* The rest is for connectors that remember something of an account; else NULL. */
    struct op_session *(*session_new)(void);
    void (*session_free)(struct op_session *session); /* accepts NULL */
    /* Of a parked or waiting operation. */
    enum connector_step (*resume)(struct op *op, const void *plan);
    /* No answer will come to what was to be sent last; op->fault says why. DONE, with
     * op->result, when the operation has succeeded all the same; or FAILED with a fault
     * that is no less true. NULL: the fault stands. */
    enum connector_step (*lost)(struct op *op, const void *plan);
    /* The operation ends without another word of the connector (transfer failed, caller
     * gone, answer overdue): gives up what it was fetching for others. Called at the
     * end of each operation that had begun, and before when its answer is overdue. */
    void (*leave)(struct op *op, const void *plan);
};

/* Puts the wiping allocator (base/memory.h) under the libraries that connectors use:
 * once, before any other use of a connector. */
void connectors_memory_begin(void);

/* NULL when this program has none of that name. */
const struct connector *connector_find(struct slice name);

/* catalog_compiler.compile by the connector of that name; `ctx` is not looked at. */
MUST_USE enum err connector_compile(void *ctx, struct slice integration,
                                    struct arena *arena, const struct jval *upstream,
                                    const struct tool *tool, const void **plan,
                                    struct schema_problem *problem);

#endif
