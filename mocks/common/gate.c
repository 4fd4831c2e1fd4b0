/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting work in flight. Invariants:
 * 1. gate.count.in_flight is the sum over the lanes.
 * 2. busy_us is brought up to date before in_flight changes and before it is read.
 */
#include "mocks/common/gate.h"

#include <stdlib.h>

#include "base/require.h"

static void count_advance(struct gate_count *count, int64_t now_us)
{
    count->busy_us += count->in_flight * (now_us - count->since_us);
    count->since_us = now_us;
}

static void count_change(struct gate_count *count, int64_t now_us, int by)
{
    count_advance(count, now_us);
    count->in_flight += by;
    REQUIRE(count->in_flight >= 0);
    if (count->in_flight > count->in_flight_peak) {
        count->in_flight_peak = count->in_flight;
    }
}

static void count_reset(struct gate_count *count, int64_t now_us)
{
    *count = (struct gate_count){.in_flight = count->in_flight,
                                 .in_flight_peak = count->in_flight,
                                 .since_us = now_us};
}

void gate_init(struct gate *gate, const struct clock *clock, int concurrency,
               uint64_t seed)
{
    *gate = (struct gate){.clock = clock, .concurrency = concurrency};
    gate->jitter.state = seed;
    gate->count.since_us = clock_mono_us(clock);
    gate->tokens.since_us = gate->count.since_us;
    list_init(&gate->lanes);
    list_init(&gate->endpoints);
}

static void lanes_free(struct list *lanes)
{
    LIST_FOREACH_SAFE (node, after, lanes) {
        struct gate_lane *lane = LIST_ENTRY(node, struct gate_lane, node);
        list_remove(node);
        free(lane->name);
        free(lane);
    }
}

void gate_free(struct gate *gate)
{
    lanes_free(&gate->lanes);
    lanes_free(&gate->endpoints);
}

static struct gate_lane *lane_find(const struct list *lanes, struct slice name)
{
    LIST_FOREACH (node, lanes) {
        struct gate_lane *lane = LIST_ENTRY(node, struct gate_lane, node);
        if (slice_is(name, lane->name)) {
            return lane;
        }
    }
    return NULL;
}

static struct gate_lane *lane_of(struct gate *gate, struct list *lanes,
                                 struct slice name)
{
    struct gate_lane *lane = lane_find(lanes, name);
    if (lane != NULL) {
        return lane;
    }
    lane = calloc(1, sizeof *lane);
    REQUIRE(lane != NULL);
    lane->name = malloc(name.len + 1);
    REQUIRE(lane->name != NULL);
    memcpy(lane->name, name.ptr, name.len);
    lane->name[name.len] = '\0';
    lane->concurrency = gate->concurrency;
    lane->count.since_us = clock_mono_us(gate->clock);
    list_init(&lane->node);
    list_push(lanes, &lane->node);
    return lane;
}

struct gate_lane *gate_lane(struct gate *gate, struct slice name)
{
    return lane_of(gate, &gate->lanes, name);
}

void gate_request(struct gate *gate)
{
    gate->count.requests++;
}

bool gate_enter(struct gate *gate, struct gate_lane *lane)
{
    lane->count.requests++;
    if (lane->count.in_flight >= lane->concurrency) {
        lane->count.refused_concurrency++;
        gate->count.refused_concurrency++;
        return false;
    }
    int64_t now_us = clock_mono_us(gate->clock);
    count_change(&gate->count, now_us, 1);
    count_change(&lane->count, now_us, 1);
    return true;
}

struct gate_lane *gate_token_enter(struct gate *gate, struct slice path)
{
    struct gate_lane *endpoint = lane_of(gate, &gate->endpoints, path);
    int64_t now_us = clock_mono_us(gate->clock);
    gate->tokens.requests++;
    endpoint->count.requests++;
    count_change(&gate->tokens, now_us, 1);
    count_change(&endpoint->count, now_us, 1);
    return endpoint;
}

void gate_token_leave(struct gate *gate, struct gate_lane *endpoint)
{
    int64_t now_us = clock_mono_us(gate->clock);
    count_change(&gate->tokens, now_us, -1);
    count_change(&endpoint->count, now_us, -1);
}

bool gate_has_room(const struct gate_lane *lane)
{
    return lane->count.in_flight < lane->concurrency;
}

void gate_leave(struct gate *gate, struct gate_lane *lane)
{
    int64_t now_us = clock_mono_us(gate->clock);
    count_change(&gate->count, now_us, -1);
    count_change(&lane->count, now_us, -1);
}

uint64_t gate_latency_ms(struct gate *gate)
{
    int64_t ms = gate->latency_ms;
    if (gate->jitter_ms > 0) {
        ms += prng_between(&gate->jitter, -gate->jitter_ms, gate->jitter_ms);
    }
    return ms > 0 ? (uint64_t)ms : 0;
}

bool gate_set_concurrency(struct gate *gate, struct slice name, int concurrency)
{
    if (name.len > 0) {
        struct gate_lane *lane = lane_find(&gate->lanes, name);
        if (lane != NULL) {
            lane->concurrency = concurrency;
        }
        return lane != NULL;
    }
    gate->concurrency = concurrency;
    LIST_FOREACH (node, &gate->lanes) {
        LIST_ENTRY(node, struct gate_lane, node)->concurrency = concurrency;
    }
    return true;
}

void gate_reset(struct gate *gate)
{
    int64_t now_us = clock_mono_us(gate->clock);
    count_reset(&gate->count, now_us);
    count_reset(&gate->tokens, now_us);
    gate->writes = 0;
    LIST_FOREACH (node, &gate->lanes) {
        count_reset(&LIST_ENTRY(node, struct gate_lane, node)->count, now_us);
    }
    LIST_FOREACH (node, &gate->endpoints) {
        count_reset(&LIST_ENTRY(node, struct gate_lane, node)->count, now_us);
    }
}

static json_t *count_json(struct gate_count *count, int64_t now_us)
{
    count_advance(count, now_us);
    json_t *object = json_object();
    json_object_set_new(object, "requests", json_integer(count->requests));
    json_object_set_new(object, "in_flight", json_integer(count->in_flight));
    json_object_set_new(object, "in_flight_peak", json_integer(count->in_flight_peak));
    json_object_set_new(object, "busy_ms", json_integer(count->busy_us / 1000));
    json_object_set_new(object, "refused_concurrency",
                        json_integer(count->refused_concurrency));
    json_object_set_new(object, "refused_auth", json_integer(count->refused_auth));
    return object;
}

json_t *gate_stats(struct gate *gate)
{
    int64_t now_us = clock_mono_us(gate->clock);
    json_t *object = count_json(&gate->count, now_us);
    json_object_set_new(object, "token_requests", json_integer(gate->tokens.requests));
    json_object_set_new(object, "token_requests_in_flight",
                        json_integer(gate->tokens.in_flight));
    json_object_set_new(object, "token_requests_in_flight_peak",
                        json_integer(gate->tokens.in_flight_peak));
    json_t *endpoints = json_object();
    LIST_FOREACH (node, &gate->endpoints) {
        const struct gate_lane *one = LIST_ENTRY(node, struct gate_lane, node);
        json_object_set_new(
            endpoints, one->name,
            json_pack("{s:I, s:I, s:I}", "requests", (json_int_t)one->count.requests,
                      "in_flight", (json_int_t)one->count.in_flight, "in_flight_peak",
                      (json_int_t)one->count.in_flight_peak));
    }
    json_object_set_new(object, "token_endpoints", endpoints);
    json_object_set_new(object, "writes", json_integer(gate->writes));
    json_t *accounts = json_object();
    LIST_FOREACH (node, &gate->lanes) {
        struct gate_lane *lane = LIST_ENTRY(node, struct gate_lane, node);
        json_t *one = count_json(&lane->count, now_us);
        json_object_set_new(one, "concurrency", json_integer(lane->concurrency));
        json_object_set_new(accounts, lane->name, one);
    }
    json_object_set_new(object, "accounts", accounts);
    return object;
}
