/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: headers that say again what the body says, so that proxies can route by them
 * (MCP 2026-07-28): Mcp-Method, Mcp-Name, Mcp-Param-*. Who trusted a header that the
 * body contradicts would be deceived, so they have to agree. Owns: nothing. Threads:
 * any. Pure. Errors: ERR_HEADER_MISMATCH with the refusal filled. Start reading at:
 * mcp_check_mirrors.
 */
#ifndef SLUICE_CORE_MCP_MIRROR_H
#define SLUICE_CORE_MCP_MIRROR_H

#include "catalog/tool.h"
#include "core/mcp_read.h"

/* Mcp-Method and Mcp-Name: rung 9 of the ladder. */
MUST_USE enum err mcp_check_mirrors(const struct mcp_headers *headers,
                                    const struct mcp_message *message,
                                    struct arena *arena, struct mcp_refusal *refusal);

/* Mcp-Param-* of a tool's annotated arguments: rung 12. `arguments`: an object or NULL. */
MUST_USE enum err mcp_check_params(const struct mcp_headers *headers,
                                   const struct tool *tool,
                                   const struct jval *arguments, struct arena *arena,
                                   struct mcp_refusal *refusal);

#endif
