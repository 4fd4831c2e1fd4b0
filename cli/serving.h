/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: one worker's set of parts, built, handed down, and taken apart in reverse order; and
 * the crew of those who work together. Owns: all parts. Threads: built before any other runs;
 * then the worker's own. Errors: exit codes, said on stderr. Start reading at: serving_build.
 */
#ifndef SLUICE_CLI_SERVING_H
#define SLUICE_CLI_SERVING_H

#include <pthread.h>

#include "cli/catalogs.h"
#include "cli/command.h"
#include "cli/listener.h"
#include "cli/own_keys.h"
#include "core/catalogs.h"
#include "core/coordinator.h"
#include "core/events.h"
#include "core/gateway.h"
#include "core/workers.h"
#include "io/http_server.h"
#include "store/claim.h"

struct serving;

/* Those who work together. */
struct crew {
    struct workers workers;
    struct serving *servings; /* workers.count */
    struct claim *claim;
    struct keys *keys[WORKERS_MOST]; /* until a serving has them */
    pthread_barrier_t stop;          /* all have ended their work */
    uint64_t id;                     /* of this process's life, at random */
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
    struct coordinator_config coordination;
    struct gateway_connect connect;
    struct consent_client *consent_client;
    struct gateway *gateway;
    struct listener *listener;
    struct http_server *server;
    struct events_scan scan;
    int64_t drain_until_us;
    bool is_held; /* its loop lives, also without connections of its own */
    bool leads;   /* of the processes on the database: does what only one may do */
    bool has_told_unlocked; /* that secrets are not in locked pages */
};

/* `crew`, `number`, `config`, `arena`, `clock` and `log` are filled in before. Whatever it returns,
 * serving_end_work and serving_take_apart fit what there is. */
int serving_build(struct serving *serving, bool insecure);
/* What still calls back ends here; what is free of others is closed. */
void serving_end_work(struct serving *serving);
void serving_take_apart(struct serving *serving);
/* First all have sent their last message, then all have taken what came, then memory goes. */
void serving_finish(struct serving *serving);

/* More than one worker. */
bool serving_is_crew(const struct serving *serving);
/* loop_fn: this worker's keys alone; what is wrong with them is logged. */
void serving_reload_keys(void *ctx);

#endif
