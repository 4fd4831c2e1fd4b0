/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the governor costs: memory of lanes that are idle, time of a slot taken and given
 * back, time from a slot that is given back to the next call that has it.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "governor/governor.h"

#define LANES 100000
#define WAITING 1000
#define ROUNDS 2000000

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return one < other ? -1 : one > other;
}

static void show(const char *name, double value)
{
    printf("figure\tcosts\t%s\t%.0f\n", name, value);
}

/* Of malloc's heap, and what it has mapped apart from it: slabs' regions, large tables. */
static size_t held_bytes(void)
{
    struct mallinfo2 now = mallinfo2();
    return now.uordblks + now.hblkhd;
}

static void idle_lanes(struct governor *governor)
{
    size_t before = held_bytes();
    for (int i = 0; i < LANES; i++) {
        char id[24];
        snprintf(id, sizeof id, "netsuite:%d", 1000000 + i);
        governor_lane_set(governor, slice_str(id), 5, 0);
    }
    show("bytes_per_idle_lane", (double)(held_bytes() - before) / LANES);
    before = held_bytes();
    for (int i = 0; i < LANES; i++) {
        char id[40], lane[24];
        snprintf(id, sizeof id, "acc_abcdefghijklmnopqr%d", 1000000 + i);
        snprintf(lane, sizeof lane, "netsuite:%d", 1000000 + i);
        struct governor_account set = {.id = slice_str(id),
                                       .tenant = SLICE("t"),
                                       .lane = slice_str(lane),
                                       .joined = true,
                                       .ceiling = 5};
        governor_account_set(governor, &set, 0);
    }
    show("bytes_per_idle_account", (double)(held_bytes() - before) / LANES);
}

static void take_and_give(struct governor *governor, const struct governor_call *call)
{
    struct governor_ticket ticket = {0};
    double from = now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        governor_acquire(governor, &ticket, call, i);
        governor_release(governor, &ticket, GOVERNOR_ANSWERED, 0, i);
    }
    show("acquire_release_ns", (now_ns() - from) / ROUNDS);
}

/* A thousand calls of a hundred servers wait for one slot. */
static void hand_over(struct governor *governor, struct governor_call call)
{
    struct governor_ticket *tickets = calloc(WAITING + 1, sizeof *tickets);
    char(*servers)[16] = calloc(100, sizeof *servers);
    double *times = calloc(ROUNDS, sizeof *times);
    for (int i = 0; i <= WAITING; i++) {
        snprintf(servers[i % 100], sizeof servers[0], "mcp_%d", i % 100);
        call.server = slice_str(servers[i % 100]);
        governor_acquire(governor, &tickets[i], &call, ROUNDS);
    }
    struct governor_ticket *running = &tickets[0];
    for (int i = 0; i < ROUNDS; i++) {
        struct governor_ticket *last = running;
        double from = now_ns();
        governor_release(governor, last, GOVERNOR_UNUSED, 0, ROUNDS);
        running = governor_next(governor);
        times[i] = now_ns() - from;
        call.server = slice_str(servers[(last - tickets) % 100]);
        governor_acquire(governor, last, &call, ROUNDS);
    }
    qsort(times, ROUNDS, sizeof *times, by_value);
    show("release_to_next_p50_ns", times[ROUNDS / 2]);
    show("release_to_next_p99_ns", times[ROUNDS / 100 * 99]);
}

int main(void)
{
    struct governor_options options = governor_defaults(1);
    struct governor *governor = governor_new(&options);
    struct governor_account set = {.id = SLICE("acc"),
                                   .tenant = SLICE("t"),
                                   .lane = SLICE("lane"),
                                   .joined = true,
                                   .ceiling = 1,
                                   .queue_limit = 10000,
                                   .queue_wait_us = INT64_MAX};
    struct governor_call call = {.account = SLICE("acc"),
                                 .server = SLICE("mcp"),
                                 .weight = 1,
                                 .priority = GOVERNOR_INTERACTIVE};
    idle_lanes(governor);
    governor_account_set(governor, &set, 0);
    take_and_give(governor, &call);
    hand_over(governor, call);
    return 0;
}
