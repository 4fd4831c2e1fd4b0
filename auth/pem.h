/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: keys and certificates in PEM (RFC 7468), as operators paste them. Owns: nothing.
 * Threads: any. Errors: a sentence for the person who pasted it. Start reading at:
 * pem_check_identity. What is read of a key is freed into the allocator that wipes.
 */
#ifndef SLUICE_AUTH_PEM_H
#define SLUICE_AUTH_PEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct evp_pkey_st;

/* A private key that is not encrypted; NULL when there is none. Free with EVP_PKEY_free. */
struct evp_pkey_st *pem_read_key(struct slice pem);

enum pem_part { PEM_CERTIFICATE, PEM_KEY };
/*
 * A certificate, with its issuers behind it or without, and its key: NULL when they can
 * be shown to a TLS server at `now_ms`; else what is wrong with `*part`. That the two belong
 * together matters beyond the peer's own check: nobody may act by a certificate whose key
 * they do not have.
 */
const char *pem_check_identity(struct slice certificate, struct slice key,
                               int64_t now_ms, enum pem_part *part);

/* From when to when the first certificate is good, ms since 1970; false when there is none. */
bool pem_certificate_life(struct slice certificate, int64_t *begin_ms, int64_t *end_ms);
/* When it ends. */
bool pem_certificate_end(struct slice certificate, int64_t *end_ms);

#endif
