/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: who calls the ERP: tokens, users, the CSRF tokens of their sessions, and the
 * communication arrangements that decide what callers in the cloud may reach.
 * Owns: users, sessions, arrangements.
 * Threads: the loop's.
 * Errors: in the response.
 * Start reading at: logon_check.
 */
#ifndef SLUICE_MOCKS_SAP_LOGON_H
#define SLUICE_MOCKS_SAP_LOGON_H

#include "base/clock.h"
#include "mocks/common/http.h"
#include "mocks/common/response.h"
#include "mocks/sap/oauth.h"
#include "mocks/sap/users.h"

struct logon_options {
    struct users_options users;
    long csrf_seconds;
};

struct logon;

/* Keeps all. */
struct logon *logon_new(const struct logon_options *options, const struct oauth *oauth,
                        const struct clock *clock);
void logon_free(struct logon *logon);

/* As users_bind_certificate. */
const char *logon_bind_certificate(struct logon *logon, struct slice pem);
/* A living token, or a user. CALLER_NONE: nobody. */
enum caller logon_check(struct logon *logon, struct http_exchange *x);
/* The cookies of a logon that worked. */
void logon_cookies(struct logon *logon, struct http_exchange *x,
                   struct response *response);
/* False: a caller in the cloud asks for a service that has no arrangement. */
bool logon_is_arranged(const struct logon *logon, struct http_exchange *x,
                       struct slice service);

/* "X-CSRF-Token: Fetch" on a read: token and cookies into the answer. */
void logon_csrf_fetch(struct logon *logon, struct http_exchange *x,
                      struct response *response);
/* A write carries the token of the session its cookies name. */
bool logon_csrf_fits(struct logon *logon, struct http_exchange *x);

/* The control port's calls: /csrf/expire, /users/unlock, /arrangements. False: another's. */
bool logon_control(struct logon *logon, struct slice method, struct slice path,
                   const json_t *body, struct response *response);
/* Members of GET /stats: csrf_fetches (what a test of single flight counts) and users. */
void logon_stats(const struct logon *logon, json_t *stats);
void logon_reset(struct logon *logon);

#endif
