/* SPDX-License-Identifier: Apache-2.0 */
/* What a lender asks of Redis, and in which order: lanes first, then the node. */
#include "coordination/lender_private.h"

#include <inttypes.h>
#include <stdio.h>

/* Everything is registered anew, then the node joins: until then nothing is dispatched. */
void lender_enter_all(struct lender *lender, int64_t now_us)
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
    lender_settle_all(lender, now_us);
}

void lender_up(struct lender *lender, struct slice run_id, int64_t now_us)
{
    lender->run_bytes =
        run_id.len < sizeof lender->run ? run_id.len : sizeof lender->run;
    slice_copy(lender->run, slice_of(run_id.ptr, lender->run_bytes));
    lender_enter_all(lender, now_us);
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
        queue_once(&lender->lending, &lane->lending);
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
