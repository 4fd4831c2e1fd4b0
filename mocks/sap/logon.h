/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: who calls the ERP: tokens, users with a password, and the CSRF tokens of their
 * sessions.
 * Owns: sessions.
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

struct logon_options {
    const char *client, *username, *password;
    long csrf_seconds;
};

struct logon;

/* Keeps all. */
struct logon *logon_new(const struct logon_options *options, const struct oauth *oauth,
                        const struct clock *clock);
void logon_free(struct logon *logon);

/* A living bearer token, or user and password in the right client. */
bool logon_check(struct logon *logon, struct http_exchange *x);

/* "X-CSRF-Token: Fetch" on a read: token and cookies into the answer. */
void logon_csrf_fetch(struct logon *logon, struct http_exchange *x,
                      struct response *response);
/* A write carries the token of the session its cookies name. */
bool logon_csrf_fits(struct logon *logon, struct http_exchange *x);
void logon_csrf_expire(struct logon *logon);
/* Fetches so far: what a test of single flight counts. */
long logon_csrf_fetches(const struct logon *logon);

#endif
