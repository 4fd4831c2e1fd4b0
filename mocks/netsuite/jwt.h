/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: JSON Web Tokens in compact form: read, checked against a public key, signed with
 * the mock's own (RFC 7515, 7518 sections 3.4 and 3.5). Owns: a signer owns its key, made
 * when the first token is signed. Threads: one owner at a time. Errors: false. Start reading
 * at: jwt_read.
 */
#ifndef SLUICE_MOCKS_NETSUITE_JWT_H
#define SLUICE_MOCKS_NETSUITE_JWT_H

#include <jansson.h>
#include <openssl/evp.h>

#include "base/arena.h"

#define JWT_MAX_BYTES ((size_t)8 * 1024)

struct jwt {
    const json_t *header, *payload; /* objects */
    struct slice signed_part;       /* header and payload as they stood there */
    struct slice signature;
};

/* False: not three parts of base64url with a JSON object in the first two, or longer than
 * JWT_MAX_BYTES. What it gives lives as long as `arena`. */
bool jwt_read(struct arena *arena, struct slice text, struct jwt *out);

/* PS256, PS384, PS512, ES256, ES384 or ES512: what NetSuite takes from clients. */
bool jwt_algorithm_known(struct slice algorithm);

/* By the header's `alg`, which must be one for that kind of key. An ECDSA signature is r
 * and s side by side, not DER. */
bool jwt_signed_by(const struct jwt *jwt, EVP_PKEY *key);

struct jwt_signer;

struct jwt_signer *jwt_signer_new(void);
void jwt_signer_free(struct jwt_signer *signer);

/* A token of the mock's own, PS256. Borrows `payload`. */
struct slice jwt_sign(struct jwt_signer *signer, struct arena *arena,
                      const json_t *payload);

/* {"keys":[…]} (RFC 7517), a new object. */
json_t *jwt_key_set(struct jwt_signer *signer, struct arena *arena);

#endif
