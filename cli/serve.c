/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server while it runs: signals, drains, timers, threads. Each worker is a set of parts
 * (cli/serving.h) with a loop and a thread of its own; all are built before the first one runs,
 * and none goes before all have stopped.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/memory.h"
#include "cli/coordination.h"
#include "cli/serving.h"
#include "core/events.h"

#define PURGE_EVERY_MS 60000
#define GIVE_BACK_EVERY_MS 5000 /* what a burst has left goes at the second time */
#define LEAD_EVERY_MS 1000
#define TRANSFER_LOOK_MS 50
#define LOCKED_LEAST_BYTES ((size_t)512 * 1024) /* the secrets of about 1000 accounts */

static bool has_transfers(const struct serving *serving)
{
    return http_client_open(serving->client) > 0 &&
           loop_now_us() < serving->drain_until_us;
}

static void for_all(const struct crew *crew, loop_fn fn)
{
    for (int i = 0; i < crew->workers.count; i++) {
        loop_post(crew->servings[i].loop, fn, &crew->servings[i]);
    }
}

/* A write that was sent is not cut while the drain has time left, even if its caller has gone. */
static void on_all_drained(void *ctx)
{
    struct serving *serving = ctx;
    if (has_transfers(serving)) {
        loop_timer_start(serving->loop, TRANSFER_LOOK_MS, on_all_drained, serving);
        return;
    }
    token_hosts_stop(serving->token_hosts); /* no request whose answer nobody reads */
    loop_stop(serving->loop);
}

/* The first worker counts. */
static void on_one_drained(void *ctx)
{
    struct serving *serving = ctx;
    struct crew *crew = serving->crew;
    crew->drained++;
    if (crew->drained == crew->workers.count) {
        log_event(&serving->log, LOG_INFO, "drained", LOG_INT(pid, getpid()));
        for_all(crew, on_all_drained);
    }
}

static void on_drained(void *ctx)
{
    struct serving *serving = ctx;
    if (has_transfers(serving)) {
        loop_timer_start(serving->loop, TRANSFER_LOOK_MS, on_drained, serving);
        return;
    }
    struct serving *first = &serving->crew->servings[0];
    loop_post(first->loop, on_one_drained, first);
}

static void drain(void *ctx)
{
    struct serving *serving = ctx;
    serving->gateway->draining = true;
    serving->drain_until_us = loop_now_us() + LIMIT_DRAIN_MS * 1000LL;
    http_server_drain(serving->server, LIMIT_DRAIN_MS, on_drained, serving);
}

static void on_signal(void *ctx)
{
    struct serving *serving = ctx;
    if (serving->gateway->draining) {
        return; /* the first one is being obeyed */
    }
    serving->gateway->draining = true;
    log_event(&serving->log, LOG_INFO, "draining", LOG_INT(pid, getpid()));
    for_all(serving->crew, drain);
}

static void reload(void *ctx)
{
    struct serving *serving = ctx;
    listener_reload(serving->listener);
    serving_reload_keys(serving);
}

/* A closed terminal, or an operator who asks for a reload: neither is a reason to cut calls
 * short. Catalogs are seen by themselves; other options need a restart. */
static void on_hangup(void *ctx)
{
    const struct serving *serving = ctx;
    for_all(serving->crew, reload);
}

static void on_purged(void *ctx, enum err err)
{
    struct serving *serving = ctx;
    if (err != ERR_OK) {
        log_event(&serving->log, LOG_ERROR, "purge_failed",
                  LOG_NAME(cause, err_code(err)));
    }
}

/* Locked pages are a promise to the operator: said once, at the start or when the limit is reached
 * as accounts are opened. docs/operations.md says what to do about it. */
static void tell_if_unlocked(struct serving *serving, bool is_locked)
{
    struct rlimit limit = {0, 0};
    if (is_locked || serving->has_told_unlocked) {
        return;
    }
    serving->has_told_unlocked = true;
    getrlimit(RLIMIT_MEMLOCK, &limit);
    log_event(
        &serving->log, LOG_WARN, "secrets_not_locked",
        LOG_INT(memlock_kib, (long long)(limit.rlim_cur / 1024)),
        LOG_WORD(remedy,
                 "raise RLIMIT_MEMLOCK: LimitMEMLOCK= of the service, or ulimit -l"));
}

static void on_purge_time(void *ctx)
{
    struct serving *serving = ctx;
    tell_if_unlocked(serving, vault_is_locked(serving->vault));
    if (!claim_leads(serving->crew->claim)) {
        return; /* another process does it */
    }
    struct store_batch *batch = store_batch_new();
    int64_t now_ms = clock_wall_ms(&serving->clock);
    enum err err = events_ends(serving->store, batch, &serving->scan, now_ms);
    if (err != ERR_OK) {
        store_batch_free(batch);
        on_purged(serving, err);
        return;
    }
    store_purge_expired(batch, now_ms);
    store_purge_deliveries(batch, now_ms - LIMIT_WEBHOOK_LOG_MS, LIMIT_WEBHOOK_LOG);
    store_commit(serving->store, batch, on_purged, serving);
}

static void on_lead_time(void *ctx)
{
    struct serving *serving = ctx;
    if (claim_leads(serving->crew->claim) && !serving->leads) {
        serving->leads = true;
        log_event(&serving->log, LOG_INFO, "leads", LOG_INT(pid, getpid()));
        gateway_lead(serving->gateway);
    }
}

static void on_give_back_time(void *ctx)
{
    const struct serving *serving = ctx;
    memory_trim_spares();
    if (serving->number == 0) {
        memory_give_back();
    }
}

static void set_timers(struct serving *serving)
{
    const struct config *config = serving->config;
    listener_watch(serving->listener, serving->loop);
    loop_timer_every(serving->loop, GIVE_BACK_EVERY_MS, on_give_back_time, serving);
    if (serving->number > 0) {
        return;
    }
    tell_if_unlocked(serving, secret_can_lock(LOCKED_LEAST_BYTES));
    loop_on_signal(serving->loop, SIGTERM, on_signal, serving);
    loop_on_signal(serving->loop, SIGINT, on_signal, serving);
    loop_on_signal(serving->loop, SIGHUP, on_hangup, serving);
    if (coordination_has_others(config)) {
        loop_timer_every(serving->loop, LEAD_EVERY_MS, on_lead_time, serving);
    }
    if (coordination_has_others(config) || serving_is_crew(serving)) {
        on_lead_time(serving);
    }
    on_purge_time(serving); /* what ended while nobody looked */
    loop_timer_every(serving->loop, PURGE_EVERY_MS, on_purge_time, serving);
}

static void *work(void *ctx)
{
    struct serving *serving = ctx;
    memory_keep_spares();
    loop_run(serving->loop);
    serving_finish(serving);
    memory_end_spares();
    return NULL;
}

/* Signals are the first loop's business. */
static void start_threads(struct crew *crew)
{
    sigset_t all, before;
    unsigned count = (unsigned)crew->workers.count;
    REQUIRE(pthread_barrier_init(&crew->stop, NULL, count) == 0);
    sigfillset(&all);
    REQUIRE(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    for (unsigned i = 1; i < count; i++) {
        struct serving *serving = &crew->servings[i];
        REQUIRE(pthread_create(&serving->thread, NULL, work, serving) == 0);
    }
    REQUIRE(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

static void run(struct crew *crew)
{
    for (int i = 0; i < crew->workers.count; i++) {
        set_timers(&crew->servings[i]);
    }
    start_threads(crew);
    work(&crew->servings[0]);
    for (int i = 1; i < crew->workers.count; i++) {
        REQUIRE(pthread_join(crew->servings[i].thread, NULL) == 0);
    }
    pthread_barrier_destroy(&crew->stop);
}

static int build_all(struct crew *crew, const struct config *config,
                     struct arena *arena, const struct serving *model, bool insecure)
{
    bool from_environment = false;
    size_t count = (size_t)crew->workers.count;
    int code = own_keys_load_all(config, arena, crew->keys, count, &from_environment);
    for (int i = 0; i < crew->workers.count && code == 0; i++) {
        struct serving *serving = &crew->servings[i];
        *serving = *model;
        serving->crew = crew;
        serving->number = i;
        serving->arena = i == 0 ? arena : arena_new();
        serving->log.clock = &serving->clock;
        serving->own_keys.from_environment = from_environment;
        code = serving_build(serving, insecure);
    }
    return code;
}

static void free_crew(struct crew *crew)
{
    claim_free(crew->claim);
    homes_free(crew->workers.homes);
    for (int i = 0; i < WORKERS_MOST; i++) {
        keys_free(crew->keys[i]);
    }
    free(crew->servings);
}

/* server.workers, or --workers. */
static bool count_workers(const struct config *config, const struct command_line *line,
                          int *count)
{
    bool is_given = false;
    unsigned long long number = 0;
    struct slice text = command_value(line, "workers", &is_given);
    *count = (int)config->workers;
    if (!is_given) {
        return true;
    }
    if (!slice_to_u64(text, &number) || number < 1 || number > WORKERS_MOST) {
        return false;
    }
    *count = (int)number;
    return true;
}

static int serve(struct arena *arena, const struct config *config,
                 const struct serving *model, int workers, bool insecure)
{
    struct crew crew = {.workers = {.count = workers}};
    random_bytes(&crew.id, sizeof crew.id);
    crew.servings = calloc((size_t)workers, sizeof *crew.servings);
    REQUIRE(crew.servings != NULL);
    if (workers > 1) {
        crew.workers.homes = homes_new(workers);
    }
    int code = build_all(&crew, config, arena, model, insecure);
    if (code == 0) {
        run(&crew);
    }
    for (int i = 0; i < workers && code != 0; i++) {
        if (crew.servings[i].crew != NULL) {
            serving_end_work(&crew.servings[i]);
            store_close(crew.servings[i].store);
            serving_take_apart(&crew.servings[i]);
        }
    }
    free_crew(&crew);
    return code;
}

int command_serve(struct arena *arena, const struct config *config,
                  const struct command_line *line)
{
    struct serving model = {.config = config};
    bool insecure = false;
    int workers = 1;
    if (line->word_count > 0) {
        command_fail("usage: sluice serve; it takes options only");
        return 2;
    }
    if (!count_workers(config, line, &workers)) {
        command_fail("--workers: a whole number from 1 to %d is needed", WORKERS_MOST);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    model.clock = clock_system();
    model.log = (struct log){.fd = STDERR_FILENO, .level = LOG_INFO};
    if (!log_level_parse(config->log_level, &model.log.level)) {
        return command_fail("log.level: debug, info, warn or error is needed");
    }
    command_value(line, "insecure-bind", &insecure);
    return serve(arena, config, &model, workers, insecure || config->insecure_bind);
}
