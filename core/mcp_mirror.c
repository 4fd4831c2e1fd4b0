/* SPDX-License-Identifier: Apache-2.0 */
/* Values are compared as the body means them: texts byte by byte, integers by value. */
#include "core/mcp_mirror.h"

#include "base/text.h"

#define PARAM_PREFIX "mcp-param-"

/* ---- Mcp-Method, Mcp-Name ---- */

/* The member of params that Mcp-Name mirrors, or NULL when the method has none. */
static const char *mirrored_member(struct slice method)
{
    if (slice_is(method, "tools/call") || slice_is(method, "prompts/get")) {
        return "name";
    }
    return slice_is(method, "resources/read") ? "uri" : NULL;
}

/* "=?base64?…?=" carries UTF-8 in base64; anything else is literal. */
static bool decode_mirror(struct slice value, struct arena *arena, struct slice *out)
{
    struct slice open = SLICE("=?base64?");
    bool wrapped = value.len >= open.len + 2 && slice_starts(value, open) &&
                   memcmp(value.ptr + value.len - 2, "?=", 2) == 0;
    if (!wrapped) {
        *out = value;
        return true;
    }
    struct slice inner = slice_of(value.ptr + open.len, value.len - open.len - 2);
    return text_unbase64(arena, inner, out) && text_is_utf8(*out);
}

enum err mcp_check_mirrors(const struct mcp_headers *headers,
                           const struct mcp_message *message, struct arena *arena,
                           struct mcp_refusal *refusal)
{
    if (!headers->has_method || !slice_eq(headers->method, message->method)) {
        return mcp_refuse(refusal, ERR_HEADER_MISMATCH, 400,
                          headers->has_method
                              ? SLICE("Mcp-Method does not match the body's method")
                              : SLICE("Mcp-Method header is missing"));
    }
    const char *member = mirrored_member(message->method);
    if (member == NULL) {
        return ERR_OK;
    }
    struct slice name;
    if (!headers->has_name) {
        return mcp_refuse(refusal, ERR_HEADER_MISMATCH, 400,
                          SLICE("Mcp-Name header is missing"));
    }
    if (!decode_mirror(headers->name, arena, &name)) {
        return mcp_refuse(refusal, ERR_HEADER_MISMATCH, 400,
                          SLICE("Mcp-Name cannot be decoded"));
    }
    if (!slice_eq(name, jval_text(jval_get(message->params, member)))) {
        return mcp_refuse(refusal, ERR_HEADER_MISMATCH, 400,
                          SLICE("Mcp-Name does not match the body"));
    }
    return ERR_OK;
}

/* ---- Mcp-Param-* ---- */

static enum err refuse_param(struct mcp_refusal *refusal, struct arena *arena,
                             struct slice header, const char *what)
{
    return mcp_refuse(
        refusal, ERR_HEADER_MISMATCH, 400,
        arena_printf(arena, "Mcp-Param-%.*s %s", SLICE_ARG(header), what));
}

/* How often the header stands there; *value is the first. */
static size_t find_param(const struct mcp_headers *headers, struct slice name,
                         struct slice *value)
{
    struct slice prefix = SLICE(PARAM_PREFIX);
    size_t count = 0;
    for (size_t i = 0; i < headers->field_count; i++) {
        const struct http_field *field = &headers->fields[i];
        bool same = field->name.len == prefix.len + name.len &&
                    slice_eq_nocase(slice_of(field->name.ptr, prefix.len), prefix) &&
                    slice_eq_nocase(slice_from(field->name, prefix.len), name);
        if (same && count++ == 0) {
            *value = slice_trim(field->value);
        }
    }
    return count;
}

static bool same_number(struct slice text, const struct jval *argument,
                        struct arena *arena)
{
    struct jval *number = NULL;
    return jval_parse(arena, text, &number, NULL) == ERR_OK &&
           number->type == JVAL_NUMBER &&
           jval_number_cmp(number->text, argument->text) == 0;
}

static bool says_the_same(struct slice text, const struct jval *argument,
                          struct arena *arena)
{
    if (argument->type == JVAL_STRING) {
        return slice_eq(text, argument->text);
    }
    if (argument->type == JVAL_NUMBER) {
        return same_number(text, argument, arena);
    }
    return (argument->type == JVAL_TRUE && slice_is(text, "true")) ||
           (argument->type == JVAL_FALSE && slice_is(text, "false"));
}

static enum err check_param(const struct mcp_headers *headers,
                            const struct argument *declared,
                            const struct jval *argument, struct arena *arena,
                            struct mcp_refusal *refusal)
{
    struct slice value = SLICE_EMPTY, text;
    size_t count = find_param(headers, declared->header, &value);
    bool given = argument != NULL && argument->type != JVAL_NULL;
    if (count > 1) {
        return refuse_param(refusal, arena, declared->header, "stands there twice");
    }
    if (!given) {
        return count == 0
                   ? ERR_OK
                   : refuse_param(refusal, arena, declared->header,
                                  "names an argument that the body does not have");
    }
    if (count == 0) {
        return refuse_param(refusal, arena, declared->header, "header is missing");
    }
    if (!decode_mirror(value, arena, &text)) {
        return refuse_param(refusal, arena, declared->header, "cannot be decoded");
    }
    return says_the_same(text, argument, arena)
               ? ERR_OK
               : refuse_param(refusal, arena, declared->header,
                              "does not match the body");
}

enum err mcp_check_params(const struct mcp_headers *headers, const struct tool *tool,
                          const struct jval *arguments, struct arena *arena,
                          struct mcp_refusal *refusal)
{
    for (size_t i = 0; i < tool->argument_count; i++) {
        const struct argument *declared = &tool->arguments[i];
        if (declared->header.len == 0) {
            continue;
        }
        enum err err = check_param(
            headers, declared, jval_member(arguments, declared->name), arena, refusal);
        if (err != ERR_OK) {
            return err;
        }
    }
    return ERR_OK;
}
