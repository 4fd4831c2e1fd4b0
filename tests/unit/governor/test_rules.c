/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes and calls a minute, and one write at a time on a document: who waits for what, who passes
 * meanwhile, and what those are told that cannot wait.
 */
#include "tests/unit/governor/world.h"

#define INVOICE 7
#define ORDER 8

static void add_paced(struct world *w, struct governor_pace calls,
                      struct governor_pace writes)
{
    const struct governor_account account = {.id = SLICE("a"),
                                             .tenant = SLICE("t"),
                                             .lane = SLICE("lane"),
                                             .joined = true,
                                             .ceiling = 10,
                                             .queue_limit = 32,
                                             .queue_wait_us = PATIENCE,
                                             .calls = calls,
                                             .writes = writes};

    governor_account_set(w->governor, &account, w->now);
}

static const struct governor_pace unlimited = {0, 1};

static enum governor_decision write_as(struct world *w, int call, uint64_t document,
                                       enum governor_priority priority,
                                       const char *server)
{
    const struct governor_call who = {.account = SLICE("a"),
                                      .server = slice_str(server),
                                      .weight = 1,
                                      .priority = priority,
                                      .is_write = true,
                                      .document = document};

    return governor_acquire(w->governor, &w->calls[call], &who, w->now);
}

static enum governor_decision write_to(struct world *w, int call, uint64_t document)
{
    return write_as(w, call, document, GOVERNOR_INTERACTIVE, "mcp_1");
}

static void test_writes_wait_for_tokens_and_hold_no_slot(void **state)
{
    struct world *w = *state;

    add_paced(w, unlimited, (struct governor_pace){60, 2});
    for (int i = 0; i < 4; i++) {
        assert_int_equal(write_to(w, i, 0),
                         i < 2 ? GOVERNOR_GRANTED : GOVERNOR_WAITING);
    }
    assert_int_equal(look(w, "a").in_flight, 2);
    assert_int_equal(look(w, "a").queue_depth, 2);
    assert_int_equal(w->calls[2].rule, GOVERNOR_WRITE_RATE);
    for (int i = 10; i < 18; i++) { /* reads pass them, up to the ceiling */
        assert_int_equal(ask(w, i, "a"), GOVERNOR_GRANTED);
        finish(w, i, GOVERNOR_ANSWERED);
    }
    assert_int_equal(governor_due_us(w->governor), w->now + SECOND);
    pass(w, SECOND - 1);
    assert_int_equal(next(w), -1);
    pass(w, 1);
    expect_next(w, 2, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    pass(w, SECOND);
    expect_next(w, 3, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_rate_divided_among_a_hundred_is_still_one(void **state)
{
    struct world *w = *state;

    governor_set_share(w->governor, 0, 100);
    governor_lane_set(w->governor, SLICE("lane"), 1000, w->now);
    const struct governor_account account = {.id = SLICE("a"),
                                             .tenant = SLICE("t"),
                                             .lane = SLICE("lane"),
                                             .joined = true,
                                             .ceiling = 1000,
                                             .queue_limit = 32,
                                             .queue_wait_us = PATIENCE,
                                             .calls = unlimited,
                                             .writes = {1, 1}};
    governor_account_set(w->governor, &account, w->now);
    assert_int_equal(write_to(w, 0, 0), GOVERNOR_GRANTED);
    finish(w, 0, GOVERNOR_ANSWERED);
    assert_int_equal(write_to(w, 1, 0), GOVERNOR_TOO_LATE);
    assert_int_equal(w->calls[1].estimate_us,
                     6000 * SECOND); /* its part of one a minute */
    finish_all(w);
}

static void test_writes_that_waited_for_a_slot_do_not_go_in_a_burst(void **state)
{
    struct world *w = *state;
    int went = 0;

    add_paced(w, unlimited, (struct governor_pace){60, 2});
    governor_lane_mode_set(w->governor, SLICE("lane"), GOVERNOR_PAUSED, w->now);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(write_to(w, i, 0), GOVERNOR_WAITING);
    }
    pass(w, 5 * SECOND);
    governor_lane_mode_set(w->governor, SLICE("lane"), GOVERNOR_RUNNING, w->now);
    while (next(w) >= 0) {
        went++;
    }
    assert_int_equal(went, 2);
    pass(w, SECOND);
    expect_next(w, 2, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    finish_all(w);
}

static void test_a_critical_write_overtakes_those_that_wait_for_tokens(void **state)
{
    struct world *w = *state;

    add_paced(w, unlimited, (struct governor_pace){60, 1});
    write_to(w, 0, 0);
    write_to(w, 1, 0);
    assert_int_equal(write_as(w, 2, 0, GOVERNOR_CRITICAL, "mcp_2"), GOVERNOR_WAITING);
    pass(w, SECOND);
    expect_next(w, 2, GOVERNOR_GRANTED);
    pass(w, SECOND);
    expect_next(w, 1, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_two_writes_on_one_document_go_one_after_the_other(void **state)
{
    struct world *w = *state;

    add_paced(w, unlimited, unlimited);
    assert_int_equal(write_to(w, 0, INVOICE), GOVERNOR_GRANTED);
    assert_int_equal(write_to(w, 1, INVOICE), GOVERNOR_WAITING);
    assert_int_equal(write_to(w, 2, INVOICE), GOVERNOR_WAITING);
    assert_int_equal(w->calls[1].rule, GOVERNOR_DOCUMENT);
    assert_int_equal(write_to(w, 3, ORDER), GOVERNOR_GRANTED);
    assert_int_equal(write_to(w, 4, 0), GOVERNOR_GRANTED);
    assert_int_equal(ask(w, 5, "a"), GOVERNOR_GRANTED);
    assert_int_equal(look(w, "a").in_flight, 4);

    finish(w, 3, GOVERNOR_ANSWERED);
    assert_int_equal(next(w), -1);
    finish(w, 0, GOVERNOR_ANSWERED);
    expect_next(w, 1, GOVERNOR_GRANTED);
    assert_int_equal(next(w), -1);
    finish(w, 1, GOVERNOR_RATE_LIMITED); /* nothing was written, the next may try */
    pass(w, SECOND);
    expect_next(w, 2, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_document_is_one_account_s(void **state)
{
    struct world *w = *state;
    const struct governor_call other = {.account = SLICE("b"),
                                        .server = SLICE("mcp_2"),
                                        .weight = 1,
                                        .priority = GOVERNOR_INTERACTIVE,
                                        .is_write = true,
                                        .document = INVOICE};

    add_paced(w, unlimited, unlimited);
    add(w, "b", "t", "lane", 5);
    assert_int_equal(write_to(w, 0, INVOICE), GOVERNOR_GRANTED);
    assert_int_equal(governor_acquire(w->governor, &w->calls[1], &other, w->now),
                     GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_document_stays_taken_after_a_lost_connection(void **state)
{
    struct world *w = *state;

    add_paced(w, unlimited, unlimited);
    write_to(w, 0, INVOICE);
    finish(w, 0, GOVERNOR_LOST);
    pass(w, 25 * SECOND);
    assert_int_equal(write_to(w, 1, INVOICE), GOVERNOR_WAITING);
    pass(w, 5 * SECOND - 1);
    assert_int_equal(next(w), -1);
    pass(w, 1);
    expect_next(w, 1, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_whoever_gives_up_its_turn_at_a_document_passes_it_on(void **state)
{
    struct world *w = *state;

    add_paced(w, unlimited, (struct governor_pace){60, 1});
    write_to(w, 0, ORDER);
    write_to(w, 1, INVOICE); /* its turn at the document, but no token */
    write_to(w, 2, INVOICE);
    write_to(w, 3, INVOICE);
    assert_int_equal(w->calls[1].rule, GOVERNOR_WRITE_RATE);
    assert_int_equal(w->calls[2].rule, GOVERNOR_DOCUMENT);
    governor_cancel(w->governor, &w->calls[2], w->now);
    governor_cancel(w->governor, &w->calls[1], w->now);
    assert_int_equal(w->calls[3].rule, GOVERNOR_WRITE_RATE);
    pass(w, SECOND);
    expect_next(w, 3, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_calls_of_all_kinds_have_a_bucket(void **state)
{
    struct world *w = *state;

    add_paced(w, (struct governor_pace){600, 3}, unlimited);
    assert_int_equal(look(w, "a").remaining, 3); /* of ten slots */
    ask(w, 0, "a");
    ask(w, 1, "a");
    assert_int_equal(look(w, "a").remaining, 1);
    write_to(w, 2, 0);
    assert_int_equal(ask_as(w, 3, "a", GOVERNOR_BATCH), GOVERNOR_WAITING);
    assert_int_equal(ask(w, 4, "a"), GOVERNOR_WAITING);
    assert_int_equal(ask_as(w, 5, "a", GOVERNOR_CRITICAL), GOVERNOR_WAITING);
    assert_int_equal(look(w, "a").remaining, 0);
    assert_int_equal(look(w, "a").reset_s, 1);
    finish(w, 0, GOVERNOR_ANSWERED); /* a slot is not a token */
    assert_int_equal(next(w), -1);
    pass(w, SECOND / 10);
    expect_next(w, 5, GOVERNOR_GRANTED); /* the classes hold here too */
    pass(w, SECOND / 10);
    expect_next(w, 4, GOVERNOR_GRANTED);
    pass(w, SECOND / 10);
    expect_next(w, 3, GOVERNOR_GRANTED);
    pass(w, 10 * SECOND);
    assert_int_equal(look(w, "a").remaining, 3); /* not more than the burst */
    finish_all(w);
}

static void test_who_would_get_no_token_in_time_is_told_at_once(void **state)
{
    struct world *w = *state;

    add_paced(w, unlimited, (struct governor_pace){6, 1}); /* one in ten seconds */
    write_to(w, 0, 0);
    assert_int_equal(write_to(w, 1, 0), GOVERNOR_WAITING);
    assert_int_equal(write_to(w, 2, 0), GOVERNOR_TOO_LATE);
    assert_int_equal(w->calls[2].estimate_us, 20 * SECOND);
    assert_int_equal(w->calls[2].rule, GOVERNOR_WRITE_RATE);
    assert_null(w->calls[2].seat);
    assert_int_equal(ask(w, 3, "a"), GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_who_waited_in_vain_is_told_what_for(void **state)
{
    struct world *w = *state;

    add_paced(w, unlimited, unlimited);
    write_to(w, 0, INVOICE);
    write_to(w, 1, INVOICE);
    pass(w, PATIENCE);
    expect_next(w, 1, GOVERNOR_EXPIRED);
    assert_int_equal(w->calls[1].rule, GOVERNOR_DOCUMENT);

    add_paced(w, (struct governor_pace){2, 1}, unlimited);
    assert_int_equal(ask(w, 2, "a"), GOVERNOR_GRANTED);
    assert_int_equal(ask(w, 3, "a"), GOVERNOR_TOO_LATE);
    assert_int_equal(w->calls[3].rule, GOVERNOR_CALL_RATE);
    assert_int_equal(w->calls[3].estimate_us, 30 * SECOND);
    finish_all(w);
}

static void test_another_limit_acts_at_once(void **state)
{
    struct world *w = *state;

    add_paced(w, unlimited, (struct governor_pace){60, 1});
    write_to(w, 0, 0);
    write_to(w, 1, 0);
    write_to(w, 2, 0);
    add_paced(w, unlimited, (struct governor_pace){60, 2});
    assert_int_equal(next(w), 1); /* one token is missing still, of two */
    assert_int_equal(next(w), -1);
    add_paced(w, unlimited, unlimited);
    expect_next(w, 2, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_kept_back_writes_are_in_the_line_that_is_shown(void **state)
{
    struct world *w = *state;
    struct arena *arena = arena_new();
    struct governor_line *lines;
    int seen[GOVERNOR_RULES] = {0};

    add_paced(w, unlimited, (struct governor_pace){60, 1});
    write_to(w, 0, INVOICE);
    write_to(w, 1, INVOICE);
    write_to(w, 2, ORDER);
    write_to(w, 3, 0);
    governor_lane_mode_set(w->governor, SLICE("lane"), GOVERNOR_PAUSED, w->now);
    ask(w, 4, "a");
    size_t count =
        governor_lane_lines(w->governor, arena, SLICE("lane"), SLICE_EMPTY, &lines);
    for (size_t i = 0; i < count; i++) {
        seen[lines[i].waits_for] += lines[i].queued;
    }
    assert_int_equal(count, 3);
    assert_int_equal(seen[GOVERNOR_DOCUMENT], 1);
    assert_int_equal(seen[GOVERNOR_WRITE_RATE], 2);
    assert_int_equal(seen[GOVERNOR_SLOT], 1);
    assert_int_equal(lane(w, "lane").queued, 4);
    assert_int_equal(
        governor_lane_kick(w->governor, SLICE("lane"), SLICE("mcp_1"), w->now), 4);
    arena_free(arena);
    finish_all(w);
}

static void test_a_weight_changes_while_writes_are_kept_back(void **state)
{
    struct world *w = *state;

    add_paced(w, unlimited, unlimited);
    write_to(w, 0, INVOICE);
    write_to(w, 1, INVOICE);
    const struct governor_call heavier = {.account = SLICE("a"),
                                          .server = SLICE("mcp_1"),
                                          .weight = 5,
                                          .priority = GOVERNOR_INTERACTIVE,
                                          .is_write = true,
                                          .document = INVOICE};
    assert_int_equal(governor_acquire(w->governor, &w->calls[2], &heavier, w->now),
                     GOVERNOR_WAITING);
    finish(w, 0, GOVERNOR_ANSWERED);
    expect_next(w, 1, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_processes_that_share_an_account_share_its_tokens(void **state)
{
    struct world *w = *state;

    governor_set_share(w->governor, 1, 2);
    add_paced(w, unlimited, (struct governor_pace){60, 3});
    assert_int_equal(write_to(w, 0, 0), GOVERNOR_GRANTED); /* one of three */
    assert_int_equal(write_to(w, 1, 0), GOVERNOR_WAITING);
    pass(w, 2 * SECOND - 1);
    assert_int_equal(next(w), -1);
    pass(w, 1); /* half a token a second */
    expect_next(w, 1, GOVERNOR_GRANTED);
    finish_all(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(test_writes_wait_for_tokens_and_hold_no_slot),
        SENTENCE(test_a_rate_divided_among_a_hundred_is_still_one),
        SENTENCE(test_writes_that_waited_for_a_slot_do_not_go_in_a_burst),
        SENTENCE(test_a_critical_write_overtakes_those_that_wait_for_tokens),
        SENTENCE(test_two_writes_on_one_document_go_one_after_the_other),
        SENTENCE(test_a_document_is_one_account_s),
        SENTENCE(test_a_document_stays_taken_after_a_lost_connection),
        SENTENCE(test_whoever_gives_up_its_turn_at_a_document_passes_it_on),
        SENTENCE(test_calls_of_all_kinds_have_a_bucket),
        SENTENCE(test_who_would_get_no_token_in_time_is_told_at_once),
        SENTENCE(test_who_waited_in_vain_is_told_what_for),
        SENTENCE(test_another_limit_acts_at_once),
        SENTENCE(test_kept_back_writes_are_in_the_line_that_is_shown),
        SENTENCE(test_a_weight_changes_while_writes_are_kept_back),
        SENTENCE(test_processes_that_share_an_account_share_its_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
