/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's HMAC() looks its digest up and builds contexts for every call, which costs
 * three times the hashing, and EVP_MAC keeps a copy of the key. Here the digest is
 * fetched once, and the key is only ever in the caller's bytes and in one block on the
 * stack, which is wiped.
 */
#include "auth/mac.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/require.h"
#include "base/secret.h"

#define BLOCK_BYTES 64 /* of both digests */

struct mac {
    EVP_MD *digests[2]; /* by enum mac_digest */
    EVP_MD_CTX *context;
};

struct mac *mac_new(void)
{
    struct mac *mac = calloc(1, sizeof *mac);
    REQUIRE(mac != NULL);
    mac->digests[MAC_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    mac->digests[MAC_SHA1] = EVP_MD_fetch(NULL, "SHA1", NULL);
    mac->context = EVP_MD_CTX_new();
    REQUIRE(mac->digests[MAC_SHA256] != NULL && mac->digests[MAC_SHA1] != NULL &&
            mac->context != NULL);
    return mac;
}

void mac_free(struct mac *mac)
{
    if (mac == NULL) {
        return;
    }
    EVP_MD_CTX_free(mac->context);
    EVP_MD_free(mac->digests[MAC_SHA256]);
    EVP_MD_free(mac->digests[MAC_SHA1]);
    free(mac);
}

/* The digest of `block`, if there is one, followed by `text`. */
static size_t digest(struct mac *mac, const EVP_MD *md, const unsigned char *block,
                     struct slice text, unsigned char *out)
{
    unsigned int bytes = 0;
    REQUIRE(EVP_DigestInit_ex2(mac->context, md, NULL) == 1);
    if (block != NULL) {
        REQUIRE(EVP_DigestUpdate(mac->context, block, BLOCK_BYTES) == 1);
    }
    REQUIRE(EVP_DigestUpdate(mac->context, text.ptr, text.len) == 1);
    REQUIRE(EVP_DigestFinal_ex(mac->context, out, &bytes) == 1);
    return bytes;
}

size_t mac_compute(struct mac *mac, enum mac_digest kind, struct slice key,
                   struct slice text, unsigned char out[MAC_BYTES])
{
    const EVP_MD *md = mac->digests[kind];
    unsigned char block[BLOCK_BYTES] = {0};
    unsigned char inner[MAC_BYTES];

    if (key.len > BLOCK_BYTES) {
        digest(mac, md, NULL, key, block);
    } else {
        slice_copy((char *)block, key);
    }
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        block[i] ^= 0x36;
    }
    size_t bytes = digest(mac, md, block, text, inner);
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        block[i] ^= 0x36 ^ 0x5c;
    }
    bytes = digest(mac, md, block, slice_of((const char *)inner, bytes), out);
    wipe(block, sizeof block);
    wipe(inner, sizeof inner);
    return bytes;
}
