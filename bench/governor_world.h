/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: agents, ERPs and time, made up; the governor in between is the real one. A
 * discrete-event simulation: time jumps from event to event, chance comes from a seed, so a run
 * is repeated exactly. Owns: all of a run; it lives until the program ends. Threads: one.
 * Errors: none. Start reading at: sim_run.
 */
#ifndef SLUICE_BENCH_GOVERNOR_WORLD_H
#define SLUICE_BENCH_GOVERNOR_WORLD_H

#include "governor/governor.h"

#define SECOND INT64_C(1000000)
#define BUCKETS 2048 /* of waits: 64 an octave */

enum kind { ASK, ANSWER, REFUSE, LOSE, LEAVE_UPSTREAM, SET_LIMIT, SET_OTHERS, SAMPLE };

struct agent {
    int lane;
    char account[16], server[24];
    int weight;
    bool batch;
    int outstanding;  /* calls it keeps open; 0: it sends at `rate` */
    double rate;      /* calls a second */
    int64_t think_us; /* between an answer and its next call */
    bool obeys;       /* waits as long as it is told before it tries again */
    bool measured;    /* an equal among equals */
    uint64_t served, busy;
    uint32_t *waits; /* BUCKETS */
    uint64_t waited;
};

struct call {
    struct governor_ticket ticket;
    struct agent *agent;
    int64_t asked_us;
    bool is_new; /* of an agent with a rate: freed when it ends */
};

struct upstream {
    int ceiling, limit, running, peak;
    double median_s, sigma, slow_share, slow_median_s, crash_share;
    double knee;     /* with more calls than that at once each takes longer; 0: never */
    int others;      /* times as long, for what others do there; 0: once */
    uint32_t *times; /* BUCKETS: how long answers took, of the measured span */
    uint64_t timed;
    double busy_us; /* slots times time, of the measured span */
    int64_t since_us;
};

struct sim {
    struct governor *governor;
    struct agent *agents;
    struct upstream *lanes;
    int agent_count, lane_count;
    struct event *events; /* a heap */
    size_t event_count, event_room;
    uint64_t order, random, handled;
    int64_t now_us, warm_us, end_us;
    uint64_t refusals;
    const char *name;
};

/* As slow as such ERPs are. */
extern const struct upstream sim_netsuite, sim_sap;

/* Room for so many lanes and agents; figures are of the span from `warm_s` to `end_s`. */
void sim_begin(struct sim *sim, const char *name, uint64_t seed, int lanes, int agents,
               int64_t warm_s, int64_t end_s);
/* A lane of one account: `ceiling` is ours, `limit` the ERP's. */
void sim_add_lane(struct sim *sim, const struct upstream *shape, int ceiling,
                  int limit);
/* To the lane that was added last. */
void sim_add_agent(struct sim *sim, const struct agent *like);
/* Every agent's first calls, within the first second. */
void sim_start(struct sim *sim);
void sim_schedule(struct sim *sim, int64_t at_us, enum kind kind, void *subject,
                  int number);
/* To the end. */
void sim_run(struct sim *sim);

/* One line per figure, tab-separated. */
void sim_show(struct sim *sim);
void sim_show_agent(const struct sim *sim, int at, const char *role);
/* The wait, or the time, that `share` of `count` in BUCKETS do not exceed. */
double sim_percentile_ms(const uint32_t *waits, uint64_t count, double share);

#endif
