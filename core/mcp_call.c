/* SPDX-License-Identifier: Apache-2.0 */
/* tools/call: a message becomes a call, and the call's answer a reply. */
#include "core/mcp_private.h"
#include "core/mcp_write.h"

static void write_tool_answer(struct entry *entry, const struct call_answer *answer)
{
    if (answer->err == ERR_RPC_METHOD) {
        mcp_write_error(&entry->reply, entry->message.id, -32602,
                        SLICE("Unknown tool: this MCP server has no tool of that name"),
                        SLICE_EMPTY);
        return;
    }
    if (answer->err == ERR_UNAUTHORIZED) {
        mcp_write_error(&entry->reply, entry->message.id, -32603,
                        SLICE("This MCP URL is no longer valid"), SLICE_EMPTY);
        return;
    }
    if (answer->content != NULL) {
        mcp_write_content(&entry->reply, &entry->message, answer->content,
                          answer->err != ERR_OK);
    } else {
        mcp_write_tool_result(&entry->reply, &entry->message, answer->envelope,
                              answer->err != ERR_OK);
    }
    if (buf_full(&entry->reply)) {
        buf_free(&entry->reply);
        mcp_write_error(&entry->reply, entry->message.id, -32603,
                        SLICE("The result is too large; ask for fewer rows"),
                        SLICE_EMPTY);
    }
}

static void on_call_answer(void *ctx, const struct call_answer *answer)
{
    struct entry *entry = ctx;
    struct post *post = entry->post;
    entry->call = NULL;
    post->pending--;
    write_tool_answer(entry, answer);
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
    bool plain = answer->err == ERR_RATE_LIMITED || answer->err == ERR_UNAUTHORIZED;
    if (mcp_wants_stream(post) && !post->streaming && !plain) {
        /* What never reached the ERP has no progress to tell. */
        bool reached = entry->stage >= CALL_STAGE_SENT;
        post->progress_sent = reached ? 0 : CALL_STAGE_ANSWERED;
        entry->stage = CALL_STAGE_ANSWERED;
        mcp_stream_begin(post);
    }
    mcp_finish(post);
}

static void on_call_stage(void *ctx, enum call_stage stage)
{
    struct entry *entry = ctx;
    entry->stage = stage;
    mcp_stream_progress(entry->post);
}

void mcp_call_cancel(struct entry *entry)
{
    if (entry->call != NULL) {
        call_cancel(entry->call);
        entry->call = NULL;
        entry->post->pending--;
    }
}

void mcp_call_start(struct entry *entry)
{
    struct post *post = entry->post;
    const struct jval *params = entry->message.params;
    const struct jval *name = jval_get(params, "name");
    const struct jval *arguments = jval_get(params, "arguments");
    if (!jval_is(name, JVAL_STRING)) {
        mcp_write_error(&entry->reply, entry->message.id, -32602,
                        SLICE("Invalid params: name must be a string"), SLICE_EMPTY);
        return;
    }
    if (arguments != NULL && arguments->type != JVAL_OBJECT) {
        mcp_write_error(&entry->reply, entry->message.id, -32602,
                        SLICE("Invalid params: arguments must be an object"),
                        SLICE_EMPTY);
        return;
    }
    struct call_order order = {
        .gateway = post->gateway,
        .account = post->account,
        .server = post->server,
        .request_id = post->request_id,
        .tenant = post->account->record.tenant,
        .token_ends_ms = post->token_ends_ms,
        .tool = name->text,
        .arguments = arguments,
        /* Modern clients cancel by leaving; their ids are not unique on a URL. */
        .rpc_id = mcp_is_modern(&entry->message) ? NULL : entry->message.id,
        .bytes_in = http_exchange_request(post->exchange)->body.len,
        .on_answer = on_call_answer,
        .on_stage = on_call_stage,
        .ctx = entry,
    };
    entry->stage = CALL_STAGE_WAITING;
    entry->call = call_start(&order);
    post->pending++;
}
