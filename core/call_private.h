/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what call.c (one call) and calls.c (those that are open) share.
 * Owns: nothing.  Threads: the loop's.  Errors: none.
 * Start reading at: struct call. Nobody else includes this.
 */
#ifndef SLUICE_CORE_CALL_PRIVATE_H
#define SLUICE_CORE_CALL_PRIVATE_H

#include "core/call.h"
#include "core/op.h"

enum call_state {
    CALL_LOOKUP,
    CALL_CHECK,
    CALL_OPEN,
    CALL_RUN,
    CALL_SHAPE,
    CALL_REPLY,
    CALL_END
};

struct call {
    struct list link; /* gateway->calls, until answered or cancelled */
    struct call_order order;
    struct arena *arena;
    enum call_state state;
    int pending; /* what still needs this memory: the answer, the operation */
    struct catalog *catalog; /* held: what was in force when it began */
    const struct integration *integration;
    const struct tool *tool;
    struct split split;
    struct op_run run;
    const struct jval *data;
    struct slice next_cursor, poll_id;
    struct slice sealed_state;  /* of a question */
    const struct jval *missing; /* capabilities */
    struct fault fault;
    size_t fallbacks;
    int64_t started_us;
    int64_t server_ends_ms, token_ends_ms; /* of its URL; 0: never */
    struct loop_timer *end_timer;          /* when that is near */
    uint64_t seen; /* store_generation() when its URL was last found good */
    bool cancelled, revoked;
};

/* call.c: answered ERR_UNAUTHORIZED at once; what was sent already ends without it. */
void call_revoke(struct call *call);

/* calls.c: the call is open from now on, until its URL ends. */
void calls_add(struct call *call);
/* Its answer is given, or nobody wants one. */
void calls_remove(struct call *call);

#endif
