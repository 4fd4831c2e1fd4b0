/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request at the handler and its answer: heads, whole bodies, streams, refusals.
 * A head is built in the server's buffer and leaves with the body in one system call.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/timefmt.h"
#include "io/http_private.h"

/* clang-format off */
static const struct reason {
    int status;
    const char *text;
} REASONS[] = {
    {100, "Continue"}, {200, "OK"}, {201, "Created"}, {202, "Accepted"},
    {204, "No Content"}, {301, "Moved Permanently"}, {302, "Found"}, {303, "See Other"},
    {304, "Not Modified"}, {307, "Temporary Redirect"}, {308, "Permanent Redirect"},
    {400, "Bad Request"}, {401, "Unauthorized"}, {402, "Payment Required"},
    {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
    {406, "Not Acceptable"}, {408, "Request Timeout"}, {409, "Conflict"}, {410, "Gone"},
    {411, "Length Required"}, {412, "Precondition Failed"}, {413, "Content Too Large"},
    {414, "URI Too Long"}, {415, "Unsupported Media Type"}, {417, "Expectation Failed"},
    {421, "Misdirected Request"}, {422, "Unprocessable Content"}, {425, "Too Early"},
    {426, "Upgrade Required"}, {428, "Precondition Required"}, {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"}, {499, "Client Closed Request"},
    {500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"},
    {503, "Service Unavailable"}, {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};
/* clang-format on */

static const char *reason(int status)
{
    for (size_t i = 0; i < sizeof REASONS / sizeof REASONS[0]; i++) {
        if (REASONS[i].status == status) {
            return REASONS[i].text;
        }
    }
    return "Status";
}

/* ---- heads ---- */

static void put_number(struct buf *out, uint64_t value)
{
    char digits[DIGITS_BYTES];

    buf_append(out, digits_of((int64_t)value, digits));
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7), written once a second. */
static struct slice date_line(struct http_server *server)
{
    static const char days[] =
        "ThuFriSatSunMonTueWed"; /* day 0 of 1970 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct clock system = clock_system();
    const struct clock *clock = server->log != NULL ? server->log->clock : &system;
    int64_t wall_ms = clock_wall_ms(clock);
    char utc[TIMEFMT_BYTES];

    if (server->date_s != wall_ms / 1000 || server->date[0] == '\0') {
        server->date_s = wall_ms / 1000;
        timefmt_utc(wall_ms, utc);
        size_t day = (size_t)(server->date_s / 86400 % 7);
        size_t month = (size_t)((utc[5] - '0') * 10 + utc[6] - '0' - 1);
        snprintf(server->date, sizeof server->date, "%.3s, %.2s %.3s %.4s %.8s GMT",
                 days + day * 3, utc + 8, months + month * 3, utc, utc + 11);
    }
    return slice_str(server->date);
}

/* A value with a control character would end the field early: it is left out. */
static bool is_value(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.ptr[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_ours(struct slice name)
{
    return slice_eq_nocase(name, SLICE("content-length")) ||
           slice_eq_nocase(name, SLICE("transfer-encoding")) ||
           slice_eq_nocase(name, SLICE("connection")) ||
           slice_eq_nocase(name, SLICE("date"));
}

static void put_field(struct buf *out, struct slice name, struct slice value)
{
    buf_append(out, name);
    buf_append(out, SLICE(": "));
    buf_append(out, value);
    buf_append(out, SLICE("\r\n"));
}

static void put_fields(struct http_server *server, int status,
                       const struct http_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct http_field *field = &fields[i];
        REQUIRE(field->name.len > 0 && !is_ours(field->name));
        if (is_value(field->value)) {
            put_field(&server->head, field->name, field->value);
        } else if (server->log != NULL) {
            log_event(server->log, LOG_ERROR, "http_field_left_out",
                      LOG_INT(http_status, status));
        }
    }
}

enum connection_word { WORD_NONE, WORD_CLOSE, WORD_KEEP_ALIVE };

/* Status line, Date, fields, Connection: all but what says how long the body is. */
static void begin_head(struct http_server *server, const struct http_response *response,
                       enum connection_word word)
{
    struct buf *head = &server->head;

    REQUIRE(response->status >= 200 && response->status <= 599 && head->len == 0);
    buf_append(head, SLICE("HTTP/1.1 "));
    put_number(head, (uint64_t)response->status);
    buf_append_byte(head, ' ');
    buf_append(head, slice_str(reason(response->status)));
    buf_append(head, SLICE("\r\n"));
    put_field(head, SLICE("Date"), date_line(server));
    put_fields(server, response->status, response->fields, response->field_count);
    if (word == WORD_CLOSE) {
        buf_append(head, SLICE("Connection: close\r\n"));
    } else if (word == WORD_KEEP_ALIVE) {
        buf_append(head, SLICE("Connection: keep-alive\r\n"));
    }
}

typedef void (*send_fn)(struct http_connection *connection, const uv_buf_t *bufs,
                        unsigned count);

/* Ends the head and sends it with the body, then forgets it. */
static void send_head(struct http_connection *connection, struct slice body,
                      send_fn send)
{
    struct buf *head = &connection->server->head;

    buf_append(head, SLICE("\r\n"));
    if (buf_full(head)) {
        connection_cut(connection); /* half a head is worse than none */
    }
    uv_buf_t bufs[2] = {http_buf(buf_slice(head)), http_buf(body)};
    send(connection, bufs, body.len > 0 ? 2 : 1);
    buf_clear(head);
}

static void put_extra(const struct http_exchange *exchange, int status)
{
    put_fields(exchange->connection->server, status, exchange->extra,
               exchange->extra_count);
}

static bool has_no_body(int status)
{
    return status == 204 || status == 304;
}

static enum connection_word settle_keep_alive(struct http_exchange *exchange)
{
    struct http_connection *connection = exchange->connection;

    connection->keeps_alive =
        exchange->wants_keep_alive && !connection->server->is_draining;
    if (!connection->keeps_alive) {
        return WORD_CLOSE;
    }
    return exchange->is_http10 ? WORD_KEEP_ALIVE : WORD_NONE;
}

/* ---- exchanges ---- */

struct http_exchange *exchange_new(struct http_connection *connection)
{
    struct http_exchange *exchange = memory_zeroed(1, sizeof *exchange);
    exchange->connection = connection;
    exchange->request = *http_parser_request(connection->parser);
    exchange->request.peer_is_loopback = connection->peer_is_loopback;
    exchange->is_head = slice_is(exchange->request.method, "HEAD");
    exchange->is_http10 = http_parser_is_http10(connection->parser);
    exchange->wants_keep_alive = http_parser_keep_alive(connection->parser);
    return exchange;
}

void exchange_free(struct http_exchange *exchange)
{
    arena_free(exchange->arena);
    memory_free(exchange);
}

void exchange_tell_gone(struct http_exchange *exchange)
{
    loop_fn fn = exchange->on_gone;

    if (fn != NULL) {
        exchange->on_gone = NULL;
        fn(exchange->gone_ctx);
    }
}

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
    return &exchange->request;
}

struct arena *http_exchange_arena(struct http_exchange *exchange)
{
    if (exchange->arena == NULL) {
        exchange->arena = arena_new();
    }
    return exchange->arena;
}

const struct http_field *http_request_field(const struct http_request *request,
                                            const char *name)
{
    struct slice wanted = slice_str(name);

    for (size_t i = 0; i < request->field_count; i++) {
        if (slice_eq(request->fields[i].name, wanted)) {
            return &request->fields[i];
        }
    }
    return NULL;
}

void http_exchange_add_field(struct http_exchange *exchange, struct slice name,
                             struct slice value)
{
    REQUIRE(exchange->extra_count < HTTP_EXTRA_FIELDS);
    exchange->extra[exchange->extra_count++] = (struct http_field){name, value};
}

void http_exchange_on_gone(struct http_exchange *exchange, loop_fn fn, void *ctx)
{
    exchange->on_gone = fn;
    exchange->gone_ctx = ctx;
    if (exchange->is_gone && exchange->relay != NULL) {
        relay_want_turn(exchange->relay);
    } else if (exchange->is_gone) {
        connection_want_turn(exchange->connection);
    }
}

bool http_exchange_is_gone(const struct http_exchange *exchange)
{
    return exchange->is_gone;
}

void http_respond(struct http_exchange *exchange, const struct http_response *response)
{
    struct http_connection *connection = exchange->connection;

    REQUIRE(!exchange->is_streaming);
    if (exchange->relay != NULL) {
        relay_respond(exchange->relay, response);
        return;
    }
    if (exchange->is_gone) {
        connection_exchange_ended(connection);
        return;
    }
    begin_head(connection->server, response, settle_keep_alive(exchange));
    put_extra(exchange, response->status);
    if (!has_no_body(response->status)) {
        struct buf *head = &connection->server->head;
        buf_append(head, SLICE("Content-Length: "));
        put_number(head, response->body.len);
        buf_append(head, SLICE("\r\n"));
    }
    bool drops_body = exchange->is_head || has_no_body(response->status);
    /* Inside the handler the next request may be waiting already, and after the last answer the
     * end of the connection. */
    bool may_wait = connection->keeps_alive && !connection->is_pumping;
    send_head(connection, drops_body ? SLICE_EMPTY : response->body,
              may_wait ? connection_send_later : connection_send);
    connection_exchange_ended(connection);
}

void http_stream_begin(struct http_exchange *exchange, const struct http_response *head)
{
    struct http_connection *connection = exchange->connection;

    REQUIRE(!exchange->is_streaming);
    exchange->is_streaming = true;
    if (exchange->relay != NULL) {
        relay_stream_begin(exchange->relay, head);
        return;
    }
    if (exchange->is_gone) {
        return;
    }
    if (exchange->is_head || has_no_body(head->status)) {
        exchange->mode = BODY_NONE;
    } else {
        exchange->mode = exchange->is_http10 ? BODY_RAW : BODY_CHUNKED;
    }
    exchange->wants_keep_alive =
        exchange->wants_keep_alive && exchange->mode != BODY_RAW;
    begin_head(connection->server, head, settle_keep_alive(exchange));
    put_extra(exchange, head->status);
    if (!has_no_body(head->status) && !exchange->is_http10) {
        buf_append(&connection->server->head, SLICE("Transfer-Encoding: chunked\r\n"));
    }
    send_head(connection, SLICE_EMPTY, connection_send);
}

/* A peer that reads slower than we write may have this much waiting, then it is cut. */
static bool has_room(const struct http_connection *connection, size_t bytes)
{
    size_t unsent = connection_unsent(connection);
    return unsent == 0 || bytes + unsent <= LIMIT_RESULT_BYTES;
}

void http_stream_send(struct http_exchange *exchange, struct slice bytes)
{
    struct http_connection *connection = exchange->connection;
    char size[24];

    REQUIRE(exchange->is_streaming);
    if (exchange->relay != NULL) {
        relay_stream_send(exchange->relay, bytes);
        return;
    }
    if (exchange->is_gone || exchange->mode == BODY_NONE || bytes.len == 0) {
        return;
    }
    if (!has_room(connection, bytes.len)) {
        connection_cut(connection);
        return;
    }
    uv_buf_t data = http_buf(bytes);
    if (exchange->mode == BODY_RAW) {
        connection_send(connection, &data, 1);
        return;
    }
    int size_bytes = snprintf(size, sizeof size, "%zx\r\n", bytes.len);
    uv_buf_t bufs[3] = {http_buf(slice_of(size, (size_t)size_bytes)), data,
                        http_buf(SLICE("\r\n"))};
    connection_send(connection, bufs, 3);
}

void http_stream_end(struct http_exchange *exchange)
{
    uv_buf_t buf = http_buf(SLICE("0\r\n\r\n"));

    REQUIRE(exchange->is_streaming);
    if (exchange->relay != NULL) {
        relay_stream_end(exchange->relay);
        return;
    }
    if (!exchange->is_gone && exchange->mode == BODY_CHUNKED) {
        connection_send(exchange->connection, &buf, 1);
    }
    connection_exchange_ended(exchange->connection);
}

size_t http_stream_unsent(const struct http_exchange *exchange)
{
    REQUIRE(exchange->is_streaming);
    if (exchange->relay != NULL) {
        return relay_stream_unsent(exchange->relay);
    }
    return exchange->is_gone ? 0 : connection_unsent(exchange->connection);
}

/* ---- refusals ---- */

static enum err err_of_status(int status)
{
    switch (status) {
    case 405:
        return ERR_METHOD_NOT_ALLOWED;
    case 408:
        return ERR_TIMEOUT;
    case 413:
    case 414:
    case 431:
        return ERR_TOO_LARGE;
    case 503:
        return ERR_UNAVAILABLE;
    default:
        return ERR_BAD_REQUEST;
    }
}

static void put_refusal(struct buf *out, const struct http_server_options *options,
                        int status)
{
    switch (status) {
    case 405:
        buf_printf(out, "CONNECT is not served: this is no proxy.");
        break;
    case 408:
        buf_printf(out,
                   "The request did not arrive in time: a head has %lld ms, a body "
                   "%lld ms. Send it again.",
                   (long long)options->head_ms, (long long)options->body_ms);
        break;
    case 413:
        buf_printf(out,
                   "The body is larger than the %zu bytes allowed. Send less at once.",
                   options->max_body_bytes);
        break;
    case 414:
    case 431:
        buf_printf(out,
                   "The head of the request is larger than %d bytes or %d fields. "
                   "Shorten the target or leave fields out.",
                   LIMIT_HEAD_BYTES, LIMIT_HEAD_FIELDS);
        break;
    case 417:
        buf_printf(out,
                   "The only expectation understood is 100-continue. Leave the Expect "
                   "field out.");
        break;
    case 501:
        buf_printf(out,
                   "There is no such method. Use GET, POST, PUT, PATCH or DELETE.");
        break;
    case 503:
        buf_printf(out,
                   "The server is full: it has all the %zu connections, or all the "
                   "request bodies, that it may. Try again in a moment; reuse "
                   "connections, and send less at once.",
                   options->max_connections);
        break;
    case 505:
        buf_printf(out, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
        break;
    default:
        buf_printf(out,
                   "The request is malformed or could be read in two ways. Send "
                   "HTTP/1.1 with one Host, a target that begins with '/', CRLF line "
                   "ends and one statement of the body's length.");
        break;
    }
}

/* `sentence` needs no escape. */
static void send_refusal(struct http_connection *connection, int status,
                         struct slice sentence)
{
    struct http_server *server = connection->server;
    struct http_field fields[2] = {
        {SLICE("Content-Type"), SLICE("application/json")},
        {SLICE("Allow"), SLICE("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")},
    };
    struct buf body;

    if (status == 503) {
        fields[1] = (struct http_field){SLICE("Retry-After"), SLICE("1")};
    }
    buf_init(&body, 1024);
    buf_printf(&body, "{\"error\":{\"code\":\"%s\",\"message\":\"",
               err_code(err_of_status(status)));
    buf_append(&body, sentence);
    buf_append(&body, SLICE("\"}}"));
    struct http_response response = {
        .status = status, .fields = fields, .field_count = 1};
    if (status == 405 || status == 503) {
        response.field_count = 2;
    }
    begin_head(server, &response, WORD_CLOSE);
    buf_append(&server->head, SLICE("Content-Length: "));
    put_number(&server->head, body.len);
    buf_append(&server->head, SLICE("\r\n"));
    send_head(connection, buf_slice(&body), connection_send);
    buf_free(&body);
}

void exchange_send_refusal(struct http_connection *connection, int status)
{
    struct buf sentence;

    buf_init(&sentence, 512);
    put_refusal(&sentence, &connection->server->options, status);
    send_refusal(connection, status, buf_slice(&sentence));
    buf_free(&sentence);
}

void exchange_send_wrong_port(struct http_connection *connection)
{
    send_refusal(connection, 400,
                 SLICE("This port speaks TLS: use https. A secret in the address or in "
                       "a field was sent in clear text just now; rotate it."));
}
