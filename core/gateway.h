/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the core works with: the parts that main has built, and what is open.
 * Owns: accounts, servers, turnstile, metrics and webhooks; keeps the rest.
 * Threads: the loop's.
 * Errors: none.
 * Start reading at: core/server.h for the way in, core/call.c for the story of a call.
 */
#ifndef SLUICE_CORE_GATEWAY_H
#define SLUICE_CORE_GATEWAY_H

#include "auth/grants.h"
#include "auth/keys.h"
#include "auth/tokens.h"
#include "auth/vault.h"
#include "base/clock.h"
#include "base/jtwice.h"
#include "base/list.h"
#include "base/log.h"
#include "base/random_stock.h"
#include "catalog/catalog.h"
#include "governor/governor.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "store/store.h"

struct accounts;
struct consent_client;
struct catalogs;
struct changes;
struct homes;
struct catalogs_source;
struct catalog_watch;
struct coordinator;
struct coordinator_config;
struct servers;
struct lane_events;
struct turnstile;
struct metrics;
struct metrics_listening;
struct webhooks;

/* With what people connect accounts of an integration, beside what they type. */
struct gateway_connect {
    struct slice integration;            /* empty: none is configured */
    const struct consent_client *client; /* the operator's at that ERP; NULL: none */
    /* For ERPs of tests: "suitetalk=http://…", where {account} stands for the account as
     * host names have it. */
    const struct slice *base_urls;
    size_t base_url_count;
};

/* Frozen by the command line's configuration. */
struct gateway_config {
    struct slice public_url; /* base of minted URLs, without a trailing slash */
    const struct slice *allowed_origins;
    size_t allowed_origin_count;
    int default_ttl_days;
    int64_t read_timeout_ms, write_timeout_ms; /* our caller's patience */
    int queue_limit;                           /* of an account that sets none */
    int64_t queue_wait_ms;
    struct gateway_connect connect;
    size_t ready_accounts, ready_servers; /* kept in memory, the others are looked up */
    /* Others work on the same database: processes, workers of this one. */
    bool is_shared;
    bool is_alone;       /* at the start: no other process does */
    struct homes *homes; /* NULL: this loop is the only one; else core/homes.h, and: */
    int worker;
};

/* Everything is kept, not owned. */
struct gateway_parts {
    const struct gateway_config *config;
    struct loop *loop;
    const struct clock *clock;
    const struct log *log;
    struct store *store;
    const struct keys *keys;
    struct vault *vault;
    struct mac *mac; /* for signing requests */
    struct token_hosts *token_hosts;
    struct tokens *tokens;
    struct grants *grants;
    struct http_client *client;
    struct http_client *webhook_client;
    const struct net_policy *policy; /* of both */
    struct governor *governor;
    const struct catalogs_source *catalogs; /* core/catalogs.h */
    /* Slots are shared with other processes: core/coordinator.h; NULL: they are not. */
    const struct coordinator_config *coordination;
    /* Reads the key file again. Else *problem says why not; the keys are as they were. */
    enum err (*reload_keys)(void *ctx, struct arena *arena, struct slice *problem);
    void *reload_ctx;
    /* core/metrics.h */
    void (*look_at_listening)(void *ctx, struct metrics_listening *out);
    void *listening_ctx;
};

struct gateway {
    struct gateway_parts parts;
    struct catalogs *catalogs;
    struct accounts *accounts;
    struct servers *servers;
    struct turnstile *turnstile;
    struct coordinator *coordinator; /* NULL: slots are this process's alone */
    struct metrics *metrics;
    struct webhooks *webhooks;
    struct lane_events *lane_events;
    struct lane_settings *lane_settings;
    struct changes *changes; /* NULL: nobody else writes the store */
    struct list calls;   /* struct call: open tool calls, for notifications/cancelled */
    struct list pausing; /* struct op_run: operations that pause between two steps */
    struct arena_store *arenas; /* of the calls */
    struct jtwice answer; /* memory for the next one, wiped; do_reply() takes it */
    struct random_stock random; /* for request ids and nonces */
    struct log_page audit;      /* lines of the calls that ended in this turn */
    bool is_audit_due;
    bool draining; /* SIGTERM was seen: /readyz says so */
    bool stopped;  /* nothing is sent to an ERP any more */
};

/* Reads the ceilings that the store holds. ERR_IO when it cannot. Takes `catalog`, the first
 * one in force, and `watch`, which saw it being loaded; both even on failure. */
MUST_USE enum err gateway_new(const struct gateway_parts *parts,
                              struct catalog *catalog, struct catalog_watch *watch,
                              struct gateway **out);
/* The end of a drain: calls that wait are answered, none goes on to its ERP. Those that
 * are there already end with the HTTP client. Accepts NULL. */
void gateway_stop(struct gateway *gateway);
/* What stands on the page `audit` is written at the end of the turn, ahead of the answers that
 * were held for it: a write for each line costs as much as the line. */
void gateway_audit_soon(struct gateway *gateway);
/* Every exchange and every transfer must have ended. Accepts NULL. */
void gateway_free(struct gateway *gateway);

/* Of several processes on a database this one does what only one may do, from now on: it
 * delivers webhooks. Where no others work, it always does. */
void gateway_lead(struct gateway *gateway);

/* Whether the account's lane is this loop's. */
bool gateway_is_home(struct gateway *gateway, const struct store_account *account);

/* A tenant's ceiling holds as far as it is this loop's to keep. */
MUST_USE enum err gateway_set_tenant(struct gateway *gateway,
                                     const struct store_tenant *tenant);

/* The operator's ceilings of tenants and lanes, as they are stored now. */
MUST_USE enum err gateway_read_ceilings(struct gateway *gateway);

static inline int64_t gateway_wall_ms(const struct gateway *gateway)
{
    return clock_wall_ms(gateway->parts.clock);
}

static inline int64_t gateway_mono_us(const struct gateway *gateway)
{
    return clock_mono_us(gateway->parts.clock);
}

#endif
