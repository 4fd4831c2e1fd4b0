/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: one POST as the files that serve it share it: mcp.c reads it and runs its
 * messages, mcp_call.c runs tools/call, mcp_stream.c and mcp_reply.c answer. Owns: the
 * post lives in its exchange's arena and holds account and server until mcp_close.
 * Threads: the loop's. Errors: as mcp.h says. Start reading at: struct post.
 */
#ifndef SLUICE_CORE_MCP_PRIVATE_H
#define SLUICE_CORE_MCP_PRIVATE_H

#include "base/buf.h"
#include "base/digits.h"
#include "base/limits.h"
#include "core/call.h"
#include "core/catalogs.h"
#include "core/mcp.h"
#include "core/mcp_read.h"

/* The envelope stands in the answer twice, once escaped. */
#define MCP_REPLY_CEILING ((size_t)4 * LIMIT_RESULT_BYTES)

struct post;

/* One message of the POST and its reply. */
struct entry {
    struct post *post;
    struct mcp_message message;
    struct call *call; /* while it runs */
    struct buf reply;  /* JSON-RPC text; empty: none is due */
    enum call_stage stage;
    bool measures; /* the tool tells its progress itself; stages are not told then */
};

struct post {
    struct gateway *gateway;
    struct http_exchange *exchange;
    struct account *account;
    struct server *server;
    struct slice request_id;
    int64_t token_ends_ms; /* of the URL, when a newer one has replaced it; else 0 */
    struct slice token_hash;
    struct mcp_headers headers;
    const struct jval *body;
    struct catalogs_wait wait; /* for catalog files that have just changed */
    struct entry *entries;
    size_t entry_count;
    size_t pending; /* calls that run */
    bool batch, unauthorized;
    int status;
    bool has_rate;
    struct governor_view rate;
    long retry_after_s; /* > 0: a Retry-After field */
    bool accepts_stream, streaming;
    long progress_sent;       /* -1: none yet */
    struct loop_timer *timer; /* hold back, then keep alive */
};

/* ---- mcp_reply.c: the answer in one piece ---- */

struct mcp_head {
    struct http_field fields[10];
    size_t count;
    char numbers[4][DIGITS_BYTES];
};

void mcp_add_field(struct mcp_head *head, struct slice name, struct slice value);
void mcp_add_rate_fields(struct mcp_head *head, const struct post *post);

/* Each of these ends the exchange, and with it the post; `body` is freed. */
void mcp_respond(struct post *post, struct buf *body);
void mcp_answer_json(struct post *post);
/* Gives back what the post holds, before its exchange ends. */
void mcp_close(struct post *post);

/* ---- mcp_stream.c: the answer as an event stream ---- */

bool mcp_wants_stream(const struct post *post);
/* Holds the status back for a while: a load refusal can still be a real 429 then. */
void mcp_stream_hold(struct post *post);
void mcp_stream_begin(struct post *post);
/* Tells which stage the post's one call has come to, if that is news. */
void mcp_stream_stage(struct post *post);
/* Tells what the tool says of itself; the first of it decides the status. */
void mcp_stream_progress(struct post *post, const struct op_progress *progress);
/* Ends the exchange, and with it the post. */
void mcp_stream_end(struct post *post);

/* ---- mcp_call.c ---- */

void mcp_call_start(struct entry *entry);
/* The caller left, or said so: no answer is due any more. */
void mcp_call_cancel(struct entry *entry);

/* ---- mcp.c ---- */

/* All calls have ended: answers, and ends the exchange. */
void mcp_finish(struct post *post);

#endif
