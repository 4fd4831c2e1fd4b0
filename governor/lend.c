/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes whose slots are lent from outside: what each has and wants, and what it gets.
 *
 * A lane that changed is on the list of demands until it was told of; so it is not freed before
 * the lender has heard of its end. Slots come and go by gate->lent; the gate does the rest.
 */
#include "governor/governor_private.h"

#include <stdlib.h>

void lane_touch(struct lane *lane)
{
    if (lane->demands != NULL && list_empty(&lane->demand)) {
        list_push(lane->demands, &lane->demand);
    }
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Places in line for calls that would not wait if slots were not lent. */
int lane_lend_room(const struct governor_seat *seat)
{
    int room = least(seat->ceiling - seat->in_flight,
                     seat->lane->gate.ceiling - seat->lane->gate.in_flight);

    return seat->lane->demands != NULL && room > 0 ? room : 0;
}

/* One that has calls of several classes stands there once for each. */
static bool is_first(const struct queue *queue, int class)
{
    for (int i = 0; i < class; i++) {
        if (queue->stands[i].is_parked) {
            return false;
        }
    }
    return true;
}

/* Calls that only the lane keeps back; no more are counted than it could use. */
static int wanted(const struct lane *lane)
{
    const struct crowd *crowd = lane->gate.crowd;
    int most = lane->gate.ceiling - lane->gate.in_flight, sum = 0;

    if (lane->gate.paused || crowd == NULL || most <= 0) {
        return 0;
    }
    for (int class = 0; class < GOVERNOR_PRIORITIES; class ++) {
        const struct heap *parked = &crowd->parked[class];
        for (uint32_t i = 0; i < parked->count && sum < most; i++) {
            const struct queue *queue = ((const struct stand *)parked->items[i])->queue;
            const struct governor_seat *seat = queue->seat;
            if (is_first(queue, class)) {
                sum += least(seat->queued - queue->kept_count,
                             seat->ceiling - seat->in_flight);
            }
        }
    }
    return least(sum, most);
}

bool governor_next_demand(struct governor *governor, struct governor_demand *out)
{
    struct lane *lane;

    if (list_empty(&governor->demands)) {
        return false;
    }
    lane = LIST_ENTRY(governor->demands.next, struct lane, demand);
    list_remove(&lane->demand);
    governor->told = realloc(governor->told, lane->node.id_bytes + 1);
    REQUIRE(governor->told != NULL);
    slice_copy(governor->told, tree_id(&lane->node));
    *out =
        (struct governor_demand){.lane = slice_of(governor->told, lane->node.id_bytes),
                                 .ceiling = lane->gate.ceiling,
                                 .in_flight = lane->gate.in_flight,
                                 .lent = lane->gate.lent,
                                 .wanted = wanted(lane)};
    lane_reap(governor, lane);
    return true;
}

bool governor_lane_lend(struct governor *governor, struct slice id, int slots,
                        int others, int64_t now_us)
{
    struct lane *lane;

    governor_tick(governor, now_us);
    lane = lane_find(governor, id);
    if (lane == NULL) {
        return false;
    }
    REQUIRE(lane->demands != NULL && slots >= 0 && others >= 0);
    lane->gate.lent = slots;
    lane->others = others;
    lane_touch(lane);
    gates_dispatch(governor, (struct gate *const[]){&lane->gate}, 1);
    return true;
}
