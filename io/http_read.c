/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes on a connection: one read buffer for all of them, TLS opened on the way, then
 * to the pump, into what is read ahead while a request runs, or away after the last answer.
 *
 * No connection reads more than one buffer while others wait. libuv would read up to 32 in
 * a row; refused a buffer, it comes back with the next poll.
 */
#include "base/limits.h"
#include "base/secret.h"
#include "io/http_private.h"

#define OWN_BYTES ((size_t)16 * 1024) /* some 600 key updates */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct http_connection *connection = handle->data;
    size_t kept = connection->input.len;
    size_t room = kept < LIMIT_PIPELINED_BYTES ? LIMIT_PIPELINED_BYTES - kept : 0;

    (void)suggested;
    if (connection->had_its_read) {
        connection->had_its_read = false;
        *buf = uv_buf_init(NULL, 0); /* on_read is told UV_ENOBUFS */
        return;
    }
    *buf = uv_buf_init(connection->server->read_bytes,
                       (unsigned)(room < HTTP_READ_BYTES ? room : HTTP_READ_BYTES));
}

static void stop_reading(struct http_connection *connection)
{
    if (connection->is_reading) {
        connection->is_reading = false;
        uv_read_stop((uv_stream_t *)&connection->tcp);
    }
}

static void on_end_of_input(struct http_connection *connection, ssize_t reason)
{
    connection->is_reading = false;
    connection->has_eof = true;
    uv_read_stop((uv_stream_t *)&connection->tcp);
    bool is_owed = connection->state == CONNECTION_FLUSHING ||
                   (connection->state == CONNECTION_LINGERING && !connection->has_shut);
    if (reason != UV_EOF || !is_owed) {
        connection_cut(connection);
    }
}

static void discard(struct http_connection *connection, size_t bytes)
{
    connection->discarded_bytes += bytes;
    if (connection->discarded_bytes > connection->server->options.max_body_bytes) {
        connection_cut(connection);
    }
}

void connection_forget_input(struct http_connection *connection)
{
    buf_free(&connection->input);
    if (connection->server != NULL) {
        (void)http_budget_hold(&connection->server->bodies, &connection->input_share,
                               0);
    }
}

void connection_keep_input(struct http_connection *connection, struct slice bytes)
{
    struct buf *input = &connection->input;
    bool is_small = input->len + bytes.len <= LIMIT_SMALL_BODY_BYTES;

    if (!is_small &&
        !http_budget_hold(&connection->server->bodies, &connection->input_share,
                          buf_cost_with(input, bytes.len))) {
        connection_cut(
            connection); /* requests wait in line that no answer is due to yet */
        return;
    }
    REQUIRE(buf_append(input, bytes)); /* on_room gave no more than fits */
}

static void take(struct http_connection *connection, struct slice bytes)
{
    if (connection->state == CONNECTION_LINGERING) {
        discard(connection, bytes.len);
        return;
    }
    if (connection->state == CONNECTION_READING && connection->input.len == 0) {
        connection_pump(connection, bytes);
        return;
    }
    connection_keep_input(connection, bytes);
    if (connection->input.len >= LIMIT_PIPELINED_BYTES) {
        stop_reading(connection);
    }
}

/*
 * What OpenSSL says by itself: the handshake, then an answer to each key update that the peer asks
 * for (RFC 8446 section 4.6.3), as often as it asks and whether it reads them or not. Who asks for
 * hundreds without a request wants our time and our memory, and nothing else.
 */
static void send_own_words(struct http_connection *connection)
{
    if (tls_session_is_open(connection->tls)) {
        connection->own_bytes += connection->server->sealed.len;
    }
    connection_send_sealed(connection);
    if (connection->own_bytes > OWN_BYTES) {
        connection_cut(connection);
    }
}

static void on_broken(struct http_connection *connection)
{
    struct http_server_counts *counts = &connection->server->counts;

    switch (tls_session_why(connection->tls)) {
    case TLS_END_HTTP:
        counts->tls_http++;
        connection_refuse_plain(connection);
        return;
    case TLS_END_FOREIGN:
        counts->tls_foreign++;
        break;
    case TLS_END_REFUSED:
        counts->tls_refused++;
        break;
    }
    connection_cut(connection);
}

/* Opens what was sealed; each piece of it is taken like a read of its own. */
static void take_sealed(struct http_connection *connection, struct slice sealed)
{
    struct http_server *server = connection->server;
    enum tls_state state = TLS_BYTES;

    tls_session_feed(connection->tls, sealed);
    while (state == TLS_BYTES) {
        size_t got = 0;
        state = tls_session_read(connection->tls, server->plain_bytes, HTTP_READ_BYTES,
                                 &got);
        send_own_words(connection);
        if (connection->state != CONNECTION_CLOSED && got > 0) {
            take(connection, slice_of(server->plain_bytes, got));
        }
        wipe(server->plain_bytes, got);
        if (connection->state == CONNECTION_CLOSED) {
            return;
        }
    }
    if (state == TLS_CLOSED) {
        on_end_of_input(connection, UV_EOF);
    } else if (state == TLS_BROKEN) {
        on_broken(connection);
    } else if (connection->state == CONNECTION_READING && connection->input.len == 0) {
        connection_watch_reads(connection); /* the handshake may be over */
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct http_connection *connection = stream->data;

    if (count == 0 || count == UV_ENOBUFS || connection->state == CONNECTION_CLOSED) {
        return;
    }
    if (count < 0) {
        on_end_of_input(connection, count);
        return;
    }
    char *bytes = buf->base;
    struct slice read = slice_of(bytes, (size_t)count);
    connection->had_its_read = read.len == buf->len;
    if (connection->tls != NULL && connection->state != CONNECTION_LINGERING) {
        take_sealed(connection, read);
    } else {
        take(connection, read);
    }
    wipe(bytes, (size_t)count);
}

void connection_keep_reading(struct http_connection *connection)
{
    bool is_full = connection->input.len >= LIMIT_PIPELINED_BYTES;

    if (connection->is_reading || connection->has_eof || is_full) {
        return;
    }
    if (uv_read_start((uv_stream_t *)&connection->tcp, on_room, on_read) != 0) {
        connection_cut(connection);
        return;
    }
    connection->is_reading = true;
}
