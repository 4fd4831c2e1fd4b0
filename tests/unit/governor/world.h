/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the tests of the governor share: one governor, a clock that is a number, and
 * some calls with numbers for names.
 * Owns: struct world, made by open_world and freed by close_world.
 * Threads: one.
 * Errors: failed assertions.
 * Start reading at: struct world.
 */
#ifndef SLUICE_TESTS_UNIT_GOVERNOR_WORLD_H
#define SLUICE_TESTS_UNIT_GOVERNOR_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>

#include "governor/governor.h"

#define SECOND INT64_C(1000000)
#define CALLS 64
#ifndef PATIENCE /* how long calls wait */
#define PATIENCE (10 * SECOND)
#endif

struct world {
    struct governor *governor;
    int64_t now;
    struct governor_ticket calls[CALLS];
};

static inline int open_world(void **state)
{
    struct governor_options options = governor_defaults(7);
    struct world *w = calloc(1, sizeof(*w));

    w->governor = governor_new(&options);
    w->now = 1000;
    *state = w;
    return 0;
}

static inline int close_world(void **state)
{
    struct world *w = *state;

    governor_free(w->governor);
    free(w);
    return 0;
}

static inline void add(struct world *w, const char *id, const char *tenant,
                       const char *lane, int ceiling)
{
    struct governor_account account = {.id = slice_str(id),
                                       .tenant = slice_str(tenant),
                                       .lane = slice_str(lane),
                                       .joined = lane != NULL,
                                       .ceiling = ceiling,
                                       .queue_limit = 32,
                                       .queue_wait_us = PATIENCE};

    governor_account_set(w->governor, &account, w->now);
}

/* Account "a" of "t", alone on "lane". */
static inline struct governor_account account_a(int ceiling, int queue_limit,
                                                int64_t queue_wait_us)
{
    return (struct governor_account){.id = SLICE("a"),
                                     .tenant = SLICE("t"),
                                     .lane = SLICE("lane"),
                                     .joined = true,
                                     .ceiling = ceiling,
                                     .queue_limit = queue_limit,
                                     .queue_wait_us = queue_wait_us};
}

static inline void add_a(struct world *w, int ceiling, int queue_limit,
                         int64_t queue_wait_us)
{
    struct governor_account account = account_a(ceiling, queue_limit, queue_wait_us);

    governor_account_set(w->governor, &account, w->now);
}

static inline enum governor_decision ask_by(struct world *w, int call,
                                            const char *account, const char *server,
                                            int weight, enum governor_priority priority)
{
    const struct governor_call who = {.account = slice_str(account),
                                      .server = slice_str(server),
                                      .weight = weight,
                                      .priority = priority};

    return governor_acquire(w->governor, &w->calls[call], &who, w->now);
}

static inline enum governor_decision
ask_as(struct world *w, int call, const char *account, enum governor_priority priority)
{
    return ask_by(w, call, account, "mcp_1", 1, priority);
}

static inline enum governor_decision ask(struct world *w, int call, const char *account)
{
    return ask_as(w, call, account, GOVERNOR_INTERACTIVE);
}

static inline void finish(struct world *w, int call, enum governor_outcome outcome)
{
    governor_release(w->governor, &w->calls[call], outcome, 0, w->now);
}

static inline void refuse(struct world *w, int call, int64_t retry_after_us)
{
    governor_release(w->governor, &w->calls[call], GOVERNOR_RATE_LIMITED,
                     retry_after_us, w->now);
}

static inline void pass(struct world *w, int64_t us)
{
    w->now += us;
    governor_tick(w->governor, w->now);
}

/* The number of the next decided call, or -1. */
static inline int next(struct world *w)
{
    struct governor_ticket *ticket = governor_next(w->governor);

    return ticket != NULL ? (int)(ticket - w->calls) : -1;
}

static inline void expect_next(struct world *w, int call,
                               enum governor_decision decision)
{
    assert_int_equal(next(w), call);
    assert_int_equal(w->calls[call].decision, decision);
}

static inline struct governor_view look(struct world *w, const char *account)
{
    return governor_look(w->governor, slice_str(account), w->now);
}

static inline struct governor_lane_view lane(struct world *w, const char *id)
{
    struct governor_lane_view view = {0};

    assert_true(governor_lane(w->governor, slice_str(id), SLICE_EMPTY, w->now, &view));
    return view;
}

/* Asks until the account's slots are taken; returns how many that were. */
static inline int fill(struct world *w, int from, const char *account)
{
    int call = from;

    while (ask(w, call, account) == GOVERNOR_GRANTED) {
        call++;
    }
    governor_cancel(w->governor, &w->calls[call], w->now);
    return call - from;
}

static inline void finish_all(struct world *w)
{
    bool some = true;

    while (some) {
        some = false;
        while (governor_next(w->governor) != NULL) {
        }
        for (int i = 0; i < CALLS; i++) {
            if (w->calls[i].seat != NULL && w->calls[i].decision == GOVERNOR_GRANTED) {
                finish(w, i, GOVERNOR_UNUSED);
                some = true;
            } else if (w->calls[i].seat != NULL) {
                governor_cancel(w->governor, &w->calls[i], w->now);
                some = true;
            }
        }
    }
}

#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

#endif
