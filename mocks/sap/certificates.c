/* SPDX-License-Identifier: Apache-2.0 */
/* Bindings by the SHA-256 of the whole certificate. */
#include "mocks/sap/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"

#define BINDINGS 64
#define THUMBPRINT_BYTES 32

struct binding {
    size_t client;
    unsigned char thumbprint[THUMBPRINT_BYTES];
};

struct certificates {
    struct binding bindings[BINDINGS];
    size_t count;
};

struct certificates *certificates_new(void)
{
    struct certificates *certificates = calloc(1, sizeof *certificates);
    REQUIRE(certificates != NULL);
    return certificates;
}

void certificates_free(struct certificates *certificates)
{
    free(certificates);
}

static void thumbprint_of(const X509 *certificate, unsigned char out[THUMBPRINT_BYTES])
{
    unsigned int length = 0;
    REQUIRE(X509_digest(certificate, EVP_sha256(), out, &length) == 1 &&
            length == THUMBPRINT_BYTES);
}

void certificates_unbind_all(struct certificates *certificates, size_t client)
{
    size_t kept = 0;
    for (size_t i = 0; i < certificates->count; i++) {
        if (certificates->bindings[i].client != client) {
            certificates->bindings[kept++] = certificates->bindings[i];
        }
    }
    certificates->count = kept;
}

static X509 *read_pem(struct slice pem)
{
    BIO *text = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    REQUIRE(text != NULL);
    X509 *certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);
    BIO_free(text);
    ERR_clear_error();
    return certificate;
}

const char *certificates_bind(struct certificates *certificates, size_t client,
                              struct slice pem, enum certificates_room room)
{
    if (pem.len == 0 || pem.len > CERTIFICATES_PEM_BYTES_MAX) {
        return "certificate_pem must be a PEM text of at most 16384 bytes";
    }
    X509 *certificate = read_pem(pem);
    if (certificate == NULL) {
        return "certificate_pem holds no X.509 certificate";
    }
    if (room == CERTIFICATES_INSTEAD) {
        certificates_unbind_all(certificates, client);
    }
    bool fits = certificates->count < BINDINGS;
    if (fits) {
        struct binding *binding = &certificates->bindings[certificates->count++];
        binding->client = client;
        thumbprint_of(certificate, binding->thumbprint);
    }
    X509_free(certificate);
    return fits ? NULL
                : "64 certificates are bound already; DELETE /certificates first";
}

bool certificates_fit(const struct certificates *certificates, size_t client,
                      const X509 *shown, int64_t now_ms)
{
    unsigned char thumbprint[THUMBPRINT_BYTES];
    time_t now = (time_t)(now_ms / 1000);
    if (shown == NULL || X509_cmp_time(X509_get0_notBefore(shown), &now) > 0 ||
        X509_cmp_time(X509_get0_notAfter(shown), &now) < 0) {
        return false;
    }
    thumbprint_of(shown, thumbprint);
    for (size_t i = 0; i < certificates->count; i++) {
        const struct binding *binding = &certificates->bindings[i];
        if (binding->client == client &&
            memcmp(binding->thumbprint, thumbprint, THUMBPRINT_BYTES) == 0) {
            return true;
        }
    }
    return false;
}
