/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL reads from the bytes that were fed and writes into `out`, both through a BIO of our own:
 * its memory BIOs would keep a buffer of the largest record for each connection, and copy once
 * more.
 */
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#include "base/require.h"
#include "io/tls_hello.h"
#include "io/tls_private.h"

struct tls_session {
    SSL *ssl;
    struct slice fed;
    struct buf *out;
    struct tls_hello hello;
    bool is_broken;
    enum tls_end why; /* once it is */
};

/* ---- The BIO ---- */

static int bio_read(BIO *bio, char *room, int bytes)
{
    struct tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (session->fed.len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t take = bytes > 0 ? (size_t)bytes : 0;
    if (take > session->fed.len) {
        take = session->fed.len;
    }
    memcpy(room, session->fed.ptr, take);
    session->fed = slice_from(session->fed, take);
    return (int)take;
}

static int bio_write(BIO *bio, const char *bytes, int count)
{
    struct tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    bool fits = count > 0 && buf_append(session->out, slice_of(bytes, (size_t)count));
    return fits ? count : -1;
}

static long bio_control(BIO *bio, int command, long number, void *ptr)
{
    (void)bio;
    (void)number;
    (void)ptr;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD *tls_session_method(void)
{
    int type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK;
    BIO_METHOD *method = BIO_meth_new(type, "sluice connection");
    REQUIRE(method != NULL);
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    return method;
}

/* ---- The session ---- */

struct tls_session *tls_session_new(struct tls *tls, struct buf *out)
{
    struct tls_session *session = calloc(1, sizeof *session);
    REQUIRE(session != NULL);
    session->out = out;
    BIO *bio = BIO_new(tls_bio_method(tls));
    session->ssl = SSL_new(tls_context(tls));
    REQUIRE(bio != NULL && session->ssl != NULL);
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->ssl, bio, bio); /* takes it */
    SSL_set_accept_state(session->ssl);
    return session;
}

void tls_session_free(struct tls_session *session)
{
    if (session == NULL) {
        return;
    }
    SSL_free(session->ssl);
    free(session);
}

/* After a HelloRetryRequest another ClientHello comes; in TLS 1.2, whose client has said all that
 * is in clear text once the version is known, what is sealed comes in records of the same type. */
static bool may_say_hello(const struct tls_session *session)
{
    return SSL_is_init_finished(session->ssl) != 1 &&
           SSL_version(session->ssl) != TLS1_2_VERSION;
}

static void break_off(struct tls_session *session, enum tls_hello_kind kind)
{
    session->is_broken = true;
    session->fed = SLICE_EMPTY;
    session->why = kind == TLS_HELLO_HTTP      ? TLS_END_HTTP
                   : kind == TLS_HELLO_FOREIGN ? TLS_END_FOREIGN
                                               : TLS_END_REFUSED;
}

void tls_session_feed(struct tls_session *session, struct slice sealed)
{
    REQUIRE(session->fed.len == 0);
    session->fed = sealed;
    if (may_say_hello(session)) {
        enum tls_hello_kind kind = tls_hello_look(&session->hello, sealed);
        if (kind != TLS_HELLO_GOOD) {
            break_off(session, kind);
        }
    }
}

static enum tls_state verdict(struct tls_session *session, int result)
{
    int error = SSL_get_error(session->ssl, result);
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_READ && session->fed.len == 0) {
        return TLS_MORE;
    }
    session->fed = SLICE_EMPTY;
    if (error == SSL_ERROR_ZERO_RETURN) {
        return TLS_CLOSED;
    }
    session->is_broken = true;
    session->why = TLS_END_REFUSED;
    return TLS_BROKEN;
}

enum tls_state tls_session_read(struct tls_session *session, char *room, size_t bytes,
                                size_t *got)
{
    *got = 0;
    if (session->is_broken) {
        return TLS_BROKEN;
    }
    ERR_clear_error();
    int result = SSL_read_ex(session->ssl, room, bytes, got);
    return result == 1 ? TLS_BYTES : verdict(session, result);
}

bool tls_session_write(struct tls_session *session, struct slice plain)
{
    size_t written = 0;
    if (plain.len == 0) {
        return true;
    }
    ERR_clear_error();
    bool ok = !session->is_broken &&
              SSL_write_ex(session->ssl, plain.ptr, plain.len, &written) == 1 &&
              written == plain.len;
    session->is_broken = session->is_broken || !ok;
    return ok;
}

enum tls_end tls_session_why(const struct tls_session *session)
{
    return session->why;
}

void tls_session_end(struct tls_session *session)
{
    if (tls_session_is_open(session)) {
        ERR_clear_error();
        (void)SSL_shutdown(session->ssl); /* ours only; theirs is not waited for */
        ERR_clear_error();
    }
}

bool tls_session_is_open(const struct tls_session *session)
{
    return !session->is_broken && SSL_is_init_finished(session->ssl) == 1;
}
