/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/serving.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/mac.h"
#include "base/limits.h"
#include "cli/catalogs.h"
#include "cli/connect.h"
#include "cli/coordination.h"
#include "core/metrics.h"
#include "core/server.h"

/* Before the database is touched. */
static int claim_data_dir(struct serving *serving)
{
    struct slice folder = serving->config->data_dir;
    struct slice path =
        arena_printf(serving->arena, "%.*s/serve.lock", SLICE_ARG(folder));
    long holder = 0;
    int places = coordination_places(serving->config);
    uint32_t pool = coordination_pool(serving->config);
    enum err err = claim_take(path.ptr, places, pool, &serving->crew->claim, &holder);
    if (err == ERR_CONFLICT && places == 1) {
        return command_fail("%s is in use by another sluice serve (process %ld); one "
                            "server works on a data_dir at a time, unless "
                            "coordination.shares says how many share every ceiling",
                            folder.ptr, holder);
    }
    if (err == ERR_CONFLICT && pool != 0) {
        return command_fail(
            "%s is in use by %d sluice serve already, or by one that was started with "
            "another coordination.redis, or none (process %ld)",
            folder.ptr, places, holder);
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

bool serving_is_crew(const struct serving *serving)
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
        .is_shared = coordination_has_others(config) || serving_is_crew(serving),
        .is_alone = !coordination_has_others(config) && serving->number == 0,
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
    governor.is_lent = serving->config->redis.len > 0;
    serving->governor = governor_new(&governor);
    if (!governor.is_lent) {
        governor_set_share(serving->governor, claim_place(serving->crew->claim),
                           (int)serving->config->coordination_shares);
    } else if (serving->config->nodes > 0) {
        governor_set_share(serving->governor, (int)serving->config->node - 1,
                           (int)serving->config->nodes);
    }
}

static void look_at_listening(void *ctx, struct metrics_listening *out)
{
    const struct serving *serving = ctx;
    const struct tls *tls = listener_tls(serving->listener);
    out->counts = http_server_count(serving->server);
    out->connections = http_server_connections(serving->server);
    out->tls_not_after_s = tls != NULL ? tls_validity(tls).to_s : 0;
}

void serving_reload_keys(void *ctx)
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
            loop_post(crew->servings[i].loop, serving_reload_keys, &crew->servings[i]);
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
        .coordination = serving->config->redis.len > 0 ? &serving->coordination : NULL,
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
    options.shares_port = serving_is_crew(serving);
    options.max_connections = part_of(serving, config->max_connections);
    options.max_body_bytes = (size_t)config->max_body_bytes;
    options.max_body_memory_bytes = part_of(serving, config->max_body_memory_bytes);
    enum err err = http_server_listen(
        serving->loop, &options, &serving->log,
        serving_is_crew(serving) ? worker_handle : server_handle,
        serving_is_crew(serving) ? (void *)serving->worker : serving->gateway,
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

int serving_build(struct serving *serving, bool insecure)
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
        code = coordination_prepare(serving->config, serving->arena,
                                    &serving->coordination);
        serving->coordination.terms.process = serving->crew->id;
        serving->coordination.terms.workers = serving->crew->workers.count;
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

/* The last turns: aborted transfers and written records still call back. That takes no time,
 * but where another process holds the database: the writer waits 10 s for it. */
static void settle(struct serving *serving)
{
    int64_t until_us = loop_now_us() + 12000000;
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

void serving_end_work(struct serving *serving)
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

void serving_take_apart(struct serving *serving)
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

void serving_finish(struct serving *serving)
{
    serving_end_work(serving);
    pthread_barrier_wait(&serving->crew->stop);
    if (serving_is_crew(serving)) {
        (void)loop_run_once(serving->loop);
        pthread_barrier_wait(&serving->crew->stop);
    }
    store_close(serving->store);
    serving_take_apart(serving);
}
