/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what a peer's first bytes are, before OpenSSL sees them. It would collect up to
 *          128 KiB of a ClientHello for each connection, and says of bytes that are no TLS
 *          only that they are wrong.
 * Owns: nothing; it keeps no byte of the peer but the headers it is in.
 * Threads: any.
 * Errors: what it is, if it is no good.
 * Start reading at: tls_hello_look. Source: RFC 8446 sections 4 and 5.1.
 */
#ifndef SLUICE_IO_TLS_HELLO_H
#define SLUICE_IO_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum tls_hello_kind {
    TLS_HELLO_GOOD, /* so far */
    TLS_HELLO_HTTP, /* a request in clear text */
    TLS_HELLO_FOREIGN,
    TLS_HELLO_LARGE /* announces more than TLS_HELLO_BYTES */
};

/* Clients say 2 KiB at most, with the keys of post-quantum exchanges. */
#define TLS_HELLO_BYTES ((size_t)16 * 1024)

/* Begins as zero. */
struct tls_hello {
    unsigned char record[5], message[4]; /* headers, as far as they have come */
    size_t record_len, message_len;
    size_t record_left, message_left; /* bytes behind them */
    bool has_begun;
};

/* The next bytes of the peer. Until TLS 1.2 has been agreed on or the handshake is over:
 * what is sealed can look like anything. */
enum tls_hello_kind tls_hello_look(struct tls_hello *hello, struct slice sealed);

#endif
