/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the management API: accounts, MCP servers, API tokens, tenants, lanes.
 * Owns: nothing; ends the exchange it is given.
 * Threads: the loop's.
 * Errors: {"error":{"code","message","hint?","details?","request_id"}}.
 * Start reading at: the table of routes in admin.c.
 */
#ifndef SLUICE_CORE_ADMIN_H
#define SLUICE_CORE_ADMIN_H

#include "core/gateway.h"
#include "io/http_server.h"

/* Takes the duty to end the exchange. Unknown paths are answered here too. `request_id`
 * lives in the exchange's arena. */
void admin_handle(struct gateway *gateway, struct http_exchange *exchange,
                  struct slice request_id);

#endif
