/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is asked for what. An MCP URL is judged in this order: origin and host, the URL's
 * token, the method, the second factor; only then is a byte of JSON-RPC looked at.
 */
#include "core/server.h"

#include "auth/principal.h"
#include "base/text.h"
#include "core/accounts.h"
#include "core/admin.h"
#include "core/catalogs.h"
#include "core/connect.h"
#include "core/coordinator.h"
#include "core/cors.h"
#include "core/gateway.h"
#include "core/mcp.h"
#include "core/metrics.h"
#include "core/origin.h"
#include "core/servers.h"

struct visit {
    struct gateway *gateway;
    struct http_exchange *exchange;
    const struct http_request *request;
    struct arena *arena;
    bool is_second; /* after a look at the catalog's files */
};

static void respond(const struct visit *visit, int status, struct slice type,
                    struct slice body, const struct http_field *extra)
{
    struct http_field fields[3] = {{SLICE("Content-Type"), type},
                                   {SLICE("Cache-Control"), SLICE("no-store")}};
    size_t count = 2;
    if (extra != NULL) {
        fields[count++] = *extra;
    }
    struct http_response response = {status, fields, count, body};
    metrics_http(visit->gateway->metrics, status);
    http_respond(visit->exchange, &response);
}

static void respond_error(const struct visit *visit, enum err err, struct slice message,
                          const struct http_field *extra)
{
    struct slice json = arena_printf(
        visit->arena,
        "{\"error\":{\"code\":\"%s\",\"message\":\"%.*s\",\"request_id\":\"%.*s\"}}",
        err_code(err), SLICE_ARG(message),
        SLICE_ARG(text_new_id_from(&visit->gateway->random, visit->arena, "req_")));
    respond(visit, err_http_status(err), SLICE("application/json"), json, extra);
}

/* ---- MCP URLs ---- */

/* The one segment after /mcp/, whatever it looks like; false when there are more. */
static bool url_token(struct slice path, struct slice *token)
{
    struct slice prefix = SLICE("/mcp/");
    if (!slice_starts(path, prefix)) {
        return false;
    }
    *token = slice_from(path, prefix.len);
    return slice_find(*token, '/') < 0;
}

static bool second_factor_fits(const struct visit *visit, struct slice tenant,
                               bool *sent)
{
    struct gateway *gateway = visit->gateway;
    const struct http_field *field =
        http_request_field(visit->request, "authorization");
    struct principal who;
    *sent = field != NULL;
    enum err err = principal_by_bearer(gateway->parts.keys, gateway->parts.store,
                                       field != NULL ? field->value : SLICE_EMPTY,
                                       gateway_wall_ms(gateway), visit->arena, &who);
    return err == ERR_OK && who.role == ROLE_CALL && slice_eq(who.tenant, tenant);
}

static void refuse_second_factor(const struct visit *visit, bool sent)
{
    struct http_field challenge = {
        SLICE("WWW-Authenticate"),
        sent ? SLICE("Bearer realm=\"mcp\", error=\"invalid_token\"")
             : SLICE("Bearer realm=\"mcp\"")};
    respond(visit, 401, SLICE("text/plain; charset=utf-8"),
            SLICE("This MCP URL also needs an API token of the role \"call\" of its "
                  "tenant: send it as Authorization: Bearer <token>.\n"),
            &challenge);
}

/* A visit whose account cannot be served from the catalog in force. */
struct second_visit {
    struct visit visit;
    struct slice token;
    struct catalogs_wait wait;
};

static void handle_mcp(const struct visit *visit, struct slice token);

static void on_catalog(void *ctx)
{
    struct second_visit *second = ctx;
    handle_mcp(&second->visit, second->token);
}

/* True: the files have changed, and the visit begins anew when they are read. */
static bool comes_again(const struct visit *visit, struct slice token)
{
    struct second_visit *second = arena_alloc(visit->arena, sizeof *second);
    second->visit = *visit;
    second->visit.is_second = true;
    second->token = token;
    second->wait.on_ready = on_catalog;
    second->wait.ctx = second;
    return !visit->is_second && !catalogs_look(visit->gateway->catalogs, &second->wait);
}

/* Holds both; false after an answer, or when that comes later. */
static bool find_server(const struct visit *visit, struct slice token,
                        const struct store_server *record, struct account **account,
                        struct server **server)
{
    struct gateway *gateway = visit->gateway;
    enum err err = accounts_get(gateway->accounts, record->account, account);
    if (err == ERR_NOT_FOUND) {
        mcp_respond_unauthorized(gateway, visit->exchange);
        return false;
    }
    if (err == ERR_OK) {
        err = servers_get(gateway->servers, record, server);
        if (err != ERR_OK) {
            account_drop(*account);
        }
    }
    if (err != ERR_OK && comes_again(visit, token)) {
        return false;
    }
    if (err != ERR_OK) {
        log_event(gateway->parts.log, LOG_ERROR, "mcp_server_unusable",
                  LOG_ID(mcp_server, record->id), LOG_NAME(cause, err_code(err)));
        respond_error(visit, ERR_INTERNAL,
                      SLICE("This MCP server cannot be used right now."), NULL);
        return false;
    }
    return true;
}

static void handle_mcp(const struct visit *visit, struct slice token)
{
    struct gateway *gateway = visit->gateway;
    struct store_server record;
    struct account *account = NULL;
    struct server *server = NULL;
    bool sent = false;
    enum err err = principal_by_url(gateway->parts.keys, gateway->parts.store, token,
                                    gateway_wall_ms(gateway), visit->arena, &record);
    if (err == ERR_UNAUTHORIZED) {
        mcp_respond_unauthorized(gateway, visit->exchange);
        return;
    }
    if (err != ERR_OK) {
        respond_error(visit, err, slice_str(err_sentence(err)), NULL);
        return;
    }
    if (!slice_is(visit->request->method, "POST")) {
        struct http_field allow = {SLICE("Allow"), SLICE("POST, OPTIONS")};
        respond_error(
            visit, ERR_METHOD_NOT_ALLOWED,
            SLICE("An MCP URL takes POST; it holds no stream open and no session."),
            &allow);
        return;
    }
    if (!find_server(visit, token, &record, &account, &server)) {
        return;
    }
    if (server->config.require_api_token_auth &&
        !second_factor_fits(visit, account->record.tenant, &sent)) {
        account_drop(account);
        server_drop(server);
        refuse_second_factor(visit, sent);
        return;
    }
    mcp_handle(gateway, visit->exchange, account, server,
               text_new_id_from(&visit->gateway->random, visit->arena, "req_"),
               &record);
}

/* ---- Health and metrics ---- */

static void handle_ready(const struct visit *visit)
{
    struct gateway *gateway = visit->gateway;
    if (gateway->draining || store_check(gateway->parts.store) != ERR_OK) {
        respond(visit, 503, SLICE("application/json"),
                gateway->draining ? SLICE("{\"ready\":false,\"cause\":\"draining\"}")
                                  : SLICE("{\"ready\":false,\"cause\":\"store\"}"),
                NULL);
        return;
    }
    if (gateway->coordinator != NULL) {
        struct coordinator_view view = coordinator_look(gateway->coordinator);
        /* In whole seconds: workers that stand alike answer alike. */
        long long left_ms = (view.lender.left_ms + 999) / 1000 * 1000;
        struct slice body =
            arena_printf(visit->arena,
                         "{\"ready\":true,\"coordination\":\"%s\","
                         "\"cause\":\"%s\",\"left_ms\":%lld}",
                         lender_state_name(view.lender.state), view.cause, left_ms);
        respond(visit, 200, SLICE("application/json"), body, NULL);
        return;
    }
    respond(visit, 200, SLICE("application/json"), SLICE("{\"ready\":true}"), NULL);
}

static bool may_see_metrics(const struct visit *visit)
{
    struct gateway *gateway = visit->gateway;
    const struct http_field *field =
        http_request_field(visit->request, "authorization");
    struct principal who;
    if (origin_is_local(visit->request)) {
        return true;
    }
    return field != NULL &&
           principal_by_bearer(gateway->parts.keys, gateway->parts.store, field->value,
                               gateway_wall_ms(gateway), visit->arena,
                               &who) == ERR_OK &&
           who.role == ROLE_ADMIN;
}

static void handle_metrics(const struct visit *visit)
{
    struct buf text;
    if (!may_see_metrics(visit)) {
        respond_error(
            visit, ERR_UNAUTHORIZED,
            SLICE("From elsewhere than loopback, metrics need an admin token."), NULL);
        return;
    }
    buf_init(&text, 1024 * 1024);
    metrics_write(visit->gateway, &text);
    respond(visit, 200, SLICE("text/plain; version=0.0.4; charset=utf-8"),
            buf_slice(&text), NULL);
    buf_free(&text);
}

/* ---- The way in ---- */

/* Where clients look for a login after a 401, when no metadata says where it is. What they
 * find here is shown to their user. */
static bool is_oauth(struct slice path)
{
    return slice_is(path, "/register") || slice_is(path, "/authorize") ||
           slice_is(path, "/token");
}

static bool is_read(const struct http_request *request)
{
    return slice_is(request->method, "GET") || slice_is(request->method, "HEAD");
}

static bool handle_public(const struct visit *visit)
{
    struct slice path = visit->request->path;
    bool healthz = slice_is(path, "/healthz");
    bool readyz = slice_is(path, "/readyz");
    bool metrics = slice_is(path, "/metrics");
    if (!healthz && !readyz && !metrics) {
        return false;
    }
    if (!is_read(visit->request)) {
        struct http_field allow = {SLICE("Allow"), SLICE("GET, HEAD")};
        respond_error(visit, ERR_METHOD_NOT_ALLOWED,
                      SLICE("This path is read with GET."), &allow);
    } else if (healthz) {
        respond(visit, 200, SLICE("application/json"), SLICE("{\"ok\":true}"), NULL);
    } else if (readyz) {
        handle_ready(visit);
    } else {
        handle_metrics(visit);
    }
    return true;
}

/* GET and DELETE are named at an MCP URL so that clients of older revisions may read our
 * 405 to them. */
static void answer_options(const struct visit *visit)
{
    bool is_mcp = slice_starts(visit->request->path, SLICE("/mcp"));
    struct slice all = SLICE("GET, POST, PUT, PATCH, DELETE, OPTIONS");
    metrics_http(visit->gateway->metrics, 204);
    cors_answer_options(visit->exchange, is_mcp ? SLICE("POST, OPTIONS") : all,
                        is_mcp ? SLICE("POST, OPTIONS, GET, DELETE") : all);
}

void server_handle(void *ctx, struct http_exchange *exchange)
{
    struct gateway *gateway = ctx;
    struct visit visit = {gateway, exchange, http_exchange_request(exchange),
                          http_exchange_arena(exchange), false};
    struct slice token;
    if (handle_public(&visit)) {
        return;
    }
    if (origin_host_allowed(gateway->parts.config, visit.request) &&
        connect_is_path(visit.request->path)) {
        connect_handle(gateway, exchange);
        return;
    }
    if (!origin_host_allowed(gateway->parts.config, visit.request) ||
        !origin_allowed(gateway->parts.config, visit.request)) {
        respond_error(
            &visit, ERR_FORBIDDEN,
            SLICE("This Host or Origin is not one this server serves; the operator "
                  "sets server.public_url and server.allowed_origins."),
            NULL);
        return;
    }
    cors_allow(exchange);
    if (slice_is(visit.request->method, "OPTIONS")) {
        answer_options(&visit);
        return;
    }
    if (url_token(visit.request->path, &token)) {
        handle_mcp(&visit, token);
        return;
    }
    if (is_oauth(visit.request->path)) {
        respond(
            &visit, 404, SLICE("text/plain; charset=utf-8"),
            SLICE("There is no OAuth here: an MCP URL of this server carries its own "
                  "secret. A client that was sent on to log in has a URL that is "
                  "unknown, has expired or was revoked; ask the administrator of "
                  "this server for a new one.\n"),
            NULL);
        return;
    }
    /* Clients probe these with the secret in the path: not looked up, not told apart.
     */
    if (slice_starts(visit.request->path, SLICE("/mcp")) ||
        slice_starts(visit.request->path, SLICE("/.well-known/"))) {
        respond_error(&visit, ERR_NOT_FOUND, SLICE("There is nothing here."), NULL);
        return;
    }
    admin_handle(gateway, exchange,
                 text_new_id_from(&gateway->random, visit.arena, "req_"));
}
