/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: who is calling: the secret of an MCP URL, or a bearer token of the API.
 * Owns: nothing; keeps keys and store.
 * Threads: the loop's.
 * Errors: ERR_UNAUTHORIZED for everything that is not a living token, after the same
 * work whatever is wrong with it. Start reading at: principal_by_url.
 */
#ifndef SLUICE_AUTH_PRINCIPAL_H
#define SLUICE_AUTH_PRINCIPAL_H

#include <stdint.h>

#include "auth/keys.h"
#include "base/arena.h"
#include "store/store.h"

#define CONNECT_TOKEN_CHARACTERS 64

enum role { ROLE_ADMIN, ROLE_TENANT, ROLE_CALL };
bool role_parse(struct slice name, enum role *role);

/* A new token: 32 random bytes as 64 hex digits; API tokens carry the prefix "slt_". */
struct minted {
    struct slice raw;  /* shown once; lives in the arena */
    struct slice hash; /* 32 bytes: HMAC-SHA-256 under the signing key */
};
struct minted principal_mint_url_token(const struct keys *keys, struct arena *arena);
struct minted principal_mint_api_token(const struct keys *keys, struct arena *arena);

/* What the pages for people hand out, each 64 hex digits: a link, what a browser is known
 * by, the state of a consent. CONNECT_FORM is made of a browser's: forms carry it back. */
enum connect_token { CONNECT_LINK, CONNECT_BROWSER, CONNECT_STATE, CONNECT_FORM };
struct minted principal_mint_connect(const struct keys *keys, enum connect_token kind,
                                     struct arena *arena);
struct slice principal_hash_connect(const struct keys *keys, enum connect_token kind,
                                    struct slice token, struct arena *arena);

/* `token`: the path segment after /mcp/, raw. */
MUST_USE enum err principal_by_url(const struct keys *keys, struct store *store,
                                   struct slice token, int64_t now_ms,
                                   struct arena *arena, struct store_server *server);

struct principal {
    struct slice token_id, tenant; /* tenant empty for admin */
    enum role role;
};

/* `authorization`: the field's value, "Bearer …". */
MUST_USE enum err principal_by_bearer(const struct keys *keys, struct store *store,
                                      struct slice authorization, int64_t now_ms,
                                      struct arena *arena, struct principal *out);

#endif
