/* SPDX-License-Identifier: Apache-2.0 */
/* lender.c itself, whose insides are saved and put back, under a governor and a coordinator in small. */
#include "tests/model/shares.h"

#include LENDER_C /* coordination/lender.c, or that with a fault planted */

static struct lender *lenders[NODES];

/* What is saved and put back as it is: its name in struct node_state, and in the lender. */
/* clang-format off */
#define LANE_FIELDS(X) \
    X(used, used) \
    X(lent, lent) \
    X(want, want) \
    X(leased, leased) \
    X(seen, seen) \
    X(told_keep, told_keep) \
    X(told_want, told_want) \
    X(told_ceiling, told_ceiling) \
    X(pending, pending) \
    X(enters, enters) \
    X(offered, is_offered)
#define LENDER_FLAGS(X) \
    X(joins, joins) \
    X(renews, renews) \
    X(renewing, renewing) \
    X(was_right, was_right) \
    X(was_sharing, was_sharing) \
    X(disputed, is_disputed) \
    X(closed, is_closed)
/* clang-format on */
#define TO_LANE(kept, field) lane->field = n->kept;
#define FROM_LANE(kept, field) n->kept = (num)lane->field;
#define TO_LENDER(kept, field) l->field = n->kept;
#define FROM_LENDER(kept, field) n->kept = (num)l->field;

static num from_now(int64_t us, int lowest, int highest)
{
    return us == INT64_MAX ? NEVER : clamp(ticks(us / 1000 - NOW_MS), lowest, highest);
}

static struct lender_lane *lane_at(const struct lender *l)
{
    return map_get(l->lanes, SLICE("lane"));
}

static void put_lane_back(struct lender *l, const struct node_state *n)
{
    struct lender_lane *lane = lane_at(l);
    if (n->lane == 0) {
        if (lane != NULL) {
            forget(l, lane);
        }
        return;
    }
    if (lane == NULL) {
        const struct lender_need need = {.lane = SLICE("lane"), .key = SLICE(KEY)};
        lane = lane_of(l, &need);
    }
    lane->ceiling = bounds.ceiling;
    LANE_FIELDS(TO_LANE)
    list_remove(&lane->asking);
    list_remove(&lane->lending);
    if (n->asks != 0) {
        list_push(&l->asking, &lane->asking);
    }
    if (n->lends != 0) {
        list_push(&l->lending, &lane->lending);
    }
}

void put_back(int i)
{
    const struct node_state *n = &w.nodes[i];
    struct lender *l = lenders[i];
    put_lane_back(l, n);
    l->epoch[0] = n->epoch != 0 ? 'E' : 'X';
    l->epoch_bytes = l->run_bytes = 1;
    l->run[0] = 'R';
    l->stage = (enum stage)n->stage;
    l->round = 1;
    l->sequence = (uint64_t)n->seq;
    LENDER_FLAGS(TO_LENDER)
    l->offset_ms =
        n->offset == NEVER ? INT64_MIN : EPOCH_MS + n->offset * TICK - NOW_MS;
    l->wall_offset_ms = WALL_MS + n->wall_offset * TICK - NOW_MS;
    l->base_seen = n->base_seen;
    l->contact_us = NOW_MS * 1000;
    l->asked_us = at_us(n->asked);
    l->right_us = at_us(n->right);
    l->open_us = at_us(n->open);
    l->renew_us = at_us(n->renew);
    l->entered_ms = n->entered == NEVER ? INT64_MAX : EPOCH_MS + n->entered * TICK;
}

static void save_lane(struct node_state *n, const struct lender_lane *lane)
{
    n->lane = 1;
    LANE_FIELDS(FROM_LANE)
    n->asks = !list_empty(&lane->asking);
    n->lends = !list_empty(&lane->lending);
}

void save(int i)
{
    struct node_state *n = &w.nodes[i];
    const struct lender *l = lenders[i];
    const struct lender_lane *lane = lane_at(l);
    memset(&n->lane, 0, (size_t)(&n->lends - &n->lane) + 1);
    if (lane != NULL) {
        save_lane(n, lane);
    }
    n->epoch = l->epoch[0] == 'E';
    n->stage = (num)l->stage;
    n->seq = (num)l->sequence;
    LENDER_FLAGS(FROM_LENDER)
    n->offset = l->offset_ms == INT64_MIN
                    ? NEVER
                    : clamp(ticks(NOW_MS + l->offset_ms - EPOCH_MS), -AHEAD, AHEAD);
    n->wall_offset =
        l->wall_offset_ms == INT64_MIN
            ? LONG_AGO
            : clamp(ticks(NOW_MS + l->wall_offset_ms - WALL_MS), LONG_AGO, 0);
    n->base_seen = (num)(lane != NULL ? lane->seen : l->base_seen);
    n->asked = from_now(l->asked_us, -SHARE_TICKS, 0);
    n->right = l->right_us == INT64_MIN ? 0 : from_now(l->right_us, 0, TTL);
    n->open = from_now(l->open_us, 0, NEVER - 1);
    n->renew = from_now(l->renew_us, 0, NEVER - 1);
    n->entered = l->entered_ms == INT64_MAX
                     ? NEVER
                     : clamp(ticks(l->entered_ms - EPOCH_MS), -HOLD - TTL, 0);
    for (int k = 0; k < n->request_count; k++) {
        n->requests[k].round = n->requests[k].round == (num)l->round;
    }
    for (int k = 0; k < n->answer_count; k++) {
        n->answers[k].of.round = n->answers[k].of.round == (num)l->round;
    }
}

/* ---- The governor and the coordinator ---- */

void begin_calls(int i)
{
    struct node_state *n = &w.nodes[i];
    while (n->waiting > 0 && total(n->calls) < n->loan &&
           total(n->calls) < bounds.ceiling) {
        n->calls[0]++;
        n->waiting--;
        if (is_told) {
            printf("  server %d: a call begins\n", i);
        }
    }
    int sum = total(w.dead_calls);
    for (int k = 0; k < NODES; k++) {
        sum += total(w.nodes[k].calls);
    }
    is_above = is_above || sum > bounds.ceiling;
}

static void send(int i, const struct lender_request *request)
{
    struct node_state *n = &w.nodes[i];
    n->requests[n->request_count++] = (struct asked){
        .op = (num)request->op,
        .keep = (num)request->keep,
        .want = (num)request->want,
        .ceiling = (num)request->ceiling,
        .seen = (num)request->seen,
        .seq = (num)request->sequence,
        .claim = clamp(ticks(request->claim_ms - EPOCH_MS), -AHEAD, AHEAD),
        .wall = clamp(ticks(request->wall_ms - WALL_MS), LONG_AGO, 0),
        .epoch = lenders[i]->epoch[0] == 'E',
        .round = (num)request->round,
    };
    if (is_told) {
        static const char *const ops[] = {"joins", "renews", "leaves", "enters",
                                          "turn"};
        printf("  server %d: %s, keeps %d, wants %d\n", i, ops[request->op],
               request->keep, request->want);
    }
}

/* lend() in core/coordinator.c. */
void settle_node(int i)
{
    struct node_state *n = &w.nodes[i];
    struct lender *l = lenders[i];
    struct lender_loan loan;
    struct lender_request request;
    bool is_again = true;
    while (is_again) {
        const struct lender_need need = {.lane = SLICE("lane"),
                                         .key = SLICE(KEY),
                                         .ceiling = bounds.ceiling,
                                         .used = total(n->calls),
                                         .lent = n->loan,
                                         .want = n->waiting};
        lender_need(l, &need, NOW_MS * 1000);
        is_again = lender_next_loan(l, &loan, NOW_MS * 1000);
        if (is_again) {
            n->loan = (num)loan.slots;
            begin_calls(i);
        }
    }
    while (n->up && n->request_count + n->answer_count < ROOM &&
           lender_next_request(l, &request, NOW_MS * 1000)) {
        send(i, &request);
    }
}

/* recall() in core/coordinator.c. */
void recall(int i)
{
    if (lender_due_us(lenders[i]) <= NOW_MS * 1000) {
        lender_tick(lenders[i], NOW_MS * 1000);
        settle_node(i);
    }
}

void hear_answer(int i)
{
    struct node_state *n = &w.nodes[i];
    struct lender *l = lenders[i];
    put_back(i);
    struct told a = n->answers[0];
    n->answer_count--;
    n->answers[0] = n->answers[1];
    memset(&n->answers[1], 0, sizeof n->answers[1]);
    const struct lender_request request = {.op = (enum lender_op)a.of.op,
                                           .lane = a.of.op >= LENDER_ENTER ? lane_at(l)
                                                                           : NULL,
                                           .round = a.of.round != 0 ? 1 : 0,
                                           .sent_us = at_us(a.of.sent)};
    const struct lender_item items[LENDER_ITEMS] = {
        {slice_str(statuses[a.status]), 0},
        {a.epoch != 0 ? SLICE("E") : SLICE("X"), 0},
        {SLICE_EMPTY, EPOCH_MS + a.now * TICK},
        {SLICE_EMPTY, a.wait * TICK},
        {SLICE_EMPTY, WALL_MS + a.wall * TICK},
        {SLICE_EMPTY, a.granted},
        {SLICE_EMPTY, a.last}};
    if (!lender_answer(l, &request, items,
                       a.status == ENTERED || a.status == TURNED ? 7 : 5,
                       NOW_MS * 1000)) {
        fprintf(stderr, "an answer the lender cannot read: %s\n", statuses[a.status]);
        exit(2);
    }
    settle_node(i);
    save(i);
}

void hear_news(int i)
{
    struct node_state *n = &w.nodes[i];
    char text[96];
    put_back(i);
    snprintf(text, sizeof text, "E " KEY " %d %lld", n->news - 1,
             (long long)(EPOCH_MS + n->news_at * TICK));
    n->news = n->news_at = 0;
    lender_granted(lenders[i], slice_str(text), NOW_MS * 1000);
    settle_node(i);
    save(i);
}

bool is_due(int i)
{
    put_back(i);
    return lender_due_us(lenders[i]) <= NOW_MS * 1000;
}

void go_up(int i)
{
    lender_up(lenders[i], SLICE("R"), NOW_MS * 1000);
}

void go_down(int i)
{
    lender_down(lenders[i]);
}

void lenders_new(void)
{
    for (int i = 0; i < NODES; i++) {
        const char id[2] = {(char)('a' + i), '\0'};
        const struct lender_terms terms = {.ttl_ms = TTL * TICK,
                                           .hold_ms = HOLD * TICK,
                                           .nodes = bounds.seats,
                                           .node = bounds.seats > 0 ? i + 1 : 0,
                                           .process = (uint64_t)i + 1,
                                           .workers = 1};
        lenders[i] = lender_new(&terms, slice_str(id), NOW_MS * 1000);
    }
}
