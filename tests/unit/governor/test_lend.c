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

/* Of eight at the upstream four are this server's: what holds after a refusal holds for all. */
static void test_a_refusal_counts_the_calls_of_others(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 8);
    for (int i = 0; i < 4; i++) {
        ask(w, i, "a");
    }
    assert_true(governor_lane_lend(w->governor, SLICE("lane"), 4, 4, w->now));
    for (int i = 0; i < 4; i++) {
        expect_next(w, i, GOVERNOR_GRANTED);
    }
    finish(w, 0, GOVERNOR_RATE_LIMITED);
    assert_int_equal(lane(w, "lane").effective, 4);
    finish_all(w);
}

/* A call that is refused while it is alone here says something of a number where others have some. */
static void test_a_refusal_of_the_only_call_here_counts_those_of_others(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 8);
    ask(w, 0, "a");
    assert_true(governor_lane_lend(w->governor, SLICE("lane"), 1, 5, w->now));
    expect_next(w, 0, GOVERNOR_GRANTED);
    finish(w, 0, GOVERNOR_RATE_LIMITED);
    assert_int_equal(lane(w, "lane").effective, 3);
    ask(w, 0, "a");
    for (int i = 0; i < 10; i++) { /* below six, which were refused */
        pass(w, SECOND);
        lend(w, 1);
        if (next(w) == 0) {
            finish(w, 0, GOVERNOR_ANSWERED);
        }
    }
    assert_int_equal(lane(w, "lane").effective, 5);
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
    finish_all(w);
}

/* A line as long as `queue_limit`, and no longer; who waits has little patience. */
static void add_strict(struct world *w, int queue_limit, int calls_a_minute)
{
    const struct governor_account account = {.id = SLICE("a"),
                                             .tenant = SLICE("t"),
                                             .lane = SLICE("lane"),
                                             .joined = true,
                                             .ceiling = 4,
                                             .queue_limit = queue_limit,
                                             .queue_wait_us = SECOND / 10,
                                             .calls = {calls_a_minute, 1}};

    governor_account_set(w->governor, &account, w->now);
}

static enum governor_decision write_on(struct world *w, int call, uint64_t document)
{
    const struct governor_call who = {.account = SLICE("a"),
                                      .server = SLICE("mcp_1"),
                                      .weight = 1,
                                      .priority = GOVERNOR_INTERACTIVE,
                                      .is_write = true,
                                      .document = document};

    return governor_acquire(w->governor, &w->calls[call], &who, w->now);
}

static void lend_to(struct world *w, int call, int slots)
{
    lend(w, slots);
    expect_next(w, call, GOVERNOR_GRANTED);
}

static void test_a_write_behind_another_finds_no_room_beyond_the_line(void **state)
{
    struct world *w = *state;

    add_strict(w, 0, 0);
    assert_int_equal(write_on(w, 0, 7), GOVERNOR_WAITING);
    assert_int_equal(write_on(w, 1, 7), GOVERNOR_REFUSED);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_WAITING);
    lend_to(w, 0, 1);
    assert_int_equal(write_on(w, 2, 7), GOVERNOR_REFUSED);
    finish_all(w);
}

/* Calls to which a loan is on its way take no place of the line from it. */
static void test_a_write_behind_another_has_its_place_in_the_line(void **state)
{
    struct world *w = *state;

    add_strict(w, 1, 0);
    assert_int_equal(write_on(w, 0, 7), GOVERNOR_WAITING);
    assert_int_equal(write_on(w, 1, 7), GOVERNOR_WAITING);
    assert_int_equal(write_on(w, 2, 7), GOVERNOR_REFUSED);
    for (int i = 2; i < 5; i++) {
        assert_int_equal(ask(w, i, "a"), GOVERNOR_WAITING);
    }
    assert_int_equal(ask(w, 5, "a"), GOVERNOR_REFUSED); /* four could be lent */
    assert_int_equal(w->calls[1].deadline_us, w->now + SECOND / 10);
    assert_int_equal(w->calls[0].deadline_us, w->now + SECOND);
    finish_all(w);
}

static void test_who_waits_for_a_token_finds_no_room_beyond_the_line(void **state)
{
    struct world *w = *state;

    add_strict(w, 0, 60000);
    assert_int_equal(ask(w, 0, "a"), GOVERNOR_WAITING);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_REFUSED); /* of a burst of one */
    lend_to(w, 0, 1);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_REFUSED);
    finish_all(w);
}

static void test_who_waits_for_the_tenant_finds_no_room_beyond_the_line(void **state)
{
    struct world *w = *state;

    governor_tenant_set(w->governor, SLICE("t"), 1, w->now);
    add_strict(w, 0, 0);
    assert_int_equal(ask(w, 0, "a"), GOVERNOR_WAITING);
    lend_to(w, 0, 1);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_REFUSED);
    finish_all(w);
}

static void test_who_waits_for_what_is_kept_finds_no_room_beyond_the_line(void **state)
{
    struct world *w = *state;
    const struct governor_reservation kept = {SLICE_EMPTY, GOVERNOR_CRITICAL, 3};

    add_strict(w, 0, 0);
    governor_lane_reserve(w->governor, SLICE("lane"), &kept, 1, w->now);
    assert_int_equal(ask(w, 0, "a"), GOVERNOR_WAITING);
    lend_to(w, 0, 1);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_REFUSED);
    assert_int_equal(ask_as(w, 1, "a", GOVERNOR_CRITICAL), GOVERNOR_WAITING);
    finish_all(w);
}

static void test_a_paused_lane_has_no_room_beyond_the_line(void **state)
{
    struct world *w = *state;

    add_strict(w, 0, 0);
    governor_lane_mode_set(w->governor, SLICE("lane"), GOVERNOR_PAUSED, w->now);
    assert_int_equal(ask(w, 0, "a"), GOVERNOR_REFUSED);
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
        cmocka_unit_test(test_a_refusal_counts_the_calls_of_others),
        cmocka_unit_test(test_a_refusal_of_the_only_call_here_counts_those_of_others),
        cmocka_unit_test(test_who_can_get_nothing_in_time_is_told_at_once),
        cmocka_unit_test(test_only_tenants_ceilings_are_divided),
        cmocka_unit_test(test_a_write_behind_another_finds_no_room_beyond_the_line),
        cmocka_unit_test(test_a_write_behind_another_has_its_place_in_the_line),
        cmocka_unit_test(test_who_waits_for_a_token_finds_no_room_beyond_the_line),
        cmocka_unit_test(test_who_waits_for_the_tenant_finds_no_room_beyond_the_line),
        cmocka_unit_test(test_who_waits_for_what_is_kept_finds_no_room_beyond_the_line),
        cmocka_unit_test(test_a_paused_lane_has_no_room_beyond_the_line),
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
