/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: JSON-RPC replies and MCP results as text, for the revision that asked.
 * Owns: nothing.
 * Threads: any. Pure.
 * Errors: the buffer's ceiling.
 * Start reading at: mcp_write_tool_result.
 */
#ifndef SLUICE_CORE_MCP_WRITE_H
#define SLUICE_CORE_MCP_WRITE_H

#include "base/buf.h"
#include "catalog/catalog.h"
#include "core/mcp_read.h"

struct account;

void mcp_write_error(struct buf *out, const struct jval *id, int code,
                     struct slice message, struct slice data);
void mcp_write_refusal(struct buf *out, const struct mcp_refusal *refusal);

/* ping, and results without content. */
void mcp_write_empty(struct buf *out, const struct mcp_message *message);

void mcp_write_initialize(struct buf *out, const struct mcp_message *message,
                          const struct integration *integration);
void mcp_write_discover(struct buf *out, const struct mcp_message *message,
                        const struct integration *integration);
void mcp_write_tools(struct buf *out, const struct mcp_message *message,
                     const struct account *account, const struct filter *filter);

/* `envelope`: JSON text; it stands as text and as structuredContent. `quoted`: the same escaped
 * for the text, if there is such a thing. */
void mcp_write_tool_result(struct buf *out, const struct mcp_message *message,
                           struct slice envelope, struct slice quoted, bool is_error);

/* `content`: an array of content blocks; what the revision does not know is left out. */
void mcp_write_content(struct buf *out, const struct mcp_message *message,
                       const struct jval *content, bool is_error);

/* The client is asked first: `questions` is an object of input requests, `state` comes
 * back with the answers (empty: none). Only for revisions that know it. */
void mcp_write_questions(struct buf *out, const struct mcp_message *message,
                         const struct jval *questions, struct slice state);

void mcp_write_progress(struct buf *out, const struct jval *token,
                        const struct op_progress *progress);

#endif
