/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head is collected until the guard has seen its end, then read by llhttp in one
 * piece; a body goes through both as it arrives. Both must agree on where each part
 * ends: a request they see differently is refused, whoever of the two is right.
 */
#include "io/http_parser.h"

#include <llhttp.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/secret.h"
#include "io/http_guard.h"

enum phase {
    IN_LEAD, /* before the first byte; one empty line is skipped (RFC 9112 section 2.2)
              */
    IN_HEAD,
    IN_LENGTH,
    IN_CHUNKS,
    IS_DONE,
    IS_DEAD
};

struct http_parser {
    llhttp_t llhttp;
    struct http_guard guard;
    enum phase phase;
    int status;
    unsigned lead_bytes;
    bool keep_alive;
    bool has_ended; /* llhttp's word: the message is whole */
    size_t field_room;
    unsigned long long body_left; /* when it has a length */
    size_t max_body_bytes;
    struct http_budget *budget; /* may be NULL */
    size_t charged;             /* to the budget, for this request */
    struct buf head, body;
    struct http_field *fields;
    struct http_request request;
};

static int on_begin(llhttp_t *llhttp)
{
    struct http_parser *parser = llhttp->data;
    return parser->has_ended ? -1 : 0; /* bytes behind what the guard let through */
}

static int on_url(llhttp_t *llhttp, const char *at, size_t len)
{
    struct http_parser *parser = llhttp->data;
    if (parser->request.target.len > 0) {
        return -1;
    }
    parser->request.target = slice_of(at, len);
    return 0;
}

/* Spans point into the head buffer, which does not move any more. */
static int on_field(llhttp_t *llhttp, const char *at, size_t len)
{
    struct http_parser *parser = llhttp->data;
    if (parser->phase != IN_HEAD) {
        return 0; /* fields behind the last chunk are checked, and dropped */
    }
    if (parser->request.field_count == parser->field_room) {
        return -1;
    }
    struct http_field *field = &parser->fields[parser->request.field_count];
    *field = (struct http_field){slice_of(at, len), SLICE_EMPTY};
    parser->request.field_count++;
    return 0;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t len)
{
    struct http_parser *parser = llhttp->data;
    if (parser->phase != IN_HEAD || len == 0) {
        return 0;
    }
    if (parser->request.field_count == 0) {
        return -1;
    }
    struct slice *value = &parser->fields[parser->request.field_count - 1].value;
    if (value->len > 0 && value->ptr + value->len != at) {
        return -1;
    }
    *value =
        value->len > 0 ? slice_of(value->ptr, value->len + len) : slice_of(at, len);
    return 0;
}

static int on_head(llhttp_t *llhttp)
{
    struct http_parser *parser = llhttp->data;
    parser->keep_alive = llhttp_should_keep_alive(llhttp) != 0;
    llhttp->upgrade =
        0; /* no upgrade is served: the request is answered as it stands */
    return 0;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t len)
{
    struct http_parser *parser = llhttp->data;
    return buf_append(&parser->body, slice_of(at, len)) ? 0 : -1;
}

static int on_end(llhttp_t *llhttp)
{
    struct http_parser *parser = llhttp->data;
    parser->has_ended = true;
    return 0;
}

static const llhttp_settings_t SETTINGS = {
    .on_message_begin = on_begin,
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_end,
};

struct http_parser *http_parser_new(size_t max_body_bytes)
{
    struct http_parser *parser = calloc(1, sizeof *parser);
    REQUIRE(parser != NULL);
    parser->max_body_bytes = max_body_bytes;
    buf_init(&parser->head, LIMIT_HEAD_BYTES);
    buf_init(&parser->body, max_body_bytes);
    llhttp_init(&parser->llhttp, HTTP_REQUEST, &SETTINGS);
    parser->llhttp.data = parser;
    http_parser_next(parser);
    return parser;
}

void http_parser_free(struct http_parser *parser)
{
    if (parser == NULL) {
        return;
    }
    http_parser_next(parser);
    free(parser);
}

bool http_budget_hold(struct http_budget *budget, size_t *share, size_t bytes)
{
    if (bytes > *share && bytes - *share > budget->ceiling - budget->held) {
        return false;
    }
    budget->held = budget->held - *share + bytes;
    *share = bytes;
    return true;
}

static void give_back(struct http_parser *parser)
{
    if (parser->charged > 0) {
        (void)http_budget_hold(parser->budget, &parser->charged, 0);
    }
}

void http_parser_use_budget(struct http_parser *parser, struct http_budget *budget)
{
    give_back(parser);
    parser->budget = budget;
}

/* Small bodies are let through whatever is held: they are what most requests are, and a few slow
 * senders of large ones must not shut them out. What was announced costs nothing until it comes. */
static bool charge(struct http_parser *parser, size_t bytes)
{
    struct http_budget *budget = parser->budget;
    if (budget == NULL || parser->body.len + bytes <= LIMIT_SMALL_BODY_BYTES) {
        return true;
    }
    return http_budget_hold(budget, &parser->charged,
                            buf_cost_with(&parser->body, bytes));
}

void http_parser_next(struct http_parser *parser)
{
    give_back(parser);
    buf_free(&parser->head);
    buf_free(&parser->body);
    memory_free(parser->fields);
    parser->fields = NULL;
    parser->request = (struct http_request){0};
    parser->phase = IN_LEAD;
    parser->status = 0;
    parser->lead_bytes = 0;
    parser->keep_alive = false;
    parser->has_ended = false;
    parser->body_left = 0;
    http_guard_begin(&parser->guard, parser->max_body_bytes);
    llhttp_reset(&parser->llhttp);
}

/* What has come of the body goes at once: the connection lives on until its peer has read why. */
static enum http_parse fail(struct http_parser *parser, int status)
{
    buf_free(&parser->body);
    give_back(parser);
    parser->phase = IS_DEAD;
    parser->status = status;
    return HTTP_PARSE_FAILED;
}

static enum http_parse finish(struct http_parser *parser)
{
    parser->request.body = buf_slice(&parser->body);
    parser->phase = IS_DONE;
    return HTTP_PARSE_DONE;
}

/* The head buffer is ours, so its names are folded in place. */
static void fold_names(struct http_parser *parser)
{
    for (size_t i = 0; i < parser->request.field_count; i++) {
        struct http_field *field = &parser->fields[i];
        char *name = parser->head.ptr + (field->name.ptr - parser->head.ptr);
        for (size_t at = 0; at < field->name.len; at++) {
            name[at] =
                (char)(name[at] >= 'A' && name[at] <= 'Z' ? name[at] | 0x20 : name[at]);
        }
        field->value = slice_trim(field->value);
    }
}

static void split_target(struct http_request *request)
{
    ptrdiff_t mark = slice_find(request->target, '?');

    if (mark < 0) {
        request->path = request->target;
        request->query = SLICE_EMPTY;
        return;
    }
    request->path = slice_of(request->target.ptr, (size_t)mark);
    request->query = slice_from(request->target, (size_t)mark + 1);
}

/* Gives llhttp bytes the guard has passed. */
static int run_llhttp(struct http_parser *parser, struct slice bytes)
{
    llhttp_errno_t err = llhttp_execute(&parser->llhttp, bytes.ptr, bytes.len);

    if (err == HPE_OK) {
        return 0;
    }
    return err == HPE_INVALID_METHOD ? 501 : 400;
}

static int read_head(struct http_parser *parser, struct http_framing *framing)
{
    struct http_request *request = &parser->request;

    parser->field_room = parser->guard.fields;
    parser->fields = memory_zeroed(parser->field_room + 1, sizeof *parser->fields);
    request->fields = parser->fields;
    int status = run_llhttp(parser, buf_slice(&parser->head));
    if (status != 0) {
        return status;
    }
    if (request->field_count != parser->guard.fields || request->target.len == 0) {
        return 400;
    }
    request->method =
        slice_of(parser->head.ptr, (size_t)slice_find(buf_slice(&parser->head), ' '));
    split_target(request);
    fold_names(parser);
    return http_guard_framing(&parser->guard, request, framing);
}

/* The head is whole: decides how the body is read. */
static enum http_parse begin_body(struct http_parser *parser)
{
    struct http_framing framing;
    int status = read_head(parser, &framing);

    if (status != 0) {
        return fail(parser, status);
    }
    bool has_body = framing.is_chunked || framing.content_length > 0;
    if (parser->has_ended == has_body) {
        return fail(parser, 400);
    }
    if (!has_body) {
        return finish(parser);
    }
    parser->body_left = framing.content_length;
    parser->phase = framing.is_chunked ? IN_CHUNKS : IN_LENGTH;
    if (framing.is_chunked) {
        http_guard_begin_chunks(&parser->guard);
    }
    return framing.expects_continue ? HTTP_PARSE_CONTINUE : HTTP_PARSE_MORE;
}

static enum http_parse feed_lead(struct http_parser *parser, struct slice input,
                                 size_t *used)
{
    char first = input.ptr[0];

    if (parser->lead_bytes == 1 && first != '\n') {
        *used = 1;
        return fail(parser, 400);
    }
    if (parser->lead_bytes == 1 || (parser->lead_bytes == 0 && first == '\r')) {
        *used = 1;
        parser->lead_bytes++;
        return HTTP_PARSE_MORE;
    }
    *used = 0;
    parser->phase = IN_HEAD;
    return HTTP_PARSE_MORE;
}

static enum http_parse feed_head(struct http_parser *parser, struct slice input,
                                 size_t *used)
{
    enum http_guard_step step = http_guard_head(&parser->guard, input, used);

    if (step == HTTP_GUARD_FAULT) {
        return fail(parser, parser->guard.status);
    }
    REQUIRE(buf_append(&parser->head, slice_of(input.ptr, *used)));
    return step == HTTP_GUARD_END ? begin_body(parser) : HTTP_PARSE_MORE;
}

/* `is_end` is the guard's word; llhttp has to say the same. */
static enum http_parse feed_body(struct http_parser *parser, struct slice bytes,
                                 bool is_end)
{
    if (!charge(parser, bytes.len)) {
        return fail(parser, 503);
    }
    int status = run_llhttp(parser, bytes);
    if (status != 0 || parser->has_ended != is_end) {
        return fail(parser, 400);
    }
    return is_end ? finish(parser) : HTTP_PARSE_MORE;
}

static enum http_parse feed_length(struct http_parser *parser, struct slice input,
                                   size_t *used)
{
    *used = parser->body_left < input.len ? (size_t)parser->body_left : input.len;
    parser->body_left -= *used;
    return feed_body(parser, slice_of(input.ptr, *used), parser->body_left == 0);
}

static enum http_parse feed_chunks(struct http_parser *parser, struct slice input,
                                   size_t *used)
{
    enum http_guard_step step = http_guard_chunks(&parser->guard, input, used);

    if (step != HTTP_GUARD_FAULT) {
        return feed_body(parser, slice_of(input.ptr, *used), step == HTTP_GUARD_END);
    }
    /* Had the bytes come one by one, llhttp would have seen those before the fault. */
    int status = run_llhttp(parser, slice_of(input.ptr, *used - 1));
    return fail(parser, status != 0 ? status : parser->guard.status);
}

static enum http_parse feed_some(struct http_parser *parser, struct slice input,
                                 size_t *used)
{
    switch (parser->phase) {
    case IN_LEAD:
        return feed_lead(parser, input, used);
    case IN_HEAD:
        return feed_head(parser, input, used);
    case IN_LENGTH:
        return feed_length(parser, input, used);
    case IN_CHUNKS:
        return feed_chunks(parser, input, used);
    case IS_DONE:
        return HTTP_PARSE_DONE;
    case IS_DEAD:
        break;
    }
    return HTTP_PARSE_FAILED;
}

enum http_parse http_parser_feed(struct http_parser *parser, struct slice input,
                                 size_t *consumed)
{
    enum http_parse result = HTTP_PARSE_MORE;

    *consumed = 0;
    if (parser->phase == IS_DONE || parser->phase == IS_DEAD) {
        return parser->phase == IS_DONE ? HTTP_PARSE_DONE : HTTP_PARSE_FAILED;
    }
    while (result == HTTP_PARSE_MORE && *consumed < input.len) {
        size_t used = 0;
        result = feed_some(parser, slice_from(input, *consumed), &used);
        *consumed += used;
    }
    return result;
}

int http_parser_status(const struct http_parser *parser)
{
    return parser->status;
}

const struct http_request *http_parser_request(const struct http_parser *parser)
{
    REQUIRE(parser->phase == IS_DONE);
    return &parser->request;
}

bool http_parser_keep_alive(const struct http_parser *parser)
{
    return parser->keep_alive;
}

bool http_parser_is_http10(const struct http_parser *parser)
{
    return parser->guard.version == 10;
}

bool http_parser_has_begun(const struct http_parser *parser)
{
    return parser->phase != IN_LEAD;
}

bool http_parser_in_body(const struct http_parser *parser)
{
    return parser->phase == IN_LENGTH || parser->phase == IN_CHUNKS;
}
