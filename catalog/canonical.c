/* SPDX-License-Identifier: Apache-2.0 */
/* One text per value: what cursors are bound to and what uniqueItems sorts by. */
#include "catalog/catalog_private.h"

#include <stdlib.h>

#include "base/jwriter.h"

/* Above any value that base/limits.h lets in: sorting and numbers never lengthen a text
 * by more than an exponent. */
#define CANONICAL_BYTES ((size_t)64 * 1024 * 1024)

static int by_name(const void *a, const void *b)
{
    const struct jmember *const *left = a;
    const struct jmember *const *right = b;

    return slice_cmp((*left)->name, (*right)->name);
}

static void write_string(struct buf *out, struct slice text)
{
    buf_append_byte(out, '"');
    jwriter_escape(out, text);
    buf_append_byte(out, '"');
}

static void write_value(struct arena *arena, const struct jval *value, struct buf *out);

static void write_object(struct arena *arena, const struct jval *value, struct buf *out)
{
    const struct jmember **sorted =
        arena_array(arena, value->count, sizeof(struct jmember *));

    for (size_t i = 0; i < value->count; i++) {
        sorted[i] = &value->members[i];
    }
    if (value->count > 1) {
        qsort(sorted, value->count, sizeof(struct jmember *), by_name);
    }
    buf_append_byte(out, '{');
    for (size_t i = 0; i < value->count; i++) {
        if (i > 0) {
            buf_append_byte(out, ',');
        }
        write_string(out, sorted[i]->name);
        buf_append_byte(out, ':');
        write_value(arena, &sorted[i]->value, out);
    }
    buf_append_byte(out, '}');
}

static void write_array(struct arena *arena, const struct jval *value, struct buf *out)
{
    buf_append_byte(out, '[');
    for (size_t i = 0; i < value->count; i++) {
        if (i > 0) {
            buf_append_byte(out, ',');
        }
        write_value(arena, &value->items[i], out);
    }
    buf_append_byte(out, ']');
}

static void write_number(const struct jval *value, struct buf *out)
{
    struct decimal number;

    REQUIRE(decimal_parse(value->text, &number)); /* jval_parse let it in */
    decimal_canonical(&number, out);
}

static void write_value(struct arena *arena, const struct jval *value, struct buf *out)
{
    switch (value->type) {
    case JVAL_NULL:
        buf_append(out, SLICE("null"));
        break;
    case JVAL_FALSE:
        buf_append(out, SLICE("false"));
        break;
    case JVAL_TRUE:
        buf_append(out, SLICE("true"));
        break;
    case JVAL_NUMBER:
        write_number(value, out);
        break;
    case JVAL_STRING:
        write_string(out, value->text);
        break;
    case JVAL_ARRAY:
        write_array(arena, value, out);
        break;
    case JVAL_OBJECT:
        write_object(arena, value, out);
        break;
    }
}

struct slice canonical_text(struct arena *arena, const struct jval *value)
{
    struct slice result;
    struct buf out;

    buf_init(&out, CANONICAL_BYTES);
    write_value(arena, value, &out);
    REQUIRE(!buf_full(&out));
    result = arena_slice(arena, buf_slice(&out));
    buf_free(&out);
    return result;
}
