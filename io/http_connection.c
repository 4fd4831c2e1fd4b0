/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: what it waits for, and how requests follow each other. Its bytes come
 * by http_read.c and leave by http_write.c.
 *
 * Invariants
 *  1. At most one exchange at a time, and the next one starts only when the socket has
 * taken the whole answer to the last: a peer that does not read cannot make us queue
 * answers.
 *  2. While an exchange runs, reading goes on into `input`, up to
 * LIMIT_PIPELINED_BYTES, so that a peer who leaves is noticed at once. An end of input
 * during an exchange counts as leaving: MCP clients cancel by closing. (Beyond that
 * many bytes reading stops, and leaving is noticed at the next write.)
 *  3. The handler is called from connection_pump only, so an answer given inside the
 * handler does not recurse into the next request.
 *  4. Memory goes when both handles are closed and the handler has ended its exchange.
 *  5. What the peer owes in saying and what it owes in taking have a deadline each: a
 * flight of the handshake that had to wait for room must not end that of the handshake.
 * The one timer is started only for an earlier deadline than it has; a later one is found
 * when it fires. A connection that is busy all the time hardly touches it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "io/http_private.h"
#include "io/loop_private.h"

#define EXCHANGES_PER_TURN 32 /* then the other connections have a turn */
#define LINGER_MS 1000

static void connection_turn(struct http_connection *connection);

static uv_stream_t *stream_of(struct http_connection *connection)
{
    return (uv_stream_t *)&connection->tcp;
}

/* ---- timer ---- */

static uint64_t now_ms(const struct http_connection *connection)
{
    return uv_now(connection->timer.loop);
}

static void on_timer(uv_timer_t *timer);

static void start_timer(struct http_connection *connection, uint64_t at_ms)
{
    if (uv_is_closing((uv_handle_t *)&connection->timer)) {
        return;
    }
    uint64_t now = now_ms(connection);
    if (uv_is_active((uv_handle_t *)&connection->timer) &&
        connection->timer_ms <= at_ms) {
        return;
    }
    connection->timer_ms = at_ms;
    REQUIRE(uv_timer_start(&connection->timer, on_timer, at_ms > now ? at_ms - now : 0,
                           0) == 0);
}

static void set_read_deadline(struct http_connection *connection, int64_t after_ms)
{
    connection->read_due_ms = now_ms(connection) + (uint64_t)after_ms;
    start_timer(connection, connection->read_due_ms);
}

void connection_set_write_deadline(struct http_connection *connection, int64_t after_ms)
{
    connection->write_due_ms = now_ms(connection) + (uint64_t)after_ms;
    start_timer(connection, connection->write_due_ms);
}

/* The earlier of the two; 0: none. */
static uint64_t next_deadline(const struct http_connection *connection)
{
    uint64_t read = connection->read_due_ms, write = connection->write_due_ms;

    if (read == 0 || write == 0) {
        return read + write;
    }
    return read < write ? read : write;
}

void connection_want_turn(struct http_connection *connection)
{
    connection->wants_turn = true;
    start_timer(connection, 0);
}

/* ---- closing ---- */

static void release(struct http_connection *connection)
{
    if (connection->open_handles > 0 || connection->exchange != NULL) {
        return;
    }
    list_remove(&connection->link);
    http_parser_free(connection->parser);
    buf_free(&connection->input);
    free(connection);
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct http_connection *connection = handle->data;
    struct http_server *server = connection->server;

    tls_session_free(connection->tls); /* the exchange may outlive it */
    connection->tls = NULL;
    connection->open_handles--;
    release(connection);
    if (server != NULL) {
        server->closing--;
        server_socket_closed(server);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct http_connection *connection = handle->data;

    connection->open_handles--;
    release(connection);
}

static void close_timer(struct http_connection *connection)
{
    if (!uv_is_closing((uv_handle_t *)&connection->timer)) {
        uv_close((uv_handle_t *)&connection->timer, on_timer_closed);
    }
}

void connection_cut(struct http_connection *connection)
{
    if (connection->state == CONNECTION_CLOSED) {
        return;
    }
    connection->state = CONNECTION_CLOSED;
    connection->read_due_ms = 0;
    connection->write_due_ms = 0;
    connection_forget_held(connection);
    if (connection->server != NULL) {
        connection->server->closing++;
        (void)http_budget_hold(&connection->server->answers, &connection->answer_share,
                               0);
    }
    uv_close((uv_handle_t *)&connection->tcp, on_tcp_closed);
    if (!connection->is_pumping) {
        connection_forget_input(connection);
    }
    if (connection->exchange == NULL) {
        close_timer(connection);
        return;
    }
    connection->exchange->is_gone = true;
    connection_want_turn(connection);
}

void connection_orphan(struct http_connection *connection)
{
    connection_cut(connection);
    close_timer(connection);
    http_parser_use_budget(connection->parser, NULL); /* it is the server's */
    list_remove(&connection->link);
    connection->server = NULL;
}

static void connection_ready(struct http_connection *connection);

void connection_all_written(struct http_connection *connection)
{
    connection->write_due_ms = 0;
    if (connection->state == CONNECTION_FLUSHING) {
        connection_ready(connection);
    }
}

/* ---- the end of a connection that was answered ---- */

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct http_connection *connection = request->handle->data;

    if (connection->state == CONNECTION_CLOSED) {
        return;
    }
    if (status != 0 || connection->has_eof) {
        connection_cut(connection);
        return;
    }
    connection->has_shut = true;
    set_read_deadline(connection, LINGER_MS);
}

/*
 * Ends our side and reads on for a moment: a close with bytes unread would become a
 * reset, and a reset may take the answer away before the peer has read it.
 */
static void linger(struct http_connection *connection)
{
    if (connection->state == CONNECTION_CLOSED) {
        return;
    }
    connection->state = CONNECTION_LINGERING;
    connection->read_due_ms = 0; /* on_shutdown sets the next */
    if (!connection->is_pumping) {
        connection_forget_input(connection);
    }
    if (connection->tls != NULL) {
        tls_session_end(connection->tls);
        connection_send_sealed(connection);
        if (connection->state == CONNECTION_CLOSED) {
            return;
        }
    }
    if (uv_shutdown(&connection->shutdown, stream_of(connection), on_shutdown) != 0) {
        connection_cut(connection);
        return;
    }
    connection_keep_reading(connection);
}

void connection_refuse(struct http_connection *connection, int status)
{
    const struct log *log = connection->server->log;

    if (connection->tls != NULL && !tls_session_is_open(connection->tls)) {
        connection_cut(connection); /* nothing can be said yet */
        return;
    }
    if (log != NULL) {
        log_event(log, LOG_DEBUG, "http_refused", LOG_INT(http_status, status));
    }
    exchange_send_refusal(connection, status);
    linger(connection);
}

/* What it sent may hold the secret of a URL, and was open to all on its way: what it is told says
 * so. None of it is parsed. */
void connection_refuse_plain(struct http_connection *connection)
{
    tls_session_free(connection->tls);
    connection->tls = NULL;
    exchange_send_wrong_port(connection);
    linger(connection);
}

/* ---- requests ---- */

static enum read_phase phase_of(const struct http_connection *connection)
{
    if (connection->tls != NULL && !tls_session_is_open(connection->tls)) {
        return READ_HANDSHAKE;
    }
    if (http_parser_in_body(connection->parser)) {
        return READ_BODY;
    }
    return http_parser_has_begun(connection->parser) ? READ_HEAD : READ_FIRST_BYTE;
}

static int64_t patience_ms(const struct http_server_options *options,
                           enum read_phase phase)
{
    switch (phase) {
    case READ_BODY:
        return options->body_ms;
    case READ_HANDSHAKE:
    case READ_HEAD:
        return options->head_ms;
    case READ_NOTHING:
    case READ_FIRST_BYTE:
        break;
    }
    return options->idle_ms;
}

void connection_watch_reads(struct http_connection *connection)
{
    enum read_phase phase = phase_of(connection);

    if (phase == connection->phase) {
        return; /* a byte now and then does not buy more time */
    }
    connection->phase = phase;
    connection->waits_since_ms = now_ms(connection);
    set_read_deadline(connection, patience_ms(&connection->server->options, phase));
}

/* The last answer is with the socket: on to the next request. */
static void connection_ready(struct http_connection *connection)
{
    connection->state = CONNECTION_READING;
    connection->phase = READ_NOTHING;
    connection->waits_since_ms = now_ms(connection);
    if (connection->has_eof || connection->server->is_draining) {
        linger(connection);
        return;
    }
    if (connection->is_pumping) {
        return; /* the pump goes on by itself */
    }
    if (connection->input.len > 0) {
        connection_want_turn(connection);
        return;
    }
    connection_keep_reading(connection);
    connection_watch_reads(connection);
}

void connection_exchange_ended(struct http_connection *connection)
{
    exchange_free(connection->exchange);
    connection->exchange = NULL;
    if (connection->state == CONNECTION_CLOSED) {
        close_timer(connection);
        release(connection);
        return;
    }
    http_parser_next(connection->parser);
    if (!connection->keeps_alive) {
        linger(connection);
        return;
    }
    if (connection_unsent(connection) > 0) {
        connection->state = CONNECTION_FLUSHING;
        connection->waits_since_ms = now_ms(connection);
        return;
    }
    connection_ready(connection);
}

static void begin_exchange(struct http_connection *connection)
{
    struct http_server *server = connection->server;

    connection->state = CONNECTION_RUNNING;
    connection->phase = READ_NOTHING;
    connection->read_due_ms = 0;
    connection->own_bytes = 0;
    connection->exchange = exchange_new(connection);
    server->handler(server->ctx, connection->exchange);
}

static void send_continue(struct http_connection *connection)
{
    uv_buf_t buf = http_buf(SLICE("HTTP/1.1 100 Continue\r\n\r\n"));

    connection_send(connection, &buf, 1);
}

/* Feeds the parser and acts on what it says; returns how much of `bytes` was used. */
static size_t pump_some(struct http_connection *connection, struct slice bytes)
{
    size_t used = 0;
    size_t left = 0;

    switch (http_parser_feed(connection->parser, bytes, &used)) {
    case HTTP_PARSE_MORE:
        break;
    case HTTP_PARSE_CONTINUE:
        left = bytes.len - used;
        if (left == 0) { /* else the body is coming already */
            send_continue(connection);
        }
        break;
    case HTTP_PARSE_DONE:
        begin_exchange(connection);
        break;
    case HTTP_PARSE_FAILED:
        connection_refuse(connection, http_parser_status(connection->parser));
        break;
    }
    return used;
}

static bool is_readable(const struct http_connection *connection)
{
    return connection->state == CONNECTION_READING ||
           connection->state == CONNECTION_RUNNING ||
           connection->state == CONNECTION_FLUSHING;
}

/* Keeps what the pump did not use. */
static void keep_rest(struct http_connection *connection, struct slice bytes,
                      size_t used)
{
    bool is_input = bytes.ptr == connection->input.ptr;

    if (!is_readable(connection)) {
        connection_forget_input(connection);
        return;
    }
    if (is_input && used == bytes.len) {
        connection_forget_input(connection); /* an idle one holds no buffer */
    } else if (is_input) {
        buf_consume(&connection->input, used);
    } else if (used < bytes.len) {
        connection_keep_input(connection, slice_from(bytes, used));
    }
    if (connection->input.len > 0 && connection->state == CONNECTION_READING) {
        connection_want_turn(connection);
    }
}

void connection_pump(struct http_connection *connection, struct slice bytes)
{
    size_t used = 0;

    connection->is_pumping = true;
    for (int turns = 0; turns < EXCHANGES_PER_TURN && used < bytes.len &&
                        connection->state == CONNECTION_READING;
         turns++) {
        used += pump_some(connection, slice_from(bytes, used));
    }
    connection->is_pumping = false;
    keep_rest(connection, bytes, used);
    if (is_readable(connection)) {
        connection_keep_reading(connection);
    }
    if (connection->state == CONNECTION_READING && connection->input.len == 0) {
        connection_watch_reads(connection);
    }
}

/* ---- what the timer is for ---- */

static void on_read_deadline(struct http_connection *connection)
{
    connection->read_due_ms = 0;
    bool is_slow = connection->state == CONNECTION_READING &&
                   (connection->phase == READ_HEAD || connection->phase == READ_BODY);
    if (is_slow) {
        connection_refuse(connection, 408);
        return;
    }
    if (connection->state == CONNECTION_READING &&
        connection->phase == READ_HANDSHAKE) {
        connection->server->counts.tls_late++;
    }
    connection_cut(connection);
}

static void on_deadline(struct http_connection *connection, uint64_t now)
{
    if (connection->read_due_ms != 0 && connection->read_due_ms <= now) {
        on_read_deadline(connection);
    }
    if (connection->write_due_ms != 0 && connection->write_due_ms <= now) {
        connection_check_writes(connection);
    }
    if (next_deadline(connection) != 0) {
        start_timer(connection, next_deadline(connection));
    }
}

/* Something that had to wait until nobody's call was on the stack. */
static void connection_turn(struct http_connection *connection)
{
    if (connection->state == CONNECTION_CLOSED) {
        if (connection->exchange != NULL) {
            exchange_tell_gone(connection->exchange);
        }
        return;
    }
    if (connection->state == CONNECTION_READING && connection->input.len > 0) {
        connection_pump(connection, buf_slice(&connection->input));
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct http_connection *connection = timer->data;

    if (connection->wants_turn) {
        connection->wants_turn = false;
        connection_turn(connection);
    }
    uint64_t due = next_deadline(connection);
    if (uv_is_closing((uv_handle_t *)timer) || due == 0) {
        return;
    }
    uint64_t now = now_ms(connection);
    if (due > now) {
        start_timer(connection, due);
    } else if (server_may_expire(connection->server, now)) {
        on_deadline(connection, now);
    } else {
        start_timer(connection, now + 1);
    }
}

bool connection_gives_way(const struct http_connection *connection, bool even_midway)
{
    return (connection->state == CONNECTION_READING &&
            (even_midway || connection->phase != READ_BODY)) ||
           (connection->state == CONNECTION_FLUSHING && even_midway);
}

bool connection_is_idle(const struct http_connection *connection)
{
    return connection->state == CONNECTION_READING && connection->input.len == 0 &&
           !http_parser_has_begun(connection->parser);
}

struct http_connection *connection_new(struct http_server *server)
{
    struct http_connection *connection = calloc(1, sizeof *connection);
    REQUIRE(connection != NULL);
    REQUIRE(uv_tcp_init(loop_uv(server->loop), &connection->tcp) == 0);
    REQUIRE(uv_timer_init(loop_uv(server->loop), &connection->timer) == 0);
    connection->tcp.data = connection;
    connection->timer.data = connection;
    connection->open_handles = 2;
    connection->server = server;
    connection->parser = http_parser_new(server->options.max_body_bytes);
    http_parser_use_budget(connection->parser, &server->bodies);
    if (server->options.tls != NULL) {
        connection->tls = tls_session_new(server->options.tls, &server->sealed);
    }
    /* A read may end one request and bring a whole buffer of the next ones. */
    buf_init(&connection->input, LIMIT_PIPELINED_BYTES + HTTP_READ_BYTES);
    return connection;
}

void connection_begin(struct http_connection *connection)
{
    connection_keep_reading(connection);
    connection_watch_reads(connection);
}
