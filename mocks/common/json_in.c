/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies as jansson trees. */
#include "mocks/common/json_in.h"

#include <stdbool.h>

#define EXACT_DIGITS 18 /* always fits a 64 bit integer */

static size_t string_end(struct slice text, size_t at)
{
    for (size_t i = at + 1; i < text.len; i++) {
        if (text.ptr[i] == '\\') {
            i++;
        } else if (text.ptr[i] == '"') {
            return i + 1;
        }
    }
    return text.len;
}

static bool is_number_byte(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' ||
           c == 'E';
}

static size_t number_end(struct slice text, size_t at)
{
    while (at < text.len && is_number_byte(text.ptr[at])) {
        at++;
    }
    return at;
}

static bool needs_quotes(struct slice number)
{
    size_t digits = 0;
    for (size_t i = 0; i < number.len; i++) {
        char c = number.ptr[i];
        if (c == '.' || c == 'e' || c == 'E') {
            return true;
        }
        digits += c >= '0' && c <= '9' ? 1 : 0;
    }
    return digits > EXACT_DIGITS;
}

/* A copy with inexact numbers in quotes; strings are copied whole. At most three bytes
 * per byte of input come out. */
static struct slice quote_decimals(struct arena *arena, struct slice text)
{
    char *out = arena_array(arena, text.len + 1, 3);
    size_t used = 0;
    size_t at = 0;
    while (at < text.len) {
        char c = text.ptr[at];
        size_t end = at + 1;
        bool quote = false;
        if (c == '"') {
            end = string_end(text, at);
        } else if (c == '-' || (c >= '0' && c <= '9')) {
            end = number_end(text, at);
            quote = needs_quotes(slice_of(text.ptr + at, end - at));
        }
        if (quote) {
            out[used++] = '"';
        }
        memcpy(out + used, text.ptr + at, end - at);
        used += end - at;
        if (quote) {
            out[used++] = '"';
        }
        at = end;
    }
    return slice_of(out, used);
}

json_t *json_in_parse(struct arena *arena, struct slice text, struct slice *why)
{
    if (slice_find(text, '\0') >= 0) {
        *why = SLICE("the body holds a NUL byte");
        return NULL;
    }
    struct slice exact = quote_decimals(arena, text);
    json_error_t error;
    json_t *tree = json_loadb(exact.ptr, exact.len, JSON_REJECT_DUPLICATES, &error);
    if (tree == NULL) {
        *why = arena_printf(arena, "the body is not JSON: line %d, column %d",
                            error.line, error.column);
    }
    return tree;
}

struct slice json_in_text(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    if (!json_is_string(member)) {
        return SLICE_EMPTY;
    }
    return slice_of(json_string_value(member), json_string_length(member));
}
