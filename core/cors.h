/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what lets a page of an allowed origin read our answers, errors and streams too.
 * Owns: nothing. Threads: the loop's. Errors: none.
 * Start reading at: cors_allow. Fetch standard, "HTTP extensions". Never "*", and never
 * credentials: nothing here is authorised by what a browser sends along by itself.
 */
#ifndef SLUICE_CORE_CORS_H
#define SLUICE_CORE_CORS_H

#include "io/http_server.h"

/* Once origin_allowed has said yes: adds the fields to whatever answer comes; none without
 * an Origin. */
void cors_allow(struct http_exchange *exchange);

/* Answers OPTIONS, a preflight or not. `allow`: the methods that the path takes; `readable`: those
 * whose answers a page may read, refusals too. Ends the exchange. */
void cors_answer_options(struct http_exchange *exchange, struct slice allow,
                         struct slice readable);

#endif
