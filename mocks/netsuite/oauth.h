/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the mock's own check of Token-Based Authentication (OAuth 1.0a, HMAC-SHA256)
 * against the bytes of the request target. Owns: accounts, credentials, and the nonces
 * of the last ten minutes. Threads: one owner at a time. Errors: NULL and the reason an
 * operator would find in the Login Audit Trail. Start reading at: oauth_verify.
 */
#ifndef SLUICE_MOCKS_NETSUITE_OAUTH_H
#define SLUICE_MOCKS_NETSUITE_OAUTH_H

#include <jansson.h>
#include <stdint.h>

#include "base/clock.h"
#include "mocks/common/http.h"
#include "mocks/netsuite/audit.h"

struct oauth;

struct oauth_identity {
    struct slice account_id; /* canonical: upper case, underscore */
    struct slice consumer_key, consumer_secret, token_id, token_secret;
};

/* Keeps `clock` and `audit`. */
struct oauth *oauth_new(const struct clock *clock, struct audit *audit,
                        int lockout_seconds);
void oauth_free(struct oauth *oauth);

/* Copies the texts. A second pair for the same account joins it. False: the token id is
 * taken, or there are 1,000 already. */
bool oauth_add(struct oauth *oauth, const struct oauth_identity *identity);

/* The canonical account id (lent until oauth_free), or NULL. Borrows the exchange. */
const char *oauth_verify(struct oauth *oauth, struct http_exchange *x,
                         enum audit_reason *reason);

struct oauth_header;

/* The same for a SOAP tokenPassport: its fields as those of a header without parameters. */
const char *oauth_verify_passport(struct oauth *oauth, struct http_exchange *x,
                                  const struct oauth_header *passport,
                                  enum audit_reason *reason);

/* [{"account_id","token_id","failures","locked_seconds"}]: failures in a row, a new array. */
json_t *oauth_logins_json(const struct oauth *oauth);

/* Shifts the mock's idea of now, for timestamps, nonces and locks. */
void oauth_set_skew(struct oauth *oauth, int64_t seconds);
int64_t oauth_now_ms(const struct oauth *oauth);

/* Forgets failures and locks; nonces stay. */
void oauth_reset(struct oauth *oauth);

#endif
