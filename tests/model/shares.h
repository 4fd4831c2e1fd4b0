/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the state of two servers and their Redis as a string of bytes: times count from now, in
 *          ticks; numbers that are only compared count from the least of them.
 * Owns: one world, the one in which something happens.  Threads: one.  Errors: the program ends.
 * Start reading at: struct world.
 */
#ifndef SLUICE_TESTS_MODEL_SHARES_H
#define SLUICE_TESTS_MODEL_SHARES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordination/lender.h"

#define TICK 1000 /* milliseconds */
#define TTL 2     /* ticks */
#define HOLD 1
#define NOW_MS INT64_C(1000000)
#define EPOCH_MS INT64_C(500000)
#define WALL_MS INT64_C(2000000)
#define NEVER 127
#define SHARE_TICKS (3 * TTL + HOLD)
#define LONG_AGO (-SHARE_TICKS - 2)
#define AHEAD 4 /* what a claim may be ahead of the epoch's clock, at most */
#define ROOM 2  /* requests and answers under way on a connection */
#define NODES 2
#define DEAD NODES /* the crashed life, at Redis and at the ERP */
#define RECORDS (NODES + 1)
#define KEY "0123456789abcdef0123456789abcdef"

typedef signed char num;

/* Read and written by store.lua in this order. */
struct redis_state {
    num known, open, lag, seats, fence;
    struct {
        num known, process, left, calm;
    } places[2];
    struct {
        num there, till, seq, at, calm, place;
    } nodes[RECORDS];
    struct {
        num there, keep, seen, granted, want, last, ceiling;
    } records[RECORDS];
};

struct asked {
    num op, keep, want, ceiling, seen, seq, sent, claim, wall, epoch, round;
};

struct told {
    struct asked of;
    num status, epoch, now, wait, wall, granted, last;
};

struct node_state {
    num up, stage, disputed, joins, renews, renewing, was_right, was_sharing, closed,
        epoch;
    num right, asked, open, renew, offset, wall_offset, entered, seq, base_seen;
    num lane, used, lent, want, leased, seen, told_keep, told_want, told_ceiling,
        pending;
    num enters, offered, asks, lends;
    num calls[HOLD + 1], loan, waiting; /* governor; calls by the ticks they lasted */
    num request_count, answer_count, orphan_count, news, news_at;
    struct asked requests[ROOM], orphans[ROOM];
    struct told answers[ROOM];
};

struct world {
    struct redis_state redis;
    struct node_state nodes[NODES];
    num dead_calls[HOLD + 1], cuts, crashes, restarts;
};

enum status { OK, ENTERED, TURNED, LAPSED, OTHER_EPOCH, SEAT, TERMS, STALE };
extern const char *const statuses[];

enum event {
    TICKS,
    RUNS,
    RUNS_ORPHAN,
    LOSES_ORPHANS,
    ANSWERED,
    NEWS,
    ENDS_NEW,
    ENDS_OLD,
    COMES,
    TIMER,
    CUT,
    RUNS_AND_CUT,
    UP,
    CRASHES,
    RESTARTS,
    EVENTS
};
extern const char *const events[EVENTS];

/* What is bounded, from the command line. */
struct bounds {
    int seats, ceiling, cuts, crashes, restarts, late_nodes;
    bool has_orphans; /* what was under way when a connection broke may arrive */
};
extern struct bounds bounds;
extern struct world w;
extern bool is_above, is_told; /* a call too many; say what happens */

static inline int total(const num *calls)
{
    int sum = 0;
    for (int age = 0; age <= HOLD; age++) {
        sum += calls[age];
    }
    return sum;
}

static inline uint64_t hash_of(const void *what, size_t size)
{
    const unsigned char *bytes = what;
    uint64_t hash = UINT64_C(0x9e3779b97f4a7c15);
    for (size_t at = 0; at < size; at += 8) {
        uint64_t part = 0;
        memcpy(&part, bytes + at, size - at < 8 ? size - at : 8);
        hash = (hash ^ part) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
    }
    return hash != 0 ? hash : 1;
}

static inline num clamp(int64_t value, int lowest, int highest)
{
    return (num)(value < lowest ? lowest : value > highest ? highest : value);
}

/* The grid's point that is nearest: what a clock loses by rounding is left out. */
static inline int64_t ticks(int64_t ms)
{
    return ms >= 0 ? (ms + TICK / 2) / TICK : -((-ms + TICK / 2) / TICK);
}

static inline int64_t at_us(num when)
{
    return when == NEVER ? INT64_MAX : (NOW_MS + when * TICK) * 1000;
}

/* shares_lender.c: a server's lender, put back from w and saved to it; its governor. */
void lenders_new(void);
void put_back(int i);
void save(int i);
bool is_due(int i);
void recall(int i);      /* as core/coordinator.c does before the governor is asked */
void settle_node(int i); /* lend() there */
void begin_calls(int i);
void hear_answer(int i);
void hear_news(int i);
void go_up(int i);
void go_down(int i);

/* shares_redis.c: lease.lua. */
void redis_new(const char *script, const char *store);
void run_script(int i, const struct asked *request, bool is_heard);
void shift_epoch(num passed, bool is_new);

/* shares_events.c. */
void begin_life(int i);
bool can(int event, int i);
void happen(int event, int i); /* but for normalize() */

/* shares_numbers.c: equal states become one. */
void normalize(void);

#endif
