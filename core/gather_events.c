/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream out of those of all workers. The first head that comes is the client's, the first
 * refusal or end is the end; then the others are left, and what they still say is dropped. What
 * the client has yet to take is told to all now and then, so that they send no more than it does.
 */
#include <stdlib.h>

#include "core/gather.h"
#include "core/server.h"
#include "io/http_relay.h"

#define LOOK_MS 100

struct confluence {
    const struct workers *workers;
    struct http_exchange *exchange; /* NULL: over */
    struct loop_timer *timer;
    bool has_begun;
    int open;
    struct arm {
        struct confluence *of;
        struct http_relay *relay; /* NULL: it has ended */
    } arms[WORKERS_MOST];
};

static void leave_all(struct confluence *all)
{
    all->exchange = NULL;
    for (int i = 0; i < all->workers->count; i++) {
        if (all->arms[i].relay != NULL) {
            http_relay_leave(all->arms[i].relay);
        }
    }
}

/* The client has had the end, or has left. */
static void end(struct confluence *all)
{
    struct http_exchange *exchange = all->exchange;
    leave_all(all);
    if (all->has_begun) {
        http_stream_end(exchange);
    }
}

static void arm_ended(struct arm *arm)
{
    struct confluence *all = arm->of;
    arm->relay = NULL;
    all->open--;
    if (all->exchange != NULL) {
        end(all);
    }
    if (all->open == 0) {
        loop_timer_stop(all->timer);
        free(all);
    }
}

static void on_refusal(void *ctx, const struct http_response *answer)
{
    struct arm *arm = ctx;
    struct confluence *all = arm->of;
    struct http_exchange *exchange = all->exchange;
    if (exchange != NULL && !all->has_begun) {
        arm->relay = NULL;
        leave_all(all);
        http_respond(exchange, answer);
    }
    arm_ended(arm);
}

static void on_begin(void *ctx, const struct http_response *head)
{
    const struct arm *arm = ctx;
    struct confluence *all = arm->of;
    if (all->exchange != NULL && !all->has_begun) {
        all->has_begun = true;
        http_stream_begin(all->exchange, head);
    }
}

static void on_events(void *ctx, struct slice bytes)
{
    const struct arm *arm = ctx;
    if (arm->of->exchange != NULL) {
        http_stream_send(arm->of->exchange, bytes);
    }
}

static void on_end(void *ctx)
{
    arm_ended(ctx);
}

static void on_gone(void *ctx)
{
    struct confluence *all = ctx;
    struct http_exchange *exchange = all->exchange;
    const struct http_response nobody = {.status = 499};
    bool has_begun = all->has_begun;
    if (exchange == NULL) {
        return;
    }
    end(all);
    if (!has_begun) {
        http_respond(exchange, &nobody);
    }
}

static void on_look(void *ctx)
{
    const struct confluence *all = ctx;
    if (all->exchange == NULL || !all->has_begun) {
        return;
    }
    for (int i = 0; i < all->workers->count; i++) {
        if (all->arms[i].relay != NULL) {
            http_relay_set_unsent(all->arms[i].relay,
                                  http_stream_unsent(all->exchange));
        }
    }
}

void gather_events(const struct worker *worker, struct http_exchange *exchange)
{
    const struct workers *workers = worker->workers;
    const struct http_relay_reader shape = {on_refusal, on_begin, on_events, on_end,
                                            NULL};
    struct loop *loop = workers->each[worker->number].loop;
    struct confluence *all = calloc(1, sizeof *all);
    REQUIRE(all != NULL);
    all->workers = workers;
    all->exchange = exchange;
    all->open = workers->count;
    all->timer = loop_timer_every(loop, LOOK_MS, on_look, all);
    http_exchange_on_gone(exchange, on_gone, all);
    for (int i = 0; i < workers->count; i++) {
        struct http_relay_reader reader = shape;
        struct arm *arm = &all->arms[i];
        arm->of = all;
        reader.ctx = arm;
        arm->relay = http_relay_read(http_exchange_request(exchange), loop,
                                     workers->each[i].loop, server_handle,
                                     workers->each[i].gateway, &reader);
    }
}
