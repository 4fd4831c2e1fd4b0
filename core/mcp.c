/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One POST: read the messages, start each, answer when all have ended. A single
 * tools/call with a progress token is answered as an event stream, but its status is
 * held back until the upstream's is known (or HOLD_STATUS_MS have passed), so that a
 * load refusal can still be a real 429.
 */
#include "core/mcp.h"

#include <stdio.h>

#include "base/limits.h"
#include "core/call.h"
#include "core/mcp_read.h"
#include "core/mcp_write.h"
#include "core/metrics.h"

#define HOLD_STATUS_MS 10000
#define KEEP_ALIVE_MS 15000
/* The envelope stands in the answer twice, once escaped. */
#define REPLY_CEILING (4 * LIMIT_RESULT_BYTES)
#define BATCH_CEILING ((size_t)2 * REPLY_CEILING)
/* Room for an error in place of each answer of a batch; a control character of an id is
 * six bytes. */
#define BATCH_RESERVE ((size_t)LIMIT_BATCH_ELEMENTS * (6 * LIMIT_RPC_ID_BYTES + 512))

struct post;

/* One message of the POST and its reply. */
struct entry {
    struct post *post;
    struct mcp_message message;
    struct call *call; /* while it runs */
    struct buf reply;  /* JSON-RPC text; empty: none is due */
    enum call_stage stage;
};

struct post {
    struct gateway *gateway;
    struct http_exchange *exchange;
    struct account *account;
    struct server *server;
    struct slice request_id;
    struct mcp_headers headers;
    struct entry *entries;
    size_t entry_count;
    size_t pending; /* calls that run */
    bool batch, unauthorized;
    int status;
    bool has_rate;
    struct governor_view rate;
    long retry_after_s; /* > 0: a Retry-After field */
    bool accepts_stream, streaming;
    int progress_sent;
    struct loop_timer *timer; /* hold back, then keep alive */
};

/* ---- Answering ---- */

struct head {
    struct http_field fields[10];
    size_t count;
    char numbers[4][24];
};

static void add_field(struct head *head, struct slice name, struct slice value)
{
    REQUIRE(head->count < sizeof head->fields / sizeof head->fields[0]);
    head->fields[head->count++] = (struct http_field){name, value};
}

static void add_number(struct head *head, size_t slot, struct slice name, long value)
{
    int len = snprintf(head->numbers[slot], sizeof head->numbers[slot], "%ld", value);
    add_field(head, name, slice_of(head->numbers[slot], (size_t)len));
}

static void add_rate_fields(struct head *head, const struct post *post)
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

static void close_post(struct post *post)
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

static void respond(struct post *post, struct slice body)
{
    struct gateway *gateway = post->gateway;
    struct http_exchange *exchange = post->exchange;
    if (post->unauthorized) {
        close_post(post);
        mcp_respond_unauthorized(gateway, exchange);
        return;
    }
    struct head head = {.count = 0};
    if (body.len > 0) {
        add_field(&head, SLICE("Content-Type"), SLICE("application/json"));
    }
    add_field(&head, SLICE("Cache-Control"), SLICE("no-store"));
    add_rate_fields(&head, post);
    struct http_response response = {post->status, head.fields, head.count, body};
    metrics_http(gateway->metrics, post->status);
    close_post(post); /* `body` is a copy, and the post dies with the exchange */
    http_respond(exchange, &response);
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

static void answer_json(struct post *post)
{
    struct buf body;
    bool any = false;
    buf_init(&body, BATCH_CEILING);
    if (post->batch) {
        buf_append_byte(&body, '[');
    }
    for (size_t i = 0; i < post->entry_count; i++) {
        if (post->entries[i].reply.len == 0) {
            continue;
        }
        if (any) {
            buf_append_byte(&body, ',');
        }
        buf_append(&body, fitting_reply(&post->entries[i], &body));
        any = true;
    }
    if (post->batch) {
        buf_append_byte(&body, ']');
    }
    if (!any) {
        post->status = 202;
    }
    respond(post, any ? buf_slice(&body) : SLICE_EMPTY);
    buf_free(&body);
}

/* ---- The event stream ---- */

static void send_event(struct post *post, struct slice json)
{
    struct buf event;
    buf_init(&event, REPLY_CEILING + 64);
    buf_append(&event, SLICE("event: message\ndata: "));
    buf_append(&event, json);
    buf_append(&event, SLICE("\n\n"));
    http_stream_send(post->exchange, buf_slice(&event));
    buf_free(&event);
}

/* Progress only ever rises; a stage that was passed while the status was held is
 * skipped. */
static void send_progress(struct post *post)
{
    static const char *const words[] = {
        [CALL_STAGE_WAITING] = "waiting in line for the ERP account",
        [CALL_STAGE_SENT] = "sent to the ERP",
        [CALL_STAGE_ANSWERED] = "the ERP answered",
    };
    const struct entry *entry = &post->entries[0];
    if (!post->streaming || (int)entry->stage <= post->progress_sent) {
        return;
    }
    struct buf text;
    buf_init(&text, LIMIT_BODY_BYTES);
    mcp_write_progress(&text, entry->message.progress_token, (int)entry->stage,
                       CALL_STAGE_ANSWERED, slice_str(words[entry->stage]));
    send_event(post, buf_slice(&text));
    buf_free(&text);
    post->progress_sent = (int)entry->stage;
}

static void on_keep_alive(void *ctx)
{
    struct post *post = ctx;
    http_stream_send(post->exchange, SLICE(": \n\n"));
    post->timer =
        loop_timer_start(post->gateway->parts.loop, KEEP_ALIVE_MS, on_keep_alive, post);
}

static void begin_stream(struct post *post)
{
    struct head head = {.count = 0};
    add_field(&head, SLICE("Content-Type"), SLICE("text/event-stream"));
    add_field(&head, SLICE("Cache-Control"), SLICE("no-cache, no-transform"));
    add_field(&head, SLICE("X-Accel-Buffering"), SLICE("no"));
    add_rate_fields(&head, post);
    struct http_response response = {200, head.fields, head.count, SLICE_EMPTY};
    metrics_http(post->gateway->metrics, 200);
    http_stream_begin(post->exchange, &response);
    post->streaming = true;
    loop_timer_stop(post->timer);
    post->timer =
        loop_timer_start(post->gateway->parts.loop, KEEP_ALIVE_MS, on_keep_alive, post);
    send_progress(post);
}

static void on_status_held_long_enough(void *ctx)
{
    struct post *post = ctx;
    post->timer = NULL;
    post->rate = governor_look(post->gateway->parts.governor, post->account->record.id,
                               gateway_mono_us(post->gateway));
    post->has_rate = true;
    begin_stream(post);
}

static void end_stream(struct post *post)
{
    struct http_exchange *exchange = post->exchange;
    if (post->entries[0].reply.len > 0) {
        send_event(post, buf_slice(&post->entries[0].reply));
    }
    close_post(post);
    http_stream_end(exchange);
}

static bool wants_stream(const struct post *post)
{
    return !post->batch && post->accepts_stream &&
           post->entries[0].message.kind == MCP_REQUEST &&
           post->entries[0].message.progress_token != NULL &&
           slice_is(post->entries[0].message.method, "tools/call");
}

static void finish(struct post *post)
{
    if (post->streaming) {
        end_stream(post);
        return;
    }
    answer_json(post);
}

/* ---- Tool calls ---- */

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
    mcp_write_tool_result(&entry->reply, &entry->message, answer->envelope,
                          answer->err != ERR_OK);
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
    if (wants_stream(post) && !post->streaming && !plain) {
        /* What never reached the ERP has no progress to tell. */
        bool reached = entry->stage >= CALL_STAGE_SENT;
        post->progress_sent = reached ? 0 : CALL_STAGE_ANSWERED;
        entry->stage = CALL_STAGE_ANSWERED;
        begin_stream(post);
    }
    finish(post);
}

static void on_call_stage(void *ctx, enum call_stage stage)
{
    struct entry *entry = ctx;
    entry->stage = stage;
    send_progress(entry->post);
}

static void cancel_entry(struct entry *entry)
{
    if (entry->call != NULL) {
        call_cancel(entry->call);
        entry->call = NULL;
        entry->post->pending--;
    }
}

static void start_call(struct entry *entry)
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

/* ---- Methods ---- */

static void do_initialize(struct entry *entry)
{
    mcp_write_initialize(&entry->reply, &entry->message,
                         entry->post->account->integration);
}

static void do_ping(struct entry *entry)
{
    mcp_write_empty(&entry->reply, &entry->message);
}

static void do_discover(struct entry *entry)
{
    mcp_write_discover(&entry->reply, &entry->message,
                       entry->post->account->integration);
}

/* All tools stand on one page, so any cursor is one we never gave. */
static void do_tools_list(struct entry *entry)
{
    if (jval_get(entry->message.params, "cursor") != NULL) {
        mcp_write_error(&entry->reply, entry->message.id, -32602,
                        SLICE("Invalid cursor: all tools are on the first page"),
                        SLICE_EMPTY);
        return;
    }
    mcp_write_tools(&entry->reply, &entry->message, entry->post->account->integration,
                    entry->post->server->config.filter);
}

static const struct {
    const char *name;
    bool legacy, modern;
    void (*run)(struct entry *entry);
} methods[] = {
    {"initialize", true, false, do_initialize},
    {"ping", true, false, do_ping},
    {"server/discover", false, true, do_discover},
    {"tools/list", true, true, do_tools_list},
    {"tools/call", true, true, start_call},
};

static void unknown_method(struct entry *entry)
{
    mcp_write_error(&entry->reply, entry->message.id, -32601,
                    SLICE("Method not found: this server serves tools only"),
                    SLICE_EMPTY);
    if (mcp_is_modern(&entry->message)) {
        entry->post->status = 404; /* the body tells it from a missing endpoint */
    }
}

static void run_request(struct entry *entry)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        bool served =
            mcp_is_modern(&entry->message) ? methods[i].modern : methods[i].legacy;
        if (served && slice_is(entry->message.method, methods[i].name)) {
            methods[i].run(entry);
            return;
        }
    }
    unknown_method(entry);
}

/* A legacy client cancels by a message of its own; the call is another POST's. */
static void run_notification(struct entry *entry)
{
    const struct jval *id = jval_get(entry->message.params, "requestId");
    if (!slice_is(entry->message.method, "notifications/cancelled") || id == NULL) {
        return;
    }
    struct call *call = call_find(entry->post->gateway, entry->post->server->id, id);
    if (call == NULL) {
        return;
    }
    struct entry *cancelled = call_ctx(call);
    struct post *post = cancelled->post;
    cancel_entry(cancelled);
    if (post != entry->post && post->pending == 0) {
        finish(post);
    }
}

static void run_entry(struct entry *entry, const struct jval *body)
{
    struct post *post = entry->post;
    struct mcp_refusal refusal;
    struct arena *arena = http_exchange_arena(post->exchange);
    enum err err = mcp_read(&post->headers, body, arena, &entry->message, &refusal);
    if (err == ERR_OK && post->batch && slice_is(entry->message.method, "initialize")) {
        refusal = (struct mcp_refusal){ERR_BAD_REQUEST, 200,
                                       SLICE("Invalid request: initialize in a batch"),
                                       SLICE_EMPTY, entry->message.id};
        err = refusal.err;
    }
    if (err != ERR_OK) {
        mcp_write_refusal(&entry->reply, &refusal);
        post->status = post->batch ? 200 : refusal.http_status;
        return;
    }
    if (entry->message.kind == MCP_REQUEST) {
        run_request(entry);
    } else if (entry->message.kind == MCP_NOTIFICATION) {
        run_notification(entry);
    }
}

/* ---- The POST ---- */

static struct slice field_value(const struct http_request *request, const char *name,
                                bool *has)
{
    const struct http_field *field = http_request_field(request, name);
    *has = field != NULL;
    return field != NULL ? field->value : SLICE_EMPTY;
}

static bool contains(struct slice text, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (slice_eq_nocase(slice_of(text.ptr + i, len), slice_of(word, len))) {
            return true;
        }
    }
    return false;
}

/* Bare clients, curl first of all, name their JSON a form; what parses as JSON is JSON.
 */
static bool content_type_is_taken(const struct http_request *request)
{
    bool has = false;
    struct slice type = field_value(request, "content-type", &has);
    return !has || contains(type, "application/json") ||
           contains(type, "application/x-www-form-urlencoded");
}

static enum err check_media(struct post *post)
{
    const struct http_request *request = http_exchange_request(post->exchange);
    bool has_accept = false;
    struct slice accept = field_value(request, "accept", &has_accept);
    post->accepts_stream = contains(accept, "text/event-stream");
    bool takes_json = !has_accept || contains(accept, "application/json") ||
                      contains(accept, "*/*") || contains(accept, "application/*");
    if (!takes_json && !post->accepts_stream) {
        return ERR_NOT_ACCEPTABLE;
    }
    return content_type_is_taken(request) ? ERR_OK : ERR_UNSUPPORTED_MEDIA;
}

static void refuse_post(struct post *post, enum err err, int status,
                        struct slice message)
{
    struct mcp_refusal refusal = {err, status, message, SLICE_EMPTY, NULL};
    struct buf body;
    buf_init(&body, 4096);
    mcp_write_refusal(&body, &refusal);
    post->status = status;
    respond(post, buf_slice(&body));
    buf_free(&body);
}

/* Modern clients cancel by leaving. Legacy ones may come back: their calls go on,
 * unanswered. */
static void on_gone(void *ctx)
{
    struct post *post = ctx;
    bool modern = !post->batch && mcp_is_modern(&post->entries[0].message);
    if (!modern || post->pending == 0) {
        return;
    }
    for (size_t i = 0; i < post->entry_count; i++) {
        cancel_entry(&post->entries[i]);
    }
    finish(post);
}

static void run_post(struct post *post, const struct jval *body)
{
    struct arena *arena = http_exchange_arena(post->exchange);
    post->batch = body->type == JVAL_ARRAY;
    post->entry_count = post->batch ? body->count : 1;
    post->entries = arena_array(arena, post->entry_count, sizeof *post->entries);
    for (size_t i = 0; i < post->entry_count; i++) {
        post->entries[i].post = post;
        buf_init(&post->entries[i].reply, REPLY_CEILING);
    }
    for (size_t i = 0; i < post->entry_count; i++) {
        run_entry(&post->entries[i], post->batch ? &body->items[i] : body);
    }
    if (post->pending == 0) {
        finish(post);
        return;
    }
    http_exchange_on_gone(post->exchange, on_gone, post);
    if (wants_stream(post)) {
        post->timer = loop_timer_start(post->gateway->parts.loop, HOLD_STATUS_MS,
                                       on_status_held_long_enough, post);
    }
}

static void read_headers(struct post *post)
{
    const struct http_request *request = http_exchange_request(post->exchange);
    struct mcp_headers *headers = &post->headers;
    headers->version =
        field_value(request, "mcp-protocol-version", &headers->has_version);
    headers->method = field_value(request, "mcp-method", &headers->has_method);
    headers->name = field_value(request, "mcp-name", &headers->has_name);
}

void mcp_handle(struct gateway *gateway, struct http_exchange *exchange,
                struct account *account, struct server *server, struct slice request_id)
{
    struct arena *arena = http_exchange_arena(exchange);
    struct post *post = arena_alloc(arena, sizeof *post);
    post->gateway = gateway;
    post->exchange = exchange;
    post->account = account;
    post->server = server;
    post->request_id = request_id;
    post->status = 200;
    read_headers(post);
    enum err err = check_media(post);
    if (err != ERR_OK) {
        refuse_post(post, err, err_http_status(err), slice_str(err_sentence(err)));
        return;
    }
    struct jval *body = NULL;
    size_t offset = 0;
    err = jval_parse(arena, http_exchange_request(exchange)->body, &body, &offset);
    if (err != ERR_OK) {
        refuse_post(post, ERR_PARSE, 400,
                    arena_printf(arena,
                                 "Parse error: the body is not JSON (at byte %zu)",
                                 offset));
        return;
    }
    struct mcp_refusal refusal;
    if (body->type == JVAL_ARRAY &&
        mcp_check_batch(&post->headers, body, &refusal) != ERR_OK) {
        refuse_post(post, refusal.err, refusal.http_status, refusal.message);
        return;
    }
    run_post(post, body);
}
