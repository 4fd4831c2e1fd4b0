/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane that keeps slots for a class or for an MCP server.
 *
 * A call counts for its server's reservation, where it has one, else for its class's. Of what is
 * reserved and not used now nobody else takes anything: a call may go while the slots taken and
 * the unused ones of the other reservations are fewer than the ceiling. Beyond its reservation a
 * server or class competes for the open slots like everybody.
 *
 * While less than the ceiling holds, after refusals, every reservation shrinks in proportion,
 * rounded down; at least one slot is open to all. A lane's probe after a pause may be any call.
 *
 * Whether a lane is open is then a question of each call, so such a lane is not parked at as
 * others are (gate.c): whoever looks at it looks at every MCP server that waits in it. Its
 * accounts stand at their tenant's gate while that is shut, else at the lane's.
 */
#include "governor/governor_private.h"

#include <stdlib.h>

static bool is_for(const struct reservation *reservation, struct slice server,
                   int priority)
{
    return reservation->server_bytes > 0
               ? slice_eq(slice_of(reservation->server, reservation->server_bytes),
                          server)
               : reservation->priority == priority;
}

/* Lends the reservation that a call counts for, or NULL. */
static struct reservation *reservation_of(struct reserve *reserve, struct slice server,
                                          int priority)
{
    struct reservation *found = NULL;

    for (size_t i = 0; reserve != NULL && i < reserve->count; i++) {
        struct reservation *one = &reserve->all[i];
        if (is_for(one, server, priority) && (found == NULL || one->server_bytes > 0)) {
            found = one;
        }
    }
    return found;
}

static int unused(const struct reservation *reservation)
{
    return reservation->used < reservation->kept ? reservation->kept - reservation->used
                                                 : 0;
}

/* Slots that such a call may take, or has to leave alone, besides those in flight. */
static int kept_from(const struct gate *gate, struct slice server, int priority,
                     bool only_unused)
{
    const struct reservation *own = reservation_of(gate->reserve, server, priority);
    int kept = 0;

    for (size_t i = 0; gate->reserve != NULL && i < gate->reserve->count; i++) {
        const struct reservation *one = &gate->reserve->all[i];
        if (one != own) {
            kept += only_unused ? unused(one) : one->kept;
        }
    }
    return kept;
}

/* Whether such a call leaves what is kept for others alone. */
bool reserve_admits(const struct gate *gate, struct slice server, int priority)
{
    return gate->reserve == NULL || gate->probe_ceiling > 0 ||
           gate->in_flight + kept_from(gate, server, priority, true) < gate->ceiling;
}

/* Whether the gate is open for such a call. */
bool gate_admits(const struct gate *gate, struct slice server, int priority)
{
    return gate_is_open(gate) && reserve_admits(gate, server, priority);
}

/* The ceiling as it is for such a call: without what is kept for others; at least 1. */
int gate_ceiling_for(const struct gate *gate, struct slice server, int priority)
{
    int ceiling = gate->ceiling - kept_from(gate, server, priority, false);

    return gate->reserve == NULL ? gate->ceiling : ceiling > 1 ? ceiling : 1;
}

/* Free slots that are kept for nobody. */
int gate_open_slots(const struct gate *gate)
{
    int slots = gate->ceiling - gate->in_flight;

    for (size_t i = 0; gate->reserve != NULL && i < gate->reserve->count; i++) {
        slots -= unused(&gate->reserve->all[i]);
    }
    return slots;
}

/* A call of it has got, or given back, a slot of the lane. */
void reserve_count(struct lane *lane, const struct governor_ticket *ticket, int more)
{
    struct reservation *own =
        reservation_of(lane->gate.reserve, ticket->server, (int)ticket->priority);

    if (own != NULL) {
        own->used += more;
    }
}

/* All of the account's running calls come to the lane, or leave it. */
void reserve_count_all(struct lane *lane, const struct governor_seat *seat, int more)
{
    LIST_FOREACH (node, &seat->running) {
        reserve_count(lane, LIST_ENTRY(node, struct governor_ticket, running), more);
    }
}

/* After the lane's ceiling has changed: what is kept of it. */
void reserve_settle(struct lane *lane)
{
    struct reserve *reserve = lane->gate.reserve;
    int64_t sum = 0, whole, ceiling = lane->gate.ceiling;

    if (reserve == NULL) {
        return;
    }
    for (size_t i = 0; i < reserve->count; i++) {
        sum += reserve->all[i].slots;
    }
    /* What holds while nothing is refused, over all processes that share the lane. */
    whole = lane->operator_ceiling > 0
                ? lane->operator_ceiling
                : (int64_t)lane->default_ceiling * reserve->shares;
    if (whole <= sum) { /* it was lowered since: as if one slot were open */
        whole = sum + 1;
    }
    for (size_t i = 0; i < reserve->count; i++) {
        int64_t slots = reserve->all[i].slots;
        reserve->all[i].kept = (int)(ceiling < whole ? slots * ceiling / whole : slots);
    }
}

/* ---- Who goes next in such a lane ---- */

static bool before(const struct governor_flow *one, const struct governor_flow *other)
{
    return other == NULL || one->turn < other->turn;
}

/* Of each class the flow whose turn it is among those of the account that may go. */
static void look_at(const struct governor_seat *seat,
                    struct governor_flow *first[GOVERNOR_PRIORITIES])
{
    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        const struct heap *flows = &seat->queue->stands[i].flows;
        for (size_t n = 0; n < flows->count; n++) {
            struct governor_flow *flow = flows->items[n];
            if (before(flow, first[i]) &&
                gate_admits(&seat->lane->gate, tree_id(&flow->server->node), i)) {
                first[i] = flow;
            }
        }
    }
}

static struct governor_flow *next_flow(struct governor *governor, struct lane *lane)
{
    struct governor_flow *first[GOVERNOR_PRIORITIES] = {NULL};
    bool waits[GOVERNOR_PRIORITIES];
    int class;

    if (lane->gate.crowd == NULL || !gate_is_open(&lane->gate)) {
        return NULL;
    }
    LIST_FOREACH (node, &lane->seats) {
        struct governor_seat *seat = LIST_ENTRY(node, struct governor_seat, in_lane);
        if (seat_stands_ready(governor, seat)) {
            look_at(seat, first);
        }
    }
    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        waits[i] = first[i] != NULL;
    }
    class = class_first(lane->gate.crowd->credit, waits);
    if (class < 0) {
        return NULL;
    }
    class_charge(lane->gate.crowd->credit, waits, class);
    return first[class];
}

/* Lets through whoever can go. */
void reserve_dispatch(struct governor *governor, struct lane *lane)
{
    struct governor_flow *flow = next_flow(governor, lane);

    while (flow != NULL) {
        seat_grant(governor, flow);
        flow = next_flow(governor, lane);
    }
}

/* Calls that could go if slots were lent: those for whom they are kept, and as many others as there
 * are open ones. */
int reserve_wanted(const struct lane *lane)
{
    struct reserve *reserve = lane->gate.reserve;
    int waiting[GOVERNOR_RESERVATIONS_MAX] = {0}, others = 0, sum = 0, open;

    LIST_FOREACH (node, &lane->seats) {
        const struct governor_seat *seat =
            LIST_ENTRY(node, struct governor_seat, in_lane);
        int room = seat->ceiling - seat->in_flight;
        bool stands_here = seat->queue != NULL && seat->queue->parked_at == &lane->gate;
        for (int i = 0; i < GOVERNOR_PRIORITIES && stands_here; i++) {
            const struct heap *flows = &seat->queue->stands[i].flows;
            for (size_t n = 0; n < flows->count; n++) {
                const struct governor_flow *flow = flows->items[n];
                const struct reservation *own =
                    reservation_of(reserve, tree_id(&flow->server->node), i);
                int calls = flow->count < room ? flow->count : room;
                room -= calls;
                *(own != NULL ? &waiting[own - reserve->all] : &others) += calls;
            }
        }
    }
    for (size_t i = 0; i < reserve->count; i++) {
        int kept = unused(&reserve->all[i]);
        sum += waiting[i] < kept ? waiting[i] : kept;
        others += waiting[i] > kept ? waiting[i] - kept : 0;
    }
    open = lane->gate.probe_ceiling > 0 ? 1 : gate_open_slots(&lane->gate);
    if (open > 0) {
        sum += others < open ? others : open;
    }
    return sum;
}

/* ---- Settings ---- */

static struct reserve *reserve_new(const struct governor *governor, struct lane *lane,
                                   const struct governor_reservation *reservations,
                                   size_t count)
{
    struct reserve *reserve;

    REQUIRE(count <= GOVERNOR_RESERVATIONS_MAX);
    if (count == 0) {
        return NULL;
    }
    reserve = governor_alloc(sizeof(*reserve));
    reserve->lane = lane;
    reserve->shares = governor->options.is_lent ? 1 : governor->shares;
    reserve->count = count;
    for (size_t i = 0; i < count; i++) {
        struct reservation *one = &reserve->all[i];
        REQUIRE(reservations[i].slots > 0 &&
                reservations[i].server.len <= sizeof(one->server));
        if (reservations[i].server.len > 0) {
            memcpy(one->server, reservations[i].server.ptr, reservations[i].server.len);
        }
        one->server_bytes = reservations[i].server.len;
        one->priority = (int)reservations[i].priority;
        one->slots = reservations[i].slots;
    }
    return reserve;
}

/* Every account at the gate that is right for a lane of its kind, from the new setting on. */
static void park_anew(struct governor *governor, struct lane *lane)
{
    LIST_FOREACH (node, &lane->seats) {
        struct governor_seat *seat = LIST_ENTRY(node, struct governor_seat, in_lane);
        seat_unpark(seat);
        seat_offer(governor, seat);
        reserve_count_all(lane, seat, 1);
    }
}

void governor_lane_reserve(struct governor *governor, struct slice id,
                           const struct governor_reservation *reservations,
                           size_t count, int64_t now_us)
{
    struct lane *lane;

    governor_tick(governor, now_us);
    lane = lane_get(governor, id);
    free(lane->gate.reserve);
    lane->gate.reserve = reserve_new(governor, lane, reservations, count);
    lane_changed(governor, lane);
    lane_settle(lane);
    park_anew(governor, lane);
    gates_dispatch(governor, (struct gate *const[]){&lane->gate}, 1);
    lane_reap(governor, lane);
}

size_t governor_lane_reserved(const struct governor *governor, struct slice id,
                              struct arena *arena, struct governor_reserved **out)
{
    const struct lane *lane = lane_find(governor, id);
    const struct reserve *reserve = lane != NULL ? lane->gate.reserve : NULL;

    *out = NULL;
    if (reserve == NULL) {
        return 0;
    }
    *out = arena_array(arena, reserve->count, sizeof(**out));
    for (size_t i = 0; i < reserve->count; i++) {
        const struct reservation *one = &reserve->all[i];
        struct slice server = slice_of(one->server, one->server_bytes);
        (*out)[i] = (struct governor_reserved){
            .setting = {arena_slice(arena, server),
                        (enum governor_priority)one->priority, one->slots},
            .kept = one->kept,
            .used = one->used,
        };
    }
    return reserve->count;
}
