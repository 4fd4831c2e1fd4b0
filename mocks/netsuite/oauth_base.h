/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: reads the Authorization header and rebuilds the signature it should carry
 *          (RFC 5849 section 3.4), from the raw request target.
 * Owns: nothing; results live in the exchange's arena.
 * Threads: the loop's.
 * Errors: false when the header is no OAuth header, or names a parameter twice.
 * Start reading at: oauth_signature.
 */
#ifndef SLUICE_MOCKS_NETSUITE_OAUTH_BASE_H
#define SLUICE_MOCKS_NETSUITE_OAUTH_BASE_H

#include "mocks/common/http.h"

#define OAUTH_MAX_PARAMS 32

struct oauth_param {
    struct slice name, value; /* decoded */
};

struct oauth_header {
    struct oauth_param
        params[OAUTH_MAX_PARAMS]; /* all of them, realm and signature too */
    size_t param_count;
    struct slice realm, consumer_key, token, method, timestamp, nonce, version,
        signature;
    bool has_version;
};

bool oauth_read_header(struct http_exchange *x, struct oauth_header *out);

/* Base64 of the HMAC-SHA256 over the base string. */
struct slice oauth_signature(struct http_exchange *x, const struct oauth_header *header,
                             struct slice consumer_secret, struct slice token_secret);

/* The same over the fields of a SOAP tokenPassport (Oracle help "The Signature for Web
 * Services and RESTlets"). */
struct slice oauth_passport_signature(struct arena *arena,
                                      const struct oauth_header *passport,
                                      struct slice consumer_secret,
                                      struct slice token_secret);

#endif
