/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interim answers (1xx) come as heads of their own before the final one and are
 * forgotten. Fields are kept as offsets first, because the buffer they lie in moves
 * while it grows.
 */
#include "io/http_answer.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/memory.h"

void http_answer_init(struct http_answer *answer, size_t max_body_bytes)
{
    *answer = (struct http_answer){.max_body_bytes = max_body_bytes};
    buf_init(&answer->head, LIMIT_UPSTREAM_HEAD_BYTES);
    buf_init(&answer->body, max_body_bytes);
}

static void forget_head(struct http_answer *answer)
{
    buf_clear(&answer->head);
    answer->field_count = 0;
}

void http_answer_free(struct http_answer *answer)
{
    buf_free(&answer->head);
    buf_free(&answer->body);
    memory_free(answer->spans);
    memory_free(answer->fields);
    answer->spans = NULL;
    answer->fields = NULL;
}

void http_answer_discard(struct http_answer *answer)
{
    answer->is_unwanted = true;
    buf_free(&answer->head);
    buf_free(&answer->body);
    answer->field_count = 0;
}

static bool condemn(struct http_answer *answer, enum http_answer_verdict verdict)
{
    answer->verdict = verdict;
    return false;
}

static struct slice without_line_end(struct slice line)
{
    while (line.len > 0 &&
           (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r')) {
        line.len--;
    }
    return line;
}

/* "HTTP/1.1 200 OK": curl has checked the shape; three digits are what is left to read.
 */
static bool take_status(struct http_answer *answer, struct slice line)
{
    unsigned long long status = 0;
    ptrdiff_t blank = slice_find(line, ' ');
    struct slice rest = blank < 0 ? SLICE_EMPTY : slice_from(line, (size_t)blank + 1);
    struct slice digits = slice_of(rest.ptr, rest.len < 3 ? rest.len : 3);
    bool ends = rest.len <= 3 || rest.ptr[3] == ' ';
    if (digits.len != 3 || !ends || !slice_to_u64(digits, &status) || status < 100) {
        return condemn(answer, HTTP_ANSWER_MALFORMED);
    }
    forget_head(answer);
    answer->status = (int)status;
    return true;
}

/* The bytes cannot be refused: line_bytes has the same ceiling as the buffer. */
static size_t keep(struct http_answer *answer, struct slice bytes)
{
    size_t at = answer->head.len;
    REQUIRE(buf_append(&answer->head, bytes));
    return at;
}

static void lower(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z') {
            text[i] = (char)(text[i] - 'A' + 'a');
        }
    }
}

static struct http_span *next_span(struct http_answer *answer)
{
    if (answer->field_count == answer->field_room) {
        answer->field_room = answer->field_room == 0 ? 16 : answer->field_room * 2;
        answer->spans =
            memory_resize(answer->spans, answer->field_room * sizeof *answer->spans);
    }
    return &answer->spans[answer->field_count++];
}

/* A body that says itself too large is not waited for; one that fits gets its room at once, since
 * growing step by step copies and wipes megabytes while everybody waits. */
static bool take_length(struct http_answer *answer, struct slice digits)
{
    unsigned long long bytes = 0;
    if (!slice_to_u64(digits, &bytes)) {
        return true; /* curl's to judge */
    }
    if (bytes > answer->max_body_bytes) {
        return condemn(answer, HTTP_ANSWER_TOO_LARGE);
    }
    if (!answer->is_unwanted) {
        buf_expect(&answer->body, (size_t)bytes);
    }
    return true;
}

static bool take_field(struct http_answer *answer, struct slice line)
{
    ptrdiff_t colon = slice_find(line, ':');
    bool is_folded = line.ptr[0] == ' ' || line.ptr[0] == '\t';
    if (colon <= 0 || is_folded || slice_find(line, '\0') >= 0) {
        return condemn(answer, HTTP_ANSWER_MALFORMED);
    }
    struct slice name = slice_of(line.ptr, (size_t)colon);
    struct slice value = slice_trim(slice_from(line, (size_t)colon + 1));
    struct http_span *span = next_span(answer);
    *span = (struct http_span){.name_len = name.len, .value_len = value.len};
    span->name_at = keep(answer, name);
    span->value_at = keep(answer, value);
    lower(answer->head.ptr + span->name_at, name.len);
    return !slice_eq_nocase(name, SLICE("content-length")) ||
           take_length(answer, value);
}

bool http_answer_line(struct http_answer *answer, struct slice line)
{
    answer->line_bytes += line.len;
    if (answer->line_bytes > LIMIT_UPSTREAM_HEAD_BYTES) {
        return condemn(answer, HTTP_ANSWER_TOO_LARGE);
    }
    line = without_line_end(line);
    if (answer->is_final) {
        return true; /* a trailer */
    }
    if (line.len == 0) {
        answer->is_final = answer->status >= 200;
        return true;
    }
    if (slice_starts(line, SLICE("HTTP/"))) {
        return take_status(answer, line);
    }
    return answer->is_unwanted || take_field(answer, line);
}

bool http_answer_body(struct http_answer *answer, struct slice bytes)
{
    answer->body_bytes += bytes.len;
    if (answer->body_bytes > answer->max_body_bytes) {
        return condemn(answer, HTTP_ANSWER_TOO_LARGE);
    }
    return answer->is_unwanted || buf_append(&answer->body, bytes);
}

void http_answer_taken(struct http_answer *answer)
{
    buf_clear(&answer->body);
    answer->body_bytes = 0;
}

struct http_reply http_answer_reply(struct http_answer *answer)
{
    REQUIRE(answer->fields == NULL);
    answer->fields = memory_zeroed(answer->field_count + 1, sizeof *answer->fields);
    for (size_t i = 0; i < answer->field_count; i++) {
        const struct http_span *span = &answer->spans[i];
        const char *head = answer->head.ptr;
        answer->fields[i].name = slice_of(head + span->name_at, span->name_len);
        answer->fields[i].value = slice_of(head + span->value_at, span->value_len);
    }
    return (struct http_reply){
        .status = answer->status,
        .fields = answer->fields,
        .field_count = answer->field_count,
        .body = buf_slice(&answer->body),
    };
}
