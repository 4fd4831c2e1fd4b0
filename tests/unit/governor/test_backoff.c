/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a refusal of the upstream, after a lost connection, after a late timer.
 */
#include "tests/unit/governor/world.h"

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

    assert_in_range(pause, 1, 500000);
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
    int64_t most = 500000, short_ones = 0;

    add(w, "a", "t", "lane", 2);
    for (int i = 0; i < 80; i++) {
        ask(w, 0, "a");
        int64_t pause = pause_after(w, 0, 0);
        assert_in_range(pause, 1, most);
        short_ones += pause < most / 2 ? 1 : 0;
        pass(w, pause);
        most = most * 2 < 30 * SECOND ? most * 2 : 30 * SECOND;
    }
    assert_in_range(short_ones, 20, 60); /* anything from nothing to the most */
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

    assert_in_range(pause_after(w, 0, 0), 1, 500000);
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
    finish(w, 3, GOVERNOR_ANSWERED);
    pass(w, due - w->now);
    ask(w, 0, "a");

    assert_in_range(pause_after(w, 0, 0), 1, 1000000);
    finish_all(w);
}

static void test_a_late_refusal_pauses_again_without_a_further_step(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 4);
    assert_int_equal(fill(w, 0, "a"), 4);
    pass(w, pause_after(w, 0, 0));

    assert_in_range(pause_after(w, 1, 0), 1, 500000);
    finish(w, 3, GOVERNOR_ANSWERED);
    pass(w, SECOND);
    ask(w, 0, "a");
    finish(w, 0, GOVERNOR_ANSWERED);
    assert_in_range(pause_after(w, 2, 0), 1, 500000);
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
    assert_in_range(pause_after(w, 0, 1), 1, 1000000);
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
    finish(w, 1, GOVERNOR_ANSWERED);
    finish(w, 3, GOVERNOR_ANSWERED);
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
    ask(w, 1, "a");
    refuse(w, 0, 5 * SECOND);
    assert_int_equal(ask(w, 2, "a"), GOVERNOR_WAITING);
    refuse(w, 1, 20 * SECOND); /* longer than it was when call 2 joined */
    pass(w, 10 * SECOND);

    expect_next(w, 2, GOVERNOR_EXPIRED);
    finish_all(w);
}

static void test_nobody_joins_to_wait_out_in_a_pause(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 2);
    ask(w, 0, "a");
    refuse(w, 0, 20 * SECOND);

    assert_int_equal(ask(w, 1, "a"), GOVERNOR_TOO_LATE);
    assert_null(w->calls[1].seat);
    assert_in_range(w->calls[1].estimate_us, 20 * SECOND, 21 * SECOND);
    assert_int_equal(lane(w, "lane").refused_late, 1);
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

    add_a(w, 1, 2, 31 * SECOND);
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

    add_a(w, 1, 2, 60 * SECOND);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(test_a_refusal_pauses_the_lane),
        SENTENCE(test_refusals_in_a_row_double_the_pause_up_to_the_most),
        SENTENCE(test_an_answer_after_the_pause_ends_the_back_off),
        SENTENCE(test_calls_under_way_at_a_refusal_are_one_step_with_it),
        SENTENCE(test_a_late_refusal_pauses_again_without_a_further_step),
        SENTENCE(test_the_upstreams_own_wish_is_the_least_pause),
        SENTENCE(test_pauses_of_several_lanes_end_in_their_order),
        SENTENCE(test_a_call_may_wait_out_in_a_pause),
        SENTENCE(test_nobody_joins_to_wait_out_in_a_pause),
        SENTENCE(test_nobody_overtakes_when_the_timer_is_late),
        SENTENCE(test_a_late_timer_settles_events_in_the_order_of_their_times),
        SENTENCE(test_time_does_not_go_back),
        SENTENCE(test_a_lost_call_keeps_its_slot_for_a_while),
        SENTENCE(test_a_removed_account_stays_until_its_lost_calls_are_over),
        SENTENCE(test_a_hold_without_end_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
