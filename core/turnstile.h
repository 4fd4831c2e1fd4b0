/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: turns the pure governor into events: lets calls in, wakes those whose turn
 * it is, keeps the one timer that time-outs and pauses need. Owns: that timer; keeps
 * governor, loop and clock. Places belong to their callers. Threads: the loop's.
 * Errors: none.
 * Start reading at: turnstile_enter. This is the only file that calls governor_acquire.
 */
#ifndef SLUICE_CORE_TURNSTILE_H
#define SLUICE_CORE_TURNSTILE_H

#include "base/clock.h"
#include "governor/governor.h"
#include "io/loop.h"

struct turnstile;

/* Embedded in the caller's object, zeroed before use. */
struct turnstile_place {
    struct governor_ticket ticket;
    /* The decision for a place that was told to wait; once. */
    void (*on_decided)(void *ctx, enum governor_decision decision);
    void *ctx;
    struct list link; /* the turnstile's: among those who wait */
};

struct turnstile *turnstile_new(struct loop *loop, const struct clock *clock,
                                struct governor *governor);
void turnstile_free(struct turnstile *turnstile); /* accepts NULL */

/* Decided at once, or WAITING; on_decided follows only after WAITING. Keeps `place`
 * while waiting or granted, borrows the server's id as long. */
enum governor_decision turnstile_enter(struct turnstile *turnstile,
                                       struct turnstile_place *place,
                                       const struct governor_call *call);
/* A waiting place leaves; on_decided will not come. */
void turnstile_leave(struct turnstile *turnstile, struct turnstile_place *place);
/* A granted place gives its slot back; the next in line is woken before this returns.
 */
void turnstile_release(struct turnstile *turnstile, struct turnstile_place *place,
                       enum governor_outcome outcome, long retry_after_s);

/* Microseconds between entering and the decision, of a place that was decided. */
int64_t turnstile_waited_us(const struct turnstile *turnstile,
                            const struct turnstile_place *place);

/* The server stops: all who wait are told REVOKED. Nobody may enter afterwards. */
void turnstile_close(struct turnstile *turnstile);

/* After a change of ceilings, accounts or servers made directly at the governor: wakes
 * those who profit or lose by it. */
void turnstile_settle(struct turnstile *turnstile);

/* Who lends slots that several processes share. */
struct turnstile_lender {
    /* Before the governor lets anybody go: takes back what was lent for a time that is over. A process
     * that stood still hears of calls before it hears of time. */
    void (*recall)(void *ctx);
    /* Whenever decisions have been told; says whether it lent any slot, so that new decisions may be
     * waiting. */
    bool (*lend)(void *ctx);
    void *ctx;
};
/* Keeps a copy; a zeroed one is nobody. */
void turnstile_lend_by(struct turnstile *turnstile,
                       const struct turnstile_lender *lender);

int64_t turnstile_now_us(const struct turnstile *turnstile);

#endif
