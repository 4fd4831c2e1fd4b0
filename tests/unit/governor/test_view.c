/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What callers, tenants and operators are shown.
 */
#define PATIENCE (10000 * SECOND) /* nobody is told that it is too late */
#include "tests/unit/governor/world.h"

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

    assert_int_equal(look(w, "a").reset_s, 2); /* of four calls of 6 s one ends */
    for (int i = 10; i < 15; i++) {
        ask(w, i, "a");
    }
    view = look(w, "a");
    assert_int_equal(view.in_flight, 4);
    assert_int_equal(view.queue_depth, 5);
    assert_int_equal(view.retry_after_s, 9); /* five of 1.5 s before it, and 1.2 s */
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

    assert_int_equal(look(w, "a").retry_after_s, 10); /* third in its tenant's queue */
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
    assert_int_equal(look(w, "a").retry_after_s, 17);
    add(w, "b", "u", "elsewhere", 1);

    assert_int_equal(look(w, "a").retry_after_s, 1);
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
    assert_int_equal(look(w, "a").retry_after_s, 1800);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(test_look_says_what_is_free_and_when),
        SENTENCE(test_the_slowest_of_the_three_queues_makes_the_estimate),
        SENTENCE(test_an_account_takes_its_waiters_out_of_the_old_estimates),
        SENTENCE(test_one_endless_call_does_not_spoil_the_estimate_for_good),
        SENTENCE(test_lanes_are_listed_in_the_order_of_their_names),
        SENTENCE(test_a_tenant_sees_its_own_counts_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
