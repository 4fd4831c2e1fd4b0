/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for the client credentials flow. */
#include "mocks/netsuite/integration_certificate.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"

#define MAX_ACTIVE 5
#define MAX_MAPPED 100 /* with those revoked */
#define MAX_PEM 16384
#define MAX_ID 64
#define TWO_YEARS_S (INT64_C(730) * 86400)
#define ID_BYTES 32

void certificate_free(struct certificate *certificate)
{
    EVP_PKEY_free(certificate->key);
    free(certificate->id);
    free(certificate);
}

struct certificate *integration_certificate(const struct integration *integration,
                                            struct slice id)
{
    LIST_FOREACH (node, &integration->certificates) {
        struct certificate *certificate = LIST_ENTRY(node, struct certificate, node);
        if (slice_is(id, certificate->id)) {
            return certificate;
        }
    }
    return NULL;
}

/* Base64url, as the Certificate IDs on Oracle's page. */
static char *new_id(struct slice given)
{
    unsigned char random[ID_BYTES];
    char *id = calloc(1, MAX_ID + 1);
    REQUIRE(id != NULL);
    if (given.len > 0) {
        slice_copy(id, given);
        return id;
    }
    REQUIRE(RAND_bytes(random, (int)sizeof random) == 1);
    int length = EVP_EncodeBlock((unsigned char *)id, random, (int)sizeof random);
    for (int i = 0; i < length; i++) {
        id[i] = (char)(id[i] == '+' ? '-' : id[i] == '/' ? '_' : id[i]);
    }
    id[length - 1] = '\0'; /* the one '=' of 32 bytes */
    return id;
}

static bool id_allowed(struct slice id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        bool ok = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                  (c >= 'a' && c <= 'z') || c == '-' || c == '_';
        if (!ok) {
            return false;
        }
    }
    return id.len <= MAX_ID;
}

static bool key_allowed(EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1) {
        return bits == 3072 || bits == 4096;
    }
    return EVP_PKEY_is_a(key, "EC") == 1 && (bits == 256 || bits == 384 || bits == 521);
}

/* Unix time, at most two years ahead: a longer one is shortened. -1: none. */
static int64_t end_of(const X509 *x509, int64_t now_s)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0;
    int seconds = 0;
    bool ok = ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(x509)) == 1;
    ASN1_TIME_free(epoch);
    int64_t end_s = ok ? (int64_t)days * 86400 + seconds : -1;
    return end_s > now_s + TWO_YEARS_S ? now_s + TWO_YEARS_S : end_s;
}

static size_t count(const struct integration *integration, int64_t now_s, bool active)
{
    size_t found = 0;
    LIST_FOREACH (node, &integration->certificates) {
        const struct certificate *one = LIST_ENTRY(node, struct certificate, node);
        found += !active || (!one->revoked && one->ends_s > now_s) ? 1 : 0;
    }
    return found;
}

/* Nobody is asked for one. */
static int no_password(char *room, int size, int writing, void *ctx)
{
    (void)room;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static struct certificate *map(struct integration *integration, struct slice id,
                               X509 *x509, int64_t now_s, const char **why)
{
    EVP_PKEY *key = X509_get_pubkey(x509);
    int64_t end_s = end_of(x509, now_s);
    if (key == NULL || !key_allowed(key)) {
        *why = "the key must be RSA with 3072 or 4096 bits, or EC with 256, 384 or 521";
        EVP_PKEY_free(key);
        return NULL;
    }
    if (end_s <= now_s) {
        *why = "the certificate has expired";
        EVP_PKEY_free(key);
        return NULL;
    }
    struct certificate *certificate = calloc(1, sizeof *certificate);
    REQUIRE(certificate != NULL);
    certificate->id = new_id(id);
    certificate->key = key;
    certificate->ends_s = end_s;
    list_init(&certificate->node);
    list_push(&integration->certificates, &certificate->node);
    return certificate;
}

struct certificate *integration_add_certificate(struct integration *integration,
                                                struct slice id, struct slice pem,
                                                int64_t now_s, const char **why)
{
    if (!integration->client_credentials) {
        *why = "the integration has no client_credentials";
        return NULL;
    }
    if (!id_allowed(id) || integration_certificate(integration, id) != NULL) {
        *why = "certificate_id: up to 64 of A-Z a-z 0-9 - _, not one that is mapped";
        return NULL;
    }
    if (count(integration, now_s, true) == MAX_ACTIVE ||
        count(integration, now_s, false) == MAX_MAPPED) {
        *why = "the integration has five active certificates, or 100 in all";
        return NULL;
    }
    BIO *bio = pem.len > 0 && pem.len <= MAX_PEM
                   ? BIO_new_mem_buf(pem.ptr, (int)pem.len)
                   : NULL;
    X509 *x509 = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, no_password, NULL);
    struct certificate *certificate = NULL;
    if (x509 == NULL) {
        *why = "certificate_pem is no X.509 certificate in PEM";
    } else {
        certificate = map(integration, id, x509, now_s, why);
    }
    X509_free(x509);
    BIO_free(bio);
    return certificate;
}
