/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who goes next: classes by their shares, MCP servers in turn by their weights, first
 * come first served within; and who is told at once that it need not wait.
 */
#define PATIENCE (10000 * SECOND)
#include "tests/unit/governor/world.h"

#define SERVERS 12
#define BACKLOG 6
#define ROUNDS 8000
#define CLASSES GOVERNOR_PRIORITIES

/* A slot comes free again and again; who got it is written down as letters. */
static void expect_order(struct world *w, int first, const char *order, const char *who)
{
    int running = first;

    for (const char *at = order; *at != '\0'; at++) {
        finish(w, running, GOVERNOR_UNUSED);
        running = next(w);
        assert_in_range(running, 0, CALLS - 1);
        assert_int_equal(who[running], *at);
    }
    finish_all(w);
}

static void ask_letter(struct world *w, char *who, int call, char letter, int weight)
{
    const char server[] = {letter, '\0'};

    who[call] = letter;
    assert_int_equal(ask_by(w, call, "a", server, weight, GOVERNOR_INTERACTIVE),
                     GOVERNOR_WAITING);
}

static void test_a_greedy_server_waits_its_turn(void **state)
{
    struct world *w = *state;
    char who[CALLS] = "x";

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    for (int i = 1; i <= 9; i++) {
        ask_letter(w, who, i, 'g', 1);
    }
    ask_letter(w, who, 10, 'p', 1);
    ask_letter(w, who, 11, 'q', 1);
    ask_letter(w, who, 12, 'p', 1);

    expect_order(w, 0, "gpqgpggggggg", who);
}

static void test_weights_are_calls_in_a_turn(void **state)
{
    struct world *w = *state;
    char who[CALLS] = "x";

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    for (int i = 1; i <= 6; i++) {
        ask_letter(w, who, i, 'g', 1);
        ask_letter(w, who, i + 10, 'h', 3);
    }

    expect_order(w, 0, "ghhhghhhgggg", who);
}

static void test_a_server_that_ran_empty_joins_at_the_end_of_the_round(void **state)
{
    struct world *w = *state;
    char who[CALLS] = "x";

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    ask_letter(w, who, 1, 'p', 4);
    ask_letter(w, who, 2, 'g', 2);
    ask_letter(w, who, 3, 'g', 2);
    ask_letter(w, who, 4, 'g', 2);
    finish(w, 0, GOVERNOR_UNUSED);
    expect_next(w, 1, GOVERNOR_GRANTED); /* three calls short of its weight */
    ask_letter(w, who, 5, 'p', 4);

    expect_order(w, 1, "ggpg", who);
}

static void test_servers_of_two_accounts_take_turns_in_their_lane(void **state)
{
    struct world *w = *state;

    add(w, "a", "t", "lane", 1);
    add(w, "b", "u", "lane", 1);
    ask(w, 0, "a");
    for (int i = 1; i <= 4; i++) {
        ask_by(w, i, "a", "greedy", 1, GOVERNOR_INTERACTIVE);
    }
    ask_by(w, 5, "b", "polite", 1, GOVERNOR_INTERACTIVE);
    finish(w, 0, GOVERNOR_UNUSED);
    expect_next(w, 1, GOVERNOR_GRANTED);
    finish(w, 1, GOVERNOR_UNUSED);
    expect_next(w, 5, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_a_server_kept_back_by_a_ceiling_gathers_no_turns(void **state)
{
    struct world *w = *state;

    governor_lane_set(w->governor, SLICE("lane"), 3, w->now);
    add(w, "a", "t", "lane", 1);
    add(w, "b", "t", "lane", 2);
    ask_by(w, 0, "a", "kept", 1, GOVERNOR_INTERACTIVE);
    for (int i = 1; i <= 5; i++) {
        ask_by(w, i, "a", "kept", 1, GOVERNOR_INTERACTIVE);
        ask_by(w, 10 + i, "b", "busy", 1, GOVERNOR_INTERACTIVE);
    }
    for (int i = 1; i <= 3; i++) { /* two of them run already */
        finish(w, 10 + i, GOVERNOR_UNUSED);
        if (i < 4) {
            expect_next(w, 12 + i, GOVERNOR_GRANTED);
        }
    }
    add(w, "a", "t", "lane", 3);
    governor_lane_set(w->governor, SLICE("lane"), 4, w->now);

    expect_next(w, 1, GOVERNOR_GRANTED); /* one room: the lane's fourth */
    assert_int_equal(next(w), -1);
    finish_all(w);
}

static void test_batch_gets_a_tenth_while_it_waits(void **state)
{
    struct world *w = *state;
    int batch = 0, running = 0;

    add_a(w, 1, 60, PATIENCE);
    ask(w, 0, "a");
    for (int i = 1; i <= 50; i++) {
        ask_as(w, i, "a", i <= 5 ? GOVERNOR_BATCH : GOVERNOR_INTERACTIVE);
    }
    for (int i = 1; i <= 30; i++) {
        finish(w, running, GOVERNOR_UNUSED);
        running = next(w);
        batch += w->calls[running].priority == GOVERNOR_BATCH ? 1 : 0;
        assert_int_equal(batch, i / 10); /* the tenth, the twentieth, the thirtieth */
    }
    finish_all(w);
}

static void test_critical_calls_overtake_but_leave_the_others_their_shares(void **state)
{
    struct world *w = *state;
    int interactive = 0, batch = 0, running = 0;

    add_a(w, 1, 60, PATIENCE);
    ask(w, 0, "a");
    for (int i = 1; i <= 60; i++) {
        ask_as(w, i, "a",
               i <= 5    ? GOVERNOR_BATCH
               : i <= 20 ? GOVERNOR_INTERACTIVE
                         : GOVERNOR_CRITICAL);
    }
    for (int i = 1; i <= 40; i++) {
        finish(w, running, GOVERNOR_UNUSED);
        running = next(w);
        interactive += w->calls[running].priority == GOVERNOR_INTERACTIVE ? 1 : 0;
        batch += w->calls[running].priority == GOVERNOR_BATCH ? 1 : 0;
        assert_true(i > 3 ||
                    interactive + batch == 0); /* those that came last go first */
        assert_int_equal(batch, i / 10);
        assert_in_range(interactive, i / 4 - (i % 20 == 0), i / 4); /* one call late */
    }
    finish_all(w);
}

static void test_critical_calls_are_first_come_first_served(void **state)
{
    struct world *w = *state;
    int running = 0;

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    ask(w, 1, "a");
    for (int i = 2; i <= 4; i++) {
        ask_as(w, i, "a", GOVERNOR_CRITICAL);
    }
    for (int i = 2; i <= 4; i++) {
        finish(w, running, GOVERNOR_UNUSED);
        running = next(w);
        assert_int_equal(running, i);
    }
    finish_all(w);
}

/* Shares and turns over a long run with several accounts on one lane. */

static const int weights[SERVERS] = {1, 1, 1, 1, 2, 2, 3, 3, 5, 5, 8, 13};

/* All calls of the server that ask for nothing ask again. */
static void refill(struct governor *governor, struct governor_ticket *tickets,
                   int server, int class)
{
    static const char *const names[] = {"s0", "s1", "s2", "s3", "s4",  "s5",
                                        "s6", "s7", "s8", "s9", "s10", "s11"};
    static const char *const accounts[] = {"a", "b", "c"};
    const struct governor_call call = {.account = slice_str(accounts[server % 3]),
                                       .server = slice_str(names[server]),
                                       .weight = weights[server],
                                       .priority = (enum governor_priority) class};

    for (int i = 0; i < BACKLOG; i++) {
        struct governor_ticket *ticket =
            &tickets[(server * CLASSES + class) * BACKLOG + i];
        if (ticket->seat == NULL) {
            governor_acquire(governor, ticket, &call, 1);
        }
    }
}

static void test_turns_and_shares_are_exact_over_a_long_run(void **state)
{
    struct world *w = *state;
    struct governor_ticket *tickets =
        calloc(SERVERS * CLASSES * BACKLOG, sizeof(*tickets));
    int served[SERVERS][CLASSES] = {{0}}, total[CLASSES] = {0};

    for (int i = 0; i < 3; i++) {
        static const char *const ids[] = {"a", "b", "c"};
        struct governor_account account = {.id = slice_str(ids[i]),
                                           .tenant = slice_str(ids[i]),
                                           .lane = SLICE("lane"),
                                           .joined = true,
                                           .ceiling = 3,
                                           .queue_limit = SERVERS * CLASSES * BACKLOG,
                                           .queue_wait_us = PATIENCE};
        governor_account_set(w->governor, &account, w->now);
    }
    for (int class = 0; class < CLASSES; class ++) {
        for (int i = 0; i < SERVERS; i++) {
            refill(w->governor, tickets, i, class);
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        struct governor_ticket *ticket = NULL;
        int at;
        for (int i = 0; i < SERVERS * CLASSES * BACKLOG && ticket == NULL; i++) {
            int n = (round * 31 + i) % (SERVERS * CLASSES * BACKLOG);
            if (tickets[n].seat != NULL && tickets[n].decision == GOVERNOR_GRANTED) {
                ticket = &tickets[n];
            }
        }
        governor_release(w->governor, ticket, GOVERNOR_UNUSED, 0, 1);
        ticket = governor_next(w->governor);
        assert_non_null(ticket);
        assert_null(governor_next(w->governor));
        at = (int)(ticket - tickets) / BACKLOG;
        served[at / CLASSES][at % CLASSES]++;
        total[at % CLASSES]++;
        assert_int_equal(total[GOVERNOR_BATCH], (round + 1) / 10);
        assert_in_range((round + 1) / 4 - total[GOVERNOR_INTERACTIVE], 0, 1);
        for (int i = 0; i < SERVERS * CLASSES; i++) {
            refill(w->governor, tickets, i / CLASSES, i % CLASSES);
        }
    }
    for (int class = 0; class < CLASSES; class ++) {
        for (int i = 0; i < SERVERS; i++) { /* never more than a turn apart */
            int rounds = served[i][class] / weights[i];
            assert_true(abs(rounds - served[0][class]) <= 1);
        }
    }
    for (int i = 0; i < SERVERS * CLASSES * BACKLOG; i++) {
        if (tickets[i].seat != NULL && tickets[i].decision == GOVERNOR_WAITING) {
            governor_cancel(w->governor, &tickets[i], 1);
        }
    }
    for (int i = 0; i < SERVERS * CLASSES * BACKLOG; i++) {
        if (tickets[i].seat != NULL) {
            governor_release(w->governor, &tickets[i], GOVERNOR_UNUSED, 0, 1);
        }
    }
    free(tickets);
}

/* What would not be served in time is told so at once. */

static void measure(struct world *w, int64_t hold_us)
{
    ask(w, 0, "a");
    pass(w, hold_us);
    finish(w, 0, GOVERNOR_ANSWERED);
}

static void test_who_would_be_too_late_is_told_at_once(void **state)
{
    struct world *w = *state;

    add_a(w, 2, 32, 10 * SECOND);
    measure(w, 3 * SECOND);
    for (int i = 0; i < 9; i++) { /* two run; 6 x 1.5 s and 1 s for the last */
        assert_int_equal(ask(w, i, "a"), i < 2 ? GOVERNOR_GRANTED : GOVERNOR_WAITING);
    }
    assert_int_equal(ask(w, 9, "a"), GOVERNOR_TOO_LATE);
    assert_int_equal(w->calls[9].estimate_us, 11500000);
    assert_null(w->calls[9].seat);
    assert_int_equal(look(w, "a").queue_depth, 7);
    finish_all(w);
}

/* Of several slots one is free long before a call has run its time; of one, halfway. */
static void test_the_first_in_line_waits_for_a_slot_not_for_a_whole_call(void **state)
{
    struct world *w = *state;
    struct governor_account account = account_a(5, 32, 10 * SECOND);

    governor_account_set(w->governor, &account, w->now);
    measure(w, 25 * SECOND); /* longer than anybody may wait */
    for (int i = 0; i < 5; i++) {
        ask(w, i, "a");
    }
    assert_int_equal(ask(w, 5, "a"), GOVERNOR_WAITING); /* 25 s / 6 */
    assert_int_equal(ask(w, 6, "a"), GOVERNOR_WAITING); /* and 25 s / 5 */
    assert_int_equal(ask(w, 7, "a"), GOVERNOR_TOO_LATE);

    account.id = SLICE("b");
    account.lane = SLICE("narrow");
    account.ceiling = 1;
    governor_account_set(w->governor, &account, w->now);
    ask(w, 10, "b");
    pass(w, 16 * SECOND);
    expect_next(w, 5, GOVERNOR_EXPIRED);
    expect_next(w, 6, GOVERNOR_EXPIRED);
    finish(w, 10, GOVERNOR_ANSWERED);
    ask(w, 10, "b");
    assert_int_equal(ask(w, 11, "b"), GOVERNOR_WAITING);
    assert_int_equal(ask(w, 12, "b"), GOVERNOR_TOO_LATE);
    finish_all(w);
}

static void test_a_weight_that_was_changed_holds_for_those_in_line(void **state)
{
    struct world *w = *state;
    struct governor_account account = account_a(1, 32, PATIENCE);

    account.queue_wait_us = 1000 * SECOND;
    governor_account_set(w->governor, &account, w->now);
    measure(w, SECOND);
    ask(w, 0, "a");
    for (int i = 1; i <= 9; i++) {
        ask_by(w, i, "a", "one", 9, GOVERNOR_INTERACTIVE);
    }
    for (int i = 10; i <= 19; i++) {
        ask_by(w, i, "a", "other", 1, GOVERNOR_INTERACTIVE);
    }
    account.queue_wait_us = 10 * SECOND;
    governor_account_set(w->governor, &account, w->now);
    /* Nine turns of "other" before its tenth, and in them none of the ten calls of "one". */
    assert_int_equal(ask_by(w, 20, "a", "one", 1, GOVERNOR_INTERACTIVE),
                     GOVERNOR_TOO_LATE);
    assert_int_equal(w->calls[20].estimate_us, 19 * SECOND + SECOND / 2);
    assert_int_equal(ask_by(w, 21, "a", "third", 1, GOVERNOR_INTERACTIVE),
                     GOVERNOR_WAITING);
    assert_int_equal(w->calls[21].estimate_us, 2 * SECOND + SECOND / 2);
    finish(w, 0, GOVERNOR_UNUSED);
    expect_next(w, 1, GOVERNOR_GRANTED);
    finish_all(w);
}

static void
test_a_server_s_estimate_counts_the_turns_of_others_not_their_queues(void **state)
{
    struct world *w = *state;

    add_a(w, 1, 32, 10 * SECOND);
    measure(w, 2 * SECOND);
    ask(w, 0, "a");
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(ask_by(w, i, "a", "greedy", 1, GOVERNOR_INTERACTIVE),
                         GOVERNOR_WAITING);
    }
    assert_int_equal(ask_by(w, 6, "a", "greedy", 1, GOVERNOR_INTERACTIVE),
                     GOVERNOR_TOO_LATE);

    assert_int_equal(ask_by(w, 7, "a", "polite", 1, GOVERNOR_INTERACTIVE),
                     GOVERNOR_WAITING);
    assert_int_equal(ask_by(w, 8, "a", "polite", 1, GOVERNOR_INTERACTIVE),
                     GOVERNOR_WAITING);
    finish(w, 0, GOVERNOR_UNUSED);
    expect_next(w, 1, GOVERNOR_GRANTED);
    finish(w, 1, GOVERNOR_UNUSED);
    expect_next(w, 7, GOVERNOR_GRANTED);
    finish_all(w);
}

static void test_batch_s_estimate_knows_its_share(void **state)
{
    struct world *w = *state;
    struct governor_account account = account_a(1, 60, 10000 * SECOND);

    governor_account_set(w->governor, &account, w->now);
    measure(w, SECOND);
    ask(w, 0, "a");
    for (int i = 1; i <= 30; i++) {
        ask(w, i, "a");
    }
    account.queue_wait_us = 11 * SECOND;
    governor_account_set(w->governor, &account, w->now);

    assert_int_equal(ask_as(w, 40, "a", GOVERNOR_INTERACTIVE), GOVERNOR_TOO_LATE);
    assert_int_equal(ask_as(w, 40, "a", GOVERNOR_BATCH), GOVERNOR_WAITING);
    assert_int_equal(ask_as(w, 41, "a", GOVERNOR_BATCH), GOVERNOR_TOO_LATE);
    finish_all(w);
}

static void test_a_full_queue_is_shared(void **state)
{
    struct world *w = *state;

    add_a(w, 1, 5, PATIENCE);
    ask(w, 0, "a");
    ask_by(w, 1, "a", "greedy", 1, GOVERNOR_BATCH);
    for (int i = 2; i <= 5; i++) {
        ask_by(w, i, "a", "greedy", 1, GOVERNOR_INTERACTIVE);
    }
    assert_int_equal(ask_by(w, 6, "a", "greedy", 1, GOVERNOR_INTERACTIVE),
                     GOVERNOR_REFUSED);
    assert_int_equal(ask_by(w, 7, "a", "polite", 1, GOVERNOR_INTERACTIVE),
                     GOVERNOR_WAITING);
    expect_next(w, 1, GOVERNOR_REFUSED); /* batch makes room first */
    assert_int_equal(ask_by(w, 8, "a", "polite", 1, GOVERNOR_INTERACTIVE),
                     GOVERNOR_WAITING);
    expect_next(w, 5, GOVERNOR_REFUSED); /* then the last that came */
    assert_int_equal(ask_by(w, 9, "a", "polite", 1, GOVERNOR_INTERACTIVE),
                     GOVERNOR_REFUSED); /* it would have as many */
    assert_int_equal(look(w, "a").queue_depth, 5);
    assert_int_equal(lane(w, "lane").refused_full, 4);
    finish_all(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(test_a_greedy_server_waits_its_turn),
        SENTENCE(test_weights_are_calls_in_a_turn),
        SENTENCE(test_a_server_that_ran_empty_joins_at_the_end_of_the_round),
        SENTENCE(test_servers_of_two_accounts_take_turns_in_their_lane),
        SENTENCE(test_a_server_kept_back_by_a_ceiling_gathers_no_turns),
        SENTENCE(test_batch_gets_a_tenth_while_it_waits),
        SENTENCE(test_critical_calls_overtake_but_leave_the_others_their_shares),
        SENTENCE(test_critical_calls_are_first_come_first_served),
        SENTENCE(test_turns_and_shares_are_exact_over_a_long_run),
        SENTENCE(test_who_would_be_too_late_is_told_at_once),
        SENTENCE(test_a_server_s_estimate_counts_the_turns_of_others_not_their_queues),
        SENTENCE(test_batch_s_estimate_knows_its_share),
        SENTENCE(test_the_first_in_line_waits_for_a_slot_not_for_a_whole_call),
        SENTENCE(test_a_weight_that_was_changed_holds_for_those_in_line),
        SENTENCE(test_a_full_queue_is_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
