/* SPDX-License-Identifier: Apache-2.0 */
/* The management API: who may call what, and the way of a request to its handler. */
#include "core/admin.h"

#include "base/limits.h"
#include "base/text.h"
#include "core/admin_private.h"
#include "core/metrics.h"

enum body_need { BODY_NONE, BODY_OBJECT, BODY_OR_NOTHING };

static const struct route {
    const char *name;          /* for the log */
    const char *method, *path; /* {} stands for an id, {scheme} for its name */
    enum role least;           /* ROLE_ADMIN, or ROLE_TENANT for both */
    enum body_need body;
    void (*run)(struct admin *admin);
} routes[] = {
    {"create_account", "POST", "/integrated-account", ROLE_TENANT, BODY_OBJECT,
     admin_create_account},
    {"list_accounts", "GET", "/integrated-account", ROLE_TENANT, BODY_NONE,
     admin_list_accounts},
    {"get_account", "GET", "/integrated-account/{}", ROLE_TENANT, BODY_NONE,
     admin_get_account},
    {"patch_account", "PATCH", "/integrated-account/{}", ROLE_TENANT, BODY_OBJECT,
     admin_patch_account},
    {"delete_account", "DELETE", "/integrated-account/{}", ROLE_TENANT, BODY_NONE,
     admin_delete_account},
    {"get_catalog", "GET", "/integrated-account/{}/catalog", ROLE_TENANT, BODY_NONE,
     admin_get_catalog},
    {"list_auth", "GET", "/integrated-account/{}/auth", ROLE_TENANT, BODY_NONE,
     admin_list_auth},
    {"put_auth", "PUT", "/integrated-account/{}/auth/{scheme}", ROLE_TENANT,
     BODY_OBJECT, admin_put_auth},
    {"delete_auth", "DELETE", "/integrated-account/{}/auth/{scheme}", ROLE_TENANT,
     BODY_NONE, admin_delete_auth},
    {"verify_auth", "POST", "/integrated-account/{}/auth/{scheme}/verify", ROLE_TENANT,
     BODY_OR_NOTHING, admin_verify_auth},
    {"switch_auth", "POST", "/integrated-account/{}/auth/{scheme}/switch", ROLE_TENANT,
     BODY_OR_NOTHING, admin_switch_auth},
    {"verify_account", "POST", "/integrated-account/{}/verify", ROLE_TENANT,
     BODY_OR_NOTHING, admin_verify_account},
    {"create_server", "POST", "/integrated-account/{}/mcp", ROLE_TENANT, BODY_OBJECT,
     admin_create_server},
    {"list_servers", "GET", "/integrated-account/{}/mcp", ROLE_TENANT, BODY_NONE,
     admin_list_servers},
    {"get_server", "GET", "/integrated-account/{}/mcp/{}", ROLE_TENANT, BODY_NONE,
     admin_get_server},
    {"patch_server", "PATCH", "/integrated-account/{}/mcp/{}", ROLE_TENANT, BODY_OBJECT,
     admin_patch_server},
    {"delete_server", "DELETE", "/integrated-account/{}/mcp/{}", ROLE_TENANT, BODY_NONE,
     admin_delete_server},
    {"rotate_server", "POST", "/integrated-account/{}/mcp/{}/rotate", ROLE_TENANT,
     BODY_OR_NOTHING, admin_rotate_server},
    {"create_connect_session", "POST", "/connect-session", ROLE_TENANT, BODY_OBJECT,
     admin_create_connect_session},
    {"get_connect_session", "GET", "/connect-session/{}", ROLE_TENANT, BODY_NONE,
     admin_get_connect_session},
    {"create_token", "POST", "/api-token", ROLE_ADMIN, BODY_OBJECT, admin_create_token},
    {"list_tokens", "GET", "/api-token", ROLE_ADMIN, BODY_NONE, admin_list_tokens},
    {"delete_token", "DELETE", "/api-token/{}", ROLE_ADMIN, BODY_NONE,
     admin_delete_token},
    {"list_lanes", "GET", "/lanes", ROLE_TENANT, BODY_NONE, admin_list_lanes},
    {"watch_lanes", "GET", "/lanes/events", ROLE_TENANT, BODY_NONE, admin_watch_lanes},
    {"get_lane", "GET", "/lanes/{}", ROLE_TENANT, BODY_NONE, admin_get_lane},
    {"pause_lane", "POST", "/lanes/{}/pause", ROLE_ADMIN, BODY_NONE, admin_pause_lane},
    {"resume_lane", "POST", "/lanes/{}/resume", ROLE_ADMIN, BODY_NONE,
     admin_resume_lane},
    {"drain_lane", "POST", "/lanes/{}/drain", ROLE_ADMIN, BODY_NONE, admin_drain_lane},
    {"kick_lane", "POST", "/lanes/{}/kick", ROLE_ADMIN, BODY_NONE, admin_kick_lane},
    {"patch_lane", "PATCH", "/lanes/{}", ROLE_ADMIN, BODY_OBJECT, admin_patch_lane},
    {"get_tenant", "GET", "/tenant/{}", ROLE_TENANT, BODY_NONE, admin_get_tenant},
    {"patch_tenant", "PATCH", "/tenant/{}", ROLE_ADMIN, BODY_OBJECT,
     admin_patch_tenant},
    {"list_environments", "GET", "/environment", ROLE_ADMIN, BODY_NONE,
     admin_list_environments},
    {"get_environment", "GET", "/environment/{}", ROLE_ADMIN, BODY_NONE,
     admin_get_environment},
    {"patch_environment", "PATCH", "/environment/{}", ROLE_ADMIN, BODY_OBJECT,
     admin_patch_environment},
    {"get_overrides", "GET", "/environment/{}/overrides", ROLE_ADMIN, BODY_NONE,
     admin_get_environment},
    {"put_overrides", "PUT", "/environment/{}/overrides", ROLE_ADMIN, BODY_OBJECT,
     admin_put_overrides},
    {"get_vault", "GET", "/vault", ROLE_ADMIN, BODY_NONE, admin_get_vault},
    {"reload_vault", "POST", "/vault/reload", ROLE_ADMIN, BODY_OR_NOTHING,
     admin_reload_vault},
    {"create_webhook", "POST", "/webhook-endpoint", ROLE_ADMIN, BODY_OBJECT,
     admin_create_endpoint},
    {"list_webhooks", "GET", "/webhook-endpoint", ROLE_ADMIN, BODY_NONE,
     admin_list_endpoints},
    {"get_webhook", "GET", "/webhook-endpoint/{}", ROLE_ADMIN, BODY_NONE,
     admin_get_endpoint},
    {"patch_webhook", "PATCH", "/webhook-endpoint/{}", ROLE_ADMIN, BODY_OBJECT,
     admin_patch_endpoint},
    {"delete_webhook", "DELETE", "/webhook-endpoint/{}", ROLE_ADMIN, BODY_NONE,
     admin_delete_endpoint},
    {"rotate_webhook", "POST", "/webhook-endpoint/{}/rotate-secret", ROLE_ADMIN,
     BODY_OR_NOTHING, admin_rotate_endpoint},
    {"test_webhook", "POST", "/webhook-endpoint/{}/test", ROLE_ADMIN, BODY_OR_NOTHING,
     admin_test_endpoint},
    {"list_deliveries", "GET", "/webhook-endpoint/{}/deliveries", ROLE_ADMIN, BODY_NONE,
     admin_list_deliveries},
};
#define ROUTE_COUNT (sizeof routes / sizeof routes[0])

static struct slice next_segment(struct slice *path)
{
    struct slice rest = slice_from(*path, 1); /* without the slash */
    ptrdiff_t end = slice_find(rest, '/');
    struct slice segment = end < 0 ? rest : slice_of(rest.ptr, (size_t)end);
    *path = end < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)end);
    return segment;
}

static bool path_fits(struct admin *admin, const char *pattern, struct slice path)
{
    struct slice want = slice_str(pattern);
    size_t ids = 0;
    while (want.len > 0 && path.len > 0) {
        struct slice expected = next_segment(&want);
        struct slice given = next_segment(&path);
        struct slice *place = NULL;
        if (slice_is(expected, "{}")) {
            place = &admin->ids[ids++];
        } else if (slice_is(expected, "{scheme}")) {
            place = &admin->scheme;
        } else if (!slice_eq(expected, given)) {
            return false;
        }
        if (place != NULL && (given.len == 0 || given.len > 512 ||
                              !text_unpercent(admin->arena, given, place))) {
            return false;
        }
    }
    return want.len == 0 && path.len == 0;
}

static void unauthorized(struct admin *admin)
{
    struct http_field challenge = {SLICE("WWW-Authenticate"),
                                   SLICE("Bearer realm=\"sluice\"")};
    struct fault fault = {
        .err = ERR_UNAUTHORIZED,
        .hint = SLICE("Send Authorization: Bearer <API token>; the command "
                      "\"sluice token create\" makes one.")};
    admin_fault_with(admin, &fault, &challenge);
}

static void method_not_allowed(struct admin *admin, struct slice path)
{
    struct slice methods = SLICE_EMPTY;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (path_fits(admin, routes[i].path, path)) {
            methods = arena_printf(admin->arena, "%.*s%s%s", SLICE_ARG(methods),
                                   methods.len > 0 ? ", " : "", routes[i].method);
        }
    }
    struct http_field allow = {SLICE("Allow"), methods};
    struct fault fault = {.err = ERR_METHOD_NOT_ALLOWED};
    admin_fault_with(admin, &fault, &allow);
}

static const struct route *
find_route(struct admin *admin, const struct http_request *request, bool *path_known)
{
    *path_known = false;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (path_fits(admin, routes[i].path, request->path)) {
            *path_known = true;
            if (slice_is(request->method, routes[i].method)) {
                return &routes[i];
            }
        }
    }
    return NULL;
}

static bool read_body(struct admin *admin, const struct http_request *request)
{
    struct jval *body = NULL;
    size_t offset = 0;
    if (request->body.len > LIMIT_ADMIN_BODY_BYTES) {
        admin_error(admin, ERR_TOO_LARGE, SLICE("The body is larger than 256 KiB."));
        return false;
    }
    enum err err = jval_parse(admin->arena, request->body, &body, &offset);
    if (err == ERR_TOO_LARGE) {
        admin_error(admin, err,
                    SLICE("The body is nested deeper, or has more values, than this "
                          "server reads."));
        return false;
    }
    if (err != ERR_OK) {
        admin_error(
            admin, ERR_PARSE,
            arena_printf(admin->arena, "The body is not JSON (at byte %zu).", offset));
        return false;
    }
    if (body->type != JVAL_OBJECT) {
        admin_error(admin, ERR_BAD_REQUEST, SLICE("The body has to be a JSON object."));
        return false;
    }
    admin->body = body;
    return true;
}

static void on_catalog(void *ctx)
{
    struct admin *admin = ctx;
    admin->run(admin);
}

/* An operator who adds a tool may name it in the next request. */
static void run_when_settled(struct admin *admin, void (*run)(struct admin *admin))
{
    admin->run = run;
    admin->wait.on_ready = on_catalog;
    admin->wait.ctx = admin;
    if (catalogs_look(admin->gateway->catalogs, &admin->wait)) {
        run(admin);
    }
}

void admin_handle(struct gateway *gateway, struct http_exchange *exchange,
                  struct slice request_id)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct arena *arena = http_exchange_arena(exchange);
    struct admin *admin = arena_alloc(arena, sizeof *admin);
    admin->gateway = gateway;
    admin->exchange = exchange;
    admin->arena = arena;
    admin->request_id = request_id;
    const struct http_field *authorization =
        http_request_field(request, "authorization");
    enum err err =
        principal_by_bearer(gateway->parts.keys, gateway->parts.store,
                            authorization != NULL ? authorization->value : SLICE_EMPTY,
                            gateway_wall_ms(gateway), arena, &admin->who);
    if (err == ERR_UNAUTHORIZED) {
        unauthorized(admin);
        return;
    }
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    bool path_known = false;
    const struct route *route = find_route(admin, request, &path_known);
    if (route == NULL && path_known) {
        method_not_allowed(admin, request->path);
        return;
    }
    if (route == NULL) {
        admin_error(admin, ERR_NOT_FOUND, SLICE("There is no such path."));
        return;
    }
    if (admin->who.role == ROLE_CALL || admin->who.role > route->least) {
        admin_error(admin, ERR_FORBIDDEN, SLICE_EMPTY);
        return;
    }
    bool is_bare = route->body == BODY_OR_NOTHING && request->body.len == 0;
    if (is_bare) {
        admin->body = jval_new_object(arena, 0);
    } else if (route->body != BODY_NONE && !read_body(admin, request)) {
        return;
    }
    admin->route = route->name;
    run_when_settled(admin, route->run);
}
