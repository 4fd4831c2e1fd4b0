/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: one POST to an MCP URL: JSON-RPC in, JSON or an event stream out, for both
 * eras. Owns: the post and its exchange until it is answered. Threads: the loop's.
 * Errors: as the validation ladder has them: core/mcp_read.h.
 * Start reading at: the table of methods in mcp.c.
 */
#ifndef SLUICE_CORE_MCP_H
#define SLUICE_CORE_MCP_H

#include "core/accounts.h"
#include "core/gateway.h"
#include "core/servers.h"
#include "io/http_server.h"

/* Takes one hold each of account and server, and the duty to end the exchange.
 * `request_id` and what `found` points to live in the exchange's arena; `found` is what the
 * URL's token led to. */
void mcp_handle(struct gateway *gateway, struct http_exchange *exchange,
                struct account *account, struct server *server, struct slice request_id,
                const struct store_server *found);

/* The one sentence for a URL that is not (or no longer) good, whatever the reason. */
void mcp_respond_unauthorized(struct gateway *gateway, struct http_exchange *exchange);

#endif
