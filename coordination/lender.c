/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariants, true between any two calls from outside
 *  1. What Redis has on record for this node in a lane is never less than `leased` there: a slot
 *     is given up here before Redis is told, and taken only after Redis has said so.
 *  2. Grants are counted, not listed: `seen` is how many of this node's grants in the lane it
 *     knows of. A message that comes twice, late or out of order adds nothing.
 *  3. Nothing is dispatched under a lease after right_us. It is counted from the sending of the
 *     renewal, and ends a tenth early, so it is over here before it is over at Redis.
 *  4. While Redis decides, a slot that comes free goes back to Redis, which may lend it to us
 *     again. While it cannot decide (away, or at the beginning of an epoch) slots are kept and
 *     used again here.
 *  5. With shares, slots that are used without asking are at most our share of the ceiling: the
 *     rest may be needed by who cannot ask either.
 *  6. Answers to requests of an earlier round (before a new connection or epoch) change nothing.
 */
#include "coordination/lender.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/require.h"

#define RUN_ID_BYTES 64
#define NUMBER_MOST (INT64_C(1) << 53) /* that lease.lua can count to */
#define RETRY_US INT64_C(1000000)      /* after a dispute about seat or terms */

enum stage { STAGE_AWAY, STAGE_ENTERING, STAGE_LIVE, STAGE_DISPUTED };

struct lender_lane {
    struct list all, asking, lending;
    char key[LENDER_KEY_BYTES];
    int ceiling, used, lent, want; /* as the governor said */
    int leased, others;
    int64_t seen;
    /* What Redis will know once the requests have arrived. */
    int told_keep, told_want, told_ceiling;
    int pending;     /* requests of this round without an answer */
    bool enters;     /* the next request registers it */
    bool is_offered; /* granted, and the governor does not know yet */
    size_t id_bytes;
    char id[];
};

struct lender {
    struct lender_terms terms;
    char id[LENDER_KEY_BYTES], epoch[LENDER_EPOCH_BYTES], run[RUN_ID_BYTES];
    size_t id_bytes, epoch_bytes, run_bytes;
    char seat[64]; /* node, process, workers */
    enum stage stage;
    struct map *lanes; /* by id */
    struct map *keys;  /* the same, by key */
    struct list all, asking, lending;
    uint64_t round, sequence;
    bool joins, renews, leaves; /* to be sent; join only after all that enters */
    bool renewing;
    int64_t offset_ms;      /* epoch's clock minus ours, at most; INT64_MIN: unknown */
    int64_t wall_offset_ms; /* clock of Redis's machine minus ours, the same way */
    int64_t base_seen;      /* no grant of a forgotten lane had a higher number */
    int64_t
        contact_us;   /* sending of the last renewal that was answered, or our start */
    int64_t asked_us; /* of the last renewal, answered or not: Redis may know of it */
    int64_t right_us; /* until when leases may be used */
    int64_t open_us;  /* until then nothing is granted: the epoch is young */
    int64_t renew_us;
    int64_t entered_ms; /* when the first lane was registered, by the epoch's clock */
    bool is_closed;     /* as the last answer said: the grace runs */
    bool was_right, was_sharing; /* what the last tick saw */
    bool is_disputed;            /* our seat is another's, or the terms are others */
    uint64_t epochs, lapses;
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

static void *zeroed(size_t bytes)
{
    void *ptr = calloc(1, bytes);
    REQUIRE(ptr != NULL);
    return ptr;
}

struct lender *lender_new(const struct lender_terms *terms, struct slice id,
                          int64_t now_us)
{
    struct lender *lender = zeroed(sizeof *lender);
    REQUIRE(terms->ttl_ms > 0 && terms->hold_ms >= 0 && id.len <= sizeof lender->id);
    REQUIRE(terms->nodes == 0 ? terms->node == 0
                              : terms->node >= 1 && terms->node <= terms->nodes);
    lender->terms = *terms;
    slice_copy(lender->id, id);
    lender->id_bytes = id.len;
    REQUIRE(terms->workers >= 1);
    snprintf(lender->seat, sizeof lender->seat, "%d:%" PRIx64 ":%d", terms->node,
             terms->process, terms->workers);
    lender->lanes = map_new();
    lender->keys = map_new();
    list_init(&lender->all);
    list_init(&lender->asking);
    list_init(&lender->lending);
    lender->offset_ms = lender->wall_offset_ms = INT64_MIN;
    lender->contact_us = lender->asked_us = now_us;
    lender->right_us = INT64_MIN;
    lender->renew_us = INT64_MAX;
    return lender;
}

static void forget(struct lender *lender, struct lender_lane *lane)
{
    if (lane->seen > lender->base_seen) {
        lender->base_seen = lane->seen;
    }
    list_remove(&lane->all);
    list_remove(&lane->asking);
    list_remove(&lane->lending);
    map_remove(lender->lanes, slice_of(lane->id, lane->id_bytes));
    map_remove(lender->keys, slice_of(lane->key, sizeof lane->key));
    free(lane);
}

static void free_lane(void *ctx, struct slice key, void *value)
{
    (void)ctx;
    (void)key;
    free(value);
}

void lender_free(struct lender *lender)
{
    if (lender == NULL) {
        return;
    }
    map_each(lender->lanes, free_lane, NULL);
    map_free(lender->lanes);
    map_free(lender->keys);
    free(lender);
}

struct slice lender_id(const struct lender *lender)
{
    return slice_of(lender->id, lender->id_bytes);
}

/* ---- What may be used ---- */

static bool has_right(const struct lender *lender, int64_t now_us)
{
    return now_us < lender->right_us;
}

/* Redis answers and grants: whatever is free goes back to it. */
static bool redis_decides(const struct lender *lender, int64_t now_us)
{
    return lender->stage == STAGE_LIVE && has_right(lender, now_us) &&
           !lender->is_closed;
}

/*
 * The share may be used once nobody can be using more than theirs: Redis thinks us live for a
 * ttl at most, what it lent meanwhile is dispatched within another, and done within the hold. A
 * third ttl covers what the epoch's clock may be slow.
 */
static int64_t share_us(const struct lender *lender)
{
    return lender->asked_us + (3 * lender->terms.ttl_ms + lender->terms.hold_ms) * 1000;
}

static int allowance(const struct lender *lender, const struct lender_lane *lane,
                     int64_t now_us)
{
    int share = 0;
    if (lender->stage == STAGE_ENTERING || lender->is_disputed) {
        return 0;
    }
    if (redis_decides(lender, now_us)) {
        return lane->leased;
    }
    if (lender->terms.nodes == 0) {
        return has_right(lender, now_us) ? lane->leased : 0;
    }
    share = lane->ceiling / lender->terms.nodes;
    if (lender->stage != STAGE_LIVE && now_us >= share_us(lender)) {
        return share;
    }
    return least(lane->leased, share);
}

static void queue(struct list *list, struct list *node)
{
    if (list_empty(node)) {
        list_push(list, node);
    }
}

/* Gives back what is not used, and sees whether Redis has to be told something. */
static void settle(struct lender *lender, struct lender_lane *lane, int64_t now_us)
{
    bool decides = redis_decides(lender, now_us);
    if (decides &&
        !lane->is_offered) { /* more are used than leased where an account moved in with its calls */
        lane->leased = lane->used;
    }
    if (allowance(lender, lane, now_us) != lane->lent) {
        queue(&lender->lending, &lane->lending);
    }
    if (!decides) {
        return;
    }
    if (lane->is_offered) {
        return; /* what the governor makes of it comes next */
    }
    bool ceiling_moved = lane->ceiling != lane->told_ceiling &&
                         (lane->leased > 0 || lane->want > 0); /* for others, too */
    if (lane->leased != lane->told_keep || (lane->want > 0) != (lane->told_want > 0) ||
        ceiling_moved) {
        queue(&lender->asking, &lane->asking);
    } else if (lane->leased == 0 && lane->lent == 0 && lane->want == 0 &&
               lane->pending == 0 && list_empty(&lane->asking)) {
        forget(lender, lane);
    }
}

static void settle_all(struct lender *lender, int64_t now_us)
{
    LIST_FOREACH_SAFE (node, after, &lender->all) {
        settle(lender, LIST_ENTRY(node, struct lender_lane, all), now_us);
    }
}

static struct lender_lane *lane_of(struct lender *lender,
                                   const struct lender_need *need)
{
    struct lender_lane *lane = map_get(lender->lanes, need->lane);
    if (lane != NULL) {
        return lane;
    }
    lane = zeroed(sizeof *lane + need->lane.len);
    REQUIRE(need->key.len == sizeof lane->key);
    slice_copy(lane->id, need->lane);
    slice_copy(lane->key, need->key);
    lane->id_bytes = need->lane.len;
    lane->seen = lender->base_seen;
    list_push(&lender->all, &lane->all);
    list_init(&lane->asking);
    list_init(&lane->lending);
    map_put(lender->lanes, need->lane, lane);
    map_put(lender->keys, need->key, lane);
    return lane;
}

void lender_need(struct lender *lender, const struct lender_need *need, int64_t now_us)
{
    struct lender_lane *lane = lane_of(lender, need);
    lane->ceiling = need->ceiling;
    lane->used = need->used;
    lane->lent = need->lent;
    lane->want = least(need->want, need->ceiling);
    settle(lender, lane, now_us);
}

bool lender_next_loan(struct lender *lender, struct lender_loan *out, int64_t now_us)
{
    struct lender_lane *lane;
    if (list_empty(&lender->lending)) {
        return false;
    }
    lane = LIST_ENTRY(lender->lending.next, struct lender_lane, lending);
    list_remove(&lane->lending);
    lane->is_offered = false;
    lane->lent = allowance(lender, lane, now_us);
    *out = (struct lender_loan){slice_of(lane->id, lane->id_bytes), lane->lent,
                                lane->others};
    return true;
}

/* ---- Requests ---- */

/* Everything is registered anew, then the node joins: until then nothing is dispatched. */
static void enter_all(struct lender *lender, int64_t now_us)
{
    lender->stage = STAGE_ENTERING;
    lender->round++;
    lender->joins = true;
    lender->renews = lender->renewing = false;
    lender->renew_us = lender->entered_ms = INT64_MAX;
    LIST_FOREACH (node, &lender->all) {
        struct lender_lane *lane = LIST_ENTRY(node, struct lender_lane, all);
        lane->pending = 0;
        lane->is_offered = false;
        lane->leased = lane->used;
        lane->told_keep = lane->told_want = 0;
        lane->enters = true; /* those without calls too: Redis may think otherwise */
        list_remove(&lane->asking);
        list_push(&lender->asking, &lane->asking);
    }
    settle_all(lender, now_us);
}

void lender_up(struct lender *lender, struct slice run_id, int64_t now_us)
{
    lender->run_bytes =
        run_id.len < sizeof lender->run ? run_id.len : sizeof lender->run;
    slice_copy(lender->run, slice_of(run_id.ptr, lender->run_bytes));
    enter_all(lender, now_us);
}

void lender_down(struct lender *lender)
{
    lender->stage = STAGE_AWAY;
    lender->round++;
    lender->joins = lender->renews = lender->renewing = lender->leaves = false;
    lender->renew_us = INT64_MAX;
    LIST_FOREACH (node, &lender->all) {
        struct lender_lane *lane = LIST_ENTRY(node, struct lender_lane, all);
        lane->pending = 0;
        list_remove(&lane->asking);
        queue(&lender->lending, &lane->lending);
    }
}

bool lender_leave(struct lender *lender)
{
    LIST_FOREACH (node, &lender->all) {
        if (LIST_ENTRY(node, struct lender_lane, all)->used > 0) {
            return false;
        }
    }
    lender->leaves = lender->stage == STAGE_LIVE;
    return lender->leaves;
}

static int64_t now_there(int64_t now_us, int64_t offset_ms)
{
    return offset_ms == INT64_MIN ? 0 : now_us / 1000 + offset_ms;
}

static bool fill(struct lender *lender, enum lender_op op, struct lender_lane *lane,
                 struct lender_request *out, int64_t now_us)
{
    *out = (struct lender_request){
        .op = op, .lane = lane, .round = lender->round, .sent_us = now_us};
    out->sequence = ++lender->sequence;
    out->claim_ms = now_there(now_us, lender->offset_ms);
    out->wall_ms = now_there(now_us, lender->wall_offset_ms);
    if (lane != NULL) {
        lane->pending++;
        lane->told_keep = out->keep = lane->leased;
        lane->told_want = out->want = op == LENDER_TURN ? lane->want : 0;
        lane->told_ceiling = out->ceiling = lane->ceiling;
        out->seen = lane->seen;
    }
    return true;
}

bool lender_next_request(struct lender *lender, struct lender_request *out,
                         int64_t now_us)
{
    if (lender->stage == STAGE_AWAY || lender->stage == STAGE_DISPUTED) {
        return false;
    }
    if (!list_empty(&lender->asking)) {
        struct lender_lane *lane =
            LIST_ENTRY(lender->asking.next, struct lender_lane, asking);
        enum lender_op op = lane->enters ? LENDER_ENTER : LENDER_TURN;
        list_remove(&lane->asking);
        return fill(lender, op, lane, out, now_us);
    }
    if (lender->joins) {
        lender->joins = false;
        lender->asked_us = now_us;
        return fill(lender, LENDER_JOIN, NULL, out, now_us);
    }
    if (lender->renews) {
        lender->renews = false;
        lender->renewing = true;
        lender->asked_us = now_us;
        return fill(lender, LENDER_RENEW, NULL, out, now_us);
    }
    if (lender->leaves) {
        lender->leaves = false;
        return fill(lender, LENDER_LEAVE, NULL, out, now_us);
    }
    return false;
}

static void add_number(struct lender_words *out, int64_t number)
{
    char *room = out->numbers[out->count];
    int len = snprintf(room, sizeof out->numbers[0], "%" PRId64, number);
    out->words[out->count] = slice_of(room, (size_t)len);
    out->count++;
}

void lender_words(const struct lender *lender, const struct lender_request *request,
                  struct lender_words *out)
{
    static const char *const names[] = {"join", "renew", "leave", "turn", "turn"};
    const struct lender_lane *lane = request->lane;
    out->words[0] = slice_str(names[request->op]);
    out->words[1] = lender_id(lender);
    out->words[2] = slice_str(lender->seat);
    out->count = 3;
    add_number(out, (int64_t)request->sequence);
    out->words[out->count++] = slice_of(lender->epoch, lender->epoch_bytes);
    out->words[out->count++] = slice_of(lender->run, lender->run_bytes);
    add_number(out, request->claim_ms);
    add_number(out, request->wall_ms);
    add_number(out, lender->terms.ttl_ms);
    add_number(out, lender->terms.hold_ms);
    add_number(out, lender->terms.nodes);
    out->lane_key = SLICE_EMPTY;
    if (lane != NULL) {
        out->lane_key = slice_of(lane->key, sizeof lane->key);
        add_number(out, request->op == LENDER_ENTER ? 1 : 0);
        add_number(out, request->ceiling);
        add_number(out, request->keep);
        add_number(out, request->want);
        add_number(out, request->seen);
        out->words[out->count++] = out->lane_key;
    }
}

/* ---- Answers ---- */

/* The epoch's clock stood at epoch_ms at some moment after sent_us and before now_us. */
static void learn_clock(struct lender *lender, int64_t epoch_ms, int64_t sent_us,
                        int64_t now_us)
{
    int64_t lowest = epoch_ms - now_us / 1000 - 1;
    int64_t highest = epoch_ms - sent_us / 1000;
    int64_t jitter_ms = lender->terms.ttl_ms / 100;
    if (lender->offset_ms == INT64_MIN || lender->offset_ms < lowest) {
        lender->offset_ms = lowest;
    } else if (lender->offset_ms - jitter_ms > highest) {
        /* It has fallen behind, and we must not make that up. Less than a hundredth of a lease is
         * what the way to Redis takes now more, now less: to call that a loss each time would slow the
         * clock with every request. */
        lender->offset_ms = highest;
    }
}

static void learn_epoch(struct lender *lender, struct slice id, int64_t epoch_ms,
                        int64_t sent_us, int64_t now_us)
{
    lender->epoch_bytes = id.len < sizeof lender->epoch ? id.len : sizeof lender->epoch;
    slice_copy(lender->epoch, slice_of(id.ptr, lender->epoch_bytes));
    lender->offset_ms = INT64_MIN;
    lender->epochs++;
    learn_clock(lender, epoch_ms, sent_us, now_us);
    enter_all(lender, now_us);
}

/* `granted` is how many grants there ever were for us in the lane. */
static void take_grants(struct lender *lender, struct lender_lane *lane,
                        int64_t granted, bool is_fresh, int64_t now_us)
{
    int64_t news = granted - lane->seen;
    if (news <= 0) {
        return;
    }
    lane->seen = granted;
    if (is_fresh && news <= lane->ceiling) {
        lane->leased += (int)news;
        lane->told_keep = lane->leased;
        lane->told_want -= least(lane->told_want, (int)news);
        lane->is_offered = true;
        queue(&lender->lending, &lane->lending);
        return;
    }
    queue(&lender->asking, &lane->asking); /* Redis learns that they were not taken */
    settle(lender, lane, now_us);
}

void lender_granted(struct lender *lender, struct slice message, int64_t now_us)
{
    struct slice words[4];
    unsigned long long granted = 0, at_ms = 0;
    for (size_t i = 0; i < 4; i++) {
        ptrdiff_t space = slice_find(message, ' ');
        words[i] = space < 0 ? message : slice_of(message.ptr, (size_t)space);
        message = space < 0 ? SLICE_EMPTY : slice_from(message, (size_t)space + 1);
    }
    struct lender_lane *lane = map_get(lender->keys, words[1]);
    if (lane == NULL || lender->stage != STAGE_LIVE ||
        !slice_eq(words[0], slice_of(lender->epoch, lender->epoch_bytes)) ||
        !slice_to_u64(words[2], &granted) || !slice_to_u64(words[3], &at_ms) ||
        granted > NUMBER_MOST || at_ms > NUMBER_MOST) {
        return; /* what it granted stays on our record until we report that lane */
    }
    learn_clock(lender, (int64_t)at_ms, INT64_MIN / 2, now_us);
    /* One older than the hold may be of a record that Redis has forgotten: the lease may have ended
     * just after it was made, and ours be another. */
    int64_t age_ms = now_us / 1000 + lender->offset_ms - (int64_t)at_ms;
    bool is_fresh = age_ms < lender->terms.ttl_ms && age_ms < lender->terms.hold_ms;
    take_grants(lender, lane, (int64_t)granted, is_fresh, now_us);
}

static void on_joined(struct lender *lender, const struct lender_request *request,
                      int64_t now_us)
{
    lender->renewing = false;
    lender->contact_us = request->sent_us;
    lender->right_us =
        request->sent_us + (lender->terms.ttl_ms - lender->terms.ttl_ms / 10) * 1000;
    lender->renew_us = request->sent_us + lender->terms.ttl_ms * 1000 / 3;
    lender->was_right = true;
    lender->was_sharing = lender->is_disputed = false;
    lender->stage = STAGE_LIVE;
    /* What waits asks again: records may have ended meanwhile without a word. */
    LIST_FOREACH (node, &lender->all) {
        struct lender_lane *lane = LIST_ENTRY(node, struct lender_lane, all);
        if (lane->want > 0) {
            queue(&lender->asking, &lane->asking);
        }
    }
    settle_all(lender, now_us);
}

/* A node that is not live is forgotten after the hold and the slack (lease.lua), and its lanes with
 * it: one that joined later than that after its lanes were registered may have none. */
static bool has_joined_late(const struct lender *lender, int64_t epoch_ms)
{
    return lender->stage == STAGE_ENTERING && lender->entered_ms < epoch_ms &&
           epoch_ms - lender->entered_ms >=
               lender->terms.hold_ms + lender->terms.ttl_ms / 2;
}

static void on_dispute(struct lender *lender, int64_t now_us)
{
    lender->stage = STAGE_DISPUTED;
    lender->is_disputed = true;
    lender->round++;
    lender->joins = lender->renews = lender->renewing = false;
    lender->renew_us = now_us + RETRY_US;
    settle_all(lender, now_us);
}

static void on_lane(struct lender *lender, const struct lender_request *request,
                    const struct lender_item *items, int64_t now_us)
{
    struct lender_lane *lane = request->lane;
    int64_t last = items[6].number;
    lane->pending--;
    if (request->op == LENDER_ENTER) {
        lane->enters = false;
        if (items[2].number < lender->entered_ms) {
            lender->entered_ms = items[2].number;
        }
        lane->seen = items[5].number;
        if (last >= 0 && last < lane->leased) {
            lane->leased = (int)last; /* too late: others may have them */
        }
        return;
    }
    int others = last >= 0 && last < INT32_MAX ? (int)last : 0;
    if (others != lane->others) {
        lane->others = others;
        queue(&lender->lending, &lane->lending);
    }
    bool is_fresh = now_us - request->sent_us < lender->terms.ttl_ms * 1000;
    int64_t before = lane->seen;
    take_grants(lender, lane, items[5].number, is_fresh, now_us);
    if (lane->seen == before) {
        settle(lender, lane, now_us);
    }
}

static bool are_sound(const struct lender_item *items, size_t count)
{
    for (size_t i = 2; i < count; i++) {
        if (items[i].number < 0 || items[i].number > NUMBER_MOST) {
            return false;
        }
    }
    return count >= 5;
}

bool lender_answer(struct lender *lender, const struct lender_request *request,
                   const struct lender_item *items, size_t count, int64_t now_us)
{
    if (request->round != lender->round) {
        return true; /* its lane may be gone: invariant 6 */
    }
    if (!are_sound(items, count)) {
        return false;
    }
    lender->wall_offset_ms = items[4].number - now_us / 1000 - 1;
    struct slice status = items[0].text;
    if (slice_is(status, "epoch")) {
        learn_epoch(lender, items[1].text, items[2].number, request->sent_us, now_us);
        return true;
    }
    if (slice_is(status, "lapsed")) {
        lender->lapses++;
        enter_all(lender, now_us);
        return true;
    }
    if (slice_is(status, "seat") || slice_is(status, "terms")) {
        on_dispute(lender, now_us);
        return true;
    }
    learn_clock(lender, items[2].number, request->sent_us, now_us);
    bool was_closed = lender->is_closed;
    lender->is_closed = items[3].number > 0;
    lender->open_us = now_us + items[3].number * 1000;
    if (slice_is(status, "ok") && has_joined_late(lender, items[2].number)) {
        enter_all(lender, now_us);
        return true;
    }
    if (slice_is(status, "ok") && request->op <= LENDER_RENEW) {
        on_joined(lender, request, now_us);
        return true;
    }
    if (slice_is(status, "ok")) {
        return true;
    }
    if ((slice_is(status, "turn") || slice_is(status, "entered")) && count >= 7 &&
        request->lane != NULL) {
        on_lane(lender, request, items, now_us);
        if (was_closed && !lender->is_closed) {
            settle_all(lender, now_us);
        }
        return true;
    }
    return false; /* "stale" among them: on one connection it cannot be */
}

/* ---- Time ---- */

int64_t lender_due_us(const struct lender *lender)
{
    int64_t due = lender->renewing ? INT64_MAX : lender->renew_us;
    if (lender->was_right && lender->right_us < due) {
        due = lender->right_us;
    }
    if (lender->stage == STAGE_LIVE && lender->is_closed && !lender->renewing &&
        lender->open_us < due) {
        due = lender->open_us;
    }
    if (lender->terms.nodes > 0 && lender->stage != STAGE_LIVE &&
        !lender->was_sharing && share_us(lender) < due) {
        due = share_us(lender);
    }
    return due;
}

void lender_tick(struct lender *lender, int64_t now_us)
{
    bool is_open_due = lender->stage == STAGE_LIVE && lender->is_closed &&
                       !lender->renewing && now_us >= lender->open_us;
    if (lender->stage == STAGE_DISPUTED && now_us >= lender->renew_us) {
        enter_all(lender, now_us);
    } else if (is_open_due || (now_us >= lender->renew_us && !lender->renewing)) {
        lender->renews = true; /* its answer says whether the epoch grants by now */
        lender->renew_us = INT64_MAX;
        lender->open_us = is_open_due ? INT64_MAX : lender->open_us;
    }
    if (lender->was_right && !has_right(lender, now_us)) {
        lender->was_right = false;
    }
    if (lender->stage != STAGE_LIVE && now_us >= share_us(lender)) {
        lender->was_sharing = true;
    }
    settle_all(lender, now_us);
}

int64_t lender_silent_until_us(const struct lender *lender, int64_t now_us)
{
    bool is_live = lender->stage == STAGE_LIVE && has_right(lender, now_us);
    if (is_live && lender->is_closed && lender->open_us != INT64_MAX) {
        return lender->open_us;
    }
    if (is_live || lender->stage == STAGE_ENTERING || lender->stage == STAGE_LIVE) {
        return 0;
    }
    if (lender->is_disputed) {
        return INT64_MAX;
    }
    if (now_us < lender->contact_us +
                     (lender->terms.ttl_ms - lender->terms.ttl_ms / 10) * 1000) {
        return 0; /* it may be back in time */
    }
    if (lender->terms.nodes == 0) {
        return INT64_MAX;
    }
    return now_us < share_us(lender) ? share_us(lender)
                                     : 0; /* then the share is there */
}

struct lender_view lender_look(const struct lender *lender, int64_t now_us)
{
    struct lender_view view = {.epochs = lender->epochs, .lapses = lender->lapses};
    bool is_live = lender->stage == STAGE_LIVE && has_right(lender, now_us);
    if (is_live) {
        view.state = lender->is_closed ? LENDER_GRACE : LENDER_OPEN;
        view.left_ms = lender->is_closed && lender->open_us != INT64_MAX
                           ? (lender->open_us - now_us) / 1000
                           : 0;
    } else if (lender->stage == STAGE_ENTERING) {
        view.state = LENDER_JOINING;
    } else if (lender->is_disputed) {
        view.state = LENDER_DISPUTED;
    } else {
        view.state = lender->terms.nodes > 0 ? LENDER_SHARE : LENDER_STRICT;
        view.left_ms =
            has_right(lender, now_us) ? (lender->right_us - now_us) / 1000 : 0;
    }
    view.left_ms = view.left_ms > 0 ? view.left_ms : 0;
    return view;
}

const char *lender_state_name(enum lender_state state)
{
    static const char *const names[] = {"open",   "grace", "joining",
                                        "strict", "share", "disputed"};
    return names[state];
}
