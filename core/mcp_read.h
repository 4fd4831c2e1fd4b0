/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: tells the two eras of MCP apart and walks the validation ladder: from
 * headers and a parsed body to messages, or to the one error that answers. Owns:
 * nothing; slices point into the request and the body. Threads: any. Pure. Errors:
 * struct mcp_refusal: HTTP status, JSON-RPC code, sentence, data. Start reading at:
 * mcp_read. MCP 2026-07-28 "Streamable HTTP", and 2025-11-25 and older.
 */
#ifndef SLUICE_CORE_MCP_READ_H
#define SLUICE_CORE_MCP_READ_H

#include "base/error.h"
#include "base/jval.h"
#include "io/http_field.h"

enum mcp_version {
    MCP_2024_11_05,
    MCP_2025_03_26,
    MCP_2025_06_18,
    MCP_2025_11_25,
    MCP_2026_07_28,
    MCP_VERSION_COUNT
};
const char *mcp_version_name(enum mcp_version version);
bool mcp_version_parse(struct slice text, enum mcp_version *version);

/* The fields that matter; an absent one has has_ false. Values are trimmed. */
struct mcp_headers {
    struct slice version, method, name;
    bool has_version, has_method, has_name;
    const struct http_field *fields; /* all of them, for Mcp-Param-* */
    size_t field_count;
};

enum mcp_kind { MCP_REQUEST, MCP_NOTIFICATION, MCP_POSTED_RESPONSE };

struct mcp_message {
    enum mcp_kind kind;
    enum mcp_version
        version; /* MCP_2026_07_28 is the modern era, all others the legacy one */
    const struct jval *id; /* string or integer; of requests */
    struct slice method;
    const struct jval *params;         /* an object, or NULL */
    const struct jval *progress_token; /* string or integer, or NULL */
    const struct jval *capabilities;   /* of the client; the modern era's, else NULL */
};

struct mcp_refusal {
    enum err err;
    int http_status;
    struct slice message;
    struct slice data;     /* JSON text of error.data; empty: none */
    const struct jval *id; /* NULL: could not be read, is left out */
};

/* Returns `err`; the id and the data stay as they are. */
static inline enum err mcp_refuse(struct mcp_refusal *refusal, enum err err,
                                  int http_status, struct slice message)
{
    refusal->err = err;
    refusal->http_status = http_status;
    refusal->message = message;
    return err;
}

static inline bool mcp_is_modern(const struct mcp_message *message)
{
    return message->version == MCP_2026_07_28;
}

/* One element: a body that is no array, or a member of a legacy batch. */
MUST_USE enum err mcp_read(const struct mcp_headers *headers, const struct jval *body,
                           struct arena *arena, struct mcp_message *out,
                           struct mcp_refusal *refusal);

/* Whether an array may be a batch at all; its elements then go through mcp_read one by
 * one. */
MUST_USE enum err mcp_check_batch(const struct mcp_headers *headers,
                                  const struct jval *body, struct mcp_refusal *refusal);

#endif
