/* SPDX-License-Identifier: Apache-2.0 */
/* The governor's clockwork: decisions out of it become calls, its due time becomes a
 * timer. */
#include "core/turnstile.h"

#include <stdlib.h>

#include "base/require.h"

struct turnstile {
    struct loop *loop;
    const struct clock *clock;
    struct governor *governor;
    struct loop_timer *timer;
    int64_t timer_due_us;
    struct list waiting; /* places */
    bool settling;       /* a decision's callback may release or enter: no recursion */
    struct turnstile_lender lender;
};

void turnstile_lend_by(struct turnstile *turnstile,
                       const struct turnstile_lender *lender)
{
    turnstile->lender = *lender;
}

struct turnstile *turnstile_new(struct loop *loop, const struct clock *clock,
                                struct governor *governor)
{
    struct turnstile *turnstile = calloc(1, sizeof *turnstile);
    REQUIRE(turnstile != NULL);
    turnstile->loop = loop;
    turnstile->clock = clock;
    turnstile->governor = governor;
    turnstile->timer_due_us = INT64_MAX;
    list_init(&turnstile->waiting);
    return turnstile;
}

void turnstile_free(struct turnstile *turnstile)
{
    if (turnstile == NULL) {
        return;
    }
    loop_timer_stop(turnstile->timer);
    free(turnstile);
}

int64_t turnstile_now_us(const struct turnstile *turnstile)
{
    return clock_mono_us(turnstile->clock);
}

/* The time at which the governor is asked for something. */
static int64_t asked_at(const struct turnstile *turnstile)
{
    if (turnstile->lender.recall != NULL) {
        turnstile->lender.recall(turnstile->lender.ctx);
    }
    return turnstile_now_us(turnstile);
}

static void on_due(void *ctx)
{
    struct turnstile *turnstile = ctx;
    turnstile->timer = NULL;
    turnstile->timer_due_us = INT64_MAX;
    governor_tick(turnstile->governor, asked_at(turnstile));
    turnstile_settle(turnstile);
}

/* A timer that is early costs one idle turn; one that is late would let a wait overrun.
 */
static void arm(struct turnstile *turnstile)
{
    int64_t due = governor_due_us(turnstile->governor);
    if (due >= turnstile->timer_due_us) {
        return;
    }
    loop_timer_stop(turnstile->timer);
    int64_t wait_us = due - turnstile_now_us(turnstile);
    int64_t wait_ms = wait_us > 0 ? (wait_us + 999) / 1000 : 0;
    turnstile->timer = loop_timer_start(turnstile->loop, wait_ms, on_due, turnstile);
    turnstile->timer_due_us = due;
}

void turnstile_settle(struct turnstile *turnstile)
{
    if (turnstile->settling) {
        return;
    }
    turnstile->settling = true;
    do {
        for (;;) {
            struct governor_ticket *ticket = governor_next(turnstile->governor);
            if (ticket == NULL) {
                break;
            }
            struct turnstile_place *place = ticket->owner;
            list_remove(&place->link);
            place->on_decided(place->ctx, ticket->decision);
        }
    } while (turnstile->lender.lend != NULL &&
             turnstile->lender.lend(turnstile->lender.ctx));
    turnstile->settling = false;
    arm(turnstile);
}

enum governor_decision turnstile_enter(struct turnstile *turnstile,
                                       struct turnstile_place *place,
                                       const struct governor_call *call)
{
    place->ticket.owner = place;
    enum governor_decision decision = governor_acquire(
        turnstile->governor, &place->ticket, call, asked_at(turnstile));
    list_init(&place->link);
    if (decision == GOVERNOR_WAITING) {
        list_push(&turnstile->waiting, &place->link);
    }
    turnstile_settle(turnstile);
    return decision;
}

void turnstile_leave(struct turnstile *turnstile, struct turnstile_place *place)
{
    list_remove(&place->link);
    governor_cancel(turnstile->governor, &place->ticket, asked_at(turnstile));
    turnstile_settle(turnstile);
}

void turnstile_close(struct turnstile *turnstile)
{
    turnstile_settle(turnstile);
    while (!list_empty(&turnstile->waiting)) {
        struct turnstile_place *place =
            LIST_ENTRY(turnstile->waiting.next, struct turnstile_place, link);
        turnstile_leave(turnstile, place);
        place->on_decided(place->ctx, GOVERNOR_REVOKED);
    }
}

void turnstile_release(struct turnstile *turnstile, struct turnstile_place *place,
                       enum governor_outcome outcome, long retry_after_s)
{
    governor_release(turnstile->governor, &place->ticket, outcome,
                     (int64_t)retry_after_s * 1000000, asked_at(turnstile));
    turnstile_settle(turnstile);
}

int64_t turnstile_waited_us(const struct turnstile *turnstile,
                            const struct turnstile_place *place)
{
    const struct governor_ticket *ticket = &place->ticket;
    bool granted = ticket->decision == GOVERNOR_GRANTED;
    return (granted ? ticket->granted_us : turnstile_now_us(turnstile)) -
           ticket->since_us;
}
