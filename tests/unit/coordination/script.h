/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: lease.lua written a second time, from docs/coordination.md, for one lane: what the tests
 * of the lender ask in place of Redis. It grants at random where the script is fair.
 * Owns: nothing.
 * Threads: one.
 * Errors: failed assertions.
 * Start reading at: struct script.
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
    bool no_grace, no_hold, catches_up, counts_any, believes_late, trusts_new,
        no_slack; /* faults that a search has to find */
    int seats;
    struct {
        bool there;
        int64_t till, sequence, at;
        int seat, crew; /* crew: how many of its process there are */
        int64_t process, calm;
    } nodes[IDS];
    struct {
        bool known;
        int left, crew;
        int64_t process, calm;
    } places[IDS]; /* who sat there last */
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

/* No more passes at once; what runs out waits that long more. */
static inline int64_t slack(const struct script *s)
{
    return s->no_slack ? 0 : s->ttl / 2;
}

static inline void script_new_epoch(struct script *s)
{
    s->epochs++;
    s->last_wall = s->wall;
    snprintf(s->epoch, sizeof s->epoch, "epoch:%d", s->epochs);
    s->open = s->now + (s->no_grace ? 0 : s->ttl + s->hold + slack(s));
}

/* Nothing is left but the settings. */
static inline void script_empty(struct script *s)
{
    s->now = 0;
    memset(s->nodes, 0, sizeof s->nodes);
    memset(s->places, 0, sizeof s->places);
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

/* All of one process sit there. */
static inline bool is_taken(const struct script *s, int seat)
{
    for (int id = 0; id < IDS; id++) {
        int sitting = 0;
        for (int other = 0; other < IDS; other++) {
            sitting += s->nodes[other].seat == seat && sits(s, other) &&
                       s->nodes[other].calm <= s->now &&
                       s->nodes[other].process == s->nodes[id].process;
        }
        if (s->nodes[id].seat == seat && sits(s, id) && s->nodes[id].calm <= s->now &&
            (s->counts_any || sitting == s->nodes[id].crew)) {
            return true;
        }
    }
    return false;
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
        bool taken = is_taken(s, seat);
        for (int id = 0; id < IDS; id++) {
            bool is_of = s->nodes[id].there && s->nodes[id].seat == seat;
            lost += is_of && !sits(s, id) ? held(s, id) : 0;
        }
        sum += !taken && share > lost ? share - lost : 0;
    }
    return sum;
}

static inline void answer(struct script *s, struct reply *out, const char *status)
{
    int64_t wait = s->open > s->now ? s->open - s->now : 0;
    *out = (struct reply){.count = 5, .numbers = {0, 0, s->now, wait, s->wall}};
    snprintf(out->texts[0], TEXT, "%s", status);
    snprintf(out->texts[1], TEXT, "%s", s->epoch);
}

static inline void forget_ended(struct script *s)
{
    for (int id = 0; id < IDS; id++) {
        if (s->nodes[id].there &&
            s->nodes[id].till + (s->no_hold ? 0 : s->hold + slack(s)) <= s->now) {
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
    int64_t granted = r->there && r->granted > n[4] ? r->granted : n[4];
    if (!s->nodes[id].there) {
        s->nodes[id].there = true;
        s->nodes[id].till = s->now;
    }
    s->nodes[id].sequence = sequence;
    *r = (struct record){true, (int)n[2], 0, (int)n[1], granted, granted};
    answer(s, out, "entered");
    out->count = 7;
    out->numbers[5] = granted;
    out->numbers[6] = kept;
}

static inline void turn(struct script *s, int id, const int64_t *n, int64_t sequence,
                        struct reply *out, void *ctx)
{
    struct record *r = &s->records[id];
    int64_t granted = r->there && r->granted > n[4] ? r->granted : n[4];
    s->nodes[id].sequence = sequence;
    *r = (struct record){true, (int)n[2], (int)n[3], (int)n[1], n[4], granted};
    grant(s, r->ceiling, ctx, id);
    answer(s, out, "turn");
    out->count = 7;
    out->numbers[5] = r->granted;
    if (held(s, id) == 0 && r->want == 0) {
        *r = (struct record){0};
    }
}

static inline bool is_disputed(const struct script *s, int64_t process, int seat)
{
    for (int id = 0; id < IDS; id++) {
        if (s->nodes[id].process != process && s->seats > 0 && sits(s, id) &&
            s->nodes[id].seat == seat) {
            return true;
        }
    }
    return false;
}

static inline void sit_at(struct script *s, int id, int seat, int64_t process, int crew)
{
    s->nodes[id].seat = seat;
    s->nodes[id].process = process;
    s->nodes[id].crew = crew;
}

/* How many of the process that sat there last have left, or were heard of lately. */
static inline int accounted(const struct script *s, int place)
{
    int count = s->places[place].left;
    for (int id = 0; id < IDS; id++) {
        int64_t silent = s->wall - s->nodes[id].at;
        count += s->nodes[id].there && s->nodes[id].seat == place &&
                 s->nodes[id].process == s->places[place].process && silent >= 0 &&
                 silent < 3 * s->ttl + s->hold;
    }
    return count;
}

static inline void take_place(struct script *s, int id)
{
    int place = s->nodes[id].seat;
    bool is_new =
        !s->places[place].known || s->places[place].process != s->nodes[id].process;
    bool is_sure =
        s->places[place].known && accounted(s, place) >= s->places[place].crew;
    int64_t until = s->now + s->hold + slack(s);
    if (is_new && !is_sure && !s->trusts_new && s->places[place].calm < until) {
        s->places[place].calm = until;
    }
    if (is_new) {
        s->places[place].known = true;
        s->places[place].left = 0;
        s->places[place].process = s->nodes[id].process;
        s->places[place].crew = s->nodes[id].crew;
    }
    s->nodes[id].calm = s->places[place].calm;
}

static inline void leave_place(struct script *s, int id)
{
    int place = s->nodes[id].seat;
    s->places[place].left += s->places[place].process == s->nodes[id].process;
}

/* `words` as the lender wrote them. */
static inline struct reply script_run(struct script *s, char words[][TEXT],
                                      size_t count, void *ctx)
{
    struct reply out = {0};
    char *rest = NULL;
    int id = (int)strtol(words[1], NULL, 16), seat = (int)strtol(words[2], &rest, 10);
    int64_t process = strtoll(rest + 1, &rest, 16);
    int crew = (int)strtol(rest + 1, NULL, 10);
    int64_t sequence = strtoll(words[3], NULL, 10), n[5] = {0};
    if (strcmp(words[4], s->epoch) != 0) {
        answer(s, &out, "epoch");
        return out;
    }
    int64_t sent = strtoll(words[7], NULL, 10);
    int64_t claim = strtoll(words[6], NULL, 10), passed = s->wall - s->last_wall;
    passed = passed < claim - s->now ? passed : claim - s->now;
    passed = !s->no_slack && passed > slack(s) ? slack(s) : passed;
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
               renews && !live                 ? "lapsed"
               : is_disputed(s, process, seat) ? "seat"
                                               : "ok");
        if (strcmp(words[0], "leave") == 0) {
            if (s->nodes[id].there) {
                leave_place(s, id);
            }
            s->nodes[id].there = false;
        } else if (strcmp(out.texts[0], "ok") == 0) {
            s->nodes[id].there = true;
            s->nodes[id].till = s->now + s->ttl;
            s->nodes[id].at = sent < s->wall && !s->believes_late ? sent : s->wall;
            s->nodes[id].sequence = sequence;
            sit_at(s, id, seat, process, crew);
            take_place(s, id);
        }
        return out;
    }
    assert_int_equal(count, 17);
    for (int i = 0; i < 5; i++) {
        n[i] = strtoll(words[11 + i], NULL, 10);
    }
    sit_at(s, id, seat, process, crew);
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
