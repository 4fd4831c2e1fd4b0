/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One POST: read the messages, start each, answer when all have ended. What is served
 * stands in the table of methods.
 */
#include "core/mcp.h"

#include "core/calls.h"
#include "core/mcp_private.h"
#include "core/mcp_write.h"

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
    mcp_write_tools(&entry->reply, &entry->message, entry->post->account,
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
    {"tools/call", true, true, mcp_call_start},
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
    struct call *call = calls_find(entry->post->gateway, entry->post->server->id, id);
    if (call == NULL) {
        return;
    }
    struct entry *cancelled = call_ctx(call);
    struct post *post = cancelled->post;
    mcp_call_cancel(cancelled);
    if (post != entry->post && post->pending == 0) {
        mcp_finish(post);
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

void mcp_finish(struct post *post)
{
    if (post->streaming) {
        mcp_stream_end(post);
        return;
    }
    mcp_answer_json(post);
}

/* ---- The POST ---- */

static struct slice field_value(const struct http_request *request, const char *name,
                                bool *has)
{
    const struct http_field *field = http_request_field(request, name);
    *has = field != NULL;
    return field != NULL ? field->value : SLICE_EMPTY;
}

/* Bare clients, curl first of all, name their JSON a form; what parses as JSON is JSON.
 */
static bool content_type_is_taken(const struct http_request *request)
{
    bool has = false;
    struct slice type = field_value(request, "content-type", &has);
    return !has || slice_contains_nocase(type, SLICE("application/json")) ||
           slice_contains_nocase(type, SLICE("application/x-www-form-urlencoded"));
}

static enum err check_media(struct post *post)
{
    const struct http_request *request = http_exchange_request(post->exchange);
    bool has_accept = false;
    struct slice accept = field_value(request, "accept", &has_accept);
    post->accepts_stream = slice_contains_nocase(accept, SLICE("text/event-stream"));
    bool takes_json = !has_accept ||
                      slice_contains_nocase(accept, SLICE("application/json")) ||
                      slice_contains_nocase(accept, SLICE("*/*")) ||
                      slice_contains_nocase(accept, SLICE("application/*"));
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
    mcp_respond(post, &body);
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
        mcp_call_cancel(&post->entries[i]);
    }
    mcp_finish(post);
}

static void run_post(struct post *post, const struct jval *body)
{
    struct arena *arena = http_exchange_arena(post->exchange);
    post->batch = body->type == JVAL_ARRAY;
    post->entry_count = post->batch ? body->count : 1;
    post->entries = arena_array(arena, post->entry_count, sizeof *post->entries);
    for (size_t i = 0; i < post->entry_count; i++) {
        post->entries[i].post = post;
        buf_init(&post->entries[i].reply, MCP_REPLY_CEILING);
    }
    for (size_t i = 0; i < post->entry_count; i++) {
        run_entry(&post->entries[i], post->batch ? &body->items[i] : body);
    }
    if (post->pending == 0) {
        mcp_finish(post);
        return;
    }
    http_exchange_on_gone(post->exchange, on_gone, post);
    if (mcp_wants_stream(post)) {
        mcp_stream_hold(post);
    }
}

/* Whether a message asks for what the catalog's files say: that is what they say now. */
static bool shows_the_catalog(const struct jval *body)
{
    static const char *const methods_that_do[] = {"tools/list", "server/discover",
                                                  "initialize"};
    bool batch = body->type == JVAL_ARRAY;
    for (size_t i = 0; i < (batch ? body->count : 1); i++) {
        struct slice method =
            jval_text(jval_get(batch ? &body->items[i] : body, "method"));
        for (size_t m = 0; m < sizeof methods_that_do / sizeof methods_that_do[0];
             m++) {
            if (slice_is(method, methods_that_do[m])) {
                return true;
            }
        }
    }
    return false;
}

static void on_catalog(void *ctx)
{
    struct post *post = ctx;
    if (account_refresh(post->account) != ERR_OK) {
        refuse_post(post, ERR_INTERNAL, 500,
                    SLICE("The account's integration is not loaded in this server"));
        return;
    }
    run_post(post, post->body);
}

static void read_headers(struct post *post)
{
    const struct http_request *request = http_exchange_request(post->exchange);
    struct mcp_headers *headers = &post->headers;
    headers->version =
        field_value(request, "mcp-protocol-version", &headers->has_version);
    headers->method = field_value(request, "mcp-method", &headers->has_method);
    headers->name = field_value(request, "mcp-name", &headers->has_name);
    headers->fields = request->fields;
    headers->field_count = request->field_count;
}

void mcp_handle(struct gateway *gateway, struct http_exchange *exchange,
                struct account *account, struct server *server, struct slice request_id,
                const struct store_server *found)
{
    struct arena *arena = http_exchange_arena(exchange);
    struct post *post = arena_alloc(arena, sizeof *post);
    post->gateway = gateway;
    post->exchange = exchange;
    post->account = account;
    post->server = server;
    post->request_id = request_id;
    post->token_ends_ms = found->token_ends_ms;
    post->token_hash = found->token_hash;
    post->status = 200;
    post->progress_sent = -1;
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
        refuse_post(
            post, ERR_PARSE, 400,
            arena_printf(arena,
                         err == ERR_TOO_LARGE
                             ? "Parse error: the body is nested deeper, or has "
                               "more values, than this server reads (at byte %zu)"
                             : "Parse error: the body is not JSON (at byte %zu)",
                         offset));
        return;
    }
    struct mcp_refusal refusal;
    if (body->type == JVAL_ARRAY &&
        mcp_check_batch(&post->headers, body, &refusal) != ERR_OK) {
        refuse_post(post, refusal.err, refusal.http_status, refusal.message);
        return;
    }
    post->body = body;
    if (!shows_the_catalog(body)) {
        catalogs_glance(gateway->catalogs);
        run_post(post, body);
        return;
    }
    post->wait.on_ready = on_catalog;
    post->wait.ctx = post;
    if (catalogs_look(gateway->catalogs, &post->wait)) {
        run_post(post, body);
    }
}
