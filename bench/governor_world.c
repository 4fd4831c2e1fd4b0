/* SPDX-License-Identifier: Apache-2.0 */
/* The events of made-up agents and ERPs, and what is shown of them. */
#include "bench/governor_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define REFUSAL_US 60000 /* an ERP refuses at once: a round trip */
#define SERIES_US 250000

struct event {
    int64_t at_us;
    uint64_t order;
    enum kind kind;
    void *subject;
    int number;
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

void sim_schedule(struct sim *sim, int64_t at_us, enum kind kind, void *subject,
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

double sim_percentile_ms(const uint32_t *waits, uint64_t count, double share)
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
        sim_schedule(sim, sim->now_us + after_us, ASK, call, 0);
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
        sim_schedule(sim, sim->now_us + REFUSAL_US, REFUSE, call, 0);
        return;
    }
    occupy(sim, lane, 1);
    int64_t takes = latency_us(sim, lane);
    if (chance(sim) < lane->crash_share) {
        sim_schedule(sim, sim->now_us + takes / 2, LOSE, call, 0);
        sim_schedule(sim, sim->now_us + takes, LEAVE_UPSTREAM, lane, 0);
    } else {
        sim_schedule(sim, sim->now_us + takes, ANSWER, call, 0);
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
    sim_schedule(sim,
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
    sim_schedule(sim, sim->now_us + SERIES_US, SAMPLE, NULL, 0);
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
        sim->refusals++;
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

void sim_run(struct sim *sim)
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

const struct upstream sim_netsuite = {
    .median_s = 0.45, .sigma = 0.6, .slow_share = 0.03, .slow_median_s = 5};
const struct upstream sim_sap = {
    .median_s = 0.18, .sigma = 0.7, .slow_share = 0.01, .slow_median_s = 4};

/* What a run needs lives until the program ends. */
void sim_begin(struct sim *sim, const char *name, uint64_t seed, int lanes, int agents,
               int64_t warm_s, int64_t end_s)
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

void sim_add_lane(struct sim *sim, const struct upstream *shape, int ceiling, int limit)
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
void sim_add_agent(struct sim *sim, const struct agent *like)
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

void sim_start(struct sim *sim)
{
    for (int i = 0; i < sim->agent_count; i++) {
        struct agent *agent = &sim->agents[i];
        for (int n = 0; n < agent->outstanding; n++) {
            struct call *call = calloc(1, sizeof *call);
            call->agent = agent;
            sim_schedule(sim, (int64_t)(chance(sim) * 1e6), ASK, call, 0);
        }
        if (agent->outstanding == 0) {
            sim_schedule(sim, (int64_t)(chance(sim) * 1e6), ASK, agent, 1);
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

void sim_show(struct sim *sim)
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

void sim_show_agent(const struct sim *sim, int at, const char *role)
{
    const struct agent *agent = &sim->agents[at];
    printf("agent\t%s\t%s\t%llu\t%.1f\t%.1f\t%llu\n", sim->name, role,
           (unsigned long long)agent->served,
           sim_percentile_ms(agent->waits, agent->waited, 0.5),
           sim_percentile_ms(agent->waits, agent->waited, 0.99),
           (unsigned long long)agent->busy);
}
