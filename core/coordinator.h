/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: slots that several processes share: what the governor needs goes to Redis by the
 *          lender's rules, what Redis lends goes to the governor.
 * Owns: the lender, the connections to Redis, the timer; keeps the rest.
 * Threads: the loop's.
 * Errors: none; while Redis is away the lender's rules say what may be used.
 * Start reading at: lend() in coordinator.c. docs/coordination.md has the protocol.
 */
#ifndef SLUICE_CORE_COORDINATOR_H
#define SLUICE_CORE_COORDINATOR_H

#include "auth/mac.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/random_stock.h"
#include "coordination/lender.h"
#include "core/turnstile.h"
#include "io/redis.h"

struct coordinator;

/* The operator's choice; kept. */
struct coordinator_config {
    struct redis_address redis;
    struct lender_terms terms;
};

struct coordinator_parts {
    const struct coordinator_config *config;
    struct loop *loop;
    const struct log *log;
    struct mac *mac;
    struct governor *governor; /* made with is_lent */
    struct turnstile *turnstile;
    struct random_stock *random;
};

struct coordinator *coordinator_new(const struct coordinator_parts *parts);
/* Gives back what is not in use; what is in use ends at Redis by itself. Accepts NULL. */
void coordinator_free(struct coordinator *coordinator);

struct coordinator_view {
    struct lender_view lender;
    const char *cause; /* why Redis is away, from a fixed list; "" while it is not */
    uint64_t losses;   /* of the connection */
    int64_t answer_us; /* between the last script and its answer */
};
struct coordinator_view coordinator_look(const struct coordinator *coordinator);

/* For a call that found no slot: what is the matter, as a sentence in `arena`; empty: nothing is.
 * Accepts NULL. */
struct slice coordinator_trouble(const struct coordinator *coordinator,
                                 struct arena *arena);

#endif
