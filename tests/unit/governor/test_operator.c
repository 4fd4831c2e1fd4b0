/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's hand: pause, drain, resume, kick; and what is shown of those who wait.
 */
#include "tests/unit/governor/world.h"

static void set_mode(struct world *w, enum governor_lane_mode mode)
{
    governor_lane_mode_set(w->governor, SLICE("lane"), mode, w->now);
}

static void test_a_paused_lane_keeps_calls_waiting(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 2);
    ask(w, 0, "a");
    set_mode(w, GOVERNOR_PAUSED);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_WAITING);
    finish(w, 0, GOVERNOR_ANSWERED);
    assert_int_equal(next(w), -1);
    assert_int_equal(look(w, "a").remaining, 0);
    assert_int_equal(lane(w, "lane").mode, GOVERNOR_PAUSED);
    set_mode(w, GOVERNOR_RUNNING);

    expect_next(w, 1, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_pause_does_not_lengthen_a_wait(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 2);
    set_mode(w, GOVERNOR_PAUSED);
    ask(w, 1, "a");
    pass(w, PATIENCE);

    expect_next(w, 1, GOVERNOR_EXPIRED);
}

static void test_a_draining_lane_sends_off_and_ends_what_runs(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    ask(w, 1, "a");
    ask_as(w, 2, "a", GOVERNOR_BATCH);
    set_mode(w, GOVERNOR_DRAINING);

    expect_next(w, 1, GOVERNOR_TURNED_AWAY);
    expect_next(w, 2, GOVERNOR_TURNED_AWAY);
    assert_int_equal(ask(w, 3, "a"), GOVERNOR_TURNED_AWAY);
    assert_null(w->calls[3].seat);
    assert_int_equal(lane(w, "lane").in_flight, 1);
    finish(w, 0, GOVERNOR_ANSWERED);
    assert_int_equal(lane(w, "lane").in_flight, 0);
    set_mode(w, GOVERNOR_RUNNING);
    assert_int_equal(ask(w, 3, "a"), GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_held_lane_outlives_its_accounts(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    set_mode(w, GOVERNOR_PAUSED);
    governor_account_remove(w->governor, SLICE("a"), w->now);
    add(w, "a", "t", "lane", 1);

    assert_int_equal(ask(w, 0, "a"), GOVERNOR_WAITING);
    finish_all(w);
}

static void test_nobody_brings_a_line_along_to_a_draining_lane(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "elsewhere", 1);
    ask(w, 0, "a");
    ask(w, 1, "a");
    ask_as(w, 2, "a", GOVERNOR_BATCH);
    set_mode(w, GOVERNOR_DRAINING);
    add(w, "a", "t", "lane", 1);

    expect_next(w, 1, GOVERNOR_TURNED_AWAY);
    expect_next(w, 2, GOVERNOR_TURNED_AWAY);
    assert_int_equal(next(w), -1);
    assert_int_equal(lane(w, "lane").queued, 0);
    assert_int_equal(lane(w, "lane").in_flight, 1);
    finish_all(w);
}

/* Nobody knows when the operator opens it; not in a second. */
static void test_a_lane_that_is_closed_is_asked_again_after_a_while(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    assert_int_equal(look(w, "a").retry_after_s, 1);
    set_mode(w, GOVERNOR_DRAINING);
    assert_int_equal(look(w, "a").retry_after_s, 30);
    assert_int_equal(look(w, "a").reset_s, 30);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_TURNED_AWAY);
    assert_int_equal(w->calls[1].estimate_us, 30 * SECOND);
    set_mode(w, GOVERNOR_PAUSED);
    assert_int_equal(look(w, "a").retry_after_s, 30);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_WAITING); /* as long as it may */
    set_mode(w, GOVERNOR_RUNNING);
    assert_int_equal(look(w, "a").retry_after_s, 1);
    finish_all(w);
}

static void test_a_kick_takes_one_servers_calls_out(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    add(w, "b", "u", "lane", 1);
    ask(w, 0, "a");
    ask_by(w, 1, "a", "greedy", 1, GOVERNOR_INTERACTIVE);
    ask_by(w, 2, "a", "polite", 1, GOVERNOR_INTERACTIVE);
    ask_by(w, 3, "b", "greedy", 1, GOVERNOR_BATCH);

    assert_int_equal(
        governor_lane_kick(w->governor, SLICE("lane"), SLICE("greedy"), w->now), 2);
    expect_next(w, 1, GOVERNOR_TURNED_AWAY);
    expect_next(w, 3, GOVERNOR_TURNED_AWAY);
    assert_int_equal(next(w), -1);
    assert_int_equal(
        governor_lane_kick(w->governor, SLICE("lane"), SLICE_EMPTY, w->now), 1);
    assert_int_equal(
        governor_lane_kick(w->governor, SLICE("none"), SLICE_EMPTY, w->now), 0);
    expect_next(w, 2, GOVERNOR_TURNED_AWAY);
    finish_all(w);
}

static void test_lines_are_shown_by_server_and_class(void **state)
{
    struct world *w = *state;
    struct arena *arena = arena_new();
    struct governor_line *lines;

    add(w, "a", "t", "lane", 1);
    add(w, "b", "u", "lane", 1);
    assert_int_equal(
        governor_lane_lines(w->governor, arena, SLICE("lane"), SLICE_EMPTY, &lines), 0);
    ask(w, 0, "a");
    for (int i = 1; i < 4; i++) {
        ask_by(w, i, "a", "one", 1, GOVERNOR_INTERACTIVE);
    }
    ask_by(w, 4, "a", "one", 1, GOVERNOR_BATCH);
    ask_by(w, 5, "b", "two", 1, GOVERNOR_BATCH);

    assert_int_equal(
        governor_lane_lines(w->governor, arena, SLICE("lane"), SLICE_EMPTY, &lines), 3);
    assert_int_equal(
        governor_lane_lines(w->governor, arena, SLICE("lane"), SLICE("t"), &lines), 2);
    assert_true(slice_is(lines[0].account, "a") && slice_is(lines[0].server, "one"));
    assert_int_equal(lines[0].priority, GOVERNOR_INTERACTIVE);
    assert_int_equal(lines[0].queued, 3);
    assert_int_equal(lines[1].queued, 1);
    arena_free(arena);
    finish_all(w);
}

static void test_waits_are_those_of_the_last_calls(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    assert_int_equal(lane(w, "lane").wait_p99_us, 0);
    for (int i = 1; i <= 100; i++) { /* the i-th waits i milliseconds */
        int one = i % 2, other = 1 - one;
        ask(w, one, "a");
        pass(w, i * 1000);
        finish(w, other, GOVERNOR_UNUSED);
        expect_next(w, one, GOVERNOR_GRANTED);
    }
    assert_int_equal(lane(w, "lane").wait_p50_us, 50000);
    assert_int_equal(lane(w, "lane").wait_p99_us, 99000);
    finish(w, 0, GOVERNOR_UNUSED);
    for (int i = 0; i < 256; i++) {
        ask(w, 0, "a");
        finish(w, 0, GOVERNOR_UNUSED);
    }
    assert_int_equal(lane(w, "lane").wait_p99_us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(test_a_paused_lane_keeps_calls_waiting),
        SENTENCE(test_a_pause_does_not_lengthen_a_wait),
        SENTENCE(test_a_draining_lane_sends_off_and_ends_what_runs),
        SENTENCE(test_nobody_brings_a_line_along_to_a_draining_lane),
        SENTENCE(test_a_lane_that_is_closed_is_asked_again_after_a_while),
        SENTENCE(test_a_held_lane_outlives_its_accounts),
        SENTENCE(test_a_kick_takes_one_servers_calls_out),
        SENTENCE(test_lines_are_shown_by_server_and_class),
        SENTENCE(test_waits_are_those_of_the_last_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
