/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model that test_governor_property.c holds against the governor: a table of
 * tickets and holds, and the rules read off it by looking at every one. It includes
 * nothing private.
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

enum place { NOWHERE, WAITS, RUNS };

struct m_ticket {
    enum place place;
    bool pending; /* decided, not fetched yet */
    int account, server, priority;
    int64_t deadline;
    int64_t granted;
    uint64_t order; /* of arrival while it waits, of the grant while it runs */
};

struct m_account {
    bool known;
    int lane, tenant, ceiling, queue_limit;
    int64_t queue_wait;
};

enum m_phase { M_WHOLE, M_PAUSED, M_PROBING, M_PROBED, M_OPEN };

struct m_lane {
    int operator_ceiling, refusals;
    enum governor_lane_mode mode;
    enum m_phase phase; /* M_WHOLE: nothing was refused lately */
    int limit, refused; /* calls at once: that may go, that were refused */
    int64_t until, forget, probe_us;
    uint64_t refused_at, probe;
    uint64_t granted, refused_by_upstream, full, late, expired;
};

struct m_hold {
    int account;
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

static inline bool could_go(const struct model *m, const struct counts *running,
                            int account)
{
    const struct m_account *a = &m->accounts[account];

    return running->account[account] < a->ceiling &&
           running->lane[a->lane] < lane_reach(m, a->lane) && !is_shut(m, a->lane) &&
           running->tenant[a->tenant] < tenant_ceiling(m, a->tenant);
}

/* The model's deeds. */

static inline void m_expect(struct model *m, int ticket,
                            enum governor_decision decision)
{
    m->expected[m->expected_count] = (struct expected){ticket, decision};
    m->expected_count++;
    m->tickets[ticket].pending = true;
}

static inline void m_grant(struct run *r, int ticket)
{
    struct m_ticket *t = &r->m.tickets[ticket];
    struct m_lane *l = &r->m.lanes[r->m.accounts[t->account].lane];

    t->place = RUNS;
    t->order = ++r->m.sequence;
    t->granted = r->now;
    l->granted++;
    if (l->phase == M_PROBING) {
        l->phase = M_PROBED;
        l->probe = t->order;
        l->until = r->now + l->probe_us;
    }
}

static inline bool same_flow(const struct m_ticket *a, const struct m_ticket *b)
{
    return a->account == b->account && a->server == b->server &&
           a->priority == b->priority;
}

/* First come first served within a server and class; and of two servers of an account
 * that both wait, none sends more than its weight before it is the other's turn. */
static inline void m_check_turn(struct run *r, int ticket)
{
    const struct m_ticket *t = &r->m.tickets[ticket];
    int *runs = r->m.runs[t->account][t->priority][t->server];
    bool waits[SERVERS] = {false};

    for (int i = 0; i < TICKETS; i++) {
        const struct m_ticket *other = &r->m.tickets[i];
        if (other->place != WAITS || i == ticket) {
            continue;
        }
        assert_false(same_flow(t, other) && other->order < t->order);
        if (other->account == t->account && other->priority == t->priority) {
            waits[other->server] = true;
        }
    }
    for (int i = 0; i < SERVERS; i++) {
        r->m.runs[t->account][t->priority][i][t->server] = 0;
        runs[i] = i != t->server && waits[i] ? runs[i] + 1 : 0;
        assert_true(runs[i] <= server_weights[t->server]);
    }
}

/* Critical calls go before others, but for the others' shares: at each ceiling two of those can
 * be due in a row. */
static inline void m_check_class(struct run *r, int ticket, const bool *could)
{
    const struct m_ticket *t = &r->m.tickets[ticket];
    int lane = r->m.accounts[t->account].lane;
    bool waits = false;

    for (int i = 0; i < TICKETS; i++) {
        const struct m_ticket *other = &r->m.tickets[i];
        waits = waits || (other->place == WAITS && could[other->account] &&
                          other->priority == GOVERNOR_CRITICAL &&
                          r->m.accounts[other->account].lane == lane);
    }
    r->m.overtaken[lane] =
        waits && t->priority != GOVERNOR_CRITICAL ? r->m.overtaken[lane] + 1 : 0;
    assert_true(r->m.overtaken[lane] <= 4);
}

/* A call joins; one that finds nobody of its flow waiting begins a turn, behind the
 * others. */
static inline void m_join(struct model *m, int ticket)
{
    struct m_ticket *t = &m->tickets[ticket];
    bool alone = true;

    for (int i = 0; i < TICKETS; i++) {
        alone =
            alone && !(m->tickets[i].place == WAITS && same_flow(t, &m->tickets[i]));
    }
    for (int i = 0; alone && i < SERVERS; i++) {
        m->runs[t->account][t->priority][i][t->server] = 0;
    }
    t->place = WAITS;
    t->order = ++m->sequence;
}

/* The next call that the governor let through, of those that could go: -1 when none. */
static inline int next_granted(const struct run *r, const bool *could, bool *some)
{
    int first = -1;

    *some = false;
    for (int i = 0; i < TICKETS; i++) {
        const struct m_ticket *t = &r->m.tickets[i];
        if (t->place != WAITS || !could[t->account]) {
            continue;
        }
        *some = true;
        if (r->tickets[i].decision == GOVERNOR_GRANTED &&
            (first < 0 || r->tickets[i].order < r->tickets[first].order)) {
            first = i;
        }
    }
    return first;
}

/*
 * Everybody who can go goes. In which order they go is the governor's to say, within the
 * rules of m_check_turn; a grant that no room explains is not taken over, and so found
 * by compare_decided.
 */
static inline void m_settle(struct run *r)
{
    struct model *m = &r->m;
    struct counts running = count_place(m, RUNS);

    for (;;) {
        bool could[ACCOUNTS], some;
        int ticket;
        for (int i = 0; i < ACCOUNTS; i++) {
            could[i] = could_go(m, &running, i);
        }
        ticket = next_granted(r, could, &some);
        if (!some) {
            return;
        }
        assert_true(ticket >= 0); /* a slot is idle while somebody could go */
        m_check_turn(r, ticket);
        m_check_class(r, ticket, could);
        m_grant(r, ticket);
        m_expect(m, ticket, GOVERNOR_GRANTED);
        add_one(m, &running, m->tickets[ticket].account);
    }
}

static inline bool has_calls(const struct model *m, int account)
{
    for (int i = 0; i < TICKETS; i++) {
        if (m->tickets[i].place != NOWHERE && m->tickets[i].account == account) {
            return true;
        }
    }
    for (int i = 0; i < m->hold_count; i++) {
        if (m->holds[i].account == account) {
            return true;
        }
    }
    return false;
}

static inline bool lane_exists(const struct model *m, int lane)
{
    if (m->lanes[lane].operator_ceiling > 0 ||
        m->lanes[lane].mode != GOVERNOR_RUNNING) {
        return true;
    }
    for (int i = 0; i < ACCOUNTS; i++) {
        if (m->accounts[i].lane == lane && (m->accounts[i].known || has_calls(m, i))) {
            return true;
        }
    }
    return false;
}

/* A lane that nothing needs is forgotten, its throttle and its counts too. */
static inline void m_forget(struct model *m, int lane)
{
    if (!lane_exists(m, lane)) {
        m->lanes[lane] = (struct m_lane){0};
    }
}

static inline void m_leave(struct run *r, int ticket)
{
    struct m_ticket *t = &r->m.tickets[ticket];

    t->place = NOWHERE;
    m_settle(r);
    m_forget(&r->m, r->m.accounts[t->account].lane);
}

static inline int m_first_deadline(const struct model *m)
{
    int first = -1;

    for (int i = 0; i < TICKETS; i++) {
        const struct m_ticket *t = &m->tickets[i];
        if (t->place != WAITS) {
            continue;
        }
        if (first < 0 || t->deadline < m->tickets[first].deadline ||
            (t->deadline == m->tickets[first].deadline &&
             t->order < m->tickets[first].order)) {
            first = i;
        }
    }
    return first;
}

static inline int m_first_lane(const struct model *m)
{
    int first = -1;

    for (int i = 0; i < LANES; i++) {
        int64_t until = m->lanes[i].until;
        if (m->lanes[i].phase == M_WHOLE) {
            continue;
        }
        if (first < 0 || until < m->lanes[first].until ||
            (until == m->lanes[first].until &&
             m->lanes[i].refused_at < m->lanes[first].refused_at)) {
            first = i;
        }
    }
    return first;
}

static inline void m_rise(struct run *r, int lane)
{
    struct m_lane *l = &r->m.lanes[lane];
    int base = lane_base(&r->m, lane);
    bool remembers = l->refused > 0 && r->now < l->forget;
    int top = remembers ? l->refused - 1 : base;

    l->refused = remembers ? l->refused : 0;
    for (int i = base >= 32 ? base / 16 : 1; i > 0 && l->limit < top; i--) {
        l->limit++;
    }
    l->until = r->now + RISE_US;
    if (l->limit == top && l->until < l->forget) {
        l->until = l->forget;
    }
    if (!remembers && l->limit >= base) {
        l->phase = M_WHOLE;
    }
}

/* Pauses end, probes are out long enough, limits rise. */
static inline void m_phase_over(struct run *r, int lane)
{
    struct m_lane *l = &r->m.lanes[lane];

    if (l->phase == M_PAUSED) {
        l->phase = M_PROBING;
        l->until = NEVER;
    } else if (l->phase == M_PROBED) {
        l->phase = M_OPEN;
        l->until = r->now + RISE_US;
    } else {
        m_rise(r, lane);
    }
}

static inline int64_t m_due(const struct model *m)
{
    int lane = m_first_lane(m), ticket = m_first_deadline(m);
    int64_t due = lane >= 0 ? m->lanes[lane].until : NEVER;

    if (m->hold_count > 0 && m->holds[0].until < due) {
        due = m->holds[0].until;
    }
    if (ticket >= 0 && m->tickets[ticket].deadline < due) {
        due = m->tickets[ticket].deadline;
    }
    return due;
}

static inline void m_end_hold(struct run *r)
{
    struct model *m = &r->m;
    int account = m->holds[0].account;

    m->hold_count--;
    memmove(m->holds, m->holds + 1, (size_t)m->hold_count * sizeof(m->holds[0]));
    m_settle(r);
    m_forget(m, m->accounts[account].lane);
}

static inline void m_expire(struct run *r, int ticket)
{
    struct m_ticket *t = &r->m.tickets[ticket];

    t->place = NOWHERE;
    r->m.lanes[r->m.accounts[t->account].lane].expired++;
    m_expect(&r->m, ticket, GOVERNOR_EXPIRED);
}

/* Event after event in the order of time; pause before hold before wait. */
static inline void m_tick(struct run *r)
{
    struct model *m = &r->m;
    int64_t due;

    for (due = m_due(m); due <= r->now && due != NEVER; due = m_due(m)) {
        int lane = m_first_lane(m);
        if (lane >= 0 && m->lanes[lane].until == due) {
            m_phase_over(r, lane);
            m_settle(r);
        } else if (m->hold_count > 0 && m->holds[0].until == due) {
            m_end_hold(r);
        } else {
            m_expire(r, m_first_deadline(m));
        }
    }
}

#endif
