/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: an account's login as rows of the store: secrets sealed, the rest as JSON, and
 * what has to go where another takes its place. Owns: nothing. Threads: the loop's. Errors:
 * as auth/vault.h and store.h. Start reading at: login_seal.
 */
#ifndef SLUICE_CORE_LOGIN_ROWS_H
#define SLUICE_CORE_LOGIN_ROWS_H

#include "auth/outbound.h"
#include "store/store.h"

/* What of an auth object goes where. */
struct sealed_auth {
    struct store_secret *secrets;
    size_t count;
    struct slice plain_json;
};

/* `auth` has passed outbound_check. Seals for `record`'s id, under the names that its `named`
 * says. All lives in `arena`. */
MUST_USE enum err login_seal(struct vault *vault, const struct store_account *record,
                             const struct jval *auth,
                             const struct outbound_scheme *scheme, struct arena *arena,
                             struct sealed_auth *out);
/* Before they are stored: the keys may have been rotated since. */
MUST_USE bool login_renew(struct vault *vault, struct sealed_auth *sealed,
                          struct arena *arena);
/* After the account itself: a secret belongs to one that exists. */
void login_put(struct store_batch *batch, const struct sealed_auth *auth);

/* The secrets of one credential, and the grant that belongs to it, go. */
void login_drop(struct store_batch *batch, struct slice account, struct slice scheme,
                bool named, struct arena *arena);
/* Another active credential, of record->scheme: what it takes the place of goes. */
MUST_USE enum err login_replace(struct store *store, struct store_batch *batch,
                                const struct store_account *record,
                                struct slice old_scheme, struct arena *arena);

/* A checked value as JSON text, in `arena`. */
struct slice login_json(struct arena *arena, const struct jval *value);

#endif
