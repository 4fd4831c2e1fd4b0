/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

/* A key that is encrypted is not asked for its passphrase at the terminal. */
static int no_passphrase(char *out, int size, int writing, void *ctx)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

/* Before OpenSSL looks at a text that is to be a key, it makes ready all that knows any kind of
 * key: a millisecond for a text that is none. */
static bool may_be_pem(struct slice text)
{
    const struct slice begin = SLICE("-----BEGIN ");

    while (text.len >= begin.len) {
        ptrdiff_t at = slice_find(text, '-');
        if (at < 0) {
            return false;
        }
        text = slice_from(text, (size_t)at);
        if (slice_starts(text, begin)) {
            return true;
        }
        text = slice_from(text, 1);
    }
    return false;
}

struct evp_pkey_st *pem_read_key(struct slice pem)
{
    if (!may_be_pem(pem)) {
        return NULL;
    }
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *key =
        bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    return key;
}

/* The first one; NULL when any of the text's certificates cannot be read. */
static X509 *read_certificates(struct slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *first =
        bio != NULL ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
    X509 *next = first;

    ERR_clear_error();
    while (next != NULL) {
        next = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
        X509_free(next);
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        X509_free(first);
        first = NULL;
    }
    BIO_free(bio);
    ERR_clear_error();
    return first;
}

static int64_t ms_of(const ASN1_TIME *time)
{
    struct tm tm = {0};

    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

static int64_t end_of(const X509 *certificate)
{
    return ms_of(X509_get0_notAfter(certificate));
}

static const char *check_key(X509 *own, struct slice key)
{
    EVP_PKEY *private_key = pem_read_key(key);
    const char *problem = NULL;

    if (private_key == NULL) {
        problem = "a private key in PEM, not encrypted, is needed";
    } else if (X509_check_private_key(own, private_key) != 1) {
        problem = "this is not the key of the first certificate";
    }
    EVP_PKEY_free(private_key);
    return problem;
}

const char *pem_check_identity(struct slice certificate, struct slice key,
                               int64_t now_ms, enum pem_part *part)
{
    X509 *own = read_certificates(certificate);
    const char *problem = NULL;

    *part = PEM_CERTIFICATE;
    if (own == NULL) {
        problem = "certificates in PEM are needed, the client's own first";
    } else if (end_of(own) <= now_ms) {
        problem = "this certificate has ended: a new one is needed";
    } else {
        problem = check_key(own, key);
        *part = problem != NULL ? PEM_KEY : PEM_CERTIFICATE;
    }
    X509_free(own);
    ERR_clear_error();
    return problem;
}

bool pem_certificate_life(struct slice certificate, int64_t *begin_ms, int64_t *end_ms)
{
    X509 *own = read_certificates(certificate);
    bool found = own != NULL;

    if (found) {
        *begin_ms = ms_of(X509_get0_notBefore(own));
        *end_ms = end_of(own);
    }
    X509_free(own);
    return found;
}

bool pem_certificate_end(struct slice certificate, int64_t *end_ms)
{
    int64_t begin_ms = 0;

    return pem_certificate_life(certificate, &begin_ms, end_ms);
}
