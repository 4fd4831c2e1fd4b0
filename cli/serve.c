/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server: every part is built here, handed down, and taken apart in reverse order.
 * Only this file sees them all. Each worker is such a set of parts with a loop and a thread of its
 * own; all are built before the first one runs, and none goes before all have stopped.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/mac.h"
#include "base/limits.h"
#include "base/memory.h"
#include "cli/catalogs.h"
#include "cli/command.h"
#include "cli/connect.h"
#include "cli/listener.h"
#include "cli/own_keys.h"
#include "core/catalogs.h"
#include "core/events.h"
#include "core/gateway.h"
#include "core/metrics.h"
#include "core/server.h"
#include "core/workers.h"
#include "io/http_server.h"
#include "store/claim.h"

#define PURGE_EVERY_MS 60000
#define GIVE_BACK_EVERY_MS 10000
#define LEAD_EVERY_MS 1000
#define TRANSFER_LOOK_MS 50
#define LOCKED_LEAST_BYTES ((size_t)512 * 1024) /* the secrets of about 1000 accounts */

struct serving;

/* Those who work together. */
struct crew {
    struct workers workers;
    struct serving *servings; /* workers.count */
    struct claim *claim;
    struct keys *keys[WORKERS_MOST]; /* until a serving has them */
    pthread_barrier_t stop;          /* all have ended their work */
    int drained;                     /* the first one's */
};

struct serving {
    struct crew *crew;
    struct worker *worker;
    int number; /* 0 does what only one may do */
    pthread_t thread;
    const struct config *config;
    struct arena *arena;
    struct clock clock;
    struct log log;
    struct loop *loop;
    struct keys *keys;
    struct own_keys own_keys;
    struct vault *vault;
    struct mac *mac;
    struct store *store;
    struct catalog *catalog; /* until the gateway has it */
    struct catalog_watch *watch;
    struct catalogs_choice choice;
    struct catalog_compiler compiler;
    struct catalogs_source catalogs;
    struct net_policy *policy;
    struct http_client *client, *webhook_client;
    struct token_hosts *token_hosts;
    struct tokens *tokens;
    struct grants *grants;
    struct governor *governor;
    struct gateway_config gateway_config;
    struct gateway_connect connect;
    struct consent_client *consent_client;
    struct gateway *gateway;
    struct listener *listener;
    struct http_server *server;
    int64_t drain_until_us;
    bool is_held; /* its loop lives, also without connections of its own */
    bool
        leads; /* of the processes on the database: this one does what only one may do */
    bool
        has_told_unlocked; /* the operator knows that secrets are not in locked pages */
};

/* ---- The parts ---- */

/* Before the database is touched. */
static int claim_data_dir(struct serving *serving)
{
    struct slice folder = serving->config->data_dir;
    struct slice path =
        arena_printf(serving->arena, "%.*s/serve.lock", SLICE_ARG(folder));
    long holder = 0;
    int places = (int)serving->config->coordination_shares;
    enum err err = claim_take(path.ptr, places, &serving->crew->claim, &holder);
    if (err == ERR_CONFLICT && places == 1) {
        return command_fail("%s is in use by another sluice serve (process %ld); one "
                            "server works on a data_dir at a time, unless "
                            "coordination.shares says how many share every ceiling",
                            folder.ptr, holder);
    }
    if (err == ERR_CONFLICT) {
        return command_fail(
            "%s is in use by %d sluice serve already, or by one that was "
            "started with another coordination.shares (process %ld)",
            folder.ptr, places, holder);
    }
    return err == ERR_OK
               ? 0
               : command_fail("cannot lock %s: %s", path.ptr, strerror(errno));
}

static int open_store(struct serving *serving)
{
    const struct config *config = serving->config;
    if (mkdir(config->data_dir.ptr, 0700) != 0 && errno != EEXIST) {
        return command_fail("cannot make the folder %s: %s", config->data_dir.ptr,
                            strerror(errno));
    }
    int code = serving->number == 0 ? claim_data_dir(serving) : 0;
    if (code != 0) {
        return code;
    }
    struct slice path =
        arena_printf(serving->arena, "%.*s/sluice.db", SLICE_ARG(config->data_dir));
    enum err err = store_open(serving->loop, &serving->log, path.ptr, &serving->store);
    if (err == ERR_CONFLICT) {
        return command_fail(
            "%s was written by a newer version of sluice, or by another "
            "program; it is left as it is",
            path.ptr);
    }
    return err == ERR_OK ? 0 : command_fail("%s cannot be opened or read", path.ptr);
}

static int build_policy(struct serving *serving)
{
    const struct config *config = serving->config;
    if (config->ca_file.len > 0 && access(config->ca_file.ptr, R_OK) != 0) {
        return command_fail("net.ca_file %s cannot be read: %s", config->ca_file.ptr,
                            strerror(errno));
    }
    enum err err = net_policy_new(config->allow_cidrs.items, config->allow_cidrs.count,
                                  config->plain_http_hosts.items,
                                  config->plain_http_hosts.count, &serving->policy);
    return err == ERR_OK
               ? 0
               : command_fail("net.allow_cidrs or net.allow_plain_http_hosts: an entry "
                              "is not an address range or a host");
}

static bool is_crew(const struct serving *serving)
{
    return serving->crew->workers.count > 1;
}

/* A worker's part of what the process may have. */
static size_t part_of(const struct serving *serving, long long whole)
{
    long long part = whole / serving->crew->workers.count;
    return part > 0 ? (size_t)part : 1;
}

static void fill_gateway_config(struct serving *serving, int port)
{
    const struct config *config = serving->config;
    bool six = slice_find(config->host, ':') >= 0;
    struct slice url = config->public_url;
    if (url.len == 0) {
        url = arena_printf(serving->arena, "http%s://%s%.*s%s:%d",
                           config->tls_certificate.len > 0 ? "s" : "", six ? "[" : "",
                           SLICE_ARG(config->host), six ? "]" : "", port);
    }
    serving->gateway_config = (struct gateway_config){
        .public_url = url,
        .allowed_origins = config->allowed_origins.items,
        .allowed_origin_count = config->allowed_origins.count,
        .default_ttl_days = (int)config->default_ttl_days,
        .read_timeout_ms = config->read_timeout_ms,
        .write_timeout_ms = config->write_timeout_ms,
        .queue_limit = (int)config->queue_limit,
        .queue_wait_ms = config->queue_wait_ms,
        .connect = serving->connect,
        .ready_accounts = (size_t)config->ready_accounts,
        .ready_servers = (size_t)config->ready_servers,
        .is_shared = config->coordination_shares > 1 || is_crew(serving),
        .is_alone = config->coordination_shares == 1 && serving->number == 0,
        .homes = serving->crew->workers.homes,
        .worker = serving->number,
    };
}

static void build_tokens(struct serving *serving)
{
    const struct token_transport transport = token_transport_of(serving->client);
    serving->token_hosts =
        token_hosts_new(&transport, &serving->clock, &serving->log,
                        (int)part_of(serving, serving->config->token_requests_at_once));
    serving->tokens = tokens_new(serving->loop, serving->token_hosts, &serving->clock,
                                 &serving->log, TOKEN_TRIES);
    const struct grants_parts grants = {
        .loop = serving->loop,
        .store = serving->store,
        .vault = serving->vault,
        .tokens = serving->tokens,
        .log = &serving->log,
        .grant_ms = serving->config->netsuite_grant_hours * 3600 * 1000,
        .most_renewals = (int)part_of(serving, serving->config->token_requests_at_once),
    };
    serving->grants = grants_new(&grants);
}

static void build_client_and_governor(struct serving *serving)
{
    struct http_client_options client = http_client_defaults(serving->policy);
    client.max_body_bytes = (size_t)serving->config->upstream_body_bytes;
    if (serving->config->ca_file.len > 0) {
        client.ca_file = serving->config->ca_file.ptr;
    }
    serving->client = http_client_new(serving->loop, &client);
    client.max_body_bytes = LIMIT_WEBHOOK_ANSWER_BYTES; /* nobody reads them */
    serving->webhook_client = http_client_new(serving->loop, &client);
    build_tokens(serving);
    uint64_t seed = 0;
    random_bytes(&seed, sizeof seed);
    struct governor_options governor = governor_defaults(seed);
    governor.lost_hold_us = serving->config->lost_hold_ms * 1000;
    serving->governor = governor_new(&governor);
    governor_set_share(serving->governor, claim_place(serving->crew->claim),
                       (int)serving->config->coordination_shares);
}

static void look_at_listening(void *ctx, struct metrics_listening *out)
{
    const struct serving *serving = ctx;
    const struct tls *tls = listener_tls(serving->listener);
    out->counts = http_server_count(serving->server);
    out->connections = http_server_connections(serving->server);
    out->tls_not_after_s = tls != NULL ? tls_validity(tls).to_s : 0;
}

static void on_reload_keys(void *ctx)
{
    struct serving *serving = ctx;
    struct arena *arena = arena_new();
    struct slice problem;
    enum err err = own_keys_reload(&serving->own_keys, arena, &problem);
    (void)err; /* logged; the keys are as they were */
    arena_free(arena);
}

/* Each worker has its own. */
static enum err reload_keys(void *ctx, struct arena *arena, struct slice *problem)
{
    struct serving *serving = ctx;
    const struct crew *crew = serving->crew;
    enum err err = own_keys_reload(&serving->own_keys, arena, problem);
    for (int i = 0; err == ERR_OK && i < crew->workers.count; i++) {
        if (i != serving->number) {
            loop_post(crew->servings[i].loop, on_reload_keys, &crew->servings[i]);
        }
    }
    return err;
}

static int build_gateway(struct serving *serving)
{
    build_client_and_governor(serving);
    struct gateway_parts parts = {
        .config = &serving->gateway_config,
        .loop = serving->loop,
        .clock = &serving->clock,
        .log = &serving->log,
        .store = serving->store,
        .keys = serving->keys,
        .vault = serving->vault,
        .mac = serving->mac,
        .token_hosts = serving->token_hosts,
        .tokens = serving->tokens,
        .grants = serving->grants,
        .client = serving->client,
        .webhook_client = serving->webhook_client,
        .policy = serving->policy,
        .governor = serving->governor,
        .catalogs = &serving->catalogs,
        .reload_keys = reload_keys,
        .reload_ctx = serving,
        .look_at_listening = look_at_listening,
        .listening_ctx = serving,
    };
    enum err err =
        gateway_new(&parts, serving->catalog, serving->watch, &serving->gateway);
    serving->catalog = NULL;
    serving->watch = NULL;
    return err == ERR_OK ? 0 : command_fail("the database cannot be read");
}

static int load_catalog(struct serving *serving)
{
    struct slice directory = arena_slice(serving->arena, serving->config->catalog_dir);
    serving->choice = (struct catalogs_choice){&serving->config->enabled};
    serving->compiler = catalogs_compiler(&serving->choice);
    serving->catalogs = (struct catalogs_source){directory.ptr, &serving->compiler};
    serving->watch = catalog_watch_new();
    return catalogs_load(directory, &serving->compiler, serving->watch, serving->arena,
                         &serving->catalog);
}

static int listen_now(struct serving *serving)
{
    const struct config *config = serving->config;
    struct http_server_options options = http_server_defaults();
    options.host = config->host;
    options.tls = listener_tls(serving->listener);
    options.port = serving->number == 0
                       ? (int)config->port
                       : http_server_port(serving->crew->servings[0].server);
    options.shares_port = is_crew(serving);
    options.max_connections = part_of(serving, config->max_connections);
    options.max_body_bytes = (size_t)config->max_body_bytes;
    options.max_body_memory_bytes = part_of(serving, config->max_body_memory_bytes);
    enum err err = http_server_listen(serving->loop, &options, &serving->log,
                                      is_crew(serving) ? worker_handle : server_handle,
                                      is_crew(serving) ? (void *)serving->worker
                                                       : serving->gateway,
                                      &serving->server);
    if (err != ERR_OK) {
        return command_fail("cannot listen on %.*s port %lld: it is taken or not ours",
                            SLICE_ARG(config->host), config->port);
    }
    int port = http_server_port(serving->server);
    fill_gateway_config(serving, port);
    if (serving->number < serving->crew->workers.count - 1) {
        return 0; /* the last one tells */
    }
    log_event(&serving->log, LOG_INFO, "listening", LOG_INT(port, port),
              LOG_NAME(version, SLUICE_VERSION), LOG_INT(pid, getpid()));
    return 0;
}

static int restore_homes(struct serving *serving)
{
    struct homes *homes = serving->crew->workers.homes;
    return homes == NULL || homes_restore(homes, serving->store) == ERR_OK
               ? 0
               : command_fail("the database cannot be read");
}

static int build(struct serving *serving, bool insecure)
{
    int code = listener_prepare(serving->config, insecure, &serving->log,
                                serving->arena, &serving->listener);
    if (code == 0) {
        code = connect_prepare(serving->config, &serving->consent_client,
                               &serving->connect);
    }
    if (code != 0) {
        return code;
    }
    serving->keys = serving->crew->keys[serving->number];
    serving->crew->keys[serving->number] = NULL;
    serving->vault = vault_new(serving->keys);
    serving->mac = mac_new();
    serving->loop = loop_new();
    code = open_store(serving);
    if (code == 0) {
        serving->own_keys.config = serving->config;
        serving->own_keys.log = &serving->log;
        serving->own_keys.store = serving->store;
        serving->own_keys.keys = serving->keys;
        if (serving->number == 0) {
            own_keys_tell_missing(&serving->own_keys);
            code = restore_homes(serving);
        }
    }
    if (code == 0) {
        code = load_catalog(serving);
    }
    if (code == 0) {
        code = build_policy(serving);
    }
    if (code == 0) {
        fill_gateway_config(serving, (int)serving->config->port);
        code = build_gateway(serving);
    }
    if (code == 0) {
        serving->crew->workers.each[serving->number].loop = serving->loop;
        serving->crew->workers.each[serving->number].gateway = serving->gateway;
        serving->worker = worker_new(&serving->crew->workers, serving->number);
        loop_hold(serving->loop);
        serving->is_held = true;
    }
    return code == 0 ? listen_now(serving) : code;
}

/* The last turns: aborted transfers and written records still call back, for a second
 * at most. */
static void settle(struct serving *serving)
{
    int64_t until_us = loop_now_us() + 1000000;
    while (loop_run_once(serving->loop) && loop_now_us() < until_us) {
    }
}

static void let_go(struct serving *serving)
{
    if (serving->is_held) {
        serving->is_held = false;
        loop_release(serving->loop);
    }
}

/* What still calls back ends here; what is free of others is closed. */
static void end_work(struct serving *serving)
{
    http_server_free(serving->server);
    gateway_stop(serving->gateway);
    http_client_free(serving->client);
    http_client_free(serving->webhook_client);
    if (serving->loop != NULL) {
        let_go(serving);
        settle(serving);
    }
}

static void take_apart(struct serving *serving)
{
    gateway_free(serving->gateway);
    worker_free(serving->worker);
    grants_free(serving->grants);
    consent_client_free(serving->consent_client);
    tokens_free(serving->tokens);
    token_hosts_free(serving->token_hosts);
    governor_free(serving->governor);
    net_policy_free(serving->policy);
    catalog_free(serving->catalog);
    catalog_watch_free(serving->watch);
    listener_free(serving->listener);
    loop_free(serving->loop);
    mac_free(serving->mac);
    vault_free(serving->vault);
    keys_free(serving->keys);
    if (serving->number > 0) {
        arena_free(serving->arena);
    }
}

/* First all have sent their last message, then all have taken what came, then memory goes. */
static void finish(struct serving *serving)
{
    end_work(serving);
    pthread_barrier_wait(&serving->crew->stop);
    if (is_crew(serving)) {
        (void)loop_run_once(serving->loop);
        pthread_barrier_wait(&serving->crew->stop);
    }
    store_close(serving->store);
    take_apart(serving);
}

/* ---- While it runs ---- */

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
    on_reload_keys(serving);
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
    enum err err = events_ends(serving->store, batch, now_ms);
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
    (void)ctx;
    memory_give_back();
}

static void set_timers(struct serving *serving)
{
    const struct config *config = serving->config;
    listener_watch(serving->listener, serving->loop);
    if (serving->number > 0) {
        return;
    }
    tell_if_unlocked(serving, secret_can_lock(LOCKED_LEAST_BYTES));
    loop_on_signal(serving->loop, SIGTERM, on_signal, serving);
    loop_on_signal(serving->loop, SIGINT, on_signal, serving);
    loop_on_signal(serving->loop, SIGHUP, on_hangup, serving);
    if (config->coordination_shares > 1) {
        loop_timer_every(serving->loop, LEAD_EVERY_MS, on_lead_time, serving);
    }
    if (config->coordination_shares > 1 || is_crew(serving)) {
        on_lead_time(serving);
    }
    on_purge_time(serving); /* what ended while nobody looked */
    loop_timer_every(serving->loop, PURGE_EVERY_MS, on_purge_time, serving);
    loop_timer_every(serving->loop, GIVE_BACK_EVERY_MS, on_give_back_time, NULL);
}

static void *work(void *ctx)
{
    struct serving *serving = ctx;
    loop_run(serving->loop);
    finish(serving);
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
        code = build(serving, insecure);
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
            end_work(&crew.servings[i]);
            store_close(crew.servings[i].store);
            take_apart(&crew.servings[i]);
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
