/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes whose slots are lent from outside: what they ask for, what they do with what they get, and
 * who is told at once that nothing will come.
 */
#include "tests/unit/governor/world.h"

static int open_lent_world(void **state)
{
    struct governor_options options = governor_defaults(7);
    struct world *w = calloc(1, sizeof(*w));

    options.is_lent = true;
    w->governor = governor_new(&options);
    w->now = 1000;
    *state = w;
    return 0;
}

/* The last word of the lane; there has to be one. */
static struct governor_demand demand(struct world *w)
{
    struct governor_demand found = {.ceiling = -1}, last;

    while (governor_next_demand(w->governor, &last)) {
        found = last;
    }
    assert_int_not_equal(found.ceiling, -1);
    return found;
}

static void lend(struct world *w, int slots)
{
    assert_true(governor_lane_lend(w->governor, SLICE("lane"), slots, 0, w->now));
}

static void test_a_call_waits_until_a_slot_is_lent(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 2);
    assert_int_equal(ask(w, 0, "a"), GOVERNOR_WAITING);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_WAITING);
    assert_int_equal(ask(w, 2, "a"), GOVERNOR_WAITING);
    assert_int_equal(demand(w).wanted, 2); /* no more than it could use */
    lend(w, 1);
    expect_next(w, 0, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    assert_int_equal(demand(w).wanted, 1);
    lend(w, 2);
    expect_next(w, 1, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_loan_is_for_one_call(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 2);
    ask(w, 0, "a");
    ask(w, 1, "a");
    lend(w, 1);
    expect_next(w, 0, GOVERNOR_GRANTED);
    finish(w, 0, GOVERNOR_ANSWERED);
    assert_int_equal(next(w), -1); /* though somebody waits */
    struct governor_demand told = demand(w);
    assert_int_equal(told.in_flight, 0);
    assert_int_equal(told.lent, 0);
    assert_int_equal(told.wanted, 1);
    finish_all(w);
}

/* It stands at the gate once for each class of its calls. */
static void test_calls_of_several_classes_are_wanted_once(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 5);
    ask_as(w, 0, "a", GOVERNOR_CRITICAL);
    ask_as(w, 1, "a", GOVERNOR_INTERACTIVE);
    ask_as(w, 2, "a", GOVERNOR_BATCH);
    assert_int_equal(demand(w).wanted, 3);
    finish_all(w);
}

/* A slot that would be lent for it could not be used: it would come and go without end. */
static void test_what_is_kept_for_others_is_not_wanted(void **state)
{
    struct world *w = *state;
    const struct governor_reservation kept = {SLICE_EMPTY, GOVERNOR_CRITICAL, 2};

    add(w, "a", "t", "lane", 3);
    governor_lane_reserve(w->governor, SLICE("lane"), &kept, 1, w->now);
    ask_as(w, 0, "a", GOVERNOR_BATCH);
    assert_int_equal(demand(w).wanted, 1);
    lend(w, 1);
    expect_next(w, 0, GOVERNOR_GRANTED);
    ask_as(w, 1, "a", GOVERNOR_BATCH);
    assert_int_equal(demand(w).wanted, 0);
    ask_as(w, 2, "a", GOVERNOR_CRITICAL);
    assert_int_equal(demand(w).wanted, 1);
    lend(w, 2);
    expect_next(w, 2, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    assert_int_equal(demand(w).wanted, 0);
    finish_all(w);
}

static void test_a_probe_asks_for_one_slot_beside_long_calls(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 4);
    for (int i = 0; i < 4; i++) {
        ask(w, i, "a");
    }
    lend(w, 4);
    for (int i = 0; i < 4; i++) {
        expect_next(w, i, GOVERNOR_GRANTED);
    }
    finish(w, 0, GOVERNOR_RATE_LIMITED); /* three are left; two at once from now on */
    ask(w, 0, "a");
    ask(w, 4, "a");
    assert_int_equal(demand(w).wanted, 0);
    pass(w, SECOND);
    struct governor_demand told = demand(w);
    assert_int_equal(told.ceiling, 4);
    assert_int_equal(told.wanted, 1);
    lend(w, 4);
    expect_next(w, 0, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    assert_int_equal(demand(w).wanted, 0);
    finish_all(w);
}

static void test_who_can_get_nothing_in_time_is_told_at_once(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 2);
    governor_lend_none_before(w->governor, INT64_MAX);
    assert_int_equal(ask(w, 0, "a"), GOVERNOR_TOO_LATE);
    governor_lend_none_before(w->governor, w->now + PATIENCE + 1);
    assert_int_equal(ask(w, 0, "a"), GOVERNOR_TOO_LATE);
    assert_int_equal(w->calls[0].estimate_us, PATIENCE + 1);
    governor_lend_none_before(w->governor, w->now + PATIENCE);
    assert_int_equal(ask(w, 0, "a"), GOVERNOR_WAITING);
    lend(w, 1);
    expect_next(w, 0, GOVERNOR_GRANTED);
    governor_lend_none_before(w->governor, INT64_MAX);
    assert_int_equal(ask(w, 1, "a"),
                     GOVERNOR_WAITING); /* what runs may be used again */
    finish_all(w);
}

/* Of a tenant's nobody lends anything, so governors divide it; a lane's they do not. */
static void test_only_tenants_ceilings_are_divided(void **state)
{
    struct world *w = *state;

    governor_set_share(w->governor, 1, 2);
    governor_tenant_set(w->governor, SLICE("t"), 3, w->now);
    add(w, "a", "t", "lane", 5);
    ask(w, 0, "a");
    ask(w, 1, "a");
    struct governor_demand told = demand(w);
    assert_int_equal(told.ceiling, 5);
    lend(w, 5);
    expect_next(w, 0, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    assert_int_equal(look(w, "a").limit, 1);
    assert_int_equal(governor_single(w->governor), 1);
    finish_all(w);
}

static void test_a_lane_is_told_of_once_more_when_it_is_gone(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 2);
    ask(w, 0, "a");
    lend(w, 1);
    expect_next(w, 0, GOVERNOR_GRANTED);
    governor_account_remove(w->governor, SLICE("a"), w->now);
    finish(w, 0, GOVERNOR_ANSWERED);
    assert_int_equal(demand(w).lent, 0);
    assert_false(governor_lane_lend(w->governor, SLICE("lane"), 1, 0, w->now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_waits_until_a_slot_is_lent),
        cmocka_unit_test(test_a_loan_is_for_one_call),
        cmocka_unit_test(test_calls_of_several_classes_are_wanted_once),
        cmocka_unit_test(test_what_is_kept_for_others_is_not_wanted),
        cmocka_unit_test(test_a_probe_asks_for_one_slot_beside_long_calls),
        cmocka_unit_test(test_who_can_get_nothing_in_time_is_told_at_once),
        cmocka_unit_test(test_only_tenants_ceilings_are_divided),
        cmocka_unit_test(test_a_lane_is_told_of_once_more_when_it_is_gone),
    };
    struct CMUnitTest each[sizeof tests / sizeof tests[0]];
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        each[i] = tests[i];
        each[i].setup_func = open_lent_world;
        each[i].teardown_func = close_world;
    }
    return cmocka_run_group_tests(each, NULL, NULL);
}
