/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer as an event stream, for a single tools/call with a progress token. Its
 * status is held back until the upstream's is known (or HOLD_STATUS_MS have passed), so
 * that a load refusal can still be a real 429.
 */
#include "core/mcp_private.h"
#include "core/mcp_write.h"
#include "core/metrics.h"

#define HOLD_STATUS_MS 10000
#define KEEP_ALIVE_MS 15000

static void send_event(struct post *post, struct slice json)
{
    struct buf event;
    buf_init(&event, MCP_REPLY_CEILING + 64);
    buf_append(&event, SLICE("event: message\ndata: "));
    buf_append(&event, json);
    buf_append(&event, SLICE("\n\n"));
    http_stream_send(post->exchange, buf_slice(&event));
    buf_free(&event);
}

/* It only ever rises; what was passed while the status was held is skipped. */
static void send_progress(struct post *post, const struct op_progress *progress)
{
    if (!post->streaming || progress->done <= post->progress_sent) {
        return;
    }
    struct buf text;
    buf_init(&text, LIMIT_BODY_BYTES);
    mcp_write_progress(&text, post->entries[0].message.progress_token, progress);
    send_event(post, buf_slice(&text));
    buf_free(&text);
    post->progress_sent = progress->done;
}

void mcp_stream_stage(struct post *post)
{
    static const char *const words[] = {
        [CALL_STAGE_WAITING] = "waiting in line for the ERP account",
        [CALL_STAGE_SENT] = "sent to the ERP",
        [CALL_STAGE_ANSWERED] = "the ERP answered",
    };
    const struct entry *entry = &post->entries[0];
    struct op_progress progress = {.done = (long)entry->stage,
                                   .total = CALL_STAGE_ANSWERED,
                                   .message = slice_str(words[entry->stage])};
    if (!entry->measures) {
        send_progress(post, &progress);
    }
}

static void on_keep_alive(void *ctx)
{
    struct post *post = ctx;
    http_stream_send(post->exchange, SLICE(": \n\n"));
    post->timer =
        loop_timer_start(post->gateway->parts.loop, KEEP_ALIVE_MS, on_keep_alive, post);
}

void mcp_stream_begin(struct post *post)
{
    struct mcp_head head = {.count = 0};
    mcp_add_field(&head, SLICE("Content-Type"), SLICE("text/event-stream"));
    mcp_add_field(&head, SLICE("Cache-Control"), SLICE("no-cache, no-transform"));
    mcp_add_field(&head, SLICE("X-Accel-Buffering"), SLICE("no"));
    mcp_add_rate_fields(&head, post);
    struct http_response response = {200, head.fields, head.count, SLICE_EMPTY};
    metrics_http(post->gateway->metrics, 200);
    http_stream_begin(post->exchange, &response);
    post->streaming = true;
    loop_timer_stop(post->timer);
    post->timer =
        loop_timer_start(post->gateway->parts.loop, KEEP_ALIVE_MS, on_keep_alive, post);
    mcp_stream_stage(post);
}

/* How the account stands is part of the head. */
static void begin_now(struct post *post)
{
    post->rate = governor_look(post->gateway->parts.governor, post->account->record.id,
                               gateway_mono_us(post->gateway));
    post->has_rate = true;
    mcp_stream_begin(post);
}

void mcp_stream_progress(struct post *post, const struct op_progress *progress)
{
    if (!mcp_wants_stream(post)) {
        return;
    }
    post->entries[0].measures = true;
    if (!post->streaming) {
        begin_now(post);
    }
    send_progress(post, progress);
}

static void on_status_held_long_enough(void *ctx)
{
    struct post *post = ctx;
    post->timer = NULL;
    begin_now(post);
}

void mcp_stream_end(struct post *post)
{
    struct http_exchange *exchange = post->exchange;
    if (post->entries[0].reply.len > 0) {
        send_event(post, buf_slice(&post->entries[0].reply));
    }
    mcp_close(post);
    http_stream_end(exchange);
}

bool mcp_wants_stream(const struct post *post)
{
    return !post->batch && post->accepts_stream &&
           post->entries[0].message.kind == MCP_REQUEST &&
           post->entries[0].message.progress_token != NULL &&
           slice_is(post->entries[0].message.method, "tools/call");
}

void mcp_stream_hold(struct post *post)
{
    post->timer = loop_timer_start(post->gateway->parts.loop, HOLD_STATUS_MS,
                                   on_status_held_long_enough, post);
}
