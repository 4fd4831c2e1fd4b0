/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: HMAC (RFC 2104) with SHA-256, and with SHA-1 for published vectors, at the
 * price of the hashing alone. Owns: OpenSSL's digests, fetched once, and one context;
 * no key and no text stays in it. Threads: one at a time. Errors: aborts; a digest
 * cannot fail but for lack of memory. Start reading at: mac_compute.
 */
#ifndef SLUICE_AUTH_MAC_H
#define SLUICE_AUTH_MAC_H

#include <stddef.h>

#include "base/slice.h"

#define MAC_BYTES 32 /* of the longest */

enum mac_digest { MAC_SHA256, MAC_SHA1 };

struct mac;

struct mac *mac_new(void);
void mac_free(struct mac *mac); /* accepts NULL */

/* Returns how many bytes of `out` it filled: 32, or 20 for SHA-1. */
size_t mac_compute(struct mac *mac, enum mac_digest kind, struct slice key,
                   struct slice text, unsigned char out[MAC_BYTES]);

#endif
