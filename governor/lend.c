/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes whose slots are lent from outside: what each has and wants, and what it gets.
 *
 * A lane that changed is on the list of demands until it was told of; so it is not freed before
 * the lender has heard of its end. Slots come and go by gate->lent; the gate does the rest.
 */
#include "governor/governor_private.h"

#include <stdlib.h>

void loan_new(struct lane *lane, struct list *demands)
{
    lane->loan = governor_alloc(sizeof(*lane->loan));
    list_init(&lane->loan->demand);
    lane->loan->demands = demands;
    lane->loan->lane = lane;
    lane->gate.lent = 0;
}

/* Its end is no news: a lane goes when it has been told of. */
void loan_free(struct lane *lane)
{
    if (lane->loan != NULL) {
        list_remove(&lane->loan->demand);
        free(lane->loan);
        lane->loan = NULL;
    }
}

bool loan_is_untold(const struct lane *lane)
{
    return lane->loan != NULL && !list_empty(&lane->loan->demand);
}

int lane_others(const struct lane *lane)
{
    return lane->loan != NULL ? lane->loan->others : 0;
}

/* What the upstream has of the lane now, other processes' calls among them. */
int lane_under_way(const struct lane *lane)
{
    return lane->gate.in_flight + lane_others(lane);
}

void lane_touch(struct lane *lane)
{
    if (lane->loan != NULL && list_empty(&lane->loan->demand)) {
        list_push(lane->loan->demands, &lane->loan->demand);
    }
}

/* What may be in flight if it is lent: the ceiling, or one more than there are for a probe, which
 * goes beside those that were under way at the refusal. */
static int usable(const struct gate *gate)
{
    int probe = int_least(gate->probe_ceiling, gate->in_flight + 1);

    return probe > gate->ceiling ? probe : gate->ceiling;
}

/* So many calls of the account would go if slots were not lent. */
static int lend_room(const struct governor *governor, const struct governor_seat *seat)
{
    const struct gate *lane = &seat->lane->gate, *tenant = &seat->tenant->gate;
    int64_t tokens = bucket_tokens(&seat->calls, governor->at_us);
    int room =
        int_least(seat->ceiling - seat->in_flight, usable(lane) - lane->in_flight);

    room = int_least(room, tenant->ceiling - tenant->in_flight);
    room = tokens < room ? (int)tokens : room;
    return seat->lane->loan != NULL && !lane->paused && room > 0 ? room : 0;
}

/* How long the call may wait: what is lent to it comes in a moment, but not at once. */
int64_t loan_wait_us(const struct governor *governor, const struct governor_seat *seat,
                     const struct governor_ticket *ticket)
{
    bool waits_for_loan =
        ticket->rule == GOVERNOR_SLOT && lend_room(governor, seat) > 0 &&
        reserve_admits(&seat->lane->gate, ticket->server, (int)ticket->priority);

    return waits_for_loan && seat->queue_wait_us < LEND_WAIT_US ? LEND_WAIT_US
                                                                : seat->queue_wait_us;
}

/* Whether the line has no place for the call. Those in it that would go if slots were not lent take
 * none. */
bool loan_line_is_full(const struct governor *governor,
                       const struct governor_seat *seat,
                       const struct governor_ticket *ticket)
{
    int room = lend_room(governor, seat);
    int kept = seat->queue != NULL ? seat->queue->kept_count : 0;
    int line = seat->queued - kept, waiting;

    if (ticket->rule == GOVERNOR_SLOT && line < room &&
        reserve_admits(&seat->lane->gate, ticket->server, (int)ticket->priority)) {
        return false;
    }
    waiting = kept + (line > room ? line - room : 0);
    return waiting >= seat->queue_limit;
}

/* A queue stands once for each class of its calls; it is counted where its first one stands. */
static int first_class(const struct queue *queue)
{
    int class = 0;

    while (!queue->stands[class].is_parked) {
        class ++;
    }
    return class;
}

/* Calls that only the lane keeps back; no more are counted than it could use. */
static int wanted(const struct lane *lane)
{
    const struct crowd *crowd = lane->gate.crowd;
    int most = usable(&lane->gate) - lane->gate.in_flight, sum = 0;

    if (lane->gate.paused || crowd == NULL || most <= 0) {
        return 0;
    }
    if (lane->gate.reserve != NULL) {
        return int_least(reserve_wanted(lane), most);
    }
    for (int class = 0; class < GOVERNOR_PRIORITIES; class ++) {
        const struct heap *parked = &crowd->parked[class];
        for (uint32_t i = 0; i < parked->count && sum < most; i++) {
            const struct queue *queue = ((const struct stand *)parked->items[i])->queue;
            const struct governor_seat *seat = queue->seat;
            if (class == first_class(queue)) {
                sum += int_least(seat->queued - queue->kept_count,
                                 seat->ceiling - seat->in_flight);
            }
        }
    }
    return int_least(sum, most);
}

bool governor_next_demand(struct governor *governor, struct governor_demand *out)
{
    struct lane *lane;

    if (list_empty(&governor->demands)) {
        return false;
    }
    lane = LIST_ENTRY(governor->demands.next, struct loan, demand)->lane;
    list_remove(&lane->loan->demand);
    governor->told = realloc(governor->told, lane->node.id_bytes + 1);
    REQUIRE(governor->told != NULL);
    slice_copy(governor->told, tree_id(&lane->node));
    *out =
        (struct governor_demand){.lane = slice_of(governor->told, lane->node.id_bytes),
                                 .ceiling = usable(&lane->gate),
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
    REQUIRE(lane->loan != NULL && slots >= 0 && others >= 0);
    lane->gate.lent = slots;
    lane->loan->others = others;
    lane_touch(lane);
    gates_dispatch(governor, (struct gate *const[]){&lane->gate}, 1);
    return true;
}

void governor_lend_none_before(struct governor *governor, int64_t until_us)
{
    governor->unlent_until_us = until_us;
}

/* How long at least nothing can come for a call of that lane; 0: something may at any time. */
int64_t lane_unlent_us(const struct governor *governor, const struct lane *lane)
{
    int64_t left = governor->unlent_until_us - governor->now_us;

    return lane->loan != NULL && lane->gate.lent == 0 && lane->gate.in_flight == 0 &&
                   left > 0
               ? left
               : 0;
}
