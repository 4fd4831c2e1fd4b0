/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Pointer: written while walking a value, and followed to a value. */
#include "catalog/catalog_private.h"

/* Callers choose member names, so a pointer has a ceiling. */
#define POINTER_BYTES 1024

static void append_token(struct buf *out, struct slice name)
{
    buf_append_byte(out, '/');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '~') {
            buf_append(out, SLICE("~0"));
        } else if (name.ptr[i] == '/') {
            buf_append(out, SLICE("~1"));
        } else {
            buf_append_byte(out, name.ptr[i]);
        }
    }
}

static bool append_trail(struct buf *out, const struct trail *trail)
{
    size_t before;

    if (trail == NULL) {
        return true;
    }
    if (!append_trail(out, trail->parent)) {
        return false;
    }
    before = out->len;
    if (trail->name.ptr != NULL) {
        append_token(out, trail->name);
    } else {
        buf_printf(out, "/%zu", trail->index);
    }
    if (buf_full(out)) {
        out->len = before; /* end at the parent: a cut token would name another place */
        return false;
    }
    return true;
}

struct slice trail_pointer(struct arena *arena, const struct trail *trail)
{
    struct slice result;
    struct buf out;

    buf_init(&out, POINTER_BYTES);
    append_trail(&out, trail);
    result = arena_slice(arena, buf_slice(&out));
    buf_free(&out);
    return result;
}

struct slice pointer_member(struct arena *arena, struct slice parent, struct slice name)
{
    struct slice result;
    struct buf out;

    buf_init(&out, LIMIT_CATALOG_FILE_BYTES);
    buf_append(&out, parent);
    append_token(&out, name);
    result = arena_slice(arena, buf_slice(&out));
    buf_free(&out);
    return result;
}

struct slice pointer_index(struct arena *arena, struct slice parent, size_t index)
{
    return arena_printf(arena, "%.*s/%zu", SLICE_ARG(parent), index);
}

/* False for a '~' that is neither ~0 nor ~1. */
static bool unescape(struct arena *arena, struct slice token, struct slice *out)
{
    char *text = arena_alloc(arena, token.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < token.len; i++) {
        char byte = token.ptr[i];

        if (byte == '~') {
            i++;
            if (i == token.len || (token.ptr[i] != '0' && token.ptr[i] != '1')) {
                return false;
            }
            byte = token.ptr[i] == '0' ? '~' : '/';
        }
        text[len++] = byte;
    }
    *out = slice_of(text, len);
    return true;
}

static const struct jval *child(const struct jval *value, struct slice token)
{
    unsigned long long index;

    if (value->type == JVAL_OBJECT) {
        return jval_member(value, token);
    }
    if (value->type != JVAL_ARRAY || !slice_to_u64(token, &index) ||
        (token.len > 1 && token.ptr[0] == '0') || index >= value->count) {
        return NULL;
    }
    return &value->items[index];
}

const struct jval *pointer_find(struct arena *arena, const struct jval *root,
                                struct slice pointer)
{
    const struct jval *value = root;

    while (value != NULL && pointer.len > 0) {
        struct slice rest = slice_from(pointer, 1);
        ptrdiff_t slash = slice_find(rest, '/');
        struct slice token = slash < 0 ? rest : slice_of(rest.ptr, (size_t)slash);
        struct slice name;

        if (pointer.ptr[0] != '/' || !unescape(arena, token, &name)) {
            return NULL;
        }
        value = child(value, name);
        pointer = slice_from(rest, token.len);
    }
    return value;
}
