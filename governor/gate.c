/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a seat with waiting calls is parked, and who goes when a gate opens.
 *
 * A seat is parked at one gate that is shut, and only there: at its lane's, else at its
 * tenant's. A seat whose own ceiling is reached, or that has nobody waiting, is parked
 * nowhere. So a slot that comes free has to look at the two gates it opens, and at
 * nothing else, however many lanes there are. A seat found at an open gate while its
 * other gate is shut moves there.
 */
#include "governor/governor_private.h"

/* The order in which calls go: interactive first, then as they came. */
static bool seat_before(const void *a, const void *b)
{
    const struct governor_ticket *one = queue_head(a), *other = queue_head(b);

    if (one->priority != other->priority) {
        return one->priority < other->priority;
    }
    return one->order < other->order;
}

static size_t *seat_at(void *item)
{
    struct governor_seat *seat = item;
    return &seat->parked_index;
}

static const struct heap_kind by_order = {seat_before, seat_at};

void seat_take(struct governor *governor, struct governor_seat *seat,
               struct governor_ticket *ticket)
{
    REQUIRE(seat->in_flight < seat->ceiling && gate_is_open(&seat->lane->gate) &&
            gate_is_open(&seat->tenant->gate));
    ticket->decision = GOVERNOR_GRANTED;
    ticket->granted_us = governor->now_us;
    ticket->order = ++governor->sequence;
    seat->in_flight++;
    seat->lane->gate.in_flight++;
    seat->tenant->gate.in_flight++;
    seat->counts.granted++;
}

void seat_give(struct governor_seat *seat)
{
    REQUIRE(seat->in_flight > 0);
    seat->in_flight--;
    seat->lane->gate.in_flight--;
    seat->tenant->gate.in_flight--;
}

static void park_at(struct governor_seat *seat, struct gate *gate)
{
    seat->parked_at = gate;
    heap_push(&gate->parked, &by_order, seat);
}

void seat_unpark(struct governor_seat *seat)
{
    if (seat->parked_at != NULL) {
        heap_remove(&seat->parked_at->parked, &by_order, seat);
        seat->parked_at = NULL;
    }
}

static bool can_ask(const struct governor_seat *seat)
{
    return seat->queued > 0 && seat->in_flight < seat->ceiling;
}

static struct gate *shut_gate(const struct governor_seat *seat)
{
    if (!gate_is_open(&seat->lane->gate)) {
        return &seat->lane->gate;
    }
    return gate_is_open(&seat->tenant->gate) ? NULL : &seat->tenant->gate;
}

/* After a call has joined the queue because there was no room for it. */
void seat_park(struct governor_seat *seat)
{
    struct gate *gate;

    if (seat->parked_at != NULL || !can_ask(seat)) {
        seat_reorder(seat);
        return;
    }
    gate = shut_gate(seat);
    REQUIRE(gate != NULL);
    park_at(seat, gate);
}

/* Before a dispatch that includes the lane's gate: the seat takes part in it. */
void seat_offer(struct governor_seat *seat)
{
    if (seat->parked_at == NULL && can_ask(seat)) {
        park_at(seat, &seat->lane->gate);
    }
}

/* After the seat's first waiting call, or its room, has changed. */
void seat_reorder(struct governor_seat *seat)
{
    if (!can_ask(seat)) {
        seat_unpark(seat);
    } else if (seat->parked_at != NULL) {
        heap_fix(&seat->parked_at->parked, &by_order, seat);
    }
}

/* The open gate with the first seat of all, or NULL. */
static struct gate *first_open(struct gate *const gates[], size_t count)
{
    struct gate *first = NULL;

    for (size_t i = 0; i < count; i++) {
        struct gate *gate = gates[i];
        if (gate == NULL || gate->parked.count == 0 || !gate_is_open(gate)) {
            continue;
        }
        if (first == NULL ||
            seat_before(heap_top(&gate->parked), heap_top(&first->parked))) {
            first = gate;
        }
    }
    return first;
}

static void grant_head(struct governor *governor, struct governor_seat *seat)
{
    struct governor_ticket *ticket = queue_head(seat);

    queue_leave(governor, ticket);
    seat_take(governor, seat, ticket);
    seat_reorder(seat);
    governor_decide(governor, ticket, GOVERNOR_GRANTED);
}

/*
 * Lets through whoever can go now that `gates` (some NULL) may have opened. They are
 * gone through together, in the order of calls: one after the other would let a later
 * call of one gate overtake an earlier call of the other in the lane both want.
 */
void gates_dispatch(struct governor *governor, struct gate *const gates[], size_t count)
{
    struct gate *gate;

    for (gate = first_open(gates, count); gate != NULL;
         gate = first_open(gates, count)) {
        struct governor_seat *seat = heap_top(&gate->parked);
        struct gate *shut;
        REQUIRE(seat != NULL);
        shut = shut_gate(seat);
        if (shut != NULL) {
            seat_unpark(seat);
            park_at(seat, shut);
        } else {
            grant_head(governor, seat);
        }
    }
}
