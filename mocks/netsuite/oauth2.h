/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: NetSuite as an OAuth 2.0 server: authorization code grant with PKCE, client
 * credentials with a signed assertion, refresh, revocation, and bearer tokens at the
 * interfaces. Owns: integration records, grants, the key that signs tokens. Threads: the
 * loop's. Errors: the protocol's, in the response. Start reading at: the table of paths in
 * the .c. Times are Unix seconds of the mock's skewed clock, handed in.
 */
#ifndef SLUICE_MOCKS_NETSUITE_OAUTH2_H
#define SLUICE_MOCKS_NETSUITE_OAUTH2_H

#include "mocks/common/engine.h"
#include "mocks/netsuite/audit.h"

struct oauth2;

/* Keeps `audit`. Keeps `account_id`, the account that owns what names no other. */
struct oauth2 *oauth2_new(struct audit *audit, const char *account_id);
void oauth2_free(struct oauth2 *oauth2);

/* Counters to zero. Records, grants and settings stay. */
void oauth2_reset(struct oauth2 *oauth2);

/* The pages and the token host. */
enum aside oauth2_aside_kind(struct slice path);
void oauth2_answer(struct oauth2 *oauth2, struct http_exchange *x, int64_t now_s,
                   struct response *response);

/* Whether the request carries a bearer token, right or wrong. */
bool oauth2_is_bearer(struct http_exchange *x);

/* The canonical account id (lent until oauth2_free). NULL: AUDIT_InvalidRequest when the
 * header cannot be read, anything else when the token is not good for this. `restlet`: the
 * interface, and with it the scope. */
const char *oauth2_bearer(struct oauth2 *oauth2, struct http_exchange *x, bool restlet,
                          int64_t now_s, enum audit_reason *why);

/* The end of every access token (fault expire_tokens). */
void oauth2_expire_access(struct oauth2 *oauth2, int64_t now_s);

/* Calls of the control port; false: not one of these. */
bool oauth2_control(struct oauth2 *oauth2, int64_t now_s, struct slice method,
                    struct slice path, const json_t *body, struct response *response);
/* Adds "token_grants" and "token_errors" to GET /stats. */
void oauth2_stats(const struct oauth2 *oauth2, json_t *stats);

#endif
