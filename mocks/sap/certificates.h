/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: which X.509 certificates are bound to which OAuth client.
 * Owns: the certificates.
 * Threads: the loop's.
 * Errors: a literal sentence.
 * Start reading at: certificates_fit.
 *
 * A binding pins its certificate: another one of the same subject and issuer is another
 * certificate. Nothing is revoked; a certificate is good from its notBefore to its notAfter
 * as long as it is bound (BTP, "Enable mTLS": seven days, and deleting the binding ends it).
 */
#ifndef SLUICE_MOCKS_SAP_CERTIFICATES_H
#define SLUICE_MOCKS_SAP_CERTIFICATES_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define CERTIFICATES_PEM_BYTES_MAX 16384

struct certificates;

struct certificates *certificates_new(void);
void certificates_free(struct certificates *certificates);

enum certificates_room { CERTIFICATES_BESIDE, CERTIFICATES_INSTEAD };

/* Binds the first certificate of a PEM text, beside those the client has or in their place.
 * NULL, or what is wrong: then nothing has changed. */
const char *certificates_bind(struct certificates *certificates, size_t client,
                              struct slice pem, enum certificates_room room);
void certificates_unbind_all(struct certificates *certificates, size_t client);

/* Whether `shown` (NULL: nothing was) is bound to the client and good at that time. */
bool certificates_fit(const struct certificates *certificates, size_t client,
                      const X509 *shown, int64_t now_ms);

#endif
