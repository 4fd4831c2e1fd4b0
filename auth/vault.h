/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: seals upstream secrets for the store and opens them again: AES-256-GCM,
 * associated data account id, field, key id. Owns: its cipher contexts and the locked
 * pages of what it opened; keeps the keys. Threads: the loop's.
 * Errors: ERR_NOT_FOUND when the sealing key is not loaded, ERR_INTERNAL when the box
 * was changed. Start reading at: vault_seal.
 */
#ifndef SLUICE_AUTH_VAULT_H
#define SLUICE_AUTH_VAULT_H

#include "auth/keys.h"
#include "base/arena.h"
#include "base/secret.h"
#include "store/store.h"

struct vault;

struct vault *vault_new(const struct keys *keys);
/* What it opened or holds is freed before it. Accepts NULL. */
void vault_free(struct vault *vault);

/* Borrows all; the result's slices live in `arena` or are those given. */
MUST_USE enum err vault_seal(struct vault *vault, struct slice account,
                             struct slice field, const struct secret *plain,
                             struct arena *arena, struct store_secret *out);
/* The caller owns *out, which lies in the vault's locked pages. */
MUST_USE enum err vault_open(struct vault *vault, const struct store_secret *sealed,
                             struct secret **out);

/* The same secret under the key that seals now; what is under it already is given back as
 * it is. `*out` lives in `arena`. Errors as of vault_open. */
MUST_USE enum err vault_renew(struct vault *vault, const struct store_secret *sealed,
                              struct arena *arena, struct store_secret *out);

/* A copy of what was never sealed, in the same pages. The caller owns it. */
struct secret *vault_hold(struct vault *vault, struct slice plain);
/* Whether the system has locked all of these pages. */
bool vault_is_locked(const struct vault *vault);

/*
 * Short sealed texts that leave the server and come back (cursors): AES-256-GCM under a
 * key derived from the signing key, base64url. `bound` is authenticated, not contained.
 */
MUST_USE enum err vault_wrap(struct vault *vault, struct slice bound,
                             struct slice plain, struct arena *arena,
                             struct slice *text);
/* ERR_INVALID_ARGUMENTS for anything that is not exactly what vault_wrap gave for
 * `bound`. */
MUST_USE enum err vault_unwrap(struct vault *vault, struct slice bound,
                               struct slice text, struct arena *arena,
                               struct slice *plain);

#endif
