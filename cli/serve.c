/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server: every part is built here, handed down, and taken apart in reverse order.
 * Only this file sees them all.
 */
#include <arpa/inet.h>
#include <errno.h>
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
#include "io/http_server.h"
#include "store/claim.h"

#define PURGE_EVERY_MS 60000
#define GIVE_BACK_EVERY_MS 10000
#define LEAD_EVERY_MS 1000
#define TRANSFER_LOOK_MS 50
#define LOCKED_LEAST_BYTES ((size_t)512 * 1024) /* the secrets of about 1000 accounts */

struct serving {
    const struct config *config;
    struct arena *arena;
    struct clock clock;
    struct log log;
    struct loop *loop;
    struct keys *keys;
    struct own_keys own_keys;
    struct vault *vault;
    struct mac *mac;
    struct claim *claim;
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
    enum err err = claim_take(path.ptr, places, &serving->claim, &holder);
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
    int code = claim_data_dir(serving);
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
        .is_shared = config->coordination_shares > 1,
    };
}

static void build_tokens(struct serving *serving)
{
    const struct token_transport transport = token_transport_of(serving->client);
    serving->token_hosts =
        token_hosts_new(&transport, &serving->clock, &serving->log,
                        (int)serving->config->token_requests_at_once);
    serving->tokens = tokens_new(serving->loop, serving->token_hosts, &serving->clock,
                                 &serving->log, TOKEN_TRIES);
    const struct grants_parts grants = {
        .loop = serving->loop,
        .store = serving->store,
        .vault = serving->vault,
        .tokens = serving->tokens,
        .log = &serving->log,
        .grant_ms = serving->config->netsuite_grant_hours * 3600 * 1000,
        .most_renewals = (int)serving->config->token_requests_at_once,
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
    governor_set_share(serving->governor, claim_place(serving->claim),
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
        .reload_keys = own_keys_reload,
        .reload_ctx = &serving->own_keys,
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
    options.port = (int)config->port;
    options.max_connections = (size_t)config->max_connections;
    options.max_body_bytes = (size_t)config->max_body_bytes;
    options.max_body_memory_bytes = (size_t)config->max_body_memory_bytes;
    enum err err =
        http_server_listen(serving->loop, &options, &serving->log, server_handle,
                           serving->gateway, &serving->server);
    if (err != ERR_OK) {
        return command_fail("cannot listen on %.*s port %lld: it is taken or not ours",
                            SLICE_ARG(config->host), config->port);
    }
    int port = http_server_port(serving->server);
    fill_gateway_config(serving, port);
    log_event(&serving->log, LOG_INFO, "listening", LOG_INT(port, port),
              LOG_NAME(version, SLUICE_VERSION), LOG_INT(pid, getpid()));
    return 0;
}

static int build(struct serving *serving, bool insecure)
{
    int code = listener_prepare(serving->config, insecure, &serving->log,
                                serving->arena, &serving->listener);
    if (code == 0) {
        code = own_keys_load(serving->config, serving->arena, &serving->keys,
                             &serving->own_keys.from_environment);
    }
    if (code == 0) {
        code = connect_prepare(serving->config, &serving->consent_client,
                               &serving->connect);
    }
    if (code != 0) {
        return code;
    }
    serving->vault = vault_new(serving->keys);
    serving->mac = mac_new();
    serving->loop = loop_new();
    code = open_store(serving);
    if (code == 0) {
        serving->own_keys.config = serving->config;
        serving->own_keys.log = &serving->log;
        serving->own_keys.store = serving->store;
        serving->own_keys.keys = serving->keys;
        own_keys_tell_missing(&serving->own_keys);
        code = load_catalog(serving);
    }
    if (code == 0) {
        code = build_policy(serving);
    }
    if (code == 0) {
        fill_gateway_config(serving, (int)serving->config->port);
        code = build_gateway(serving);
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

static void take_apart(struct serving *serving)
{
    http_server_free(serving->server);
    gateway_stop(serving->gateway);
    http_client_free(serving->client);
    http_client_free(serving->webhook_client);
    if (serving->loop != NULL) {
        settle(serving);
    }
    store_close(serving->store);
    claim_free(serving->claim);
    gateway_free(serving->gateway);
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
}

/* ---- While it runs ---- */

/* A write that was sent is not cut while the drain has time left, even if its caller has gone. */
static void on_drained(void *ctx)
{
    struct serving *serving = ctx;
    if (http_client_open(serving->client) > 0 &&
        loop_now_us() < serving->drain_until_us) {
        loop_timer_start(serving->loop, TRANSFER_LOOK_MS, on_drained, serving);
        return;
    }
    token_hosts_stop(serving->token_hosts); /* no request whose answer nobody reads */
    log_event(&serving->log, LOG_INFO, "drained", LOG_INT(pid, getpid()));
    loop_stop(serving->loop);
}

static void on_signal(void *ctx)
{
    struct serving *serving = ctx;
    if (serving->gateway->draining) {
        return; /* the first one is being obeyed */
    }
    serving->gateway->draining = true;
    serving->drain_until_us = loop_now_us() + LIMIT_DRAIN_MS * 1000LL;
    log_event(&serving->log, LOG_INFO, "draining", LOG_INT(pid, getpid()));
    http_server_drain(serving->server, LIMIT_DRAIN_MS, on_drained, serving);
}

/* A closed terminal, or an operator who asks for a reload: neither is a reason to cut calls
 * short. Catalogs are seen by themselves; other options need a restart. */
static void on_hangup(void *ctx)
{
    struct serving *serving = ctx;
    struct arena *arena = arena_new();
    struct slice problem;
    listener_reload(serving->listener);
    enum err err = own_keys_reload(&serving->own_keys, arena, &problem);
    (void)err; /* logged; the keys are as they were */
    arena_free(arena);
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
    if (!claim_leads(serving->claim)) {
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
    if (claim_leads(serving->claim) && !serving->leads) {
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

int command_serve(struct arena *arena, const struct config *config,
                  const struct command_line *line)
{
    struct serving serving = {.config = config, .arena = arena};
    if (line->word_count > 0) {
        command_fail("usage: sluice serve; it takes options only");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    serving.clock = clock_system();
    serving.log =
        (struct log){.fd = STDERR_FILENO, .level = LOG_INFO, .clock = &serving.clock};
    if (!log_level_parse(config->log_level, &serving.log.level)) {
        return command_fail("log.level: debug, info, warn or error is needed");
    }
    bool insecure = false;
    command_value(line, "insecure-bind", &insecure);
    int code = build(&serving, insecure || config->insecure_bind);
    if (code == 0) {
        tell_if_unlocked(&serving, secret_can_lock(LOCKED_LEAST_BYTES));
        loop_on_signal(serving.loop, SIGTERM, on_signal, &serving);
        loop_on_signal(serving.loop, SIGINT, on_signal, &serving);
        loop_on_signal(serving.loop, SIGHUP, on_hangup, &serving);
        listener_watch(serving.listener, serving.loop);
        if (config->coordination_shares > 1) {
            on_lead_time(&serving);
            loop_timer_every(serving.loop, LEAD_EVERY_MS, on_lead_time, &serving);
        }
        on_purge_time(&serving); /* what ended while nobody looked */
        loop_timer_every(serving.loop, PURGE_EVERY_MS, on_purge_time, &serving);
        loop_timer_every(serving.loop, GIVE_BACK_EVERY_MS, on_give_back_time, NULL);
        loop_run(serving.loop);
    }
    take_apart(&serving);
    return code;
}
