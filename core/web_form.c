/* SPDX-License-Identifier: Apache-2.0 */
#include "core/web_form.h"

#include "base/text.h"

static bool decode(struct arena *arena, struct slice encoded, struct slice *out)
{
    char *copy = arena_copy(arena, encoded);
    for (size_t i = 0; i < encoded.len; i++) {
        if (copy[i] == '+') {
            copy[i] = ' ';
        }
    }
    return text_unpercent(arena, slice_of(copy, encoded.len), out) &&
           text_is_utf8(*out) && slice_find(*out, '\0') < 0;
}

static const struct web_form_field *find(const struct web_form *form, struct slice name)
{
    for (size_t i = 0; i < form->count; i++) {
        if (slice_eq(form->fields[i].name, name)) {
            return &form->fields[i];
        }
    }
    return NULL;
}

static bool read_pair(struct arena *arena, struct slice pair, struct web_form *out)
{
    ptrdiff_t equals = slice_find(pair, '=');
    size_t name_len = equals < 0 ? pair.len : (size_t)equals;
    struct web_form_field field;
    if (out->count == LIMIT_FORM_FIELDS ||
        !decode(arena, slice_of(pair.ptr, name_len), &field.name) ||
        !decode(arena, slice_from(pair, name_len + 1), &field.value) ||
        find(out, field.name) != NULL) {
        return false;
    }
    out->fields[out->count++] = field;
    return true;
}

bool web_form_read(struct arena *arena, struct slice encoded, struct web_form *out)
{
    out->count = 0;
    while (encoded.len > 0) {
        ptrdiff_t end = slice_find(encoded, '&');
        struct slice pair = end < 0 ? encoded : slice_of(encoded.ptr, (size_t)end);
        encoded = end < 0 ? SLICE_EMPTY : slice_from(encoded, (size_t)end + 1);
        if (pair.len > 0 && !read_pair(arena, pair, out)) {
            return false;
        }
    }
    return true;
}

struct slice web_form_get(const struct web_form *form, struct slice name)
{
    const struct web_form_field *field = find(form, name);
    return field != NULL ? field->value : SLICE_EMPTY;
}
