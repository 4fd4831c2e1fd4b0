/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the ERP side counts and limits: work in flight, its peak, its integral
 * over time, the concurrency limit, the latency to pretend. Owns: its lanes (one per
 * ERP account). Threads: one owner at a time. Errors: none. Start reading at:
 * gate_enter. In flight is the number of requests admitted and not yet answered by the
 * ERP, no matter whether anybody still waits for the answer.
 */
#ifndef SLUICE_MOCKS_COMMON_GATE_H
#define SLUICE_MOCKS_COMMON_GATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/slice.h"
#include "mocks/common/random.h"

struct gate_count {
    int64_t requests, in_flight, in_flight_peak, refused_concurrency, refused_auth;
    int64_t busy_us; /* integral of in_flight up to since_us */
    int64_t since_us;
};

struct gate_lane {
    struct list node;
    char *name;
    int concurrency;
    struct gate_count count;
};

struct gate {
    const struct clock *clock;
    struct prng jitter;
    int concurrency; /* of lanes made from now on */
    int latency_ms;
    int jitter_ms;
    struct gate_count count;  /* over all lanes */
    struct gate_count tokens; /* requests of token hosts; they have no limit */
    struct list endpoints;    /* the same by endpoint, as lanes */
    int token_latency_ms;
    int64_t writes;
    struct list lanes;
};

/* Keeps `clock`. */
void gate_init(struct gate *gate, const struct clock *clock, int concurrency,
               uint64_t seed);
void gate_free(struct gate *gate);

/* The lane of that account, made when it is new. Lends until gate_free. */
struct gate_lane *gate_lane(struct gate *gate, struct slice name);

/* False, and counted as refused, when the lane is full. */
bool gate_enter(struct gate *gate, struct gate_lane *lane);
void gate_leave(struct gate *gate, struct gate_lane *lane);
/* A token request, counted for its endpoint (one path of those few a mock has) too. */
struct gate_lane *gate_token_enter(struct gate *gate, struct slice path);
void gate_token_leave(struct gate *gate, struct gate_lane *endpoint);
bool gate_has_room(const struct gate_lane *lane);
void gate_request(struct gate *gate);

/* How long the next piece of work takes. */
uint64_t gate_latency_ms(struct gate *gate);

/* The limit of one lane, or (empty name) of all and of those to come. False: no such
 * lane. */
bool gate_set_concurrency(struct gate *gate, struct slice name, int concurrency);

/* Counters to zero; what is in flight stays in flight. */
void gate_reset(struct gate *gate);

/* A new object with the members of GET /stats. */
json_t *gate_stats(struct gate *gate);

#endif
