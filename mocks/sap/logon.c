/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions in a small ring: the oldest gives way. */
#include "mocks/sap/logon.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "mocks/sap/credentials.h"

#define SESSIONS 256
#define COOKIE "SAP_SESSIONID_S4H_100"

struct entry {
    char name[33], value[33];
    int64_t ends_ms;
};

struct logon {
    const struct logon_options *options;
    const struct oauth *oauth;
    const struct clock *clock;
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
    return logon;
}

void logon_free(struct logon *logon)
{
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

/* ---- Users ---- */

static bool names_client(const struct logon *logon, struct http_exchange *x)
{
    struct slice header = exchange_header(x, "sap-client");
    if (header.len > 0) {
        return slice_is(header, logon->options->client);
    }
    struct slice query = exchange_request(x)->query;
    return slice_is(form_field(exchange_arena(x), query, "sap-client"),
                    logon->options->client);
}

bool logon_check(struct logon *logon, struct http_exchange *x)
{
    struct slice field = exchange_header(x, "authorization");
    struct slice user, password;
    struct slice token = bearer_token(field);
    if (token.len > 0) {
        return oauth_lives(logon->oauth, token, FOR_ERP);
    }
    return basic_pair(exchange_arena(x), field, &user, &password) &&
           slice_is(user, logon->options->username) &&
           same_secret(password, logon->options->password) && names_client(logon, x);
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
    response_field(response, "set-cookie", COOKIE "=%s; path=/; HttpOnly",
                   session->name);
    response_field(response, "set-cookie", "sap-usercontext=sap-client=%s; path=/",
                   logon->options->client);
}

bool logon_csrf_fits(struct logon *logon, struct http_exchange *x)
{
    struct slice cookie = cookie_value(exchange_header(x, "cookie"), COOKIE);
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

void logon_csrf_expire(struct logon *logon)
{
    memset(logon->sessions, 0, sizeof logon->sessions);
}

long logon_csrf_fetches(const struct logon *logon)
{
    return logon->csrf_fetches;
}
