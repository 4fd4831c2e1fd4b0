/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How accounts and lanes stand. What a tenant sees of a lane it shares are the lane's
 * ceilings and pause, and of everything that is counted only its own part.
 */
#include "governor/governor_private.h"

#include <stdlib.h>

static int64_t pause_left(const struct lane *lane, int64_t now_us)
{
    const struct throttle *throttle = lane->throttle;
    return throttle != NULL && throttle->phase == THROTTLE_PAUSED
               ? int64_most(throttle->until_us - now_us, 0)
               : 0;
}

/* Until a call with so many ahead of it has one of so many slots: the first of them to come
 * free does so in its share of the time a call keeps one, the others follow at that pace. */
static int64_t turn_us(int64_t ahead, int ceiling, int64_t hold_us)
{
    /* 0: none is ours; it takes the operator's hand. */
    int64_t slots = ceiling > 0 ? ceiling : 1;

    return ahead * hold_us / slots + hold_us / (slots + 1);
}

/* The slowest of the three queues and the bucket decides. */
static int64_t wait_us(const struct governor_seat *seat, int64_t now_us)
{
    const struct gate *lane = &seat->lane->gate, *tenant = &seat->tenant->gate;
    int64_t hold_us = seat->lane->hold_us;
    int64_t wait = turn_us(seat->queued, seat->ceiling, hold_us);

    wait = int64_most(wait, turn_us(lane->queued, lane->ceiling, hold_us));
    wait = int64_most(wait, turn_us(tenant->queued, tenant->ceiling, hold_us));
    return int64_most(wait, bucket_wait_us(&seat->calls, 0, now_us));
}

/*
 * How many go before a call with `own` of its server before it: those of the classes
 * before, and of its own class what the other servers may send until its turn has come
 * round that often, if so many wait. A class's share of what goes through bounds what goes
 * before it.
 */
static int64_t ahead_of(const struct load *load, const struct governor_call *call,
                        int own)
{
    int64_t rounds = (own + call->weight) / call->weight;
    int64_t others = load->weights[call->priority] - (own > 0 ? call->weight : 0);
    int64_t same = own + rounds * others, ahead = 0;
    int share = class_share((int)call->priority);

    same = same < load->queued[call->priority] ? same : load->queued[call->priority];
    for (int i = 0; i < (int)call->priority; i++) {
        ahead += load->queued[i];
    }
    ahead += same;
    if (share > 0 && ahead > (same + 1) * 100 / share) {
        ahead = (same + 1) * 100 / share;
    }
    return ahead;
}

static int64_t gate_turn_us(const struct gate *gate, const struct governor_call *call,
                            int own, int64_t hold_us)
{
    int ceiling = gate_ceiling_for(gate, call->server, (int)call->priority);

    return gate->crowd == NULL
               ? turn_us(0, ceiling, hold_us)
               : turn_us(ahead_of(&gate->crowd->load, call, own), ceiling, hold_us);
}

/* How long such a call would wait if it joined now. 0 where nothing was measured yet. */
int64_t seat_estimate_us(const struct governor *governor,
                         const struct governor_seat *seat,
                         const struct governor_call *call)
{
    const struct governor_flow *flow = queue_flow(seat, call->server, call->priority);
    int own = flow != NULL ? flow->count : 0;
    int64_t hold_us = seat->lane->hold_us, wait = 0, ahead = 0;

    if (seat->queue != NULL) {
        ahead = ahead_of(&seat->queue->load, call, own);
        wait = turn_us(ahead, seat->ceiling, hold_us);
    }
    wait = int64_most(wait, bucket_wait_us(&seat->calls, ahead, governor->at_us));
    wait = int64_most(wait, gate_turn_us(&seat->lane->gate, call, own, hold_us));
    wait = int64_most(wait, gate_turn_us(&seat->tenant->gate, call, own, hold_us));
    wait += pause_left(seat->lane, governor->now_us);
    return seat->lane->mode == GOVERNOR_DRAINING ? int64_most(wait, CLOSED_US) : wait;
}

/* Slots free under all three ceilings, as far as there are tokens for them. */
static int free_slots(const struct governor_seat *seat, int64_t now_us)
{
    const struct gate *lane = &seat->lane->gate, *tenant = &seat->tenant->gate;
    int slots = seat->ceiling - seat->in_flight;

    slots = int_least(slots, gate_open_slots(lane) - lane_others(seat->lane));
    slots = int_least(slots, tenant->ceiling - tenant->in_flight);
    if (bucket_tokens(&seat->calls, now_us) < slots) {
        slots = (int)bucket_tokens(&seat->calls, now_us);
    }
    return slots > 0 ? slots : 0;
}

struct governor_view governor_look(const struct governor *governor,
                                   struct slice account, int64_t now_us)
{
    const struct governor_seat *seat = seat_find(governor, account);
    struct governor_view view = {0};
    int64_t pause_us, turn = 0;

    if (seat == NULL || seat->removed) {
        return view;
    }
    pause_us = pause_left(seat->lane, now_us);
    if (seat->lane->mode != GOVERNOR_RUNNING) {
        pause_us = int64_most(pause_us, CLOSED_US);
    }
    view.limit = int_least(
        seat->ceiling, int_least(seat->lane->gate.ceiling, seat->tenant->gate.ceiling));
    view.remaining = seat->lane->gate.paused ? 0 : free_slots(seat, now_us);
    view.in_flight = seat->in_flight;
    view.queue_depth = seat->queued;
    if (view.remaining == 0 || seat->lane->gate.queued > 0) {
        turn = wait_us(seat, now_us);
    }
    if (view.remaining == 0) {
        view.reset_s = (long)int64_most(1, seconds_up(pause_us > 0 ? pause_us : turn));
    }
    view.retry_after_s = (long)int64_most(1, seconds_up(pause_us + turn));
    return view;
}

static int by_number(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

    return one < other ? -1 : one > other;
}

/* The nearest rank: half, or 99 of 100, waited no longer. */
static void add_waits(struct governor_lane_view *view, const struct waits *waits)
{
    uint32_t sorted[WAITS_KEPT];

    if (waits == NULL || waits->count == 0) {
        return;
    }
    memcpy(sorted, waits->us, sizeof(sorted));
    qsort(sorted, waits->count, sizeof(sorted[0]), by_number);
    view->wait_p50_us = sorted[(waits->count - 1) / 2];
    view->wait_p99_us = sorted[(waits->count * 99 + 99) / 100 - 1];
}

static bool is_seen(const struct governor_seat *seat, struct slice tenant)
{
    return tenant.len == 0 || slice_eq(tree_id(&seat->tenant->node), tenant);
}

static void add_counts(struct governor_lane_view *view,
                       const struct seat_counts *counts)
{
    view->granted += counts->granted;
    view->refused_upstream += counts->refused_upstream;
    view->refused_full += counts->refused_full;
    view->refused_late += counts->refused_late;
    view->expired += counts->expired;
}

static struct governor_lane_view view_of(const struct lane *lane, struct slice tenant,
                                         int64_t now_us)
{
    struct governor_lane_view view = {
        .lane = tree_id(&lane->node),
        .ceiling = lane->operator_ceiling,
        .effective = lane->gate.ceiling,
        .mode = lane->mode,
        .throttled = lane->throttle != NULL,
        .is_slow = lane->throttle != NULL && lane->throttle->is_slow,
        .probing = lane->throttle != NULL && lane->throttle->phase != THROTTLE_OPEN &&
                   lane->throttle->phase != THROTTLE_PAUSED,
        .paused_ms = (long)((pause_left(lane, now_us) + 999) / 1000),
        .lowered_us = lane->throttle != NULL
                          ? int64_most(now_us - lane->throttle->since_us, 0)
                          : 0,
    };
    int held = 0;

    LIST_FOREACH (node, &lane->seats) {
        const struct governor_seat *seat =
            LIST_ENTRY(node, struct governor_seat, in_lane);
        if (!seat->removed && seat->usual > view.usual) {
            view.usual = seat->usual;
        }
        if (is_seen(seat, tenant)) {
            view.in_flight += seat->in_flight;
            view.queued += seat->queued;
            view.accounts += seat->removed ? 0 : 1;
            held += seat->held;
            add_counts(&view, &seat->counts);
        }
    }
    if (tenant.len == 0 && lane->gone != NULL) {
        add_counts(&view, lane->gone);
    }
    add_waits(&view, lane->waits);
    view.draining = (int)int64_most(held, view.in_flight - view.effective);
    return view;
}

static bool has_tenant(const struct lane *lane, struct slice tenant)
{
    LIST_FOREACH (node, &lane->seats) {
        if (is_seen(LIST_ENTRY(node, struct governor_seat, in_lane), tenant)) {
            return true;
        }
    }
    return false;
}

bool governor_lane(const struct governor *governor, struct slice id,
                   struct slice tenant, int64_t now_us, struct governor_lane_view *out)
{
    const struct lane *lane = lane_find(governor, id);

    if (lane == NULL || (tenant.len > 0 && !has_tenant(lane, tenant))) {
        return false;
    }
    *out = view_of(lane, tenant, now_us);
    return true;
}

/* Of the tenant's lanes the first behind `id`; it has few. */
static const struct lane *own_after(const struct tenant *tenant, struct slice id)
{
    const struct lane *first = NULL;

    LIST_FOREACH (node, &tenant->seats) {
        const struct lane *lane =
            LIST_ENTRY(node, struct governor_seat, in_tenant)->lane;
        if (slice_cmp(tree_id(&lane->node), id) > 0 &&
            (first == NULL ||
             slice_cmp(tree_id(&lane->node), tree_id(&first->node)) < 0)) {
            first = lane;
        }
    }
    return first;
}

bool governor_lane_after(const struct governor *governor, struct slice id,
                         struct slice tenant, int64_t now_us,
                         struct governor_lane_view *out)
{
    const struct tenant *one = tenant_find(governor, tenant);
    const struct lane *lane = NULL;

    if (tenant.len == 0) {
        lane = (const struct lane *)(const void *)tree_after(&governor->lanes, id);
    } else if (one != NULL) {
        lane = own_after(one, id);
    }
    if (lane != NULL) {
        *out = view_of(lane, tenant, now_us);
    }
    return lane != NULL;
}

struct found {
    const struct lane **lanes;
    size_t count;
};

static void add_lane(void *ctx, struct tree_node *node)
{
    struct found *found = ctx;

    found->lanes[found->count] = (const struct lane *)(const void *)node;
    found->count++;
}

static int by_id(const void *a, const void *b)
{
    const struct lane *const *one = a, *const *other = b;

    return slice_cmp(tree_id(&(*one)->node), tree_id(&(*other)->node));
}

static struct found all_lanes(const struct governor *governor, struct arena *arena)
{
    struct found found = {
        arena_array(arena, governor->lanes.count + 1, sizeof(struct lane *)), 0};

    tree_each(&governor->lanes, add_lane, &found);
    return found;
}

/* The lanes of one tenant, through its own accounts; several of them may share one. */
static struct found lanes_of(const struct tenant *tenant, struct arena *arena)
{
    struct found found = {0};
    size_t seats = 0;

    LIST_FOREACH (node, &tenant->seats) {
        seats++;
    }
    found.lanes = arena_array(arena, seats + 1, sizeof(struct lane *));
    seats = 0;
    LIST_FOREACH (node, &tenant->seats) {
        found.lanes[seats] = LIST_ENTRY(node, struct governor_seat, in_tenant)->lane;
        seats++;
    }
    qsort(found.lanes, seats, sizeof(struct lane *), by_id);
    for (size_t i = 0; i < seats; i++) {
        if (i == 0 || found.lanes[i] != found.lanes[i - 1]) {
            found.lanes[found.count] = found.lanes[i];
            found.count++;
        }
    }
    return found;
}

size_t governor_lanes(const struct governor *governor, struct arena *arena,
                      struct slice tenant, int64_t now_us,
                      struct governor_lane_view **out)
{
    const struct tenant *one = tenant_find(governor, tenant);
    struct found found = {0};

    if (tenant.len == 0) {
        found = all_lanes(governor, arena);
    } else if (one != NULL) {
        found = lanes_of(one, arena);
    }
    *out = arena_array(arena, found.count + 1, sizeof(**out));
    for (size_t i = 0; i < found.count; i++) {
        (*out)[i] = view_of(found.lanes[i], tenant, now_us);
        (*out)[i].lane = arena_slice(arena, (*out)[i].lane);
    }
    return found.count;
}

struct lines {
    struct governor_line *lines;
    size_t count;
    struct arena *arena;
    enum governor_rule in_line_for; /* what those in a flow wait for */
};

static void add_line(struct lines *lines, const struct server *server, int priority,
                     enum governor_rule rule, int queued)
{
    const struct governor_seat *seat = server->queue->seat;

    if (queued > 0) {
        lines->lines[lines->count] = (struct governor_line){
            arena_slice(lines->arena, slice_of(seat->id, seat->id_bytes)),
            arena_slice(lines->arena, tree_id(&server->node)),
            (enum governor_priority)priority, rule, queued};
        lines->count++;
    }
}

static void add_lines(void *ctx, struct tree_node *node)
{
    const struct server *server = (const struct server *)(const void *)node;
    struct lines *lines = ctx;

    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        add_line(lines, server, i, lines->in_line_for, server->flows[i].count);
        for (int rule = 0; rule < GOVERNOR_RULES; rule++) {
            add_line(lines, server, i, (enum governor_rule)rule, server->kept[i][rule]);
        }
    }
}

static size_t queued_in(const struct lane *lane)
{
    size_t queued = 0;

    LIST_FOREACH (node, &lane->seats) {
        queued += (size_t)LIST_ENTRY(node, struct governor_seat, in_lane)->queued;
    }
    return queued;
}

size_t governor_lane_lines(const struct governor *governor, struct arena *arena,
                           struct slice id, struct slice tenant,
                           struct governor_line **out)
{
    const struct lane *lane = lane_find(governor, id);
    struct lines lines = {NULL, 0, arena, GOVERNOR_SLOT};

    *out = NULL;
    if (lane == NULL || queued_in(lane) == 0) {
        return 0;
    }
    *out = lines.lines = arena_array(arena, queued_in(lane), sizeof(*lines.lines));
    LIST_FOREACH (node, &lane->seats) {
        const struct governor_seat *seat =
            LIST_ENTRY(node, struct governor_seat, in_lane);
        if (seat->queue != NULL && is_seen(seat, tenant)) {
            lines.in_line_for = bucket_wait_us(&seat->calls, 0, governor->now_us) > 0
                                    ? GOVERNOR_CALL_RATE
                                    : GOVERNOR_SLOT;
            tree_each(&seat->queue->servers, add_lines, &lines);
        }
    }
    return lines.count;
}
