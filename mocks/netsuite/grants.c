/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes, grants and tokens. Invariants:
 * 1. A code or token is found by its SHA-256; the texts are with the clients only.
 * 2. A grant owns its tokens: `by_hash` has none whose grant is not on the list.
 * 3. A public client's refresh token serves once. Using it again is refused and harms
 * nothing else: Oracle's pages say nothing of a chain that ends by it.
 */
#include "mocks/netsuite/grants.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/require.h"

#define MAX_CODES 1000
#define MAX_GRANTS 2000
#define MAX_TOKENS 1000 /* of a grant */
#define HASH_BYTES 32
#define CHALLENGE_BYTES 43 /* base64url of a SHA-256 */

struct code {
    struct list node;
    unsigned char hash[HASH_BYTES];
    const struct integration *integration;
    unsigned scopes;
    char *redirect_uri;
    char challenge[CHALLENGE_BYTES + 1];
    int64_t ends_s;
};

struct token {
    struct list node;
    unsigned char hash[HASH_BYTES];
    enum token_kind kind;
    struct grant *grant;
    int64_t ends_s;
    bool used;
};

struct grants {
    struct list codes, grants; /* oldest first */
    size_t code_count, grant_count;
    struct map *by_hash; /* of tokens */
};

static void digest(struct slice text, unsigned char hash[HASH_BYTES])
{
    REQUIRE(EVP_Digest(text.ptr, text.len, hash, NULL, EVP_sha256(), NULL) == 1);
}

static struct slice hash_slice(const unsigned char hash[HASH_BYTES])
{
    return slice_of((const char *)hash, HASH_BYTES);
}

static void random_hex(char *out, size_t bytes)
{
    unsigned char random[CODE_HEX / 2];
    REQUIRE(bytes <= sizeof random && RAND_bytes(random, (int)bytes) == 1);
    for (size_t i = 0; i < bytes; i++) {
        snprintf(out + i * 2, 3, "%02x", random[i]);
    }
}

struct grants *grants_new(void)
{
    struct grants *grants = calloc(1, sizeof *grants);
    REQUIRE(grants != NULL);
    list_init(&grants->codes);
    list_init(&grants->grants);
    grants->by_hash = map_new();
    return grants;
}

/* ---- codes ---- */

static void code_drop(struct grants *grants, struct code *code)
{
    list_remove(&code->node);
    grants->code_count--;
    free(code->redirect_uri);
    free(code);
}

void grants_add_code(struct grants *grants, const struct code_terms *terms,
                     int64_t ends_s, char text[CODE_HEX + 1])
{
    if (grants->code_count == MAX_CODES) {
        code_drop(grants, LIST_ENTRY(grants->codes.next, struct code, node));
    }
    struct code *code = calloc(1, sizeof *code);
    REQUIRE(code != NULL);
    code->redirect_uri = calloc(1, terms->redirect_uri.len + 1);
    REQUIRE(code->redirect_uri != NULL && terms->challenge.len <= CHALLENGE_BYTES);
    slice_copy(code->redirect_uri, terms->redirect_uri);
    slice_copy(code->challenge, terms->challenge);
    code->integration = terms->integration;
    code->scopes = terms->scopes;
    code->ends_s = ends_s;
    random_hex(text, CODE_HEX / 2);
    digest(slice_of(text, CODE_HEX), code->hash);
    list_init(&code->node);
    list_push(&grants->codes, &code->node);
    grants->code_count++;
}

static struct code *find_code(const struct grants *grants, struct slice text)
{
    unsigned char hash[HASH_BYTES];
    digest(text, hash);
    LIST_FOREACH (node, &grants->codes) {
        struct code *code = LIST_ENTRY(node, struct code, node);
        if (CRYPTO_memcmp(code->hash, hash, HASH_BYTES) == 0) {
            return code;
        }
    }
    return NULL;
}

/* RFC 7636 section 4.6. Without a challenge there must be no verifier either (RFC 9700
 * section 2.1.1: somebody took the challenge out). */
static bool verifier_fits(const struct code *code, struct slice verifier)
{
    unsigned char hash[HASH_BYTES];
    char expected[CHALLENGE_BYTES + 2];
    if (code->challenge[0] == '\0' || verifier.len == 0) {
        return code->challenge[0] == '\0' && verifier.len == 0;
    }
    digest(verifier, hash);
    REQUIRE(EVP_EncodeBlock((unsigned char *)expected, hash, HASH_BYTES) ==
            CHALLENGE_BYTES + 1);
    for (int i = 0; i < CHALLENGE_BYTES; i++) {
        expected[i] = (char)(expected[i] == '+'   ? '-'
                             : expected[i] == '/' ? '_'
                                                  : expected[i]);
    }
    return CRYPTO_memcmp(expected, code->challenge, CHALLENGE_BYTES) == 0;
}

/* ---- grants ---- */

static void token_drop(struct grants *grants, struct token *token)
{
    list_remove(&token->node);
    token->grant->token_count--;
    (void)map_remove(grants->by_hash, hash_slice(token->hash));
    free(token);
}

static void grant_drop(struct grants *grants, struct grant *grant)
{
    LIST_FOREACH_SAFE (node, after, &grant->tokens) {
        token_drop(grants, LIST_ENTRY(node, struct token, node));
    }
    list_remove(&grant->node);
    grants->grant_count--;
    free(grant);
}

static struct grant *grant_new(struct grants *grants, enum grant_kind kind,
                               const struct integration *integration, unsigned scopes,
                               int64_t now_s)
{
    if (grants->grant_count == MAX_GRANTS) {
        grant_drop(grants, LIST_ENTRY(grants->grants.next, struct grant, node));
    }
    struct grant *grant = calloc(1, sizeof *grant);
    REQUIRE(grant != NULL);
    grant->kind = kind;
    grant->integration = integration;
    grant->scopes = scopes;
    grant->made_s = now_s;
    grant->ends_s = INT64_MAX;
    random_hex(grant->id, 16);
    list_init(&grant->tokens);
    list_init(&grant->node);
    list_push(&grants->grants, &grant->node);
    grants->grant_count++;
    return grant;
}

struct grant *grants_redeem(struct grants *grants, struct slice text,
                            const struct integration *integration,
                            struct slice redirect_uri, struct slice verifier,
                            int64_t now_s, enum audit_reason *why)
{
    struct code *code = find_code(grants, text);
    *why = AUDIT_InvalidGrant;
    if (code == NULL) {
        return NULL;
    }
    if (code->integration != integration) {
        *why = AUDIT_ClientIdMismatch;
        return NULL;
    }
    bool fits = code->ends_s > now_s && slice_is(redirect_uri, code->redirect_uri) &&
                verifier_fits(code, verifier);
    unsigned scopes = code->scopes;
    code_drop(grants, code); /* right or wrong: it serves once */
    return fits ? grant_new(grants, GRANT_CODE, integration, scopes, now_s) : NULL;
}

struct grant *grants_of_certificate(struct grants *grants,
                                    const struct integration *integration,
                                    const struct certificate *certificate,
                                    unsigned scopes, int64_t now_s)
{
    LIST_FOREACH (node, &grants->grants) {
        struct grant *grant = LIST_ENTRY(node, struct grant, node);
        if (grant->certificate == certificate && !grant->revoked &&
            grant->scopes == scopes) {
            return grant;
        }
    }
    struct grant *grant =
        grant_new(grants, GRANT_CLIENT_CREDENTIALS, integration, scopes, now_s);
    grant->certificate = certificate;
    return grant;
}

static bool grant_lives(const struct grant *grant, int64_t now_s)
{
    return !grant->revoked && grant->ends_s > now_s &&
           (grant->certificate == NULL || !grant->certificate->revoked);
}

bool grants_consented(const struct grants *grants,
                      const struct integration *integration, unsigned scopes,
                      int64_t now_s)
{
    LIST_FOREACH (node, &grants->grants) {
        const struct grant *grant = LIST_ENTRY(node, struct grant, node);
        if (grant->integration == integration && grant->kind == GRANT_CODE &&
            grant_lives(grant, now_s) && (scopes & ~grant->scopes) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- tokens ---- */

/* But not the refresh token that a confidential client keeps. */
static void drop_oldest(struct grants *grants, struct grant *grant)
{
    struct token *token = LIST_ENTRY(grant->tokens.next, struct token, node);
    if (token->kind == TOKEN_REFRESH && !token->used) {
        token = LIST_ENTRY(token->node.next, struct token, node);
    }
    token_drop(grants, token);
}

void grants_add_token(struct grants *grants, struct grant *grant, enum token_kind kind,
                      struct slice text, int64_t ends_s)
{
    if (grant->token_count == MAX_TOKENS) {
        drop_oldest(grants, grant);
    }
    struct token *token = calloc(1, sizeof *token);
    REQUIRE(token != NULL);
    token->kind = kind;
    token->grant = grant;
    token->ends_s = ends_s;
    digest(text, token->hash);
    list_init(&token->node);
    list_push(&grant->tokens, &token->node);
    grant->token_count++;
    REQUIRE(map_put(grants->by_hash, hash_slice(token->hash), token) == NULL);
}

static struct token *find_token(const struct grants *grants, struct slice text)
{
    unsigned char hash[HASH_BYTES];
    digest(text, hash);
    return map_get(grants->by_hash, hash_slice(hash));
}

struct grant *grants_refresh(struct grants *grants, struct slice text,
                             const struct integration *integration, int64_t now_s,
                             enum audit_reason *why)
{
    struct token *token = find_token(grants, text);
    if (token == NULL || token->kind != TOKEN_REFRESH) {
        *why = AUDIT_InvalidRefreshToken;
    } else if (token->grant->integration != integration) {
        *why = AUDIT_ClientIdMismatch;
    } else if (token->used || token->grant->revoked) {
        *why = AUDIT_TokenBlocked;
    } else if (token->ends_s <= now_s || token->grant->ends_s <= now_s) {
        *why = AUDIT_RefreshTokenExpired;
    } else {
        *why = AUDIT_OK;
        token->used = integration->client_secret == NULL;
        token->grant->rotations += token->used ? 1 : 0;
        return token->grant;
    }
    return NULL;
}

const struct grant *grants_bearer(const struct grants *grants, struct slice text,
                                  int64_t now_s, enum audit_reason *why)
{
    const struct token *token = find_token(grants, text);
    if (token == NULL) {
        *why = AUDIT_TokenRejected;
    } else if (token->kind != TOKEN_ACCESS) {
        *why = AUDIT_InvalidTokenType;
    } else if (token->grant->revoked || (token->grant->certificate != NULL &&
                                         token->grant->certificate->revoked)) {
        *why = AUDIT_TokenBlocked;
    } else if (token->ends_s <= now_s) {
        *why = AUDIT_AccessTokenExpired;
    } else {
        *why = AUDIT_OK;
        return token->grant;
    }
    return NULL;
}

/* ---- ending ---- */

bool grants_revoke_token(struct grants *grants, struct slice text,
                         const struct integration *integration)
{
    struct token *token = find_token(grants, text);
    bool own = token != NULL && token->kind == TOKEN_REFRESH &&
               token->grant->integration == integration;
    if (own) {
        token->grant->revoked = true;
    }
    return own;
}

bool grants_revoke(struct grants *grants, struct slice id)
{
    bool found = id.len == 0;
    LIST_FOREACH (node, &grants->grants) {
        struct grant *grant = LIST_ENTRY(node, struct grant, node);
        if (id.len == 0 || slice_is(id, grant->id)) {
            grant->revoked = true;
            found = true;
        }
    }
    return found;
}

static size_t expire(struct grant *grant, enum token_kind kind, int64_t now_s)
{
    size_t ended = 0;
    LIST_FOREACH (node, &grant->tokens) {
        struct token *token = LIST_ENTRY(node, struct token, node);
        if (token->kind == kind && token->ends_s > now_s) {
            token->ends_s = now_s;
            ended++;
        }
    }
    return ended;
}

size_t grants_expire_tokens(struct grants *grants, enum token_kind kind, int64_t now_s)
{
    size_t ended = 0;
    LIST_FOREACH (node, &grants->grants) {
        ended += expire(LIST_ENTRY(node, struct grant, node), kind, now_s);
    }
    return ended;
}

static json_int_t tokens_alive(const struct grant *grant, enum token_kind kind,
                               int64_t now_s)
{
    json_int_t count = 0;
    LIST_FOREACH (node, &grant->tokens) {
        const struct token *token = LIST_ENTRY(node, struct token, node);
        count += token->kind == kind && !token->used && token->ends_s > now_s ? 1 : 0;
    }
    return count;
}

json_t *grants_json(const struct grants *grants, int64_t now_s)
{
    json_t *array = json_array();
    LIST_FOREACH (node, &grants->grants) {
        const struct grant *grant = LIST_ENTRY(node, struct grant, node);
        if (!grant_lives(grant, now_s)) {
            continue;
        }
        json_t *one = json_pack(
            "{s:s, s:s, s:s, s:s, s:b, s:o, s:I, s:I, s:I, s:I}", "id", grant->id,
            "kind",
            grant->kind == GRANT_CODE ? "authorization_code" : "client_credentials",
            "account_id", grant->integration->account_id, "client_id",
            grant->integration->client_id, "public",
            grant->integration->client_secret == NULL, "scope",
            scope_json(grant->scopes), "made_at", (json_int_t)grant->made_s,
            "rotations", (json_int_t)grant->rotations, "access_tokens",
            tokens_alive(grant, TOKEN_ACCESS, now_s), "refresh_tokens",
            tokens_alive(grant, TOKEN_REFRESH, now_s));
        REQUIRE(one != NULL);
        json_object_set_new(one, "ends_at",
                            grant->ends_s == INT64_MAX
                                ? json_null()
                                : json_integer((json_int_t)grant->ends_s));
        json_array_append_new(array, one);
    }
    return array;
}

void grants_free(struct grants *grants)
{
    if (grants == NULL) {
        return;
    }
    LIST_FOREACH_SAFE (node, after, &grants->codes) {
        code_drop(grants, LIST_ENTRY(node, struct code, node));
    }
    LIST_FOREACH_SAFE (entry, behind, &grants->grants) {
        grant_drop(grants, LIST_ENTRY(entry, struct grant, node));
    }
    map_free(grants->by_hash);
    free(grants);
}
