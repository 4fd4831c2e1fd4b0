/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: HTTP/1.1 on a listening socket: bytes in, one whole request at a time out to a
 *          handler, one answer or stream back.
 * Owns: connections and exchanges; the handler owns nothing but the duty to end each exchange.
 * Threads: the loop's.
 * Errors: malformed, oversized and slow requests are answered (400, 408, 413, 417, 431, 503) and
 *         closed without the handler ever seeing them.
 * Start reading at: http_server_listen. The strict guard in front of llhttp: io/http_parser.h.
 */
#ifndef SLUICE_IO_HTTP_SERVER_H
#define SLUICE_IO_HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/slice.h"
#include "io/http_field.h"
#include "io/loop.h"
#include "io/tls.h"

struct http_server;
struct http_exchange;

struct http_request {
    struct slice method; /* upper-case token */
    struct slice target; /* as it was sent, origin form */
    struct slice path;   /* target up to '?', not decoded */
    struct slice query;  /* after '?', not decoded; empty when none */
    const struct http_field *fields;
    size_t field_count;
    struct slice body;
    bool peer_is_loopback;
};

struct http_response {
    int status;
    const struct http_field
        *fields; /* Content-Length, Date and Connection are the server's */
    size_t field_count;
    struct slice body; /* borrowed: copied before the call returns */
};

struct http_server_options {
    struct slice host; /* numeric address */
    int port;          /* 0: a free one */
    bool shares_port;  /* with others that say the same, of the same user */
    size_t max_connections, max_body_bytes;
    size_t max_body_memory_bytes;   /* of all connections together */
    size_t max_answer_memory_bytes; /* likewise, of what clients have yet to take */
    struct tls *tls; /* kept; NULL: plain HTTP. The handshake has head_ms. */
    int64_t idle_ms, head_ms, body_ms, write_stall_ms;
};

/* The defaults of base/limits.h on 127.0.0.1. */
struct http_server_options http_server_defaults(void);

/*
 * Called once per request, on the loop. The request is lent until the exchange ends. The handler
 * ends the exchange exactly once, now or later: http_respond, or http_stream_begin followed by
 * http_stream_end. That holds also when the client has gone: the bytes are dropped then.
 */
typedef void (*http_handler_fn)(void *ctx, struct http_exchange *exchange);

MUST_USE enum err http_server_listen(struct loop *loop,
                                     const struct http_server_options *options,
                                     const struct log *log, http_handler_fn handler,
                                     void *ctx, struct http_server **out);
int http_server_port(const struct http_server *server);
size_t http_server_connections(const struct http_server *server);

/* For whoever watches the server. Nothing of it is logged: strangers make it happen. */
struct http_server_counts {
    uint64_t tls_http;    /* requests in clear text to the port that speaks TLS */
    uint64_t tls_foreign; /* first bytes that are neither */
    uint64_t tls_refused; /* handshakes and records that failed */
    uint64_t tls_late;    /* handshakes that did not end in time */
};
struct http_server_counts http_server_count(const struct http_server *server);

/*
 * Stops accepting, closes idle connections, lets open exchanges end (their answers say
 * Connection: close); then, or after drain_ms, closes the rest and calls on_drained once.
 */
void http_server_drain(struct http_server *server, int64_t drain_ms, loop_fn on_drained,
                       void *ctx);
/* After on_drained, or before any request was served. Accepts NULL. */
void http_server_free(struct http_server *server);

const struct http_request *http_exchange_request(const struct http_exchange *exchange);
/* Lives until the exchange ends; wiped then. */
struct arena *http_exchange_arena(struct http_exchange *exchange);
/* The first field of that lower-case name, or NULL. */
const struct http_field *http_request_field(const struct http_request *request,
                                            const char *name);

/* A field for the answer, whoever gives it and whatever it is; both texts live until the exchange
 * ends. There is room for HTTP_EXTRA_FIELDS. */
#define HTTP_EXTRA_FIELDS 4
void http_exchange_add_field(struct http_exchange *exchange, struct slice name,
                             struct slice value);

/* fn(ctx) once, at the next turn at the earliest, if the client leaves before the end; ending
 * its side of the connection counts as leaving, since MCP clients cancel that way. */
void http_exchange_on_gone(struct http_exchange *exchange, loop_fn fn, void *ctx);
bool http_exchange_is_gone(const struct http_exchange *exchange);

/* Ends the exchange; the pointer is dead afterwards. */
void http_respond(struct http_exchange *exchange, const struct http_response *response);

/* Status and head now, the body in pieces (chunked), then the end. `body` of it is ignored. */
void http_stream_begin(struct http_exchange *exchange,
                       const struct http_response *head);
void http_stream_send(struct http_exchange *exchange, struct slice bytes);
void http_stream_end(struct http_exchange *exchange);
/* Bytes of the stream that the client's socket has not taken yet; who sends on and on asks before
 * it does, or is cut at LIMIT_RESULT_BYTES. Across loops it may be late by what is under way. */
size_t http_stream_unsent(const struct http_exchange *exchange);

#endif
