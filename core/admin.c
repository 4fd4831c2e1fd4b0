/* SPDX-License-Identifier: Apache-2.0 */
/* The management API: who may call what, and the small questions every handler asks. */
#include "core/admin.h"

#include <stdio.h>

#include "base/jmerge.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/timefmt.h"
#include "core/admin_private.h"
#include "core/metrics.h"

#define EXPIRY_AHEAD_MS 60000

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

/* ---- Answering ---- */

struct buf admin_buf(void)
{
    struct buf buf;
    buf_init(&buf, ADMIN_REPLY_BYTES);
    return buf;
}

/* The other routes are about a tenant, a lane, a token, an environment. */
static bool is_of_account(const struct admin *admin)
{
    return slice_starts(http_exchange_request(admin->exchange)->path,
                        SLICE("/integrated-account"));
}

static void respond(struct admin *admin, int status, struct slice body,
                    const struct http_field *extra)
{
    struct http_field fields[4];
    size_t count = 0;
    if (body.len > 0) {
        fields[count++] =
            (struct http_field){SLICE("Content-Type"), SLICE("application/json")};
    }
    fields[count++] = (struct http_field){SLICE("Cache-Control"), SLICE("no-store")};
    fields[count++] = (struct http_field){SLICE("X-Request-Id"), admin->request_id};
    if (extra != NULL) {
        fields[count++] = *extra;
    }
    struct http_response response = {status, fields, count, body};
    metrics_http(admin->gateway->metrics, status);
    log_event(admin->gateway->parts.log, LOG_INFO, "admin_call",
              LOG_ID(request_id, admin->request_id),
              LOG_ID(token_id, admin->who.token_id),
              LOG_NAME(route, admin->route != NULL ? admin->route : "none"),
              is_of_account(admin) ? LOG_ID(account, admin->ids[0])
                                   : LOG_ID(subject, admin->ids[0]),
              LOG_ID(mcp_server, admin->ids[1]), LOG_INT(http_status, status));
    http_respond(admin->exchange, &response);
}

void admin_respond(struct admin *admin, int status, const struct buf *json)
{
    respond(admin, status, buf_slice(json), NULL);
}

void admin_no_content(struct admin *admin)
{
    respond(admin, 204, SLICE_EMPTY, NULL);
}

static void write_details(struct jwriter *writer, const struct fault *fault)
{
    jwriter_key(writer, SLICE("details"));
    jwriter_array(writer);
    for (size_t i = 0; i < fault->detail_count; i++) {
        jwriter_object(writer);
        jwriter_member_string(writer, "pointer", fault->details[i].pointer);
        jwriter_member_string(writer, "message", fault->details[i].message);
        jwriter_object_end(writer);
    }
    jwriter_array_end(writer);
}

static void respond_fault(struct admin *admin, const struct fault *fault,
                          const struct http_field *extra)
{
    struct slice message =
        fault->message.len > 0 ? fault->message : slice_str(err_sentence(fault->err));
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_key(&writer, SLICE("error"));
    jwriter_object(&writer);
    jwriter_member_string(&writer, "code", slice_str(err_code(fault->err)));
    jwriter_member_string(&writer, "message", message);
    if (fault->hint.len > 0) {
        jwriter_member_string(&writer, "hint", fault->hint);
    }
    if (fault->detail_count > 0) {
        write_details(&writer, fault);
    }
    if (fault->upstream.status > 0) {
        jwriter_key(&writer, SLICE("upstream"));
        jwriter_object(&writer);
        jwriter_member_int(&writer, "status", fault->upstream.status);
        jwriter_member_string(&writer, "code", fault->upstream.code);
        jwriter_member_string(&writer, "message", fault->upstream.message);
        jwriter_object_end(&writer);
    }
    jwriter_member_string(&writer, "request_id", admin->request_id);
    jwriter_object_end(&writer);
    jwriter_object_end(&writer);
    respond(admin, err_http_status(fault->err), buf_slice(&json), extra);
    buf_free(&json);
}

void admin_fault(struct admin *admin, const struct fault *fault)
{
    respond_fault(admin, fault, NULL);
}

void admin_error(struct admin *admin, enum err err, struct slice message)
{
    struct fault fault = {.err = err, .message = message};
    respond_fault(admin, &fault, NULL);
}

static void unauthorized(struct admin *admin)
{
    struct http_field challenge = {SLICE("WWW-Authenticate"),
                                   SLICE("Bearer realm=\"sluice\"")};
    struct fault fault = {
        .err = ERR_UNAUTHORIZED,
        .hint = SLICE("Send Authorization: Bearer <API token>; the command "
                      "\"sluice token create\" makes one.")};
    respond_fault(admin, &fault, &challenge);
}

bool admin_unprocessable(struct admin *admin, struct slice pointer, const char *message)
{
    struct fault_detail detail = {pointer, slice_str(message)};
    struct fault fault = {
        .err = ERR_UNPROCESSABLE,
        .message = arena_printf(admin->arena, "%.*s: %s", SLICE_ARG(pointer), message),
        .details = &detail,
        .detail_count = 1,
    };
    respond_fault(admin, &fault, NULL);
    return false;
}

/* ---- Asking ---- */

bool admin_may_touch(const struct admin *admin, struct slice tenant)
{
    return admin->who.role == ROLE_ADMIN || slice_eq(admin->who.tenant, tenant);
}

struct slice admin_query(const struct admin *admin, const char *name)
{
    struct slice rest = http_exchange_request(admin->exchange)->query;
    while (rest.len > 0) {
        ptrdiff_t end = slice_find(rest, '&');
        struct slice pair = end < 0 ? rest : slice_of(rest.ptr, (size_t)end);
        rest = end < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)end + 1);
        ptrdiff_t equals = slice_find(pair, '=');
        size_t name_len = equals < 0 ? pair.len : (size_t)equals;
        struct slice value = SLICE_EMPTY;
        if (slice_is(slice_of(pair.ptr, name_len), name) &&
            text_unpercent(admin->arena, slice_from(pair, name_len + 1), &value)) {
            return value;
        }
    }
    return SLICE_EMPTY;
}

bool admin_page(struct admin *admin, size_t *limit, struct slice *after)
{
    struct slice text = admin_query(admin, "limit");
    unsigned long long value = 50;
    if (text.len > 0 &&
        (!slice_to_u64(text, &value) || value < 1 || value > LIMIT_PAGE)) {
        return admin_unprocessable(admin, SLICE("?limit"),
                                   "a whole number from 1 to 200 is needed");
    }
    *limit = (size_t)value;
    *after = admin_query(admin, "cursor");
    return true;
}

void admin_page_begin(struct jwriter *writer, struct buf *json)
{
    jwriter_init(writer, json);
    jwriter_object(writer);
    jwriter_key(writer, SLICE("data"));
    jwriter_array(writer);
}

void admin_page_end(struct admin *admin, struct jwriter *writer, struct slice next)
{
    jwriter_array_end(writer);
    jwriter_key(writer, SLICE("next_cursor"));
    if (next.len > 0) {
        jwriter_string(writer, next);
    } else {
        jwriter_null(writer);
    }
    jwriter_object_end(writer);
    struct buf *json = writer->out;
    admin_respond(admin, 200, json);
    buf_free(json);
}

bool admin_only(struct admin *admin, const char *const *allowed)
{
    for (size_t i = 0; i < admin->body->count; i++) {
        struct slice name = admin->body->members[i].name;
        size_t k = 0;
        while (allowed[k] != NULL && !slice_is(name, allowed[k])) {
            k++;
        }
        if (allowed[k] == NULL) {
            size_t shown = name.len < 40 ? name.len : 40;
            return admin_unprocessable(
                admin, arena_printf(admin->arena, "/%.*s", (int)shown, name.ptr),
                "there is no such member");
        }
    }
    return true;
}

bool admin_text(struct admin *admin, const char *name, bool required, size_t max,
                struct slice *out)
{
    const struct jval *value = jval_get(admin->body, name);
    struct slice pointer = arena_printf(admin->arena, "/%s", name);
    *out = SLICE_EMPTY;
    if (value == NULL) {
        return required ? admin_unprocessable(admin, pointer, "is needed") : true;
    }
    if (value->type != JVAL_STRING || value->text.len == 0 || value->text.len > max) {
        struct slice message =
            arena_printf(admin->arena, "a text of 1 to %zu bytes is needed", max);
        return admin_unprocessable(admin, pointer, message.ptr);
    }
    *out = value->text;
    return true;
}

bool admin_is_name(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':' ||
                     c == '-';
        if (!plain) {
            return false;
        }
    }
    return text.len > 0 && text.len <= ADMIN_NAME_BYTES;
}

bool admin_name(struct admin *admin, const char *name, bool required, struct slice *out)
{
    if (!admin_text(admin, name, required, ADMIN_NAME_BYTES, out)) {
        return false;
    }
    if (out->len > 0 && !admin_is_name(*out)) {
        return admin_unprocessable(admin, arena_printf(admin->arena, "/%s", name),
                                   "letters, digits and _ . : - are allowed");
    }
    return true;
}

bool admin_ceiling(struct admin *admin, const struct jval *object, const char *pointer,
                   int *out)
{
    const struct jval *value = jval_get(object, "ceiling");
    long long number = 0;
    *out = 0;
    if (object == NULL || object->type != JVAL_OBJECT || object->count != 1 ||
        value == NULL) {
        return admin_unprocessable(admin, slice_str(pointer),
                                   "an object with ceiling is needed");
    }
    if (value->type == JVAL_NULL) {
        return true;
    }
    if (!jval_int64(value, &number) || number < 1 || number > LIMIT_CEILING) {
        return admin_unprocessable(
            admin, arena_printf(admin->arena, "%s/ceiling", pointer),
            "a whole number from 1 to 1000, or null for none, is needed");
    }
    *out = (int)number;
    return true;
}

bool admin_number(struct admin *admin, const char *name, long long least,
                  long long most, long long otherwise, long long *out)
{
    const struct jval *value = jval_get(admin->body, name);
    *out = otherwise;
    if (value == NULL || (jval_int64(value, out) && *out >= least && *out <= most)) {
        return true;
    }
    struct slice message = arena_printf(
        admin->arena, "a whole number from %lld to %lld is needed", least, most);
    return admin_unprocessable(admin, arena_printf(admin->arena, "/%s", name),
                               message.ptr);
}

const struct jval *admin_merge(struct admin *admin, const char *name,
                               struct slice stored)
{
    static const struct jval nothing = {.type = JVAL_OBJECT};
    const struct jval *patch = jval_get(admin->body, name);
    struct jval *before = NULL;
    if (stored.len > 0 && jval_parse(admin->arena, stored, &before, NULL) != ERR_OK) {
        admin_error(admin, ERR_INTERNAL, SLICE_EMPTY);
        return NULL;
    }
    if (patch == NULL) {
        return before != NULL ? before : &nothing;
    }
    if (patch->type == JVAL_NULL) {
        return &nothing;
    }
    if (patch->type != JVAL_OBJECT) {
        admin_unprocessable(admin, arena_printf(admin->arena, "/%s", name),
                            "an object, or null for an empty one, is needed");
        return NULL;
    }
    return jmerge(admin->arena, before, patch);
}

bool admin_expires_at(struct admin *admin, enum admin_expiry *kind, int64_t *at_ms)
{
    const struct jval *value = jval_get(admin->body, "expires_at");
    *kind = EXPIRY_ABSENT;
    *at_ms = 0;
    if (value == NULL) {
        return true;
    }
    if (value->type == JVAL_NULL) {
        *kind = EXPIRY_NEVER;
        return true;
    }
    if (value->type != JVAL_STRING || !timefmt_parse(value->text, at_ms)) {
        return admin_unprocessable(
            admin, SLICE("/expires_at"),
            "a time such as 2027-01-31T12:00:00Z, or null for never, is needed");
    }
    if (*at_ms < gateway_wall_ms(admin->gateway) + EXPIRY_AHEAD_MS) {
        return admin_unprocessable(admin, SLICE("/expires_at"),
                                   "lies less than 60 seconds ahead");
    }
    *kind = EXPIRY_AT;
    return true;
}

void admin_text_or_null(struct jwriter *writer, const char *name, struct slice text)
{
    jwriter_key(writer, slice_str(name));
    if (text.len > 0) {
        jwriter_string(writer, text);
    } else {
        jwriter_null(writer);
    }
}

void admin_time(struct jwriter *writer, const char *name, int64_t wall_ms)
{
    char text[TIMEFMT_BYTES];
    jwriter_key(writer, slice_str(name));
    if (wall_ms == 0) {
        jwriter_null(writer);
        return;
    }
    timefmt_utc(wall_ms, text);
    jwriter_string(writer, slice_str(text));
}

struct slice admin_json(struct arena *arena, const struct jval *value)
{
    struct slice text = SLICE_EMPTY;
    /* It came in a body of LIMIT_ADMIN_BODY_BYTES; escapes make a few times that of it. */
    REQUIRE(jwriter_text(arena, value, ADMIN_REPLY_BYTES, &text) == ERR_OK);
    return text;
}

bool admin_load_account(struct admin *admin, struct store_account *out)
{
    enum err err = store_get_account(admin->gateway->parts.store, admin->ids[0],
                                     admin->arena, out);
    if (err == ERR_OK && admin_may_touch(admin, out->tenant)) {
        return true;
    }
    /* Another tenant's account looks exactly like none. */
    admin_error(admin, err == ERR_IO ? ERR_IO : ERR_NOT_FOUND,
                err == ERR_IO ? SLICE_EMPTY : SLICE("There is no such account."));
    return false;
}

/* ---- Routing ---- */

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
    respond_fault(admin, &fault, &allow);
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
