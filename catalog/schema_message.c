/* SPDX-License-Identifier: Apache-2.0 */
/* What a fault says is allowed: types, values, members. Of the schema, never of the
 * value. */
#include "catalog/schema_private.h"

#include "base/jwriter.h"

#define MESSAGE_BYTES 400

struct slice message_types(struct arena *arena, unsigned types)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {
        {TYPE_OBJECT, "an object"}, {TYPE_ARRAY, "an array"},
        {TYPE_STRING, "text"},      {TYPE_INTEGER, "an integer"},
        {TYPE_NUMBER, "a number"},  {TYPE_BOOLEAN, "true or false"},
        {TYPE_NULL, "null"},
    };
    struct slice result;
    struct buf out;

    buf_init(&out, MESSAGE_BYTES);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((types & names[i].bit) != 0) {
            buf_printf(&out, "%s%s", out.len > 0 ? " or " : "", names[i].name);
        }
    }
    result = arena_slice(arena, buf_slice(&out));
    buf_free(&out);
    return result;
}

struct slice message_choices(struct arena *arena, const struct jval *choices)
{
    struct slice result;
    struct jwriter writer;
    struct buf out;

    buf_init(&out, MESSAGE_BYTES);
    for (size_t i = 0; i < choices->count; i++) {
        size_t before = out.len;

        if (i > 0) {
            buf_append(&out, SLICE(", "));
        }
        jwriter_init(&writer, &out);
        jwriter_value(&writer, &choices->items[i]);
        if (buf_full(&out)) {
            out.len = before;
            break;
        }
    }
    result = arena_printf(arena, "%.*s%s", SLICE_ARG(buf_slice(&out)),
                          buf_full(&out) ? ", …" : "");
    buf_free(&out);
    return result;
}

struct slice message_unknown(struct arena *arena, const struct schema *schema)
{
    struct slice message;
    struct buf out;

    buf_init(&out, MESSAGE_BYTES);
    for (size_t i = 0; i < schema->property_count; i++) {
        size_t before = out.len;

        buf_printf(&out, "%s%.*s", i > 0 ? ", " : "",
                   SLICE_ARG(schema->properties[i].name));
        if (buf_full(&out)) {
            out.len = before;
            break;
        }
    }
    message = out.len == 0 ? SLICE("is not known; no member is")
                           : arena_printf(arena, "is not known; known are: %.*s%s",
                                          SLICE_ARG(buf_slice(&out)),
                                          buf_full(&out) ? ", …" : "");
    buf_free(&out);
    return message;
}
