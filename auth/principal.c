/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens. What is looked up is always an HMAC over a text of the same length, whatever
 * was sent, so that a malformed token costs what an unknown one costs.
 */
#include "auth/principal.h"

#include "auth/keys_private.h"
#include "base/text.h"

#define TOKEN_BYTES 32
#define API_PREFIX "slt_"
#define HEX_CHARACTERS 64

/* First words of what is hashed: a URL's token is never an API token. */
#define URL_PURPOSE "sluice token: mcp url 1 "
#define API_PURPOSE "sluice token: api 1 "
static const char *const connect_purposes[] = {
    [CONNECT_LINK] = "sluice token: connect link 1 ",
    [CONNECT_BROWSER] = "sluice token: connect browser 1 ",
    [CONNECT_STATE] = "sluice token: connect state 1 ",
    [CONNECT_FORM] = "sluice token: connect form 1 ",
};

static const char *const role_names[] = {
    [ROLE_ADMIN] = "admin", [ROLE_TENANT] = "tenant", [ROLE_CALL] = "call"};

bool role_parse(struct slice name, enum role *role)
{
    for (int i = ROLE_ADMIN; i <= ROLE_CALL; i++) {
        if (slice_is(name, role_names[i])) {
            *role = (enum role)i;
            return true;
        }
    }
    return false;
}

/*
 * Purpose, the length that was sent, and its first 64 bytes, padded: one form for every
 * input. The length keeps two inputs with the same first bytes apart.
 */
static struct slice hash_token(const struct keys *keys, const char *purpose,
                               struct slice token, struct arena *arena)
{
    char text[128] = {0};
    unsigned char *mac = arena_alloc(arena, KEY_BYTES);
    size_t at = strlen(purpose);
    memcpy(text, purpose, at);
    for (size_t shift = 0; shift < 64; shift += 8) {
        text[at++] = (char)((token.len >> shift) & 0xff);
    }
    memcpy(text + at, token.ptr,
           token.len < HEX_CHARACTERS ? token.len : HEX_CHARACTERS);
    at += HEX_CHARACTERS;
    keys_mac(keys, slice_of(text, at), mac);
    wipe(text, sizeof text);
    return slice_of((const char *)mac, KEY_BYTES);
}

static struct slice random_token(struct arena *arena)
{
    char bytes[TOKEN_BYTES];
    random_bytes(bytes, sizeof bytes);
    struct slice hex = text_hex(arena, slice_of(bytes, sizeof bytes));
    wipe(bytes, sizeof bytes);
    return hex;
}

struct minted principal_mint_url_token(const struct keys *keys, struct arena *arena)
{
    struct minted minted = {.raw = random_token(arena)};
    minted.hash = hash_token(keys, URL_PURPOSE, minted.raw, arena);
    return minted;
}

struct minted principal_mint_api_token(const struct keys *keys, struct arena *arena)
{
    struct minted minted;
    struct slice secret = random_token(arena);
    minted.raw = arena_printf(arena, API_PREFIX "%.*s", SLICE_ARG(secret));
    minted.hash = hash_token(keys, API_PURPOSE, secret, arena);
    return minted;
}

struct slice principal_hash_connect(const struct keys *keys, enum connect_token kind,
                                    struct slice token, struct arena *arena)
{
    return hash_token(keys, connect_purposes[kind], token, arena);
}

struct minted principal_mint_connect(const struct keys *keys, enum connect_token kind,
                                     struct arena *arena)
{
    struct minted minted = {.raw = random_token(arena)};
    minted.hash = principal_hash_connect(keys, kind, minted.raw, arena);
    return minted;
}

/* The store's words for "no such token" become ours. */
static enum err as_unauthorized(enum err err)
{
    return err == ERR_NOT_FOUND ? ERR_UNAUTHORIZED : err;
}

enum err principal_by_url(const struct keys *keys, struct store *store,
                          struct slice token, int64_t now_ms, struct arena *arena,
                          struct store_server *server)
{
    struct slice hash = hash_token(keys, URL_PURPOSE, token, arena);
    return as_unauthorized(store_find_server(store, hash, now_ms, arena, server));
}

/* RFC 9110 section 11.4: the scheme in any case, one or more spaces, the token, nothing
 * else. */
static bool bearer_secret(struct slice authorization, struct slice *secret)
{
    struct slice scheme = SLICE("bearer ");
    if (authorization.len <= scheme.len ||
        !slice_eq_nocase(slice_of(authorization.ptr, scheme.len), scheme)) {
        return false;
    }
    struct slice token = slice_trim(slice_from(authorization, scheme.len));
    if (!slice_starts(token, SLICE(API_PREFIX))) {
        return false;
    }
    *secret = slice_from(token, sizeof API_PREFIX - 1);
    return true;
}

enum err principal_by_bearer(const struct keys *keys, struct store *store,
                             struct slice authorization, int64_t now_ms,
                             struct arena *arena, struct principal *out)
{
    struct slice secret = SLICE_EMPTY;
    struct store_api_token token;
    bool readable = bearer_secret(authorization, &secret);
    struct slice hash = hash_token(keys, API_PURPOSE, secret, arena);
    enum err err = store_find_api_token(store, hash, now_ms, arena, &token);
    if (err != ERR_OK) {
        return as_unauthorized(err);
    }
    if (!readable || !role_parse(token.role, &out->role)) {
        return ERR_UNAUTHORIZED;
    }
    out->token_id = token.id;
    out->tenant = token.tenant;
    return ERR_OK;
}
