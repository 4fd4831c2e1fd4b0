/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: whether a request was meant for this server: its Host, and a browser's
 * Origin. Owns: nothing. Threads: any. Pure. Errors: none. Start reading at:
 * origin_allowed. MCP "Streamable HTTP", Security: DNS rebinding.
 */
#ifndef SLUICE_CORE_ORIGIN_H
#define SLUICE_CORE_ORIGIN_H

#include "core/gateway.h"
#include "io/http_server.h"

/* Host equals that of public_url; any loopback name does while public_url is one
 * itself. */
bool origin_host_allowed(const struct gateway_config *config,
                         const struct http_request *request);

/* No Origin (no browser), ours, a configured one, or a loopback one under the same
 * condition. */
bool origin_allowed(const struct gateway_config *config,
                    const struct http_request *request);

/* Asked from this machine itself: behind a proxy here every peer is a loopback one, so
 * Host has to be too and no proxy may have left its mark. */
bool origin_is_local(const struct http_request *request);

#endif
