/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what tls.c lends to tls_session.c. Owns: nothing. Threads: the loop's.
 * Errors: none. Start reading at: tls_context.
 */
#ifndef SLUICE_IO_TLS_PRIVATE_H
#define SLUICE_IO_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "io/tls.h"

/* Lends until the next reload; OpenSSL counts the sessions that use it. */
SSL_CTX *tls_context(const struct tls *tls);
/* Lends until tls_free: how a session reads and writes. */
const BIO_METHOD *tls_bio_method(const struct tls *tls);

/* tls_session.c */
BIO_METHOD *tls_session_method(void);

#endif
