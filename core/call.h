/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: one tools/call, from the tool's name to the envelope.
 * Owns: its arena and its operation; holds account and server.
 * Threads: the loop's.
 * Errors: in the answer: a tool always answers in its envelope; only an unknown tool
 * does not. Start reading at: the table of steps in call.c. Knows nothing of JSON-RPC
 * or HTTP: core/mcp_call.c wraps what comes out.
 */
#ifndef SLUICE_CORE_CALL_H
#define SLUICE_CORE_CALL_H

#include "core/accounts.h"
#include "core/gateway.h"
#include "core/servers.h"

struct call;

enum call_stage {
    CALL_STAGE_WAITING = 1,
    CALL_STAGE_SENT = 2,
    CALL_STAGE_ANSWERED = 3
};

struct call_answer {
    /* ERR_OK, a tool code, ERR_RPC_METHOD (no such tool), ERR_UNAUTHORIZED,
     * ERR_CAPABILITY (it cannot be asked what it has to be asked), ERR_UNPROCESSABLE (a
     * state that is not ours). */
    enum err err;
    struct slice envelope; /* JSON text; empty for the last four */
    /* The same escaped for a JSON string; empty when it is large. */
    struct slice quoted;
    /* Instead of the envelope: MCP content blocks; or NULL. */
    const struct jval *content;
    /* Instead of both: questions to the client, by keys of their own; or NULL. */
    const struct jval *questions;
    struct slice state;         /* with questions: comes back with the answers */
    const struct jval *missing; /* of ERR_CAPABILITY: what the client did not declare */
    struct slice message;       /* of ERR_UNPROCESSABLE */
    struct governor_view view;  /* how the account stands now */
    long retry_after_s;         /* of rate_limited and account_busy */
};

struct call_order {
    struct gateway *gateway;
    struct account *account; /* held by the call on its own */
    struct server *server;   /* likewise */
    struct slice request_id, tenant;
    int64_t token_ends_ms; /* of the URL it came by, when that one is retired; else 0 */
    struct slice token_hash; /* of that URL */
    struct slice tool;
    const struct jval
        *arguments; /* NULL: none. Borrowed until the answer or call_cancel */
    const struct jval *rpc_id; /* likewise; for notifications/cancelled */
    /* Likewise: what the client may be asked and has answered. */
    bool may_ask;
    const struct jval *capabilities, *responses; /* objects, or NULL */
    const struct jval *state;                    /* anything, or NULL */
    size_t bytes_in;
    /* Exactly once unless cancelled; never before call_start has returned. Lends the
     * answer. */
    void (*on_answer)(void *ctx, const struct call_answer *answer);
    void (*on_stage)(void *ctx, enum call_stage stage); /* may be NULL */
    /* The tool's own measure of how far it is; may be NULL. */
    void (*on_progress)(void *ctx, const struct op_progress *progress);
    void *ctx;
};

/* Lends the call until on_answer or call_cancel. */
struct call *call_start(const struct call_order *order);
/* The caller left: waiting ends, a request already sent goes on without an answer. */
void call_cancel(struct call *call);

/* The tool of that name, if the MCP server shows it and the account can sign for it; else
 * NULL. */
const struct tool *call_tool(const struct account *account,
                             const struct integration *integration,
                             const struct server *server, struct slice name);

/* What its owner gave as ctx. */
void *call_ctx(const struct call *call);

#endif
