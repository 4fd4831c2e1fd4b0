/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the model's buckets and documents: what a write waits for beside a slot.
 * Owns: nothing.
 * Threads: one.
 * Errors: failed assertions.
 * Start reading at: m_rule.
 */
#ifndef SLUICE_TESTS_UNIT_GOVERNOR_MODEL_RULES_H
#define SLUICE_TESTS_UNIT_GOVERNOR_MODEL_RULES_H

#include "tests/unit/governor/model.h"

/* ---- Buckets ---- */

static inline int64_t m_tokens(const struct m_bucket *b, int64_t at)
{
    int64_t tokens = 0;

    while (b->interval > 0 && tokens < b->burst && m_token_wait(b, tokens, at) == 0) {
        tokens++;
    }
    return b->interval > 0 ? tokens : INT64_MAX;
}

/* A call goes at `now`: the level must bear it. */
static inline void m_take(struct m_bucket *b, int64_t now)
{
    if (b->interval == 0) {
        return;
    }
    b->full = (b->full > now ? b->full : now) + b->interval;
    b->level += now - b->stamp;
    b->level = b->level < b->burst * b->interval ? b->level : b->burst * b->interval;
    b->level -= b->interval;
    b->stamp = now;
    assert_true(b->level >= -b->owed * b->interval);
}

/* What is missing stays missing, as far as the new burst goes. `spoken`: calls that were let into
 * the line and take their token yet. */
static inline void m_pace(struct m_bucket *b, int per_minute, int burst, int spoken,
                          int64_t now)
{
    int64_t interval = per_minute > 0 ? (60000000 + per_minute - 1) / per_minute : 0;
    int64_t missing = b->interval > 0 ? b->burst - m_tokens(b, now) : 0;

    if (interval == b->interval && burst == b->burst) {
        return;
    }
    missing = missing < burst ? missing : burst;
    *b = (struct m_bucket){.interval = interval,
                           .burst = burst,
                           .full = now + missing * interval,
                           .level = (burst - missing) * interval,
                           .stamp = now};
    b->owed = spoken > burst - missing ? spoken - (burst - missing) : 0;
}

/* ---- Documents ---- */

static inline bool m_claimed(const struct model *m, int account, int document)
{
    for (int i = 0; i < TICKETS; i++) {
        const struct m_ticket *t = &m->tickets[i];
        if (t->place != NOWHERE && t->account == account && t->owns &&
            t->document == document) {
            return true;
        }
    }
    for (int i = 0; i < m->hold_count; i++) {
        if (m->holds[i].account == account && m->holds[i].document == document) {
            return true;
        }
    }
    return false;
}

/* Whoever came first of those that wait for it has it now. */
static inline void m_free_document(struct model *m, int account, int document)
{
    struct m_ticket *first = NULL;

    for (int i = 0; document != 0 && i < TICKETS; i++) {
        struct m_ticket *t = &m->tickets[i];
        if (t->place == KEPT && t->account == account && !t->owns &&
            t->document == document && (first == NULL || t->order < first->order)) {
            first = t;
        }
    }
    if (first != NULL) {
        first->owns = true;
    }
}

/* The ticket is over, and with it its turn at the document. */
static inline void m_drop(struct model *m, struct m_ticket *t)
{
    t->place = NOWHERE;
    if (t->owns) {
        t->owns = false;
        m_free_document(m, t->account, t->document);
    }
}

/* ---- Who is let into the line ---- */

static inline int m_writes_in_line(const struct model *m, int account)
{
    int count = 0;

    for (int i = 0; i < TICKETS; i++) {
        const struct m_ticket *t = &m->tickets[i];
        count += t->place == WAITS && t->is_write && t->account == account;
    }
    return count;
}

static inline bool m_is_ready(const struct m_ticket *t, int account)
{
    return t->place == KEPT && t->account == account && (t->document == 0 || t->owns);
}

/* What a new call waits for; GOVERNOR_SLOT: nothing else. */
static inline enum governor_rule m_rule(const struct model *m, int account,
                                        const struct m_ticket *t)
{
    const struct m_bucket *writes = &m->accounts[account].writes;

    if (t->is_write && t->document != 0 && m_claimed(m, account, t->document)) {
        return GOVERNOR_DOCUMENT;
    }
    return t->is_write && m_token_wait(writes, m_writes_in_line(m, account), m->at) > 0
               ? GOVERNOR_WRITE_RATE
               : GOVERNOR_SLOT;
}

/* Critical, then interactive, then batch; but each of the last two that has a whole turn of its
 * share (a quarter, a tenth) together goes, the last one first. */
static inline int m_next_class(struct m_account *a,
                               const bool waits[GOVERNOR_PRIORITIES])
{
    static const int shares[GOVERNOR_PRIORITIES] = {0, 25, 10};
    int next = -1;

    for (int i = GOVERNOR_PRIORITIES - 1; i >= 0 && next < 0; i--) {
        next = waits[i] && a->credit[i] + shares[i] >= 100 ? i : -1;
    }
    for (int i = 0; i < GOVERNOR_PRIORITIES && next < 0; i++) {
        next = waits[i] ? i : -1;
    }
    for (int i = 0; next >= 0 && i < GOVERNOR_PRIORITIES; i++) {
        a->credit[i] += waits[i] ? shares[i] : 0;
    }
    if (next >= 0) {
        a->credit[next] = a->credit[next] > 100 ? a->credit[next] - 100 : 0;
    }
    return next;
}

static inline int m_next_ready(struct model *m, int account)
{
    bool waits[GOVERNOR_PRIORITIES] = {false};
    int class, first = -1;

    for (int i = 0; i < TICKETS; i++) {
        if (m_is_ready(&m->tickets[i], account)) {
            waits[m->tickets[i].priority] = true;
        }
    }
    class = m_next_class(&m->accounts[account], waits);
    for (int i = 0; i < TICKETS; i++) {
        const struct m_ticket *t = &m->tickets[i];
        if (m_is_ready(t, account) && t->priority == class &&
            (first < 0 || t->order < m->tickets[first].order)) {
            first = i;
        }
    }
    return first;
}

static inline bool same_flow(const struct m_ticket *a, const struct m_ticket *b)
{
    return a->account == b->account && a->server == b->server &&
           a->priority == b->priority;
}

/* Gets into the line for a slot; one that finds nobody of its flow there begins a turn, behind
 * the others. */
static inline void m_line_up(struct model *m, int ticket)
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
}

static inline void m_pass(struct model *m, int account)
{
    const struct m_bucket *writes = &m->accounts[account].writes;

    while (m_token_wait(writes, m_writes_in_line(m, account), m->at) == 0) {
        int ticket = m_next_ready(m, account);
        if (ticket < 0) {
            return;
        }
        m_line_up(m, ticket);
    }
}

/* A call begins to wait. */
static inline void m_wait(struct model *m, int ticket, enum governor_rule rule)
{
    struct m_ticket *t = &m->tickets[ticket];
    bool alone = true;

    for (int i = 0; i < TICKETS; i++) {
        const struct m_ticket *other = &m->tickets[i];
        alone = alone && !((other->place == WAITS || other->place == KEPT) &&
                           other->account == t->account);
    }
    if (alone) { /* what classes have gathered is forgotten when nobody waits */
        memset(m->accounts[t->account].credit, 0, sizeof(m->accounts[0].credit));
    }
    t->order = ++m->sequence;
    t->owns = t->document != 0 && rule != GOVERNOR_DOCUMENT;
    if (rule == GOVERNOR_SLOT) {
        m_line_up(m, ticket);
    } else {
        t->place = KEPT;
    }
}

/* By account: when its next token lets somebody go who waits for one. */
static inline void m_wakes(const struct model *m, int64_t wakes[ACCOUNTS])
{
    int writes[ACCOUNTS] = {0}; /* in line */
    bool waits[ACCOUNTS] = {false}, ready[ACCOUNTS] = {false};

    for (int i = 0; i < TICKETS; i++) {
        const struct m_ticket *t = &m->tickets[i];
        if (t->place == WAITS) {
            waits[t->account] = true;
            writes[t->account] += t->is_write;
        }
        if (m_is_ready(t, t->account)) {
            ready[t->account] = true;
        }
    }
    for (int i = 0; i < ACCOUNTS; i++) {
        const struct m_account *a = &m->accounts[i];
        int64_t calls = m_token_wait(&a->calls, 0, m->at);
        wakes[i] = waits[i] && calls > 0 ? m->at + calls : NEVER;
        if (ready[i] && writes[i] < a->writes.burst) {
            int64_t token = m->at + m_token_wait(&a->writes, writes[i], m->at);
            wakes[i] = token < wakes[i] ? token : wakes[i];
        }
    }
}

#endif
