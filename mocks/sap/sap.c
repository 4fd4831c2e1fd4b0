/* SPDX-License-Identifier: Apache-2.0 */
/* Routes: token hosts, the destination service and what the proxy refuses stand aside; everything else is an OData V2 service behind a logon. */
#include "mocks/sap/sap.h"

#include <stdio.h>

#include "mocks/common/percent.h"
#include "mocks/sap/answers.h"
#include "mocks/sap/filter.h"
#include "mocks/sap/orders.h"
#include "mocks/sap/query.h"

#define ROOT "/sap/opu/odata/sap/"
#define LANE SLICE("100")
#define MAX_SKEW_S ((int64_t)10 * 366 * 86400)

/* ---- Who may ---- */

static enum aside aside_kind(void *ctx, struct http_exchange *x)
{
    struct sap *sap = ctx;
    const struct http_request *request = exchange_request(x);
    if (connectivity_is_proxied(request)) {
        return connectivity_lets_through(&sap->connectivity, x, NULL) ? ASIDE_NOT
                                                                      : ASIDE_PAGE;
    }
    if (oauth_is_token(request->path)) {
        return ASIDE_TOKEN;
    }
    return oauth_is_page(request->path) || destinations_is_path(request->path)
               ? ASIDE_PAGE
               : ASIDE_NOT;
}

static void aside(void *ctx, struct http_exchange *x, struct response *response)
{
    struct sap *sap = ctx;
    const struct http_request *request = exchange_request(x);
    if (connectivity_is_proxied(request)) {
        (void)connectivity_lets_through(&sap->connectivity, x, response);
    } else if (destinations_is_path(request->path)) {
        destinations_find(sap->destinations, x, response);
    } else {
        oauth_answer(sap->oauth, x, response);
    }
}

static void refuse_logon(struct http_exchange *x, struct response *response)
{
    char client[USERS_CLIENT_BYTES];
    users_client(x, client);
    answer_logon_failed(response, client);
}

static struct gate_lane *login(void *ctx, struct http_exchange *x,
                               struct response *response)
{
    struct sap *sap = ctx;
    if (logon_check(sap->logon, x) == CALLER_NONE) {
        refuse_logon(x, response);
        return NULL;
    }
    return gate_lane(&sap->engine.gate, LANE);
}

/* Fault expire_tokens: every token is dead from now on. */
static void reject(void *ctx, struct http_exchange *x, struct response *response)
{
    struct sap *sap = ctx;
    oauth_revoke_all(sap->oauth);
    refuse_logon(x, response);
}

static void busy(void *ctx, struct http_exchange *x, struct response *response)
{
    (void)ctx;
    (void)x;
    answer_overload(response);
}

static void fail(void *ctx, struct http_exchange *x, int status,
                 struct response *response)
{
    (void)ctx;
    if (oauth_is_token(exchange_request(x)->path)) {
        oauth_fail(response, status);
        return;
    }
    if (destinations_is_path(exchange_request(x)->path)) {
        destinations_fail(response, status);
        return;
    }
    answer_error(response, status, "SY/530", SLICE("An exception was raised."));
}

/* ---- The schema ---- */

static void write_property(struct buf *out, const struct property *property)
{
    static const char *const types[] = {[EDM_STRING] = "Edm.String",
                                        [EDM_DECIMAL] = "Edm.Decimal",
                                        [EDM_DATE] = "Edm.DateTime",
                                        [EDM_BOOLEAN] = "Edm.Boolean"};
    buf_printf(out, "<Property Name=\"%s\" Type=\"%s\"", property->name,
               types[property->type]);
    if (property->type == EDM_STRING) {
        buf_printf(out, " MaxLength=\"%d\"", property->length);
    }
    if (property->type == EDM_DECIMAL) {
        buf_printf(out, " Precision=\"%d\" Scale=\"%d\"", property->length,
                   property->scale);
    }
    buf_printf(out, "%s/>", property->traits & TRAIT_KEY ? " Nullable=\"false\"" : "");
}

static void write_type(struct buf *out, const struct entity_set *set)
{
    buf_printf(out, "<EntityType Name=\"%s\"><Key>", set->type);
    for (size_t i = 0; i < set->property_count; i++) {
        if (set->properties[i].traits & TRAIT_KEY) {
            buf_printf(out, "<PropertyRef Name=\"%s\"/>", set->properties[i].name);
        }
    }
    buf_append(out, SLICE("</Key>"));
    for (size_t i = 0; i < set->property_count; i++) {
        write_property(out, &set->properties[i]);
    }
    buf_append(out, SLICE("</EntityType>"));
}

static void answer_metadata(const struct service *service, struct response *response)
{
    struct buf *out = &response->body;
    response_reset(response, 200);
    response_field(response, "content-type", "application/xml");
    buf_printf(out,
               "<?xml version=\"1.0\" encoding=\"utf-8\"?><edmx:Edmx Version=\"1.0\" "
               "xmlns:edmx=\"http://schemas.microsoft.com/ado/2007/06/edmx\">"
               "<edmx:DataServices><Schema Namespace=\"%s\" "
               "xmlns=\"http://schemas.microsoft.com/ado/2008/09/edm\">",
               service->name);
    for (size_t i = 0; i < service->set_count; i++) {
        write_type(out, service->sets[i]);
    }
    buf_printf(out, "<EntityContainer Name=\"%s_Entities\">", service->name);
    for (size_t i = 0; i < service->set_count; i++) {
        buf_printf(out, "<EntitySet Name=\"%s\" EntityType=\"%s.%s\"/>",
                   service->sets[i]->name, service->name, service->sets[i]->type);
    }
    buf_append(out,
               SLICE("</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"));
}

static void answer_service(const struct service *service, struct response *response)
{
    struct buf *out = &response->body;
    response_reset(response, 200);
    response_field(response, "content-type", "application/json;charset=utf-8");
    buf_append(out, SLICE("{\"d\":{\"EntitySets\":["));
    for (size_t i = 0; i < service->set_count; i++) {
        buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", service->sets[i]->name);
    }
    buf_append(out, SLICE("]}}"));
}

/* ---- Routes ---- */

struct visit {
    struct sap *sap;
    struct http_exchange *x;
    const struct http_request *request;
    struct response *response;
    struct reading reading;
};

static void no_segment(struct visit *visit, struct slice name)
{
    answer_error(visit->response, 404, "005056A509B11EE1B9A8FEC11C21D78E",
                 arena_printf(exchange_arena(visit->x),
                              "Resource not found for the segment '%.*s'.",
                              (int)(name.len < 60 ? name.len : 60), name.ptr));
}

/* A_Set(key), A_Set(key)/to_Nav */
static void read_keyed(struct visit *visit, struct slice key_text, struct slice after)
{
    struct clause key;
    struct arena *arena = exchange_arena(visit->x);
    clause_init(&key);
    if (!filter_key(&key, visit->reading.set, key_text, arena)) {
        answer_error(visit->response, 400, "005056A509B11EE1B9A8FEC11C21578E",
                     key.problem);
    } else if (after.len == 0) {
        query_one(&visit->reading, &key, visit->response);
    } else {
        const struct navigation *navigation =
            model_navigation(visit->reading.set, slice_from(after, 1));
        if (navigation == NULL) {
            no_segment(visit, after);
        } else {
            visit->reading.set =
                model_set(visit->reading.service, slice_str(navigation->target));
            query_list(&visit->reading, &key, visit->response);
        }
    }
    clause_free(&key);
}

static void read_segments(struct visit *visit, struct slice rest)
{
    size_t len = 0;
    while (len < rest.len && rest.ptr[len] != '(' && rest.ptr[len] != '/') {
        len++;
    }
    struct slice name = slice_of(rest.ptr, len);
    struct slice after = slice_from(rest, len);
    visit->reading.set = model_set(visit->reading.service, name);
    if (visit->reading.set == NULL) {
        no_segment(visit, name);
    } else if (after.len == 0) {
        query_list(&visit->reading, NULL, visit->response);
    } else if (slice_is(after, "/$count")) {
        query_count(&visit->reading, visit->response);
    } else {
        bool quoted = false;
        size_t end = 1;
        while (end < after.len && (quoted || after.ptr[end] != ')')) {
            quoted = quoted != (after.ptr[end] == '\'');
            end++;
        }
        if (after.ptr[0] != '(' || end == after.len) {
            no_segment(visit, after);
            return;
        }
        read_keyed(visit, slice_of(after.ptr + 1, end - 1), slice_from(after, end + 1));
    }
}

static void handle_read(struct visit *visit, struct slice rest)
{
    struct slice accept = exchange_header(visit->x, "accept");
    bool json = slice_starts(accept, SLICE("application/json")) ||
                slice_starts(accept, SLICE("*/*"));
    if (rest.len == 0 || slice_is(rest, "/")) {
        answer_service(visit->reading.service, visit->response);
    } else if (slice_is(rest, "/$metadata")) {
        answer_metadata(visit->reading.service, visit->response);
    } else if (!json && slice_find(visit->request->query, '$') < 0) {
        response_plain(
            visit->response, 200, "application/atom+xml;charset=utf-8",
            SLICE("<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/"
                  "Atom\"><title type=\"text\">Atom</title></feed>"));
    } else {
        read_segments(visit, slice_from(rest, 1));
    }
    logon_csrf_fetch(visit->sap->logon, visit->x, visit->response);
    if (slice_is(visit->request->method, "HEAD")) {
        buf_free(&visit->response->body);
    }
}

static void handle_write(struct visit *visit, struct slice rest)
{
    struct sap *sap = visit->sap;
    struct slice query = visit->request->query;
    if (!logon_csrf_fits(sap->logon, visit->x)) {
        answer_csrf_required(visit->response);
        return;
    }
    if (slice_starts(percent_decode(exchange_arena(visit->x), query, PLUS_IS_PLUS),
                     SLICE("$format"))) {
        answer_error(visit->response, 400, "005056A509B11EE1B9A8FEC11C23378E",
                     SLICE("The system query option '$format' is not allowed."));
        return;
    }
    visit->reading.set = model_set(visit->reading.service, slice_from(rest, 1));
    if (visit->reading.set == NULL || !slice_is(visit->request->method, "POST") ||
        !slice_is(slice_from(rest, 1), "A_PurchaseOrder")) {
        answer_error(visit->response, 501, "/IWBEP/CM_MGW_RT/021",
                     SLICE("Method not implemented in data provider class."));
        return;
    }
    if (orders_create(sap->company, &visit->reading, visit->request->body,
                      visit->response)) {
        sap->engine.gate.writes++;
    }
}

static void handle(void *ctx, struct http_exchange *x, struct response *response)
{
    struct sap *sap = ctx;
    struct arena *arena = exchange_arena(x);
    struct visit visit = {
        .sap = sap, .x = x, .request = exchange_request(x), .response = response};
    struct slice path = percent_decode(arena, visit.request->path, PLUS_IS_PLUS);
    if (!slice_starts(path, SLICE(ROOT))) {
        response_plain(response, 404, "text/html; charset=utf-8",
                       SLICE("<html><body><h1>404 Not found</h1></body></html>"));
        return;
    }
    struct slice rest = slice_from(path, sizeof ROOT - 1);
    ptrdiff_t slash = slice_find(rest, '/');
    struct slice name = slash < 0 ? rest : slice_of(rest.ptr, (size_t)slash);
    rest = slash < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)slash);
    struct slice root = sap->root;
    if (connectivity_is_proxied(visit.request)) { /* as the system knows itself */
        root = arena_printf(arena, "http://%s", sap->connectivity.virtual_host);
    }
    visit.reading = (struct reading){
        .db = company_database(sap->company),
        .service = model_service(name),
        .base =
            arena_printf(arena, "%.*s" ROOT "%.*s", SLICE_ARG(root), SLICE_ARG(name)),
        .query = visit.request->query,
        .arena = arena,
    };
    if (visit.reading.service == NULL) {
        answer_no_service(response, name);
        return;
    }
    if (!logon_is_arranged(sap->logon, x, name)) {
        answer_error(response, 403, "/IWFND/CM_CONSUMER/101",
                     arena_printf(arena,
                                  "No authorization to access Service 'Z%.*s_0001'",
                                  SLICE_ARG(name)));
        return;
    }
    if (slice_is(visit.request->method, "GET") ||
        slice_is(visit.request->method, "HEAD")) {
        handle_read(&visit, rest);
    } else {
        handle_write(&visit, rest);
    }
    logon_cookies(sap->logon, x, response);
}

/* ---- The control port's own calls ---- */

static void reset(void *ctx)
{
    struct sap *sap = ctx;
    company_reset(sap->company);
    logon_reset(sap->logon);
}

/* The clock of everything that expires. */
static int64_t skewed_ms(void *ctx)
{
    const struct sap *sap = ctx;
    return clock_wall_ms(sap->real_clock) + sap->skew_ms;
}

static int64_t real_us(void *ctx)
{
    const struct sap *sap = ctx;
    return clock_mono_us(sap->real_clock);
}

static void set_clock(struct sap *sap, const json_t *body, struct response *response)
{
    const json_t *skew = json_object_get(body, "skew_seconds");
    json_int_t seconds = json_integer_value(skew);
    if (!json_is_integer(skew) || seconds > MAX_SKEW_S || seconds < -MAX_SKEW_S) {
        control_refuse(response, 400,
                       "skew_seconds must be a whole number within ten years");
        return;
    }
    sap->skew_ms = seconds * 1000;
    control_ok(response, json_object());
}

static bool extra(void *ctx, struct slice method, struct slice path, const json_t *body,
                  struct response *response)
{
    struct sap *sap = ctx;
    if (slice_is(method, "PUT") && slice_is(path, "/clock")) {
        set_clock(sap, body, response);
        return true;
    }
    if (slice_is(method, "PUT") && slice_is(path, "/connectivity")) {
        connectivity_control(&sap->connectivity, body, response);
        return true;
    }
    if (slice_is(path, "/destinations") &&
        (slice_is(method, "PUT") || slice_is(method, "DELETE"))) {
        destinations_control(sap->destinations, method, body, response);
        return true;
    }
    return logon_control(sap->logon, method, path, body, response) ||
           oauth_control(sap->oauth, method, path, body, response);
}

static void stats(void *ctx, json_t *out)
{
    struct sap *sap = ctx;
    logon_stats(sap->logon, out);
}

void sap_init(struct sap *sap, uv_loop_t *loop, const struct clock *clock,
              const struct sap_options *options)
{
    struct erp erp = {.ctx = sap,
                      .aside_kind = aside_kind,
                      .aside = aside,
                      .queue_ms = options->queue_ms,
                      .login = login,
                      .reject = reject,
                      .busy = busy,
                      .handle = handle,
                      .fail = fail};
    sap->real_clock = clock;
    sap->skew_ms = 0;
    sap->clock = (struct clock){.mono_us = real_us, .wall_ms = skewed_ms, .ctx = sap};
    sap->oauth_options = options->oauth;
    sap->oauth = oauth_new(&sap->oauth_options, &sap->clock);
    sap->destinations = destinations_new(sap->oauth, &sap->clock);
    connectivity_init(&sap->connectivity, sap->oauth, options->virtual_host,
                      options->location_id);
    sap->logon_options = options->logon;
    sap->logon = logon_new(&sap->logon_options, sap->oauth, &sap->clock);
    sap->company = company_new(options->seed, options->today);
    sap->control = (struct control){.engine = &sap->engine,
                                    .ctx = sap,
                                    .reset = reset,
                                    .extra = extra,
                                    .stats = stats};
    engine_init(&sap->engine, loop, clock, erp, options->dialog_processes,
                options->seed);
    (void)gate_lane(&sap->engine.gate, LANE);
}

#define DESTINATIONS 6

static const struct kind {
    const char *name, *authentication, *proxy;
    bool broken;
} kinds[DESTINATIONS] = {
    {"S4_NONE", "NoAuthentication", "Internet", false},
    {"S4_BASIC", "BasicAuthentication", "Internet", false},
    {"S4_OAUTH", "OAuth2ClientCredentials", "Internet", false},
    {"S4_BROKEN", "OAuth2ClientCredentials", "Internet", true},
    {"S4_ON_PREMISE", "BasicAuthentication", "OnPremise", false},
    {"S4_USER", "PrincipalPropagation", "OnPremise", false},
};

/* One destination of each kind, and one whose token cannot be had. */
static void put_destinations(struct sap *sap)
{
    const struct logon_options *logon = &sap->logon_options;
    const char *virtual_host = sap->connectivity.virtual_host;
    char internal[CONNECTIVITY_TEXT_BYTES + 10], tokens[260];
    snprintf(internal, sizeof internal, "http://%s", virtual_host);
    snprintf(tokens, sizeof tokens, "%s/oauth/token", sap->root_text);
    for (size_t i = 0; i < DESTINATIONS; i++) {
        const struct kind *kind = &kinds[i];
        bool tunnel = kind->proxy[0] == 'O';
        json_t *one =
            json_pack("{s:s, s:s, s:s, s:s, s:s}", "Name", kind->name, "Type", "HTTP",
                      "URL", tunnel ? internal : sap->root_text, "Authentication",
                      kind->authentication, "ProxyType", kind->proxy);
        if (kind->authentication[0] == 'B') {
            json_object_set_new(one, "User",
                                json_string(logon->users.users[USER_ON_PREMISE].name));
            json_object_set_new(
                one, "Password",
                json_string(logon->users.users[USER_ON_PREMISE].password));
            json_object_set_new(one, "sap-client", json_string(logon->users.client));
        } else if (kind->authentication[0] == 'O') {
            const char *secret = sap->oauth_options.clients[FOR_ERP].secret;
            json_object_set_new(one, "clientId",
                                json_string(sap->oauth_options.clients[FOR_ERP].id));
            json_object_set_new(one, "clientSecret",
                                json_string(kind->broken ? "" : secret));
            json_object_set_new(one, "tokenServiceURL", json_string(tokens));
        }
        if (tunnel && sap->connectivity.location_id[0] != '\0') {
            json_object_set_new(one, "CloudConnectorLocationId",
                                json_string(sap->connectivity.location_id));
        }
        REQUIRE(destinations_put(sap->destinations, one) == NULL);
        json_decref(one);
    }
}

void sap_set_root(struct sap *sap, const char *root, const char *tls_root)
{
    snprintf(sap->root_text, sizeof sap->root_text, "%s", root);
    sap->root = slice_str(sap->root_text);
    oauth_set_roots(sap->oauth, root, tls_root);
    put_destinations(sap);
}

void sap_free(struct sap *sap)
{
    engine_free(&sap->engine);
    company_free(sap->company);
    logon_free(sap->logon);
    destinations_free(sap->destinations);
    oauth_free(sap->oauth);
}
