/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that become slow: when fewer calls are let through, and when again more.
 */
#define PATIENCE (10000 * SECOND)
#include "tests/unit/governor/world.h"

#define MS INT64_C(1000)
#define READ 1
#define REPORT 2
#define CEILING 16

static void open_lane(struct world *w, int factor)
{
    add(w, "a", "t", "lane", CEILING);
    governor_account_pace(w->governor, SLICE("a"), factor);
}

static int effective(struct world *w)
{
    return lane(w, "lane").effective;
}

/* As many at once as are wanted and may; how long they take is a line over how many that are. Then
 * the same again, until so many calls were answered. Whoever may not go does not wait. */
static void serve(struct world *w, uint32_t kind, int at_once, int calls,
                  int64_t base_us, int64_t each_us)
{
    while (calls > 0) {
        int going = 0;
        for (int i = 0; i < at_once; i++) {
            w->calls[going].kind = kind;
            if (ask(w, going, "a") != GOVERNOR_GRANTED) {
                governor_cancel(w->governor, &w->calls[going], w->now);
                break;
            }
            going++;
        }
        assert_true(going > 0);
        pass(w, base_us + going * each_us);
        for (int i = 0; i < going; i++) {
            finish(w, i, GOVERNOR_ANSWERED);
        }
        calls -= going;
    }
}

/* The floor of a kind: what it takes when few ask. */
static void learn(struct world *w, uint32_t kind, int64_t us)
{
    serve(w, kind, 2, 160, us, 0);
}

static void test_a_few_slow_calls_are_nothing(void **state)
{
    struct world *w = *state;

    open_lane(w, 2);
    learn(w, READ, 200 * MS);
    for (int i = 0; i < 50; i++) {
        serve(w, READ, 4, 4, 60 * SECOND, 0);
        serve(w, READ, 4, 12, 200 * MS, 0);
        assert_int_equal(effective(w), CEILING);
    }
    assert_false(lane(w, "lane").throttled);
}

static void test_nobody_looks_unless_the_account_says_so(void **state)
{
    struct world *w = *state;

    open_lane(w, 0);
    learn(w, READ, 200 * MS);
    serve(w, READ, CEILING, 2000, 0, 100 * MS);
    assert_int_equal(effective(w), CEILING);
}

static void test_an_erp_that_slows_with_calls_gets_fewer_and_then_more(void **state)
{
    struct world *w = *state;
    int least = CEILING;

    open_lane(w, 2);
    learn(w, READ, 200 * MS);
    for (int i = 0; i < 200;
         i++) { /* 200 ms for four, 50 ms more for each further one */
        serve(w, READ, CEILING, CEILING, 0, 50 * MS);
        least = effective(w) < least ? effective(w) : least;
    }
    assert_in_range(least, 5, 9); /* where answers take less than twice the time */
    assert_in_range(effective(w), 5, 12);
    assert_true(lane(w, "lane").throttled && lane(w, "lane").is_slow);
    assert_in_range(lane(w, "lane").lowered_us, 0, 60 * SECOND);
    assert_false(lane(w, "lane").probing);
    assert_int_equal(lane(w, "lane").paused_ms, 0);

    for (int i = 0; i < 60; i++) { /* it is as quick as it was */
        int before = effective(w);
        serve(w, READ, CEILING, 32, 200 * MS, 0);
        pass(w, SECOND);
        assert_in_range(effective(w) - before, 0, 2);
    }
    assert_int_equal(effective(w), CEILING);
    assert_false(lane(w, "lane").throttled);
}

static void test_what_fewer_calls_do_not_mend_is_let_be(void **state)
{
    struct world *w = *state;
    int least = CEILING;

    open_lane(w, 2);
    learn(w, READ, 200 * MS);
    for (int i = 0; i < 100; i++) { /* others' load: slow, however few ask */
        serve(w, READ, CEILING, CEILING, 2 * SECOND, 0);
        least = effective(w) < least ? effective(w) : least;
    }
    assert_int_equal(least, CEILING * 3 / 4);
    assert_int_equal(effective(w), CEILING);
}

static void test_one_call_always_goes(void **state)
{
    struct world *w = *state;
    int64_t us = 200 * MS;
    int least = CEILING;

    open_lane(w, 2);
    learn(w, READ, us);
    for (int i = 0; i < 60; i++) { /* too slow even alone, and more so with others */
        serve(w, READ, CEILING, CEILING, 0, 3 * us);
        least = effective(w) < least ? effective(w) : least;
        assert_true(effective(w) >= 1);
    }
    assert_int_equal(least, 1);
}

/* Two at once, while other servers have six of the lane's slots. */
static void serve_beside_others(struct world *w, int calls, int64_t us)
{
    for (int i = 0; i < calls; i += 2) {
        ask(w, 0, "a");
        ask(w, 1, "a");
        assert_true(governor_lane_lend(w->governor, SLICE("lane"), 2, 6, w->now));
        expect_next(w, 0, GOVERNOR_GRANTED);
        expect_next(w, 1, GOVERNOR_GRANTED);
        pass(w, us);
        finish(w, 0, GOVERNOR_ANSWERED);
        finish(w, 1, GOVERNOR_ANSWERED);
    }
}

static void test_the_calls_of_other_servers_count(void **state)
{
    struct governor_options options = governor_defaults(7);
    struct world *w = *state;

    options.is_lent = true;
    governor_free(w->governor);
    w->governor = governor_new(&options);
    open_lane(w, 2);
    serve_beside_others(w, 160, 200 * MS);
    serve_beside_others(w, 64, SECOND);
    assert_int_equal(effective(w), 6); /* of eight; not of two */
}

static void test_a_report_is_not_held_against_a_read(void **state)
{
    struct world *w = *state;

    open_lane(w, 2);
    learn(w, READ, 200 * MS);
    serve(w, REPORT, CEILING, 320, 20 * SECOND, 0);
    assert_int_equal(effective(w), CEILING);
    for (int i = 0; i < 10; i++) {
        serve(w, READ, CEILING, 64, 210 * MS, 0);
        serve(w, REPORT, CEILING, 64, 21 * SECOND, 0);
    }
    assert_int_equal(effective(w), CEILING);
}

static void test_what_is_quick_anyway_is_not_slow(void **state)
{
    struct world *w = *state;

    open_lane(w, 2);
    learn(w, READ, 2 * MS);
    serve(w, READ, CEILING, 1000, 30 * MS, 0);
    assert_int_equal(effective(w), CEILING);
}

static void test_a_floor_is_forgotten_with_its_window(void **state)
{
    struct world *w = *state;

    open_lane(w, 2);
    learn(w, READ, 200 * MS);
    pass(w, 3601 * SECOND);
    serve(w, READ, CEILING, 640, SECOND, 0);
    assert_int_equal(effective(w), CEILING);
}

static void test_a_kind_more_than_are_kept_takes_the_place_of_an_idle_one(void **state)
{
    struct world *w = *state;

    open_lane(w, 2);
    for (uint32_t kind = 10; kind < 18; kind++) {
        serve(w, kind, 2, 32, 200 * MS, 0);
    }
    learn(w, READ, 200 * MS); /* all eight places are taken */
    serve(w, READ, CEILING, 320, 0, 100 * MS);
    assert_int_equal(effective(w), CEILING);
    pass(w, 61 * SECOND);
    learn(w, READ, 200 * MS);
    serve(w, READ, CEILING, 320, 0, 100 * MS);
    assert_true(effective(w) < CEILING);
}

static void test_a_refusal_says_more_than_slowness(void **state)
{
    struct world *w = *state;

    open_lane(w, 2);
    learn(w, READ, 200 * MS);
    serve(w, READ, CEILING, 80, 0, 100 * MS);
    assert_true(lane(w, "lane").is_slow);
    ask(w, 0, "a");
    ask(w, 1, "a");
    refuse(w, 0, 0);
    assert_true(lane(w, "lane").throttled);
    assert_false(lane(w, "lane").is_slow);
    assert_int_equal(effective(w), 1);
    finish(w, 1, GOVERNOR_ANSWERED);
    pass(w, 60 * SECOND);
    finish_all(w);
}

static void test_without_news_the_limit_rises_after_half_a_minute(void **state)
{
    struct world *w = *state;
    int lowered;

    open_lane(w, 2);
    learn(w, READ, 200 * MS);
    serve(w, READ, CEILING, 80, 0, 100 * MS);
    lowered = effective(w);
    assert_true(lowered < CEILING);
    pass(w, 25 * SECOND);
    assert_int_equal(effective(w), lowered);
    pass(w, 7 * SECOND);
    assert_int_equal(effective(w), lowered + 1);
    for (int i = lowered; i < CEILING; i++) {
        pass(w, 31 * SECOND);
    }
    assert_int_equal(effective(w), CEILING);
    assert_int_equal(governor_due_us(w->governor), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(test_a_few_slow_calls_are_nothing),
        SENTENCE(test_nobody_looks_unless_the_account_says_so),
        SENTENCE(test_an_erp_that_slows_with_calls_gets_fewer_and_then_more),
        SENTENCE(test_what_fewer_calls_do_not_mend_is_let_be),
        SENTENCE(test_one_call_always_goes),
        SENTENCE(test_the_calls_of_other_servers_count),
        SENTENCE(test_a_report_is_not_held_against_a_read),
        SENTENCE(test_what_is_quick_anyway_is_not_slow),
        SENTENCE(test_a_floor_is_forgotten_with_its_window),
        SENTENCE(test_a_kind_more_than_are_kept_takes_the_place_of_an_idle_one),
        SENTENCE(test_a_refusal_says_more_than_slowness),
        SENTENCE(test_without_news_the_limit_rises_after_half_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
