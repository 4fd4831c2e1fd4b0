/* SPDX-License-Identifier: Apache-2.0 */
/* MCP servers of an account: mint a URL, list, change filters and expiry, revoke. */
#include "base/limits.h"
#include "base/text.h"
#include "core/admin_private.h"
#include "core/calls.h"
#include "core/lane_settings.h"
#include "core/logins.h"
#include "core/servers.h"
#include "core/turnstile.h"

#define DAY_MS (24LL * 60 * 60 * 1000)
#define OVERLAP_MAX_S (7LL * 24 * 60 * 60)

/* What the filters leave: how many tools, and what listing them costs a model in
 * tokens. */
struct offer {
    size_t tools;
    size_t token_estimate;
};

/* The path's first id is the account's. */
static bool can_sign(struct admin *admin, const struct tool *tool)
{
    struct account *account = NULL;
    if (tool->scheme.len == 0 ||
        accounts_get(admin->gateway->accounts, admin->ids[0], &account) != ERR_OK) {
        return true;
    }
    bool can = logins_can(account, tool);
    account_drop(account);
    return can;
}

static struct offer count_offer(struct admin *admin,
                                const struct integration *integration,
                                const struct filter *filter)
{
    struct offer offer = {0, 0};
    size_t bytes = 0;
    for (size_t i = 0; i < integration->tool_count; i++) {
        if (filter_allows(filter, integration->tools[i]) &&
            can_sign(admin, integration->tools[i])) {
            offer.tools++;
            bytes += integration->tools[i]->list_bytes;
        }
    }
    offer.token_estimate = (bytes + 3) / 4;
    return offer;
}

static bool offer_of_record(struct admin *admin, const struct integration *integration,
                            const struct store_server *server, struct offer *out)
{
    struct jval *json = NULL;
    struct server_config config;
    struct fault fault = {0};
    if (jval_parse(admin->arena, server->config, &json, NULL) != ERR_OK ||
        server_config_parse(json, NULL, admin->arena, &config, &fault) != ERR_OK) {
        return false;
    }
    *out = count_offer(admin, integration, config.filter);
    return true;
}

/* Shown once, so only where a token was just minted. */
static void write_url(struct admin *admin, struct jwriter *writer,
                      struct slice raw_token)
{
    const struct gateway_config *config = admin->gateway->parts.config;
    jwriter_member_string(writer, "url",
                          arena_printf(admin->arena, "%.*s/mcp/%.*s",
                                       SLICE_ARG(config->public_url),
                                       SLICE_ARG(raw_token)));
}

static void write_server(struct admin *admin, struct jwriter *writer,
                         const struct integration *integration,
                         const struct store_server *server)
{
    struct offer offer;
    jwriter_member_string(writer, "id", server->id);
    jwriter_member_string(writer, "name", server->name);
    jwriter_key(writer, SLICE("config"));
    jwriter_raw(writer, server->config);
    admin_time(writer, "expires_at", server->expires_ms);
    if (integration != NULL && offer_of_record(admin, integration, server, &offer)) {
        jwriter_member_int(writer, "tools", (int64_t)offer.tools);
        jwriter_member_int(writer, "token_estimate", (int64_t)offer.token_estimate);
    }
    admin_time(writer, "created_at", server->created_ms);
    admin_time(writer, "updated_at", server->updated_ms);
}

static void respond_server(struct admin *admin, int status,
                           const struct integration *integration,
                           const struct store_server *server, struct slice raw_token)
{
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    write_server(admin, &writer, integration, server);
    if (raw_token.len > 0) {
        write_url(admin, &writer, raw_token);
    }
    jwriter_object_end(&writer);
    admin_respond(admin, status, &json);
    buf_free(&json);
}

static void drop_catalog(void *ptr)
{
    catalog_free(ptr);
}

/* The account of the first id and its integration; false after an answer. */
static bool load_parent(struct admin *admin, const struct integration **integration)
{
    struct store_account account;
    struct catalog *catalog = NULL;
    if (!admin_load_account(admin, &account)) {
        return false;
    }
    enum err err = catalogs_for(admin->gateway->catalogs, &account, &catalog);
    if (err == ERR_OK) {
        arena_on_free(admin->arena, drop_catalog, catalog);
        *integration = catalog_integration(catalog, account.integration);
    }
    if (err != ERR_OK) {
        admin_error(admin, ERR_CONFLICT,
                    SLICE("The account's integration is not loaded in this server."));
        return false;
    }
    return true;
}

static bool load_server(struct admin *admin, const struct integration **integration,
                        struct store_server *server)
{
    if (!load_parent(admin, integration)) {
        return false;
    }
    enum err err = store_get_server(admin->gateway->parts.store, admin->ids[1],
                                    admin->arena, server);
    if (err == ERR_OK && slice_eq(server->account, admin->ids[0])) {
        return true;
    }
    admin_error(admin, err == ERR_IO ? ERR_IO : ERR_NOT_FOUND,
                err == ERR_IO ? SLICE_EMPTY : SLICE("There is no such MCP server."));
    return false;
}

/* Merges the body's config into `json` (empty: none yet), checks it, keeps it as text. */
static bool read_config(struct admin *admin, const struct integration *integration,
                        struct slice *json)
{
    const struct jval *config = admin_merge(admin, "config", *json);
    struct server_config parsed;
    struct fault fault = {0};
    if (config == NULL) {
        return false;
    }
    if (server_config_parse(config, integration, admin->arena, &parsed, &fault) !=
        ERR_OK) {
        admin_fault(admin, &fault);
        return false;
    }
    *json = admin_json(admin->arena, config);
    return true;
}

/* ---- Creating ---- */

struct server_job {
    struct admin *admin;
    const struct integration *integration;
    struct store_server server;
    struct slice raw_token;
};

static void on_server_stored(void *ctx, enum err err)
{
    struct server_job *job = ctx;
    if (err != ERR_OK) {
        admin_error(
            job->admin, err,
            err == ERR_CONFLICT
                ? SLICE("The MCP server was changed at the same time: read it again.")
                : SLICE_EMPTY);
        return;
    }
    servers_forget(job->admin->gateway->servers, job->server.id);
    job->admin->ids[1] = job->server.id;
    respond_server(job->admin, job->raw_token.len > 0 ? 201 : 200, job->integration,
                   &job->server, job->raw_token);
}

void admin_create_server(struct admin *admin)
{
    static const char *const allowed[] = {"name", "config", "expires_at", NULL};
    struct server_job *job = arena_alloc(admin->arena, sizeof *job);
    struct store_server *server = &job->server;
    enum admin_expiry expiry = EXPIRY_ABSENT;
    job->admin = admin;
    if (!load_parent(admin, &job->integration) || !admin_only(admin, allowed) ||
        !admin_text(admin, "name", true, LIMIT_NAME_BYTES, &server->name) ||
        !read_config(admin, job->integration, &server->config) ||
        !admin_expires_at(admin, &expiry, &server->expires_ms)) {
        return;
    }
    int64_t now_ms = gateway_wall_ms(admin->gateway);
    if (expiry == EXPIRY_ABSENT) {
        server->expires_ms =
            now_ms + admin->gateway->parts.config->default_ttl_days * DAY_MS;
    }
    struct minted minted =
        principal_mint_url_token(admin->gateway->parts.keys, admin->arena);
    job->raw_token = minted.raw;
    server->id = text_new_id(admin->arena, "mcp_");
    server->account = admin->ids[0];
    server->created_ms = server->updated_ms = now_ms;
    struct store_url_token token = {minted.hash, server->id, server->expires_ms};
    struct store_batch *batch = store_batch_new();
    store_insert_server(batch, server);
    store_insert_url_token(batch, &token);
    store_commit(admin->gateway->parts.store, batch, on_server_stored, job);
}

/* ---- Reading ---- */

void admin_get_server(struct admin *admin)
{
    const struct integration *integration = NULL;
    struct store_server server;
    if (load_server(admin, &integration, &server)) {
        respond_server(admin, 200, integration, &server, SLICE_EMPTY);
    }
}

void admin_list_servers(struct admin *admin)
{
    const struct integration *integration = NULL;
    struct store_server *servers = NULL;
    struct admin_page page;
    size_t count = 0;
    if (!load_parent(admin, &integration) || !admin_page_ask(admin, &page)) {
        return;
    }
    enum err err =
        store_list_servers(admin->gateway->parts.store, admin->ids[0], page.after,
                           page.limit, admin->arena, &servers, &count);
    if (!admin_page_begin(admin, &page, err)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        jwriter_object(&page.writer);
        write_server(admin, &page.writer, integration, &servers[i]);
        jwriter_object_end(&page.writer);
    }
    admin_page_end(admin, &page,
                   count == page.limit ? servers[count - 1].id : SLICE_EMPTY);
}

/* ---- Changing and revoking ---- */

/* Slots may be kept for the server, which can call no longer, or again. */
static void look_at_lane(struct gateway *gateway, struct slice account_id)
{
    struct arena *arena = arena_new();
    struct store_account account;
    if (store_get_account(gateway->parts.store, account_id, arena, &account) ==
        ERR_OK) {
        lane_settings_changed(gateway->lane_settings, account.lane);
    }
    arena_free(arena);
}

static void on_server_changed(void *ctx, enum err err)
{
    struct server_job *job = ctx;
    if (err == ERR_OK) {
        look_at_lane(job->admin->gateway, job->admin->ids[0]);
        calls_end_with_server(job->admin->gateway, job->server.id,
                              job->server.expires_ms);
    }
    on_server_stored(job, err);
}

void admin_patch_server(struct admin *admin)
{
    static const char *const allowed[] = {"name", "config", "expires_at", NULL};
    struct server_job *job = arena_alloc(admin->arena, sizeof *job);
    struct store_server *server = &job->server;
    enum admin_expiry expiry = EXPIRY_ABSENT;
    struct slice name;
    int64_t at_ms = 0;
    job->admin = admin;
    if (!load_server(admin, &job->integration, server) || !admin_only(admin, allowed) ||
        !admin_text(admin, "name", false, LIMIT_NAME_BYTES, &name) ||
        !admin_expires_at(admin, &expiry, &at_ms)) {
        return;
    }
    if (jval_get(admin->body, "config") != NULL &&
        !read_config(admin, job->integration, &server->config)) {
        return;
    }
    if (name.len > 0) {
        server->name = name;
    }
    struct store_batch *batch = store_batch_new();
    if (expiry != EXPIRY_ABSENT) {
        server->expires_ms = at_ms;
        store_expire_url_tokens(batch, server->id, at_ms);
    }
    server->updated_ms = gateway_wall_ms(admin->gateway);
    store_update_server(batch, server, server->version);
    store_commit(admin->gateway->parts.store, batch, on_server_changed, job);
}

static void on_server_deleted(void *ctx, enum err err)
{
    struct admin *admin = ctx;
    struct gateway *gateway = admin->gateway;
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    servers_forget(gateway->servers, admin->ids[1]);
    calls_revoke(gateway, admin->ids[0], admin->ids[1]);
    governor_server_revoke(gateway->parts.governor, admin->ids[0], admin->ids[1],
                           gateway_mono_us(gateway));
    turnstile_settle(gateway->turnstile);
    look_at_lane(gateway, admin->ids[0]);
    admin_no_content(admin);
}

void admin_delete_server(struct admin *admin)
{
    const struct integration *integration = NULL;
    struct store_server server;
    if (!load_server(admin, &integration, &server)) {
        return;
    }
    struct store_batch *batch = store_batch_new();
    store_delete_server(batch, admin->ids[1]);
    store_commit(admin->gateway->parts.store, batch, on_server_deleted, admin);
}

/* ---- Rotating ---- */

struct rotation {
    struct server_job job;
    int64_t old_ends_ms;
};

static void on_server_rotated(void *ctx, enum err err)
{
    struct rotation *rotation = ctx;
    struct server_job *job = &rotation->job;
    struct admin *admin = job->admin;
    if (err != ERR_OK) {
        on_server_stored(job, err);
        return;
    }
    servers_forget(admin->gateway->servers, job->server.id);
    calls_end_with_token(admin->gateway, job->server.id, rotation->old_ends_ms);
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    write_server(admin, &writer, job->integration, &job->server);
    admin_time(&writer, "old_url_expires_at", rotation->old_ends_ms);
    write_url(admin, &writer, job->raw_token);
    jwriter_object_end(&writer);
    admin_respond(admin, 200, &json);
    buf_free(&json);
}

/* A new URL for the same server: its id, and so its cursors and filters, stay. */
void admin_rotate_server(struct admin *admin)
{
    static const char *const allowed[] = {"overlap_seconds", NULL};
    struct rotation *rotation = arena_alloc(admin->arena, sizeof *rotation);
    struct server_job *job = &rotation->job;
    struct store_server *server = &job->server;
    long long overlap_s = 0;
    job->admin = admin;
    if (!load_server(admin, &job->integration, server) || !admin_only(admin, allowed) ||
        !admin_number(admin, "overlap_seconds", 0, OVERLAP_MAX_S, 0, &overlap_s)) {
        return;
    }
    int64_t now_ms = gateway_wall_ms(admin->gateway);
    if (server->expires_ms != 0 && server->expires_ms <= now_ms) {
        admin_error(admin, ERR_CONFLICT,
                    SLICE("The MCP server has expired: set expires_at, then rotate."));
        return;
    }
    struct minted minted =
        principal_mint_url_token(admin->gateway->parts.keys, admin->arena);
    job->raw_token = minted.raw;
    rotation->old_ends_ms = now_ms + overlap_s * 1000;
    if (server->expires_ms != 0 && server->expires_ms < rotation->old_ends_ms) {
        rotation->old_ends_ms = server->expires_ms;
    }
    server->updated_ms = now_ms;
    struct store_url_token token = {minted.hash, server->id, server->expires_ms};
    struct store_batch *batch = store_batch_new();
    store_update_server(batch, server, server->version);
    store_retire_url_tokens(batch, server->id, rotation->old_ends_ms);
    store_insert_url_token(batch, &token);
    store_commit(admin->gateway->parts.store, batch, on_server_rotated, rotation);
}
