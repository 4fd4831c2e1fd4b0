/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the keys, for the files of auth/ that compute with them.
 * Owns: nothing.
 * Threads: one at a time computes.
 * Errors: none.
 * Start reading at: keys_mac.
 */
#ifndef SLUICE_AUTH_KEYS_PRIVATE_H
#define SLUICE_AUTH_KEYS_PRIVATE_H

#include "auth/keys.h"

#define KEY_BYTES 32
#define VAULT_KEYS 64

struct vault_key {
    struct slice id;
    struct secret *key;
};

/* The keys that open, newest last; the last one seals. */
const struct vault_key *keys_vault(const struct keys *keys, size_t *count);

const struct secret *keys_signing(const struct keys *keys);

/* HMAC-SHA-256 of `text` under the signing key: hashes of tokens and keys of other
 * purposes, told apart by the text's first words. One thread at a time. */
void keys_mac(const struct keys *keys, struct slice text, unsigned char out[KEY_BYTES]);

#endif
