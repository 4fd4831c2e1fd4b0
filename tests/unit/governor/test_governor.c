/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The governor, sentence by sentence: asking, waiting, leaving, removal, programmer
 * errors. The rules that must hold in every mixture of events are in
 * test_governor_property.c.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/governor/world.h"

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

    add_a(w, 1, 2, SECOND);
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

    add_a(w, 1, 0, SECOND);

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
        add_a(w, 1, 32, (10 - i) * SECOND);
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

    add_a(w, 1, 2, INT64_MAX);
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
        ask_by(w, i, "a", i % 2 == 0 ? "even" : "odd", 1,
               i < 4 ? GOVERNOR_INTERACTIVE : GOVERNOR_BATCH);
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
        SENTENCE(test_removing_an_account_revokes_who_waits_and_lets_run_who_runs),
        SENTENCE(test_an_account_that_comes_back_finds_its_running_calls_counted),
        SENTENCE(test_the_waiters_of_a_revoked_server_leave_and_no_others),
        SENTENCE(test_accounts_come_and_go_and_leave_nothing),
        SENTENCE(test_settings_survive_the_accounts),
        SENTENCE(test_free_takes_what_is_on_hold_and_what_nobody_fetched),
        SENTENCE(test_a_slot_cannot_be_given_back_or_lost_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
