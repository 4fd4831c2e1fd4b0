/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Web Tokens with OpenSSL. */
#include "mocks/netsuite/jwt.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "mocks/common/json_in.h"

#define SIGNER_BITS 2048
#define MAX_MODULUS 1024 /* bytes */

static const struct algorithm {
    const char *name;
    const char *digest;
    bool ecdsa;
    int key_bits;     /* ECDSA: the curve's */
    size_t half_size; /* ECDSA: bytes of r, and of s */
} algorithms[] = {
    {"PS256", "SHA256", false, 0, 0},   {"PS384", "SHA384", false, 0, 0},
    {"PS512", "SHA512", false, 0, 0},   {"ES256", "SHA256", true, 256, 32},
    {"ES384", "SHA384", true, 384, 48}, {"ES512", "SHA512", true, 521, 66},
};

static const struct algorithm *find_algorithm(struct slice name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        if (slice_is(name, algorithms[i].name)) {
            return &algorithms[i];
        }
    }
    return NULL;
}

bool jwt_algorithm_known(struct slice algorithm)
{
    return find_algorithm(algorithm) != NULL;
}

/* ---- base64url without padding (RFC 7515 section 2) ---- */

static struct slice encode(struct arena *arena, const void *bytes, size_t length)
{
    unsigned char *out = arena_alloc(arena, length / 3 * 4 + 8);
    int used = EVP_EncodeBlock(out, bytes, (int)length);
    while (used > 0 && out[used - 1] == '=') {
        used--;
    }
    for (int i = 0; i < used; i++) {
        out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
    }
    return slice_of((const char *)out, (size_t)used);
}

static bool decode(struct arena *arena, struct slice text, struct slice *out)
{
    size_t padded = (text.len + 3) / 4 * 4;
    unsigned char *in = arena_alloc(arena, padded + 1);
    unsigned char *bytes = arena_alloc(arena, padded + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool ok = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                  (c >= 'a' && c <= 'z') || c == '-' || c == '_';
        if (!ok) {
            return false;
        }
        in[i] = (unsigned char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    memset(in + text.len, '=', padded - text.len);
    int used = EVP_DecodeBlock(bytes, in, (int)padded);
    size_t padding = padded - text.len;
    if (text.len == 0 || padding > 2 || used < 0) {
        return false;
    }
    *out = slice_of((const char *)bytes, (size_t)used - padding);
    return true;
}

/* ---- reading ---- */

static void drop_tree(void *tree)
{
    json_decref(tree);
}

static bool read_object(struct arena *arena, struct slice part, const json_t **out)
{
    struct slice text = SLICE_EMPTY;
    struct slice why = SLICE_EMPTY;
    if (!decode(arena, part, &text)) {
        return false;
    }
    json_t *tree = json_in_parse(arena, text, &why);
    if (tree == NULL) {
        return false;
    }
    arena_on_free(arena, drop_tree, tree);
    *out = tree;
    return json_is_object(tree);
}

bool jwt_read(struct arena *arena, struct slice text, struct jwt *out)
{
    ptrdiff_t first = slice_find(text, '.');
    if (first < 0 || text.len > JWT_MAX_BYTES) {
        return false;
    }
    struct slice rest = slice_from(text, (size_t)first + 1);
    ptrdiff_t second = slice_find(rest, '.');
    if (second < 0) {
        return false;
    }
    out->signed_part = slice_of(text.ptr, (size_t)(first + 1 + second));
    return read_object(arena, slice_of(text.ptr, (size_t)first), &out->header) &&
           read_object(arena, slice_of(rest.ptr, (size_t)second), &out->payload) &&
           decode(arena, slice_from(rest, (size_t)second + 1), &out->signature);
}

/* ---- checking ---- */

/* The DER form that OpenSSL wants, to be freed with OPENSSL_free. */
static unsigned char *der_signature(struct slice raw, size_t half, int *length)
{
    const unsigned char *bytes = (const unsigned char *)raw.ptr;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes, (int)half, NULL);
    BIGNUM *s = BN_bin2bn(bytes + half, (int)half, NULL);
    unsigned char *der = NULL;
    REQUIRE(pair != NULL && r != NULL && s != NULL);
    REQUIRE(ECDSA_SIG_set0(pair, r, s) == 1);
    *length = i2d_ECDSA_SIG(pair, &der);
    ECDSA_SIG_free(pair);
    REQUIRE(*length > 0);
    return der;
}

static bool key_fits(const struct algorithm *algorithm, EVP_PKEY *key)
{
    return algorithm->ecdsa
               ? EVP_PKEY_is_a(key, "EC") == 1 &&
                     EVP_PKEY_get_bits(key) == algorithm->key_bits
               : EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1;
}

/* False: the key itself forbids it (an RSA-PSS key may ask for more salt). */
static bool use_pss(EVP_PKEY_CTX *ctx)
{
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool verify(const struct algorithm *algorithm, EVP_PKEY *key,
                   struct slice signature, struct slice signed_part)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = NULL; /* md's */
    REQUIRE(md != NULL);
    bool right = EVP_DigestVerifyInit_ex(md, &ctx, algorithm->digest, NULL, NULL, key,
                                         NULL) == 1;
    right = right && (algorithm->ecdsa || use_pss(ctx));
    right = right && EVP_DigestVerify(
                         md, (const unsigned char *)signature.ptr, signature.len,
                         (const unsigned char *)signed_part.ptr, signed_part.len) == 1;
    EVP_MD_CTX_free(md);
    return right;
}

bool jwt_signed_by(const struct jwt *jwt, EVP_PKEY *key)
{
    const struct algorithm *algorithm =
        find_algorithm(json_in_text(jwt->header, "alg"));
    if (algorithm == NULL || !key_fits(algorithm, key)) {
        return false;
    }
    if (!algorithm->ecdsa) {
        return verify(algorithm, key, jwt->signature, jwt->signed_part);
    }
    if (jwt->signature.len != algorithm->half_size * 2) {
        return false;
    }
    int length = 0;
    unsigned char *der = der_signature(jwt->signature, algorithm->half_size, &length);
    bool right = verify(algorithm, key, slice_of((const char *)der, (size_t)length),
                        jwt->signed_part);
    OPENSSL_free(der);
    return right;
}

/* ---- signing ---- */

struct jwt_signer {
    EVP_PKEY *key; /* NULL: nothing was signed yet */
    char kid[33];
};

struct jwt_signer *jwt_signer_new(void)
{
    struct jwt_signer *signer = calloc(1, sizeof *signer);
    REQUIRE(signer != NULL);
    return signer;
}

void jwt_signer_free(struct jwt_signer *signer)
{
    if (signer != NULL) {
        EVP_PKEY_free(signer->key);
    }
    free(signer);
}

static EVP_PKEY *signer_key(struct jwt_signer *signer)
{
    unsigned char random[16];
    if (signer->key == NULL) {
        signer->key = EVP_RSA_gen(SIGNER_BITS);
        REQUIRE(signer->key != NULL);
        REQUIRE(RAND_bytes(random, (int)sizeof random) == 1);
        size_t used = 0;
        REQUIRE(OPENSSL_buf2hexstr_ex(signer->kid, sizeof signer->kid, &used, random,
                                      sizeof random, '\0') == 1);
    }
    return signer->key;
}

static struct slice sign(EVP_PKEY *key, struct arena *arena, struct slice text)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = NULL; /* md's */
    size_t length = SIGNER_BITS / 8;
    unsigned char *signature = arena_alloc(arena, length);
    REQUIRE(md != NULL);
    REQUIRE(EVP_DigestSignInit_ex(md, &ctx, "SHA256", NULL, NULL, key, NULL) == 1);
    REQUIRE(use_pss(ctx));
    REQUIRE(EVP_DigestSign(md, signature, &length, (const unsigned char *)text.ptr,
                           text.len) == 1);
    EVP_MD_CTX_free(md);
    return encode(arena, signature, length);
}

struct slice jwt_sign(struct jwt_signer *signer, struct arena *arena,
                      const json_t *payload)
{
    EVP_PKEY *key = signer_key(signer);
    struct slice header = arena_printf(
        arena, "{\"kid\":\"%s\",\"typ\":\"JWT\",\"alg\":\"PS256\"}", signer->kid);
    char *text = json_dumps(payload, JSON_COMPACT | JSON_ESCAPE_SLASH);
    REQUIRE(text != NULL);
    struct slice claims = encode(arena, text, strlen(text));
    free(text);
    header = encode(arena, header.ptr, header.len);
    struct slice head =
        arena_printf(arena, "%.*s.%.*s", SLICE_ARG(header), SLICE_ARG(claims));
    struct slice signature = sign(key, arena, head);
    return arena_printf(arena, "%.*s.%.*s", SLICE_ARG(head), SLICE_ARG(signature));
}

static struct slice number(EVP_PKEY *key, struct arena *arena, const char *name)
{
    BIGNUM *value = NULL;
    unsigned char bytes[MAX_MODULUS];
    REQUIRE(EVP_PKEY_get_bn_param(key, name, &value) == 1);
    REQUIRE(BN_num_bytes(value) <= MAX_MODULUS);
    int length = BN_bn2bin(value, bytes);
    BN_free(value);
    return encode(arena, bytes, (size_t)length);
}

json_t *jwt_key_set(struct jwt_signer *signer, struct arena *arena)
{
    EVP_PKEY *key = signer_key(signer);
    struct slice n = number(key, arena, OSSL_PKEY_PARAM_RSA_N);
    struct slice e = number(key, arena, OSSL_PKEY_PARAM_RSA_E);
    json_t *one =
        json_pack("{s:s, s:s, s:s, s:s, s:s%, s:s%}", "kty", "RSA", "use", "sig", "alg",
                  "PS256", "kid", signer->kid, "n", n.ptr, n.len, "e", e.ptr, e.len);
    json_t *set = json_pack("{s:[o]}", "keys", one);
    REQUIRE(set != NULL);
    return set;
}
