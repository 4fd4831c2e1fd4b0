/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the pages on which people connect an account: by a link that works once, in the
 * browser where somebody began first. Owns: nothing. Threads: the loop's. Errors: pages in plain
 * words. Start reading at: connect_handle; the API that makes links is core/admin_connect.c.
 */
#ifndef SLUICE_CORE_CONNECT_H
#define SLUICE_CORE_CONNECT_H

#include "core/gateway.h"
#include "io/http_server.h"

/* Whether a path is of these pages: "/connect/…". */
bool connect_is_path(struct slice path);
void connect_handle(struct gateway *gateway, struct http_exchange *exchange);

/* Where the ERP sends browsers back; in `arena`. */
struct slice connect_redirect_uri(const struct gateway *gateway, struct arena *arena);

#endif
