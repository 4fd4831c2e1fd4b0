/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: TLS 1.2 and 1.3 for the listener: the certificate with its key, and one session for
 *          each connection, as bytes in and bytes out; no socket.
 * Owns: struct tls the current certificate and key; a session its OpenSSL state, which keeps the
 *       certificate it began with.
 * Threads: the loop's.
 * Errors: ERR_UNPROCESSABLE, with struct tls_fault.
 * Time: seconds since 1970. A certificate out of its time is loaded by tls_load, since no server
 *       at all would be worse; it never takes the place of one that is within.
 * Start reading at: tls_load, then tls_session_feed. Suites: ECDHE with an AEAD, and TLS 1.3's
 *         own; ALPN http/1.1. No renegotiation, compression, early data or resumption: a session
 *         that can be resumed needs a key that outlives it, and our clients keep their connections.
 */
#ifndef SLUICE_IO_TLS_H
#define SLUICE_IO_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

struct tls;

/* Why a pair is not used. */
struct tls_fault {
    struct slice file;     /* which of the two */
    const char *cause;     /* a word for the log */
    struct slice sentence; /* for the operator: the file, the fault and the way out */
};

/*
 * Reads both files (PEM; the certificate with its chain). `key_path` must not be readable by
 * everybody, nor writable by a group. Paths are copied.
 */
MUST_USE enum err tls_load(const char *certificate_path, const char *key_path,
                           struct arena *arena, struct tls **out,
                           struct tls_fault *fault);
/* After its last session. Accepts NULL. */
void tls_free(struct tls *tls);

/* Whether to read again: a file is another one than at the last reading, whatever came of
 * that, or the pair that was refused for its time is within it, by a clock that has gone on or
 * was put right. */
bool tls_has_changed(const struct tls *tls, int64_t now_s);
/* Reads again. On an error the old pair stays in force. */
MUST_USE enum err tls_reload(struct tls *tls, int64_t now_s, struct arena *arena,
                             struct tls_fault *fault);
/* From when and until when clients take the certificate; both ends are within. */
struct tls_validity {
    int64_t from_s, to_s;
};
struct tls_validity tls_validity(const struct tls *tls);
bool tls_is_valid(struct tls_validity validity, int64_t now_s);

struct tls_session;

/* Why a session is broken. */
enum tls_end {
    TLS_END_HTTP,    /* a request in clear text came instead */
    TLS_END_FOREIGN, /* something else that is no TLS */
    TLS_END_REFUSED /* no version, suite or protocol in common, an alert, a forged record */
};

enum tls_state {
    TLS_MORE,   /* all that was fed is used up */
    TLS_BYTES,  /* some plain bytes; ask again */
    TLS_CLOSED, /* the peer has said that nothing more comes */
    TLS_BROKEN  /* not TLS, no version or suite in common, or a forged record */
};

/* `out`, lent, gets what is to be sent to the peer: handshake, alerts, sealed records. */
struct tls_session *tls_session_new(struct tls *tls, struct buf *out);
void tls_session_free(struct tls_session *session); /* accepts NULL */

/* Bytes from the peer, lent until tls_session_read has answered anything but TLS_BYTES. */
void tls_session_feed(struct tls_session *session, struct slice sealed);
enum tls_state tls_session_read(struct tls_session *session, char *room, size_t bytes,
                                size_t *got);
/* After the handshake only. False: `out` is full or the session is broken. */
bool tls_session_write(struct tls_session *session, struct slice plain);
/* After TLS_BROKEN. */
enum tls_end tls_session_why(const struct tls_session *session);
/* Says that nothing more comes from us. */
void tls_session_end(struct tls_session *session);
bool tls_session_is_open(const struct tls_session *session); /* the handshake is over */

#endif
