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
 * on_answer(answer_ctx), once, on `from`; lent. The handler may not stream. */
typedef void (*http_answer_fn)(void *ctx, const struct http_response *answer);
void http_relay_copy(const struct http_request *request, struct loop *from,
                     struct loop *to, http_handler_fn handler, void *ctx,
                     http_answer_fn on_answer, void *answer_ctx);

#endif
