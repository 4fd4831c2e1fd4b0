/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: this process's side of the slots that several processes share through Redis: what it
 *          holds of each lane, what it asks for, what it may use while Redis is silent.
 * Owns: its records of lanes; requests and loans are handed out by value.
 * Threads: one loop owns a lender. Pure: no clock, no socket; time comes in as microseconds of a
 *          clock that also runs while the machine sleeps, requests and loans go out by
 *          lender_next_request and lender_next_loan.
 * Errors: none; what Redis answers is judged, never trusted to make sense.
 * Start reading at: allowance() in lender.c; lender_request.c asks, lender_answer.c hears. The rules:
 *          docs/coordination.md; the other side of them is lease.lua.
 */
#ifndef SLUICE_COORDINATION_LENDER_H
#define SLUICE_COORDINATION_LENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define LENDER_KEY_BYTES 32   /* of a lane, in hexadecimal digits */
#define LENDER_EPOCH_BYTES 64 /* longest */
#define LENDER_ITEMS 7        /* of an answer */

struct lender;
struct lender_lane;

struct lender_terms {
    int64_t ttl_ms;  /* a node that renewed may dispatch for nearly that long */
    int64_t hold_ms; /* the longest that the ERP may work on one request */
    int nodes; /* 0: strict; else what is not lent while Redis is away: n shares */
    int node;  /* 1..nodes: whose share is ours; 0 with strict */
    uint64_t process; /* the same for all lenders of a process's life, no other's */
    int workers;      /* 1..: so many lenders it has; a lane is always one's alone */
};

/* `id`: of this lender's life, [0-9a-f], copied; LENDER_KEY_BYTES at most. */
struct lender *lender_new(const struct lender_terms *terms, struct slice id,
                          int64_t now_us);
void lender_free(struct lender *lender); /* accepts NULL */
struct slice lender_id(const struct lender *lender);

/*
 * How a lane stands at the governor now: `used` slots in flight, `lent` that it may have in
 * flight, `want` calls that could go if more were lent. `key` is how Redis knows the lane.
 */
struct lender_need {
    struct slice lane, key; /* copied */
    int ceiling, used, lent, want;
};
void lender_need(struct lender *lender, const struct lender_need *need, int64_t now_us);

/* Connected to a Redis of that run id: everything has to be registered again. */
void lender_up(struct lender *lender, struct slice run_id, int64_t now_us);
/* The connection is gone, and with it every answer that is still open. */
void lender_down(struct lender *lender);

enum lender_op { LENDER_JOIN, LENDER_RENEW, LENDER_LEAVE, LENDER_ENTER, LENDER_TURN };

struct lender_request {
    enum lender_op op;
    struct lender_lane *lane; /* of ENTER and TURN */
    uint64_t round, sequence;
    int64_t sent_us;
    int64_t claim_ms,
        wall_ms; /* no more than what the epoch's and Redis's clock showed then */
    int keep, want, ceiling;
    int64_t seen;
};
/* The next request to send, in this order, on one connection; false: none. */
bool lender_next_request(struct lender *lender, struct lender_request *out,
                         int64_t now_us);

/* The words of a request for lease.lua; they lend until the lender changes. */
#define LENDER_WORDS 17
struct lender_words {
    struct slice words[LENDER_WORDS];
    size_t count;
    struct slice lane_key; /* empty: the request is about no lane */
    char numbers[LENDER_WORDS][24];
};
void lender_words(const struct lender *lender, const struct lender_request *request,
                  struct lender_words *out);

/* What lease.lua answered: words and numbers as they came. */
struct lender_item {
    struct slice text;
    int64_t number;
};
/* False: no answer of lease.lua's; the connection is of no use. */
bool lender_answer(struct lender *lender, const struct lender_request *request,
                   const struct lender_item *items, size_t count, int64_t now_us);
/* A message on this node's channel: "epoch lane number time". */
void lender_granted(struct lender *lender, struct slice message, int64_t now_us);

/* From now on the lane may have `slots` in flight here; others hold `others` of it. */
struct lender_loan {
    struct slice lane; /* lent until the lender changes */
    int slots, others;
};
bool lender_next_loan(struct lender *lender, struct lender_loan *out, int64_t now_us);

void lender_tick(struct lender *lender, int64_t now_us);
int64_t lender_due_us(const struct lender *lender); /* INT64_MAX: never */

/* At the end of the process; true when nothing is held any more and a LEAVE was queued. */
bool lender_leave(struct lender *lender);

enum lender_state {
    LENDER_OPEN, /* Redis decides */
    LENDER_GRACE, /* Redis has begun an epoch: what is held is kept, nothing is granted */
    LENDER_JOINING, /* registering */
    LENDER_STRICT, /* Redis is away: what is held is used while the lease lasts, then nothing */
    LENDER_SHARE,    /* Redis is away: our share of each ceiling at most */
    LENDER_DISPUTED, /* another node sits on our seat, or has other terms */
};
struct lender_view {
    enum lender_state state;
    int64_t left_ms; /* of the grace; of the lease while Redis is away */
    uint64_t epochs, lapses;
};
/* Before that time Redis lends nothing and no share may be used: INT64_MAX: nobody knows until
 * when; 0: any moment may bring something. */
int64_t lender_silent_until_us(const struct lender *lender, int64_t now_us);
struct lender_view lender_look(const struct lender *lender, int64_t now_us);
const char *lender_state_name(enum lender_state state);

#endif
