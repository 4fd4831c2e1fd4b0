/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the core together over the parts of main. */
#include "core/gateway.h"

#include <stdlib.h>

#include "core/accounts.h"
#include "core/catalogs.h"
#include "core/changes.h"
#include "core/coordinator.h"
#include "core/homes.h"
#include "core/lane_events.h"
#include "core/lane_settings.h"
#include "core/login_leases.h"
#include "core/metrics.h"
#include "core/op.h"
#include "core/servers.h"
#include "core/turnstile.h"
#include "core/webhooks.h"

/* Of the calls' arenas: half a MiB that stays. */
#define ARENA_CHUNKS_KEPT 32

bool gateway_is_home(struct gateway *gateway, const struct store_account *account)
{
    const struct gateway_config *config = gateway->parts.config;
    return config->homes == NULL ||
           homes_of_account(config->homes, gateway->parts.store, account) ==
               config->worker;
}

enum err gateway_set_tenant(struct gateway *gateway, const struct store_tenant *tenant)
{
    const struct gateway_config *config = gateway->parts.config;
    int part = tenant->ceiling;
    enum err err = ERR_OK;
    if (config->homes != NULL && tenant->ceiling > 0) {
        err = homes_tenant_part(config->homes, gateway->parts.store, tenant,
                                config->worker, &part);
        part = part > 0 ? part : GOVERNOR_CLOSED;
    }
    if (err == ERR_OK) {
        governor_tenant_set(gateway->parts.governor, tenant->id, part,
                            gateway_mono_us(gateway));
    }
    return err;
}

enum err gateway_read_ceilings(struct gateway *gateway)
{
    struct arena *arena = arena_new();
    struct store_tenant *tenants = NULL;
    size_t count = 0;
    enum err err = store_list_tenants(gateway->parts.store, arena, &tenants, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        err = gateway_set_tenant(gateway, &tenants[i]);
    }
    arena_free(arena);
    return err == ERR_OK ? lane_settings_look_at_all(gateway->lane_settings) : err;
}

static void start_coordinator(struct gateway *gateway)
{
    const struct gateway_parts *parts = &gateway->parts;
    if (parts->coordination == NULL) {
        return;
    }
    const struct coordinator_parts coordinator = {
        .config = parts->coordination,
        .loop = parts->loop,
        .log = parts->log,
        .mac = parts->mac,
        .governor = parts->governor,
        .turnstile = gateway->turnstile,
        .random = &gateway->random,
    };
    gateway->coordinator = coordinator_new(&coordinator);
}

enum err gateway_new(const struct gateway_parts *parts, struct catalog *catalog,
                     struct catalog_watch *watch, struct gateway **out)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    REQUIRE(gateway != NULL);
    gateway->parts = *parts;
    list_init(&gateway->calls);
    list_init(&gateway->pausing);
    gateway->turnstile = turnstile_new(parts->loop, parts->clock, parts->governor);
    gateway->metrics = metrics_new();
    gateway->lane_events = lane_events_new(gateway);
    gateway->lane_settings = lane_settings_new(gateway);
    gateway->arenas = arena_store_new(ARENA_CHUNKS_KEPT);
    gateway->catalogs = catalogs_new(gateway, parts->catalogs, catalog, watch);
    gateway->accounts = accounts_new(gateway);
    gateway->servers = servers_new(parts->config->ready_servers);
    enum err err = gateway_read_ceilings(gateway);
    if (err == ERR_OK) {
        err = accounts_restore(gateway->accounts);
    }
    if (err == ERR_OK && parts->config->is_alone) {
        err = login_leases_restore(parts->store);
    }
    if (err == ERR_OK) {
        err = grants_restore(parts->grants, parts->config->is_alone);
    }
    if (err != ERR_OK) {
        gateway_free(gateway);
        return err;
    }
    const struct webhooks_parts webhooks = {
        .loop = parts->loop,
        .clock = parts->clock,
        .log = parts->log,
        .store = parts->store,
        .keys = parts->keys,
        .mac = parts->mac,
        .client = parts->webhook_client,
    };
    gateway->webhooks = webhooks_new(&webhooks);
    if (parts->config->is_shared) {
        webhooks_stand_by(gateway->webhooks);
        gateway->changes = changes_new(gateway);
    }
    start_coordinator(gateway);
    *out = gateway;
    return ERR_OK;
}

void gateway_lead(struct gateway *gateway)
{
    webhooks_take_over(gateway->webhooks);
}

void gateway_stop(struct gateway *gateway)
{
    if (gateway == NULL) {
        return;
    }
    gateway->stopped = true;
    turnstile_close(gateway->turnstile);
    op_end_pausing(gateway);
    token_hosts_stop(gateway->parts.token_hosts);
    tokens_stop(gateway->parts.tokens);
    webhooks_stop(gateway->webhooks);
}

static void on_audit_due(void *ctx)
{
    struct gateway *gateway = ctx;
    gateway->is_audit_due = false;
    log_flush(gateway->parts.log, &gateway->audit);
}

void gateway_audit_soon(struct gateway *gateway)
{
    if (gateway->audit.len > 0 && !gateway->is_audit_due) {
        gateway->is_audit_due = true;
        loop_soon(gateway->parts.loop, on_audit_due, gateway);
    }
}

void gateway_free(struct gateway *gateway)
{
    if (gateway == NULL) {
        return;
    }
    loop_soon_cancel(gateway->parts.loop, on_audit_due, gateway);
    changes_free(gateway->changes);
    webhooks_free(gateway->webhooks);
    lane_events_free(gateway->lane_events);
    lane_settings_free(gateway->lane_settings);
    servers_free(gateway->servers);
    accounts_free(gateway->accounts);
    catalogs_free(gateway->catalogs);
    metrics_free(gateway->metrics);
    coordinator_free(gateway->coordinator);
    turnstile_free(gateway->turnstile);
    arena_store_free(gateway->arenas);
    jtwice_free(&gateway->answer);
    log_flush(gateway->parts.log, &gateway->audit);
    free(gateway);
}
