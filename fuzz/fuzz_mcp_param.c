/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any fields beside any arguments: what is let through says the same in both, and a field that
 * says what the body says is let through, whatever that is. Byte 0 is how many fields there
 * are; each is a name and a value, both up to a zero byte; the rest are the arguments.
 */
#include "fuzz/input.h"

#include "base/text.h"
#include "core/mcp_mirror.h"

#define FIELDS 4

static const struct argument arguments[] = {
    {.name = {"amount", 6}, .header = {"Amount", 6}},
    {.name = {"free", 4}},
    {.name = {"paid", 4}, .header = {"Is-Paid", 7}},
    {.name = {"region", 6}, .header = {"Region", 6}},
};
#define ARGUMENTS (sizeof arguments / sizeof arguments[0])

static const struct tool tool = {.arguments = arguments, .argument_count = ARGUMENTS};

static struct slice field_name(struct arena *arena, const struct argument *argument)
{
    return arena_printf(arena, "mcp-param-%.*s", SLICE_ARG(argument->header));
}

static const struct http_field *only_field(const struct mcp_headers *headers,
                                           struct slice name)
{
    const struct http_field *found = NULL;

    for (size_t i = 0; i < headers->field_count; i++) {
        if (slice_eq_nocase(headers->fields[i].name, name)) {
            REQUIRE(found == NULL);
            found = &headers->fields[i];
        }
    }
    return found;
}

static void check_text(struct slice value, struct slice text, struct arena *arena)
{
    struct slice head = SLICE("=?base64?"), tail = SLICE("?="), bytes = SLICE_EMPTY;

    if (slice_eq(value, text)) {
        return;
    }
    REQUIRE(slice_starts(value, head) && value.len >= head.len + tail.len);
    REQUIRE(slice_eq(slice_from(value, value.len - tail.len), tail));
    struct slice inner =
        slice_of(value.ptr + head.len, value.len - head.len - tail.len);
    REQUIRE(text_unbase64(arena, inner, &bytes) && slice_eq(bytes, text));
}

/* What was let through, read once more. */
static void check_same(const struct mcp_headers *headers, const struct jval *body,
                       struct arena *arena)
{
    for (size_t i = 0; i < ARGUMENTS; i++) {
        if (arguments[i].header.len == 0) {
            continue;
        }
        const struct jval *value = jval_member(body, arguments[i].name);
        const struct http_field *field =
            only_field(headers, field_name(arena, &arguments[i]));
        bool is_given = value != NULL && value->type != JVAL_NULL;
        REQUIRE((field != NULL) == is_given);
        if (is_given) {
            REQUIRE(value->type != JVAL_ARRAY && value->type != JVAL_OBJECT);
        }
        if (is_given && value->type == JVAL_STRING) {
            check_text(slice_trim(field->value), value->text, arena);
        }
    }
}

/* The field that a client makes of a value; false: of this one none can be made. */
static bool mirror(const struct jval *value, struct arena *arena, struct slice *out)
{
    switch (value->type) {
    case JVAL_STRING:
        *out = arena_printf(
            arena, "=?base64?%.*s?=", SLICE_ARG(text_base64(arena, value->text)));
        return true;
    case JVAL_NUMBER:
        *out = value->text;
        return true;
    case JVAL_TRUE:
        *out = SLICE("true");
        return true;
    case JVAL_FALSE:
        *out = SLICE("false");
        return true;
    case JVAL_NULL:
    case JVAL_ARRAY:
    case JVAL_OBJECT:
        break;
    }
    return false;
}

static void check_mirrored(const struct jval *body, struct arena *arena)
{
    struct http_field fields[ARGUMENTS];
    struct mcp_headers headers = {.fields = fields};
    struct mcp_refusal refusal;

    for (size_t i = 0; i < ARGUMENTS; i++) {
        const struct jval *value = jval_member(body, arguments[i].name);
        struct http_field *field = &fields[headers.field_count];
        if (value == NULL || value->type == JVAL_NULL || arguments[i].header.len == 0) {
            continue;
        }
        field->name = field_name(arena, &arguments[i]);
        if (!mirror(value, arena, &field->value)) {
            return;
        }
        headers.field_count++;
    }
    REQUIRE(mcp_check_params(&headers, &tool, body, arena, &refusal) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size);
    struct http_field fields[FIELDS];
    struct mcp_headers headers = {.fields = fields};
    struct mcp_refusal refusal;
    struct jval *body = NULL;
    struct arena *arena = arena_new();

    headers.field_count = input_byte(&input) % (FIELDS + 1);
    for (size_t i = 0; i < headers.field_count; i++) {
        fields[i].name = input_text(&input);
        fields[i].value = input_text(&input);
    }
    if (jval_parse(arena, input, &body, NULL) == ERR_OK && body->type == JVAL_OBJECT) {
        enum err err = mcp_check_params(&headers, &tool, body, arena, &refusal);
        if (err == ERR_OK) {
            check_same(&headers, body, arena);
        } else {
            REQUIRE(err == ERR_HEADER_MISMATCH && refusal.err == err);
            REQUIRE(refusal.http_status == 400 && text_is_utf8(refusal.message));
        }
        check_mirrored(body, arena);
    }
    arena_free(arena);
    return 0;
}
