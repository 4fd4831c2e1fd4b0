/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a refusal of the upstream narrows a lane, and how it opens again.
 */
#define PATIENCE (10000 * SECOND)
#include "tests/unit/governor/world.h"

#define FORGET (30 * SECOND)

/* All slots of account "a" are taken; returns how many. */
static int open_lane(struct world *w, int ceiling)
{
    add(w, "a", "t", "lane", ceiling);
    assert_int_equal(fill(w, 0, "a"), ceiling);
    return ceiling;
}

static void pause_over(struct world *w)
{
    pass(w, governor_due_us(w->governor) - w->now);
}

static int effective(struct world *w)
{
    return lane(w, "lane").effective;
}

static void test_a_refusal_halves_what_may_run(void **state)
{
    struct world *w = *state;

    open_lane(w, 12);
    refuse(w, 11, 0);

    assert_int_equal(effective(w), 6);
    assert_int_equal(look(w, "a").limit, 6);
    assert_true(lane(w, "lane").throttled);
    assert_int_equal(lane(w, "lane").in_flight, 11); /* what is under way goes on */
    assert_int_equal(lane(w, "lane").draining, 5);
    pass(w, SECOND / 10);
    assert_int_equal(lane(w, "lane").lowered_us, SECOND / 10);
    finish_all(w);
}

static void test_the_refusals_of_one_burst_count_once(void **state)
{
    struct world *w = *state;

    open_lane(w, 16);
    for (int i = 8; i < 16; i++) {
        refuse(w, i, 0);
    }

    assert_int_equal(effective(w), 8);
    assert_int_equal(lane(w, "lane").refused_upstream, 8);
    refuse(w, 4, 0); /* of eight: so eight are too many, however many that was before */
    assert_int_equal(effective(w), 7);
    finish_all(w);
}

static void test_few_calls_that_are_refused_narrow_by_what_they_were(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 40);
    for (int i = 0; i < 6; i++) {
        ask(w, i, "a");
    }
    refuse(w, 5, 0);

    assert_int_equal(effective(w), 3);
    finish_all(w);
}

static void test_one_always_remains(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    for (int i = 0; i < 5; i++) {
        ask(w, 0, "a");
        refuse(w, 0, 0);
        assert_int_equal(effective(w), 1);
        pause_over(w);
    }
    finish_all(w);
}

static void test_one_probe_at_a_time_opens_the_lane_again(void **state)
{
    struct world *w = *state;

    open_lane(w, 4);
    for (int i = 0; i < 4; i++) {
        refuse(w, i, 0);
    }
    for (int i = 10; i < 15; i++) {
        ask(w, i, "a");
    }
    governor_lane_set(w->governor, SLICE("lane"), 0, w->now);
    assert_int_equal(next(w), -1);
    pause_over(w);
    expect_next(w, 10, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    assert_true(lane(w, "lane").probing);
    assert_int_equal(look(w, "a").remaining, 0);
    finish(w, 10, GOVERNOR_ANSWERED);

    expect_next(w, 11, GOVERNOR_GRANTED); /* one below the one that was refused first */
    assert_int_equal(next(w), -1);
    assert_false(lane(w, "lane").probing);
    finish_all(w);
}

static void test_a_probe_that_is_refused_pauses_longer(void **state)
{
    struct world *w = *state;

    open_lane(w, 8);
    for (int i = 0; i < 8; i++) {
        refuse(w, i, 0);
    }
    pause_over(w);
    ask(w, 0, "a");
    refuse(w, 0, 0);

    assert_true(lane(w, "lane").paused_ms > 0);
    assert_int_equal(effective(w), 1);
    finish_all(w);
}

static void test_a_probe_that_was_never_sent_is_followed_by_another(void **state)
{
    struct world *w = *state;

    open_lane(w, 8);
    for (int i = 0; i < 8; i++) {
        refuse(w, i, 0);
    }
    ask(w, 1, "a");
    ask(w, 2, "a");
    ask(w, 3, "a");
    pause_over(w);
    expect_next(w, 1, GOVERNOR_GRANTED);
    finish(w, 1, GOVERNOR_UNUSED);
    assert_int_equal(w->calls[2].decision, GOVERNOR_GRANTED);
    governor_cancel(w->governor, &w->calls[2], w->now); /* before it was fetched */

    expect_next(w, 3, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_probe_out_for_a_second_was_let_in(void **state)
{
    struct world *w = *state;

    open_lane(w, 8);
    refuse(w, 7, 0);
    for (int i = 0; i < 7; i++) {
        finish(w, i, GOVERNOR_ANSWERED); /* granted before: they open nothing */
    }
    for (int i = 10; i < 18; i++) {
        ask(w, i, "a");
    }
    pause_over(w);
    expect_next(w, 10, GOVERNOR_GRANTED);
    pass(w, SECOND - 1);
    assert_int_equal(next(w), -1);
    pass(w, 1);

    for (int i = 11; i < 14; i++) {
        expect_next(w, i, GOVERNOR_GRANTED);
    }
    assert_int_equal(next(w), -1);
    finish_all(w);
}

static void test_the_limit_rises_to_one_below_what_was_refused(void **state)
{
    struct world *w = *state;

    open_lane(w, 15);
    for (int i = 5; i < 15; i++) {
        refuse(w, i, 0);
    }
    for (int i = 0; i < 5; i++) {
        finish(w, i, GOVERNOR_ANSWERED);
    }
    assert_int_equal(effective(w), 5); /* the sixth was refused */
    pause_over(w);
    ask(w, 0, "a");
    refuse(w, 0, 0); /* somebody else uses the pool */
    assert_int_equal(effective(w), 1);
    pause_over(w);
    ask(w, 0, "a");
    finish(w, 0, GOVERNOR_ANSWERED);

    for (int limit = 2; limit < 15; limit++) { /* that one was alone says nothing */
        pass(w, governor_due_us(w->governor) - w->now);
        assert_int_equal(effective(w), limit);
        assert_true(limit > 5 || w->now < 20 * SECOND);
        assert_true(limit < 6 || w->now >= FORGET);
    }
    assert_true(lane(w, "lane").throttled);
    pass(w, SECOND);
    assert_int_equal(effective(w), 15);
    assert_false(lane(w, "lane").throttled);
    assert_true(governor_due_us(w->governor) == INT64_MAX);
}

static void test_a_probe_goes_while_long_calls_are_under_way(void **state)
{
    struct world *w = *state;

    open_lane(w, 15);
    refuse(w, 14, 0);
    assert_int_equal(effective(w), 7);
    ask(w, 14, "a");
    pause_over(w);
    expect_next(w, 14, GOVERNOR_GRANTED); /* beside fourteen */
    ask(w, 15, "a");
    assert_int_equal(next(w), -1);
    finish(w, 14, GOVERNOR_ANSWERED);
    assert_int_equal(next(w), -1); /* the others wait until there is room */
    assert_false(lane(w, "lane").probing);
    finish_all(w);
}

static void test_a_ceiling_that_was_low_for_a_while_unlearns_nothing(void **state)
{
    struct world *w = *state;

    open_lane(w, 8);
    refuse(w, 7, 0);
    finish_all(w);
    pause_over(w);
    ask(w, 0, "a");
    finish(w, 0, GOVERNOR_ANSWERED);
    add(w, "a", "t", "lane", 1);
    pass(w, 5 * SECOND);
    assert_int_equal(effective(w), 1);
    add(w, "a", "t", "lane", 8);
    assert_true(effective(w) < 8);
    assert_true(lane(w, "lane").throttled);
}

static void test_a_probe_has_as_long_as_the_refusal_took(void **state)
{
    struct world *w = *state;

    open_lane(w, 4);
    pass(w, 12 * SECOND);
    refuse(w, 3, 0);
    finish_all(w);
    pause_over(w);
    ask(w, 0, "a");
    ask(w, 1, "a");
    pass(w, 12 * SECOND - 1);
    assert_int_equal(next(w), -1);
    pass(w, 1);
    expect_next(w, 1, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_what_was_refused_is_tried_again_after_half_a_minute(void **state)
{
    struct world *w = *state;

    open_lane(w, 8);
    refuse(w, 7, 0);
    finish_all(w);
    pause_over(w);
    ask(w, 0, "a");
    finish(w, 0, GOVERNOR_ANSWERED);
    pass(w, 10 * SECOND);
    assert_int_equal(effective(w), 5); /* 4, and what rises in ... */
    finish_all(w);
}

/*
 * An upstream with a limit of its own and calls of 100 ms, under load without end.
 */

struct upstream {
    struct world *w;
    int limit, running;
    int64_t ends[CALLS]; /* 0: not there */
    int64_t last_refusal;
    int refusals, peak;
};

static void upstream_send(struct upstream *u, int call)
{
    struct world *w = u->w;

    if (u->running >= u->limit) {
        u->refusals++;
        u->last_refusal = w->now;
        refuse(w, call, 0);
        return;
    }
    u->running++;
    u->ends[call] = w->now + SECOND / 10 + call * 777;
}

/* Load: every call that is nobody's asks again. */
static void upstream_run(struct upstream *u, int64_t until)
{
    struct world *w = u->w;

    for (; w->now < until; pass(w, 1000)) {
        for (int i = 0; i < 40; i++) {
            if (u->ends[i] != 0 && u->ends[i] <= w->now) {
                u->ends[i] = 0;
                u->running--;
                finish(w, i, GOVERNOR_ANSWERED);
            }
            if (w->calls[i].seat == NULL && ask(w, i, "a") == GOVERNOR_GRANTED) {
                upstream_send(u, i);
            }
        }
        for (int call = next(w); call >= 0; call = next(w)) {
            upstream_send(u, call);
        }
        u->peak = u->running > u->peak ? u->running : u->peak;
    }
}

static void upstream_end(struct upstream *u)
{
    for (int i = 0; i < 40; i++) {
        if (u->ends[i] != 0) {
            u->ends[i] = 0;
            finish(u->w, i, GOVERNOR_ANSWERED);
        }
    }
    finish_all(u->w);
}

static void test_a_limit_lowered_without_notice_is_found_and_left_again(void **state)
{
    struct world *w = *state;
    struct upstream u = {.w = w, .limit = 15};
    int64_t start;

    add(w, "a", "t", "lane", 15);
    upstream_run(&u, 5 * SECOND);
    assert_int_equal(u.refusals, 0);
    assert_int_equal(u.peak, 15);
    u.limit = 5;
    start = w->now;
    upstream_run(&u, start + 5 * SECOND);
    assert_true(u.refusals > 0);
    u.refusals = 0;
    u.peak = 0;
    upstream_run(&u, start + 28 * SECOND);
    assert_int_equal(u.refusals, 0);
    assert_int_equal(u.peak, 5);
    assert_int_equal(effective(w), 5);
    upstream_run(&u, start + 120 * SECOND); /* tried now and then */
    assert_in_range(u.refusals, 1, 12);
    u.limit = 15;
    upstream_run(&u, start + 180 * SECOND);
    assert_int_equal(effective(w), 15);
    assert_int_equal(u.running, 15);
    assert_false(lane(w, "lane").throttled);
    upstream_end(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(test_a_refusal_halves_what_may_run),
        SENTENCE(test_the_refusals_of_one_burst_count_once),
        SENTENCE(test_few_calls_that_are_refused_narrow_by_what_they_were),
        SENTENCE(test_one_always_remains),
        SENTENCE(test_one_probe_at_a_time_opens_the_lane_again),
        SENTENCE(test_a_probe_that_is_refused_pauses_longer),
        SENTENCE(test_a_probe_that_was_never_sent_is_followed_by_another),
        SENTENCE(test_a_probe_out_for_a_second_was_let_in),
        SENTENCE(test_the_limit_rises_to_one_below_what_was_refused),
        SENTENCE(test_a_probe_goes_while_long_calls_are_under_way),
        SENTENCE(test_a_ceiling_that_was_low_for_a_while_unlearns_nothing),
        SENTENCE(test_a_probe_has_as_long_as_the_refusal_took),
        SENTENCE(test_what_was_refused_is_tried_again_after_half_a_minute),
        SENTENCE(test_a_limit_lowered_without_notice_is_found_and_left_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
