/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings, and the coming, moving and going of accounts, tenants and lanes.
 *
 * A record lives as long as something needs it: an account until it is removed and its
 * last slot is free, a tenant or a lane until it has neither accounts nor a setting.
 */
#include "governor/governor_private.h"

#include <stdlib.h>

struct governor_seat *seat_find(const struct governor *governor, struct slice id)
{
    return map_get(governor->seats, id);
}

struct tenant *tenant_find(const struct governor *governor, struct slice id)
{
    return (struct tenant *)(void *)tree_find(&governor->tenants, id);
}

static struct tenant *tenant_get(struct governor *governor, struct slice id)
{
    struct tenant *tenant = tenant_find(governor, id);

    if (tenant != NULL) {
        return tenant;
    }
    REQUIRE(id.len <= UINT32_MAX);
    tenant = slab_take(governor->records, sizeof(*tenant) + id.len);
    memcpy(tenant->id, id.ptr, id.len);
    tenant->node.id = tenant->id;
    tenant->node.id_bytes = (uint32_t)id.len;
    tenant->node.weight = (uint32_t)(governor_random(governor) >> 32);
    tenant->gate.ceiling = tenant->gate.lent = GATE_UNLIMITED;
    list_init(&tenant->seats);
    tree_insert(&governor->tenants, &tenant->node);
    return tenant;
}

static void tenant_reap(struct governor *governor, struct tenant *tenant)
{
    if (!list_empty(&tenant->seats) || tenant->gate.ceiling != GATE_UNLIMITED) {
        return;
    }
    REQUIRE(gate_is_unused(&tenant->gate));
    tree_remove(&governor->tenants, &tenant->node);
    slab_give(governor->records, tenant, sizeof(*tenant) + tenant->node.id_bytes);
}

static struct governor_seat *seat_new(struct governor *governor, struct slice id)
{
    struct governor_seat *seat = slab_take(governor->records, sizeof(*seat) + id.len);

    memcpy(seat->id, id.ptr, id.len);
    seat->id_bytes = id.len;
    list_init(&seat->in_lane);
    list_init(&seat->in_tenant);
    list_init(&seat->claims);
    list_init(&seat->running);
    map_put(governor->seats, id, seat);
    return seat;
}

static void seat_free(struct governor *governor, struct governor_seat *seat)
{
    slab_give(governor->records, seat, sizeof(*seat) + seat->id_bytes);
}

/* Of an account that leaves; a lane that nobody has left keeps nothing. */
static void keep_counts(struct lane *lane, const struct seat_counts *counts)
{
    struct seat_counts *gone = lane->gone;

    if (gone == NULL) {
        gone = lane->gone = governor_alloc(sizeof(*gone));
    }
    gone->granted += counts->granted;
    gone->refused_upstream += counts->refused_upstream;
    gone->refused_full += counts->refused_full;
    gone->refused_late += counts->refused_late;
    gone->expired += counts->expired;
}

/* Leaves lane and tenant with all it has there; the counts of the past stay with the
 * lane. */
static void seat_detach(struct governor_seat *seat)
{
    struct lane *lane = seat->lane;

    seat_unpark(seat);
    list_remove(&seat->in_lane);
    list_remove(&seat->in_tenant);
    lane->gate.in_flight -= seat->in_flight;
    reserve_count_all(lane, seat, -1);
    seat->tenant->gate.in_flight -= seat->in_flight;
    if (seat->queue != NULL && seat->queued > seat->queue->kept_count) {
        gate_leave(&lane->gate, &seat->queue->load);
        gate_leave(&seat->tenant->gate, &seat->queue->load);
    }
    keep_counts(lane, &seat->counts);
    seat->counts = (struct seat_counts){0};
    lane_ceiling_drop(lane, seat->ceiling);
    lane_touch(lane);
}

static void seat_attach(struct governor_seat *seat, struct lane *lane,
                        struct tenant *tenant)
{
    seat->lane = lane;
    seat->tenant = tenant;
    list_push(&lane->seats, &seat->in_lane);
    list_push(&tenant->seats, &seat->in_tenant);
    lane->gate.in_flight += seat->in_flight;
    reserve_count_all(lane, seat, 1);
    tenant->gate.in_flight += seat->in_flight;
    if (seat->queue != NULL && seat->queued > seat->queue->kept_count) {
        gate_join(&lane->gate, &seat->queue->load);
        gate_join(&tenant->gate, &seat->queue->load);
    }
    lane_ceiling_add(lane, seat->ceiling);
}

/* An account that nothing has proved yet must not take part in a lane it only claims.
 */
static struct lane *lane_of(struct governor *governor,
                            const struct governor_account *account)
{
    size_t prefix = sizeof(GOVERNOR_PRIVATE_LANE) - 1;
    struct lane *lane;
    char *id;

    if (account->joined) {
        return lane_get(governor, account->lane);
    }
    id = governor_alloc(prefix + account->id.len);
    memcpy(id, GOVERNOR_PRIVATE_LANE, prefix);
    memcpy(id + prefix, account->id.ptr, account->id.len);
    lane = lane_get(governor, slice_of(id, prefix + account->id.len));
    free(id);
    return lane;
}

void governor_account_set(struct governor *governor,
                          const struct governor_account *account, int64_t now_us)
{
    struct governor_seat *seat;
    struct lane *lane, *old_lane;
    struct tenant *tenant, *old_tenant;

    REQUIRE(account->ceiling > 0 && account->queue_limit >= 0 &&
            account->queue_wait_us >= 0);
    governor_tick(governor, now_us);
    seat = seat_find(governor, account->id);
    if (seat == NULL) {
        seat = seat_new(governor, account->id);
    }
    old_lane = seat->lane;
    old_tenant = seat->tenant;
    lane = lane_of(governor, account);
    tenant = tenant_get(governor, account->tenant);
    if (old_lane != NULL) {
        lane_changed(governor, old_lane);
        seat_detach(seat);
    }
    seat->ceiling = governor_share(governor, account->ceiling);
    if ((!account->joined || account->on_trial) && seat->ceiling > 1) {
        seat->ceiling = 1;
    }
    seat->usual = account->joined ? account->ceiling : 1;
    seat->queue_limit = account->queue_limit;
    seat->queue_wait_us = account->queue_wait_us;
    seat->removed = false;
    rules_set(governor, seat, account);
    seat_attach(seat, lane, tenant);
    lane_changed(governor, lane);
    if (lane->mode == GOVERNOR_DRAINING) {
        seat_turn_away(governor, seat, SLICE_EMPTY, GOVERNOR_TURNED_AWAY);
    }
    rules_pass(governor, seat);
    seat_offer(governor, seat);
    if (old_lane == NULL) {
        gates_dispatch(governor, (struct gate *const[]){&lane->gate}, 1);
        return;
    }
    gates_dispatch(governor,
                   (struct gate *const[]){&lane->gate, &tenant->gate, &old_lane->gate,
                                          &old_tenant->gate},
                   4);
    if (old_lane != lane) {
        lane_reap(governor, old_lane);
    }
    if (old_tenant != tenant) {
        tenant_reap(governor, old_tenant);
    }
}

void governor_account_pace(struct governor *governor, struct slice id, int factor)
{
    struct governor_seat *seat = seat_find(governor, id);

    REQUIRE(factor == 0 || (factor >= 2 && factor <= 100));
    if (seat != NULL) {
        seat->pace_factor = (uint8_t)factor;
    }
}

bool governor_account_known(const struct governor *governor, struct slice id)
{
    const struct governor_seat *seat = seat_find(governor, id);

    return seat != NULL && !seat->removed;
}

/* The waiting calls of that MCP server, or all (empty), are decided so; returns how many.
 * seat_settle follows, where others of the account may be left. */
int seat_turn_away(struct governor *governor, struct governor_seat *seat,
                   struct slice server, enum governor_decision decision)
{
    struct governor_ticket *ticket = queue_some(seat, server);
    int count = 0;

    while (ticket != NULL) {
        governor_send_off(governor, ticket, decision);
        ticket = queue_some(seat, server);
        count++;
    }
    return count;
}

void governor_server_revoke(struct governor *governor, struct slice account,
                            struct slice server, int64_t now_us)
{
    struct governor_seat *seat;

    governor_tick(governor, now_us);
    seat = seat_find(governor, account);
    if (seat != NULL) {
        seat_turn_away(governor, seat, server, GOVERNOR_REVOKED);
        seat_settle(governor, seat);
    }
}

void governor_account_refuse(struct governor *governor, struct slice id, int64_t now_us)
{
    governor_tick(governor, now_us);
    if (governor_account_known(governor, id)) {
        seat_turn_away(governor, seat_find(governor, id), SLICE_EMPTY,
                       GOVERNOR_REVOKED);
    }
}

void governor_account_remove(struct governor *governor, struct slice id, int64_t now_us)
{
    struct governor_seat *seat;

    governor_tick(governor, now_us);
    if (!governor_account_known(governor, id)) {
        return;
    }
    seat = seat_find(governor, id);
    seat_turn_away(governor, seat, SLICE_EMPTY, GOVERNOR_REVOKED);
    seat->removed = true;
    lane_changed(governor, seat->lane);
    lane_ceiling_drop(seat->lane, seat->ceiling);
    gates_dispatch(governor, (struct gate *const[]){&seat->lane->gate}, 1);
    seat_reap(governor, seat);
}

/* Frees a removed account once its last slot is free. */
void seat_reap(struct governor *governor, struct governor_seat *seat)
{
    struct lane *lane = seat->lane;
    struct tenant *tenant = seat->tenant;

    if (!seat->removed || seat->in_flight > 0) {
        return;
    }
    lane_changed(governor, lane);
    seat_detach(seat);
    map_remove(governor->seats, slice_of(seat->id, seat->id_bytes));
    seat_free(governor, seat);
    lane_reap(governor, lane);
    tenant_reap(governor, tenant);
}

void governor_tenant_set(struct governor *governor, struct slice id, int ceiling,
                         int64_t now_us)
{
    struct tenant *tenant;

    REQUIRE(ceiling >= GOVERNOR_CLOSED);
    governor_tick(governor, now_us);
    tenant = tenant_get(governor, id);
    tenant->gate.ceiling = GATE_UNLIMITED;
    if (ceiling != 0) {
        tenant->gate.ceiling = ceiling > 0 ? governor_part(governor, ceiling) : 0;
    }
    gates_dispatch(governor, (struct gate *const[]){&tenant->gate}, 1);
    tenant_reap(governor, tenant);
}

void governor_lane_set(struct governor *governor, struct slice id, int ceiling,
                       int64_t now_us)
{
    struct lane *lane;

    REQUIRE(ceiling >= 0);
    governor_tick(governor, now_us);
    lane = lane_get(governor, id);
    lane->operator_ceiling = ceiling;
    lane->operator_share = governor_share(governor, ceiling);
    lane_settle(lane);
    lane_changed(governor, lane);
    gates_dispatch(governor, (struct gate *const[]){&lane->gate}, 1);
    lane_reap(governor, lane);
}

static void drop_seat(void *ctx, struct slice key, void *value)
{
    struct governor_seat *seat = value;

    (void)key;
    REQUIRE(seat->queued == 0 && seat->in_flight == seat->held);
    seat_detach(seat);
    seat_free(ctx, seat);
}

/* All records at once, at the end of the governor. */
void seats_free(struct governor *governor)
{
    map_each(governor->seats, drop_seat, governor);
    map_free(governor->seats);
    while (governor->lanes.root != NULL) {
        struct lane *lane = (struct lane *)(void *)governor->lanes.root;
        lane->operator_ceiling = 0;
        free(lane->gate.reserve);
        lane->gate.reserve = NULL;
        lane->mode = GOVERNOR_RUNNING;
        loan_free(lane);
        lane_reap(governor, lane);
    }
    while (governor->tenants.root != NULL) {
        struct tenant *tenant = (struct tenant *)(void *)governor->tenants.root;
        tenant->gate.ceiling = GATE_UNLIMITED;
        tenant_reap(governor, tenant);
    }
}
