/* SPDX-License-Identifier: Apache-2.0 */
/* The mock's ERP port and its extra calls on the control port. */
#include <openssl/rand.h>
#include <stdio.h>

#include "mocks/common/json_in.h"
#include "mocks/netsuite/answers.h"
#include "mocks/netsuite/dates.h"
#include "mocks/netsuite/login.h"
#include "mocks/netsuite/netsuite.h"
#include "mocks/netsuite/records.h"
#include "mocks/netsuite/soap.h"
#include "mocks/netsuite/suiteql.h"

#define MAX_SKEW_S INT64_C(315360000)
#define MAX_CONCURRENCY 1000000

/* ---- refusals, per interface ---- */

static void busy(void *ctx, struct http_exchange *x, struct response *response)
{
    (void)ctx;
    if (is_soap(x)) {
        soap_fail(x, 429, response);
        return;
    }
    if (is_restlet(x)) {
        answer_restlet_error(response, 400, "SSS_REQUEST_LIMIT_EXCEEDED",
                             "Request Limit Exceeded!");
        return;
    }
    struct answer_detail detail = {
        "CONCURRENCY_LIMIT_EXCEEDED",
        SLICE("Concurrent request limit exceeded. Request blocked."), NULL,
        SLICE_EMPTY};
    answer_error(response, 429, &detail);
}

static void unexpected(struct http_exchange *x, int status, struct response *response)
{
    unsigned char random[8];
    REQUIRE(RAND_bytes(random, (int)sizeof random) == 1);
    struct slice text =
        arena_printf(exchange_arena(x),
                     "An unexpected error occurred. Error ID: %02x%02x%02x%02x%02x%02x",
                     random[0], random[1], random[2], random[3], random[4], random[5]);
    struct answer_detail detail = {"UNEXPECTED_ERROR", text, NULL, SLICE_EMPTY};
    answer_error(response, status, &detail);
}

static void fail(void *ctx, struct http_exchange *x, int status,
                 struct response *response)
{
    struct netsuite *netsuite = ctx;
    if (is_soap(x)) {
        soap_fail(x, status, response);
    } else if (status == 401) {
        login_reject(netsuite, x, response);
    } else if (status == 429 || (status == 400 && is_restlet(x))) {
        busy(netsuite, x, response);
    } else if (status == 403) {
        struct answer_detail detail = {
            "INSUFFICIENT_PERMISSION",
            SLICE(
                "Permission Violation: You need a higher level of permission to access "
                "this resource."),
            NULL, SLICE_EMPTY};
        answer_error(response, status, &detail);
    } else if (is_restlet(x)) {
        answer_restlet_error(response, status, "UNEXPECTED_ERROR",
                             "An unexpected error occurred.");
    } else {
        unexpected(x, status, response);
    }
}

/* ---- what stands aside ---- */

static enum aside aside_kind(void *ctx, struct http_exchange *x)
{
    (void)ctx;
    return soap_is_discovery(x) ? ASIDE_PAGE
                                : oauth2_aside_kind(exchange_request(x)->path);
}

static void aside(void *ctx, struct http_exchange *x, struct response *response)
{
    struct netsuite *netsuite = ctx;
    if (is_soap(x)) {
        soap_answer(netsuite, x, response);
        return;
    }
    oauth2_answer(netsuite->oauth2, x, netsuite_now_s(netsuite), response);
}

/* ---- routes ---- */

static void route_suiteql(struct netsuite *netsuite, struct http_exchange *x,
                          struct slice rest, struct response *response)
{
    (void)rest;
    suiteql_answer(netsuite->database, slice_str(netsuite->today_text), x, response);
}

static void route_record(struct netsuite *netsuite, struct http_exchange *x,
                         struct slice rest, struct response *response)
{
    if (records_answer(netsuite->database, slice_str(netsuite->today_text), rest, x,
                       response)) {
        netsuite->engine.gate.writes++;
    }
}

static void route_time(struct netsuite *netsuite, struct http_exchange *x,
                       struct slice rest, struct response *response)
{
    (void)rest;
    (void)x;
    int64_t now_ms = oauth_now_ms(netsuite->oauth);
    struct moment moment = {now_ms / 86400000, (int32_t)(now_ms / 1000 % 86400)};
    char text[DATES_TEXT_BYTES];
    REQUIRE(dates_to_char(moment, SLICE("YYYY-MM-DDTHH24:MI:SS"), text, sizeof text));
    answer_start(response, 200, "singular");
    buf_printf(&response->body, "{\"links\":[],\"serverTime\":\"%s.%03dZ\"}", text,
               (int)(now_ms % 1000));
}

/* A script that says which one it is: enough to prove that a signature covered the
 * query. */
static void route_restlet(struct netsuite *netsuite, struct http_exchange *x,
                          struct slice rest, struct response *response)
{
    (void)netsuite;
    (void)rest;
    struct slice script = SLICE_EMPTY;
    struct slice deploy = SLICE_EMPTY;
    if (!answer_param(x, "script", &script) || !answer_param(x, "deploy", &deploy)) {
        answer_restlet_error(
            response, 400, "SSS_INVALID_SCRIPTLET_ID",
            "That Suitelet is invalid, disabled, or no longer exists.");
        return;
    }
    struct json_out *object = json_out_object(exchange_arena(x));
    json_out_text(object, SLICE("script"), script);
    json_out_text(object, SLICE("deploy"), deploy);
    json_out_text(object, SLICE("method"), exchange_request(x)->method);
    response_plain(response, 200, "application/json; charset=utf-8",
                   json_out_render(object));
}

static const struct route {
    const char *path;
    bool whole; /* the path, or the start of it */
    void (*run)(struct netsuite *netsuite, struct http_exchange *x, struct slice rest,
                struct response *response);
} routes[] = {
    {"/services/rest/query/v1/suiteql", true, route_suiteql},
    {"/services/rest/record/v1/", false, route_record},
    {"/services/rest/system/v1/serverTime", true, route_time},
    {"/app/site/hosting/restlet.nl", true, route_restlet},
};

static void handle(void *ctx, struct http_exchange *x, struct response *response)
{
    struct slice path = exchange_request(x)->path;
    if (is_soap(x)) {
        soap_answer(ctx, x, response);
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        struct slice prefix = slice_str(routes[i].path);
        bool match =
            routes[i].whole ? slice_eq(path, prefix) : slice_starts(path, prefix);
        if (match) {
            routes[i].run(ctx, x, slice_from(path, prefix.len), response);
            return;
        }
    }
    struct answer_detail detail = {"NONEXISTENT_ID",
                                   SLICE("The requested resource does not exist."),
                                   "o:errorUrl", path};
    answer_error(response, 404, &detail);
}

/* ---- control port ---- */

static bool is_canonical(struct slice account_id)
{
    for (size_t i = 0; i < account_id.len; i++) {
        char c = account_id.ptr[i];
        bool ok = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!ok) {
            return false;
        }
    }
    return account_id.len > 0 && account_id.len <= 40;
}

static void add_account(struct netsuite *netsuite, const json_t *body,
                        struct response *response)
{
    struct oauth_identity identity = {
        json_in_text(body, "account_id"), json_in_text(body, "consumer_key"),
        json_in_text(body, "consumer_secret"), json_in_text(body, "token_id"),
        json_in_text(body, "token_secret")};
    const json_t *limit = json_object_get(body, "concurrency");
    json_int_t concurrency = json_integer_value(limit);
    if (!is_canonical(identity.account_id) || identity.consumer_key.len == 0 ||
        identity.consumer_secret.len == 0 || identity.token_id.len == 0 ||
        identity.token_secret.len == 0) {
        control_refuse(
            response, 400,
            "give account_id (A-Z, 0-9 and _), consumer_key, consumer_secret, "
            "token_id and token_secret");
        return;
    }
    if (limit != NULL &&
        (!json_is_integer(limit) || concurrency < 0 || concurrency > MAX_CONCURRENCY)) {
        control_refuse(response, 400, "concurrency must be a whole number from 0");
        return;
    }
    if (!oauth_add(netsuite->oauth, &identity)) {
        control_refuse(response, 400,
                       "the token_id is taken, or 1000 pairs exist already");
        return;
    }
    struct gate_lane *lane = gate_lane(&netsuite->engine.gate, identity.account_id);
    if (limit != NULL) {
        lane->concurrency = (int)concurrency;
    }
    control_ok(response, json_pack("{s:b}", "ok", 1));
}

static void set_clock(struct netsuite *netsuite, const json_t *body,
                      struct response *response)
{
    const json_t *skew = json_object_get(body, "skew_seconds");
    json_int_t seconds = json_integer_value(skew);
    if (!json_is_integer(skew) || seconds > MAX_SKEW_S || seconds < -MAX_SKEW_S) {
        control_refuse(response, 400,
                       "skew_seconds must be a whole number within ten years");
        return;
    }
    oauth_set_skew(netsuite->oauth, seconds);
    control_ok(response, json_pack("{s:b}", "ok", 1));
}

static bool extra(void *ctx, struct slice method, struct slice path, const json_t *body,
                  struct response *response)
{
    if (slice_is(method, "POST") && slice_is(path, "/accounts")) {
        add_account(ctx, body, response);
        return true;
    }
    if (slice_is(method, "PUT") && slice_is(path, "/clock")) {
        set_clock(ctx, body, response);
        return true;
    }
    if (slice_is(method, "GET") && slice_is(path, "/logins")) {
        const struct netsuite *mock = ctx;
        control_ok(response,
                   json_pack("{s:o}", "logins", oauth_logins_json(mock->oauth)));
        return true;
    }
    struct netsuite *netsuite = ctx;
    return oauth2_control(netsuite->oauth2, netsuite_now_s(netsuite), method, path,
                          body, response);
}

static void reset(void *ctx)
{
    struct netsuite *netsuite = ctx;
    oauth_reset(netsuite->oauth);
    oauth2_reset(netsuite->oauth2);
    netsuite->audit = (struct audit){.counts = {0}};
    for (size_t i = 0; i < LOGIN_KINDS; i++) {
        netsuite->logins[i] = 0;
    }
    database_free(netsuite->database);
    netsuite->database = database_new(netsuite->today, netsuite->seed);
}

static void stats(void *ctx, json_t *object)
{
    const struct netsuite *netsuite = ctx;
    static const char *const kinds[LOGIN_KINDS] = {"tba", "bearer", "passport"};
    json_t *logins = json_object();
    for (size_t i = 0; i < LOGIN_KINDS; i++) {
        json_object_set_new(logins, kinds[i], json_integer(netsuite->logins[i]));
    }
    json_object_set_new(object, "logins", logins);
    json_object_set_new(object, "auth_failures", audit_json(&netsuite->audit));
    oauth2_stats(netsuite->oauth2, object);
}

/* ---- building ---- */

void netsuite_init(struct netsuite *netsuite, uv_loop_t *loop,
                   const struct clock *clock, const struct netsuite_setting *setting)
{
    struct erp erp = {.ctx = netsuite,
                      .login = login,
                      .reject = login_reject,
                      .aside_kind = aside_kind,
                      .aside = aside,
                      .busy = busy,
                      .handle = handle,
                      .fail = fail};
    *netsuite = (struct netsuite){.account_id = setting->account_id,
                                  .today = setting->today,
                                  .seed = setting->seed};
    char text[DATES_TEXT_BYTES];
    (void)dates_format((struct moment){setting->today, 0}, text);
    snprintf(netsuite->today_text, sizeof netsuite->today_text, "%.10s", text);
    engine_init(&netsuite->engine, loop, clock, erp, setting->concurrency,
                setting->seed);
    netsuite->oauth = oauth_new(clock, &netsuite->audit, setting->lockout_seconds);
    netsuite->oauth2 = oauth2_new(&netsuite->audit, setting->account_id);
    netsuite->database = database_new(setting->today, setting->seed);
    netsuite->control =
        (struct control){&netsuite->engine, netsuite, reset, extra, stats};
}

void netsuite_free(struct netsuite *netsuite)
{
    engine_free(&netsuite->engine);
    oauth_free(netsuite->oauth);
    oauth2_free(netsuite->oauth2);
    database_free(netsuite->database);
}
