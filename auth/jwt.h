/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: signs JSON Web Tokens (RFC 7519) as compact JWS (RFC 7515) with an asymmetric
 * key. Owns: nothing. Threads: any. Errors: ERR_UNPROCESSABLE, with what is wrong with the
 * key. Start reading at: jwt_sign. Algorithms: RFC 7518 sections 3.4 and 3.5; those that
 * NetSuite takes (Oracle Help, "OAuth 2.0 client credentials, POST request").
 */
#ifndef SLUICE_AUTH_JWT_H
#define SLUICE_AUTH_JWT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

/* "PS256", "PS384", "PS512", "ES256", "ES384", "ES512" */
bool jwt_alg_is_known(struct slice alg);

/*
 * Whether a private key in PEM, not encrypted, fits the algorithm: RSA of 2048 bits and
 * more for PS, the curve that belongs to it for ES. `problem`: a literal.
 */
MUST_USE enum err jwt_key_check(struct slice alg, struct slice pem,
                                const char **problem);

/* "<header>.<claims>.<signature>" of two JSON texts; borrows all. The key's pages are
 * wiped when it returns. */
MUST_USE enum err jwt_sign(struct slice alg, struct slice pem, struct slice header,
                           struct slice claims, struct arena *arena, struct slice *out);

#endif
