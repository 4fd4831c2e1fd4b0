/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a small HTTP/1.1 server on libuv and llhttp, written for the mocks alone: a
 * fake must not share a bug with the client it tests. Owns: the listener, its
 * connections, and every exchange until exchange_end. Threads: the loop's. Errors: a
 * request that cannot be read is answered 400 or 413 here and the connection closed.
 * Start reading at: http_server_new.
 *
 * An exchange outlives its connection: when the client leaves, the handler keeps its
 * exchange and what it writes goes nowhere. That is how work stays in flight after the
 * caller has gone.
 */
#ifndef SLUICE_MOCKS_COMMON_HTTP_H
#define SLUICE_MOCKS_COMMON_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "base/arena.h"
#include "base/slice.h"
#include "mocks/common/response.h"
#include "mocks/common/tls.h"

struct http_server;
struct http_exchange;

struct http_request {
    struct slice method;
    struct slice target; /* the request target as it stood on the wire */
    struct slice scheme, authority, path, query; /* its parts (target.h) */
    struct slice body;
};

enum http_ending {
    HTTP_KEEP,  /* the connection may carry another request */
    HTTP_CLOSE, /* what was written is flushed, then the connection ends */
    HTTP_RESET  /* TCP reset, at once */
};

/* Called once per request; must lead to exactly one exchange_end, now or later. */
typedef void (*http_handler_fn)(void *ctx, struct http_exchange *exchange);

/* Keeps `loop` and `ctx`. */
struct http_server *http_server_new(uv_loop_t *loop, http_handler_fn handler,
                                    void *ctx);

/* Every connection speaks TLS. Before http_server_listen; keeps `tls`. */
void http_server_use_tls(struct http_server *server, const struct tls_port *tls);

/* Returns the bound port (port 0: one the system chose), or a negative libuv error. */
int http_server_listen(struct http_server *server, const char *host, int port);

/* Closes listener and connections; frees itself once the loop has run their callbacks.
 */
void http_server_close(struct http_server *server);

/* Lend until exchange_end. */
const struct http_request *exchange_request(const struct http_exchange *exchange);
struct arena *exchange_arena(struct http_exchange *exchange);
/* First field of that name (ASCII case folded), trimmed; empty when absent. */
struct slice exchange_header(const struct http_exchange *exchange, const char *name);
size_t exchange_header_count(const struct http_exchange *exchange, const char *name);
/* Bytes of the longest field: name, ": " and value. */
size_t exchange_longest_field(const struct http_exchange *exchange);

/* What the client showed in the TLS handshake; NULL: nothing, no TLS, or it has left.
 * Lends while the exchange is handled. */
const X509 *exchange_client_certificate(const struct http_exchange *exchange);

/* Borrows `bytes`. Without a connection it does nothing. */
void exchange_write(struct http_exchange *exchange, struct slice bytes);

/* Takes the exchange. */
void exchange_end(struct http_exchange *exchange, enum http_ending ending);

/* Head, body and end in one call. Borrows `response`; takes the exchange. */
void exchange_respond(struct http_exchange *exchange, struct response *response);

#endif
