/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: one operation at the upstream, from the line for a slot to the decoded
 * answer. Owns: its slot and its transfers; keeps the account. The memory is its
 * caller's until on_over. Threads: the loop's. Errors: in run->op.fault. Start reading
 * at: the table of steps in op.c: admit, sign, send, decode.
 */
#ifndef SLUICE_CORE_OP_H
#define SLUICE_CORE_OP_H

#include "core/accounts.h"
#include "core/gateway.h"
#include "core/turnstile.h"

enum op_state { OP_FRESHEN, OP_ADMIT, OP_BEGIN, OP_SIGN, OP_SEND, OP_DECODE, OP_END };

enum op_start { OP_WAITS, OP_IS_OVER };

struct op_run {
    /* Filled by the caller before op_start. */
    struct gateway *gateway;
    struct account *account; /* held by the caller until on_over */
    struct op op;            /* with arena, integration, tool, target, arguments */
    const void *plan;
    struct slice server; /* the MCP server in whose name the slot is taken */
    enum governor_priority priority;
    int weight; /* of the server, 1..100 */
    bool is_write;
    uint64_t document; /* that it changes, as governor_call has it; 0: none */
    bool verifies;  /* is let through though the account waits to be connected again */
    bool tries_now; /* the operator says that its user is not locked: core/standing.h */
    /* The result is in op.result, or op.fault.err says what failed. Exactly once,
     * unless cancelled; never before op_start has returned. */
    void (*on_done)(void *ctx);
    /* The upstream and the slot are done with: the memory may go. Exactly once, last.
     */
    void (*on_over)(void *ctx);
    /* The request has left (optional): for progress. */
    void (*on_sent)(void *ctx);
    /* A token was fetched for it, or could not be (optional). */
    void (*on_token)(void *ctx, const struct token_outcome *outcome);
    struct http_trace *trace; /* of its last exchange (optional); kept until on_over */
    /* op.progress says how far it is (optional). */
    void (*on_progress)(void *ctx);
    void *ctx;

    /* Read by the caller. */
    int upstream_status; /* of the last answer; 0: none */
    bool is_locked;      /* not sent: one more refusal may lock the user */
    int64_t wait_us;     /* in line */
    int64_t upstream_us; /* at the upstream, all exchanges */

    /* op.c's own. */
    enum op_state state;
    struct account
        *signer; /* held: whose credential the last request was signed with */
    struct credential *login; /* of the signer: the one that signs */
    struct turnstile_place place;
    struct outbound_request outbound; /* the signed one */
    struct http_transfer *transfer;
    int64_t sent_us;
    struct token_wait token_wait;
    struct login_turn turn; /* while this tries a login that others try too */
    int turns_in_vain;      /* of others, which nothing came of */
    struct account_parked parked;
    struct list pausing; /* gateway->pausing, with `pause` */
    struct loop_timer *pause;
    int token_waits;
    bool has_slot, reported, quiet, begun, awaits_token, renewed;
    bool has_turn; /* or needs none: the login was taken meanwhile */
    enum connector_step next;
};

/* OP_IS_OVER: nothing had to be sent or nothing could be (op.fault.err says which); no
 * callback will come. */
enum op_start op_start(struct op_run *run);

/* The caller wants no answer any more: on_done will not come, on_over will (possibly
 * within this call, when nothing had been sent). A request already sent is left to end.
 */
void op_cancel(struct op_run *run);

/* Ends the operations that pause between two steps: the server stops. */
void op_end_pausing(struct gateway *gateway);

#endif
