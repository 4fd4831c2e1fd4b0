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
#include "coordination/lender_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/require.h"

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
    return int_least(lane->leased, share);
}

/* Gives back what is not used, and sees whether Redis has to be told something. */
void lender_settle(struct lender *lender, struct lender_lane *lane, int64_t now_us)
{
    bool decides = redis_decides(lender, now_us);
    if (decides &&
        !lane->is_offered) { /* more are used than leased where an account moved in with its calls */
        lane->leased = lane->used;
    }
    if (allowance(lender, lane, now_us) != lane->lent) {
        queue_once(&lender->lending, &lane->lending);
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
        queue_once(&lender->asking, &lane->asking);
    } else if (lane->leased == 0 && lane->lent == 0 && lane->want == 0 &&
               lane->pending == 0 && list_empty(&lane->asking)) {
        forget(lender, lane);
    }
}

void lender_settle_all(struct lender *lender, int64_t now_us)
{
    LIST_FOREACH_SAFE (node, after, &lender->all) {
        lender_settle(lender, LIST_ENTRY(node, struct lender_lane, all), now_us);
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
    lane->want = int_least(need->want, need->ceiling);
    lender_settle(lender, lane, now_us);
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
        lender_enter_all(lender, now_us);
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
    lender_settle_all(lender, now_us);
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
