/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the secret that a webhook endpoint shares with us, and what is signed with it:
 * the scheme of standardwebhooks.com (symmetric, "v1"). Owns: nothing. Threads: one at a
 * time. Errors: none. Start reading at: webhook_signature.
 *
 * A secret is derived, not stored: HMAC-SHA-256 under the server's signing key over the
 * endpoint's id and the secret's version. So there is nothing to seal and nothing that a
 * new vault key would have to seal anew; a new signing key ends it, as it ends all tokens.
 */
#ifndef SLUICE_AUTH_WEBHOOK_KEY_H
#define SLUICE_AUTH_WEBHOOK_KEY_H

#include <stdint.h>

#include "auth/keys.h"
#include "auth/mac.h"
#include "base/arena.h"
#include "base/secret.h"

struct webhook_key {
    struct slice endpoint;
    int64_t version;
};

/* The bytes of the secret; the caller owns them. */
struct secret *webhook_key_derive(const struct keys *keys,
                                  const struct webhook_key *key);
/* "whsec_…", for the one who made the endpoint; lives in `arena`. */
struct slice webhook_key_text(const struct secret *secret, struct arena *arena);
/* "v1,<base64>" over id, Unix seconds and body. */
struct slice webhook_signature(struct mac *mac, const struct secret *secret,
                               struct slice id, int64_t seconds, struct slice body,
                               struct arena *arena);

#endif
