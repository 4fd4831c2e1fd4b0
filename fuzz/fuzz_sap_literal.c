/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any argument as a value of any Edm type: what goes into the URL is one literal, and
 * read back by OData's rules it is the value. Bytes 0 to 2 choose the type, its facets
 * and the argument's own type; the rest is its text.
 */
#include "fuzz/input.h"

#include "base/text.h"
#include "connectors/sap/amount.h"
#include "connectors/sap/literal.h"

static const struct {
    const char *before, *after;
    bool is_text; /* its value is the argument, byte for byte */
} forms[EDM_KINDS] = {[EDM_STRING] = {"'", "'", true},
                      [EDM_DATETIME] = {"datetime'", "'", false},
                      [EDM_DATETIMEOFFSET] = {"datetimeoffset'", "'", false},
                      [EDM_TIME] = {"time'", "'", false},
                      [EDM_GUID] = {"guid'", "'", true},
                      [EDM_DECIMAL] = {"", "M", true},
                      [EDM_INT64] = {"", "L", true},
                      [EDM_INT32] = {"", "", true},
                      [EDM_INT16] = {"", "", true},
                      [EDM_BYTE] = {"", "", true},
                      [EDM_SBYTE] = {"", "", true},
                      [EDM_DOUBLE] = {"", "d", true},
                      [EDM_SINGLE] = {"", "f", true},
                      [EDM_BOOLEAN] = {"", "", false},
                      [EDM_BINARY] = {"X'", "'", false}};

/* Between the shell's quotes nothing but unreserved characters and %XX stands. */
static struct slice decode(struct arena *arena, enum edm_kind kind,
                           struct slice literal)
{
    struct slice before = slice_str(forms[kind].before),
                 after = slice_str(forms[kind].after), plain = SLICE_EMPTY;

    REQUIRE(literal.len >= before.len + after.len && slice_starts(literal, before));
    REQUIRE(slice_eq(slice_from(literal, literal.len - after.len), after));
    struct slice inner =
        slice_of(literal.ptr + before.len, literal.len - before.len - after.len);
    for (size_t i = 0; i < inner.len; i++) {
        char c = inner.ptr[i];
        REQUIRE((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                (c >= 'a' && c <= 'z') || (c != '\0' && strchr("-._~%", c) != NULL));
    }
    REQUIRE(text_unpercent(arena, inner, &plain));
    return plain;
}

/* Every quote has its twin behind it. */
static struct slice without_doubles(struct arena *arena, struct slice text)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'') {
            i++;
            REQUIRE(i < text.len && text.ptr[i] == '\'');
        }
        out[len++] = text.ptr[i];
    }
    return slice_of(out, len);
}

static void check_json(const struct edm *type, const struct jval *value,
                       const struct jval *out)
{
    if (forms[type->kind].is_text && !type->upper) {
        REQUIRE(slice_eq(out->text, value->text));
    }
    /* SAP takes a decimal and a long integer as strings only. */
    REQUIRE((type->kind != EDM_DECIMAL && type->kind != EDM_INT64) ||
            out->type == JVAL_STRING);
}

static void try_value(struct arena *arena, const struct edm *type,
                      const struct jval *value)
{
    struct slice literal = SLICE_EMPTY;
    struct jval out = {.type = JVAL_NULL};
    const char *wrong = edm_url(arena, type, value, &literal);
    const char *wrong_json = edm_json(arena, type, value, &out);

    if (wrong_json == NULL) {
        check_json(type, value, &out);
    }
    if (wrong != NULL) {
        REQUIRE(wrong[0] != '\0');
        return;
    }
    REQUIRE(wrong_json == NULL);
    struct slice plain = decode(arena, type->kind, literal);
    if (type->kind == EDM_STRING) {
        plain = without_doubles(arena, plain);
    }
    REQUIRE(slice_find(plain, '\'') < 0 || type->kind == EDM_STRING);
    if (forms[type->kind].is_text) {
        REQUIRE(type->upper ? slice_eq_nocase(plain, value->text)
                            : slice_eq(plain, value->text));
    }
}

/* A decimal that is taken is an amount, and one amount has one text. */
static void try_amount(struct arena *arena, struct slice text)
{
    struct amount amount, back, sum;

    if (!amount_parse(text, &amount)) {
        return;
    }
    struct slice written = amount_text(arena, &amount);
    REQUIRE(jval_number_cmp(written, text) == 0 || text.ptr[0] == '0' ||
            (text.ptr[0] == '-' && text.len > 1 && text.ptr[1] == '0'));
    REQUIRE(amount_parse(written, &back) &&
            slice_eq(amount_text(arena, &back), written));
    sum = amount;
    back.negative = !amount.negative;
    REQUIRE(amount_add(&sum, &back));
    struct slice zero = amount_text(arena, &sum);
    for (size_t i = 0; i < zero.len; i++) {
        REQUIRE(zero.ptr[i] == '0' || zero.ptr[i] == '.');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size);
    unsigned kind = input_byte(&input), facets = input_byte(&input),
             form = input_byte(&input);
    struct edm type = {.kind = (enum edm_kind)(kind % EDM_KINDS)};
    struct arena *arena = arena_new();

    if (type.kind == EDM_STRING || type.kind == EDM_DECIMAL) {
        type.size = facets % 64;
        type.scale = type.kind == EDM_DECIMAL && type.size > 0 ? facets / 64 : 0;
        type.scale = type.scale > type.size ? type.size : type.scale;
        type.upper = type.kind == EDM_STRING && facets >= 128;
    }
    if (text_is_utf8(input)) { /* as every JSON that was read */
        struct jval value = {.type = JVAL_STRING, .text = input};
        struct jval *number = NULL;
        if (form == 1) {
            value.type = JVAL_TRUE;
            value.text = SLICE_EMPTY;
        }
        try_value(arena, &type, &value);
        if (jval_parse(arena, input, &number, NULL) == ERR_OK) {
            try_value(arena, &type, number);
        }
        try_amount(arena, input);
    }
    arena_free(arena);
    return 0;
}
