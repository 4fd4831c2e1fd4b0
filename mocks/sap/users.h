/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: users with a password: a technical user of the on-premise system, who exists in
 * one client, and a communication user of S/4HANA Cloud, who needs no client. Wrong
 * passwords in a row lock a user (login/fails_to_user_lock, five unless it is changed)
 * until somebody unlocks it: nothing unlocks by itself.
 * Owns: counters and logon tickets.
 * Threads: the loop's.
 * Errors: CALLER_NONE.
 * Start reading at: users_logon.
 */
#ifndef SLUICE_MOCKS_SAP_USERS_H
#define SLUICE_MOCKS_SAP_USERS_H

#include <jansson.h>

#include "base/clock.h"
#include "mocks/common/http.h"

enum caller { CALLER_NONE, CALLER_ON_PREMISE, CALLER_COMMUNICATION };
/* Both users; a caller is the number of its user and one. */
enum { USER_ON_PREMISE, USER_COMMUNICATION, USERS };
#define USERS_CLIENT_BYTES 4

struct users_options {
    const char *client; /* the client of both */
    struct {
        const char *name, *password;
    } users[USERS];
};

struct users;

/* Keeps both. */
struct users *users_new(const struct users_options *options, const struct clock *clock);
void users_free(struct users *users);

/* The communication user's; NULL, or what is wrong with the PEM text. */
const char *users_bind_certificate(struct users *users, struct slice pem);

/* Name and password (Basic), or without Authorization a certificate or a logon ticket
 * (MYSAPSSO2). The client is named by the header sap-client, the query, or the cookie
 * sap-usercontext. */
enum caller users_logon(struct users *users, struct http_exchange *x);

/* The client a logon takes place in: the one named, else the system's default one. */
void users_client(struct http_exchange *x, char out[USERS_CLIENT_BYTES]);

/* Whether a request that has logged on did so as the system's own user, or by the proxy. */
bool users_is_on_premise(const struct users *users, struct http_exchange *x);

/* The cookies of a logon that worked: of a name and password, when no ticket came along. */
void users_cookies(struct users *users, struct http_exchange *x,
                   struct response *response);

/* NULL: all. False: nobody has that name. */
bool users_unlock(struct users *users, const char *name);

/* By name: {"failed","failed_in_a_row","locked"}. */
json_t *users_stats(const struct users *users);
/* Counters, locks and tickets as after the start. */
void users_reset(struct users *users);

#endif
