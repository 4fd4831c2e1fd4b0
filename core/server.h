/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the way in: one HTTP request to the MCP face, the management API, health or
 * metrics. Owns: nothing. Threads: the loop's. Errors: answered here: 401 for URLs, 403
 * for foreign hosts and origins, 404, 405. Start reading at: server_handle.
 */
#ifndef SLUICE_CORE_SERVER_H
#define SLUICE_CORE_SERVER_H

#include "io/http_server.h"

/* An http_handler_fn; `ctx` is a struct gateway. */
void server_handle(void *ctx, struct http_exchange *exchange);

#endif
