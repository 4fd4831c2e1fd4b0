/* SPDX-License-Identifier: Apache-2.0 */
/* The answer in one piece: status, head, and the replies of all messages as one body. */
#include "core/mcp_private.h"

#include "base/digits.h"
#include "core/mcp_write.h"
#include "core/metrics.h"

#define BATCH_CEILING (2 * MCP_REPLY_CEILING)
/* Room for an error in place of each answer of a batch; a control character of an id is
 * six bytes. */
#define BATCH_RESERVE ((size_t)LIMIT_BATCH_ELEMENTS * (6 * LIMIT_RPC_ID_BYTES + 512))

void mcp_add_field(struct mcp_head *head, struct slice name, struct slice value)
{
    REQUIRE(head->count < sizeof head->fields / sizeof head->fields[0]);
    head->fields[head->count++] = (struct http_field){name, value};
}

static void add_number(struct mcp_head *head, size_t slot, struct slice name,
                       long value)
{
    mcp_add_field(head, name, digits_of(value, head->numbers[slot]));
}

void mcp_add_rate_fields(struct mcp_head *head, const struct post *post)
{
    if (post->has_rate) {
        add_number(head, 0, SLICE("ratelimit-limit"), post->rate.limit);
        add_number(head, 1, SLICE("ratelimit-remaining"), post->rate.remaining);
        add_number(head, 2, SLICE("ratelimit-reset"), post->rate.reset_s);
    }
    if (post->retry_after_s > 0) {
        add_number(head, 3, SLICE("retry-after"), post->retry_after_s);
    }
}

void mcp_close(struct post *post)
{
    loop_timer_stop(post->timer);
    for (size_t i = 0; i < post->entry_count; i++) {
        buf_free(&post->entries[i].reply);
    }
    account_drop(post->account);
    server_drop(post->server);
}

void mcp_respond_unauthorized(struct gateway *gateway, struct http_exchange *exchange)
{
    const struct http_field fields[] = {
        {SLICE("Content-Type"), SLICE("text/plain; charset=utf-8")},
        {SLICE("WWW-Authenticate"), SLICE("Bearer error=\"invalid_token\"")},
        {SLICE("Cache-Control"), SLICE("no-store")},
    };
    struct http_response response = {
        .status = 401,
        .fields = fields,
        .field_count = sizeof fields / sizeof fields[0],
        .body = SLICE(
            "This MCP URL is not valid: it is unknown, has expired or was revoked. Ask "
            "the administrator of this server for a new one.\n"),
    };
    metrics_http(gateway->metrics, 401);
    http_respond(exchange, &response);
}

void mcp_respond(struct post *post, struct buf *body)
{
    struct gateway *gateway = post->gateway;
    struct http_exchange *exchange = post->exchange;
    if (post->unauthorized) {
        buf_free(body);
        mcp_close(post);
        mcp_respond_unauthorized(gateway, exchange);
        return;
    }
    struct mcp_head head = {.count = 0};
    if (body->len > 0) {
        mcp_add_field(&head, SLICE("Content-Type"), SLICE("application/json"));
    }
    mcp_add_field(&head, SLICE("Cache-Control"), SLICE("no-store"));
    mcp_add_rate_fields(&head, post);
    struct http_response response = {post->status, head.fields, head.count,
                                     buf_slice(body)};
    metrics_http(gateway->metrics, post->status);
    mcp_close(post); /* before its exchange ends, which it dies with */
    http_respond(exchange, &response);
    buf_free(body);
}

/* An answer that its batch has no room for is replaced by an error. */
static struct slice fitting_reply(struct entry *entry, const struct buf *body)
{
    if (entry->reply.len + BATCH_RESERVE > BATCH_CEILING - body->len) {
        buf_free(&entry->reply);
        mcp_write_error(&entry->reply, entry->message.id, -32603,
                        SLICE("The answers of this batch are too large together; send "
                              "fewer calls at once or ask for fewer rows"),
                        SLICE_EMPTY);
    }
    return buf_slice(&entry->reply);
}

/* The replies of a batch as one array; empty when none is due. */
static void join_replies(struct post *post, struct buf *body)
{
    buf_init(body, BATCH_CEILING);
    for (size_t i = 0; i < post->entry_count; i++) {
        if (post->entries[i].reply.len > 0) {
            buf_append_byte(body, body->len == 0 ? '[' : ',');
            buf_append(body, fitting_reply(&post->entries[i], body));
        }
    }
    if (body->len > 0) {
        buf_append_byte(body, ']');
    }
}

void mcp_answer_json(struct post *post)
{
    struct buf body;
    if (post->batch) {
        join_replies(post, &body);
    } else {
        body = post->entries[0].reply;
        buf_init(&post->entries[0].reply, body.ceiling);
    }
    if (body.len == 0) {
        post->status = 202;
    }
    mcp_respond(post, &body);
}
