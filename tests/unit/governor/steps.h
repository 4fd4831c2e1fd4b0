/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can happen to the governor and to its model (model.h): each step does the same to both
 * and compares what came of it.
 */
#ifndef SLUICE_TESTS_UNIT_GOVERNOR_STEPS_H
#define SLUICE_TESTS_UNIT_GOVERNOR_STEPS_H

#include "tests/unit/governor/model.h"

static inline int random_ticket(struct run *r, enum place place)
{
    int from = pick(r, TICKETS);

    for (int i = 0; i < TICKETS; i++) {
        int at = (from + i) % TICKETS;
        const struct m_ticket *t = &r->m.tickets[at];
        if (t->place == place && (place != NOWHERE || !t->pending)) {
            return at;
        }
    }
    return -1;
}

static inline void m_count(const struct model *m, int account, int counts[SERVERS])
{
    for (int i = 0; i < TICKETS; i++) {
        if (m->tickets[i].place == WAITS && m->tickets[i].account == account) {
            counts[m->tickets[i].server]++;
        }
    }
}

/* In a full queue a server with most calls gives up its last one to a server that then has
 * no more. Which of several such, is the governor's to say. */
static inline bool m_make_room(struct run *r, int account, int server)
{
    struct model *m = &r->m;
    int counts[SERVERS] = {0}, most = 0, victim = -1;

    m_count(m, account, counts);
    for (int i = 0; i < SERVERS; i++) {
        most = counts[i] > most ? counts[i] : most;
    }
    if (most < counts[server] + 2) {
        return false;
    }
    for (int i = 0; i < TICKETS; i++) {
        if (m->tickets[i].place == WAITS && m->tickets[i].account == account &&
            r->tickets[i].decision == GOVERNOR_REFUSED) {
            assert_int_equal(victim, -1);
            victim = i;
        }
    }
    assert_true(victim >= 0);
    assert_int_equal(counts[m->tickets[victim].server], most);
    for (int i = 0; i < TICKETS; i++) {
        const struct m_ticket *t = &m->tickets[i], *v = &m->tickets[victim];
        if (t->place == WAITS && t->account == account && t->server == v->server) {
            assert_true(t->priority < v->priority ||
                        (t->priority == v->priority && t->order <= v->order));
        }
    }
    m->tickets[victim].place = NOWHERE;
    m->lanes[m->accounts[account].lane].full++;
    m_expect(m, victim, GOVERNOR_REFUSED);
    return true;
}

static inline enum governor_decision m_acquire(struct run *r, int ticket, int account,
                                               int server, int priority)
{
    struct model *m = &r->m;
    struct m_account *a = &m->accounts[account];
    struct counts running = count_place(m, RUNS), waiting = count_place(m, WAITS);
    struct m_ticket *t = &m->tickets[ticket];

    if (!a->known) {
        return GOVERNOR_REVOKED;
    }
    *t = (struct m_ticket){
        .place = NOWHERE, .account = account, .server = server, .priority = priority};
    if (could_go(m, &running, account)) {
        m_grant(r, ticket);
        return GOVERNOR_GRANTED;
    }
    if (m->lanes[a->lane].mode == GOVERNOR_DRAINING) {
        return GOVERNOR_TURNED_AWAY;
    }
    if (r->tickets[ticket].estimate_us > a->queue_wait) {
        m->lanes[a->lane].late++; /* test_fairness.c says how it is estimated */
        return GOVERNOR_TOO_LATE;
    }
    if (waiting.account[account] >= a->queue_limit &&
        !m_make_room(r, account, server)) {
        m->lanes[a->lane].full++;
        return GOVERNOR_REFUSED;
    }
    m_join(m, ticket);
    t->deadline = r->now + a->queue_wait;
    return GOVERNOR_WAITING;
}

static inline void step_acquire(struct run *r)
{
    int ticket = random_ticket(r, NOWHERE), account = pick(r, ACCOUNTS);
    int server = pick(r, SERVERS), priority = pick(r, GOVERNOR_PRIORITIES);
    enum governor_decision want, got;
    struct governor_call call;
    struct name name;

    if (ticket < 0) {
        return;
    }
    call = (struct governor_call){
        name_of(&name, "acc", account), slice_str(server_names[server]),
        server_weights[server], (enum governor_priority)priority};
    got = governor_acquire(r->governor, &r->tickets[ticket], &call, r->now);
    want = m_acquire(r, ticket, account, server, priority);
    assert_int_equal(got, want);
    assert_int_equal(r->tickets[ticket].seat != NULL,
                     want == GOVERNOR_GRANTED || want == GOVERNOR_WAITING);
}

/* The microsecond at which a lane's pause ends, through the public view alone. */
static inline int64_t pause_end(struct run *r, int lane)
{
    int64_t before = r->now - 1, at = r->now + 20 * INT64_C(1000000);
    struct governor_lane_view view;
    struct name name;
    struct slice id = lane_name(&name, lane);

    while (at - before > 1) {
        int64_t middle = before + (at - before) / 2;
        assert_true(governor_lane(r->governor, id, SLICE_EMPTY, middle, &view));
        if (view.paused_ms > 0) {
            before = middle;
        } else {
            at = middle;
        }
    }
    return at;
}

/* What the model knows of a pause: its bounds. The length in between is the governor's.
 */
struct bounds {
    int64_t low, high;
};

static inline void m_lower(struct run *r, struct m_lane *l, int level, bool is_new)
{
    if (is_new) {
        l->refusals++;
        l->refused_at = ++r->m.sequence;
        l->limit = (l->limit < level ? l->limit : level) / 2;
        l->refused = level > 1 ? level : l->refused;
    } else if (level > 1 && (level < l->refused || l->refused == 0)) {
        l->refused = level;
    }
    l->limit = l->refused > 0 && l->limit >= l->refused ? l->refused - 1 : l->limit;
    l->limit = l->limit < 1 ? 1 : l->limit;
    l->forget = r->now + FORGET_US;
}

static inline struct bounds m_refused(struct run *r, int lane, const struct m_ticket *t,
                                      int64_t retry_us)
{
    struct m_lane *l = &r->m.lanes[lane];
    const struct counts running = count_place(&r->m, RUNS);
    struct bounds b = {0, 0};
    bool is_new;

    if (l->phase == M_WHOLE) {
        l->limit = lane_base(&r->m, lane);
        l->refused = l->refusals = 0;
        l->refused_at = 0;
    }
    is_new = t->order > l->refused_at;
    l->probe_us = r->now - t->granted;
    l->probe_us = l->probe_us < PROBE_US ? PROBE_US : l->probe_us;
    l->probe_us = l->probe_us > 60 * PROBE_US ? 60 * PROBE_US : l->probe_us;
    m_lower(r, l, running.lane[lane], is_new); /* itself included */
    if (is_new || l->phase != M_PAUSED) {
        int64_t d = BASE_US;
        for (int i = 1; i < l->refusals && d < MOST_US; i++) {
            d *= 2;
        }
        b = (struct bounds){1, d < MOST_US ? d : MOST_US};
    }
    b.low = r->now + (retry_us > b.low ? retry_us : b.low);
    b.high = r->now + (retry_us > b.high ? retry_us : b.high);
    if (l->phase == M_PAUSED) {
        b.low = l->until > b.low ? l->until : b.low;
        b.high = l->until > b.high ? l->until : b.high;
    }
    l->phase = M_PAUSED;
    l->refused_by_upstream++;
    return b;
}

static inline void release_refused(struct run *r, int ticket)
{
    struct m_ticket *t = &r->m.tickets[ticket];
    int64_t retry_us = pick(r, 2) == 0 ? 0 : pick(r, 500000);
    int lane = r->m.accounts[t->account].lane;
    struct bounds b;

    governor_release(r->governor, &r->tickets[ticket], GOVERNOR_RATE_LIMITED, retry_us,
                     r->now);
    b = m_refused(r, lane, t, retry_us);
    r->m.lanes[lane].until = b.high;
    t->place = NOWHERE;
    if (lane_exists(&r->m, lane)) {
        r->m.lanes[lane].until = pause_end(r, lane);
        assert_true(r->m.lanes[lane].until >= b.low);
        assert_true(r->m.lanes[lane].until <= b.high);
        r->pauses++;
    }
    m_leave(r, ticket);
}

/* A running call ended otherwise: answered, or nothing is known of it. */
static inline void m_ended(struct run *r, const struct m_ticket *t, bool answered)
{
    struct m_lane *l = &r->m.lanes[r->m.accounts[t->account].lane];

    if (l->phase == M_WHOLE || t->order <= l->refused_at) {
        return;
    }
    l->refusals = answered ? 0 : l->refusals;
    if (l->phase == M_PROBED && l->probe == t->order) {
        l->phase = answered ? M_OPEN : M_PROBING;
        l->until = answered ? r->now + RISE_US : NEVER;
    }
}

/* Takes a ticket that was released or cancelled before it was fetched off the expected.
 */
static inline void m_unexpect(struct model *m, int ticket)
{
    int kept = 0;

    m->tickets[ticket].pending = false;
    for (int i = 0; i < m->expected_count; i++) {
        if (m->expected[i].ticket != ticket) {
            m->expected[kept] = m->expected[i];
            kept++;
        }
    }
    m->expected_count = kept;
}

static inline void step_release(struct run *r)
{
    int ticket = random_ticket(r, RUNS), chance = pick(r, 100);
    struct m_ticket *t = &r->m.tickets[ticket < 0 ? 0 : ticket];
    enum governor_outcome outcome = GOVERNOR_UNUSED;

    if (ticket < 0) {
        return;
    }
    m_unexpect(&r->m, ticket);
    if (chance < 3) {
        release_refused(r, ticket);
        return;
    }
    if (chance < 14) {
        outcome = GOVERNOR_LOST;
        assert_true(r->m.hold_count < HOLDS);
        r->m.holds[r->m.hold_count] = (struct m_hold){t->account, r->now + HOLD_US};
        r->m.hold_count++;
    } else if (chance < 92) {
        outcome = GOVERNOR_ANSWERED;
    }
    m_ended(r, t, outcome == GOVERNOR_ANSWERED);
    governor_release(r->governor, &r->tickets[ticket], outcome, 0, r->now);
    m_leave(r, ticket);
}

static inline void step_cancel(struct run *r)
{
    int ticket = random_ticket(r, WAITS);

    if (pick(r, 3) == 0 && r->m.expected_count > 0) {
        ticket = r->m.expected[pick(r, r->m.expected_count)].ticket;
    }
    if (ticket < 0) {
        return;
    }
    governor_cancel(r->governor, &r->tickets[ticket], r->now);
    m_unexpect(&r->m, ticket);
    if (r->m.tickets[ticket].place == RUNS) {
        m_ended(r, &r->m.tickets[ticket], false);
    }
    m_leave(r, ticket);
}

/* All waiting calls of the account, or of one of its servers, are sent off. */
static inline int m_send_off(struct run *r, int account, int server,
                             enum governor_decision decision)
{
    int count = 0;

    for (int i = 0; i < TICKETS; i++) {
        struct m_ticket *t = &r->m.tickets[i];
        if (t->place == WAITS && t->account == account &&
            (server < 0 || t->server == server)) {
            t->place = NOWHERE;
            m_expect(&r->m, i, decision);
            count++;
        }
    }
    return count;
}

static inline void step_account(struct run *r)
{
    int account = pick(r, ACCOUNTS);
    struct m_account *a = &r->m.accounts[account];
    int old_lane = a->lane;
    bool joined = pick(r, 5) > 0;
    int shared = pick(r, 3) == 0 ? pick(r, SHARED_LANES) : account % SHARED_LANES;
    int tenant = pick(r, 5) == 0 ? pick(r, TENANTS) : account % TENANTS;
    struct name id, tenant_id, lane_id;
    struct governor_account set = {.id = name_of(&id, "acc", account),
                                   .tenant = name_of(&tenant_id, "ten", tenant),
                                   .lane = name_of(&lane_id, "lane", shared),
                                   .joined = joined,
                                   .ceiling = 1 + pick(r, 6),
                                   .queue_limit = pick(r, 12),
                                   .queue_wait_us =
                                       pick(r, pick(r, 4) == 0 ? 200000 : 5000000)};

    governor_account_set(r->governor, &set, r->now);
    a->known = true;
    a->lane = joined ? shared : SHARED_LANES + account;
    a->tenant = tenant;
    a->ceiling = joined ? set.ceiling : 1;
    a->queue_limit = set.queue_limit;
    a->queue_wait = set.queue_wait_us;
    if (r->m.lanes[a->lane].mode == GOVERNOR_DRAINING) {
        m_send_off(r, account, -1, GOVERNOR_TURNED_AWAY);
    }
    m_settle(r);
    m_forget(&r->m, old_lane);
}

static inline int m_kick(struct run *r, int lane, int server)
{
    int count = 0;

    for (int i = 0; i < ACCOUNTS; i++) {
        if (r->m.accounts[i].lane == lane) {
            count += m_send_off(r, i, server, GOVERNOR_TURNED_AWAY);
        }
    }
    return count;
}

static inline void step_mode(struct run *r)
{
    int lane = pick(r, LANES);
    enum governor_lane_mode mode = (enum governor_lane_mode)(pick(r, 6) % 5 % 3);
    struct name name;

    governor_lane_mode_set(r->governor, lane_name(&name, lane), mode, r->now);
    r->m.lanes[lane].mode = mode;
    if (mode == GOVERNOR_DRAINING) {
        m_kick(r, lane, -1);
    }
    m_settle(r);
    m_forget(&r->m, lane);
}

static inline void step_kick(struct run *r)
{
    int lane = pick(r, LANES), server = pick(r, SERVERS + 1) - 1, kicked;
    struct name name;

    kicked = governor_lane_kick(
        r->governor, lane_name(&name, lane),
        server < 0 ? SLICE_EMPTY : slice_str(server_names[server]), r->now);
    assert_int_equal(kicked, m_kick(r, lane, server));
}

static inline void step_remove(struct run *r)
{
    int account = pick(r, ACCOUNTS);
    struct name name;

    governor_account_remove(r->governor, name_of(&name, "acc", account), r->now);
    m_send_off(r, account, -1, GOVERNOR_REVOKED);
    r->m.accounts[account].known = false;
    m_forget(&r->m, r->m.accounts[account].lane);
}

static inline void step_server(struct run *r)
{
    int account = pick(r, ACCOUNTS), server = pick(r, SERVERS);
    struct name name;

    governor_server_revoke(r->governor, name_of(&name, "acc", account),
                           slice_str(server_names[server]), r->now);
    m_send_off(r, account, server, GOVERNOR_REVOKED);
}

static inline void step_tenant(struct run *r)
{
    int tenant = pick(r, TENANTS), ceiling = pick(r, 8);
    struct name name;

    governor_tenant_set(r->governor, name_of(&name, "ten", tenant), ceiling, r->now);
    r->m.tenant_ceiling[tenant] = ceiling;
    m_settle(r);
}

static inline void step_lane(struct run *r)
{
    int lane = pick(r, LANES), ceiling = pick(r, 2) == 0 ? 0 : pick(r, 10);
    struct name name;

    governor_lane_set(r->governor, lane_name(&name, lane), ceiling, r->now);
    r->m.lanes[lane].operator_ceiling = ceiling;
    m_settle(r);
    m_forget(&r->m, lane);
}

#endif
