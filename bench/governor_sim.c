/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents, ERPs and time, made up; the governor in between is the real one. A discrete-event
 * simulation: time jumps from event to event, chance comes from a seed, so a run is repeated
 * exactly. Prints one line per figure, tab-separated; bench/governor-sim makes tables and
 * plots of them.
 *
 *     governor-sim SEED equals|weights|batch|share|limit|slowing|thousands [small]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "governor/governor.h"

#define SECOND INT64_C(1000000)
#define REFUSAL_US 60000 /* an ERP refuses at once: a round trip */
#define BUCKETS 2048     /* of waits: 64 an octave */
#define SERIES_US 250000

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
    uint64_t served, refused_by_erp, busy;
    uint32_t *waits; /* BUCKETS */
    uint64_t waited;
};

struct call {
    struct governor_ticket ticket;
    struct agent *agent;
    int64_t asked_us, sent_us;
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

struct event {
    int64_t at_us;
    uint64_t order;
    enum kind kind;
    void *subject;
    int number;
};

struct sim {
    struct governor *governor;
    struct agent *agents;
    struct upstream *lanes;
    int agent_count, lane_count;
    struct event *events;
    size_t event_count, event_room;
    uint64_t order, random, handled;
    int64_t now_us, warm_us, end_us;
    uint64_t refusals;
    int64_t last_refusal_us;
    const char *name;
};

/* ---- Chance and time ---- */

static double chance(struct sim *sim)
{
    sim->random ^= sim->random << 13;
    sim->random ^= sim->random >> 7;
    sim->random ^= sim->random << 17;
    return (double)(sim->random >> 11) * 0x1p-53;
}

static double normal(struct sim *sim)
{
    double one = chance(sim) + 1e-300;
    return sqrt(-2 * log(one)) * cos(6.283185307179586 * chance(sim));
}

/* Lognormal, with a share of slow ones: reports and searches among reads. */
static int64_t latency_us(struct sim *sim, const struct upstream *lane)
{
    bool slow = chance(sim) < lane->slow_share;
    double median = slow ? lane->slow_median_s : lane->median_s;
    double seconds = median * exp(lane->sigma * normal(sim));
    if (lane->knee > 0 && lane->running > lane->knee) {
        seconds *= pow(lane->running / lane->knee, 1.5); /* memory, locks, swaps */
    }
    seconds *= lane->others > 0 ? lane->others : 1;
    return 1000 + (int64_t)(1e6 * (seconds < 25 ? seconds : 25));
}

static bool earlier(const struct event *a, const struct event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void schedule(struct sim *sim, int64_t at_us, enum kind kind, void *subject,
                     int number)
{
    struct event event = {at_us, ++sim->order, kind, subject, number};
    if (sim->event_count == sim->event_room) {
        sim->event_room = sim->event_room > 0 ? 2 * sim->event_room : 1024;
        sim->events = realloc(sim->events, sim->event_room * sizeof *sim->events);
    }
    size_t at = sim->event_count++;
    while (at > 0 && earlier(&event, &sim->events[(at - 1) / 2])) {
        sim->events[at] = sim->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    sim->events[at] = event;
}

static struct event next_event(struct sim *sim)
{
    struct event first = sim->events[0], last = sim->events[--sim->event_count];
    size_t at = 0;
    for (size_t child = 1; child < sim->event_count; child = 2 * at + 1) {
        if (child + 1 < sim->event_count &&
            earlier(&sim->events[child + 1], &sim->events[child])) {
            child++;
        }
        if (!earlier(&sim->events[child], &last)) {
            break;
        }
        sim->events[at] = sim->events[child];
        at = child;
    }
    sim->events[at] = last;
    return first;
}

/* ---- Figures ---- */

static int bucket_of(int64_t us)
{
    int bucket = us < 1 ? 0 : (int)(64 * log2((double)us));
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static double percentile_ms(const uint32_t *waits, uint64_t count, double share)
{
    uint64_t seen = 0;
    for (int i = 0; i < BUCKETS; i++) {
        seen += waits[i];
        if ((double)seen >= share * (double)count) {
            return exp2((double)i / 64) / 1000;
        }
    }
    return 0;
}

static void occupy(struct sim *sim, struct upstream *lane, int change)
{
    int64_t from = lane->since_us > sim->warm_us ? lane->since_us : sim->warm_us;
    if (sim->now_us > from) {
        lane->busy_us += (double)(sim->now_us - from) * lane->running;
    }
    lane->since_us = sim->now_us;
    lane->running += change;
    lane->peak = lane->running > lane->peak ? lane->running : lane->peak;
}

/* ---- The story of a call ---- */

static void again(struct sim *sim, struct call *call, int64_t after_us)
{
    if (call->is_new) {
        free(call);
    } else {
        schedule(sim, sim->now_us + after_us, ASK, call, 0);
    }
}

static void send(struct sim *sim, struct call *call)
{
    struct agent *agent = call->agent;
    struct upstream *lane = &sim->lanes[agent->lane];
    if (sim->now_us >= sim->warm_us) {
        agent->waits[bucket_of(sim->now_us - call->asked_us)]++;
        agent->waited++;
    }
    if (lane->running >= lane->limit) {
        schedule(sim, sim->now_us + REFUSAL_US, REFUSE, call, 0);
        return;
    }
    occupy(sim, lane, 1);
    int64_t takes = latency_us(sim, lane);
    if (chance(sim) < lane->crash_share) {
        schedule(sim, sim->now_us + takes / 2, LOSE, call, 0);
        schedule(sim, sim->now_us + takes, LEAVE_UPSTREAM, lane, 0);
    } else {
        schedule(sim, sim->now_us + takes, ANSWER, call, 0);
    }
}

static void turned_down(struct sim *sim, struct call *call)
{
    struct agent *agent = call->agent;
    int64_t told =
        call->ticket.estimate_us > SECOND ? call->ticket.estimate_us : SECOND;
    agent->busy++;
    again(sim, call, agent->obeys ? told : 200000); /* the greedy try again soon */
}

static void settle(struct sim *sim)
{
    for (struct governor_ticket *ticket = governor_next(sim->governor); ticket != NULL;
         ticket = governor_next(sim->governor)) {
        struct call *call = ticket->owner;
        if (ticket->decision == GOVERNOR_GRANTED) {
            send(sim, call);
        } else {
            turned_down(sim, call);
        }
    }
}

static void ask(struct sim *sim, struct call *call)
{
    struct agent *agent = call->agent;
    const struct governor_call who = {.account = slice_str(agent->account),
                                      .server = slice_str(agent->server),
                                      .weight = agent->weight,
                                      .priority = agent->batch ? GOVERNOR_BATCH
                                                               : GOVERNOR_INTERACTIVE};
    call->asked_us = sim->now_us;
    call->ticket.owner = call;
    call->ticket.kind = 1;
    enum governor_decision decision =
        governor_acquire(sim->governor, &call->ticket, &who, sim->now_us);
    if (decision == GOVERNOR_GRANTED) {
        send(sim, call);
    } else if (decision != GOVERNOR_WAITING) {
        turned_down(sim, call);
    }
}

static void finish(struct sim *sim, struct call *call, enum governor_outcome outcome)
{
    governor_release(sim->governor, &call->ticket, outcome, 0, sim->now_us);
    again(sim, call,
          outcome == GOVERNOR_RATE_LIMITED && call->agent->obeys
              ? SECOND
              : call->agent->think_us);
}

static void arrive(struct sim *sim, struct agent *agent)
{
    struct call *call = calloc(1, sizeof *call);
    call->agent = agent;
    call->is_new = true;
    ask(sim, call);
    schedule(sim,
             sim->now_us + 1 +
                 (int64_t)(-1e6 * log(chance(sim) + 1e-300) / agent->rate),
             ASK, agent, 1);
}

static void show_sample(struct sim *sim)
{
    struct governor_lane_view view;
    if (governor_lane(sim->governor, SLICE("lane0"), SLICE_EMPTY, sim->now_us, &view)) {
        printf("series\t%s\t%.2f\t%d\t%d\t%d\t%llu\n", sim->name,
               (double)sim->now_us / 1e6, view.effective, sim->lanes[0].running,
               sim->lanes[0].limit, (unsigned long long)sim->refusals);
    }
    schedule(sim, sim->now_us + SERIES_US, SAMPLE, NULL, 0);
}

static void note_time(const struct sim *sim, struct upstream *lane,
                      const struct call *call)
{
    if (lane->times != NULL && sim->now_us >= sim->warm_us) {
        lane->times[bucket_of(sim->now_us - call->ticket.granted_us)]++;
        lane->timed++;
    }
}

static void handle(struct sim *sim, const struct event *event)
{
    struct call *call = event->subject;
    switch (event->kind) {
    case ASK:
        if (event->number == 1) {
            arrive(sim, event->subject);
        } else {
            ask(sim, call);
        }
        break;
    case ANSWER:
        occupy(sim, &sim->lanes[call->agent->lane], -1);
        note_time(sim, &sim->lanes[call->agent->lane], call);
        call->agent->served += sim->now_us >= sim->warm_us ? 1 : 0;
        finish(sim, call, GOVERNOR_ANSWERED);
        break;
    case REFUSE:
        call->agent->refused_by_erp++;
        sim->refusals++;
        sim->last_refusal_us = sim->now_us;
        finish(sim, call, GOVERNOR_RATE_LIMITED);
        break;
    case LOSE:
        finish(sim, call, GOVERNOR_LOST);
        break;
    case LEAVE_UPSTREAM:
        occupy(sim, event->subject, -1);
        break;
    case SET_LIMIT:
        sim->lanes[0].limit = event->number;
        break;
    case SET_OTHERS:
        sim->lanes[0].others = event->number;
        break;
    case SAMPLE:
        show_sample(sim);
        break;
    }
    settle(sim);
}

static void run(struct sim *sim)
{
    while (sim->event_count > 0) {
        int64_t due = governor_due_us(sim->governor);
        if (due <= sim->events[0].at_us && due != INT64_MAX) {
            sim->now_us = due > sim->now_us ? due : sim->now_us;
            governor_tick(sim->governor, sim->now_us);
            settle(sim);
            continue;
        }
        struct event event = next_event(sim);
        if (event.at_us > sim->end_us) {
            break;
        }
        sim->now_us = event.at_us;
        handle(sim, &event);
        sim->handled++;
    }
    sim->now_us = sim->end_us;
    for (int i = 0; i < sim->lane_count; i++) {
        occupy(sim, &sim->lanes[i], 0);
    }
}

/* ---- Making and showing a world ---- */

static const struct upstream netsuite = {
    .median_s = 0.45, .sigma = 0.6, .slow_share = 0.03, .slow_median_s = 5};
static const struct upstream sap = {
    .median_s = 0.18, .sigma = 0.7, .slow_share = 0.01, .slow_median_s = 4};

/* What a run needs lives until the program ends. */
static void begin(struct sim *sim, const char *name, uint64_t seed, int lanes,
                  int agents, int64_t warm_s, int64_t end_s)
{
    struct governor_options options = governor_defaults(seed);
    *sim = (struct sim){0};
    sim->name = name;
    sim->random = seed * 2 + 1;
    sim->governor = governor_new(&options);
    sim->lanes = calloc((size_t)lanes, sizeof *sim->lanes);
    sim->agents = calloc((size_t)agents, sizeof *sim->agents);
    sim->warm_us = warm_s * SECOND;
    sim->end_us = end_s * SECOND;
}

static void add_lane(struct sim *sim, const struct upstream *shape, int ceiling,
                     int limit)
{
    char account[16], lane[16];
    struct upstream *new = &sim->lanes[sim->lane_count];
    *new = *shape;
    new->ceiling = ceiling;
    new->limit = limit;
    snprintf(account, sizeof account, "acc%d", sim->lane_count);
    snprintf(lane, sizeof lane, "lane%d", sim->lane_count);
    struct governor_account set = {.id = slice_str(account),
                                   .tenant = slice_str("t"),
                                   .lane = slice_str(lane),
                                   .joined = true,
                                   .ceiling = ceiling,
                                   .queue_limit = 32,
                                   .queue_wait_us = 10 * SECOND};
    governor_account_set(sim->governor, &set, 0);
    sim->lane_count++;
}

/* To the lane that was added last. */
static void add_agent(struct sim *sim, const struct agent *like)
{
    struct agent *agent = &sim->agents[sim->agent_count];
    *agent = *like;
    agent->lane = sim->lane_count - 1;
    agent->weight = agent->weight > 0 ? agent->weight : 1;
    agent->waits = calloc(BUCKETS, sizeof *agent->waits);
    snprintf(agent->account, sizeof agent->account, "acc%d", agent->lane);
    snprintf(agent->server, sizeof agent->server, "mcp_%d", sim->agent_count);
    sim->agent_count++;
}

static void start(struct sim *sim)
{
    for (int i = 0; i < sim->agent_count; i++) {
        struct agent *agent = &sim->agents[i];
        for (int n = 0; n < agent->outstanding; n++) {
            struct call *call = calloc(1, sizeof *call);
            call->agent = agent;
            schedule(sim, (int64_t)(chance(sim) * 1e6), ASK, call, 0);
        }
        if (agent->outstanding == 0) {
            schedule(sim, (int64_t)(chance(sim) * 1e6), ASK, agent, 1);
        }
    }
}

/* Jain's index of the measured agents of each lane: the mean over lanes. */
static double fairness(const struct sim *sim)
{
    double total = 0;
    int lanes = 0;
    for (int lane = 0, from = 0; lane < sim->lane_count; lane++) {
        double sum = 0, squares = 0;
        int n = 0;
        for (; from < sim->agent_count && sim->agents[from].lane == lane; from++) {
            if (sim->agents[from].measured) {
                double served =
                    (double)sim->agents[from].served / sim->agents[from].weight;
                sum += served;
                squares += served * served;
                n++;
            }
        }
        if (n > 1 && squares > 0) {
            total += sum * sum / (n * squares);
            lanes++;
        }
    }
    return lanes > 0 ? total / lanes : 1;
}

static void show(struct sim *sim)
{
    double busy = 0, could = 0;
    int overshoot = 0, beyond = 0;
    for (int i = 0; i < sim->lane_count; i++) {
        const struct upstream *lane = &sim->lanes[i];
        int most = lane->ceiling < lane->limit ? lane->ceiling : lane->limit;
        busy += lane->busy_us;
        could += (double)(sim->end_us - sim->warm_us) * most;
        beyond = lane->peak - lane->ceiling;
        overshoot = beyond > overshoot ? beyond : overshoot;
    }
    printf("figure\t%s\tutilisation\t%.4f\n", sim->name, busy / could);
    printf("figure\t%s\tjain\t%.4f\n", sim->name, fairness(sim));
    printf("figure\t%s\tovershoot\t%d\n", sim->name, overshoot);
    printf("figure\t%s\trefused_by_erp\t%llu\n", sim->name,
           (unsigned long long)sim->refusals);
    printf("figure\t%s\tevents\t%llu\n", sim->name, (unsigned long long)sim->handled);
}

static void show_agent(const struct sim *sim, int at, const char *role)
{
    const struct agent *agent = &sim->agents[at];
    printf("agent\t%s\t%s\t%llu\t%.1f\t%.1f\t%llu\n", sim->name, role,
           (unsigned long long)agent->served,
           percentile_ms(agent->waits, agent->waited, 0.5),
           percentile_ms(agent->waits, agent->waited, 0.99),
           (unsigned long long)agent->busy);
}

/* ---- Scenarios ---- */

static void equals(struct sim *sim, uint64_t seed, bool small)
{
    begin(sim, "equals", seed, 1, 10, 20, small ? 300 : 3600);
    add_lane(sim, &netsuite, 5, 15);
    for (int i = 0; i < 10; i++) {
        add_agent(sim,
                  &(struct agent){.outstanding = 3, .obeys = true, .measured = true});
    }
    start(sim);
    run(sim);
    show(sim);
    show_agent(sim, 0, "one of ten");
}

static void weighted(struct sim *sim, uint64_t seed, bool small)
{
    begin(sim, "weights", seed, 1, 3, 20, small ? 300 : 3600);
    static const char *const roles[] = {"weight 1", "weight 2", "weight 4"};
    add_lane(sim, &netsuite, 5, 15);
    for (int i = 0; i < 3; i++) {
        add_agent(sim, &(struct agent){
                           .outstanding = 10, .weight = 1 << i, .measured = true});
    }
    start(sim);
    run(sim);
    show(sim);
    for (int i = 0; i < 3; i++) {
        show_agent(sim, i, roles[i]);
    }
}

static void classes(struct sim *sim, uint64_t seed, bool small)
{
    begin(sim, "batch", seed, 1, 2, 20, small ? 300 : 3600);
    add_lane(sim, &netsuite, 5, 15);
    add_agent(sim, &(struct agent){.outstanding = 12});
    add_agent(sim, &(struct agent){.outstanding = 12, .batch = true});
    start(sim);
    run(sim);
    show(sim);
    show_agent(sim, 0, "interactive");
    show_agent(sim, 1, "batch");
}

/* `others`: what the other server sends, in shares; 0: the first is alone on half. */
static void share(struct sim *sim, const char *name, uint64_t seed, bool small,
                  double others)
{
    double part = 3 / 0.70; /* calls a second of three slots, at the mean latency */
    begin(sim, name, seed, 1, 2, 20, small ? 1200 : 14400);
    add_lane(sim, &netsuite, others > 0 ? 6 : 3, 15);
    add_agent(sim, &(struct agent){.rate = 0.7 * part});
    if (others > 0) {
        add_agent(sim, &(struct agent){.rate = others * 0.7 * part});
    }
    start(sim);
    run(sim);
    show(sim);
    show_agent(sim, 0, "measured");
    if (others > 0) {
        show_agent(sim, 1, "the other");
    }
}

static void limit(struct sim *sim, uint64_t seed, bool small)
{
    begin(sim, "limit", seed, 1, 25, 10, small ? 140 : 180);
    add_lane(sim, &sap, 15, 15);
    for (int i = 0; i < 25; i++) {
        add_agent(sim, &(struct agent){.outstanding = 1});
    }
    schedule(sim, 30 * SECOND, SET_LIMIT, NULL, 5);
    schedule(sim, 90 * SECOND, SET_LIMIT, NULL, 15);
    schedule(sim, 0, SAMPLE, NULL, 0);
    start(sim);
    run(sim);
    show(sim);
}

/*
 * An ERP that takes six calls as fast as one, and slows down with more; few agents, then many. Or
 * (knee 0) one that others slow down threefold for ten minutes, however few we send. `factor`: the
 * account's latency_factor.
 */
static void slowing(struct sim *sim, const char *name, uint64_t seed, bool small,
                    double knee, int factor)
{
    begin(sim, name, seed, 1, 25, 120, small ? 900 : 3600);
    struct upstream shape = sap;
    shape.knee = knee;
    add_lane(sim, &shape, 15, 100);
    governor_account_pace(sim->governor, SLICE("acc0"), factor);
    sim->lanes[0].times = calloc(BUCKETS, sizeof *sim->lanes[0].times);
    for (int i = 0; i < 25; i++) {
        add_agent(sim, &(struct agent){.outstanding = 1});
    }
    for (int i = 0; i < 25; i++) {
        struct call *call = calloc(1, sizeof *call);
        call->agent = &sim->agents[i];
        schedule(sim, i < 3 ? 0 : 60 * SECOND, ASK, call, 0);
    }
    if (knee <= 0) {
        schedule(sim, 200 * SECOND, SET_OTHERS, NULL, 3);
        schedule(sim, 800 * SECOND, SET_OTHERS, NULL, 1);
    }
    schedule(sim, 0, SAMPLE, NULL, 0);
    run(sim);
    show(sim);
    uint64_t served = 0;
    for (int i = 0; i < 25; i++) {
        served += sim->agents[i].served;
    }
    printf("figure\t%s\tserved\t%llu\n", name, (unsigned long long)served);
    printf("figure\t%s\ttime_p50_ms\t%.1f\n", name,
           percentile_ms(sim->lanes[0].times, sim->lanes[0].timed, 0.5));
    printf("figure\t%s\tbusy\t%.2f\n", name,
           sim->lanes[0].busy_us / (double)(sim->end_us - sim->warm_us));
}

static void thousands(struct sim *sim, uint64_t seed, bool small)
{
    int lanes = small ? 300 : 3000;
    begin(sim, "thousands", seed, lanes, lanes * 5, 20, small ? 60 : 80);
    for (int i = 0; i < lanes; i++) {
        struct upstream shape = i % 2 == 0 ? netsuite : sap;
        shape.crash_share = 0.0005;
        add_lane(sim, &shape, i % 2 == 0 ? 5 : 8, i % 10 == 0 ? 3 : 15);
        add_agent(sim, &(struct agent){.outstanding = 20});
        add_agent(sim,
                  &(struct agent){.outstanding = 6, .obeys = true, .measured = true});
        add_agent(sim,
                  &(struct agent){.outstanding = 6, .obeys = true, .measured = true});
        add_agent(sim, &(struct agent){
                           .outstanding = 1, .think_us = 2 * SECOND, .obeys = true});
        add_agent(sim, &(struct agent){.outstanding = 4, .batch = true});
    }
    start(sim);
    clock_t from = clock();
    run(sim);
    double cpu_us = 1e6 * (double)(clock() - from) / CLOCKS_PER_SEC;
    show(sim);
    printf("figure\t%s\tcpu_us_per_event\t%.3f\n", sim->name,
           cpu_us / (double)sim->handled);
    show_agent(sim, 0, "greedy");
    show_agent(sim, 1, "equal");
    show_agent(sim, 3, "polite");
    show_agent(sim, 4, "batch");
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    const char *scenario = argc > 2 ? argv[2] : "";
    bool small = argc > 3;
    int code = 0;
    struct sim *sim = calloc(1, sizeof *sim);
    if (strcmp(scenario, "equals") == 0) {
        equals(sim, seed, small);
    } else if (strcmp(scenario, "weights") == 0) {
        weighted(sim, seed, small);
    } else if (strcmp(scenario, "batch") == 0) {
        classes(sim, seed, small);
    } else if (strcmp(scenario, "share") == 0) {
        share(sim, "alone", seed, small, 0);
        share(sim, "equal", seed, small, 1);
        share(sim, "greedy", seed, small, 50);
    } else if (strcmp(scenario, "limit") == 0) {
        limit(sim, seed, small);
    } else if (strcmp(scenario, "slowing") == 0) {
        slowing(sim, "slowing", seed, small, 6, 0);
        slowing(sim, "slowing, watched", seed, small, 6, 2);
        slowing(sim, "others", seed, small, 0, 0);
        slowing(sim, "others, watched", seed, small, 0, 2);
    } else if (strcmp(scenario, "thousands") == 0) {
        thousands(sim, seed, small);
    } else {
        fputs("usage: governor-sim SEED SCENARIO [small]\n", stderr);
        code = 2;
    }
    free(sim);
    return code;
}
