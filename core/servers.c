/* SPDX-License-Identifier: Apache-2.0 */
/* MCP servers ready for use, one per id and version. */
#include "core/servers.h"

#include <stdlib.h>

#include "base/ahead.h"
#include "base/map.h"
#include "base/slab.h"

/* What most servers need, in one piece. */
#define SERVER_BYTES 384

struct servers {
    struct map *by_id; /* those kept ready, one hold each */
    struct list ready; /* the same */
    struct slab *slab; /* the servers */
    size_t most;
};

struct servers *servers_new(size_t most)
{
    struct servers *servers = calloc(1, sizeof *servers);
    REQUIRE(servers != NULL);
    servers->by_id = map_new();
    servers->slab = slab_new();
    list_init(&servers->ready);
    servers->most = most;
    return servers;
}

struct server *server_hold(struct server *server)
{
    server->holders++;
    return server;
}

void server_drop(struct server *server)
{
    if (server == NULL) {
        return;
    }
    server->holders--;
    if (server->holders == 0) {
        arena_free(server->arena);
    }
}

static void drop_server(void *ctx, struct slice key, void *value)
{
    (void)ctx;
    (void)key;
    server_drop(value);
}

void servers_free(struct servers *servers)
{
    if (servers == NULL) {
        return;
    }
    map_each(servers->by_id, drop_server, NULL);
    map_free(servers->by_id);
    slab_free(servers->slab);
    free(servers);
}

void servers_forget(struct servers *servers, struct slice id)
{
    struct server *server = map_remove(servers->by_id, id);
    if (server != NULL) {
        list_remove(&server->ready);
        server_drop(server);
    }
}

/* ---- Config ---- */

static enum err refuse(struct arena *arena, struct fault *fault, struct slice member,
                       struct slice message)
{
    fault->err = ERR_UNPROCESSABLE;
    fault->details = arena_alloc(arena, sizeof *fault->details);
    fault->detail_count = 1;
    fault->details[0].pointer = arena_printf(
        arena, "/config%s%.*s", member.len > 0 ? "/" : "", SLICE_ARG(member));
    fault->details[0].message = message;
    fault->message =
        arena_printf(arena, "config%s%.*s: %.*s", member.len > 0 ? "." : "",
                     SLICE_ARG(member), SLICE_ARG(message));
    return ERR_UNPROCESSABLE;
}

static bool read_word(const struct jval *value, const char *yes, const char *no,
                      bool *out)
{
    *out = slice_is(jval_text(value), yes);
    return jval_is(value, JVAL_STRING) && (*out || slice_is(jval_text(value), no));
}

static enum err read_member(const struct jmember *member, struct arena *arena,
                            struct server_config *out, struct fault *fault)
{
    const struct jval *value = &member->value;
    bool batch = false;
    long long weight = 0;
    if (slice_is(member->name, "require_api_token_auth")) {
        if (value->type != JVAL_TRUE && value->type != JVAL_FALSE) {
            return refuse(arena, fault, member->name, SLICE("true or false is needed"));
        }
        out->require_api_token_auth = value->type == JVAL_TRUE;
        return ERR_OK;
    }
    if (slice_is(member->name, "rate_limit_signal")) {
        if (!read_word(value, "tool", "http", &out->rate_limit_in_tool)) {
            return refuse(arena, fault, member->name,
                          SLICE("\"http\" or \"tool\" is needed"));
        }
        return ERR_OK;
    }
    if (slice_is(member->name, "priority")) {
        if (!read_word(value, "batch", "interactive", &batch)) {
            return refuse(arena, fault, member->name,
                          SLICE("\"interactive\" or \"batch\" is needed"));
        }
        out->priority = batch ? GOVERNOR_BATCH : GOVERNOR_INTERACTIVE;
        return ERR_OK;
    }
    if (slice_is(member->name, "weight")) {
        if (!jval_int64(value, &weight) || weight < 1 || weight > GOVERNOR_WEIGHT_MAX) {
            return refuse(arena, fault, member->name,
                          SLICE("a whole number from 1 to 100 is needed"));
        }
        out->weight = (int)weight;
        return ERR_OK;
    }
    if (slice_is(member->name, "methods") || slice_is(member->name, "tags") ||
        slice_is(member->name, "tools")) {
        return ERR_OK; /* filter_compile reads these */
    }
    return refuse(
        arena, fault, SLICE_EMPTY,
        SLICE("methods, tags, tools, require_api_token_auth, rate_limit_signal, "
              "priority and weight are the members it may have"));
}

enum err server_config_parse(const struct jval *config,
                             const struct integration *integration, struct arena *arena,
                             struct server_config *out, struct fault *fault)
{
    *out = (struct server_config){.priority = GOVERNOR_INTERACTIVE, .weight = 1};
    if (config->type != JVAL_OBJECT) {
        return refuse(arena, fault, SLICE_EMPTY, SLICE("an object is needed"));
    }
    for (size_t i = 0; i < config->count; i++) {
        enum err err = read_member(&config->members[i], arena, out, fault);
        if (err != ERR_OK) {
            return err;
        }
    }
    struct schema_problem problem = {SLICE_EMPTY, SLICE_EMPTY};
    enum err err = filter_compile(arena, integration, config, &out->filter, &problem);
    if (err != ERR_OK) {
        struct slice at = slice_from(problem.pointer, 1);
        return refuse(arena, fault, at, problem.message);
    }
    return ERR_OK;
}

static enum err build(struct slab *slab, const struct store_server *record,
                      struct server **out)
{
    struct arena *arena = arena_new_in_slab(slab, SERVER_BYTES);
    struct arena *scratch = arena_new();
    struct server *server = arena_alloc(arena, sizeof *server);
    server->arena = arena;
    server->holders = 1;
    server->id = arena_slice(arena, record->id);
    server->account = arena_slice(arena, record->account);
    server->version = record->version;
    server->ends_ms = record->expires_ms;
    struct jval *config = NULL;
    struct fault fault = {0};
    enum err err = jval_parse(scratch, record->config, &config, NULL);
    if (err == ERR_OK) {
        err = server_config_parse(config, NULL, arena, &server->config, &fault);
    }
    arena_free(scratch); /* filters keep copies */
    if (err != ERR_OK) {
        arena_free(arena);
        return err;
    }
    list_init(&server->ready);
    *out = server;
    return ERR_OK;
}

/* The longest unused that nobody works with; more than the limit only while all are in use. */
static void make_room(struct servers *servers)
{
    if (map_count(servers->by_id) < servers->most) {
        return;
    }
    LIST_FOREACH (node, &servers->ready) {
        struct server *server = LIST_ENTRY(node, struct server, ready);
        if (server->holders == 1) {
            servers_forget(servers, server->id);
            return;
        }
    }
}

enum err servers_get(struct servers *servers, const struct store_server *record,
                     struct server **out)
{
    struct server *server = map_get(servers->by_id, record->id);
    ahead_fetch(server, SERVER_BYTES);
    if (server == NULL || server->version != record->version) {
        enum err err = build(servers->slab, record, &server);
        if (err != ERR_OK) {
            return err;
        }
        servers_forget(servers, record->id); /* an older version */
        make_room(servers);
        map_put(servers->by_id, record->id, server);
    }
    list_remove(&server->ready);
    list_push(&servers->ready, &server->ready);
    *out = server_hold(server);
    return ERR_OK;
}
