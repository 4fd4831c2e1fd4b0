/* SPDX-License-Identifier: Apache-2.0 */
/* tools/call: a message becomes a call, and the call's answer a reply. */
#include "base/jwriter.h"
#include "core/ask.h"
#include "core/mcp_mirror.h"
#include "core/mcp_private.h"
#include "core/mcp_write.h"

/* ---- The answer ---- */

static void write_error(struct entry *entry, int code, struct slice message)
{
    mcp_write_error(&entry->reply, entry->message.id, code, message, SLICE_EMPTY);
}

/* Rung 11: what the client did not say it could do. */
static void refuse_incapable(struct entry *entry, const struct jval *missing)
{
    struct buf data;
    struct jwriter writer;
    buf_init(&data, LIMIT_BODY_BYTES);
    jwriter_init(&writer, &data);
    jwriter_object(&writer);
    jwriter_key(&writer, SLICE("requiredCapabilities"));
    jwriter_value(&writer, missing);
    jwriter_object_end(&writer);
    struct mcp_refusal refusal = {
        ERR_CAPABILITY, 400,
        SLICE("This call needs a client capability that the request does not declare"),
        buf_slice(&data), entry->message.id};
    mcp_write_refusal(&entry->reply, &refusal);
    entry->post->status = refusal.http_status;
    buf_free(&data);
}

/* What the call came to without an answer of the tool; false: there is one. */
static bool write_refused_call(struct entry *entry, const struct call_answer *answer)
{
    if (answer->err == ERR_RPC_METHOD) {
        write_error(entry, -32602,
                    SLICE("Unknown tool: this MCP server has no tool of that name"));
    } else if (answer->err == ERR_UNAUTHORIZED) {
        write_error(entry, -32603, SLICE("This MCP URL is no longer valid"));
    } else if (answer->err == ERR_UNPROCESSABLE) {
        write_error(entry, -32602, answer->message);
    } else if (answer->err == ERR_CAPABILITY) {
        refuse_incapable(entry, answer->missing);
    } else {
        return false;
    }
    return true;
}

static void write_tool_answer(struct entry *entry, const struct call_answer *answer)
{
    bool is_error = answer->err != ERR_OK;
    if (answer->questions != NULL) {
        mcp_write_questions(&entry->reply, &entry->message, answer->questions,
                            answer->state);
    } else if (answer->content != NULL) {
        mcp_write_content(&entry->reply, &entry->message, answer->content, is_error);
    } else {
        mcp_write_tool_result(&entry->reply, &entry->message, answer->envelope,
                              answer->quoted, is_error);
    }
    if (buf_full(&entry->reply)) {
        buf_free(&entry->reply);
        write_error(entry, -32603,
                    SLICE("The result is too large; ask for fewer rows"));
    }
}

/* Refusals that are told by the status; once a stream has begun, in it. */
static bool decides_status(enum err err)
{
    return err == ERR_RATE_LIMITED || err == ERR_UNAUTHORIZED || err == ERR_CAPABILITY;
}

static void on_call_answer(void *ctx, const struct call_answer *answer)
{
    struct entry *entry = ctx;
    struct post *post = entry->post;
    entry->call = NULL;
    post->pending--;
    if (!write_refused_call(entry, answer)) {
        write_tool_answer(entry, answer);
    }
    if (!post->batch && !post->streaming) {
        post->rate = answer->view;
        post->has_rate = true;
        if (answer->err == ERR_RATE_LIMITED) {
            post->retry_after_s = answer->retry_after_s;
            post->status = post->server->config.rate_limit_in_tool ? 200 : 429;
        }
        post->unauthorized = answer->err == ERR_UNAUTHORIZED;
    }
    if (post->pending > 0) {
        return;
    }
    if (mcp_wants_stream(post) && !post->streaming && !decides_status(answer->err)) {
        /* What never reached the ERP has no progress to tell. */
        bool reached = entry->stage >= CALL_STAGE_SENT;
        post->progress_sent = reached ? -1 : CALL_STAGE_ANSWERED;
        entry->stage = CALL_STAGE_ANSWERED;
        mcp_stream_begin(post);
    }
    mcp_finish(post);
}

static void on_call_stage(void *ctx, enum call_stage stage)
{
    struct entry *entry = ctx;
    entry->stage = stage;
    mcp_stream_stage(entry->post);
}

static void on_call_progress(void *ctx, const struct op_progress *progress)
{
    const struct entry *entry = ctx;
    mcp_stream_progress(entry->post, progress);
}

void mcp_call_cancel(struct entry *entry)
{
    if (entry->call != NULL) {
        call_cancel(entry->call);
        entry->call = NULL;
        entry->post->pending--;
    }
}

/* ---- The call ---- */

/* Rungs 11 and 12, of a tool that there is. They hold for modern clients: what a legacy
 * one can do it said elsewhere, and its headers mirror nothing. */
static bool passes_modern_rungs(struct entry *entry, struct slice name,
                                const struct jval *arguments)
{
    struct post *post = entry->post;
    struct arena *arena = http_exchange_arena(post->exchange);
    const struct tool *tool =
        call_tool(post->account, post->account->integration, post->server, name);
    if (!mcp_is_modern(&entry->message) || tool == NULL) {
        return true;
    }
    const struct jval *missing =
        tool->client_needs != NULL
            ? ask_missing(tool->client_needs, entry->message.capabilities, arena)
            : NULL;
    if (missing != NULL) {
        refuse_incapable(entry, missing);
        return false;
    }
    struct mcp_refusal refusal = {.id = entry->message.id};
    if (mcp_check_params(&post->headers, tool, arguments, arena, &refusal) != ERR_OK) {
        mcp_write_refusal(&entry->reply, &refusal);
        post->status = refusal.http_status;
        return false;
    }
    return true;
}

/* What a client brings along when it was asked before. */
static void add_answers(const struct entry *entry, struct call_order *order)
{
    const struct jval *params = entry->message.params;
    const struct jval *responses = jval_get(params, "inputResponses");
    if (!mcp_is_modern(&entry->message)) {
        return;
    }
    order->may_ask = true;
    order->capabilities = entry->message.capabilities;
    order->responses = jval_is(responses, JVAL_OBJECT) ? responses : NULL;
    order->state = jval_get(params, "requestState");
}

void mcp_call_start(struct entry *entry)
{
    struct post *post = entry->post;
    const struct jval *params = entry->message.params;
    const struct jval *name = jval_get(params, "name");
    const struct jval *arguments = jval_get(params, "arguments");
    if (!jval_is(name, JVAL_STRING)) {
        write_error(entry, -32602, SLICE("Invalid params: name must be a string"));
        return;
    }
    if (!passes_modern_rungs(entry, name->text, arguments)) {
        return;
    }
    if (arguments != NULL && arguments->type != JVAL_OBJECT) {
        write_error(entry, -32602,
                    SLICE("Invalid params: arguments must be an object"));
        return;
    }
    struct call_order order = {
        .gateway = post->gateway,
        .account = post->account,
        .server = post->server,
        .request_id = post->request_id,
        .tenant = post->account->record.tenant,
        .token_ends_ms = post->token_ends_ms,
        .token_hash = post->token_hash,
        .tool = name->text,
        .arguments = arguments,
        /* Modern clients cancel by leaving; their ids are not unique on a URL. */
        .rpc_id = mcp_is_modern(&entry->message) ? NULL : entry->message.id,
        .bytes_in = http_exchange_request(post->exchange)->body.len,
        .on_answer = on_call_answer,
        .on_stage = on_call_stage,
        .on_progress = on_call_progress,
        .ctx = entry,
    };
    add_answers(entry, &order);
    entry->stage = CALL_STAGE_WAITING;
    entry->call = call_start(&order);
    post->pending++;
}
