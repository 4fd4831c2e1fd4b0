/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a request that another loop than the one it arrived on has to answer: it is copied
 * over, answered there as any other, and the answer comes back in pieces, by messages.
 * Owns: the copies; they are wiped when they have served. Lends nothing across threads.
 * Threads: called on the loop the request arrived on; the handler runs on the other one. Both
 * loops have to run until each relayed exchange has ended.
 * Errors: none; a client that leaves is told to the other side as on one loop.
 * Start reading at: http_relay.
 */
#ifndef SLUICE_IO_HTTP_RELAY_H
#define SLUICE_IO_HTTP_RELAY_H

#include "io/http_server.h"

/* Takes the duty to end the exchange. `handler` is called with `ctx` on loop `to`, with an
 * exchange that does what this one would. `from` is the loop that this is called on. */
void http_relay(struct http_exchange *exchange, struct loop *from, struct loop *to,
                http_handler_fn handler, void *ctx);

/* The same for a question to several loops: no exchange is ended, the whole answer comes to
 * on_answer(answer_ctx), once, on `from`; lent. The handler may not stream: http_relay_read. */
typedef void (*http_answer_fn)(void *ctx, const struct http_response *answer);
void http_relay_copy(const struct http_request *request, struct loop *from,
                     struct loop *to, http_handler_fn handler, void *ctx,
                     http_answer_fn on_answer, void *answer_ctx);

/* A question whose answers may be streams. All are called on `from`, with `ctx`; of what they are
 * given they keep nothing. */
struct http_relay;
struct http_relay_reader {
    http_answer_fn on_answer; /* a whole answer: the last call */
    http_answer_fn on_begin;  /* a stream begins; its head */
    void (*on_bytes)(void *ctx, struct slice bytes);
    loop_fn on_end; /* the stream's: the last call */
    void *ctx;
};
/* Lends the relay until the last call; its home asks whoever reads for patience. */
struct http_relay *http_relay_read(const struct http_request *request,
                                   struct loop *from, struct loop *to,
                                   http_handler_fn handler, void *ctx,
                                   const struct http_relay_reader *reader);
/* Nobody wants the rest: the home is told that its client has left. The last call comes yet. */
void http_relay_leave(struct http_relay *relay);
/* What has come of the stream and its client has yet to take: a part of http_stream_unsent at
 * home. To be said again when it has changed. */
void http_relay_set_unsent(struct http_relay *relay, size_t bytes);

#endif
