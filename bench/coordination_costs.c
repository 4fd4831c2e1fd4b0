/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a slot that is given back to the next call that has it, where Redis lends the slots: to a call
 * that waits in the same server, and to one that waits in another. Both servers are the governor, the
 * turnstile and the coordinator of the product, on one loop; Redis is a real one. argv[1]: its URL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/coordinator.h"

#define ROUNDS 3000
#define SETTLE_MS 2 /* until Redis knows who waits */

struct server {
    struct governor *governor;
    struct turnstile *turnstile;
    struct coordinator *coordinator;
    struct random_stock random;
};

struct bench {
    struct loop *loop;
    struct clock clock;
    struct log log;
    struct mac *mac;
    struct coordinator_config config;
    struct server servers[2];
    double took_us[ROUNDS];
};

struct caller {
    struct bench *bench;
    struct server *server;
    struct turnstile_place place;
};

static int by_value(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return one < other ? -1 : one > other;
}

static void on_time(void *ctx)
{
    loop_stop(ctx);
}

static void run_for(struct bench *bench, int64_t ms)
{
    loop_timer_start(bench->loop, ms, on_time, bench->loop);
    loop_run(bench->loop);
}

static void on_decided(void *ctx, enum governor_decision decision)
{
    const struct caller *caller = ctx;
    REQUIRE(decision == GOVERNOR_GRANTED);
    loop_stop(caller->bench->loop);
}

static void enter(struct caller *caller)
{
    const struct governor_call call = {.account = SLICE("acc"),
                                       .server = SLICE("mcp"),
                                       .weight = 1,
                                       .priority = GOVERNOR_INTERACTIVE};
    caller->place = (struct turnstile_place){.on_decided = on_decided, .ctx = caller};
    REQUIRE(turnstile_enter(caller->server->turnstile, &caller->place, &call) ==
            GOVERNOR_WAITING);
}

static void start(struct bench *bench, struct server *server)
{
    struct governor_options options = governor_defaults(1);
    const struct governor_account set = {.id = SLICE("acc"),
                                         .tenant = SLICE("t"),
                                         .lane = SLICE("lane"),
                                         .joined = true,
                                         .ceiling = 1,
                                         .queue_limit = 10,
                                         .queue_wait_us = 60000000};
    options.is_lent = true;
    server->governor = governor_new(&options);
    server->turnstile = turnstile_new(bench->loop, &bench->clock, server->governor);
    const struct coordinator_parts parts = {.config = &bench->config,
                                            .loop = bench->loop,
                                            .log = &bench->log,
                                            .mac = bench->mac,
                                            .governor = server->governor,
                                            .turnstile = server->turnstile,
                                            .random = &server->random};
    bench->config.terms.process++;
    server->coordinator = coordinator_new(&parts);
    governor_account_set(server->governor, &set, turnstile_now_us(server->turnstile));
    while (coordinator_look(server->coordinator).lender.state != LENDER_OPEN) {
        run_for(bench, 20);
    }
}

/* The slot goes to and fro between two calls, of which one always waits. */
static void measure(struct bench *bench, const char *name, struct server *first,
                    struct server *second)
{
    struct caller callers[2] = {{bench, first, {.ctx = NULL}},
                                {bench, second, {.ctx = NULL}}};
    enter(&callers[0]);
    loop_run(bench->loop);
    for (int i = 0; i < ROUNDS; i++) {
        struct caller *has = &callers[i % 2], *waits = &callers[(i + 1) % 2];
        enter(waits);
        run_for(bench, SETTLE_MS);
        int64_t from_us = turnstile_now_us(has->server->turnstile);
        turnstile_release(has->server->turnstile, &has->place, GOVERNOR_ANSWERED, 0);
        loop_run(bench->loop);
        bench->took_us[i] =
            (double)(turnstile_now_us(waits->server->turnstile) - from_us);
    }
    turnstile_release(callers[ROUNDS % 2].server->turnstile, &callers[ROUNDS % 2].place,
                      GOVERNOR_ANSWERED, 0);
    qsort(bench->took_us, ROUNDS, sizeof bench->took_us[0], by_value);
    printf("figure\tcoordination\t%s_p50_us\t%.0f\n", name, bench->took_us[ROUNDS / 2]);
    printf("figure\tcoordination\t%s_p99_us\t%.0f\n", name,
           bench->took_us[ROUNDS * 99 / 100]);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    char room[256];
    if (argc != 2 || !redis_parse_url(slice_str(argv[1]), room, &bench.config.redis)) {
        fprintf(stderr, "usage: coordination-costs redis://host:port/db\n");
        return 2;
    }
    bench.config.terms =
        (struct lender_terms){.ttl_ms = 2000, .hold_ms = 100, .workers = 1};
    bench.loop = loop_new();
    bench.clock = clock_system();
    bench.log = (struct log){.fd = STDERR_FILENO, .level = LOG_ERROR};
    bench.log.clock = &bench.clock;
    bench.mac = mac_new();
    start(&bench, &bench.servers[0]);
    start(&bench, &bench.servers[1]);
    measure(&bench, "same_server", &bench.servers[0], &bench.servers[0]);
    measure(&bench, "other_server", &bench.servers[0], &bench.servers[1]);
    return 0;
}
