/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: OAuth 1.0a signatures as NetSuite's Token-Based Authentication uses them:
 * REST and RESTlet header, SOAP token passport. Owns: nothing. Threads: any. Errors:
 * ERR_UNPROCESSABLE for a URL that cannot be signed. Start reading at: oauth1_sign. RFC
 * 5849 sections 3.4 and 3.5.1; Oracle help, "The Signature for Web Services and
 * RESTlets".
 */
#ifndef SLUICE_AUTH_OAUTH1_H
#define SLUICE_AUTH_OAUTH1_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/mac.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

/* NetSuite takes SHA-256 only; SHA-1 serves published vectors of RFC 5849. */
enum oauth1_method { OAUTH1_HMAC_SHA256, OAUTH1_HMAC_SHA1 };

struct oauth1_param {
    struct slice name, value; /* decoded */
};

struct oauth1_request {
    struct slice method, url;
    struct slice consumer_key, consumer_secret;
    struct slice token, token_secret; /* has_token false: neither sent nor signed */
    struct slice nonce, timestamp;
    bool has_token,
        has_version; /* has_version: oauth_version="1.0" is sent and signed */
    enum oauth1_method signature_method;
    const struct oauth1_param *form; /* of a form-encoded body */
    size_t form_count;
    const struct oauth1_param *extra; /* further parameters of the header, signed */
    size_t extra_count;
    struct slice realm; /* never signed */
};

struct oauth1_signature {
    struct slice base_string, signature; /* the signature in base64 */
    struct slice header;                 /* value of Authorization */
};

MUST_USE enum err oauth1_sign(struct mac *mac, const struct oauth1_request *request,
                              struct arena *arena, struct oauth1_signature *out);

struct oauth1_passport {
    struct slice account, consumer_key, consumer_secret, token, token_secret, nonce,
        timestamp;
};
/* The SOAP tokenPassport's signature (base64, not percent-encoded). */
MUST_USE enum err oauth1_passport_sign(struct mac *mac,
                                       const struct oauth1_passport *passport,
                                       struct arena *arena, struct slice *base_string,
                                       struct slice *signature);

#endif
