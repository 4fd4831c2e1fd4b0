/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key is read for each signature and freed after it, into the allocator that wipes: a
 * signature is needed once an hour, and a key that is kept would be one more plaintext.
 */
#include "auth/jwt.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "auth/pem.h"
#include "base/secret.h"
#include "base/text.h"

#define RSA_BITS_LEAST 2048
#define SIGNATURE_BYTES_MOST 2048 /* of RSA with 16384 bits */

struct alg {
    const char *name, *digest;
    const char *curve; /* NULL: RSASSA-PSS */
    size_t half;       /* bytes of r and of s */
};

static const struct alg algs[] = {
    {"PS256", "SHA256", NULL, 0},         {"PS384", "SHA384", NULL, 0},
    {"PS512", "SHA512", NULL, 0},         {"ES256", "SHA256", "prime256v1", 32},
    {"ES384", "SHA384", "secp384r1", 48}, {"ES512", "SHA512", "secp521r1", 66},
};

static const struct alg *find_alg(struct slice name)
{
    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
        if (slice_is(name, algs[i].name)) {
            return &algs[i];
        }
    }
    return NULL;
}

bool jwt_alg_is_known(struct slice alg)
{
    return find_alg(alg) != NULL;
}

/* ---- The key ---- */

static const char *misfit(const struct alg *alg, EVP_PKEY *key)
{
    char curve[40] = "";
    size_t len = 0;

    if (alg->curve == NULL) {
        if (!EVP_PKEY_is_a(key, "RSA") && !EVP_PKEY_is_a(key, "RSA-PSS")) {
            return "an RSA key is needed for this alg";
        }
        return EVP_PKEY_get_bits(key) >= RSA_BITS_LEAST
                   ? NULL
                   : "an RSA key of 2048 bits at least is needed";
    }
    if (!EVP_PKEY_is_a(key, "EC") ||
        EVP_PKEY_get_group_name(key, curve, sizeof curve, &len) != 1 ||
        strcmp(curve, alg->curve) != 0) {
        return "an EC key on the curve that belongs to this alg is needed (ES256: "
               "P-256)";
    }
    return NULL;
}

/* ---- The signature ---- */

static bool set_padding(const struct alg *alg, EVP_PKEY_CTX *context)
{
    return alg->curve != NULL ||
           (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

/* OpenSSL's is DER; JWS wants r and s, each as long as the curve's order (RFC 7518 3.4). */
static bool to_raw(const struct alg *alg, unsigned char *bytes, size_t *len)
{
    const unsigned char *der = bytes;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)*len);
    bool ok =
        pair != NULL &&
        BN_bn2binpad(ECDSA_SIG_get0_r(pair), bytes, (int)alg->half) > 0 &&
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), bytes + alg->half, (int)alg->half) > 0;

    ECDSA_SIG_free(pair);
    *len = 2 * alg->half;
    return ok;
}

static bool sign(const struct alg *alg, EVP_PKEY *key, struct slice text,
                 unsigned char *out, size_t *len)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    EVP_PKEY_CTX *context = NULL;
    bool ok = digest != NULL &&
              EVP_DigestSignInit_ex(digest, &context, alg->digest, NULL, NULL, key,
                                    NULL) == 1 &&
              set_padding(alg, context) &&
              EVP_DigestSign(digest, out, len, (const unsigned char *)text.ptr,
                             text.len) == 1;

    EVP_MD_CTX_free(digest);
    return ok && (alg->curve == NULL || to_raw(alg, out, len));
}

/* A key may carry restrictions of its own (RFC 4055 section 3.1). */
static bool can_sign(const struct alg *alg, EVP_PKEY *key)
{
    unsigned char signature[SIGNATURE_BYTES_MOST];
    size_t len = sizeof signature;
    return sign(alg, key, SLICE("trial"), signature, &len);
}

enum err jwt_key_check(struct slice alg, struct slice pem, const char **problem)
{
    const struct alg *known = find_alg(alg);
    EVP_PKEY *key = known != NULL ? pem_read_key(pem) : NULL;

    if (known == NULL) {
        *problem = "one of PS256, PS384, PS512, ES256, ES384, ES512 is needed";
    } else if (key == NULL) {
        *problem = "a private key in PEM, not encrypted, is needed";
    } else {
        *problem = misfit(known, key);
    }
    if (key != NULL && *problem == NULL && !can_sign(known, key)) {
        *problem =
            "this key may not sign with this alg: an RSA-PSS key can be bound to "
            "another digest or salt length";
    }
    EVP_PKEY_free(key);
    ERR_clear_error();
    return *problem == NULL ? ERR_OK : ERR_UNPROCESSABLE;
}

enum err jwt_sign(struct slice alg, struct slice pem, struct slice header,
                  struct slice claims, struct arena *arena, struct slice *out)
{
    const struct alg *known = find_alg(alg);
    EVP_PKEY *key = known != NULL ? pem_read_key(pem) : NULL;
    unsigned char *signature = arena_alloc(arena, SIGNATURE_BYTES_MOST);
    size_t len = SIGNATURE_BYTES_MOST;
    struct slice head = text_base64url(arena, header);
    struct slice body = text_base64url(arena, claims);
    struct slice text =
        arena_printf(arena, "%.*s.%.*s", SLICE_ARG(head), SLICE_ARG(body));

    bool ok = key != NULL && misfit(known, key) == NULL &&
              sign(known, key, text, signature, &len);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (!ok) {
        return ERR_UNPROCESSABLE;
    }
    struct slice mark = text_base64url(arena, slice_of((const char *)signature, len));
    *out = arena_printf(arena, "%.*s.%.*s", SLICE_ARG(text), SLICE_ARG(mark));
    return ERR_OK;
}
