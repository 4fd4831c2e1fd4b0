/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: certificates and keys of the moment, signed by themselves.
 * Owns: nothing; the text lives in the caller's struct.
 * Threads: any.
 * Errors: failed assertions.
 * Start reading at: identity_make.
 */
#ifndef SLUICE_TESTS_IO_IDENTITY_H
#define SLUICE_TESTS_IO_IDENTITY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include <cmocka.h>

struct identity {
    char certificate[2048], key[1024];
};

static inline void identity_write(BIO *bio, char *out, size_t bytes)
{
    int len = BIO_read(bio, out, (int)bytes - 1);
    assert_true(len > 0);
    out[len] = '\0';
    BIO_free(bio);
}

/* Good for 127.0.0.1, from `from_s` to `to_s` seconds from now. */
static inline void identity_make(struct identity *out, const char *name, long from_s,
                                 long to_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), to_s);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
                               -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_set_pubkey(certificate, key);
    assert_int_equal(X509_add_ext(certificate, names, -1), 1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);

    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    identity_write(bio, out->certificate, sizeof out->certificate);
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    identity_write(bio, out->key, sizeof out->key);
    X509_EXTENSION_free(names);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

#endif
