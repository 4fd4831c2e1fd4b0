/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions in a small ring: the oldest gives way. */
#include "mocks/sap/logon.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "mocks/common/control.h"
#include "mocks/sap/connectivity.h"
#include "mocks/sap/credentials.h"

#define SESSIONS 256
#define MAX_SERVICES 50

struct entry {
    char name[33], value[33];
    int64_t ends_ms;
};

struct logon {
    const struct logon_options *options;
    const struct oauth *oauth;
    const struct clock *clock;
    struct users *users;
    json_t *missing; /* names of services without an arrangement */
    char cookie[40]; /* of the session: named for system and client */
    struct entry sessions[SESSIONS];
    size_t next_session;
    long csrf_fetches;
};

struct logon *logon_new(const struct logon_options *options, const struct oauth *oauth,
                        const struct clock *clock)
{
    struct logon *logon = calloc(1, sizeof *logon);
    REQUIRE(logon != NULL);
    logon->options = options;
    logon->oauth = oauth;
    logon->clock = clock;
    logon->users = users_new(&options->users, clock);
    logon->missing = json_array();
    snprintf(logon->cookie, sizeof logon->cookie, "SAP_SESSIONID_S4H_%.3s",
             options->users.client);
    return logon;
}

void logon_free(struct logon *logon)
{
    users_free(logon->users);
    json_decref(logon->missing);
    free(logon);
}

static void random_text(char out[33])
{
    unsigned char random[16];
    REQUIRE(RAND_bytes(random, (int)sizeof random) == 1);
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(out + 2 * i, 3, "%02x", random[i]);
    }
}

/* ---- Who may what ---- */

const char *logon_bind_certificate(struct logon *logon, struct slice pem)
{
    return users_bind_certificate(logon->users, pem);
}

enum caller logon_check(struct logon *logon, struct http_exchange *x)
{
    struct slice token = bearer_token(exchange_header(x, "authorization"));
    struct slice user = connectivity_user_token(x);
    bool proxied = connectivity_is_proxied(exchange_request(x));
    if (proxied && user.len > 0) { /* the Cloud Connector logs on whom it names */
        return oauth_lives(logon->oauth, user, FOR_USER) ? CALLER_ON_PREMISE
                                                         : CALLER_NONE;
    }
    if (token.len == 0) {
        return users_logon(logon->users, x);
    }
    return !oauth_lives(logon->oauth, token, FOR_ERP) ? CALLER_NONE
           : proxied                                  ? CALLER_ON_PREMISE
                                                      : CALLER_COMMUNICATION;
}

void logon_cookies(struct logon *logon, struct http_exchange *x,
                   struct response *response)
{
    users_cookies(logon->users, x, response);
}

bool logon_is_arranged(const struct logon *logon, struct http_exchange *x,
                       struct slice service)
{
    size_t i;
    const json_t *name;
    if (users_is_on_premise(logon->users, x)) {
        return true;
    }
    json_array_foreach (logon->missing, i, name) {
        if (slice_is(service, json_string_value(name))) {
            return false;
        }
    }
    return true;
}

/* ---- CSRF: a token is good with the cookie it came with, for a while ---- */

void logon_csrf_fetch(struct logon *logon, struct http_exchange *x,
                      struct response *response)
{
    if (!slice_eq_nocase(exchange_header(x, "x-csrf-token"), SLICE("fetch"))) {
        return;
    }
    struct entry *session = &logon->sessions[logon->next_session++ % SESSIONS];
    random_text(session->name);
    random_text(session->value);
    session->ends_ms =
        clock_wall_ms(logon->clock) + logon->options->csrf_seconds * 1000;
    logon->csrf_fetches++;
    response_field(response, "x-csrf-token", "%s", session->value);
    response_field(response, "set-cookie", "%s=%s; path=/; HttpOnly", logon->cookie,
                   session->name);
    response_field(response, "set-cookie", "sap-usercontext=sap-client=%s; path=/",
                   logon->options->users.client);
}

bool logon_csrf_fits(struct logon *logon, struct http_exchange *x)
{
    struct slice cookie = cookie_value(exchange_header(x, "cookie"), logon->cookie);
    struct slice token = exchange_header(x, "x-csrf-token");
    for (size_t i = 0; i < SESSIONS; i++) {
        const struct entry *session = &logon->sessions[i];
        if (cookie.len == 32 && slice_is(cookie, session->name)) {
            return slice_is(token, session->value) &&
                   session->ends_ms > clock_wall_ms(logon->clock);
        }
    }
    return false;
}

/* ---- What tests see and set ---- */

static const char *set_arrangements(struct logon *logon, const json_t *body)
{
    size_t i;
    const json_t *name;
    json_t *missing = json_object_get(body, "missing");
    if (!json_is_array(missing) || json_array_size(missing) > MAX_SERVICES) {
        return "missing must be a list of at most 50 names of services";
    }
    json_array_foreach (missing, i, name) {
        if (!json_is_string(name)) {
            return "missing must be a list of at most 50 names of services";
        }
    }
    json_decref(logon->missing);
    logon->missing = json_deep_copy(missing);
    return NULL;
}

bool logon_control(struct logon *logon, struct slice method, struct slice path,
                   const json_t *body, struct response *response)
{
    const char *why = NULL;
    if (slice_is(method, "POST") && slice_is(path, "/csrf/expire")) {
        memset(logon->sessions, 0, sizeof logon->sessions);
    } else if (slice_is(method, "POST") && slice_is(path, "/users/unlock")) {
        const json_t *name = json_object_get(body, "user");
        if ((name != NULL && !json_is_string(name)) ||
            !users_unlock(logon->users, json_string_value(name))) {
            why = "user must be the name of a user, or left out";
        }
    } else if (slice_is(method, "PUT") && slice_is(path, "/arrangements")) {
        why = set_arrangements(logon, body);
    } else {
        return false;
    }
    if (why != NULL) {
        control_refuse(response, 400, why);
    } else {
        control_ok(response, json_pack("{s:b}", "ok", 1));
    }
    return true;
}

void logon_stats(const struct logon *logon, json_t *stats)
{
    json_object_set_new(stats, "csrf_fetches", json_integer(logon->csrf_fetches));
    json_object_set_new(stats, "users", users_stats(logon->users));
}

void logon_reset(struct logon *logon)
{
    users_reset(logon->users);
}
