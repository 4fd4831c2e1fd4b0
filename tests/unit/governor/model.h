/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the model that test_governor_property.c holds against the governor: a table of
 * tickets and holds, and the rules read off it by looking at every one. It includes
 * nothing private. What it does: model_rules.h, model_deeds.h.
 * Owns: nothing.
 * Threads: one.
 * Errors: failed assertions.
 * Start reading at: struct model.
 */
#ifndef SLUICE_TESTS_UNIT_GOVERNOR_MODEL_H
#define SLUICE_TESTS_UNIT_GOVERNOR_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>

#include "governor/governor.h"

#define ACCOUNTS 20
#define SHARED_LANES 6
#define LANES (SHARED_LANES + ACCOUNTS) /* then the private lane of each account */
#define TENANTS 5
#define SERVERS 3
#define TICKETS 120
#define HOLDS 4096
#define HOLD_US 400000
#define BASE_US 20000
#define MOST_US 300000
#define NEVER INT64_MAX
/* What throttle.c says of itself. */
#define PROBE_US 1000000
#define RISE_US 1000000
#define FORGET_US 30000000

/* KEPT: it waits, but not in the line for a slot. */
enum place { NOWHERE, WAITS, KEPT, RUNS };

struct m_ticket {
    enum place place;
    bool pending; /* decided, not fetched yet */
    int account, server, priority;
    bool is_write, owns; /* owns: it is its turn at the document */
    int document;        /* 0: none */
    int64_t deadline;
    int64_t granted;
    uint64_t order; /* of arrival while it waits, of the grant while it runs */
};

struct m_bucket {
    int64_t interval, burst, full; /* interval 0: no limit */
    /* The same told by a leaking level, at the time that really is: what must not be exceeded. */
    int64_t level, stamp;
    int64_t owed; /* tokens promised before a limit was lowered */
};

struct m_account {
    bool known;
    int lane, tenant, ceiling, usual, queue_limit;
    int64_t queue_wait;
    struct m_bucket calls, writes;
    int credit[GOVERNOR_PRIORITIES]; /* of the writes that wait for a token */
};

enum m_phase { M_WHOLE, M_PAUSED, M_PROBING, M_PROBED, M_OPEN };

#define RESERVED 3

/* server -1: of a class. slots 0: there is none. */
struct m_reserved {
    int server, priority, slots;
};

struct m_lane {
    struct m_reserved reserved[RESERVED];
    int operator_ceiling, refusals;
    enum governor_lane_mode mode;
    enum m_phase phase; /* M_WHOLE: nothing was refused lately */
    int limit, refused; /* calls at once: that may go, that were refused */
    int64_t until, forget, probe_us;
    uint64_t refused_at, probe;
    uint64_t granted, refused_by_upstream, full, late, expired;
};

struct m_hold {
    int account, document;
    int64_t until;
};

struct expected {
    int ticket;
    enum governor_decision decision;
};

struct model {
    struct m_ticket tickets[TICKETS];
    struct m_account accounts[ACCOUNTS];
    struct m_lane lanes[LANES];
    int tenant_ceiling[TENANTS];
    struct m_hold holds[HOLDS]; /* in the order they end */
    int hold_count;
    struct expected expected[TICKETS];
    int expected_count;
    uint64_t sequence;
    int64_t at; /* of the event that is gone through */
    /* By account, class and two servers: calls of the one since the other, which waits
     * too, had a turn. */
    int runs[ACCOUNTS][GOVERNOR_PRIORITIES][SERVERS][SERVERS];
    int overtaken
        [LANES]; /* calls that went since, while a critical one could have gone */
};

struct run {
    struct governor *governor;
    struct governor_ticket tickets[TICKETS];
    struct model m;
    int64_t now;
    uint64_t random;
    uint64_t decided, pauses;
};

/* Chance. */

static inline uint64_t draw(struct run *r)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return r->random;
}

static inline int pick(struct run *r, int below)
{
    return (int)((draw(r) >> 20) % (uint64_t)below);
}

/* Names. Lanes of index SHARED_LANES + n are the private lane of account n. */

struct name {
    char text[24];
};

static inline struct slice name_of(struct name *name, const char *prefix, int number)
{
    snprintf(name->text, sizeof(name->text), "%s%d", prefix, number);
    return slice_str(name->text);
}

static inline struct slice lane_name(struct name *name, int lane)
{
    return lane < SHARED_LANES ? name_of(name, "lane", lane)
                               : name_of(name, "unproven:acc", lane - SHARED_LANES);
}

static const char *const server_names[SERVERS] = {"mcp_a", "mcp_b", "mcp_c"};
static const int server_weights[SERVERS] = {1, 2, 5};

/* Counting, always from the table. */

struct counts {
    int account[ACCOUNTS], lane[LANES], tenant[TENANTS];
};

static inline void add_one(const struct model *m, struct counts *counts, int account)
{
    counts->account[account]++;
    counts->lane[m->accounts[account].lane]++;
    counts->tenant[m->accounts[account].tenant]++;
}

static inline struct counts count_place(const struct model *m, enum place place)
{
    struct counts counts = {0};

    for (int i = 0; i < TICKETS; i++) {
        if (m->tickets[i].place == place) {
            add_one(m, &counts, m->tickets[i].account);
        }
    }
    for (int i = 0; place == RUNS && i < m->hold_count; i++) {
        add_one(m, &counts, m->holds[i].account);
    }
    return counts;
}

static inline int lane_base(const struct model *m, int lane)
{
    int highest = 0;

    if (m->lanes[lane].operator_ceiling > 0) {
        return m->lanes[lane].operator_ceiling;
    }
    for (int i = 0; i < ACCOUNTS; i++) {
        const struct m_account *account = &m->accounts[i];
        if (account->known && account->lane == lane && account->ceiling > highest) {
            highest = account->ceiling;
        }
    }
    return highest;
}

static inline int lane_ceiling(const struct model *m, int lane)
{
    const struct m_lane *l = &m->lanes[lane];
    int base = lane_base(m, lane);

    return l->phase != M_WHOLE && l->limit < base ? l->limit : base;
}

/* A probe goes whatever else is under way. */
static inline int lane_reach(const struct model *m, int lane)
{
    return m->lanes[lane].phase == M_PROBING ? lane_base(m, lane)
                                             : lane_ceiling(m, lane);
}

static inline bool is_shut(const struct model *m, int lane)
{
    const struct m_lane *l = &m->lanes[lane];

    return l->mode != GOVERNOR_RUNNING || l->phase == M_PAUSED || l->phase == M_PROBED;
}

static inline int tenant_ceiling(const struct model *m, int tenant)
{
    return m->tenant_ceiling[tenant] > 0 ? m->tenant_ceiling[tenant] : 1000000;
}

/* Until one more may go after `ahead` that have not gone yet. */
static inline int64_t m_token_wait(const struct m_bucket *b, int64_t ahead, int64_t at)
{
    int64_t missing = b->full > at ? b->full - at : 0;
    int64_t spare = (b->burst - ahead - 1) * b->interval;

    return b->interval == 0 || missing <= spare ? 0 : missing - spare;
}

/* What is kept for it now: in proportion while the ceiling is lower than it was made for. */
static inline int m_kept(const struct model *m, int lane, int which)
{
    const struct m_reserved *all = m->lanes[lane].reserved;
    int sum = 0, whole = lane_base(m, lane), ceiling = lane_ceiling(m, lane);

    for (int i = 0; i < RESERVED; i++) {
        sum += all[i].slots;
    }
    whole = whole > sum ? whole : sum + 1;
    return ceiling < whole ? all[which].slots * ceiling / whole : all[which].slots;
}

/* Which reservation such a call counts for; -1: none. */
static inline int m_reservation_of(const struct model *m, int lane, int server,
                                   int priority)
{
    const struct m_reserved *all = m->lanes[lane].reserved;
    int found = -1;

    for (int i = 0; i < RESERVED; i++) {
        if (all[i].slots == 0) {
            continue;
        }
        if (all[i].server >= 0 && all[i].server == server) {
            return i;
        }
        if (all[i].server < 0 && all[i].priority == priority) {
            found = i;
        }
    }
    return found;
}

/* By lane and reservation: slots that are kept and not used. */
struct m_unused {
    int slots[SHARED_LANES][RESERVED];
};

static inline struct m_unused m_unused(const struct model *m)
{
    struct m_unused unused = {0};

    for (int lane = 0; lane < SHARED_LANES; lane++) {
        for (int i = 0; i < RESERVED && m->lanes[lane].reserved[i].slots > 0; i++) {
            unused.slots[lane][i] = m_kept(m, lane, i);
        }
    }
    for (int i = 0; i < TICKETS; i++) {
        const struct m_ticket *t = &m->tickets[i];
        int lane = m->accounts[t->account].lane, own;
        if (t->place != RUNS || lane >= SHARED_LANES) {
            continue;
        }
        own = m_reservation_of(m, lane, t->server, t->priority);
        if (own >= 0 && unused.slots[lane][own] > 0) {
            unused.slots[lane][own]--;
        }
    }
    return unused;
}

/* Those that are kept for calls of other kinds; own -1: for all kinds. */
static inline int m_kept_from(const struct m_unused *unused, int lane, int own)
{
    int slots = 0;

    for (int i = 0; lane < SHARED_LANES && i < RESERVED; i++) {
        slots += i != own ? unused->slots[lane][i] : 0;
    }
    return slots;
}

static inline bool could_go(const struct model *m, const struct counts *running,
                            const struct m_unused *unused, const struct m_ticket *t)
{
    const struct m_account *a = &m->accounts[t->account];
    int own = m_reservation_of(m, a->lane, t->server, t->priority);

    return running->account[t->account] < a->ceiling &&
           m_token_wait(&a->calls, 0, m->at) == 0 &&
           running->lane[a->lane] < lane_reach(m, a->lane) && !is_shut(m, a->lane) &&
           (m->lanes[a->lane].phase == M_PROBING ||
            running->lane[a->lane] + m_kept_from(unused, a->lane, own) <
                lane_ceiling(m, a->lane)) &&
           running->tenant[a->tenant] < tenant_ceiling(m, a->tenant);
}

#endif
