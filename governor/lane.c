/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane: which ceiling holds, and how long its slots are kept. Whether a call may go is
 * decided in one place, gate_is_open, and what that reads is set in one, lane_settle.
 */
#include "governor/governor_private.h"

#include <stdlib.h>

/* A share of 1/8 for the newest: about the last dozen calls count. */
#define HOLD_WEIGHT 8
/* One call of hours must not spoil the estimate, nor overflow what is made from it. */
#define HOLD_MAX_US INT64_C(3600000000)

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
    lane = slab_take(governor->records, sizeof(*lane) + id.len);
    memcpy(lane->id, id.ptr, id.len);
    lane->node.id = lane->id;
    lane->node.id_bytes = (uint32_t)id.len;
    lane->node.weight = (uint32_t)(governor_random(governor) >> 32);
    list_init(&lane->seats);
    lane->gate.lent = GATE_UNLIMITED;
    if (governor->options.is_lent) {
        loan_new(lane, &governor->demands);
    }
    tree_insert(&governor->lanes, &lane->node);
    return lane;
}

/* Frees the lane when nothing needs it: no account, so no call, and no setting. */
void lane_reap(struct governor *governor, struct lane *lane)
{
    if (!list_empty(&lane->seats) || lane->operator_ceiling > 0 ||
        lane->gate.reserve != NULL || lane->mode != GOVERNOR_RUNNING ||
        loan_is_untold(lane)) {
        return;
    }
    REQUIRE(gate_is_unused(&lane->gate));
    lane_changed(governor, lane);
    throttle_free(governor, lane);
    loan_free(lane);
    tree_remove(&governor->lanes, &lane->node);
    free(lane_pace(lane));
    free(lane->waits);
    free(lane->gone);
    slab_give(governor->records, lane, sizeof(*lane) + lane->node.id_bytes);
}

/* The operator's, or the highest of the accounts': what may run while nothing is refused. */
int lane_ceiling(const struct lane *lane)
{
    return lane->operator_ceiling > 0 ? lane->operator_share : lane->default_ceiling;
}

/* After anything has changed that says how many calls may run at once. */
void lane_settle(struct lane *lane)
{
    const struct throttle *throttle = lane->throttle;

    lane->gate.ceiling = lane_ceiling(lane);
    if (throttle != NULL && throttle->limit < lane->gate.ceiling) {
        lane->gate.ceiling = throttle->limit;
    }
    /* Those that were under way at the refusal may take as long as they like. */
    lane->gate.probe_ceiling = 0;
    if (throttle != NULL && throttle->phase == THROTTLE_PROBING) {
        int ceiling = lane_ceiling(lane);
        lane->gate.probe_ceiling =
            ceiling < UINT16_MAX ? (uint16_t)ceiling : UINT16_MAX;
    }
    lane->gate.paused = lane->mode != GOVERNOR_RUNNING ||
                        (throttle != NULL && throttle_is_shut(throttle));
    reserve_settle(lane);
    lane_touch(lane);
}

void lane_ceiling_add(struct lane *lane, int ceiling)
{
    if (ceiling > lane->default_ceiling) {
        lane->default_ceiling = ceiling;
    }
    lane_settle(lane);
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
    lane_settle(lane);
}

/* Only answered calls are measured: a refusal comes back quickly and would flatter. */
void lane_measure(struct lane *lane, int64_t hold_us)
{
    int64_t hold = hold_us < HOLD_MAX_US ? hold_us : HOLD_MAX_US;

    lane->hold_us += lane->hold_us > 0 ? (hold - lane->hold_us) / HOLD_WEIGHT : hold;
}

struct waits *lane_past(struct lane *lane)
{
    if (lane->waits == NULL) {
        lane->waits = governor_alloc(sizeof(*lane->waits));
    }
    return lane->waits;
}

/* Of a call that was granted. Lanes in which nobody has waited yet keep nothing. */
void lane_waited(struct lane *lane, int64_t wait_us)
{
    struct waits *waits;

    if (lane->waits == NULL && wait_us == 0) {
        return;
    }
    waits = lane_past(lane);
    waits->us[waits->next] = wait_us < UINT32_MAX ? (uint32_t)wait_us : UINT32_MAX;
    waits->next = (waits->next + 1) % WAITS_KEPT;
    waits->count += waits->count < WAITS_KEPT ? 1 : 0;
}

void governor_lane_mode_set(struct governor *governor, struct slice id,
                            enum governor_lane_mode mode, int64_t now_us)
{
    struct lane *lane;

    governor_tick(governor, now_us);
    lane = lane_get(governor, id);
    lane->mode = mode;
    lane_settle(lane);
    lane_changed(governor, lane);
    if (mode == GOVERNOR_DRAINING) {
        governor_lane_kick(governor, id, SLICE_EMPTY, now_us);
    }
    gates_dispatch(governor, (struct gate *const[]){&lane->gate}, 1);
    lane_reap(governor, lane);
}

int governor_lane_kick(struct governor *governor, struct slice id, struct slice server,
                       int64_t now_us)
{
    struct lane *lane;
    int count = 0;

    governor_tick(governor, now_us);
    lane = lane_find(governor, id);
    if (lane == NULL) {
        return 0;
    }
    LIST_FOREACH (node, &lane->seats) {
        count +=
            seat_turn_away(governor, LIST_ENTRY(node, struct governor_seat, in_lane),
                           server, GOVERNOR_TURNED_AWAY);
    }
    LIST_FOREACH (node, &lane->seats) {
        seat_settle(governor, LIST_ENTRY(node, struct governor_seat, in_lane));
    }
    return count;
}
