/* SPDX-License-Identifier: Apache-2.0 */
/* JSON answers, members sorted. */
#include "mocks/common/json_out.h"

#include <stdlib.h>

#define RENDER_CEILING ((size_t)64 * 1024 * 1024)

struct member {
    struct slice name;
    struct slice json;
};

struct json_out {
    struct arena *arena;
    struct member *members;
    size_t count;
    size_t capacity;
};

struct json_out *json_out_object(struct arena *arena)
{
    struct json_out *object = arena_alloc(arena, sizeof *object);
    object->arena = arena;
    return object;
}

/* Length of the UTF-8 sequence at `at`, 0 when it is broken (RFC 3629 table). */
static size_t utf8_length(struct slice text, size_t at)
{
    const unsigned char *p = (const unsigned char *)text.ptr + at;
    size_t left = text.len - at;
    size_t length = p[0] < 0x80   ? 1
                    : p[0] < 0xC2 ? 0
                    : p[0] < 0xE0 ? 2
                    : p[0] < 0xF0 ? 3
                                  : 4;
    if (length == 0 || length > left || p[0] > 0xF4) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool bad = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
               (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F);
    return bad ? 0 : length;
}

static void escape_byte(struct buf *out, unsigned char c)
{
    if (c == '"' || c == '\\') {
        buf_append_byte(out, '\\');
        buf_append_byte(out, (char)c);
    } else if (c == '\n') {
        buf_append(out, SLICE("\\n"));
    } else if (c == '\r') {
        buf_append(out, SLICE("\\r"));
    } else if (c == '\t') {
        buf_append(out, SLICE("\\t"));
    } else if (c < 0x20) {
        buf_printf(out, "\\u%04x", c);
    } else {
        buf_append_byte(out, (char)c);
    }
}

void json_out_string(struct buf *out, struct slice text)
{
    buf_append_byte(out, '"');
    for (size_t i = 0; i < text.len;) {
        size_t length = utf8_length(text, i);
        if (length == 0) {
            buf_append(out, SLICE("\xEF\xBF\xBD"));
            i++;
        } else if (length == 1) {
            escape_byte(out, (unsigned char)text.ptr[i]);
            i++;
        } else {
            buf_append(out, slice_of(text.ptr + i, length));
            i += length;
        }
    }
    buf_append_byte(out, '"');
}

void json_out_raw(struct json_out *object, struct slice name, struct slice json)
{
    if (object->count == object->capacity) {
        size_t capacity = object->capacity == 0 ? 16 : object->capacity * 2;
        struct member *members = arena_array(object->arena, capacity, sizeof *members);
        if (object->count > 0) {
            memcpy(members, object->members, object->count * sizeof *members);
        }
        object->members = members;
        object->capacity = capacity;
    }
    object->members[object->count++] =
        (struct member){name, arena_slice(object->arena, json)};
}

void json_out_text(struct json_out *object, struct slice name, struct slice text)
{
    struct buf quoted;
    buf_init(&quoted, RENDER_CEILING);
    json_out_string(&quoted, text);
    json_out_raw(object, name, buf_slice(&quoted));
    buf_free(&quoted);
}

void json_out_int(struct json_out *object, struct slice name, long long number)
{
    json_out_raw(object, name, arena_printf(object->arena, "%lld", number));
}

static int by_name(const void *a, const void *b)
{
    const struct member *left = a;
    const struct member *right = b;
    bool left_links = slice_is(left->name, "links");
    bool right_links = slice_is(right->name, "links");
    if (left_links != right_links) {
        return left_links ? -1 : 1;
    }
    return slice_cmp(left->name, right->name);
}

struct slice json_out_render(const struct json_out *object)
{
    struct buf out;
    buf_init(&out, RENDER_CEILING);
    buf_append_byte(&out, '{');
    if (object->count > 0) {
        qsort(object->members, object->count, sizeof *object->members, by_name);
    }
    for (size_t i = 0; i < object->count; i++) {
        if (i > 0) {
            buf_append_byte(&out, ',');
        }
        json_out_string(&out, object->members[i].name);
        buf_append_byte(&out, ':');
        buf_append(&out, object->members[i].json);
    }
    buf_append_byte(&out, '}');
    struct slice text = arena_slice(object->arena, buf_slice(&out));
    buf_free(&out);
    return text;
}
