/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL between two memory BIOs: the loop's sockets stay the loop's. Nothing is resumed:
 * whoever connects shows its certificate anew. */
#include "mocks/common/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#define PIECE_BYTES ((size_t)4 * 1024)

struct tls_port {
    SSL_CTX *context;
};

struct tls_stream {
    SSL *ssl;
    BIO *in, *out; /* ssl's */
};

/* Any certificate will do here; the header says why. */
static int let_in(int verified, X509_STORE_CTX *store)
{
    (void)verified;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

struct tls_port *tls_port_new(const char *certificate_file, const char *key_file,
                              const char **why)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    REQUIRE(context != NULL);
    *why = NULL;
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file) != 1) {
        *why = "the TLS certificate is no readable PEM file";
    } else if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1) {
        *why = "the TLS key is no readable PEM file, or not the certificate's";
    }
    ERR_clear_error();
    if (*why != NULL) {
        SSL_CTX_free(context);
        return NULL;
    }
    REQUIRE(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, let_in);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    REQUIRE(SSL_CTX_set_num_tickets(context, 0) == 1);
    struct tls_port *port = calloc(1, sizeof *port);
    REQUIRE(port != NULL);
    port->context = context;
    return port;
}

void tls_port_free(struct tls_port *port)
{
    if (port != NULL) {
        SSL_CTX_free(port->context);
        free(port);
    }
}

struct tls_stream *tls_stream_new(const struct tls_port *port)
{
    struct tls_stream *stream = calloc(1, sizeof *stream);
    REQUIRE(stream != NULL);
    stream->ssl = SSL_new(port->context);
    stream->in = BIO_new(BIO_s_mem());
    stream->out = BIO_new(BIO_s_mem());
    REQUIRE(stream->ssl != NULL && stream->in != NULL && stream->out != NULL);
    BIO_set_mem_eof_return(stream->in, -1);
    SSL_set_bio(stream->ssl, stream->in, stream->out);
    SSL_set_accept_state(stream->ssl);
    return stream;
}

void tls_stream_free(struct tls_stream *stream)
{
    if (stream != NULL) {
        SSL_free(stream->ssl);
        free(stream);
    }
}

static void drain(struct tls_stream *stream, struct buf *wire)
{
    char piece[PIECE_BYTES];
    for (;;) {
        int got = BIO_read(stream->out, piece, (int)sizeof piece);
        if (got <= 0) {
            return;
        }
        buf_append(wire, slice_of(piece, (size_t)got));
    }
}

bool tls_stream_receive(struct tls_stream *stream, struct slice bytes,
                        struct buf *plain, struct buf *wire)
{
    char piece[PIECE_BYTES];
    int got = 1;
    ERR_clear_error();
    REQUIRE(BIO_write(stream->in, bytes.ptr, (int)bytes.len) == (int)bytes.len);
    while (got > 0) {
        got = SSL_read(stream->ssl, piece, (int)sizeof piece);
        if (got > 0 && !buf_append(plain, slice_of(piece, (size_t)got))) {
            return false;
        }
    }
    bool goes_on = SSL_get_error(stream->ssl, got) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    drain(stream, wire);
    return goes_on;
}

void tls_stream_send(struct tls_stream *stream, struct slice plain, struct buf *wire)
{
    size_t sent = 0;
    ERR_clear_error();
    (void)SSL_write_ex(stream->ssl, plain.ptr, plain.len, &sent);
    ERR_clear_error();
    drain(stream, wire);
}

void tls_stream_finish(struct tls_stream *stream, struct buf *wire)
{
    if (SSL_is_init_finished(stream->ssl)) {
        (void)SSL_shutdown(stream->ssl);
    }
    ERR_clear_error();
    drain(stream, wire);
}

const X509 *tls_stream_client(const struct tls_stream *stream)
{
    return SSL_get0_peer_certificate(stream->ssl);
}
