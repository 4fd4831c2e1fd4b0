/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and sessions in small rings: the oldest gives way. */
#include "mocks/sap/logon.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "mocks/common/percent.h"

#define TOKENS 256
#define SESSIONS 256
#define COOKIE "SAP_SESSIONID_S4H_100="

struct entry {
    char name[33], value[33];
    int64_t ends_ms;
};

struct logon {
    const struct logon_options *options;
    const struct clock *clock;
    struct entry tokens[TOKENS];
    struct entry sessions[SESSIONS];
    size_t next_token, next_session;
    long csrf_fetches;
};

struct logon *logon_new(const struct logon_options *options, const struct clock *clock)
{
    struct logon *logon = calloc(1, sizeof *logon);
    REQUIRE(logon != NULL);
    logon->options = options;
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

/* ---- XSUAA ---- */

static struct slice form_field(struct arena *arena, struct slice form, const char *name)
{
    while (form.len > 0) {
        ptrdiff_t end = slice_find(form, '&');
        struct slice pair = end < 0 ? form : slice_of(form.ptr, (size_t)end);
        form = end < 0 ? SLICE_EMPTY : slice_from(form, (size_t)end + 1);
        ptrdiff_t equals = slice_find(pair, '=');
        if (equals > 0 && slice_is(slice_of(pair.ptr, (size_t)equals), name)) {
            return percent_decode(arena, slice_from(pair, (size_t)equals + 1),
                                  PLUS_IS_SPACE);
        }
    }
    return SLICE_EMPTY;
}

void logon_token(struct logon *logon, struct http_exchange *x,
                 struct response *response)
{
    const struct http_request *request = exchange_request(x);
    const struct logon_options *options = logon->options;
    struct arena *arena = exchange_arena(x);
    if (!slice_is(request->method, "POST")) {
        response_plain(response, 405, "application/json", SLICE("{}"));
        return;
    }
    if (!slice_is(form_field(arena, request->body, "grant_type"),
                  "client_credentials")) {
        response_plain(response, 400, "application/json",
                       SLICE("{\"error\":\"unsupported_grant_type\","
                             "\"error_description\":\"Unsupported grant type\"}"));
        return;
    }
    if (!slice_is(form_field(arena, request->body, "client_id"), options->client_id) ||
        !slice_is(form_field(arena, request->body, "client_secret"),
                  options->client_secret)) {
        response_plain(response, 401, "application/json",
                       SLICE("{\"error\":\"invalid_client\","
                             "\"error_description\":\"Bad credentials\"}"));
        return;
    }
    struct entry *token = &logon->tokens[logon->next_token++ % TOKENS];
    random_text(token->value);
    token->ends_ms = clock_wall_ms(logon->clock) + options->token_seconds * 1000;
    response_reset(response, 200);
    response_field(response, "content-type", "application/json;charset=UTF-8");
    buf_printf(&response->body,
               "{\"access_token\":\"%s\",\"token_type\":\"bearer\",\"expires_in\":%ld,"
               "\"scope\":\"uaa.resource\",\"jti\":\"%.8s\"}",
               token->value, options->token_seconds, token->value);
}

void logon_expire_tokens(struct logon *logon)
{
    memset(logon->tokens, 0, sizeof logon->tokens);
}

static bool bearer_lives(const struct logon *logon, struct slice token)
{
    for (size_t i = 0; i < TOKENS; i++) {
        if (token.len == 32 && slice_is(token, logon->tokens[i].value) &&
            logon->tokens[i].ends_ms > clock_wall_ms(logon->clock)) {
            return true;
        }
    }
    return false;
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

static bool user_fits(const struct logon *logon, struct http_exchange *x,
                      struct slice encoded)
{
    char expected[600], text[900];
    int len = snprintf(expected, sizeof expected, "%s:%s", logon->options->username,
                       logon->options->password);
    if (len < 0 || (size_t)len >= sizeof expected) {
        return false;
    }
    int encoded_len =
        EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)expected, len);
    return encoded.len == (size_t)encoded_len &&
           CRYPTO_memcmp(encoded.ptr, text, encoded.len) == 0 && names_client(logon, x);
}

bool logon_check(struct logon *logon, struct http_exchange *x)
{
    struct slice field = exchange_header(x, "authorization");
    if (slice_starts(field, SLICE("Bearer "))) {
        return bearer_lives(logon, slice_from(field, 7));
    }
    return slice_starts(field, SLICE("Basic ")) &&
           user_fits(logon, x, slice_from(field, 6));
}

/* ---- CSRF: a token is good with the cookie it came with, for a while ---- */

static struct slice session_cookie(struct http_exchange *x)
{
    struct slice cookies = exchange_header(x, "cookie");
    struct slice name = SLICE(COOKIE);
    for (size_t i = 0; i + name.len <= cookies.len; i++) {
        struct slice rest = slice_from(cookies, i);
        if (slice_starts(rest, name)) {
            rest = slice_from(rest, name.len);
            ptrdiff_t end = slice_find(rest, ';');
            return end < 0 ? rest : slice_of(rest.ptr, (size_t)end);
        }
    }
    return SLICE_EMPTY;
}

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
    response_field(response, "set-cookie", COOKIE "%s; path=/; HttpOnly",
                   session->name);
    response_field(response, "set-cookie", "sap-usercontext=sap-client=%s; path=/",
                   logon->options->client);
}

bool logon_csrf_fits(struct logon *logon, struct http_exchange *x)
{
    struct slice cookie = session_cookie(x);
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
