/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two small machines, one for the head and one for the chunks, that read every byte
 * once.
 *
 * Invariants
 *  1. The verdict depends on the bytes only, never on how the input was cut into
 * pieces.
 *  2. A line ends with CR LF and nothing else does; neither byte stands anywhere else.
 *  3. The guard can only refuse. What a request means is read by llhttp; the parser
 * compares where the two see its parts begin and end.
 */
#include "io/http_guard.h"

#include "base/limits.h"
#include "base/require.h"

#define METHOD_BYTES 24 /* the longest one in use has 17 */
/* Cannot overflow 64 bits, and a sum with the ceiling neither. */
#define CHUNK_SIZE_DIGITS 15
/* Of all chunk extensions of one request; nobody reads them. */
#define EXTENSION_BYTES 4096

enum {
    CLASS_TOKEN = 1,     /* RFC 9110 tchar */
    CLASS_TARGET = 2,    /* visible ASCII, no fragment */
    CLASS_VALUE = 4,     /* HTAB, SP, visible, obs-text */
    CLASS_METHOD = 8,    /* capitals, '-', '_' */
    CLASS_HOST = 16,     /* names, addresses, a port */
    CLASS_EXTENSION = 32 /* HTAB, SP, visible ASCII */
};

/* clang-format off */
static const unsigned char CLASSES[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    36, 39, 38, 37, 39, 39, 39, 39, 38, 38, 39, 39, 38, 63, 55, 38,
    55, 55, 55, 55, 55, 55, 55, 55, 55, 55, 54, 38, 38, 38, 38, 38,
    38, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
    63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 54, 38, 54, 39, 63,
    39, 55, 55, 55, 55, 55, 55, 55, 55, 55, 55, 55, 55, 55, 55, 55,
    55, 55, 55, 55, 55, 55, 55, 55, 55, 55, 55, 38, 39, 38, 39, 0,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
};
/* clang-format on */

enum guard_state {
    /* head */
    AT_METHOD,
    AT_TARGET,
    IN_TARGET,
    AT_VERSION,
    AT_LINE_END, /* after the version: only CR */
    AT_LF,
    AT_FIELD,
    IN_NAME,
    IN_VALUE,
    AT_LAST_LF,
    /* chunks */
    AT_SIZE,
    IN_SIZE,
    IN_EXTENSION,
    AT_SIZE_LF,
    IN_DATA,
    AT_DATA_CR,
    AT_DATA_LF,
    /* ends */
    AT_END,
    AT_FAULT
};

static bool is(unsigned char byte, int class)
{
    return (CLASSES[byte] & class) != 0;
}

void http_guard_begin(struct http_guard *guard, size_t max_body_bytes)
{
    *guard = (struct http_guard){.state = AT_METHOD, .max_body_bytes = max_body_bytes};
}

void http_guard_begin_chunks(struct http_guard *guard)
{
    REQUIRE(guard->state == AT_END);
    guard->state = AT_SIZE;
    guard->part_bytes = 0;
}

static enum guard_state refuse(struct http_guard *guard, int status)
{
    guard->status = (uint16_t)status;
    return AT_FAULT;
}

static enum guard_state unless(struct http_guard *guard, bool fits,
                               enum guard_state next)
{
    return fits ? next : refuse(guard, 400);
}

static enum guard_state on_method_byte(struct http_guard *guard, unsigned char byte)
{
    static const char connect[] = "CONNECT";

    if (byte == ' ' && guard->part_bytes > 0) {
        bool is_connect = guard->connect_bytes == sizeof connect - 1 &&
                          guard->part_bytes == sizeof connect - 1;
        guard->part_bytes = 0;
        return is_connect ? refuse(guard, 405) : AT_TARGET;
    }
    if (!is(byte, CLASS_METHOD)) {
        return refuse(guard, 400);
    }
    if (guard->part_bytes == METHOD_BYTES) {
        return refuse(guard, 501);
    }
    if (guard->part_bytes == guard->connect_bytes &&
        guard->connect_bytes < sizeof connect - 1 &&
        (char)byte == connect[guard->connect_bytes]) {
        guard->connect_bytes++;
    }
    guard->part_bytes++;
    return AT_METHOD;
}

static enum guard_state on_version_byte(struct http_guard *guard, unsigned char byte)
{
    static const char form[] = "HTTP/d.d";
    char expected = form[guard->part_bytes];

    if (expected == 'd' ? byte < '0' || byte > '9' : byte != (unsigned char)expected) {
        return refuse(guard, 400);
    }
    guard->part_bytes++;
    if (expected == 'd') {
        guard->version = (uint8_t)(guard->version * 10 + (byte - '0'));
    }
    if (guard->part_bytes < sizeof form - 1) {
        return AT_VERSION;
    }
    guard->part_bytes = 0;
    bool is_served = guard->version == 10 || guard->version == 11;
    return is_served ? AT_LINE_END : refuse(guard, 505);
}

static enum guard_state on_field_start(struct http_guard *guard, unsigned char byte)
{
    if (byte == '\r') {
        return AT_LAST_LF;
    }
    if (!is(byte, CLASS_TOKEN)) {
        return refuse(guard,
                      400); /* also a folded line, and a blank before the first */
    }
    if (guard->fields == LIMIT_HEAD_FIELDS) {
        return refuse(guard, 431);
    }
    guard->fields++;
    return IN_NAME;
}

static enum guard_state on_target_byte(struct http_guard *guard, unsigned char byte)
{
    if (byte == ' ') {
        return AT_VERSION;
    }
    return unless(guard, is(byte, CLASS_TARGET), IN_TARGET);
}

static enum guard_state on_name_byte(struct http_guard *guard, unsigned char byte)
{
    if (byte == ':') {
        return IN_VALUE;
    }
    return unless(guard, is(byte, CLASS_TOKEN), IN_NAME);
}

static enum guard_state on_value_byte(struct http_guard *guard, unsigned char byte)
{
    if (byte == '\r') {
        return AT_LF;
    }
    return unless(guard, is(byte, CLASS_VALUE), IN_VALUE);
}

/* One byte of the head, or of the fields behind the last chunk. */
static enum guard_state on_head_byte(struct http_guard *guard, unsigned char byte)
{
    switch ((enum guard_state)guard->state) {
    case AT_METHOD:
        return on_method_byte(guard, byte);
    case AT_TARGET:
        return unless(guard, byte == '/', IN_TARGET);
    case IN_TARGET:
        return on_target_byte(guard, byte);
    case AT_VERSION:
        return on_version_byte(guard, byte);
    case AT_LINE_END:
        return unless(guard, byte == '\r', AT_LF);
    case AT_LF:
        return unless(guard, byte == '\n', AT_FIELD);
    case AT_FIELD:
        return on_field_start(guard, byte);
    case IN_NAME:
        return on_name_byte(guard, byte);
    case IN_VALUE:
        return on_value_byte(guard, byte);
    case AT_LAST_LF:
        return unless(guard, byte == '\n', AT_END);
    case AT_SIZE:
    case IN_SIZE:
    case IN_EXTENSION:
    case AT_SIZE_LF:
    case IN_DATA:
    case AT_DATA_CR:
    case AT_DATA_LF:
    case AT_END:
    case AT_FAULT:
        break;
    }
    return refuse(guard, 400);
}

/* Most bytes of a head lie in targets, names and values: their runs are skipped in one
 * go. */
static size_t skip_run(const struct http_guard *guard, const char *ptr, size_t len)
{
    int class = guard->state == IN_VALUE    ? CLASS_VALUE
                : guard->state == IN_NAME   ? CLASS_TOKEN
                : guard->state == IN_TARGET ? CLASS_TARGET
                                            : 0;
    size_t run = 0;

    if (class == 0) {
        return 0;
    }
    while (run < len && is((unsigned char)ptr[run], class)) {
        run++;
    }
    return run;
}

static enum http_guard_step step_of(const struct http_guard *guard)
{
    if (guard->state == AT_END) {
        return HTTP_GUARD_END;
    }
    return guard->state == AT_FAULT ? HTTP_GUARD_FAULT : HTTP_GUARD_MORE;
}

enum http_guard_step http_guard_head(struct http_guard *guard, struct slice input,
                                     size_t *consumed)
{
    size_t room = LIMIT_HEAD_BYTES - guard->head_bytes;
    size_t len = input.len < room ? input.len : room;
    size_t at = 0;

    while (at < len && guard->state < AT_END) {
        at += skip_run(guard, input.ptr + at, len - at);
        if (at < len) {
            guard->state = (uint8_t)on_head_byte(guard, (unsigned char)input.ptr[at]);
            at++;
        }
    }
    guard->head_bytes += (uint32_t)at;
    if (guard->head_bytes == LIMIT_HEAD_BYTES && guard->state < AT_END) {
        bool in_target = guard->state == IN_TARGET || guard->state == AT_TARGET;
        guard->state = (uint8_t)refuse(guard, in_target ? 414 : 431);
    }
    *consumed = at;
    return step_of(guard);
}

static int hex_value(unsigned char byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    unsigned char lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static enum guard_state on_size_end(struct http_guard *guard, enum guard_state next)
{
    if (guard->chunk_bytes > guard->max_body_bytes - guard->body_bytes) {
        return refuse(guard, 413);
    }
    guard->body_bytes += guard->chunk_bytes;
    return next;
}

static enum guard_state on_size_byte(struct http_guard *guard, unsigned char byte)
{
    int value = hex_value(byte);

    if (value >= 0 && guard->part_bytes < CHUNK_SIZE_DIGITS) {
        guard->chunk_bytes = guard->chunk_bytes * 16 + (uint64_t)value;
        guard->part_bytes++;
        return IN_SIZE;
    }
    if (value >= 0 || guard->part_bytes == 0) {
        return refuse(guard, 400);
    }
    guard->part_bytes = 0;
    if (byte == '\r') {
        return on_size_end(guard, AT_SIZE_LF);
    }
    return byte == ';' ? on_size_end(guard, IN_EXTENSION) : refuse(guard, 400);
}

static enum guard_state on_extension_byte(struct http_guard *guard, unsigned char byte)
{
    guard->extension_bytes++;
    if (guard->extension_bytes > EXTENSION_BYTES) {
        return refuse(guard, 400);
    }
    if (byte == '\r') {
        return AT_SIZE_LF;
    }
    return unless(guard, is(byte, CLASS_EXTENSION), IN_EXTENSION);
}

static enum guard_state on_size_lf(struct http_guard *guard, unsigned char byte)
{
    if (byte != '\n') {
        return refuse(guard, 400);
    }
    return guard->chunk_bytes == 0 ? AT_FIELD : IN_DATA;
}

/* One byte of the lines around the data of chunks. */
static enum guard_state on_chunk_byte(struct http_guard *guard, unsigned char byte)
{
    switch ((enum guard_state)guard->state) {
    case AT_SIZE:
    case IN_SIZE:
        return on_size_byte(guard, byte);
    case IN_EXTENSION:
        return on_extension_byte(guard, byte);
    case AT_SIZE_LF:
        return on_size_lf(guard, byte);
    case AT_DATA_CR:
        return unless(guard, byte == '\r', AT_DATA_LF);
    case AT_DATA_LF:
        return unless(guard, byte == '\n', AT_SIZE);
    case AT_METHOD:
    case AT_TARGET:
    case IN_TARGET:
    case AT_VERSION:
    case AT_LINE_END:
    case AT_LF:
    case AT_FIELD:
    case IN_NAME:
    case IN_VALUE:
    case AT_LAST_LF:
    case IN_DATA:
    case AT_END:
    case AT_FAULT:
        break;
    }
    return refuse(guard, 400);
}

static size_t skip_data(struct http_guard *guard, size_t len)
{
    size_t skipped = guard->chunk_bytes < len ? (size_t)guard->chunk_bytes : len;

    guard->chunk_bytes -= skipped;
    if (guard->chunk_bytes == 0) {
        guard->state = AT_DATA_CR;
    }
    return skipped;
}

enum http_guard_step http_guard_chunks(struct http_guard *guard, struct slice input,
                                       size_t *consumed)
{
    size_t at = 0;

    while (at < input.len && guard->state < AT_END) {
        if (guard->state == IN_DATA) {
            at += skip_data(guard, input.len - at);
        } else if (guard->state < AT_SIZE) {
            size_t used = 0;
            http_guard_head(guard, slice_from(input, at), &used);
            at += used;
        } else {
            guard->state = (uint8_t)on_chunk_byte(guard, (unsigned char)input.ptr[at]);
            at++;
        }
    }
    *consumed = at;
    return step_of(guard);
}

static bool is_host(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (!is((unsigned char)value.ptr[i], CLASS_HOST)) {
            return false;
        }
    }
    return value.len > 0;
}

struct framing_counts {
    unsigned hosts, lengths, encodings;
    bool has_foreign_expectation;
};

/* What one field says about the framing; false when it may not say that. */
static bool take_field(struct http_framing *framing, const struct http_field *field,
                       struct framing_counts *counts)
{
    unsigned long long length = 0;

    if (slice_is(field->name, "host")) {
        counts->hosts++;
        return counts->hosts == 1 && is_host(field->value);
    }
    if (slice_is(field->name, "content-length")) {
        counts->lengths++;
        bool fits = counts->lengths == 1 && slice_to_u64(field->value, &length);
        framing->content_length = length;
        return fits;
    }
    if (slice_is(field->name, "transfer-encoding")) {
        framing->is_chunked = true;
        counts->encodings++;
        return counts->encodings == 1 &&
               slice_eq_nocase(field->value, SLICE("chunked"));
    }
    if (slice_is(field->name, "expect")) {
        bool is_known = slice_eq_nocase(field->value, SLICE("100-continue"));
        framing->expects_continue = true;
        counts->has_foreign_expectation = counts->has_foreign_expectation || !is_known;
    }
    return true;
}

int http_guard_framing(const struct http_guard *guard,
                       const struct http_request *request, struct http_framing *framing)
{
    struct framing_counts counts = {0};
    bool is_old = guard->version == 10;

    *framing = (struct http_framing){0};
    for (size_t i = 0; i < request->field_count; i++) {
        if (!take_field(framing, &request->fields[i], &counts)) {
            return 400;
        }
    }
    if (counts.hosts == 0 && !is_old) {
        return 400;
    }
    if (counts.encodings > 0 && (counts.lengths > 0 || is_old)) {
        return 400;
    }
    if (counts.has_foreign_expectation) {
        return 417;
    }
    if (framing->content_length > guard->max_body_bytes) {
        return 413;
    }
    bool has_body = framing->is_chunked || framing->content_length > 0;
    framing->expects_continue = framing->expects_continue && has_body && !is_old;
    return 0;
}
