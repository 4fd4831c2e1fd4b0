/* SPDX-License-Identifier: Apache-2.0 */
/* Logon tickets in a small ring: the oldest gives way. A certificate is its user's by the
 * thumbprint. */
#include "mocks/sap/users.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "mocks/sap/certificates.h"
#include "mocks/sap/connectivity.h"
#include "mocks/sap/credentials.h"

#define FAILURES_TO_LOCK 5
#define DEFAULT_CLIENT "000" /* login/system_client: nobody's here */
#define TICKETS 256
#define TICKET_BYTES 192 /* of random; the text is longer by a third */
#define TICKET_MS ((int64_t)8 * 3600 * 1000) /* login/ticket_expiration_time */

struct ticket {
    char text[TICKET_BYTES / 3 * 4 + 1];
    int64_t ends_ms;
};

struct users {
    const struct users_options *options;
    const struct clock *clock;
    struct {
        int in_a_row;
        long failed;
    } counts[USERS];
    struct ticket tickets[TICKETS];
    size_t next;
    struct certificates *certificates; /* by the user's number */
};

struct users *users_new(const struct users_options *options, const struct clock *clock)
{
    struct users *users = calloc(1, sizeof *users);
    REQUIRE(users != NULL);
    users->options = options;
    users->clock = clock;
    users->certificates = certificates_new();
    return users;
}

void users_free(struct users *users)
{
    if (users != NULL) {
        certificates_free(users->certificates);
    }
    free(users);
}

const char *users_bind_certificate(struct users *users, struct slice pem)
{
    return certificates_bind(users->certificates, USER_COMMUNICATION, pem,
                             CERTIFICATES_INSTEAD);
}

/* ---- Which client ---- */

static struct slice named_client(struct http_exchange *x)
{
    struct slice found = exchange_header(x, "sap-client");
    if (found.len == 0) {
        found = form_field(exchange_arena(x), exchange_request(x)->query, "sap-client");
    }
    if (found.len == 0) { /* its value is itself a form */
        found = cookie_value(exchange_header(x, "cookie"), "sap-usercontext");
        found = form_field(exchange_arena(x), found, "sap-client");
    }
    return found;
}

static bool is_client(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
    }
    return text.len == USERS_CLIENT_BYTES - 1;
}

void users_client(struct http_exchange *x, char out[USERS_CLIENT_BYTES])
{
    struct slice named = named_client(x);
    memcpy(out, is_client(named) ? named.ptr : DEFAULT_CLIENT, USERS_CLIENT_BYTES - 1);
    out[USERS_CLIENT_BYTES - 1] = '\0';
}

/* Whether the user is to be found in the client the caller names. A communication user is
 * in the only client there is, and not in a system behind the proxy. */
static bool exists_there(const struct users *users, enum caller who,
                         struct http_exchange *x)
{
    struct slice named = named_client(x);
    if (slice_is(named, users->options->client) ||
        (named.len == 0 && who == CALLER_COMMUNICATION)) {
        return who == CALLER_ON_PREMISE ||
               !connectivity_is_proxied(exchange_request(x));
    }
    return false;
}

/* ---- Logon ---- */

static bool ticket_lives(const struct users *users, struct slice text)
{
    for (size_t i = 0; i < TICKETS && text.len > 0; i++) {
        if (slice_is(text, users->tickets[i].text)) {
            return users->tickets[i].ends_ms > clock_wall_ms(users->clock);
        }
    }
    return false;
}

static enum caller user_named(const struct users *users, struct slice name)
{
    for (size_t i = 0; i < USERS; i++) {
        if (slice_eq_nocase(name, slice_str(users->options->users[i].name))) {
            return (enum caller)(i + 1);
        }
    }
    return CALLER_NONE;
}

static enum caller logon_by_password(struct users *users, struct http_exchange *x)
{
    struct slice name, password;
    if (!basic_pair(exchange_arena(x), exchange_header(x, "authorization"), &name,
                    &password)) {
        return CALLER_NONE;
    }
    enum caller who = user_named(users, name);
    if (who == CALLER_NONE || !exists_there(users, who, x)) {
        return CALLER_NONE;
    }
    size_t i = (size_t)who - 1;
    bool locked = users->counts[i].in_a_row >= FAILURES_TO_LOCK;
    if (!locked && same_secret(password, users->options->users[i].password)) {
        users->counts[i].in_a_row = 0;
        return who;
    }
    users->counts[i].failed++;
    users->counts[i].in_a_row += locked ? 0 : 1;
    return CALLER_NONE;
}

/* In the cloud, where no client is named. */
static bool shows_certificate(const struct users *users, struct http_exchange *x)
{
    return exchange_header(x, "authorization").len == 0 &&
           certificates_fit(users->certificates, USER_COMMUNICATION,
                            exchange_client_certificate(x),
                            clock_wall_ms(users->clock));
}

enum caller users_logon(struct users *users, struct http_exchange *x)
{
    if (exchange_header(x, "authorization").len > 0) {
        return logon_by_password(users, x);
    }
    if (shows_certificate(users, x)) {
        return CALLER_COMMUNICATION;
    }
    struct slice ticket = cookie_value(exchange_header(x, "cookie"), "MYSAPSSO2");
    return ticket_lives(users, ticket) && exists_there(users, CALLER_ON_PREMISE, x)
               ? CALLER_ON_PREMISE
               : CALLER_NONE;
}

bool users_is_on_premise(const struct users *users, struct http_exchange *x)
{
    struct slice name, password;
    struct slice field = exchange_header(x, "authorization");
    if (shows_certificate(users, x)) {
        return false;
    }
    return connectivity_is_proxied(exchange_request(x)) || field.len == 0 ||
           (basic_pair(exchange_arena(x), field, &name, &password) &&
            user_named(users, name) == CALLER_ON_PREMISE);
}

void users_cookies(struct users *users, struct http_exchange *x,
                   struct response *response)
{
    unsigned char random[TICKET_BYTES];
    if (!slice_starts_nocase(exchange_header(x, "authorization"), SLICE("Basic ")) ||
        !users_is_on_premise(users, x) ||
        ticket_lives(users, cookie_value(exchange_header(x, "cookie"), "MYSAPSSO2"))) {
        return;
    }
    struct ticket *ticket = &users->tickets[users->next++ % TICKETS];
    REQUIRE(RAND_bytes(random, (int)sizeof random) == 1);
    (void)EVP_EncodeBlock((unsigned char *)ticket->text, random, (int)sizeof random);
    ticket->ends_ms = clock_wall_ms(users->clock) + TICKET_MS;
    response_field(response, "set-cookie", "MYSAPSSO2=%s; path=/", ticket->text);
}

/* ---- What tests see and set ---- */

bool users_unlock(struct users *users, const char *name)
{
    bool found = name == NULL;
    for (size_t i = 0; i < USERS; i++) {
        if (name == NULL || strcmp(name, users->options->users[i].name) == 0) {
            users->counts[i].in_a_row = 0;
            found = true;
        }
    }
    return found;
}

json_t *users_stats(const struct users *users)
{
    json_t *all = json_object();
    for (size_t i = 0; i < USERS; i++) {
        json_object_set_new(
            all, users->options->users[i].name,
            json_pack("{s:I, s:i, s:b}", "failed", (json_int_t)users->counts[i].failed,
                      "failed_in_a_row", users->counts[i].in_a_row, "locked",
                      users->counts[i].in_a_row >= FAILURES_TO_LOCK));
    }
    return all;
}

void users_reset(struct users *users)
{
    memset(users->counts, 0, sizeof users->counts);
    memset(users->tickets, 0, sizeof users->tickets);
}
