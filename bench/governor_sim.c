/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scenarios of the simulation in governor_world.h. Prints one line per figure,
 * tab-separated; bench/governor-sim makes tables and plots of them.
 *
 *     governor-sim SEED equals|weights|batch|share|limit|slowing|thousands [small]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/governor_world.h"

static void equals(struct sim *sim, uint64_t seed, bool small)
{
    sim_begin(sim, "equals", seed, 1, 10, 20, small ? 300 : 3600);
    sim_add_lane(sim, &sim_netsuite, 5, 15);
    for (int i = 0; i < 10; i++) {
        sim_add_agent(
            sim, &(struct agent){.outstanding = 3, .obeys = true, .measured = true});
    }
    sim_start(sim);
    sim_run(sim);
    sim_show(sim);
    sim_show_agent(sim, 0, "one of ten");
}

static void weighted(struct sim *sim, uint64_t seed, bool small)
{
    sim_begin(sim, "weights", seed, 1, 3, 20, small ? 300 : 3600);
    static const char *const roles[] = {"weight 1", "weight 2", "weight 4"};
    sim_add_lane(sim, &sim_netsuite, 5, 15);
    for (int i = 0; i < 3; i++) {
        sim_add_agent(sim, &(struct agent){
                               .outstanding = 10, .weight = 1 << i, .measured = true});
    }
    sim_start(sim);
    sim_run(sim);
    sim_show(sim);
    for (int i = 0; i < 3; i++) {
        sim_show_agent(sim, i, roles[i]);
    }
}

static void classes(struct sim *sim, uint64_t seed, bool small)
{
    sim_begin(sim, "batch", seed, 1, 2, 20, small ? 300 : 3600);
    sim_add_lane(sim, &sim_netsuite, 5, 15);
    sim_add_agent(sim, &(struct agent){.outstanding = 12});
    sim_add_agent(sim, &(struct agent){.outstanding = 12, .batch = true});
    sim_start(sim);
    sim_run(sim);
    sim_show(sim);
    sim_show_agent(sim, 0, "interactive");
    sim_show_agent(sim, 1, "batch");
}

/* `others`: what the other server sends, in shares; 0: the first is alone on half. */
static void share(struct sim *sim, const char *name, uint64_t seed, bool small,
                  double others)
{
    double part = 3 / 0.70; /* calls a second of three slots, at the mean latency */
    sim_begin(sim, name, seed, 1, 2, 20, small ? 1200 : 14400);
    sim_add_lane(sim, &sim_netsuite, others > 0 ? 6 : 3, 15);
    sim_add_agent(sim, &(struct agent){.rate = 0.7 * part});
    if (others > 0) {
        sim_add_agent(sim, &(struct agent){.rate = others * 0.7 * part});
    }
    sim_start(sim);
    sim_run(sim);
    sim_show(sim);
    sim_show_agent(sim, 0, "measured");
    if (others > 0) {
        sim_show_agent(sim, 1, "the other");
    }
}

static void limit(struct sim *sim, uint64_t seed, bool small)
{
    sim_begin(sim, "limit", seed, 1, 25, 10, small ? 140 : 180);
    sim_add_lane(sim, &sim_sap, 15, 15);
    for (int i = 0; i < 25; i++) {
        sim_add_agent(sim, &(struct agent){.outstanding = 1});
    }
    sim_schedule(sim, 30 * SECOND, SET_LIMIT, NULL, 5);
    sim_schedule(sim, 90 * SECOND, SET_LIMIT, NULL, 15);
    sim_schedule(sim, 0, SAMPLE, NULL, 0);
    sim_start(sim);
    sim_run(sim);
    sim_show(sim);
}

/*
 * An ERP that takes six calls as fast as one, and slows down with more; few agents, then many. Or
 * (knee 0) one that others slow down threefold for ten minutes, however few we send. `factor`: the
 * account's latency_factor.
 */
static void slowing(struct sim *sim, const char *name, uint64_t seed, bool small,
                    double knee, int factor)
{
    sim_begin(sim, name, seed, 1, 25, 120, small ? 900 : 3600);
    struct upstream shape = sim_sap;
    shape.knee = knee;
    sim_add_lane(sim, &shape, 15, 100);
    governor_account_pace(sim->governor, SLICE("acc0"), factor);
    sim->lanes[0].times = calloc(BUCKETS, sizeof *sim->lanes[0].times);
    for (int i = 0; i < 25; i++) {
        sim_add_agent(sim, &(struct agent){.outstanding = 1});
    }
    for (int i = 0; i < 25; i++) {
        struct call *call = calloc(1, sizeof *call);
        call->agent = &sim->agents[i];
        sim_schedule(sim, i < 3 ? 0 : 60 * SECOND, ASK, call, 0);
    }
    if (knee <= 0) {
        sim_schedule(sim, 200 * SECOND, SET_OTHERS, NULL, 3);
        sim_schedule(sim, 800 * SECOND, SET_OTHERS, NULL, 1);
    }
    sim_schedule(sim, 0, SAMPLE, NULL, 0);
    sim_run(sim);
    sim_show(sim);
    uint64_t served = 0;
    for (int i = 0; i < 25; i++) {
        served += sim->agents[i].served;
    }
    printf("figure\t%s\tserved\t%llu\n", name, (unsigned long long)served);
    printf("figure\t%s\ttime_p50_ms\t%.1f\n", name,
           sim_percentile_ms(sim->lanes[0].times, sim->lanes[0].timed, 0.5));
    printf("figure\t%s\tbusy\t%.2f\n", name,
           sim->lanes[0].busy_us / (double)(sim->end_us - sim->warm_us));
}

static void thousands(struct sim *sim, uint64_t seed, bool small)
{
    int lanes = small ? 300 : 3000;
    sim_begin(sim, "thousands", seed, lanes, lanes * 5, 20, small ? 60 : 80);
    for (int i = 0; i < lanes; i++) {
        struct upstream shape = i % 2 == 0 ? sim_netsuite : sim_sap;
        shape.crash_share = 0.0005;
        sim_add_lane(sim, &shape, i % 2 == 0 ? 5 : 8, i % 10 == 0 ? 3 : 15);
        sim_add_agent(sim, &(struct agent){.outstanding = 20});
        sim_add_agent(
            sim, &(struct agent){.outstanding = 6, .obeys = true, .measured = true});
        sim_add_agent(
            sim, &(struct agent){.outstanding = 6, .obeys = true, .measured = true});
        sim_add_agent(
            sim,
            &(struct agent){.outstanding = 1, .think_us = 2 * SECOND, .obeys = true});
        sim_add_agent(sim, &(struct agent){.outstanding = 4, .batch = true});
    }
    sim_start(sim);
    clock_t from = clock();
    sim_run(sim);
    double cpu_us = 1e6 * (double)(clock() - from) / CLOCKS_PER_SEC;
    sim_show(sim);
    printf("figure\t%s\tcpu_us_per_event\t%.3f\n", sim->name,
           cpu_us / (double)sim->handled);
    sim_show_agent(sim, 0, "greedy");
    sim_show_agent(sim, 1, "equal");
    sim_show_agent(sim, 3, "polite");
    sim_show_agent(sim, 4, "batch");
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
