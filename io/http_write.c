/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What leaves on a connection: at once what the socket takes, the rest as a copy of its
 * own, wiped when it has been written. A peer that takes nothing for write_stall_ms is
 * cut.
 *
 * A short answer waits for the end of the turn. Waking a peer that sleeps is the dearest part of a
 * write: where many connections end in one process, that is woken once for all their answers
 * instead of once for each.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/memory.h"
#include "base/secret.h"
#include "io/http_private.h"

#define SHORT_BYTES ((size_t)16 * 1024) /* longer ones cost more to copy than to send */

struct write {
    uv_write_t request;
    size_t len;
    char bytes[];
};

size_t connection_unsent(const struct http_connection *connection)
{
    return connection->held_len +
           uv_stream_get_write_queue_size((const uv_stream_t *)&connection->tcp);
}

/*
 * Bytes the peer's side has taken. What the socket took is no measure: it takes
 * megabytes at once, so a slow reader would look like one that stands still.
 */
static uint64_t arrived_bytes(const struct http_connection *connection)
{
    uv_os_fd_t fd = -1;
    int in_socket = 0;

    /* Neither fails while the connection is open; nothing is in a socket that is not. */
    (void)uv_fileno((const uv_handle_t *)&connection->tcp, &fd);
    (void)ioctl(fd, TIOCOUTQ, &in_socket);
    return connection->sent_bytes - connection_unsent(connection) - (uint64_t)in_socket;
}

/* Progress, not speed, is what a reader owes: any byte per write_stall_ms. */
static void watch_writes(struct http_connection *connection)
{
    connection->arrived_bytes = arrived_bytes(connection);
    connection_set_write_deadline(connection,
                                  connection->server->options.write_stall_ms);
}

void connection_note_progress(struct http_connection *connection)
{
    if (arrived_bytes(connection) != connection->arrived_bytes) {
        watch_writes(connection);
    }
}

void connection_check_writes(struct http_connection *connection)
{
    if (arrived_bytes(connection) == connection->arrived_bytes) {
        connection_cut(connection);
        return;
    }
    watch_writes(connection);
}

/* What it takes of the budget: many short ones are more than their bytes. */
static size_t write_cost(const struct write *write)
{
    return sizeof *write + write->len;
}

static void on_written(uv_write_t *request, int status)
{
    struct http_connection *connection = request->handle->data;

    struct write *write = request->data;
    size_t cost = write_cost(write);

    memory_free(write);
    if (connection->state == CONNECTION_CLOSED) {
        return;
    }
    (void)http_budget_hold(&connection->server->answers, &connection->answer_share,
                           connection->answer_share - cost);
    if (status != 0) {
        connection_cut(connection);
        return;
    }
    if (connection_unsent(connection) == 0) {
        connection_all_written(connection);
    }
}

/* A copy of everything behind the first `skip` bytes. */
static struct write *write_new(const uv_buf_t *bufs, unsigned count, size_t skip,
                               size_t total)
{
    struct write *write = memory_alloc(sizeof *write + total - skip);
    write->request.data = write;
    write->len = 0;
    for (unsigned i = 0; i < count; i++) {
        size_t from = skip < bufs[i].len ? skip : bufs[i].len;
        memcpy(write->bytes + write->len, bufs[i].base + from, bufs[i].len - from);
        write->len += bufs[i].len - from;
        skip -= from;
    }
    return write;
}

/* Readers without haste must not fill the memory: see server_make_answer_room. */
static bool may_wait(struct http_connection *connection, size_t bytes)
{
    struct http_server *server = connection->server;

    return server_make_answer_room(server, connection, bytes) &&
           http_budget_hold(&server->answers, &connection->answer_share,
                            connection->answer_share + bytes);
}

static void queue(struct http_connection *connection, struct write *write)
{
    uv_buf_t rest = uv_buf_init(write->bytes, (unsigned)write->len);

    if (!may_wait(connection, write_cost(write)) ||
        uv_write(&write->request, (uv_stream_t *)&connection->tcp, &rest, 1,
                 on_written) != 0) {
        memory_free(write);
        connection_cut(connection);
        return;
    }
    if (connection->write_due_ms == 0) {
        watch_writes(connection);
    }
}

static void send_now(struct http_connection *connection, const uv_buf_t *bufs,
                     unsigned count, size_t total)
{
    int sent = uv_try_write((uv_stream_t *)&connection->tcp, bufs, count);
    if (sent < 0 && sent != UV_EAGAIN) {
        connection_cut(connection);
        return;
    }
    size_t done = sent > 0 ? (size_t)sent : 0;
    if (done < total) {
        queue(connection, write_new(bufs, count, done, total));
    }
}

/* ---- what waits for the end of the turn ---- */

void connection_forget_held(struct http_connection *connection)
{
    if (connection->is_holding) {
        connection->is_holding = false;
        connection->held_len = 0;
        list_remove(&connection->held_link);
    }
}

static void send_held(struct http_connection *connection)
{
    size_t total = connection->held_len;
    const struct buf *held = &connection->server->held;

    if (total > 0) {
        uv_buf_t buf = http_buf(slice_of(held->ptr + connection->held_at, total));
        connection->held_len = 0;
        send_now(connection, &buf, 1, total);
    }
}

static void send_all_held(struct http_server *server)
{
    while (!list_empty(&server->holding)) {
        struct http_connection *connection =
            LIST_ENTRY(server->holding.next, struct http_connection, held_link);
        send_held(connection);
        connection_forget_held(connection);
        if (connection->state != CONNECTION_CLOSED &&
            connection_unsent(connection) == 0) {
            connection_all_written(connection);
        }
    }
    buf_clear(&server->held);
}

static void on_turn_end(void *ctx)
{
    struct http_server *server = ctx;

    server->is_turn_end_due = false;
    send_all_held(server);
}

void server_forget_held(struct http_server *server)
{
    loop_soon_cancel(server->loop, on_turn_end, server);
    buf_free(&server->held);
}

static void hold(struct http_connection *connection, const uv_buf_t *bufs,
                 unsigned count, size_t total)
{
    struct http_server *server = connection->server;

    if (!server->is_turn_end_due) {
        server->is_turn_end_due = true;
        loop_soon(server->loop, on_turn_end, server);
    }
    connection->held_at = server->held.len;
    connection->held_len = total;
    for (unsigned i = 0; i < count; i++) {
        REQUIRE(buf_append(&server->held, slice_of(bufs[i].base, bufs[i].len)));
    }
    if (!connection->is_holding) {
        connection->is_holding = true;
        list_push(&server->holding, &connection->held_link);
    }
}

static void send_raw(struct http_connection *connection, const uv_buf_t *bufs,
                     unsigned count)
{
    size_t total = 0;

    send_held(connection); /* it comes first */
    if (connection->state == CONNECTION_CLOSED) {
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        total += bufs[i].len;
    }
    connection->sent_bytes += total;
    if (connection->may_hold && total <= SHORT_BYTES &&
        connection->server->held.len + total <= HTTP_HELD_BYTES) {
        hold(connection, bufs, count, total);
    } else {
        send_now(connection, bufs, count, total);
    }
}

/* ---- TLS ---- */

#define SEAL_BYTES ((size_t)32 * 1024) /* plain bytes sealed and sent at once */

void connection_send_sealed(struct http_connection *connection)
{
    struct buf *sealed = &connection->server->sealed;

    if (sealed->len > 0) {
        uv_buf_t buf = http_buf(buf_slice(sealed));
        send_raw(connection, &buf, 1);
        buf_clear(sealed);
    }
}

static void seal_and_send(struct http_connection *connection, struct slice plain)
{
    while (plain.len > 0 && connection->state != CONNECTION_CLOSED) {
        size_t bytes = plain.len < SEAL_BYTES ? plain.len : SEAL_BYTES;
        if (!tls_session_write(connection->tls, slice_of(plain.ptr, bytes))) {
            buf_clear(&connection->server->sealed);
            connection_cut(connection);
            return;
        }
        plain = slice_from(plain, bytes);
        if (connection->server->sealed.len >= SEAL_BYTES) {
            connection_send_sealed(connection);
        }
    }
}

void connection_send(struct http_connection *connection, const uv_buf_t *bufs,
                     unsigned count)
{
    if (connection->state == CONNECTION_CLOSED) {
        return;
    }
    if (connection->tls == NULL) {
        send_raw(connection, bufs, count);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        seal_and_send(connection, slice_of(bufs[i].base, bufs[i].len));
    }
    connection_send_sealed(connection);
}

void connection_send_later(struct http_connection *connection, const uv_buf_t *bufs,
                           unsigned count)
{
    struct http_server *server = connection->server;

    /* Now: once these bytes are sealed they lie in the server's one buffer, and no other
     * connection may end there, which seals something of its own. */
    if (server->held.len + SHORT_BYTES > HTTP_HELD_BYTES) {
        send_all_held(server);
    }
    connection->may_hold = true;
    connection_send(connection, bufs, count);
    connection->may_hold = false;
}
