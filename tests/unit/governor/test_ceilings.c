/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three ceilings at once, lanes and their settings, accounts that join and move.
 */
#include "tests/unit/governor/world.h"

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

/* Shares. */

static void test_shares_of_a_ceiling_come_to_it_and_to_no_more(void **state)
{
    (void)state;
    for (int ceiling = 1; ceiling <= 9; ceiling++) {
        int granted = 0;
        for (int share = 0; share < 4; share++) {
            struct governor_options options = governor_defaults(7);
            struct governor_ticket calls[9] = {{.seat = NULL}};
            struct governor *governor = governor_new(&options);
            const struct governor_account account = {.id = SLICE("a"),
                                                     .tenant = SLICE("t"),
                                                     .lane = SLICE("lane"),
                                                     .joined = true,
                                                     .ceiling = ceiling};
            governor_set_share(governor, share, 4);
            governor_account_set(governor, &account, 1);
            int own = 0;
            const struct governor_call call = {
                .account = SLICE("a"), .server = SLICE("mcp_1"), .weight = 1};
            while (governor_acquire(governor, &calls[own], &call, 1) ==
                   GOVERNOR_GRANTED) {
                own++;
            }
            assert_int_equal(governor_look(governor, SLICE("a"), 1).limit, own);
            for (int i = 0; i < own; i++) {
                governor_release(governor, &calls[i], GOVERNOR_ANSWERED, 0, 1);
            }
            granted += own;
            governor_free(governor);
        }
        assert_int_equal(granted, ceiling);
    }
}

static void test_on_trial_each_share_that_is_one_grants_one(void **state)
{
    struct world *w = *state;
    struct governor_account account = account_a(7, 32, PATIENCE);

    account.on_trial = true;
    governor_set_share(w->governor, 1, 3);
    governor_account_set(w->governor, &account, w->now);
    assert_int_equal(look(w, "a").limit, 1);
    assert_int_equal(lane(w, "lane").usual, 7);
    account.on_trial = false;
    governor_account_set(w->governor, &account, w->now);
    assert_int_equal(look(w, "a").limit, 2);
    assert_int_equal(lane(w, "lane").usual, 7);
    account.ceiling = 1;
    account.on_trial = true;
    governor_account_set(w->governor, &account, w->now);
    assert_int_equal(look(w, "a").limit, 0);
    assert_int_equal(ask(w, 0, "a"), GOVERNOR_REFUSED);
}

static void test_who_has_no_share_of_a_ceiling_is_refused_at_once(void **state)
{
    struct world *w = *state;

    governor_set_share(w->governor, 1, 2);
    add(w, "a", "t", "lane", 1);
    add(w, "b", "small", "other", 4);
    add(w, "c", "t", "narrow", 4);
    governor_tenant_set(w->governor, SLICE("small"), 1, w->now);
    governor_lane_set(w->governor, SLICE("narrow"), 1, w->now);

    assert_int_equal(ask(w, 0, "a"), GOVERNOR_REFUSED);
    assert_int_equal(ask(w, 0, "b"), GOVERNOR_REFUSED);
    assert_int_equal(ask(w, 0, "c"), GOVERNOR_REFUSED);
    assert_int_equal(look(w, "b").limit, 0);
    governor_tenant_set(w->governor, SLICE("small"), 2, w->now);
    assert_int_equal(ask(w, 0, "b"), GOVERNOR_GRANTED);
    finish_all(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        SENTENCE(test_shares_of_a_ceiling_come_to_it_and_to_no_more),
        SENTENCE(test_on_trial_each_share_that_is_one_grants_one),
        SENTENCE(test_who_has_no_share_of_a_ceiling_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
