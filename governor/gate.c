/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where accounts with waiting calls are parked, and who goes when a gate opens.
 *
 * An account is parked at one gate that is shut, and only there: at its lane's, else at
 * its tenant's; with one stand for each class in which calls of it wait. An account whose
 * own ceiling is reached or whose calls a minute are used up, or that has nobody in line, is
 * parked nowhere. So a slot that
 * comes free has to look at the two gates it opens, and at nothing else, however many
 * lanes there are. An account found at an open gate while its other gate is shut moves
 * there.
 *
 * Which class goes: the first one that waits. But each grant gives every other class that
 * waits at the gate its share of a turn; one that has gathered a whole turn is due, and
 * goes next. So interactive and batch get their shares however many critical calls there are. Of
 * two that are due the last goes first: its share is exact, the other's at most one call late.
 */
#include "governor/governor_private.h"

static bool stand_before(const void *a, const void *b)
{
    return stand_turn(a) < stand_turn(b);
}

static size_t *stand_at(void *item)
{
    struct stand *stand = item;
    return &stand->index;
}

static const struct heap_kind by_turn = {stand_before, stand_at};

/* The account's own ceiling and its calls a minute. */
static bool may_send(const struct governor *governor, const struct governor_seat *seat)
{
    return seat->in_flight < seat->ceiling &&
           bucket_wait_us(&seat->calls, 0, governor->at_us) == 0;
}

bool seat_has_room(const struct governor *governor, const struct governor_seat *seat,
                   const struct governor_ticket *ticket)
{
    return may_send(governor, seat) &&
           gate_admits(&seat->lane->gate, ticket->server, (int)ticket->priority) &&
           gate_is_open(&seat->tenant->gate);
}

static void seat_forget(struct governor_seat *seat, struct governor_ticket *ticket)
{
    list_remove(&ticket->running);
    reserve_count(seat->lane, ticket, -1);
}

void seat_take(struct governor *governor, struct governor_seat *seat,
               struct governor_ticket *ticket)
{
    REQUIRE(seat_has_room(governor, seat, ticket));
    ticket->decision = GOVERNOR_GRANTED;
    ticket->granted_us = governor->now_us;
    ticket->order = ++governor->sequence;
    seat->in_flight++;
    seat->lane->gate.in_flight++;
    seat->tenant->gate.in_flight++;
    seat->counts.granted++;
    list_push(&seat->running, &ticket->running);
    reserve_count(seat->lane, ticket, 1);
    bucket_take(&seat->calls, governor->now_us);
    if (ticket->is_write) {
        bucket_take(&seat->writes, governor->now_us);
    }
    lane_waited(seat->lane, governor->now_us - ticket->since_us);
    lane_changed(governor, seat->lane);
    throttle_took(governor, seat->lane, ticket);
    lane_touch(seat->lane);
}

/* `ticket`: whose call it was; NULL: it is over already, and its slot was on hold. */
void seat_give(struct governor_seat *seat, struct governor_ticket *ticket)
{
    REQUIRE(seat->in_flight > 0);
    if (ticket != NULL) {
        seat_forget(seat, ticket);
    }
    seat->in_flight--;
    seat->lane->gate.in_flight--;
    seat->tenant->gate.in_flight--;
    if (seat->lane->loan != NULL &&
        seat->lane->gate.lent > seat->lane->gate.in_flight) {
        seat->lane->gate.lent = seat->lane->gate.in_flight; /* a loan is for one call */
    }
    lane_touch(seat->lane);
}

static struct heap *parked(struct gate *gate, int priority)
{
    return &gate->crowd->parked[priority];
}

/* Each class is parked with the others as far as calls of it wait, and in its order. */
static void settle_stands(struct queue *queue)
{
    struct gate *gate = queue->parked_at;

    REQUIRE(gate != NULL);
    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        struct stand *stand = &queue->stands[i];
        bool waits = stand->flows.count > 0;
        if (stand->is_parked && waits) {
            heap_fix(parked(gate, i), &by_turn, stand);
        } else if (waits) {
            heap_push(parked(gate, i), &by_turn, stand);
        } else if (stand->is_parked) {
            heap_remove(parked(gate, i), &by_turn, stand);
        }
        stand->is_parked = waits;
    }
}

static void park_at(struct governor_seat *seat, struct gate *gate)
{
    seat->queue->parked_at = gate;
    lane_touch(seat->lane);
    settle_stands(seat->queue);
}

void seat_unpark(struct governor_seat *seat)
{
    struct queue *queue = seat->queue;

    if (queue == NULL || queue->parked_at == NULL) {
        return;
    }
    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        if (queue->stands[i].is_parked) {
            heap_remove(parked(queue->parked_at, i), &by_turn, &queue->stands[i]);
            queue->stands[i].is_parked = false;
        }
    }
    queue->parked_at = NULL;
    lane_touch(seat->lane);
}

static bool can_ask(const struct governor *governor, const struct governor_seat *seat)
{
    return seat->queue != NULL && seat->queued > seat->queue->kept_count &&
           may_send(governor, seat);
}

/* Where the account waits in a lane that keeps slots for some; else the gate that is shut. */
static struct gate *shut_gate(const struct governor_seat *seat)
{
    if (seat->lane->gate.reserve != NULL) {
        return gate_is_open(&seat->tenant->gate) ? &seat->lane->gate
                                                 : &seat->tenant->gate;
    }
    if (!gate_is_open(&seat->lane->gate)) {
        return &seat->lane->gate;
    }
    return gate_is_open(&seat->tenant->gate) ? NULL : &seat->tenant->gate;
}

/* After a call has joined the queue because there was no room for it. */
void seat_park(struct governor *governor, struct governor_seat *seat)
{
    struct gate *gate;

    if (seat->lane->gate.reserve != NULL) {
        seat_stands_ready(governor, seat);
        return;
    }
    if (seat->queue->parked_at != NULL || !can_ask(governor, seat)) {
        seat_reorder(governor, seat);
        return;
    }
    gate = shut_gate(seat);
    REQUIRE(gate != NULL);
    park_at(seat, gate);
}

/* Of an account on a lane that keeps slots for some: puts it where it belongs; true: nothing but
 * the lane keeps its calls back. */
bool seat_stands_ready(struct governor *governor, struct governor_seat *seat)
{
    bool asks = can_ask(governor, seat);
    struct gate *gate = shut_gate(seat);

    if (!asks || seat->queue->parked_at == gate) {
        seat_reorder(governor, seat);
    } else {
        seat_unpark(seat);
        park_at(seat, gate);
    }
    return asks && gate == &seat->lane->gate;
}

/* Before a dispatch that includes the lane's gate: the seat takes part in it. */
void seat_offer(struct governor *governor, struct governor_seat *seat)
{
    if (can_ask(governor, seat) && seat->queue->parked_at == NULL) {
        park_at(seat, &seat->lane->gate);
    }
}

/* After the account's waiting calls, or its room, have changed. */
void seat_reorder(struct governor *governor, struct governor_seat *seat)
{
    if (!can_ask(governor, seat)) {
        seat_unpark(seat);
    } else if (seat->queue->parked_at != NULL) {
        settle_stands(seat->queue);
    }
}

/* Who would go next at a gate. */
struct choice {
    struct stand *stand; /* NULL: nobody */
    int priority;
    bool is_due;
};

static bool is_due(const int credit[GOVERNOR_PRIORITIES], int priority)
{
    return credit[priority] + class_share(priority) >= 100;
}

/* The class whose turn it is among those that wait; -1: none does. */
int class_first(const int credit[GOVERNOR_PRIORITIES],
                const bool waits[GOVERNOR_PRIORITIES])
{
    int first = -1;

    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        if (waits[i] && (first < 0 || is_due(credit, i))) {
            first = i;
        }
    }
    return first;
}

/* A call of that class is about to go: what the classes that wait gather by it. */
void class_charge(int credit[GOVERNOR_PRIORITIES],
                  const bool waits[GOVERNOR_PRIORITIES], int priority)
{
    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        if (i == priority || waits[i]) {
            credit[i] += class_share(i);
        }
    }
    credit[priority] -= 100;
    if (credit[priority] < 0) {
        credit[priority] = 0;
    }
}

static void who_waits(const struct crowd *crowd, bool waits[GOVERNOR_PRIORITIES])
{
    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        waits[i] = crowd->parked[i].count > 0;
    }
}

static struct choice choose(const struct gate *gate)
{
    bool waits[GOVERNOR_PRIORITIES];
    int first = -1;

    if (gate->crowd != NULL) {
        who_waits(gate->crowd, waits);
        first = class_first(gate->crowd->credit, waits);
    }
    if (first < 0) {
        return (struct choice){NULL, 0, false};
    }
    return (struct choice){heap_top(&gate->crowd->parked[first]), first,
                           is_due(gate->crowd->credit, first)};
}

static bool goes_before(const struct choice *one, const struct choice *other)
{
    if (one->is_due != other->is_due) {
        return one->is_due;
    }
    if (one->priority != other->priority) {
        return one->is_due ? one->priority > other->priority
                           : one->priority < other->priority;
    }
    return stand_before(one->stand, other->stand);
}

/* Who goes next through any of the gates that are open. */
static struct choice first_open(struct gate *const gates[], size_t count)
{
    struct choice first = {NULL, 0, false};

    for (size_t i = 0; i < count; i++) {
        if (gates[i] != NULL && gates[i]->reserve == NULL && gate_is_open(gates[i])) {
            struct choice choice = choose(gates[i]);
            if (choice.stand != NULL &&
                (first.stand == NULL || goes_before(&choice, &first))) {
                first = choice;
            }
        }
    }
    return first;
}

static void charge(struct gate *gate, int priority)
{
    bool waits[GOVERNOR_PRIORITIES];

    who_waits(gate->crowd, waits);
    class_charge(gate->crowd->credit, waits, priority);
}

/* The flow's first call has its turn. The lane's gate was charged, or is by the caller. */
void seat_grant(struct governor *governor, struct governor_flow *flow)
{
    struct governor_ticket *ticket =
        LIST_ENTRY(flow->tickets.next, struct governor_ticket, link);
    struct governor_seat *seat = ticket->seat;

    charge(&seat->tenant->gate, (int)ticket->priority);
    queue_took_turn(governor, ticket->flow);
    queue_leave(governor, ticket);
    seat_take(governor, seat, ticket);
    seat_reorder(governor, seat);
    rules_pace(governor, seat);
    governor_decide(governor, ticket, GOVERNOR_GRANTED);
}

/*
 * Lets through whoever can go now that `gates` (some NULL) may have opened. They are
 * gone through together, in the order of turns: one after the other would let a later
 * flow of one gate overtake an earlier one of the other in the lane both want.
 */
void gates_dispatch(struct governor *governor, struct gate *const gates[], size_t count)
{
    struct choice choice;

    for (choice = first_open(gates, count); choice.stand != NULL;
         choice = first_open(gates, count)) {
        struct governor_seat *seat = choice.stand->queue->seat;
        struct gate *shut = shut_gate(seat);
        if (shut != NULL) {
            seat_unpark(seat);
            park_at(seat, shut);
        } else {
            charge(&seat->lane->gate, choice.priority);
            seat_grant(governor, heap_top(&choice.stand->flows));
        }
        if (shut != NULL && shut->reserve != NULL) {
            reserve_dispatch(governor, shut->reserve->lane);
        }
    }
    /* Behind the tenant's gate: its accounts there go by turn, whatever their lanes keep. */
    for (size_t i = 0; i < count; i++) {
        if (gates[i] != NULL && gates[i]->reserve != NULL) {
            reserve_dispatch(governor, gates[i]->reserve->lane);
        }
    }
}
