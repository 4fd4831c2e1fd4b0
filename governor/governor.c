/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entry: acquire, cancel, release, and time.
 *
 * Invariants, true between any two calls from outside:
 *  1. A call is granted only while there is room under its account's, its lane's and
 * its tenant's ceiling, while its lane is not paused, and while its account has a token for
 * it; a write only while no other one has its document.
 *  2. Nobody waits who could go: for each waiting call its account is at its ceiling or
 * without a token, its lane is at its ceiling or paused, its tenant is at its ceiling, or an
 * earlier write has its document.
 *  3. Of the waiting calls of a lane that could go, the class is chosen first (gate.c:
 * critical, interactive, batch; the later two have shares), then the MCP server whose turn in
 * the round it is (queue.c), then its call that came first. A new call counts as the last.
 *  4. A ticket waits, or holds a slot, or is nobody's: while it waits it is in one flow
 * of its account, or kept back beside them (rules.c), and on the heap of deadlines; it is decided exactly once.
 *  5. in_flight of a lane and of a tenant is the sum over their accounts, slots on hold
 * after a lost connection included; so is queued. It exceeds a ceiling only where the
 * ceiling was lowered or an account with running calls moved in, and then only falls.
 *  6. No account has more than queue_limit calls waiting when one is added, and none
 * waits past its deadline. Who finds a full queue is refused only if no server of the
 * account has more calls in it.
 *  7. A seat that could ask is parked at exactly one gate, and that gate is shut
 * (gate.c).
 *  8. Records that nothing needs are gone (account.c).
 *
 * Every entry that changes anything lets time pass first, so a pause that is over or a
 * wait that has ended is settled before the new event, whenever the timer comes round.
 */
#include "governor/governor_private.h"

#include <stdlib.h>

void *governor_alloc(size_t bytes)
{
    void *ptr = calloc(1, bytes);

    REQUIRE(ptr != NULL);
    return ptr;
}

struct governor_options governor_defaults(uint64_t seed)
{
    return (struct governor_options){.lost_hold_us = 30000000,
                                     .backoff_base_us = 500000,
                                     .backoff_max_us = 30000000,
                                     .seed = seed};
}

int governor_share(const struct governor *governor, int ceiling)
{
    return governor->options.is_lent ? ceiling : governor_part(governor, ceiling);
}

int governor_part(const struct governor *governor, int ceiling)
{
    int part = ceiling / governor->shares;
    return part + (governor->share < ceiling % governor->shares ? 1 : 0);
}

int governor_shares(const struct governor *governor)
{
    return governor->shares;
}

void governor_set_share(struct governor *governor, int share, int shares)
{
    REQUIRE(share >= 0 && share < shares && governor->lanes.count == 0);
    governor->share = share;
    governor->shares = shares;
}

struct governor *governor_new(const struct governor_options *options)
{
    struct governor *governor = governor_alloc(sizeof(*governor));

    REQUIRE(options->lost_hold_us >= 0 && options->backoff_base_us > 0 &&
            options->backoff_max_us >= options->backoff_base_us);
    governor->options = *options;
    governor->shares = 1;
    governor->random = options->seed;
    governor->records = slab_new();
    governor->seats = map_new();
    list_init(&governor->holds);
    list_init(&governor->decided);
    governor_watch(governor, false);
    list_init(&governor->demands);
    return governor;
}

void governor_free(struct governor *governor)
{
    if (governor == NULL) {
        return;
    }
    while (governor_next(governor) != NULL) {
        /* those decided and never fetched are their callers' again */
    }
    LIST_FOREACH_SAFE (node, after, &governor->holds) {
        struct hold *hold = LIST_ENTRY(node, struct hold, link);
        claim_drop(hold->seat, hold->claim);
        free(hold);
    }
    seats_free(governor);
    slab_free(governor->records);
    buf_free(&governor->changed);
    free(governor->told);
    free(governor);
}

/* SplitMix64: spreads pauses and weights; nothing secret depends on it. */
uint64_t governor_random(struct governor *governor)
{
    uint64_t value = governor->random += 0x9e3779b97f4a7c15u;

    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

static void ticket_clear(struct governor_ticket *ticket)
{
    ticket->seat = NULL;
    ticket->server = SLICE_EMPTY;
}

/* The ticket has left its line; governor_next brings it. */
void governor_decide(struct governor *governor, struct governor_ticket *ticket,
                     enum governor_decision decision)
{
    ticket->decision = decision;
    if (decision != GOVERNOR_GRANTED) {
        ticket_clear(ticket);
    }
    list_push(&governor->decided, &ticket->link);
}

struct governor_ticket *governor_next(struct governor *governor)
{
    struct governor_ticket *ticket;

    if (list_empty(&governor->decided)) {
        return NULL;
    }
    ticket = LIST_ENTRY(governor->decided.next, struct governor_ticket, link);
    list_remove(&ticket->link);
    return ticket;
}

/* It leaves the queue without a slot; what it waited for stays with the ticket. */
static void depart(struct governor *governor, struct governor_ticket *ticket)
{
    struct governor_seat *seat = ticket->seat;
    enum governor_rule rule = ticket->rule;

    if (rule == GOVERNOR_SLOT && bucket_wait_us(&seat->calls, 0, governor->at_us) > 0) {
        rule = GOVERNOR_CALL_RATE;
    }
    queue_leave(governor, ticket);
    claim_drop(seat, ticket->claim);
    ticket->claim = NULL;
    ticket->rule = rule;
}

/* A waiting call is told no. The account's others may profit: seat_settle follows. */
void governor_send_off(struct governor *governor, struct governor_ticket *ticket,
                       enum governor_decision decision)
{
    const struct governor_seat *seat = ticket->seat;

    depart(governor, ticket);
    ticket->estimate_us = rules_estimate_us(governor, seat, ticket, ticket->rule);
    governor_decide(governor, ticket, decision);
}

/* In a full queue the server with most calls gives up its last to one that has fewer. */
static bool make_room(struct governor *governor, struct governor_seat *seat,
                      const struct governor_call *call)
{
    struct governor_ticket *surplus = queue_surplus(seat, call->server);

    if (surplus == NULL) {
        return false;
    }
    seat->counts.refused_full++;
    governor_send_off(governor, surplus, GOVERNOR_REFUSED);
    seat_settle(governor, seat);
    return true;
}

/* Waiting would be for nothing. */
static bool has_no_share(const struct governor_seat *seat)
{
    return seat->ceiling == 0 || seat->lane->gate.ceiling == 0 ||
           seat->tenant->gate.ceiling == 0;
}

/* It goes at once, if it may: whoever waits for the same could not go (invariant 2). */
static bool goes_at_once(struct governor *governor, struct governor_seat *seat,
                         struct governor_ticket *ticket)
{
    ticket->rule = rules_check(governor, seat, ticket);
    if (ticket->rule != GOVERNOR_SLOT || !seat_has_room(governor, seat, ticket)) {
        return false;
    }
    rules_enter(seat, ticket, ticket->rule);
    seat_take(governor, seat, ticket);
    if (seat->queue != NULL) {
        seat_reorder(governor, seat);
        rules_pace(governor, seat);
    }
    return true;
}

/* How long it would wait; what for is then the ticket's rule. */
static void estimate(const struct governor *governor, const struct governor_seat *seat,
                     struct governor_ticket *ticket, const struct governor_call *call)
{
    int64_t rule_us = rules_estimate_us(governor, seat, ticket, ticket->rule);
    int64_t calls_us = bucket_wait_us(&seat->calls, 0, governor->at_us);
    int64_t unlent_us = lane_unlent_us(governor, seat->lane);

    ticket->estimate_us = seat_estimate_us(governor, seat, call);
    if (unlent_us > ticket->estimate_us) {
        ticket->estimate_us =
            governor->unlent_until_us < INT64_MAX ? unlent_us : CLOSED_US;
    }
    ticket->estimate_us = rule_us > ticket->estimate_us ? rule_us : ticket->estimate_us;
    if (ticket->rule == GOVERNOR_SLOT && calls_us > 0) {
        ticket->rule = GOVERNOR_CALL_RATE;
    }
}

/* Why a call that cannot go at once must not wait either; WAITING: it may. */
static enum governor_decision why_not_wait(struct governor *governor,
                                           struct governor_seat *seat,
                                           struct governor_ticket *ticket,
                                           const struct governor_call *call)
{
    int64_t wait_us = loan_wait_us(governor, seat, ticket);

    if (seat->lane->mode == GOVERNOR_DRAINING) {
        return GOVERNOR_TURNED_AWAY;
    }
    if (has_no_share(seat)) {
        seat->counts.refused_full++;
        return GOVERNOR_REFUSED;
    }
    if (ticket->estimate_us > wait_us ||
        lane_unlent_us(governor, seat->lane) > wait_us) {
        seat->counts.refused_late++;
        return GOVERNOR_TOO_LATE;
    }
    if (loan_line_is_full(governor, seat, ticket) && !make_room(governor, seat, call)) {
        seat->counts.refused_full++;
        return GOVERNOR_REFUSED;
    }
    return GOVERNOR_WAITING;
}

/* It cannot go at once: it waits, or is told at once that it need not. */
static enum governor_decision stand_in_line(struct governor *governor,
                                            struct governor_seat *seat,
                                            struct governor_ticket *ticket,
                                            const struct governor_call *call)
{
    enum governor_decision decision;

    queue_weigh(seat, call);
    lane_changed(governor, seat->lane); /* it waits there, or is counted */
    estimate(governor, seat, ticket, call);
    decision = why_not_wait(governor, seat, ticket, call);
    if (decision != GOVERNOR_WAITING) {
        ticket_clear(ticket);
        return ticket->decision = decision;
    }
    /* Whoever made room may have left a document or a token behind. */
    if (goes_at_once(governor, seat, ticket)) {
        return GOVERNOR_GRANTED;
    }
    rules_enter(seat, ticket, ticket->rule);
    queue_join(governor, ticket, call->weight);
    if (ticket->rule == GOVERNOR_SLOT) {
        seat_park(governor, seat);
    }
    rules_pace(governor, seat);
    return GOVERNOR_WAITING;
}

enum governor_decision governor_acquire(struct governor *governor,
                                        struct governor_ticket *ticket,
                                        const struct governor_call *call,
                                        int64_t now_us)
{
    struct governor_seat *seat;

    REQUIRE(ticket->seat == NULL && call->priority < GOVERNOR_PRIORITIES);
    REQUIRE(call->weight >= 1 && call->weight <= GOVERNOR_WEIGHT_MAX);
    REQUIRE(ticket->link.next == NULL || list_empty(&ticket->link));
    governor_tick(governor, now_us);
    list_init(&ticket->link);
    seat = seat_find(governor, call->account);
    if (seat == NULL || seat->removed) {
        return ticket->decision = GOVERNOR_REVOKED;
    }
    ticket->since_us = governor->now_us;
    ticket->priority = call->priority;
    ticket->seat = seat;
    ticket->server = call->server;
    ticket->is_write = call->is_write;
    ticket->document = call->is_write ? call->document : 0;
    if (goes_at_once(governor, seat, ticket)) {
        return GOVERNOR_GRANTED;
    }
    return stand_in_line(governor, seat, ticket, call);
}

/* One slot of the account is free again, under all three ceilings. */
static void slot_freed(struct governor *governor, struct governor_seat *seat,
                       struct governor_ticket *ticket)
{
    lane_changed(governor, seat->lane);
    seat_give(seat, ticket);
    if (ticket != NULL) {
        ticket_clear(ticket);
    }
    rules_pass(governor, seat);
    seat_offer(governor, seat);
    gates_dispatch(governor,
                   (struct gate *const[]){&seat->lane->gate, &seat->tenant->gate}, 2);
    seat_reap(governor, seat);
}

void governor_cancel(struct governor *governor, struct governor_ticket *ticket,
                     int64_t now_us)
{
    struct governor_seat *seat;

    governor_tick(governor, now_us);
    seat = ticket->seat;
    if (seat != NULL && ticket->decision == GOVERNOR_WAITING) {
        depart(governor, ticket);
        ticket_clear(ticket);
        seat_settle(governor, seat);
        return;
    }
    if (seat != NULL) {
        REQUIRE(!list_empty(&ticket->link)); /* fetched: only release ends it */
        list_remove(&ticket->link);
        claim_drop(seat, ticket->claim);
        ticket->claim = NULL;
        throttle_ended(governor, seat->lane, ticket, GOVERNOR_UNUSED);
        slot_freed(governor, seat, ticket);
        return;
    }
    if (ticket->link.next != NULL) {
        list_remove(&ticket->link);
    }
}

/* The slot of a lost call counts for no reservation any more: nobody uses it. */
static void hold_slot(struct governor *governor, struct governor_ticket *ticket)
{
    struct governor_seat *seat = ticket->seat;
    struct hold *hold = governor_alloc(sizeof(*hold));
    int64_t left = INT64_MAX - governor->now_us;

    hold->seat = seat;
    hold->claim = ticket->claim;
    ticket->claim = NULL;
    hold->until_us =
        governor->now_us +
        (governor->options.lost_hold_us < left ? governor->options.lost_hold_us : left);
    list_push(&governor->holds, &hold->link);
    seat->held++;
    lane_changed(governor, seat->lane);
    list_remove(&ticket->running);
    reserve_count(seat->lane, ticket, -1);
    ticket_clear(ticket);
}

void governor_release(struct governor *governor, struct governor_ticket *ticket,
                      enum governor_outcome outcome, int64_t retry_after_us,
                      int64_t now_us)
{
    struct governor_seat *seat = ticket->seat;

    REQUIRE(seat != NULL && ticket->decision == GOVERNOR_GRANTED);
    governor_tick(governor, now_us);
    list_remove(&ticket->link);
    if (outcome == GOVERNOR_RATE_LIMITED) {
        seat->counts.refused_upstream++;
        throttle_refused(governor, seat->lane, ticket, retry_after_us);
    } else {
        throttle_ended(governor, seat->lane, ticket, outcome);
    }
    if (outcome == GOVERNOR_ANSWERED) {
        lane_measure(seat->lane, governor->now_us - ticket->granted_us);
        pace_answered(governor, seat, ticket);
    }
    if (outcome == GOVERNOR_LOST) {
        hold_slot(governor, ticket);
        gates_dispatch(governor, (struct gate *const[]){&seat->lane->gate}, 1);
        return;
    }
    claim_drop(seat, ticket->claim);
    ticket->claim = NULL;
    slot_freed(governor, seat, ticket);
}

static void end_hold(struct governor *governor)
{
    struct hold *hold = LIST_ENTRY(governor->holds.next, struct hold, link);
    struct governor_seat *seat = hold->seat;

    list_remove(&hold->link);
    claim_drop(seat, hold->claim);
    free(hold);
    seat->held--;
    slot_freed(governor, seat, NULL);
}

static void expire(struct governor *governor)
{
    struct governor_ticket *ticket = queue_next_deadline(governor);
    struct governor_seat *seat = ticket->seat;

    seat->counts.expired++;
    governor_send_off(governor, ticket, GOVERNOR_EXPIRED);
    seat_settle(governor, seat);
}

/* When each of the four kinds of timed events is due next; INT64_MAX: never. */
struct due {
    int64_t pace_us, throttle_us, hold_us, wait_us, first_us;
};

static struct due next_due(const struct governor *governor)
{
    const struct lane *lane = throttle_next(governor);
    const struct governor_ticket *ticket = queue_next_deadline(governor);
    struct due due = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, 0};

    rules_next(governor, &due.pace_us);
    if (lane != NULL) {
        due.throttle_us = lane->throttle->until_us;
    }
    if (!list_empty(&governor->holds)) {
        due.hold_us = LIST_ENTRY(governor->holds.next, struct hold, link)->until_us;
    }
    if (ticket != NULL) {
        due.wait_us = ticket->deadline_us;
    }
    due.first_us = due.throttle_us < due.hold_us ? due.throttle_us : due.hold_us;
    due.first_us = due.wait_us < due.first_us ? due.wait_us : due.first_us;
    due.first_us = due.pace_us < due.first_us ? due.pace_us : due.first_us;
    return due;
}

int64_t governor_due_us(const struct governor *governor)
{
    return next_due(governor).first_us;
}

/*
 * Events in the order of their times, not kind by kind: after a late timer a call whose
 * slot came free before its wait was over still gets it. At the same microsecond what
 * frees slots goes first.
 */
void governor_tick(struct governor *governor, int64_t now_us)
{
    struct due due = next_due(governor);

    if (now_us > governor->now_us) { /* time does not go back, whoever says so */
        governor->now_us = now_us;
    }
    while (due.first_us <= governor->now_us && due.first_us != INT64_MAX) {
        governor->at_us = due.first_us;
        if (due.pace_us == due.first_us) {
            seat_settle(governor, rules_next(governor, &due.pace_us));
        } else if (due.throttle_us == due.first_us) {
            throttle_due(governor, throttle_next(governor));
        } else if (due.hold_us == due.first_us) {
            end_hold(governor);
        } else {
            expire(governor);
        }
        due = next_due(governor);
    }
    governor->at_us = governor->now_us;
}
