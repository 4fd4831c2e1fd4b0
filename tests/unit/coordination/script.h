/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease.lua written a second time, from docs/coordination.md, for one lane: what the tests of the
 * lender ask in place of Redis. It grants at random where the script is fair.
 */
#ifndef SLUICE_TESTS_UNIT_COORDINATION_SCRIPT_H
#define SLUICE_TESTS_UNIT_COORDINATION_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>

#include "coordination/lender.h"

#define IDS 64 /* lives of processes in one world */
#define TEXT 64

struct record {
    bool there;
    int keep, want, ceiling;
    int64_t seen, granted;
};

struct script {
    char epoch[TEXT];
    int epochs;
    int64_t now, open;
    int64_t wall, last_wall; /* of Redis's machine; may step */
    int64_t ttl, hold;
    bool no_grace, no_hold, catches_up; /* faults that a search has to find */
    int seats;
    struct {
        bool there;
        int64_t till, sequence, at;
        int seat;
    } nodes[IDS];
    struct record records[IDS];
    uint64_t random;
    void (*tell)(void *ctx, int id, int64_t granted); /* by PUBLISH */
};

struct reply {
    bool is_error;
    char texts[LENDER_ITEMS][TEXT];
    int64_t numbers[LENDER_ITEMS];
    size_t count;
};

static inline uint64_t dice(uint64_t *state, uint64_t sides)
{
    uint64_t value = *state += 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return (value ^ (value >> 31)) % sides;
}

static inline void script_new_epoch(struct script *s)
{
    s->epochs++;
    s->last_wall = s->wall;
    snprintf(s->epoch, sizeof s->epoch, "epoch:%d", s->epochs);
    s->open = s->now + (s->no_grace ? 0 : s->ttl + s->hold);
}

/* Nothing is left but the settings. */
static inline void script_empty(struct script *s)
{
    s->now = 0;
    memset(s->nodes, 0, sizeof s->nodes);
    memset(s->records, 0, sizeof s->records);
    script_new_epoch(s);
}

static inline bool is_live(const struct script *s, int id)
{
    return s->nodes[id].there && s->nodes[id].till > s->now;
}

static inline bool sits(const struct script *s, int id)
{
    return is_live(s, id) && s->wall >= s->nodes[id].at &&
           s->wall < s->nodes[id].at + s->ttl;
}

static inline int64_t held(const struct script *s, int id)
{
    const struct record *r = &s->records[id];
    return r->there ? r->keep + r->granted - r->seen : 0;
}

static inline int64_t committed(const struct script *s, int *ceiling)
{
    int64_t sum = 0;
    for (int id = 0; id < IDS; id++) {
        if (is_live(s, id) && s->records[id].there &&
            s->records[id].ceiling < *ceiling) {
            *ceiling = s->records[id].ceiling;
        }
        sum += held(s, id);
    }
    for (int seat = 1; seat <= s->seats; seat++) {
        int64_t lost = 0, share = *ceiling / s->seats;
        bool taken = false;
        for (int id = 0; id < IDS; id++) {
            bool is_of = s->nodes[id].there && s->nodes[id].seat == seat;
            taken = taken || (is_of && sits(s, id));
            lost += is_of && !sits(s, id) ? held(s, id) : 0;
        }
        sum += !taken && share > lost ? share - lost : 0;
    }
    return sum;
}

static inline void answer(struct script *s, struct reply *out, const char *status)
{
    int64_t wait = s->open > s->now ? s->open - s->now : 0;
    *out = (struct reply){.count = 4, .numbers = {0, 0, s->now, wait}};
    snprintf(out->texts[0], TEXT, "%s", status);
    snprintf(out->texts[1], TEXT, "%s", s->epoch);
}

static inline void forget_ended(struct script *s)
{
    for (int id = 0; id < IDS; id++) {
        if (s->nodes[id].there &&
            s->nodes[id].till + (s->no_hold ? 0 : s->hold) <= s->now) {
            s->nodes[id].there = false;
        }
        if (!s->nodes[id].there) {
            s->records[id] = (struct record){0};
        }
    }
}

static inline void grant(struct script *s, int ceiling, void *ctx, int self)
{
    int64_t sum = committed(s, &ceiling);
    int start = (int)dice(&s->random, IDS);
    for (int n = 0; n < IDS; n++) {
        int id = (start + n) % IDS;
        struct record *r = &s->records[id];
        while (sum < ceiling && s->open <= s->now && is_live(s, id) && r->want > 0) {
            r->granted++;
            r->want--;
            sum++;
            if (id != self) {
                s->tell(ctx, id, r->granted);
            }
        }
    }
}

static inline void enter(struct script *s, int id, const int64_t *n, int64_t sequence,
                         struct reply *out)
{
    struct record *r = &s->records[id];
    int64_t share = s->seats > 0 ? n[1] / s->seats : 0;
    int64_t kept = r->there || s->open > s->now ? n[2] : n[2] < share ? n[2] : share;
    int64_t granted = r->there ? r->granted : n[4];
    if (!s->nodes[id].there) {
        s->nodes[id].there = true;
        s->nodes[id].till = s->now;
    }
    s->nodes[id].sequence = sequence;
    *r = (struct record){true, (int)n[2], 0, (int)n[1], granted, granted};
    answer(s, out, "entered");
    out->count = 6;
    out->numbers[4] = granted;
    out->numbers[5] = kept;
}

static inline void turn(struct script *s, int id, const int64_t *n, int64_t sequence,
                        struct reply *out, void *ctx)
{
    struct record *r = &s->records[id];
    int64_t granted = r->there ? r->granted : n[4];
    s->nodes[id].sequence = sequence;
    *r = (struct record){true, (int)n[2], (int)n[3], (int)n[1], n[4], granted};
    grant(s, r->ceiling, ctx, id);
    answer(s, out, "turn");
    out->count = 6;
    out->numbers[4] = r->granted;
    if (held(s, id) == 0 && r->want == 0) {
        *r = (struct record){0};
    }
}

static inline bool seat_taken(const struct script *s, int self, int seat)
{
    for (int id = 0; id < IDS; id++) {
        if (id != self && s->seats > 0 && sits(s, id) && s->nodes[id].seat == seat) {
            return true;
        }
    }
    return false;
}

/* `words` as the lender wrote them. */
static inline struct reply script_run(struct script *s, char words[][TEXT],
                                      size_t count, void *ctx)
{
    struct reply out = {0};
    int id = (int)strtol(words[1], NULL, 16), seat = (int)strtol(words[2], NULL, 10);
    int64_t sequence = strtoll(words[3], NULL, 10), n[5] = {0};
    if (strcmp(words[4], s->epoch) != 0) {
        answer(s, &out, "epoch");
        return out;
    }
    int64_t claim = strtoll(words[6], NULL, 10), passed = s->wall - s->last_wall;
    passed = passed < claim - s->now ? passed : claim - s->now;
    s->now += is_live(s, id) && passed > 0 ? passed : 0;
    if (s->catches_up && claim > s->now) {
        s->now = claim;
    }
    s->last_wall = s->wall;
    forget_ended(s);
    if (s->nodes[id].there && sequence <= s->nodes[id].sequence) {
        answer(s, &out, "stale");
        return out;
    }
    bool live = is_live(s, id);
    if (strcmp(words[0], "turn") != 0) {
        bool renews = strcmp(words[0], "renew") == 0;
        answer(s, &out,
               renews && !live           ? "lapsed"
               : seat_taken(s, id, seat) ? "seat"
                                         : "ok");
        if (strcmp(words[0], "leave") == 0) {
            s->nodes[id].there = false;
        } else if (strcmp(out.texts[0], "ok") == 0) {
            s->nodes[id].there = true;
            s->nodes[id].till = s->now + s->ttl;
            s->nodes[id].at = s->wall;
            s->nodes[id].sequence = sequence;
            s->nodes[id].seat = seat;
        }
        return out;
    }
    assert_int_equal(count, 16);
    for (int i = 0; i < 5; i++) {
        n[i] = strtoll(words[10 + i], NULL, 10);
    }
    s->nodes[id].seat = seat;
    if (n[0] == 1) {
        enter(s, id, n, sequence, &out);
    } else if (live) {
        turn(s, id, n, sequence, &out, ctx);
    } else {
        answer(s, &out, "lapsed");
    }
    return out;
}

#endif
