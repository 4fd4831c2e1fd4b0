/* SPDX-License-Identifier: Apache-2.0 */
/* Single courses of events that the searches found: what a lender makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "coordination/lender.h"

#define TTL_MS 1000
#define HOLD_MS 200
#define KEY "0123456789abcdef0123456789abcdef"
#define GRANTED "epoch:1 " KEY " 1 10000"
#define STATUS_ITEMS 5
#define LANE_ITEMS 7

struct course {
    struct lender *lender;
    int64_t now_ms;  /* of all clocks, but where a test says otherwise the epoch's */
    int64_t wait_ms; /* of the grace, in each answer */
};

static struct lender_request next_request(struct course *c, enum lender_op op)
{
    struct lender_request request;
    assert_true(lender_next_request(c->lender, &request, c->now_ms * 1000));
    assert_int_equal(request.op, op);
    return request;
}

/* The request is answered at once; `granted` and `last` belong to lanes. */
static void answer_of(struct course *c, const struct lender_request *request,
                      const char *status, int64_t epoch_ms, int64_t granted,
                      int64_t last)
{
    const struct lender_item items[LANE_ITEMS] = {
        {slice_str(status), 0},    {SLICE("epoch:1"), 0},    {SLICE_EMPTY, epoch_ms},
        {SLICE_EMPTY, c->wait_ms}, {SLICE_EMPTY, c->now_ms}, {SLICE_EMPTY, granted},
        {SLICE_EMPTY, last},
    };
    assert_true(lender_answer(c->lender, request, items,
                              request->lane != NULL ? LANE_ITEMS : STATUS_ITEMS,
                              c->now_ms * 1000));
}

static void answer(struct course *c, const struct lender_request *request,
                   const char *status, int64_t granted, int64_t last)
{
    answer_of(c, request, status, c->now_ms, granted, last);
}

/* The governor's side: one call, that runs as soon as a slot is lent. */
static void one_waits(struct course *c, int lent)
{
    struct lender_need need = {.lane = SLICE("lane"),
                               .key = SLICE(KEY),
                               .ceiling = 1,
                               .used = lent,
                               .lent = lent,
                               .want = 1 - lent};
    lender_need(c->lender, &need, c->now_ms * 1000);
}

static void enter_and_join(struct course *c)
{
    struct lender_request enter = next_request(c, LENDER_ENTER);
    struct lender_request join = next_request(c, LENDER_JOIN);
    answer(c, &enter, "entered", 0, 0);
    answer(c, &join, "ok", 0, 0);
}

static void hear_of_grant(struct course *c, const char *message)
{
    lender_granted(c->lender, slice_str(message), c->now_ms * 1000);
}

static int slots_lent(struct course *c)
{
    struct lender_loan loan = {.slots = 0};
    while (lender_next_loan(c->lender, &loan, c->now_ms * 1000)) {
        one_waits(c, loan.slots);
    }
    return loan.slots;
}

/* A lender that is live, whose only call waits; Redis knows. */
static void begin(struct course *c)
{
    const struct lender_terms terms = {
        .ttl_ms = TTL_MS, .hold_ms = HOLD_MS, .process = 1, .workers = 1};
    *c = (struct course){.now_ms = 10000};
    c->lender = lender_new(&terms, SLICE("a"), c->now_ms * 1000);
    one_waits(c, 0);
    lender_up(c->lender, SLICE("run"), c->now_ms * 1000);
    struct lender_request enter = next_request(c, LENDER_ENTER);
    answer(c, &enter, "epoch", 0, 0);
    enter_and_join(c);
    struct lender_request turn = next_request(c, LENDER_TURN);
    assert_int_equal(turn.want, 1);
    answer(c, &turn, "turn", 0, 1);
    assert_int_equal(slots_lent(c), 0);
}

static void begin_with_a_slot(struct course *c)
{
    begin(c);
    hear_of_grant(c, GRANTED);
    assert_int_equal(slots_lent(c), 1);
}

static void a_grant_told_in_time_is_taken(void **state)
{
    struct course c;
    (void)state;
    begin(&c);
    c.now_ms += HOLD_MS - 50;
    hear_of_grant(&c, GRANTED);
    assert_int_equal(slots_lent(&c), 1);
    lender_free(c.lender);
}

/*
 * Granted at 10000, and told late. Meanwhile the lease was over and so was the hold: Redis forgot
 * the lane, and the slot may be another's. That the lender is registered again makes no difference.
 */
static void a_grant_that_redis_may_have_forgotten_is_not_taken(void **state)
{
    struct course c;
    (void)state;
    begin(&c);
    c.now_ms += HOLD_MS + 300;
    lender_tick(c.lender, c.now_ms * 1000);
    struct lender_request renew = next_request(&c, LENDER_RENEW);
    answer(&c, &renew, "lapsed", 0, 0);
    enter_and_join(&c);
    struct lender_request turn = next_request(&c, LENDER_TURN);
    answer(&c, &turn, "turn", 0, 1);
    hear_of_grant(&c, GRANTED);
    assert_int_equal(slots_lent(&c), 0);
    turn = next_request(&c, LENDER_TURN); /* so Redis learns what became of it */
    assert_int_equal(turn.keep, 0);
    assert_int_equal(turn.seen, 1);
    lender_free(c.lender);
}

/*
 * The lane is registered at 10000. Then the way to Redis stands, and the process too, or it would drop
 * the connection; when the node joins, Redis has forgotten the lane, and may lend its slot.
 */
static void lanes_that_redis_may_have_forgotten_are_registered_again(void **state)
{
    struct course c;
    (void)state;
    begin(&c);
    lender_down(c.lender);
    lender_up(c.lender, SLICE("run"), c.now_ms * 1000);
    struct lender_request enter = next_request(&c, LENDER_ENTER);
    struct lender_request join = next_request(&c, LENDER_JOIN);
    answer(&c, &enter, "entered", 0, 0);
    c.now_ms += HOLD_MS + TTL_MS / 2;
    answer(&c, &join, "ok", 0, 0);
    enter_and_join(&c);
    (void)next_request(&c, LENDER_TURN);
    lender_free(c.lender);
}

/* Redis lends by the lowest ceiling that a server with calls there has told it. */
static void a_ceiling_that_rises_again_is_told(void **state)
{
    struct course c;
    struct lender_request request;
    (void)state;
    begin_with_a_slot(&c);
    while (lender_next_request(c.lender, &request, c.now_ms * 1000)) {
        answer(&c, &request, "turn", 1, 1);
    }
    const struct lender_need recovered = {
        .lane = SLICE("lane"), .key = SLICE(KEY), .ceiling = 10, .used = 1, .lent = 1};
    lender_need(c.lender, &recovered, c.now_ms * 1000);
    request = next_request(&c, LENDER_TURN);
    assert_int_equal(request.ceiling, 10);
    answer(&c, &request, "turn", 1, 1);
    lender_need(c.lender, &recovered, c.now_ms * 1000);
    assert_false(lender_next_request(c.lender, &request, c.now_ms * 1000));
    lender_free(c.lender);
}

/*
 * The epoch's clock as lease.lua leads it: no further than its machine's clock, and no further than the
 * node attests. Requests take now more, now less time to Redis; the clock goes on all the same, or no
 * lease would end where there is much to do.
 */
static void a_busy_node_does_not_slow_the_epochs_clock(void **state)
{
    struct course c;
    struct lender_request request;
    (void)state;
    begin(&c);
    int64_t begun_ms = c.now_ms, epoch_ms = c.now_ms, last_ms = c.now_ms;
    for (int i = 0; c.now_ms < begun_ms + 10 * TTL_MS; i++) {
        const struct lender_need need = {
            .lane = SLICE("lane"), .key = SLICE(KEY), .ceiling = 1, .want = i % 2};
        c.now_ms += 1 + i % 3;
        lender_tick(c.lender, c.now_ms * 1000);
        lender_need(c.lender, &need, c.now_ms * 1000);
        while (lender_next_request(c.lender, &request, c.now_ms * 1000)) {
            int64_t there_ms = c.now_ms + i % 2;
            int64_t passed_ms = there_ms - last_ms;
            int64_t attested_ms = request.claim_ms - epoch_ms;
            int64_t least_ms = passed_ms < attested_ms ? passed_ms : attested_ms;
            epoch_ms += least_ms > 0 ? least_ms : 0;
            last_ms = there_ms;
            answer_of(&c, &request, request.lane != NULL ? "turn" : "ok", epoch_ms, 0,
                      0);
        }
    }
    assert_in_range(epoch_ms - begun_ms, 10 * TTL_MS - TTL_MS / 50, 10 * TTL_MS + 3);
    lender_free(c.lender);
}

/* What other servers have in use is judged by after refusals: each answer's news is passed on. */
static void what_others_have_is_told(void **state)
{
    struct course c;
    struct lender_loan loan;
    struct lender_request request;
    (void)state;
    begin_with_a_slot(&c);
    const struct lender_need another = {.lane = SLICE("lane"),
                                        .key = SLICE(KEY),
                                        .ceiling = 5,
                                        .used = 1,
                                        .lent = 1,
                                        .want = 1};
    lender_need(c.lender, &another, c.now_ms * 1000);
    request = next_request(&c, LENDER_TURN);
    answer(&c, &request, "turn", 1, 3);
    assert_true(lender_next_loan(c.lender, &loan, c.now_ms * 1000));
    assert_int_equal(loan.slots, 1);
    assert_int_equal(loan.others, 3);
    lender_need(c.lender, &another, c.now_ms * 1000);
    assert_false(lender_next_loan(c.lender, &loan, c.now_ms * 1000));
    lender_free(c.lender);
}

static void the_grace_is_known_while_a_renewal_is_under_way(void **state)
{
    struct course c;
    (void)state;
    begin(&c);
    c.wait_ms = 5000;
    c.now_ms += TTL_MS / 3 + 1;
    lender_tick(c.lender, c.now_ms * 1000);
    struct lender_request renew = next_request(&c, LENDER_RENEW);
    answer(&c, &renew, "ok", 0, 0);
    assert_int_equal(lender_look(c.lender, c.now_ms * 1000).left_ms, 5000);
    c.now_ms += TTL_MS / 3 + 1;
    lender_tick(c.lender, c.now_ms * 1000);
    (void)next_request(&c, LENDER_TURN); /* what waits asks again */
    (void)next_request(&c, LENDER_RENEW);
    assert_int_equal(lender_look(c.lender, c.now_ms * 1000).state, LENDER_GRACE);
    assert_int_equal(lender_look(c.lender, c.now_ms * 1000).left_ms,
                     5000 - TTL_MS / 3 - 1);
    lender_free(c.lender);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grant_told_in_time_is_taken),
        cmocka_unit_test(a_grant_that_redis_may_have_forgotten_is_not_taken),
        cmocka_unit_test(lanes_that_redis_may_have_forgotten_are_registered_again),
        cmocka_unit_test(a_ceiling_that_rises_again_is_told),
        cmocka_unit_test(a_busy_node_does_not_slow_the_epochs_clock),
        cmocka_unit_test(what_others_have_is_told),
        cmocka_unit_test(the_grace_is_known_while_a_renewal_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
