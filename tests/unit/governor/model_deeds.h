/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the model does: grants, lets time pass, and says at each step whether the rules were
 * kept.
 * Owns: nothing.
 * Threads: one.
 * Errors: failed assertions.
 * Start reading at: m_settle.
 */
#ifndef SLUICE_TESTS_UNIT_GOVERNOR_MODEL_DEEDS_H
#define SLUICE_TESTS_UNIT_GOVERNOR_MODEL_DEEDS_H

#include "tests/unit/governor/model_rules.h"

static inline void m_expect(struct model *m, int ticket,
                            enum governor_decision decision)
{
    m->expected[m->expected_count] = (struct expected){ticket, decision};
    m->expected_count++;
    m->tickets[ticket].pending = true;
}

/* No two writes on one document of an account at once. */
static inline void m_grant(struct run *r, int ticket)
{
    struct m_ticket *t = &r->m.tickets[ticket];
    struct m_lane *l = &r->m.lanes[r->m.accounts[t->account].lane];

    for (int i = 0; t->document != 0 && i < TICKETS; i++) {
        const struct m_ticket *other = &r->m.tickets[i];
        assert_false(i != ticket && other->place == RUNS &&
                     other->account == t->account && other->document == t->document);
    }
    t->place = RUNS;
    t->order = ++r->m.sequence;
    t->granted = r->now;
    m_take(&r->m.accounts[t->account].calls, r->now);
    if (t->is_write) {
        m_take(&r->m.accounts[t->account].writes, r->now);
    }
    l->granted++;
    if (l->phase == M_PROBING) {
        l->phase = M_PROBED;
        l->probe = t->order;
        l->until = r->now + l->probe_us;
    }
}

/* First come first served within a server and class; and of two servers of an account
 * that both wait, none sends more than its weight before it is the other's turn. */
static inline void m_check_turn(struct run *r, int ticket, const bool *could)
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
        if (could[i] && other->account == t->account &&
            other->priority == t->priority) {
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
        waits = waits || (other->place == WAITS && could[i] &&
                          other->priority == GOVERNOR_CRITICAL &&
                          r->m.accounts[other->account].lane == lane);
    }
    r->m.overtaken[lane] =
        waits && t->priority != GOVERNOR_CRITICAL ? r->m.overtaken[lane] + 1 : 0;
    assert_true(r->m.overtaken[lane] <= 4);
}

/* The next call that the governor let through, of those that could go: -1 when none. */
static inline int next_granted(const struct run *r, const bool *could, bool *some)
{
    int first = -1;

    *some = false;
    for (int i = 0; i < TICKETS; i++) {
        const struct m_ticket *t = &r->m.tickets[i];
        if (t->place != WAITS || !could[i]) {
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
        const struct m_unused unused = m_unused(m);
        bool could[TICKETS], some;
        int ticket;
        for (int i = 0; i < TICKETS; i++) {
            could[i] = m->tickets[i].place == WAITS &&
                       could_go(m, &running, &unused, &m->tickets[i]);
        }
        ticket = next_granted(r, could, &some);
        if (!some) {
            return;
        }
        assert_true(ticket >= 0); /* a slot is idle while somebody could go */
        m_check_turn(r, ticket, could);
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
    if (m->lanes[lane].operator_ceiling > 0 || m->lanes[lane].reserved[0].slots > 0 ||
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

    m_drop(&r->m, t);
    m_pass(&r->m, t->account);
    m_settle(r);
    m_forget(&r->m, r->m.accounts[t->account].lane);
}

static inline int m_first_deadline(const struct model *m)
{
    int first = -1;

    for (int i = 0; i < TICKETS; i++) {
        const struct m_ticket *t = &m->tickets[i];
        if (t->place != WAITS && t->place != KEPT) {
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
    int64_t wakes[ACCOUNTS];
    int64_t due = lane >= 0 ? m->lanes[lane].until : NEVER;

    m_wakes(m, wakes);
    for (int i = 0; i < ACCOUNTS; i++) {
        due = wakes[i] < due ? wakes[i] : due;
    }
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
    int account = m->holds[0].account, document = m->holds[0].document;

    m->hold_count--;
    memmove(m->holds, m->holds + 1, (size_t)m->hold_count * sizeof(m->holds[0]));
    m_free_document(m, account, document);
    m_pass(m, account);
    m_settle(r);
    m_forget(m, m->accounts[account].lane);
}

static inline void m_expire(struct run *r, int ticket)
{
    struct m_ticket *t = &r->m.tickets[ticket];

    m_drop(&r->m, t);
    r->m.lanes[r->m.accounts[t->account].lane].expired++;
    m_expect(&r->m, ticket, GOVERNOR_EXPIRED);
    m_pass(&r->m, t->account);
    m_settle(r);
}

/* Tokens have come back for all these accounts. */
static inline bool m_wake_up(struct run *r, int64_t due)
{
    int64_t wakes[ACCOUNTS];
    bool some = false;

    m_wakes(&r->m, wakes);
    r->m.at = due;
    for (int i = 0; i < ACCOUNTS; i++) {
        some = some || wakes[i] == due;
        if (wakes[i] == due) {
            m_pass(&r->m, i);
        }
    }
    if (some) {
        m_settle(r);
    }
    return some;
}

/* Event after event in the order of time; token before pause before hold before wait. */
static inline void m_tick(struct run *r)
{
    struct model *m = &r->m;
    int64_t due;

    for (due = m_due(m); due <= r->now && due != NEVER; due = m_due(m)) {
        int lane = m_first_lane(m);
        if (m_wake_up(r, due)) {
            continue;
        }
        if (lane >= 0 && m->lanes[lane].until == due) {
            m_phase_over(r, lane);
            m_settle(r);
        } else if (m->hold_count > 0 && m->holds[0].until == due) {
            m_end_hold(r);
        } else {
            m_expire(r, m_first_deadline(m));
        }
    }
    m->at = r->now;
}

#endif
