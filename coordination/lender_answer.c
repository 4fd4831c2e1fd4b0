/* SPDX-License-Identifier: Apache-2.0 */
/* What Redis answers and tells a lender. Nothing of it is trusted to make sense. */
#include "coordination/lender_private.h"

#include "base/number.h"

#define NUMBER_MOST (INT64_C(1) << 53) /* that lease.lua can count to */
#define RETRY_US INT64_C(1000000)      /* after a dispute about seat or terms */

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
    lender_enter_all(lender, now_us);
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
        lane->told_want -= int_least(lane->told_want, (int)news);
        lane->is_offered = true;
        queue_once(&lender->lending, &lane->lending);
        return;
    }
    queue_once(&lender->asking,
               &lane->asking); /* Redis learns that they were not taken */
    lender_settle(lender, lane, now_us);
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
            queue_once(&lender->asking, &lane->asking);
        }
    }
    lender_settle_all(lender, now_us);
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
    lender_settle_all(lender, now_us);
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
        queue_once(&lender->lending, &lane->lending);
    }
    bool is_fresh = now_us - request->sent_us < lender->terms.ttl_ms * 1000;
    int64_t before = lane->seen;
    take_grants(lender, lane, items[5].number, is_fresh, now_us);
    if (lane->seen == before) {
        lender_settle(lender, lane, now_us);
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
        lender_enter_all(lender, now_us);
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
        lender_enter_all(lender, now_us);
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
            lender_settle_all(lender, now_us);
        }
        return true;
    }
    return false; /* "stale" among them: on one connection it cannot be */
}
