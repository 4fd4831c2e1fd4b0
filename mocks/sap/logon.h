/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: who calls: XSUAA tokens, communication users, and the CSRF tokens of their sessions.
 * Owns: tokens and sessions.
 * Threads: the loop's.
 * Errors: in the response.
 * Start reading at: logon_check.
 */
#ifndef SLUICE_MOCKS_SAP_LOGON_H
#define SLUICE_MOCKS_SAP_LOGON_H

#include "base/clock.h"
#include "mocks/common/http.h"
#include "mocks/common/response.h"

struct logon_options {
    const char *client, *username, *password, *client_id, *client_secret;
    long token_seconds, csrf_seconds;
};

struct logon;

/* Keeps both. */
struct logon *logon_new(const struct logon_options *options, const struct clock *clock);
void logon_free(struct logon *logon);

/* POST /oauth/token. */
void logon_token(struct logon *logon, struct http_exchange *x,
                 struct response *response);
/* A living bearer token, or user and password in the right client. */
bool logon_check(struct logon *logon, struct http_exchange *x);
void logon_expire_tokens(struct logon *logon);

/* "X-CSRF-Token: Fetch" on a read: token and cookies into the answer. */
void logon_csrf_fetch(struct logon *logon, struct http_exchange *x,
                      struct response *response);
/* A write carries the token of the session its cookies name. */
bool logon_csrf_fits(struct logon *logon, struct http_exchange *x);
void logon_csrf_expire(struct logon *logon);
/* Fetches so far: what a test of single flight counts. */
long logon_csrf_fetches(const struct logon *logon);

#endif
