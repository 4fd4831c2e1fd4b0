/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The governor, sentence by sentence. Time is a number these tests add to; nothing
 * waits. The rules that must hold in every mixture of events are in
 * test_governor_property.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "governor/governor.h"

#define SECOND INT64_C(1000000)
#define CALLS 64

struct world {
    struct governor *governor;
    int64_t now;
    struct governor_ticket calls[CALLS];
};

static int open_world(void **state)
{
    struct governor_options options = governor_defaults(7);
    struct world *w = calloc(1, sizeof(*w));

    w->governor = governor_new(&options);
    w->now = 1000;
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;

    governor_free(w->governor);
    free(w);
    return 0;
}

static void add(struct world *w, const char *id, const char *tenant, const char *lane,
                int ceiling)
{
    struct governor_account account = {
        slice_str(id), slice_str(tenant), slice_str(lane), lane != NULL, ceiling, 32,
        10 * SECOND};

    governor_account_set(w->governor, &account, w->now);
}

static enum governor_decision ask_as(struct world *w, int call, const char *account,
                                     enum governor_priority priority)
{
    return governor_acquire(w->governor, &w->calls[call], slice_str(account),
                            SLICE("mcp_1"), priority, w->now);
}

static enum governor_decision ask(struct world *w, int call, const char *account)
{
    return ask_as(w, call, account, GOVERNOR_INTERACTIVE);
}

static void finish(struct world *w, int call, enum governor_outcome outcome)
{
    governor_release(w->governor, &w->calls[call], outcome, 0, w->now);
}

static void refuse(struct world *w, int call, int64_t retry_after_us)
{
    governor_release(w->governor, &w->calls[call], GOVERNOR_RATE_LIMITED,
                     retry_after_us, w->now);
}

static void pass(struct world *w, int64_t us)
{
    w->now += us;
    governor_tick(w->governor, w->now);
}

/* The number of the next decided call, or -1. */
static int next(struct world *w)
{
    struct governor_ticket *ticket = governor_next(w->governor);

    return ticket != NULL ? (int)(ticket - w->calls) : -1;
}

static void expect_next(struct world *w, int call, enum governor_decision decision)
{
    assert_int_equal(next(w), call);
    assert_int_equal(w->calls[call].decision, decision);
}

static struct governor_view look(struct world *w, const char *account)
{
    return governor_look(w->governor, slice_str(account), w->now);
}

static struct governor_lane_view lane(struct world *w, const char *id)
{
    struct governor_lane_view view = {0};

    assert_true(governor_lane(w->governor, slice_str(id), SLICE_EMPTY, w->now, &view));
    return view;
}

/* Asks until the account's slots are taken; returns how many that were. */
static int fill(struct world *w, int from, const char *account)
{
    int call = from;

    while (ask(w, call, account) == GOVERNOR_GRANTED) {
        call++;
    }
    governor_cancel(w->governor, &w->calls[call], w->now);
    return call - from;
}

static void finish_all(struct world *w)
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

/* Acquire, wait, be granted. */

static void test_acquire_grants_while_there_is_room(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 3);

    assert_int_equal(fill(w, 0, "a"), 3);
    assert_int_equal(lane(w, "lane").in_flight, 3);
    assert_int_equal(w->calls[0].since_us, w->now);
    assert_int_equal(w->calls[0].granted_us, w->now);
    assert_int_equal(next(w), -1);
    finish_all(w);
}

static void test_acquire_waits_when_all_slots_are_taken(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);

    assert_int_equal(ask(w, 0, "a"), GOVERNOR_GRANTED);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_WAITING);
    assert_int_equal(look(w, "a").queue_depth, 1);
    finish_all(w);
}

static void test_a_freed_slot_goes_to_the_first_waiter_at_once(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    ask(w, 1, "a");
    ask(w, 2, "a");
    w->now += 5;
    finish(w, 0, GOVERNOR_ANSWERED);

    expect_next(w, 1, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    assert_int_equal(w->calls[1].granted_us, w->now);
    assert_int_equal(w->calls[1].since_us, w->now - 5);
    finish_all(w);
}

static void test_interactive_goes_before_batch_and_first_come_within(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    add(w, "b", "t", "lane", 1);
    ask(w, 0, "a");
    ask_as(w, 1, "b", GOVERNOR_BATCH);
    ask_as(w, 2, "a", GOVERNOR_BATCH);
    ask_as(w, 3, "b", GOVERNOR_INTERACTIVE);
    ask_as(w, 4, "a", GOVERNOR_INTERACTIVE);

    int order[] = {0, 3, 4, 1, 2};
    for (int i = 1; i < 5; i++) {
        finish(w, order[i - 1], GOVERNOR_ANSWERED);
        expect_next(w, order[i], GOVERNOR_GRANTED);
    }
    finish_all(w);
}

static void test_many_accounts_of_a_lane_are_served_in_the_order_they_came(void **state)
{
    struct world *w = *state;
    char id[16];

    for (int i = 0; i < 20; i++) {
        snprintf(id, sizeof(id), "a%d", i);
        add(w, id, "t", "lane", 1);
    }
    ask(w, 20, "a0");
    for (int i = 0; i < 20; i++) {
        snprintf(id, sizeof(id), "a%d", (i * 7) % 20);
        assert_int_equal(ask(w, i, id), GOVERNOR_WAITING);
    }
    governor_cancel(w->governor, &w->calls[10], w->now);
    finish(w, 20, GOVERNOR_ANSWERED);

    for (int i = 0; i < 20; i++) {
        if (i != 10) {
            expect_next(w, i, GOVERNOR_GRANTED);
            finish(w, i, GOVERNOR_ANSWERED);
        }
    }
}

static void test_a_full_queue_refuses_and_keeps_nothing(void **state)
{
    struct world *w = *state;
    struct governor_account account = {SLICE("a"), SLICE("t"), SLICE("lane"), true,
                                       1,          2,          SECOND};

    governor_account_set(w->governor, &account, w->now);
    ask(w, 0, "a");
    ask(w, 1, "a");
    ask(w, 2, "a");

    assert_int_equal(ask(w, 3, "a"), GOVERNOR_REFUSED);
    assert_null(w->calls[3].seat);
    assert_int_equal(look(w, "a").queue_depth, 2);
    assert_int_equal(lane(w, "lane").refused_full, 1);
    finish_all(w);
}

static void test_a_queue_of_no_places_refuses_at_once(void **state)
{
    struct world *w = *state;
    struct governor_account account = {SLICE("a"), SLICE("t"), SLICE("lane"), true,
                                       1,          0,          SECOND};

    governor_account_set(w->governor, &account, w->now);

    assert_int_equal(ask(w, 0, "a"), GOVERNOR_GRANTED);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_REFUSED);
    finish_all(w);
}

static void test_a_wait_that_is_over_expires(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    ask(w, 1, "a");
    pass(w, 1);
    ask(w, 2, "a");

    assert_int_equal(governor_due_us(w->governor), w->now - 1 + 10 * SECOND);
    pass(w, 10 * SECOND - 2);
    assert_int_equal(next(w), -1);
    pass(w, 1);
    expect_next(w, 1, GOVERNOR_EXPIRED);
    assert_int_equal(next(w), -1);
    assert_null(w->calls[1].seat);
    pass(w, 1);
    expect_next(w, 2, GOVERNOR_EXPIRED);
    assert_int_equal(lane(w, "lane").expired, 2);
    assert_int_equal(governor_due_us(w->governor), INT64_MAX);
    finish_all(w);
}

static void test_waits_of_different_length_end_in_their_order(void **state)
{
    struct world *w = *state;

    for (int i = 1; i <= 9; i++) {
        struct governor_account account = {
            SLICE("a"), SLICE("t"), SLICE("lane"), true, 1, 32, (10 - i) * SECOND};
        governor_account_set(w->governor, &account, w->now);
        ask(w, i == 1 ? 0 : i, "a");
        ask(w, i + 20, "a");
    }
    governor_cancel(w->governor, &w->calls[24], w->now);
    governor_cancel(w->governor, &w->calls[5], w->now);

    pass(w, 100 * SECOND);
    for (int i = 9; i >= 1; i--) {
        if (i != 5 && i != 1) {
            expect_next(w, i, GOVERNOR_EXPIRED);
        }
        if (i != 4) {
            expect_next(w, i + 20, GOVERNOR_EXPIRED);
        }
    }
    assert_int_equal(next(w), -1);
    finish_all(w);
}

static void test_a_wait_longer_than_time_itself_does_not_overflow(void **state)
{
    struct world *w = *state;
    struct governor_account account = {SLICE("a"), SLICE("t"), SLICE("lane"), true,
                                       1,          2,          INT64_MAX};

    governor_account_set(w->governor, &account, w->now);
    ask(w, 0, "a");
    ask(w, 1, "a");

    assert_int_equal(governor_due_us(w->governor), INT64_MAX);
    pass(w, 1000000 * SECOND);
    assert_int_equal(next(w), -1);
    finish_all(w);
}

static void test_a_waiter_that_leaves_gives_up_its_place(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    ask(w, 1, "a");
    ask(w, 2, "a");
    governor_cancel(w->governor, &w->calls[1], w->now);
    finish(w, 0, GOVERNOR_ANSWERED);

    expect_next(w, 2, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    finish_all(w);
}

static void test_a_slot_just_given_to_a_call_that_leaves_goes_on(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    ask(w, 1, "a");
    ask(w, 2, "a");
    finish(w, 0, GOVERNOR_ANSWERED);
    governor_cancel(w->governor, &w->calls[1], w->now);

    expect_next(w, 2, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    finish_all(w);
}

static void test_cancel_takes_an_expired_call_off_the_decided(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    ask(w, 1, "a");
    pass(w, 10 * SECOND);
    governor_cancel(w->governor, &w->calls[1], w->now);

    assert_int_equal(next(w), -1);
    finish_all(w);
}

static void test_cancel_leaves_a_call_alone_that_holds_nothing(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    governor_cancel(w->governor, &w->calls[0], w->now);
    ask(w, 0, "a");
    finish(w, 0, GOVERNOR_ANSWERED);
    governor_cancel(w->governor, &w->calls[0], w->now);

    assert_int_equal(ask(w, 0, "a"), GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_decided_call_may_be_released_before_it_is_fetched(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    ask(w, 1, "a");
    finish(w, 0, GOVERNOR_ANSWERED);
    finish(w, 1, GOVERNOR_UNUSED);

    assert_int_equal(next(w), -1);
    assert_int_equal(look(w, "a").in_flight, 0);
}

static void test_an_unknown_account_is_told_that_it_is_gone(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, 0, "nobody"), GOVERNOR_REVOKED);
    assert_null(w->calls[0].seat);
    assert_false(governor_account_known(w->governor, SLICE("nobody")));
    governor_account_remove(w->governor, SLICE("nobody"), w->now);
    governor_server_revoke(w->governor, SLICE("nobody"), SLICE("mcp_1"), w->now);
    assert_int_equal(look(w, "nobody").limit, 0);
    assert_int_equal(look(w, "nobody").retry_after_s, 0);
}

/* Three ceilings. */

static void test_a_call_kept_back_by_its_account_does_not_block_the_lane(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    add(w, "b", "t", "lane", 1);
    governor_lane_set(w->governor, SLICE("lane"), 2, w->now);
    ask(w, 0, "a");
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_WAITING);

    assert_int_equal(ask(w, 2, "b"), GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_call_kept_back_by_its_tenant_does_not_block_the_lane(void **state)
{
    struct world *w = *state;

    add(w, "a", "small", "lane", 3);
    add(w, "b", "big", "lane", 3);
    governor_tenant_set(w->governor, SLICE("small"), 1, w->now);
    ask(w, 0, "b");
    ask(w, 1, "b");
    ask(w, 2, "a");
    ask(w, 3, "a");
    ask(w, 4, "b");
    finish(w, 0, GOVERNOR_ANSWERED);

    expect_next(w, 4, GOVERNOR_GRANTED);
    finish(w, 2, GOVERNOR_ANSWERED);
    expect_next(w, 3, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_tenant_ceiling_holds_over_two_lanes(void **state)
{
    struct world *w = *state;

    governor_tenant_set(w->governor, SLICE("t"), 3, w->now);
    add(w, "a", "t", "one", 5);
    add(w, "b", "t", "two", 5);

    assert_int_equal(ask(w, 0, "a"), GOVERNOR_GRANTED);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_GRANTED);
    assert_int_equal(ask(w, 2, "b"), GOVERNOR_GRANTED);
    assert_int_equal(ask(w, 3, "b"), GOVERNOR_WAITING);
    assert_int_equal(ask(w, 4, "a"), GOVERNOR_WAITING);
    assert_int_equal(look(w, "b").limit, 3);
    assert_int_equal(look(w, "b").remaining, 0);
    finish_all(w);
}

static void test_a_freed_tenant_slot_wakes_a_waiter_in_another_lane(void **state)
{
    struct world *w = *state;

    governor_tenant_set(w->governor, SLICE("t"), 1, w->now);
    add(w, "a", "t", "one", 5);
    add(w, "b", "t", "two", 5);
    ask(w, 0, "a");
    ask(w, 1, "b");
    ask(w, 2, "a");
    finish(w, 0, GOVERNOR_ANSWERED);

    expect_next(w, 1, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    finish(w, 1, GOVERNOR_ANSWERED);
    expect_next(w, 2, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_lifting_a_tenant_ceiling_wakes_all_it_kept_back(void **state)
{
    struct world *w = *state;

    governor_tenant_set(w->governor, SLICE("t"), 1, w->now);
    add(w, "a", "t", "one", 2);
    add(w, "b", "t", "two", 2);
    ask(w, 0, "a");
    for (int i = 1; i < 4; i++) {
        ask(w, 2 * i, "b");
        ask(w, 2 * i + 1, "a");
    }
    governor_tenant_set(w->governor, SLICE("t"), 0, w->now);

    expect_next(w, 2, GOVERNOR_GRANTED);
    expect_next(w, 3, GOVERNOR_GRANTED);
    expect_next(w, 4, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    finish_all(w);
}

static void test_the_earlier_call_goes_first_whichever_gate_kept_it(void **state)
{
    struct world *w = *state;

    /* Calls 2 (kept back by its tenant) and 3 (by the lane) want the slot that 1 frees.
     */
    for (int swap = 0; swap < 2; swap++) {
        governor_tenant_set(w->governor, SLICE("t"), 1, w->now);
        add(w, "a", "t", "lane", 2);
        add(w, "a2", "t", "lane", 2);
        add(w, "b", "u", "lane", 2);
        ask(w, 1, "a");
        if (swap == 0) {
            assert_int_equal(ask(w, 2, "a2"), GOVERNOR_WAITING);
            ask(w, 0, "b");
            assert_int_equal(ask(w, 3, "b"), GOVERNOR_WAITING);
        } else {
            ask(w, 0, "b");
            assert_int_equal(ask(w, 3, "b"), GOVERNOR_WAITING);
            assert_int_equal(ask(w, 2, "a2"), GOVERNOR_WAITING);
        }
        finish(w, 1, GOVERNOR_ANSWERED);

        expect_next(w, swap == 0 ? 2 : 3, GOVERNOR_GRANTED);
        assert_int_equal(next(w), -1);
        finish_all(w);
    }
}

/* Lanes: joining, settings. */

static void test_an_unproven_account_has_one_slot_in_a_lane_of_its_own(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", NULL, 5);
    add(w, "b", "t", NULL, 5);

    assert_int_equal(ask(w, 0, "a"), GOVERNOR_GRANTED);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_WAITING);
    assert_int_equal(ask(w, 2, "b"), GOVERNOR_GRANTED);
    assert_int_equal(look(w, "a").limit, 1);
    assert_int_equal(lane(w, "unproven:a").effective, 1);
    governor_lane_set(w->governor, SLICE("unproven:a"), 9, w->now);
    assert_int_equal(look(w, "a").limit, 1);
    governor_lane_set(w->governor, SLICE("unproven:a"), 0, w->now);
    finish_all(w);
}

static void test_joining_takes_waiting_and_running_calls_along(void **state)
{
    struct world *w = *state;
    struct governor_lane_view view;

    add(w, "b", "t", "lane", 3);
    ask(w, 9, "b");
    add(w, "a", "t", NULL, 3);
    ask(w, 0, "a");
    ask(w, 1, "a");
    ask(w, 2, "a");
    add(w, "a", "t", "lane", 3);

    expect_next(w, 1, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    view = lane(w, "lane");
    assert_int_equal(view.in_flight, 3);
    assert_int_equal(view.queued, 1);
    assert_int_equal(view.accounts, 2);
    assert_int_equal(view.granted, 2); /* call 0 was counted in the lane it began in */
    assert_false(
        governor_lane(w->governor, SLICE("unproven:a"), SLICE_EMPTY, w->now, &view));
    finish(w, 0, GOVERNOR_ANSWERED);
    expect_next(w, 2, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_moving_account_frees_the_slots_it_had_in_the_old_lane(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "one", 2);
    add(w, "b", "t", "one", 2);
    ask(w, 0, "a");
    ask(w, 1, "a");
    ask(w, 2, "b");
    ask(w, 3, "b");
    ask(w, 4, "b");
    add(w, "a", "t", "two", 2);

    expect_next(w, 2, GOVERNOR_GRANTED);
    expect_next(w, 3, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    assert_int_equal(lane(w, "two").in_flight, 2);
    finish_all(w);
}

static void test_an_account_may_change_its_tenant(void **state)
{
    struct world *w = *state;

    governor_tenant_set(w->governor, SLICE("t"), 1, w->now);
    add(w, "a", "t", "lane", 3);
    add(w, "b", "t", "lane", 3);
    ask(w, 0, "a");
    ask(w, 1, "a");
    ask(w, 2, "b");
    add(w, "a", "u", "lane", 3);

    expect_next(w, 1, GOVERNOR_GRANTED);
    expect_next(w, 2, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    finish_all(w);
}

static void test_the_lane_has_the_highest_ceiling_of_its_joined_accounts(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 2);
    add(w, "b", "t", "lane", 5);
    add(w, "c", "t", "lane", 4);
    assert_int_equal(lane(w, "lane").effective, 5);
    add(w, "b", "t", "lane", 3);
    assert_int_equal(lane(w, "lane").effective, 4);
    governor_account_remove(w->governor, SLICE("c"), w->now);
    assert_int_equal(lane(w, "lane").effective, 3);
    governor_account_remove(w->governor, SLICE("a"), w->now);
    assert_int_equal(lane(w, "lane").effective, 3);
    assert_int_equal(lane(w, "lane").ceiling, 0);
}

static void test_the_operators_ceiling_holds_instead(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 5);
    governor_lane_set(w->governor, SLICE("lane"), 2, w->now);
    add(w, "b", "t", "lane", 9);

    assert_int_equal(lane(w, "lane").effective, 2);
    assert_int_equal(lane(w, "lane").ceiling, 2);
    assert_int_equal(look(w, "a").limit, 2);
    assert_int_equal(fill(w, 0, "a"), 2);
    governor_lane_set(w->governor, SLICE("lane"), 0, w->now);
    assert_int_equal(look(w, "b").limit, 9);
    finish_all(w);
}

static void test_a_higher_ceiling_grants_to_waiters_at_once(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    for (int i = 0; i < 5; i++) {
        ask(w, i, "a");
    }
    add(w, "a", "t", "lane", 3);

    expect_next(w, 1, GOVERNOR_GRANTED);
    expect_next(w, 2, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    governor_lane_set(w->governor, SLICE("lane"), 9, w->now);
    assert_int_equal(next(w), -1); /* the account's own ceiling keeps them */
    finish_all(w);
}

static void test_a_lower_ceiling_drains(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 4);
    assert_int_equal(fill(w, 0, "a"), 4);
    ask(w, 9, "a");
    governor_lane_set(w->governor, SLICE("lane"), 2, w->now);

    assert_int_equal(lane(w, "lane").in_flight, 4);
    assert_int_equal(lane(w, "lane").draining, 2);
    assert_int_equal(look(w, "a").remaining, 0);
    finish(w, 0, GOVERNOR_ANSWERED);
    finish(w, 1, GOVERNOR_ANSWERED);
    assert_int_equal(next(w), -1);
    finish(w, 2, GOVERNOR_ANSWERED);
    expect_next(w, 9, GOVERNOR_GRANTED);
    assert_int_equal(lane(w, "lane").draining, 0);
    finish_all(w);
}

static void test_a_lower_account_ceiling_keeps_its_waiters_back(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 2);
    add(w, "b", "t", "lane", 2);
    ask(w, 0, "a");
    ask(w, 1, "b");
    ask(w, 2, "a");
    ask(w, 3, "b");
    add(w, "a", "t", "lane", 1);
    finish(w, 1, GOVERNOR_ANSWERED);

    expect_next(w, 3, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    finish_all(w);
}

/* After a refusal of the upstream. */

static int64_t pause_after(struct world *w, int call, int64_t retry_after_us)
{
    refuse(w, call, retry_after_us);
    return governor_due_us(w->governor) - w->now;
}

static void test_a_refusal_pauses_the_lane(void **state)
{
    struct world *w = *state;
    int64_t pause;

    add(w, "a", "t", "lane", 2);
    ask(w, 0, "a");
    pause = pause_after(w, 0, 0);

    assert_in_range(pause, 250001, 500000);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_WAITING);
    assert_int_equal(lane(w, "lane").paused_ms, (pause + 999) / 1000);
    assert_int_equal(lane(w, "lane").refused_upstream, 1);
    assert_int_equal(look(w, "a").remaining, 0);
    assert_int_equal(look(w, "a").reset_s, 1);
    pass(w, pause - 1);
    assert_int_equal(next(w), -1);
    pass(w, 1);
    expect_next(w, 1, GOVERNOR_GRANTED);
    assert_int_equal(lane(w, "lane").paused_ms, 0);
    finish_all(w);
}

static void test_refusals_in_a_row_double_the_pause_up_to_the_most(void **state)
{
    struct world *w = *state;
    int64_t most = 500000, sum = 0;

    add(w, "a", "t", "lane", 2);
    for (int i = 0; i < 80; i++) {
        ask(w, 0, "a");
        int64_t pause = pause_after(w, 0, 0);
        assert_in_range(pause, most / 2 + 1, most);
        sum += pause == most ? 1 : 0;
        pass(w, pause);
        most = most * 2 < 30 * SECOND ? most * 2 : 30 * SECOND;
    }
    assert_in_range(sum, 0, 5); /* it is random, not the most each time */
}

static void test_an_answer_after_the_pause_ends_the_back_off(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 2);
    for (int i = 0; i < 3; i++) {
        ask(w, 0, "a");
        pass(w, pause_after(w, 0, 0));
    }
    ask(w, 0, "a");
    finish(w, 0, GOVERNOR_ANSWERED);
    ask(w, 0, "a");

    assert_in_range(pause_after(w, 0, 0), 250001, 500000);
}

static void test_calls_under_way_at_a_refusal_are_one_step_with_it(void **state)
{
    struct world *w = *state;
    int64_t due;

    add(w, "a", "t", "lane", 4);
    assert_int_equal(fill(w, 0, "a"), 4);
    refuse(w, 0, 0);
    due = governor_due_us(w->governor);
    refuse(w, 1, 0);
    assert_int_equal(governor_due_us(w->governor), due);
    finish(w, 2, GOVERNOR_ANSWERED); /* says nothing about the time after */
    pass(w, due - w->now);
    ask(w, 0, "a");

    assert_in_range(pause_after(w, 0, 0), 500001, 1000000);
    finish_all(w);
}

static void test_a_late_refusal_pauses_again_without_a_further_step(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 4);
    assert_int_equal(fill(w, 0, "a"), 4);
    pass(w, pause_after(w, 0, 0));

    assert_in_range(pause_after(w, 1, 0), 250001, 500000);
    pass(w, SECOND);
    ask(w, 0, "a");
    finish(w, 0, GOVERNOR_ANSWERED);
    assert_in_range(pause_after(w, 2, 0), 250001, 500000);
    finish_all(w);
}

static void test_the_upstreams_own_wish_is_the_least_pause(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 2);
    assert_int_equal(fill(w, 0, "a"), 2);
    assert_int_equal(pause_after(w, 0, 7 * SECOND), 7 * SECOND);
    assert_int_equal(look(w, "a").reset_s, 7);
    assert_int_equal(look(w, "a").retry_after_s, 7);
    pass(w, SECOND);
    assert_int_equal(pause_after(w, 1, 8 * SECOND), 8 * SECOND);
    pass(w, 8 * SECOND);
    ask(w, 0, "a");
    assert_in_range(pause_after(w, 0, 1), 500001, 1000000);
    pass(w, SECOND);
    ask(w, 0, "a");
    assert_int_equal(pause_after(w, 0, INT64_MAX), 3600 * SECOND);
}

static void test_pauses_of_several_lanes_end_in_their_order(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "one", 2);
    add(w, "b", "t", "two", 2);
    add(w, "c", "t", "three", 2);
    fill(w, 0, "a");
    fill(w, 2, "b");
    fill(w, 4, "c");
    refuse(w, 0, 5 * SECOND);
    refuse(w, 2, 5 * SECOND);
    refuse(w, 4, 4 * SECOND);
    refuse(w, 5, 9 * SECOND);
    ask(w, 12, "c");
    ask(w, 11, "b");
    ask(w, 10, "a");
    pass(w, 9 * SECOND);

    expect_next(w, 10, GOVERNOR_GRANTED);
    expect_next(w, 11, GOVERNOR_GRANTED);
    expect_next(w, 12, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_call_may_wait_out_in_a_pause(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 2);
    ask(w, 0, "a");
    refuse(w, 0, 20 * SECOND);
    ask(w, 1, "a");
    pass(w, 10 * SECOND);

    expect_next(w, 1, GOVERNOR_EXPIRED);
    finish_all(w);
}

static void test_nobody_overtakes_when_the_timer_is_late(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    refuse(w, 0, 0);
    ask(w, 1, "a");
    w->now += SECOND; /* the pause is over, no tick came */

    assert_int_equal(ask(w, 2, "a"), GOVERNOR_WAITING);
    expect_next(w, 1, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_late_timer_settles_events_in_the_order_of_their_times(void **state)
{
    struct world *w = *state;
    struct governor_account account = {SLICE("a"), SLICE("t"), SLICE("lane"), true,
                                       1,          2,          31 * SECOND};

    governor_account_set(w->governor, &account, w->now);
    ask(w, 0, "a");
    ask(w, 1, "a");
    finish(w, 0, GOVERNOR_LOST); /* free after 30 s, before the wait is over */
    pass(w, 90 * SECOND);

    expect_next(w, 1, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_time_does_not_go_back(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    pass(w, 50 * SECOND);
    ask(w, 0, "a");
    w->now = 0;
    ask(w, 1, "a");

    assert_int_equal(w->calls[1].since_us, 1000 + 50 * SECOND);
    finish_all(w);
}

/* Lost connections. */

static void test_a_lost_call_keeps_its_slot_for_a_while(void **state)
{
    struct world *w = *state;
    struct governor_account account = {SLICE("a"), SLICE("t"), SLICE("lane"), true,
                                       1,          2,          60 * SECOND};

    governor_account_set(w->governor, &account, w->now);
    ask(w, 0, "a");
    finish(w, 0, GOVERNOR_LOST);
    memset(&w->calls[0], 0, sizeof(w->calls[0])); /* the memory is the caller's */

    assert_int_equal(ask(w, 0, "a"), GOVERNOR_WAITING);
    assert_int_equal(lane(w, "lane").in_flight, 1);
    assert_int_equal(lane(w, "lane").draining, 1);
    pass(w, 30 * SECOND - 1);
    assert_int_equal(next(w), -1);
    pass(w, 1);
    expect_next(w, 0, GOVERNOR_GRANTED);
    assert_int_equal(lane(w, "lane").draining, 0);
    finish_all(w);
}

static void test_a_removed_account_stays_until_its_lost_calls_are_over(void **state)
{
    struct world *w = *state;
    struct governor_lane_view view;

    add(w, "a", "t", "lane", 2);
    ask(w, 0, "a");
    ask(w, 1, "a");
    finish(w, 0, GOVERNOR_LOST);
    governor_account_remove(w->governor, SLICE("a"), w->now);
    finish(w, 1, GOVERNOR_ANSWERED);

    assert_int_equal(lane(w, "lane").in_flight, 1);
    assert_int_equal(lane(w, "lane").accounts, 0);
    assert_int_equal(lane(w, "lane").effective, 0);
    pass(w, 30 * SECOND);
    assert_false(governor_lane(w->governor, SLICE("lane"), SLICE_EMPTY, w->now, &view));
}

static void test_a_hold_without_end_does_not_overflow(void **state)
{
    struct world *w = *state;
    struct governor_options options = governor_defaults(1);

    options.lost_hold_us = INT64_MAX;
    governor_free(w->governor);
    w->governor = governor_new(&options);
    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    finish(w, 0, GOVERNOR_LOST);
    pass(w, 1000 * SECOND);

    assert_int_equal(look(w, "a").in_flight, 1);
    assert_int_equal(governor_due_us(w->governor), INT64_MAX);
}

/* Removal. */

static void
test_removing_an_account_revokes_who_waits_and_lets_run_who_runs(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    ask_as(w, 1, "a", GOVERNOR_BATCH);
    ask(w, 2, "a");
    governor_account_remove(w->governor, SLICE("a"), w->now);

    expect_next(w, 2, GOVERNOR_REVOKED);
    expect_next(w, 1, GOVERNOR_REVOKED);
    assert_int_equal(next(w), -1);
    assert_false(governor_account_known(w->governor, SLICE("a")));
    assert_int_equal(ask(w, 3, "a"), GOVERNOR_REVOKED);
    assert_int_equal(look(w, "a").limit, 0);
    assert_int_equal(lane(w, "lane").in_flight, 1);
    governor_account_remove(w->governor, SLICE("a"), w->now);
    finish(w, 0, GOVERNOR_ANSWERED);
}

static void
test_an_account_that_comes_back_finds_its_running_calls_counted(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 2);
    ask(w, 0, "a");
    ask(w, 1, "a");
    governor_account_remove(w->governor, SLICE("a"), w->now);
    add(w, "a", "t", "lane", 2);

    assert_true(governor_account_known(w->governor, SLICE("a")));
    assert_int_equal(look(w, "a").in_flight, 2);
    assert_int_equal(ask(w, 2, "a"), GOVERNOR_WAITING);
    finish(w, 0, GOVERNOR_ANSWERED);
    expect_next(w, 2, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_the_waiters_of_a_revoked_server_leave_and_no_others(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    for (int i = 1; i < 7; i++) {
        governor_acquire(w->governor, &w->calls[i], SLICE("a"),
                         i % 2 == 0 ? SLICE("even") : SLICE("odd"),
                         i < 4 ? GOVERNOR_INTERACTIVE : GOVERNOR_BATCH, w->now);
    }
    governor_server_revoke(w->governor, SLICE("a"), SLICE("odd"), w->now);

    expect_next(w, 1, GOVERNOR_REVOKED);
    expect_next(w, 3, GOVERNOR_REVOKED);
    expect_next(w, 5, GOVERNOR_REVOKED);
    assert_int_equal(next(w), -1);
    finish(w, 0, GOVERNOR_ANSWERED);
    expect_next(w, 2, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_accounts_come_and_go_and_leave_nothing(void **state)
{
    struct world *w = *state;
    struct arena *arena = arena_new();
    struct governor_lane_view *views;
    char id[16], tenant[16], lane_id[16];

    for (int i = 0; i < 500; i++) {
        snprintf(id, sizeof(id), "a%d", i);
        snprintf(tenant, sizeof(tenant), "t%d", i % 50);
        snprintf(lane_id, sizeof(lane_id), "l%d", (i * 37) % 100);
        add(w, id, tenant, i % 3 == 0 ? NULL : lane_id, 1 + i % 7);
        if (ask(w, 0, id) == GOVERNOR_GRANTED) {
            refuse(w, 0, 0);
        } else {
            governor_cancel(w->governor, &w->calls[0], w->now);
        }
    }
    assert_true(governor_lanes(w->governor, arena, SLICE_EMPTY, w->now, &views) > 200);
    for (int i = 0; i < 500; i++) {
        snprintf(id, sizeof(id), "a%d", (i * 7) % 500);
        governor_account_remove(w->governor, slice_str(id), w->now);
    }

    assert_int_equal(governor_lanes(w->governor, arena, SLICE_EMPTY, w->now, &views),
                     0);
    assert_int_equal(governor_due_us(w->governor), INT64_MAX);
    arena_free(arena);
}

static void test_settings_survive_the_accounts(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 5);
    governor_lane_set(w->governor, SLICE("lane"), 3, w->now);
    governor_tenant_set(w->governor, SLICE("t"), 2, w->now);
    governor_account_remove(w->governor, SLICE("a"), w->now);
    assert_int_equal(lane(w, "lane").effective, 3);
    add(w, "b", "t", "lane", 5);

    assert_int_equal(look(w, "b").limit, 2);
    governor_tenant_set(w->governor, SLICE("t"), 0, w->now);
    assert_int_equal(look(w, "b").limit, 3);
}

static void test_free_takes_what_is_on_hold_and_what_nobody_fetched(void **state)
{
    struct world *w = *state;
    struct governor_options options = governor_defaults(3);
    struct world other = {.governor = governor_new(&options), .now = 5};

    (void)w;
    governor_free(NULL);
    governor_lane_set(other.governor, SLICE("kept"), 3, other.now);
    governor_tenant_set(other.governor, SLICE("kept"), 3, other.now);
    add(&other, "a", "t", "lane", 2);
    ask(&other, 0, "a");
    ask(&other, 1, "a");
    ask(&other, 2, "a");
    pass(&other, 10 * SECOND);
    finish(&other, 0, GOVERNOR_LOST);
    refuse(&other, 1, 0);
    governor_free(other.governor);
    assert_int_equal(other.calls[2].decision, GOVERNOR_EXPIRED);
}

/* What is shown. */

static void test_look_says_what_is_free_and_when(void **state)
{
    struct world *w = *state;
    struct governor_view view;

    add(w, "a", "t", "lane", 4);
    view = look(w, "a");
    assert_int_equal(view.limit, 4);
    assert_int_equal(view.remaining, 4);
    assert_int_equal(view.reset_s, 0);
    assert_int_equal(view.retry_after_s, 1);
    fill(w, 0, "a");
    assert_int_equal(look(w, "a").reset_s, 1); /* nothing measured yet */
    pass(w, 6 * SECOND);
    finish(w, 0, GOVERNOR_ANSWERED); /* a slot is kept for 6 s */
    assert_int_equal(look(w, "a").reset_s, 0);
    assert_int_equal(look(w, "a").remaining, 1);
    ask(w, 0, "a");

    assert_int_equal(look(w, "a").reset_s, 2); /* 6 s / 4 slots, rounded up */
    for (int i = 10; i < 15; i++) {
        ask(w, i, "a");
    }
    view = look(w, "a");
    assert_int_equal(view.in_flight, 4);
    assert_int_equal(view.queue_depth, 5);
    assert_int_equal(view.retry_after_s, 9); /* 6 calls x 6 s / 4 slots */
    finish_all(w);
}

static void test_the_slowest_of_the_three_queues_makes_the_estimate(void **state)
{
    struct world *w = *state;

    governor_tenant_set(w->governor, SLICE("t"), 1, w->now);
    add(w, "a", "t", "one", 2);
    add(w, "b", "t", "two", 2);
    add(w, "c", "u", "one", 2);
    ask(w, 0, "a");
    pass(w, 4 * SECOND);
    finish(w, 0, GOVERNOR_ANSWERED);
    ask(w, 0, "a");
    ask(w, 1, "b");
    ask(w, 2, "b");

    assert_int_equal(look(w, "a").retry_after_s, 12); /* third in its tenant's queue */
    assert_int_equal(look(w, "c").retry_after_s, 1);  /* free */
    finish_all(w);
}

static void test_an_account_takes_its_waiters_out_of_the_old_estimates(void **state)
{
    struct world *w = *state;

    governor_tenant_set(w->governor, SLICE("t"), 1, w->now);
    add(w, "a", "t", "lane", 1);
    add(w, "b", "t", "lane", 1);
    ask(w, 0, "a");
    pass(w, 2 * SECOND);
    finish(w, 0, GOVERNOR_ANSWERED);
    ask(w, 0, "a");
    for (int i = 1; i < 9; i++) {
        ask(w, i, "b");
    }
    assert_int_equal(look(w, "a").retry_after_s, 18);
    add(w, "b", "u", "elsewhere", 1);

    assert_int_equal(look(w, "a").retry_after_s, 2);
    finish_all(w);
}

static void test_one_endless_call_does_not_spoil_the_estimate_for_good(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    pass(w, 100000 * SECOND);
    finish(w, 0, GOVERNOR_ANSWERED);
    ask(w, 0, "a");
    assert_int_equal(look(w, "a").retry_after_s, 3600);
    for (int i = 0; i < 100; i++) {
        pass(w, SECOND);
        finish(w, 0, GOVERNOR_ANSWERED);
        ask(w, 0, "a");
    }
    assert_in_range(look(w, "a").retry_after_s, 1, 2);
    finish_all(w);
}

static void test_lanes_are_listed_in_the_order_of_their_names(void **state)
{
    struct world *w = *state;
    struct arena *arena = arena_new();
    struct governor_lane_view *views;
    size_t count;

    add(w, "a", "t", "mm", 1);
    add(w, "b", "t", "zz", 1);
    add(w, "c", "u", "aa", 1);
    governor_lane_set(w->governor, SLICE("kk"), 4, w->now);
    count = governor_lanes(w->governor, arena, SLICE_EMPTY, w->now, &views);

    assert_int_equal(count, 4);
    assert_true(slice_is(views[0].lane, "aa"));
    assert_true(slice_is(views[1].lane, "kk"));
    assert_true(slice_is(views[2].lane, "mm"));
    assert_true(slice_is(views[3].lane, "zz"));
    assert_int_equal(views[1].accounts, 0);
    assert_int_equal(views[1].ceiling, 4);
    arena_free(arena);
}

static void test_a_tenant_sees_its_own_counts_only(void **state)
{
    struct world *w = *state;
    struct arena *arena = arena_new();
    struct governor_lane_view *views, view;

    add(w, "a", "t", "shared", 3);
    add(w, "a2", "t", "shared", 3);
    add(w, "a3", "t", "other", 3);
    add(w, "b", "u", "shared", 3);
    governor_lane_set(w->governor, SLICE("shared"), 4, w->now);
    ask(w, 0, "a");
    for (int i = 1; i < 6; i++) {
        ask(w, i, "b");
    }
    governor_account_remove(w->governor, SLICE("b"), w->now);
    add(w, "b", "u", "shared", 3);

    assert_int_equal(governor_lanes(w->governor, arena, SLICE("t"), w->now, &views), 2);
    assert_true(slice_is(views[0].lane, "other"));
    assert_true(slice_is(views[1].lane, "shared"));
    assert_int_equal(views[1].effective, 4);
    assert_int_equal(views[1].in_flight, 1);
    assert_int_equal(views[1].accounts, 2);
    assert_int_equal(views[1].granted, 1);
    assert_int_equal(lane(w, "shared").in_flight, 4);
    assert_int_equal(lane(w, "shared").granted, 4);
    assert_true(governor_lane(w->governor, SLICE("shared"), SLICE("u"), w->now, &view));
    assert_int_equal(view.in_flight, 3);
    assert_false(governor_lane(w->governor, SLICE("other"), SLICE("u"), w->now, &view));
    assert_false(governor_lane(w->governor, SLICE("none"), SLICE("t"), w->now, &view));
    assert_int_equal(governor_lanes(w->governor, arena, SLICE("x"), w->now, &views), 0);
    finish_all(w);
    arena_free(arena);
}

/* Programmer errors. */

static void release_twice(struct world *w)
{
    finish(w, 0, GOVERNOR_ANSWERED);
    finish(w, 0, GOVERNOR_ANSWERED);
}

static void release_a_waiting_call(struct world *w)
{
    ask(w, 1, "a");
    finish(w, 1, GOVERNOR_ANSWERED);
}

static void cancel_a_running_call(struct world *w)
{
    governor_cancel(w->governor, &w->calls[0], w->now);
}

static void acquire_twice(struct world *w)
{
    ask(w, 0, "a");
}

static void free_with_a_running_call(struct world *w)
{
    governor_free(w->governor);
}

static void assert_aborts(struct world *w, void (*fn)(struct world *w))
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(3);
        }
        fn(w);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void test_a_slot_cannot_be_given_back_or_lost_twice(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");

    assert_aborts(w, release_twice);
    assert_aborts(w, release_a_waiting_call);
    assert_aborts(w, cancel_a_running_call);
    assert_aborts(w, acquire_twice);
    assert_aborts(w, free_with_a_running_call);
    finish_all(w);
}

#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(test_acquire_grants_while_there_is_room),
        SENTENCE(test_acquire_waits_when_all_slots_are_taken),
        SENTENCE(test_a_freed_slot_goes_to_the_first_waiter_at_once),
        SENTENCE(test_interactive_goes_before_batch_and_first_come_within),
        SENTENCE(test_many_accounts_of_a_lane_are_served_in_the_order_they_came),
        SENTENCE(test_a_full_queue_refuses_and_keeps_nothing),
        SENTENCE(test_a_queue_of_no_places_refuses_at_once),
        SENTENCE(test_a_wait_that_is_over_expires),
        SENTENCE(test_waits_of_different_length_end_in_their_order),
        SENTENCE(test_a_wait_longer_than_time_itself_does_not_overflow),
        SENTENCE(test_a_waiter_that_leaves_gives_up_its_place),
        SENTENCE(test_a_slot_just_given_to_a_call_that_leaves_goes_on),
        SENTENCE(test_cancel_takes_an_expired_call_off_the_decided),
        SENTENCE(test_cancel_leaves_a_call_alone_that_holds_nothing),
        SENTENCE(test_a_decided_call_may_be_released_before_it_is_fetched),
        SENTENCE(test_an_unknown_account_is_told_that_it_is_gone),
        SENTENCE(test_a_call_kept_back_by_its_account_does_not_block_the_lane),
        SENTENCE(test_a_call_kept_back_by_its_tenant_does_not_block_the_lane),
        SENTENCE(test_a_tenant_ceiling_holds_over_two_lanes),
        SENTENCE(test_a_freed_tenant_slot_wakes_a_waiter_in_another_lane),
        SENTENCE(test_lifting_a_tenant_ceiling_wakes_all_it_kept_back),
        SENTENCE(test_the_earlier_call_goes_first_whichever_gate_kept_it),
        SENTENCE(test_an_unproven_account_has_one_slot_in_a_lane_of_its_own),
        SENTENCE(test_joining_takes_waiting_and_running_calls_along),
        SENTENCE(test_a_moving_account_frees_the_slots_it_had_in_the_old_lane),
        SENTENCE(test_an_account_may_change_its_tenant),
        SENTENCE(test_the_lane_has_the_highest_ceiling_of_its_joined_accounts),
        SENTENCE(test_the_operators_ceiling_holds_instead),
        SENTENCE(test_a_higher_ceiling_grants_to_waiters_at_once),
        SENTENCE(test_a_lower_ceiling_drains),
        SENTENCE(test_a_lower_account_ceiling_keeps_its_waiters_back),
        SENTENCE(test_a_refusal_pauses_the_lane),
        SENTENCE(test_refusals_in_a_row_double_the_pause_up_to_the_most),
        SENTENCE(test_an_answer_after_the_pause_ends_the_back_off),
        SENTENCE(test_calls_under_way_at_a_refusal_are_one_step_with_it),
        SENTENCE(test_a_late_refusal_pauses_again_without_a_further_step),
        SENTENCE(test_the_upstreams_own_wish_is_the_least_pause),
        SENTENCE(test_pauses_of_several_lanes_end_in_their_order),
        SENTENCE(test_a_call_may_wait_out_in_a_pause),
        SENTENCE(test_nobody_overtakes_when_the_timer_is_late),
        SENTENCE(test_a_late_timer_settles_events_in_the_order_of_their_times),
        SENTENCE(test_time_does_not_go_back),
        SENTENCE(test_a_lost_call_keeps_its_slot_for_a_while),
        SENTENCE(test_a_removed_account_stays_until_its_lost_calls_are_over),
        SENTENCE(test_a_hold_without_end_does_not_overflow),
        SENTENCE(test_removing_an_account_revokes_who_waits_and_lets_run_who_runs),
        SENTENCE(test_an_account_that_comes_back_finds_its_running_calls_counted),
        SENTENCE(test_the_waiters_of_a_revoked_server_leave_and_no_others),
        SENTENCE(test_accounts_come_and_go_and_leave_nothing),
        SENTENCE(test_settings_survive_the_accounts),
        SENTENCE(test_free_takes_what_is_on_hold_and_what_nobody_fetched),
        SENTENCE(test_look_says_what_is_free_and_when),
        SENTENCE(test_the_slowest_of_the_three_queues_makes_the_estimate),
        SENTENCE(test_an_account_takes_its_waiters_out_of_the_old_estimates),
        SENTENCE(test_one_endless_call_does_not_spoil_the_estimate_for_good),
        SENTENCE(test_lanes_are_listed_in_the_order_of_their_names),
        SENTENCE(test_a_tenant_sees_its_own_counts_only),
        SENTENCE(test_a_slot_cannot_be_given_back_or_lost_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
