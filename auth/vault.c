/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-256-GCM (NIST SP 800-38D) with random 12 byte nonces. A sealed secret is nonce,
 * ciphertext, tag. The cipher is fetched once; one context is kept, and emptied after
 * each use.
 */
#include "auth/vault.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "auth/keys_private.h"
#include "base/limits.h"
#include "base/text.h"

#define NONCE_BYTES 12
#define TAG_BYTES 16

struct vault {
    const struct keys *keys;
    struct secret_pool *pool; /* of what was opened */
    struct secret *wrap_key;
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *context;
};

struct vault *vault_new(const struct keys *keys)
{
    unsigned char key[KEY_BYTES];
    struct vault *vault = calloc(1, sizeof *vault);
    REQUIRE(vault != NULL);
    vault->keys = keys;
    vault->pool = secret_pool_new();
    vault->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    vault->context = EVP_CIPHER_CTX_new();
    REQUIRE(vault->cipher != NULL && vault->context != NULL);
    keys_mac(keys, SLICE("sluice key: wrapped texts 1"), key);
    vault->wrap_key = secret_new(slice_of((const char *)key, sizeof key));
    wipe(key, sizeof key);
    return vault;
}

void vault_free(struct vault *vault)
{
    if (vault == NULL) {
        return;
    }
    secret_free(vault->wrap_key);
    secret_pool_free(vault->pool);
    EVP_CIPHER_CTX_free(vault->context);
    EVP_CIPHER_free(vault->cipher);
    free(vault);
}

struct secret *vault_hold(struct vault *vault, struct slice plain)
{
    return secret_in_pool(vault->pool, plain);
}

bool vault_is_locked(const struct vault *vault)
{
    return secret_pool_is_locked(vault->pool);
}

/* ---- The cipher ---- */

static const unsigned char *octets(struct slice bytes)
{
    return (const unsigned char *)bytes.ptr;
}

/* The context holds the key's schedule, whose first bytes are the key itself: it is
 * emptied after each use. */
static bool done(struct vault *vault, bool ok)
{
    REQUIRE(EVP_CIPHER_CTX_reset(vault->context) == 1);
    return ok;
}

/* `out` has room for nonce, text and tag. */
static bool seal(struct vault *vault, const struct secret *key, struct slice bound,
                 struct slice plain, unsigned char *out)
{
    EVP_CIPHER_CTX *context = vault->context;
    unsigned char *text = out + NONCE_BYTES;
    int len = 0;
    random_bytes(out, NONCE_BYTES);
    bool ok =
        EVP_EncryptInit_ex2(context, vault->cipher, octets(secret_reveal(key)), out,
                            NULL) == 1 &&
        EVP_EncryptUpdate(context, NULL, &len, octets(bound), (int)bound.len) == 1 &&
        EVP_EncryptUpdate(context, text, &len, octets(plain), (int)plain.len) == 1 &&
        EVP_EncryptFinal_ex(context, text + len, &len) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES,
                            text + plain.len) == 1;
    return done(vault, ok);
}

/* `out` has room for the box without nonce and tag. */
static bool open_box(struct vault *vault, const struct secret *key, struct slice bound,
                     struct slice box, unsigned char *out)
{
    EVP_CIPHER_CTX *context = vault->context;
    size_t bytes = box.len - NONCE_BYTES - TAG_BYTES;
    const unsigned char *text = octets(box) + NONCE_BYTES;
    unsigned char tag[TAG_BYTES];
    int len = 0;
    memcpy(tag, text + bytes, sizeof tag);
    bool ok =
        EVP_DecryptInit_ex2(context, vault->cipher, octets(secret_reveal(key)),
                            octets(box), NULL) == 1 &&
        EVP_DecryptUpdate(context, NULL, &len, octets(bound), (int)bound.len) == 1 &&
        EVP_DecryptUpdate(context, out, &len, text, (int)bytes) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
        EVP_DecryptFinal_ex(context, out + len, &len) == 1;
    return done(vault, ok);
}

/* ---- Secrets at rest ---- */

/* Each part carries its length, so that no two triples share a text. */
static struct slice bound_of(struct slice account, struct slice field,
                             struct slice key_id, struct arena *arena)
{
    return arena_printf(arena, "vault 1 %zu:%.*s %zu:%.*s %zu:%.*s", account.len,
                        SLICE_ARG(account), field.len, SLICE_ARG(field), key_id.len,
                        SLICE_ARG(key_id));
}

enum err vault_seal(struct vault *vault, struct slice account, struct slice field,
                    const struct secret *plain, struct arena *arena,
                    struct store_secret *out)
{
    size_t count = 0;
    const struct vault_key *keys = keys_vault(vault->keys, &count);
    const struct vault_key *key = &keys[count - 1];
    size_t bytes = secret_bytes(plain) + NONCE_BYTES + TAG_BYTES;
    unsigned char *box = arena_alloc(arena, bytes);
    struct slice bound = bound_of(account, field, key->id, arena);
    if (secret_bytes(plain) > LIMIT_SECRET_BYTES) {
        return ERR_TOO_LARGE;
    }
    if (!seal(vault, key->key, bound, secret_reveal(plain), box)) {
        return ERR_INTERNAL;
    }
    *out = (struct store_secret){
        .account = account,
        .field = field,
        .key_id = arena_slice(arena, key->id), /* the keys may change meanwhile */
        .sealed = slice_of((const char *)box, bytes),
    };
    return ERR_OK;
}

enum err vault_open(struct vault *vault, const struct store_secret *sealed,
                    struct secret **out)
{
    size_t count = 0;
    const struct vault_key *keys = keys_vault(vault->keys, &count);
    const struct vault_key *key = NULL;
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(keys[i].id, sealed->key_id)) {
            key = &keys[i];
        }
    }
    if (key == NULL) {
        return ERR_NOT_FOUND;
    }
    if (sealed->sealed.len < NONCE_BYTES + TAG_BYTES ||
        sealed->sealed.len > LIMIT_SECRET_BYTES + NONCE_BYTES + TAG_BYTES) {
        return ERR_INTERNAL;
    }
    struct arena *arena = arena_new();
    struct slice bound =
        bound_of(sealed->account, sealed->field, sealed->key_id, arena);
    size_t bytes = sealed->sealed.len - NONCE_BYTES - TAG_BYTES;
    unsigned char *plain = arena_alloc(arena, bytes + 1);
    enum err err = ERR_INTERNAL;
    if (open_box(vault, key->key, bound, sealed->sealed, plain)) {
        *out = vault_hold(vault, slice_of((const char *)plain, bytes));
        err = ERR_OK;
    }
    arena_free(arena);
    return err;
}

enum err vault_renew(struct vault *vault, const struct store_secret *sealed,
                     struct arena *arena, struct store_secret *out)
{
    struct secret *plain = NULL;
    if (slice_eq(sealed->key_id, keys_sealing_id(vault->keys))) {
        *out = *sealed;
        return ERR_OK;
    }
    enum err err = vault_open(vault, sealed, &plain);
    if (err == ERR_OK) {
        err = vault_seal(vault, sealed->account, sealed->field, plain, arena, out);
        secret_free(plain);
    }
    return err;
}

/* ---- Texts that leave and come back ---- */

enum err vault_wrap(struct vault *vault, struct slice bound, struct slice plain,
                    struct arena *arena, struct slice *text)
{
    size_t bytes = plain.len + NONCE_BYTES + TAG_BYTES;
    unsigned char *box = arena_alloc(arena, bytes);
    if (!seal(vault, vault->wrap_key, bound, plain, box)) {
        return ERR_INTERNAL;
    }
    *text = text_base64url(arena, slice_of((const char *)box, bytes));
    return ERR_OK;
}

enum err vault_unwrap(struct vault *vault, struct slice bound, struct slice text,
                      struct arena *arena, struct slice *plain)
{
    struct slice box;
    if (text.len > LIMIT_SEALED_BYTES || !text_unbase64url(arena, text, &box) ||
        box.len < NONCE_BYTES + TAG_BYTES) {
        return ERR_INVALID_ARGUMENTS;
    }
    size_t bytes = box.len - NONCE_BYTES - TAG_BYTES;
    unsigned char *out = arena_alloc(arena, bytes + 1);
    if (!open_box(vault, vault->wrap_key, bound, box, out)) {
        return ERR_INVALID_ARGUMENTS;
    }
    *plain = slice_of((const char *)out, bytes);
    return ERR_OK;
}
