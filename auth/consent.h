/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a person's consent at an ERP: the address a browser is sent to, and the tokens
 * for the code it comes back with (RFC 6749 section 4.1, RFC 7636). Owns: the server's own
 * client; requests under way own themselves. Threads: the loop's. Errors: as
 * auth/grant_request.h. Start reading at: consent_url.
 */
#ifndef SLUICE_AUTH_CONSENT_H
#define SLUICE_AUTH_CONSENT_H

#include "auth/grant_request.h"
#include "auth/outbound.h"

/* Whether people consent to a scheme. */
bool consent_is_way_of(const struct outbound_scheme *scheme);

/* 64 characters of [0-9a-f], of 32 random bytes: RFC 7636 section 4.1 asks for 43 to 128. */
struct slice consent_new_verifier(struct arena *arena);

/* Borrowed during the call. */
struct consent_request {
    struct slice origin; /* of the ERP's pages */
    struct slice redirect_uri, state, verifier;
};
/* For a browser; lives in `arena`. The credential knows the client. */
struct slice consent_url(const struct credential *credential,
                         const struct consent_request *request, struct arena *arena);

struct consent_code {
    struct slice code, redirect_uri, verifier;
};
/* Asks for the tokens; as grant_request_send. Borrows all. */
MUST_USE enum err consent_redeem(const struct credential *credential,
                                 const struct consent_code *code,
                                 const struct grant_request_handlers *handlers,
                                 struct grant_request **out);

/* The credential signs with that answer's token, which is stored nowhere yet; it is not
 * renewed. Before its first use. */
void consent_try(struct credential *credential, const struct token_answer *answer);
/* Tells the token host that what it just gave is not wanted, whatever comes of it. */
void consent_give_back(const struct credential *credential,
                       const struct token_answer *answer);

/* The auth object that the credential was made of, secrets and all, in `arena`. */
const struct jval *consent_auth_of(const struct credential *credential,
                                   struct arena *arena);

/* ---- The server's own client at an ERP, of the operator's configuration ---- */

struct consent_client;

/* Copies both; takes `secret` (NULL: a public client). */
struct consent_client *consent_client_new(struct slice client_id,
                                          struct secret *secret);
void consent_client_free(struct consent_client *client); /* accepts NULL */
/* An `auth` object of that scheme, in `arena`. */
const struct jval *consent_client_auth(const struct consent_client *client,
                                       const struct outbound_scheme *scheme,
                                       struct arena *arena);

#endif
