/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane: which ceiling holds, how long a slot is kept, and how long to be silent after
 * the upstream refused.
 *
 * Back-off: the n-th refusal in a row (n from 0) pauses the lane for a random time in
 * (d/2, d], d = base * 2^n up to a maximum, and for no less than the upstream asked.
 * Calls that were under way when the upstream refused belong to the same step, whatever
 * becomes of them: their refusals do not lengthen it, their answers do not end it. An
 * answer to a call granted later does. The sequence of grants and refusals, not the
 * clock, says which came first.
 */
#include "governor/governor_private.h"

#include <stdlib.h>

#define REFUSALS_MAX 62
/* A share of 1/8 for the newest: about the last dozen calls count. */
#define HOLD_WEIGHT 8
/* One call of hours must not spoil the estimate, nor overflow what is made from it. */
#define HOLD_MAX_US INT64_C(3600000000)

static bool pause_before(const void *a, const void *b)
{
    const struct lane *one = a, *other = b;

    if (one->paused_until_us != other->paused_until_us) {
        return one->paused_until_us < other->paused_until_us;
    }
    return one->refused_at < other->refused_at;
}

static size_t *pause_at(void *item)
{
    struct lane *lane = item;
    return &lane->pause_at;
}

static const struct heap_kind by_end = {pause_before, pause_at};

struct lane *lane_find(const struct governor *governor, struct slice id)
{
    return (struct lane *)(void *)tree_find(&governor->lanes, id);
}

struct lane *lane_get(struct governor *governor, struct slice id)
{
    struct lane *lane = lane_find(governor, id);

    if (lane != NULL) {
        return lane;
    }
    REQUIRE(id.len <= UINT32_MAX);
    lane = governor_alloc(sizeof(*lane) + id.len);
    memcpy(lane->id, id.ptr, id.len);
    lane->node.id = lane->id;
    lane->node.id_bytes = (uint32_t)id.len;
    lane->node.weight = (uint32_t)(governor_random(governor) >> 32);
    list_init(&lane->seats);
    tree_insert(&governor->lanes, &lane->node);
    return lane;
}

/* Frees the lane when nothing needs it: no account, so no call, and no setting. */
void lane_reap(struct governor *governor, struct lane *lane)
{
    if (!list_empty(&lane->seats) || lane->operator_ceiling > 0) {
        return;
    }
    REQUIRE(gate_is_unused(&lane->gate));
    if (lane->gate.paused) {
        heap_remove(&governor->pauses, &by_end, lane);
    }
    tree_remove(&governor->lanes, &lane->node);
    free(lane);
}

void lane_ceiling_settle(struct lane *lane)
{
    lane->gate.ceiling =
        lane->operator_ceiling > 0 ? lane->operator_ceiling : lane->default_ceiling;
}

void lane_ceiling_add(struct lane *lane, int ceiling)
{
    if (ceiling > lane->default_ceiling) {
        lane->default_ceiling = ceiling;
    }
    lane_ceiling_settle(lane);
}

/* After an account with `ceiling` left or was removed; looks no further than one equal.
 */
void lane_ceiling_drop(struct lane *lane, int ceiling)
{
    int highest = 0;

    if (ceiling < lane->default_ceiling) {
        return;
    }
    LIST_FOREACH (node, &lane->seats) {
        const struct governor_seat *seat =
            LIST_ENTRY(node, struct governor_seat, in_lane);
        if (!seat->removed && seat->ceiling > highest) {
            highest = seat->ceiling;
        }
        if (highest >= ceiling) {
            break;
        }
    }
    lane->default_ceiling = highest;
    lane_ceiling_settle(lane);
}

void lane_answered(struct lane *lane, uint64_t granted_order, int64_t hold_us)
{
    int64_t hold = hold_us < HOLD_MAX_US ? hold_us : HOLD_MAX_US;

    if (granted_order > lane->refused_at) {
        lane->refusals = 0;
    }
    /* Only answered calls are measured: a refusal comes back quickly and would flatter.
     */
    lane->hold_us += lane->hold_us > 0 ? (hold - lane->hold_us) / HOLD_WEIGHT : hold;
}

static int64_t pause_length(struct governor *governor, int step)
{
    int64_t length = governor->options.backoff_base_us;
    int64_t most = governor->options.backoff_max_us;
    int64_t half;

    for (int i = 1; i < step && length < most; i++) {
        length = length > most / 2 ? most : length * 2;
    }
    half = length / 2;
    return half + 1 + (int64_t)(governor_random(governor) % (uint64_t)(length - half));
}

static void pause_until(struct governor *governor, struct lane *lane, int64_t until_us)
{
    if (!lane->gate.paused) {
        lane->gate.paused = true;
        lane->paused_until_us = until_us;
        heap_push(&governor->pauses, &by_end, lane);
        return;
    }
    if (until_us > lane->paused_until_us) {
        lane->paused_until_us = until_us;
    }
    heap_fix(&governor->pauses, &by_end, lane);
}

void lane_refused(struct governor *governor, struct lane *lane, uint64_t granted_order,
                  int64_t retry_after_us)
{
    bool is_new_step = granted_order > lane->refused_at;
    int64_t pause_us = 0;

    if (is_new_step) {
        lane->refusals += lane->refusals < REFUSALS_MAX ? 1 : 0;
        lane->refused_at = ++governor->sequence;
    }
    if (is_new_step || !lane->gate.paused) {
        pause_us = pause_length(governor, lane->refusals);
    }
    if (retry_after_us > RETRY_AFTER_MAX_US) {
        retry_after_us = RETRY_AFTER_MAX_US;
    }
    pause_us = retry_after_us > pause_us ? retry_after_us : pause_us;
    pause_until(governor, lane, governor->now_us + pause_us);
}

void lane_resume(struct governor *governor, struct lane *lane)
{
    heap_remove(&governor->pauses, &by_end, lane);
    lane->gate.paused = false;
    gates_dispatch(governor, (struct gate *const[]){&lane->gate}, 1);
}

struct lane *lane_next_pause(const struct governor *governor)
{
    return heap_top(&governor->pauses);
}
