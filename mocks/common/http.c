/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 for the mocks. Invariants:
 * 1. A connection has at most one exchange; bytes that come while it is being answered
 * wait in `pending` until exchange_end.
 * 2. A connection is freed in its close callback and nowhere else; an exchange is freed
 * in exchange_end, or with its connection when its request never became complete.
 * 3. After conn_close() no exchange points to the connection any more.
 */
#include "mocks/common/http.h"

#include <llhttp.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/list.h"
#include "mocks/common/target.h"

#define HEAD_CEILING ((size_t)64 * 1024)
#define BODY_CEILING ((size_t)4 * 1024 * 1024)
#define PENDING_CEILING ((size_t)1024 * 1024)
#define OUT_CEILING ((size_t)80 * 1024 * 1024)
#define MAX_FIELDS 100
#define READ_BYTES ((size_t)64 * 1024)
#define BACKLOG 1024

struct http_server {
    uv_loop_t *loop;
    uv_tcp_t listener;
    llhttp_settings_t settings;
    http_handler_fn handler;
    void *ctx;
    struct list conns;
    const struct tls_port *tls; /* NULL: plain */
    bool closing;
    bool listener_closed;
    char scratch[READ_BYTES];
};

struct field {
    size_t name_at, name_len, value_at, value_len; /* into http_exchange.head */
};

struct http_conn {
    uv_tcp_t tcp;
    uv_shutdown_t shutdown;
    struct list node;
    struct http_server *server;
    struct tls_stream *tls; /* NULL: plain */
    llhttp_t parser;
    struct buf pending;
    struct http_exchange *exchange; /* being received, or being answered */
    bool answering;
    bool pumping;
    bool draining; /* the last answer is out: what still comes is thrown away */
    int reject;    /* status of a refusal decided inside a parser callback */
};

struct http_exchange {
    struct http_conn *conn; /* NULL once the client has left */
    struct arena *arena;
    struct buf target;
    struct buf head;
    struct buf body;
    struct field fields[MAX_FIELDS];
    size_t field_count;
    bool in_value;
    bool keep_alive;
    struct http_request request;
};

struct write {
    uv_write_t req;
    struct http_conn *conn;
    char bytes[];
};

static void conn_pump(struct http_conn *conn);

static struct http_exchange *exchange_new(struct http_conn *conn)
{
    struct http_exchange *exchange = calloc(1, sizeof *exchange);
    REQUIRE(exchange != NULL);
    exchange->conn = conn;
    exchange->arena = arena_new();
    buf_init(&exchange->target, HEAD_CEILING);
    buf_init(&exchange->head, HEAD_CEILING);
    buf_init(&exchange->body, BODY_CEILING);
    return exchange;
}

static void exchange_free(struct http_exchange *exchange)
{
    if (exchange == NULL) {
        return;
    }
    buf_free(&exchange->target);
    buf_free(&exchange->head);
    buf_free(&exchange->body);
    arena_free(exchange->arena);
    free(exchange);
}

/* ---- connection: closing and writing ---- */

static void server_free_when_idle(struct http_server *server)
{
    if (server->closing && server->listener_closed && list_empty(&server->conns)) {
        free(server);
    }
}

static void on_conn_closed(uv_handle_t *handle)
{
    struct http_conn *conn = handle->data;
    struct http_server *server = conn->server;
    list_remove(&conn->node);
    buf_free(&conn->pending);
    tls_stream_free(conn->tls);
    free(conn);
    server_free_when_idle(server);
}

static void conn_forget_exchange(struct http_conn *conn)
{
    if (conn->exchange == NULL) {
        return;
    }
    conn->exchange->conn = NULL;
    if (!conn->answering) {
        exchange_free(conn->exchange); /* never became a request: nobody else has it */
    }
    conn->exchange = NULL;
}

static void conn_close(struct http_conn *conn)
{
    conn_forget_exchange(conn);
    if (!uv_is_closing((uv_handle_t *)&conn->tcp)) {
        uv_close((uv_handle_t *)&conn->tcp, on_conn_closed);
    }
}

static void conn_reset(struct http_conn *conn)
{
    conn_forget_exchange(conn);
    if (uv_is_closing((uv_handle_t *)&conn->tcp)) {
        return;
    }
    if (uv_tcp_close_reset(&conn->tcp, on_conn_closed) != 0) {
        uv_close((uv_handle_t *)&conn->tcp, on_conn_closed);
    }
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
    struct http_conn *conn = req->data;
    if (status != 0 || !conn->draining) {
        conn_close(conn);
    }
}

static void on_written(uv_write_t *req, int status)
{
    struct write *write = req->data;
    struct http_conn *conn = write->conn;
    free(write);
    if (status != 0 && status != UV_ECANCELED) {
        conn_close(conn);
    }
}

static void conn_write_wire(struct http_conn *conn, struct slice bytes)
{
    if (uv_is_closing((uv_handle_t *)&conn->tcp) || bytes.len == 0) {
        return;
    }
    struct write *write = malloc(sizeof *write + bytes.len);
    REQUIRE(write != NULL);
    write->conn = conn;
    write->req.data = write;
    memcpy(write->bytes, bytes.ptr, bytes.len);
    uv_buf_t out = uv_buf_init(write->bytes, (unsigned int)bytes.len);
    if (uv_write(&write->req, (uv_stream_t *)&conn->tcp, &out, 1, on_written) != 0) {
        free(write);
        conn_close(conn);
    }
}

static void conn_write(struct http_conn *conn, struct slice bytes)
{
    if (conn->tls == NULL || bytes.len == 0) {
        conn_write_wire(conn, bytes);
        return;
    }
    struct buf wire;
    buf_init(&wire, OUT_CEILING);
    tls_stream_send(conn->tls, bytes, &wire);
    conn_write_wire(conn, buf_slice(&wire));
    buf_free(&wire);
}

/* Flush, then close. `draining` first reads what the peer still sends: closing on
 * unread bytes would reset the connection and could destroy the answer on its way. */
static void conn_finish(struct http_conn *conn, bool draining)
{
    if (conn->tls != NULL) {
        struct buf wire;
        buf_init(&wire, OUT_CEILING);
        tls_stream_finish(conn->tls, &wire);
        conn_write_wire(conn, buf_slice(&wire));
        buf_free(&wire);
    }
    if (uv_is_closing((uv_handle_t *)&conn->tcp)) {
        return;
    }
    conn->draining = draining;
    conn->shutdown.data = conn;
    if (uv_shutdown(&conn->shutdown, (uv_stream_t *)&conn->tcp, on_shutdown) != 0) {
        conn_close(conn);
    }
}

static void conn_reject(struct http_conn *conn, int status)
{
    struct response response;
    response_init(&response);
    response_plain(&response, status, "application/json",
                   status == 413
                       ? SLICE("{\"error\":\"the body is larger than 4 MiB\"}")
                       : SLICE("{\"error\":\"the request is not HTTP/1.1\"}"));
    response.close = true;
    struct buf out;
    buf_init(&out, HEAD_CEILING);
    response_render_head(&response, &out);
    buf_append(&out, buf_slice(&response.body));
    conn_forget_exchange(conn);
    conn_write(conn, buf_slice(&out));
    buf_free(&out);
    response_free(&response);
    conn_finish(conn, true);
}

/* ---- parser callbacks: collect, decide nothing ---- */

static struct http_conn *conn_of(llhttp_t *parser)
{
    return parser->data;
}

static int refuse(llhttp_t *parser, int status)
{
    conn_of(parser)->reject = status;
    return -1;
}

static int on_begin(llhttp_t *parser)
{
    struct http_conn *conn = conn_of(parser);
    if (conn->exchange == NULL) {
        conn->exchange = exchange_new(conn);
    }
    return 0;
}

static int on_target(llhttp_t *parser, const char *at, size_t length)
{
    struct http_exchange *exchange = conn_of(parser)->exchange;
    return buf_append(&exchange->target, slice_of(at, length)) ? 0
                                                               : refuse(parser, 400);
}

static int on_field_name(llhttp_t *parser, const char *at, size_t length)
{
    struct http_exchange *x = conn_of(parser)->exchange;
    if (x->field_count == 0 || x->in_value) {
        if (x->field_count == MAX_FIELDS) {
            return refuse(parser, 400);
        }
        x->fields[x->field_count++] = (struct field){.name_at = x->head.len};
        x->in_value = false;
    }
    x->fields[x->field_count - 1].name_len += length;
    return buf_append(&x->head, slice_of(at, length)) ? 0 : refuse(parser, 400);
}

static int on_field_value(llhttp_t *parser, const char *at, size_t length)
{
    struct http_exchange *x = conn_of(parser)->exchange;
    if (x->field_count == 0) {
        return refuse(parser, 400);
    }
    struct field *field = &x->fields[x->field_count - 1];
    if (!x->in_value) {
        field->value_at = x->head.len;
        x->in_value = true;
    }
    field->value_len += length;
    return buf_append(&x->head, slice_of(at, length)) ? 0 : refuse(parser, 400);
}

/* A header with an empty value never calls on_field_value: mark it complete here. */
static int on_value_complete(llhttp_t *parser)
{
    conn_of(parser)->exchange->in_value = true;
    return 0;
}

static int on_head_complete(llhttp_t *parser)
{
    struct http_conn *conn = conn_of(parser);
    if (slice_eq_nocase(exchange_header(conn->exchange, "expect"),
                        SLICE("100-continue"))) {
        conn_write(conn, SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t length)
{
    struct http_exchange *exchange = conn_of(parser)->exchange;
    return buf_append(&exchange->body, slice_of(at, length)) ? 0 : refuse(parser, 413);
}

static int on_complete(llhttp_t *parser)
{
    struct http_conn *conn = conn_of(parser);
    conn->exchange->keep_alive = llhttp_should_keep_alive(parser) != 0;
    conn->answering = true;
    return HPE_PAUSED;
}

/* ---- from bytes to handler calls ---- */

static void exchange_complete(struct http_exchange *x, llhttp_t *parser)
{
    struct target parts = target_split(buf_slice(&x->target));
    llhttp_method_t method = (llhttp_method_t)llhttp_get_method(parser);
    x->request = (struct http_request){slice_str(llhttp_method_name(method)),
                                       buf_slice(&x->target),
                                       parts.scheme,
                                       parts.authority,
                                       parts.path,
                                       parts.query,
                                       buf_slice(&x->body)};
}

/* Parses what waits; leaves what follows a complete request in `pending`. */
static void conn_parse(struct http_conn *conn)
{
    size_t length = conn->pending.len;
    llhttp_errno_t err = llhttp_execute(&conn->parser, conn->pending.ptr, length);
    if (err == HPE_OK) {
        buf_clear(&conn->pending);
        return;
    }
    if (err != HPE_PAUSED) {
        buf_clear(&conn->pending);
        conn->answering = false;
        conn_reject(conn, conn->reject != 0 ? conn->reject : 400);
        return;
    }
    const char *rest = llhttp_get_error_pos(&conn->parser);
    buf_consume(&conn->pending, (size_t)(rest - conn->pending.ptr));
    llhttp_resume(&conn->parser);
    exchange_complete(conn->exchange, &conn->parser);
    conn->server->handler(conn->server->ctx, conn->exchange);
}

static void conn_pump(struct http_conn *conn)
{
    if (conn->pumping) {
        return; /* an answer given inside the handler: the loop below goes on */
    }
    conn->pumping = true;
    while (!conn->answering && !conn->draining && conn->pending.len > 0 &&
           !uv_is_closing((uv_handle_t *)&conn->tcp)) {
        conn_parse(conn);
    }
    conn->pumping = false;
}

static void conn_receive_tls(struct http_conn *conn, struct slice bytes)
{
    struct buf wire;
    buf_init(&wire, OUT_CEILING);
    bool goes_on = tls_stream_receive(conn->tls, bytes, &conn->pending, &wire);
    conn_write_wire(conn, buf_slice(&wire));
    buf_free(&wire);
    conn_pump(conn); /* what came before the end is still a request */
    if (!goes_on && uv_is_writable((uv_stream_t *)&conn->tcp)) {
        conn_forget_exchange(conn);
        conn_finish(conn, false);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct http_conn *conn = handle->data;
    *out = uv_buf_init(conn->server->scratch, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *in)
{
    struct http_conn *conn = stream->data;
    if (nread < 0) {
        conn_close(conn);
        return;
    }
    if (conn->draining || nread == 0) {
        return;
    }
    struct slice bytes = slice_of(in->base, (size_t)nread);
    if (conn->tls != NULL) {
        conn_receive_tls(conn, bytes);
    } else if (buf_append(&conn->pending, bytes)) {
        conn_pump(conn);
    } else {
        conn_close(conn);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct http_server *server = listener->data;
    if (status != 0) {
        return;
    }
    struct http_conn *conn = calloc(1, sizeof *conn);
    REQUIRE(conn != NULL);
    conn->server = server;
    conn->tls = server->tls != NULL ? tls_stream_new(server->tls) : NULL;
    buf_init(&conn->pending, PENDING_CEILING);
    list_init(&conn->node);
    list_push(&server->conns, &conn->node);
    REQUIRE(uv_tcp_init(server->loop, &conn->tcp) == 0);
    conn->tcp.data = conn;
    llhttp_init(&conn->parser, HTTP_REQUEST, &server->settings);
    conn->parser.data = conn;
    if (uv_accept(listener, (uv_stream_t *)&conn->tcp) != 0 ||
        uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read) != 0) {
        conn_close(conn);
        return;
    }
    (void)uv_tcp_nodelay(&conn->tcp, 1);
}

/* ---- server ---- */

struct http_server *http_server_new(uv_loop_t *loop, http_handler_fn handler, void *ctx)
{
    struct http_server *server = calloc(1, sizeof *server);
    REQUIRE(server != NULL);
    server->loop = loop;
    server->handler = handler;
    server->ctx = ctx;
    list_init(&server->conns);
    llhttp_settings_init(&server->settings);
    server->settings.on_message_begin = on_begin;
    server->settings.on_url = on_target;
    server->settings.on_header_field = on_field_name;
    server->settings.on_header_value = on_field_value;
    server->settings.on_header_value_complete = on_value_complete;
    server->settings.on_headers_complete = on_head_complete;
    server->settings.on_body = on_body;
    server->settings.on_message_complete = on_complete;
    REQUIRE(uv_tcp_init(loop, &server->listener) == 0);
    server->listener.data = server;
    return server;
}

void http_server_use_tls(struct http_server *server, const struct tls_port *tls)
{
    server->tls = tls;
}

int http_server_listen(struct http_server *server, const char *host, int port)
{
    struct sockaddr_in address;
    int err = uv_ip4_addr(host, port, &address);
    if (err == 0) {
        err = uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, 0);
    }
    if (err == 0) {
        err = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
    }
    struct sockaddr_storage bound;
    int length = (int)sizeof bound;
    if (err == 0) {
        err = uv_tcp_getsockname(&server->listener, (struct sockaddr *)&bound, &length);
    }
    if (err != 0) {
        return err;
    }
    struct sockaddr_in in;
    memcpy(&in, &bound, sizeof in);
    return ntohs(in.sin_port);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;
    server->listener_closed = true;
    server_free_when_idle(server);
}

void http_server_close(struct http_server *server)
{
    server->closing = true;
    LIST_FOREACH_SAFE (node, after, &server->conns) {
        conn_close(LIST_ENTRY(node, struct http_conn, node));
    }
    uv_close((uv_handle_t *)&server->listener, on_listener_closed);
}

/* ---- exchange ---- */

const struct http_request *exchange_request(const struct http_exchange *exchange)
{
    return &exchange->request;
}

struct arena *exchange_arena(struct http_exchange *exchange)
{
    return exchange->arena;
}

static bool is_named(const struct http_exchange *x, size_t at, const char *name)
{
    const struct field *field = &x->fields[at];
    return slice_eq_nocase(slice_of(x->head.ptr + field->name_at, field->name_len),
                           slice_str(name));
}

struct slice exchange_header(const struct http_exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->field_count; i++) {
        if (is_named(exchange, i, name)) {
            const struct field *field = &exchange->fields[i];
            return slice_trim(
                slice_of(exchange->head.ptr + field->value_at, field->value_len));
        }
    }
    return SLICE_EMPTY;
}

size_t exchange_header_count(const struct http_exchange *exchange, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < exchange->field_count; i++) {
        count += is_named(exchange, i, name) ? 1 : 0;
    }
    return count;
}

size_t exchange_longest_field(const struct http_exchange *exchange)
{
    size_t longest = 0;
    for (size_t i = 0; i < exchange->field_count; i++) {
        size_t bytes = exchange->fields[i].name_len + 2 + exchange->fields[i].value_len;
        longest = bytes > longest ? bytes : longest;
    }
    return longest;
}

const X509 *exchange_client_certificate(const struct http_exchange *exchange)
{
    const struct http_conn *conn = exchange->conn;
    return conn != NULL && conn->tls != NULL ? tls_stream_client(conn->tls) : NULL;
}

void exchange_write(struct http_exchange *exchange, struct slice bytes)
{
    if (exchange->conn != NULL) {
        conn_write(exchange->conn, bytes);
    }
}

void exchange_end(struct http_exchange *exchange, enum http_ending ending)
{
    struct http_conn *conn = exchange->conn;
    bool keep = ending == HTTP_KEEP && exchange->keep_alive;
    exchange_free(exchange);
    if (conn == NULL) {
        return;
    }
    conn->exchange = NULL;
    conn->answering = false;
    if (ending == HTTP_RESET) {
        conn_reset(conn);
    } else if (!keep) {
        conn_finish(conn, false);
    } else {
        conn_pump(conn);
    }
}

void exchange_respond(struct http_exchange *exchange, struct response *response)
{
    struct buf out;
    buf_init(&out, OUT_CEILING);
    response->close = response->close || !exchange->keep_alive;
    response_render_head(response, &out);
    buf_append(&out, buf_slice(&response->body));
    exchange_write(exchange, buf_slice(&out));
    buf_free(&out);
    exchange_end(exchange, response->close ? HTTP_CLOSE : HTTP_KEEP);
}
