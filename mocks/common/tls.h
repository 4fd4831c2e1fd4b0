/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: TLS for a mock's port. It asks every client for a certificate and lets everybody
 * in: TLS proves that a client has the key of what it showed, and whether that certificate
 * is the right one is for the ERP to say, as behind a gateway that passes it on.
 * Owns: the port's certificate and key; a stream owns its connection's state.
 * Threads: one owner at a time. Errors: a literal sentence, or false.
 * Start reading at: tls_stream_receive.
 */
#ifndef SLUICE_MOCKS_COMMON_TLS_H
#define SLUICE_MOCKS_COMMON_TLS_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/buf.h"

struct tls_port;
struct tls_stream;

/* From two PEM files. NULL: `*why` says what is wrong. */
struct tls_port *tls_port_new(const char *certificate_file, const char *key_file,
                              const char **why);
void tls_port_free(struct tls_port *port); /* accepts NULL */

/* Borrows `port` for the call. */
struct tls_stream *tls_stream_new(const struct tls_port *port);
void tls_stream_free(struct tls_stream *stream); /* accepts NULL */

/* What came from the wire: appends what it says to `plain`, and what is to be sent in
 * answer to `wire`. False: the stream is over, once `wire` is sent. */
bool tls_stream_receive(struct tls_stream *stream, struct slice bytes,
                        struct buf *plain, struct buf *wire);
void tls_stream_send(struct tls_stream *stream, struct slice plain, struct buf *wire);
void tls_stream_finish(struct tls_stream *stream, struct buf *wire);

/* What the client showed; NULL: nothing. Lends until tls_stream_free. */
const X509 *tls_stream_client(const struct tls_stream *stream);

#endif
