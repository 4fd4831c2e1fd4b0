/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what can happen to the governor and to its model (model.h): each step does the same to
 * both and compares what came of it.
 * Owns: nothing.
 * Threads: one.
 * Errors: failed assertions.
 * Start reading at: step_acquire.
 */
#ifndef SLUICE_TESTS_UNIT_GOVERNOR_STEPS_H
#define SLUICE_TESTS_UNIT_GOVERNOR_STEPS_H

#include "tests/unit/governor/model_deeds.h"

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

/* Wherever it waits. */
static inline bool m_waits(const struct m_ticket *t, int account)
{
    return (t->place == WAITS || t->place == KEPT) && t->account == account;
}

static inline void m_count(const struct model *m, int account, int counts[SERVERS])
{
    for (int i = 0; i < TICKETS; i++) {
        if (m_waits(&m->tickets[i], account)) {
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
        if (m_waits(&m->tickets[i], account) &&
            r->tickets[i].decision == GOVERNOR_REFUSED) {
            assert_int_equal(victim, -1);
            victim = i;
        }
    }
    assert_true(victim >= 0);
    assert_int_equal(counts[m->tickets[victim].server], most);
    for (int i = 0; i < TICKETS; i++) {
        const struct m_ticket *t = &m->tickets[i], *v = &m->tickets[victim];
        if (m_waits(t, account) && t->server == v->server) {
            assert_true(t->priority < v->priority ||
                        (t->priority == v->priority && t->order <= v->order));
        }
    }
    m_drop(m, &m->tickets[victim]);
    m->lanes[m->accounts[account].lane].full++;
    m_expect(m, victim, GOVERNOR_REFUSED);
    m_pass(m, account);
    m_settle(r);
    return true;
}

/* It goes at once, where nothing keeps it. */
static inline bool m_goes(struct run *r, int ticket, int account)
{
    const struct counts running = count_place(&r->m, RUNS);
    const struct m_unused unused = m_unused(&r->m);
    struct m_ticket *t = &r->m.tickets[ticket];

    if (m_rule(&r->m, account, t) != GOVERNOR_SLOT ||
        !could_go(&r->m, &running, &unused, t)) {
        return false;
    }
    t->owns = t->document != 0;
    m_grant(r, ticket);
    return true;
}

static inline enum governor_decision m_acquire(struct run *r, int ticket,
                                               const struct m_ticket *asked)
{
    struct model *m = &r->m;
    struct m_account *a = &m->accounts[asked->account];
    struct m_ticket *t = &m->tickets[ticket];
    int counts[SERVERS] = {0};

    if (!a->known) {
        return GOVERNOR_REVOKED;
    }
    *t = *asked;
    if (m_goes(r, ticket, t->account)) {
        return GOVERNOR_GRANTED;
    }
    if (m->lanes[a->lane].mode == GOVERNOR_DRAINING) {
        return GOVERNOR_TURNED_AWAY;
    }
    if (r->tickets[ticket].estimate_us > a->queue_wait) {
        m->lanes[a->lane].late++; /* test_fairness.c says how it is estimated */
        return GOVERNOR_TOO_LATE;
    }
    m_count(m, t->account, counts);
    if (counts[0] + counts[1] + counts[2] >= a->queue_limit &&
        !m_make_room(r, t->account, t->server)) {
        m->lanes[a->lane].full++;
        return GOVERNOR_REFUSED;
    }
    if (m_goes(r, ticket, t->account)) {
        return GOVERNOR_GRANTED;
    }
    m_wait(m, ticket, m_rule(m, t->account, t));
    t->deadline = r->now + a->queue_wait;
    return GOVERNOR_WAITING;
}

static inline void step_acquire(struct run *r)
{
    int ticket = random_ticket(r, NOWHERE), server = pick(r, SERVERS);
    struct m_ticket asked = {.account = pick(r, ACCOUNTS),
                             .server = server,
                             .priority = pick(r, GOVERNOR_PRIORITIES),
                             .is_write = pick(r, 2) == 0};
    enum governor_decision want, got;
    struct governor_call call;
    struct name name;

    if (ticket < 0) {
        return;
    }
    asked.document = asked.is_write ? pick(r, 5) : 0;
    call = (struct governor_call){.account = name_of(&name, "acc", asked.account),
                                  .server = slice_str(server_names[server]),
                                  .weight = server_weights[server],
                                  .priority = (enum governor_priority)asked.priority,
                                  .is_write = asked.is_write,
                                  .document = (uint64_t)asked.document};
    got = governor_acquire(r->governor, &r->tickets[ticket], &call, r->now);
    want = m_acquire(r, ticket, &asked);
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
        r->m.holds[r->m.hold_count] =
            (struct m_hold){t->account, t->owns ? t->document : 0, r->now + HOLD_US};
        r->m.hold_count++;
        t->owns = false; /* the hold has the document now */
    } else if (chance < 92) {
        outcome = GOVERNOR_ANSWERED;
    }
    m_ended(r, t, outcome == GOVERNOR_ANSWERED);
    governor_release(r->governor, &r->tickets[ticket], outcome, 0, r->now);
    m_leave(r, ticket);
}

static inline void step_cancel(struct run *r)
{
    int ticket = random_ticket(r, pick(r, 4) == 0 ? KEPT : WAITS);

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
        if (m_waits(t, account) && (server < 0 || t->server == server)) {
            t->place = NOWHERE;
            m_expect(&r->m, i, decision);
            count++;
        }
    }
    for (int i = 0; i < TICKETS; i++) { /* what they had goes to those who stay */
        if (r->m.tickets[i].place == NOWHERE && r->m.tickets[i].owns) {
            m_drop(&r->m, &r->m.tickets[i]);
        }
    }
    m_pass(&r->m, account);
    return count;
}

static inline struct governor_pace random_pace(struct run *r)
{
    return (struct governor_pace){.per_minute =
                                      pick(r, 2) == 0 ? 0 : 1000 + pick(r, 20000),
                                  .burst = 1 + pick(r, 4)};
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
                                   .on_trial = pick(r, 4) == 0,
                                   .ceiling = 1 + pick(r, 6),
                                   .queue_limit = pick(r, 12),
                                   .queue_wait_us =
                                       pick(r, pick(r, 4) == 0 ? 200000 : 5000000),
                                   .calls = random_pace(r),
                                   .writes = random_pace(r)};

    if (!a->known && !has_calls(&r->m, account)) { /* it was gone: another one begins */
        a->calls = a->writes = (struct m_bucket){0};
    }
    governor_account_set(r->governor, &set, r->now);
    a->known = true;
    a->lane = joined ? shared : SHARED_LANES + account;
    a->tenant = tenant;
    a->usual = joined ? set.ceiling : 1;
    a->ceiling = set.on_trial ? 1 : a->usual;
    a->queue_limit = set.queue_limit;
    a->queue_wait = set.queue_wait_us;
    m_pace(&a->calls, set.calls.per_minute, set.calls.burst, 0, r->now);
    m_pace(&a->writes, set.writes.per_minute, set.writes.burst,
           m_writes_in_line(&r->m, account), r->now);
    if (r->m.lanes[a->lane].mode == GOVERNOR_DRAINING) {
        m_send_off(r, account, -1, GOVERNOR_TURNED_AWAY);
    }
    m_pass(&r->m, account);
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
    m_settle(r);
}

static inline void step_remove(struct run *r)
{
    int account = pick(r, ACCOUNTS);
    struct name name;

    governor_account_remove(r->governor, name_of(&name, "acc", account), r->now);
    m_send_off(r, account, -1, GOVERNOR_REVOKED);
    r->m.accounts[account].known = false;
    m_settle(r); /* with the ceiling what is kept may sink: others can go */
    m_forget(&r->m, r->m.accounts[account].lane);
}

static inline void step_server(struct run *r)
{
    int account = pick(r, ACCOUNTS), server = pick(r, SERVERS);
    struct name name;

    governor_server_revoke(r->governor, name_of(&name, "acc", account),
                           slice_str(server_names[server]), r->now);
    m_send_off(r, account, server, GOVERNOR_REVOKED);
    m_settle(r);
}

static inline void step_tenant(struct run *r)
{
    int tenant = pick(r, TENANTS), ceiling = pick(r, 8);
    struct name name;

    governor_tenant_set(r->governor, name_of(&name, "ten", tenant), ceiling, r->now);
    r->m.tenant_ceiling[tenant] = ceiling;
    m_settle(r);
}

static inline void step_reserve(struct run *r)
{
    int lane = pick(r, SHARED_LANES), count = pick(r, RESERVED + 1);
    struct governor_reservation set[RESERVED];
    struct m_reserved *all = r->m.lanes[lane].reserved;
    struct name name;

    memset(all, 0, sizeof(r->m.lanes[lane].reserved));
    for (int i = 0; i < count; i++) {
        all[i] = (struct m_reserved){.server = i > 0 ? i : -1,
                                     .priority = pick(r, GOVERNOR_PRIORITIES),
                                     .slots = 1 + pick(r, 2)};
        set[i] = (struct governor_reservation){
            .server = i > 0 ? slice_str(server_names[i]) : SLICE_EMPTY,
            .priority = (enum governor_priority)all[i].priority,
            .slots = all[i].slots};
    }
    governor_lane_reserve(r->governor, lane_name(&name, lane), set, (size_t)count,
                          r->now);
    m_settle(r);
    m_forget(&r->m, lane);
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
