/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The open calls, and the end of their URL: it was revoked, or the time has come that its server
 * or its token was given. Either way the call is told, call_revoke() in core/call.c, and leaves.
 */
#include "core/calls.h"

#include "base/limits.h"
#include "core/call_private.h"

/* No call lasts that long: an end beyond needs no timer. */
#define LONGEST_CALL_MS (2 * (LIMIT_QUEUE_WAIT_MS + LIMIT_UPSTREAM_MAX_MS))

/* ---- The end of the URL ---- */

static void on_end_of_url(void *ctx)
{
    struct call *call = ctx;
    call->end_timer = NULL;
    if (!call->revoked) {
        call_revoke(call);
    }
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    if (a_ms == 0 || b_ms == 0) {
        return a_ms + b_ms;
    }
    return a_ms < b_ms ? a_ms : b_ms;
}

static void watch_the_end(struct call *call)
{
    int64_t ends_ms = earlier(call->server_ends_ms, call->token_ends_ms);
    int64_t left_ms = ends_ms - gateway_wall_ms(call->order.gateway);
    loop_timer_stop(call->end_timer);
    call->end_timer = NULL;
    if (ends_ms != 0 && left_ms < LONGEST_CALL_MS) {
        call->end_timer = loop_timer_start(call->order.gateway->parts.loop, left_ms,
                                           on_end_of_url, call);
    }
}

/* ---- The list ---- */

void calls_add(struct call *call)
{
    watch_the_end(call);
    list_push(&call->order.gateway->calls, &call->link);
}

void calls_remove(struct call *call)
{
    list_remove(&call->link);
    loop_timer_stop(call->end_timer);
    call->end_timer = NULL;
}

struct call *calls_find(struct gateway *gateway, struct slice server,
                        const struct jval *rpc_id)
{
    LIST_FOREACH (node, &gateway->calls) {
        struct call *call = LIST_ENTRY(node, struct call, link);
        if (slice_eq(call->order.server->id, server) && call->order.rpc_id != NULL &&
            jval_equal(call->order.rpc_id, rpc_id)) {
            return call;
        }
    }
    return NULL;
}

/* Revoking one call may end others, so the search starts anew after each. */
static struct call *next_to_revoke(struct gateway *gateway, struct slice account,
                                   struct slice server)
{
    LIST_FOREACH (node, &gateway->calls) {
        struct call *call = LIST_ENTRY(node, struct call, link);
        if (!call->revoked && slice_eq(call->order.account->record.id, account) &&
            (server.len == 0 || slice_eq(call->order.server->id, server))) {
            return call;
        }
    }
    return NULL;
}

void calls_revoke(struct gateway *gateway, struct slice account, struct slice server)
{
    struct call *call = next_to_revoke(gateway, account, server);
    while (call != NULL) {
        call_revoke(call);
        call = next_to_revoke(gateway, account, server);
    }
}

/* ---- What other processes have changed ---- */

/* Whether the URL still leads to its server; a store that cannot be read says nothing. */
static bool url_holds(struct call *call, struct arena *arena)
{
    struct gateway *gateway = call->order.gateway;
    struct store_server found;
    enum err err = store_find_server(gateway->parts.store, call->order.token_hash,
                                     gateway_wall_ms(gateway), arena, &found);
    if (err == ERR_OK && (found.expires_ms != call->server_ends_ms ||
                          found.token_ends_ms != call->token_ends_ms)) {
        call->server_ends_ms = found.expires_ms;
        call->token_ends_ms = found.token_ends_ms;
        watch_the_end(call);
    }
    return err != ERR_NOT_FOUND;
}

static bool account_holds(struct call *call)
{
    struct account *account = NULL;
    enum err err =
        accounts_get(call->order.gateway->accounts, call->order.account->record.id,
                     &account); /* which takes over what has changed */
    if (err == ERR_OK) {
        account_drop(account);
    }
    return err != ERR_NOT_FOUND;
}

/* Each look may end other calls. Who was looked at stands at the end of the list then, beside
 * those that have begun since. */
void calls_look_again(struct gateway *gateway)
{
    uint64_t generation = store_generation(gateway->parts.store);
    while (!list_empty(&gateway->calls)) {
        struct call *call = LIST_ENTRY(gateway->calls.next, struct call, link);
        if (call->seen == generation) {
            return;
        }
        struct arena *arena = arena_new();
        call->seen = generation;
        list_remove(&call->link);
        list_push(&gateway->calls, &call->link);
        if (!call->revoked && (!url_holds(call, arena) || !account_holds(call))) {
            call_revoke(call);
        }
        arena_free(arena);
    }
}

void calls_end_with_server(struct gateway *gateway, struct slice server,
                           int64_t ends_ms)
{
    LIST_FOREACH (node, &gateway->calls) {
        struct call *call = LIST_ENTRY(node, struct call, link);
        if (slice_eq(call->order.server->id, server)) {
            call->server_ends_ms = ends_ms;
            watch_the_end(call);
        }
    }
}

void calls_end_with_token(struct gateway *gateway, struct slice server, int64_t ends_ms)
{
    LIST_FOREACH (node, &gateway->calls) {
        struct call *call = LIST_ENTRY(node, struct call, link);
        if (slice_eq(call->order.server->id, server)) {
            call->token_ends_ms = earlier(call->token_ends_ms, ends_ms);
            watch_the_end(call);
        }
    }
}
