/* SPDX-License-Identifier: Apache-2.0 */
/* Filling holes. Texts without one, and numbers, are shared with the catalog. */
#include "connectors/conformance/template.h"

#include "base/buf.h"
#include "base/jwriter.h"
#include "base/limits.h"
#include "base/text.h"

#define HOLE "{/"

/* Where the next hole begins, or -1. */
static ptrdiff_t find_hole(struct slice text)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] == HOLE[0] && text.ptr[i + 1] == HOLE[1]) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

/* ---- Checking ---- */

static bool has_known_root(struct slice hole)
{
    return slice_starts(hole, SLICE("{/arguments/")) ||
           slice_starts(hole, SLICE("{/responses/"));
}

static enum err check_text(struct slice text, struct slice pointer,
                           struct schema_problem *problem)
{
    for (;;) {
        ptrdiff_t hole = find_hole(text);
        if (hole < 0) {
            return ERR_OK;
        }
        text = slice_from(text, (size_t)hole);
        if (slice_find(text, '}') < 0 || !has_known_root(text)) {
            *problem = (struct schema_problem){
                pointer, SLICE("a hole is {/arguments/...} or {/responses/...}")};
            return ERR_UNPROCESSABLE;
        }
        text = slice_from(text, 1);
    }
}

enum err template_check(struct arena *arena, const struct jval *value,
                        struct slice pointer, struct schema_problem *problem)
{
    enum err err = ERR_OK;
    if (value->type == JVAL_STRING) {
        return check_text(value->text, pointer, problem);
    }
    for (size_t i = 0; err == ERR_OK && i < value->count; i++) {
        bool object = value->type == JVAL_OBJECT;
        struct slice below =
            object ? arena_printf(arena, "%.*s/%.*s", SLICE_ARG(pointer),
                                  SLICE_ARG(value->members[i].name))
                   : arena_printf(arena, "%.*s/%zu", SLICE_ARG(pointer), i);
        err =
            template_check(arena, object ? &value->members[i].value : &value->items[i],
                           below, problem);
    }
    return err;
}

/* ---- Filling ---- */

static const struct jval *element(const struct jval *array, struct slice word)
{
    unsigned long long index = 0;
    if (!jval_is(array, JVAL_ARRAY)) {
        return jval_member(array, word);
    }
    return slice_to_u64(word, &index) && index < array->count ? &array->items[index]
                                                              : NULL;
}

static const struct jval *follow(const struct template_values *values,
                                 struct slice pointer)
{
    bool arguments = slice_starts(pointer, SLICE("/arguments/"));
    const struct jval *at = arguments ? values->arguments : values->responses;
    pointer = slice_from(pointer, sizeof "/arguments" - 1);
    while (pointer.len > 0 && at != NULL) {
        struct slice rest = slice_from(pointer, 1);
        ptrdiff_t slash = slice_find(rest, '/');
        struct slice word = slash < 0 ? rest : slice_of(rest.ptr, (size_t)slash);
        at = element(at, word);
        pointer = slice_from(rest, word.len);
    }
    return at;
}

static void append_value(struct buf *out, const struct jval *value)
{
    if (value == NULL) {
        return;
    }
    if (value->type == JVAL_STRING) {
        buf_append(out, value->text);
        return;
    }
    struct jwriter writer;
    jwriter_init(&writer, out);
    jwriter_value(&writer, value);
}

static struct slice fill_text(struct arena *arena, struct slice text,
                              const struct template_values *values)
{
    struct buf out;
    buf_init(&out, LIMIT_RESULT_BYTES);
    for (ptrdiff_t hole = find_hole(text); hole >= 0; hole = find_hole(text)) {
        struct slice rest = slice_from(text, (size_t)hole + 1);
        ptrdiff_t end = slice_find(rest, '}');
        REQUIRE(end >= 0); /* template_check has seen to it */
        buf_append(&out, slice_of(text.ptr, (size_t)hole));
        append_value(&out, follow(values, slice_of(rest.ptr, (size_t)end)));
        text = slice_from(rest, (size_t)end + 1);
    }
    buf_append(&out, text);
    struct slice filled = arena_slice(arena, buf_slice(&out));
    buf_free(&out);
    return filled;
}

const struct jval *template_fill(struct arena *arena, const struct jval *value,
                                 const struct template_values *values)
{
    if (value->type == JVAL_STRING) {
        return find_hole(value->text) < 0
                   ? value
                   : jval_new_string(arena, fill_text(arena, value->text, values));
    }
    if (value->type == JVAL_ARRAY) {
        struct jval *copy = jval_new_array(arena, value->count);
        for (size_t i = 0; i < value->count; i++) {
            jval_push(arena, copy, template_fill(arena, &value->items[i], values));
        }
        return copy;
    }
    if (value->type == JVAL_OBJECT) {
        struct jval *copy = jval_new_object(arena, value->count);
        for (size_t i = 0; i < value->count; i++) {
            jval_set(arena, copy, value->members[i].name,
                     template_fill(arena, &value->members[i].value, values));
        }
        return copy;
    }
    return value;
}
