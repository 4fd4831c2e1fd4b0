/* SPDX-License-Identifier: Apache-2.0 */
/* Slots that a lane keeps for a class or an MCP server: who may take them, and who may not. */
#include "tests/unit/governor/world.h"

static void reserve(struct world *w, const char *server,
                    enum governor_priority priority, int slots)
{
    const struct governor_reservation one = {
        *server != '\0' ? slice_str(server) : SLICE_EMPTY, priority, slots};

    governor_lane_reserve(w->governor, SLICE("lane"), &one, 1, w->now);
}

static struct governor_reserved reserved(struct world *w)
{
    struct arena *arena = arena_new();
    struct governor_reserved *out, first = {0};

    if (governor_lane_reserved(w->governor, SLICE("lane"), arena, &out) > 0) {
        first = out[0];
        first.setting.server = SLICE_EMPTY;
    }
    arena_free(arena);
    return first;
}

static void test_a_slot_kept_for_a_class_waits_for_it(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 3);
    reserve(w, "", GOVERNOR_CRITICAL, 1);
    assert_int_equal(ask(w, 0, "a"), GOVERNOR_GRANTED);
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_GRANTED);
    assert_int_equal(look(w, "a").remaining, 0);
    assert_int_equal(ask(w, 2, "a"), GOVERNOR_WAITING);
    assert_int_equal(ask_as(w, 3, "a", GOVERNOR_CRITICAL), GOVERNOR_GRANTED);
    assert_int_equal(ask_as(w, 4, "a", GOVERNOR_CRITICAL), GOVERNOR_WAITING);
    finish(w, 3,
           GOVERNOR_ANSWERED); /* the kept slot: not for the one that waits longest */
    expect_next(w, 4, GOVERNOR_GRANTED);
    finish(w, 4, GOVERNOR_ANSWERED);
    assert_int_equal(next(w), -1);
    finish(w, 0, GOVERNOR_ANSWERED);
    expect_next(w, 2, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_server_has_its_slots_and_its_part_of_the_open_ones(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 4);
    reserve(w, "night", GOVERNOR_INTERACTIVE, 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(w, i, "a"), i < 2 ? GOVERNOR_GRANTED : GOVERNOR_WAITING);
    }
    for (int i = 10; i < 13; i++) { /* batch, with interactive in line */
        assert_int_equal(ask_by(w, i, "a", "night", 1, GOVERNOR_BATCH),
                         i < 12 ? GOVERNOR_GRANTED : GOVERNOR_WAITING);
    }
    assert_int_equal(reserved(w).used, 2);
    finish(w, 0, GOVERNOR_ANSWERED); /* an open one: interactive first */
    expect_next(w, 2, GOVERNOR_GRANTED);
    finish(w, 10, GOVERNOR_ANSWERED);
    expect_next(w, 12, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_reservations_shrink_with_the_ceiling_and_leave_a_slot(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 8);
    reserve(w, "", GOVERNOR_CRITICAL, 6);
    assert_int_equal(reserved(w).kept, 6);
    for (int i = 0; i < 2; i++) {
        ask(w, i, "a");
    }
    for (int i = 2; i < 8; i++) {
        assert_int_equal(ask_as(w, i, "a", GOVERNOR_CRITICAL), GOVERNOR_GRANTED);
    }
    refuse(w, 0, 0); /* eight were too many: four */
    assert_int_equal(lane(w, "lane").effective, 4);
    assert_int_equal(reserved(w).kept, 3);
    governor_lane_set(w->governor, SLICE("lane"), 1, w->now);
    assert_int_equal(reserved(w).kept, 0);
    governor_lane_set(w->governor, SLICE("lane"), 6, w->now); /* fewer than are set */
    assert_in_range(reserved(w).kept, 1, 3);
    finish_all(w);
}

static void test_the_ceiling_of_one_is_open_to_all(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    reserve(w, "", GOVERNOR_CRITICAL,
            1); /* who sets this is told no; here it does no harm */
    assert_int_equal(reserved(w).kept, 0);
    assert_int_equal(ask(w, 0, "a"), GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_new_reservation_counts_those_that_run(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 4);
    ask_as(w, 0, "a", GOVERNOR_CRITICAL);
    ask(w, 1, "a");
    reserve(w, "", GOVERNOR_CRITICAL, 2);
    assert_int_equal(reserved(w).used, 1);
    assert_int_equal(ask(w, 2, "a"), GOVERNOR_GRANTED);
    assert_int_equal(ask(w, 3, "a"), GOVERNOR_WAITING);
    governor_lane_reserve(w->governor, SLICE("lane"), NULL, 0, w->now);
    expect_next(w, 3, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_calls_that_move_to_a_lane_count_there(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 4);
    add(w, "b", "t", "other", 4);
    reserve(w, "", GOVERNOR_CRITICAL, 2);
    ask_as(w, 0, "b", GOVERNOR_CRITICAL);
    assert_int_equal(reserved(w).used, 0);
    add(w, "b", "t", "lane", 4);
    assert_int_equal(reserved(w).used, 1);
    add(w, "b", "t", "other", 4);
    assert_int_equal(reserved(w).used, 0);
    finish_all(w);
}

static void test_a_tenant_s_ceiling_holds_over_reserved_slots(void **state)
{
    struct world *w = *state;

    governor_tenant_set(w->governor, SLICE("t"), 1, w->now);
    add(w, "a", "t", "lane", 4);
    add(w, "b", "t", "other", 4);
    reserve(w, "", GOVERNOR_CRITICAL, 1);
    ask(w, 0, "b");
    assert_int_equal(ask(w, 1, "a"), GOVERNOR_WAITING);
    assert_int_equal(ask_as(w, 2, "a", GOVERNOR_CRITICAL), GOVERNOR_WAITING);
    finish(w, 0, GOVERNOR_ANSWERED);
    expect_next(w, 2, GOVERNOR_GRANTED);
    finish(w, 2, GOVERNOR_ANSWERED);
    expect_next(w, 1, GOVERNOR_GRANTED);
    finish_all(w);
}

/* A lane that keeps something does not go before the tenant's others. */
static void test_at_a_tenant_s_ceiling_a_lane_that_keeps_slots_takes_turns(void **state)
{
    struct world *w = *state;
    int from_a = 0, from_b = 0;

    governor_tenant_set(w->governor, SLICE("t"), 1, w->now);
    add(w, "a", "t", "lane", 4);
    add(w, "b", "t", "other", 4);
    reserve(w, "", GOVERNOR_CRITICAL, 1);
    for (int i = 0; i < 4; i++) {
        ask(w, i, "a");
        ask(w, 10 + i, "b");
    }
    for (int going = 0; from_a + from_b < 4; going = next(w)) {
        assert_true(going >= 0);
        finish(w, going, GOVERNOR_ANSWERED);
        *(going < 10 ? &from_a : &from_b) += 1;
    }
    assert_int_equal(from_a, 2);
    assert_int_equal(from_b, 2);
    finish_all(w);
}

static void test_processes_that_share_a_lane_share_what_it_keeps(void **state)
{
    struct world *w = *state;

    governor_set_share(w->governor, 0, 2);
    governor_lane_set(w->governor, SLICE("lane"), 8, w->now);
    add(w, "a", "t", "lane", 8);
    reserve(w, "", GOVERNOR_CRITICAL, 2);
    assert_int_equal(reserved(w).kept, 1);
    governor_lane_set(w->governor, SLICE("lane"), 0, w->now);
    assert_int_equal(reserved(w).kept, 1);
    finish_all(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(test_a_slot_kept_for_a_class_waits_for_it),
        SENTENCE(test_a_server_has_its_slots_and_its_part_of_the_open_ones),
        SENTENCE(test_reservations_shrink_with_the_ceiling_and_leave_a_slot),
        SENTENCE(test_the_ceiling_of_one_is_open_to_all),
        SENTENCE(test_a_new_reservation_counts_those_that_run),
        SENTENCE(test_calls_that_move_to_a_lane_count_there),
        SENTENCE(test_a_tenant_s_ceiling_holds_over_reserved_slots),
        SENTENCE(test_at_a_tenant_s_ceiling_a_lane_that_keeps_slots_takes_turns),
        SENTENCE(test_processes_that_share_a_lane_share_what_it_keeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
