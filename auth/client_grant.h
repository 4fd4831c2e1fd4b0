/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: access tokens by client credentials (RFC 6749 section 4.4): with a secret in the
 * body, a signed assertion (RFC 7523), or a certificate (RFC 8705). Owns: nothing beyond
 * the sources it adds to tokens. Threads: the loop's. Errors: as auth/tokens.h. Start
 * reading at: client_grant_source.
 */
#ifndef SLUICE_AUTH_CLIENT_GRANT_H
#define SLUICE_AUTH_CLIENT_GRANT_H

#include "auth/tokens.h"

/* All borrowed; what does not apply is empty. */
struct client_grant {
    struct slice tenant; /* tokens never cross tenants */
    struct slice url, client_id;
    struct slice client_secret; /* in the body */
    /* Or a certificate that the TLS connection shows, with private_key_pem. */
    struct slice certificate_pem;
    /* Or an assertion: its key and what names it at the host, and the scopes as a JSON
     * array, which is how NetSuite wants them in the claims. */
    struct slice private_key_pem, alg, key_id, scopes_json;
    /* More of the form, "&name=value" percent-encoded; not secret. */
    struct slice extra_form;
};

/* Holds the source of that client: the same one for the same values. */
struct token_source *client_grant_source(struct tokens *tokens,
                                         const struct client_grant *grant);

#endif
