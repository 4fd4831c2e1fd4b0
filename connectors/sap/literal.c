/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One reader per kind of value brings an argument to its canonical text; the URL and
 * the body then only differ in what they put around it.
 */
#include "connectors/sap/literal.h"

#include <ctype.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/timefmt.h"

#define DECIMAL_DIGITS_MAX 40
#define DOUBLE_BYTES_MAX 40
#define STRING_BYTES_MAX 4096
#define BINARY_BYTES_MAX 4096
#define LITERAL_BYTES_MAX ((size_t)4 * STRING_BYTES_MAX)
#define TIME_BYTES 8 /* HH:MM:SS */

/* ---- Types ---- */

static const char *const kind_names[EDM_KINDS] = {
    [EDM_STRING] = "String", [EDM_DATETIME] = "DateTime",
    [EDM_TIME] = "Time",     [EDM_DATETIMEOFFSET] = "DateTimeOffset",
    [EDM_GUID] = "Guid",     [EDM_DECIMAL] = "Decimal",
    [EDM_INT64] = "Int64",   [EDM_INT32] = "Int32",
    [EDM_INT16] = "Int16",   [EDM_BYTE] = "Byte",
    [EDM_SBYTE] = "SByte",   [EDM_DOUBLE] = "Double",
    [EDM_SINGLE] = "Single", [EDM_BOOLEAN] = "Boolean",
    [EDM_BINARY] = "Binary"};

static bool parse_size(struct slice text, unsigned *out)
{
    unsigned long long number;

    if (text.len > 5 || !slice_to_u64(text, &number) || number == 0) {
        return false;
    }
    *out = (unsigned)number;
    return true;
}

/* What stands between the parentheses. */
static bool parse_facets(struct slice text, struct edm *out)
{
    ptrdiff_t comma = slice_find(text, ',');
    unsigned long long scale;

    if (out->kind == EDM_STRING) {
        return parse_size(text, &out->size);
    }
    if (out->kind != EDM_DECIMAL || comma < 0) {
        return false;
    }
    if (!parse_size(slice_of(text.ptr, (size_t)comma), &out->size) ||
        !slice_to_u64(slice_from(text, (size_t)comma + 1), &scale) ||
        scale > out->size) {
        return false;
    }
    out->scale = (unsigned)scale;
    return true;
}

bool edm_parse(struct slice text, struct edm *out)
{
    struct slice upper = SLICE(" upper");

    *out = (struct edm){.kind = EDM_STRING};
    if (text.len > upper.len &&
        slice_eq(slice_from(text, text.len - upper.len), upper)) {
        out->upper = true;
        text.len -= upper.len;
    }
    ptrdiff_t open = slice_find(text, '(');
    struct slice name = open < 0 ? text : slice_of(text.ptr, (size_t)open);
    while (out->kind < EDM_KINDS && !slice_is(name, kind_names[out->kind])) {
        out->kind++;
    }
    if (out->kind == EDM_KINDS || (out->upper && out->kind != EDM_STRING)) {
        return false;
    }
    if (open < 0) {
        return true;
    }
    struct slice rest = slice_from(text, (size_t)open + 1);
    return rest.len > 1 && rest.ptr[rest.len - 1] == ')' &&
           parse_facets(slice_of(rest.ptr, rest.len - 1), out);
}

/* ---- Readers: an argument to canonical text; NULL or what is wrong ---- */

static size_t digits_at(struct slice text, size_t at)
{
    size_t count = 0;

    while (at + count < text.len && text.ptr[at + count] >= '0' &&
           text.ptr[at + count] <= '9') {
        count++;
    }
    return count;
}

/* No number of JSON, where it may have to stand. */
static bool has_leading_zero(struct slice text, size_t at, size_t digits)
{
    return digits > 1 && text.ptr[at] == '0';
}

static size_t characters(struct slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    }
    return count;
}

static const char *read_string(struct arena *arena, const struct edm *type,
                               struct slice text, struct slice *out)
{
    char *copy;

    if (text.len > STRING_BYTES_MAX) {
        return "This text is too long.";
    }
    if (type->size > 0 && characters(text) > type->size) {
        return arena_printf(arena, "This is at most %u characters long.", type->size)
            .ptr;
    }
    copy = arena_copy(arena, text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)copy[i];
        if (c < 0x20 || c == 0x7f) {
            return "This may not hold control characters such as line breaks.";
        }
        /* ASCII only: SAP does the rest by its own rules, and a wrong guess would
         * change the value. */
        if (type->upper && c < 0x80) {
            copy[i] = (char)toupper(c);
        }
    }
    *out = slice_of(copy, text.len);
    return NULL;
}

/* -?digits[.digits], as it came: no exponent to expand, nothing to round. */
static const char *read_decimal(struct arena *arena, const struct edm *type,
                                struct slice text, struct slice *out)
{
    size_t sign = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    size_t whole = digits_at(text, sign), fraction = 0, at = sign + whole, zeros = 0;

    if (at < text.len && text.ptr[at] == '.') {
        fraction = digits_at(text, at + 1);
        at += 1 + fraction;
        whole = fraction > 0 ? whole : 0;
    }
    if (whole == 0 || at != text.len || whole + fraction > DECIMAL_DIGITS_MAX) {
        return "This is a decimal number such as 12.50, of at most 40 digits, without "
               "exponent and separators.";
    }
    while (zeros + 1 < whole && text.ptr[sign + zeros] == '0') {
        zeros++;
    }
    if (type->size > 0 &&
        (fraction > type->scale || whole - zeros > type->size - type->scale)) {
        return arena_printf(arena,
                            "This is a decimal number with at most %u digits before "
                            "the point and %u behind it.",
                            type->size - type->scale, type->scale)
            .ptr;
    }
    *out = text;
    return NULL;
}

static const char *read_integer(enum edm_kind kind, struct slice text,
                                struct slice *out)
{
    static const char *const lows[EDM_KINDS] = {[EDM_INT64] = "-9223372036854775808",
                                                [EDM_INT32] = "-2147483648",
                                                [EDM_INT16] = "-32768",
                                                [EDM_BYTE] = "0",
                                                [EDM_SBYTE] = "-128"};
    static const char *const highs[EDM_KINDS] = {[EDM_INT64] = "9223372036854775807",
                                                 [EDM_INT32] = "2147483647",
                                                 [EDM_INT16] = "32767",
                                                 [EDM_BYTE] = "255",
                                                 [EDM_SBYTE] = "127"};
    size_t sign = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    size_t digits = digits_at(text, sign);

    if (digits == 0 || digits > 19 || sign + digits != text.len ||
        has_leading_zero(text, sign, digits) ||
        jval_number_cmp(text, slice_str(lows[kind])) < 0 ||
        jval_number_cmp(text, slice_str(highs[kind])) > 0) {
        return "This is no whole number, or outside the range of the field.";
    }
    *out = text;
    return NULL;
}

/* A JSON number, as it came. */
static const char *read_double(struct slice text, struct slice *out)
{
    size_t at = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    size_t digits = digits_at(text, at);
    bool right = digits > 0 && text.len <= DOUBLE_BYTES_MAX &&
                 !has_leading_zero(text, at, digits);

    at += digits;
    if (right && at < text.len && text.ptr[at] == '.') {
        digits = digits_at(text, at + 1);
        right = digits > 0;
        at += 1 + digits;
    }
    if (right && at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        at++;
        at += at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+') ? 1 : 0;
        digits = digits_at(text, at);
        right = digits > 0;
        at += digits;
    }
    *out = text;
    return right && at == text.len ? NULL : "This is a number such as 1.5 or 2e-3.";
}

static bool is_time(struct slice text)
{
    if (text.len != TIME_BYTES || text.ptr[2] != ':' || text.ptr[5] != ':') {
        return false;
    }
    if (digits_at(text, 0) != 2 || digits_at(text, 3) != 2 || digits_at(text, 6) != 2) {
        return false;
    }
    return memcmp(text.ptr, "24", 2) < 0 && text.ptr[3] < '6' && text.ptr[6] < '6';
}

/* YYYY-MM-DDTHH:MM:SS out of that or of a day. */
static const char *read_datetime(struct arena *arena, struct slice text,
                                 struct slice *out)
{
    struct slice day = slice_of(text.ptr, text.len < 10 ? text.len : 10);
    struct slice rest = slice_from(text, 10);

    if (timefmt_is_date(day) && rest.len == 0) {
        *out = arena_printf(arena, "%.*sT00:00:00", SLICE_ARG(day));
        return NULL;
    }
    if (timefmt_is_date(day) && rest.ptr[0] == 'T' && is_time(slice_from(rest, 1))) {
        *out = text;
        return NULL;
    }
    return "This is a day that exists, YYYY-MM-DD.";
}

static const char *read_offset(struct arena *arena, struct slice text,
                               struct slice *out)
{
    int64_t wall_ms;

    if (timefmt_is_date(text)) {
        *out = arena_printf(arena, "%.*sT00:00:00Z", SLICE_ARG(text));
        return NULL;
    }
    *out = text;
    return text.len <= 40 && timefmt_parse(text, &wall_ms)
               ? NULL
               : "This is a time with its zone, such as 2026-11-20T10:00:00Z.";
}

static const char *read_time(struct arena *arena, struct slice text, struct slice *out)
{
    if (!is_time(text)) {
        return "This is a time of day, HH:MM:SS.";
    }
    *out =
        arena_printf(arena, "PT%.2sH%.2sM%.2sS", text.ptr, text.ptr + 3, text.ptr + 6);
    return NULL;
}

static const char *read_guid(struct slice text, struct slice *out)
{
    bool right = text.len == 36;

    for (size_t i = 0; right && i < text.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        unsigned char c = (unsigned char)text.ptr[i];
        right = dash ? c == '-' : c < 0x80 && isxdigit(c);
    }
    *out = text;
    return right ? NULL : "This is a GUID of 32 hex digits in five groups.";
}

static const char *read_boolean(const struct jval *value, struct slice *out)
{
    *out = value->type == JVAL_TRUE    ? SLICE("true")
           : value->type == JVAL_FALSE ? SLICE("false")
                                       : jval_text(value);
    return slice_is(*out, "true") || slice_is(*out, "false") ? NULL
                                                             : "This is true or false.";
}

/* Base64 in, base64 out; `bytes` for the URL, which wants hex. */
static const char *read_binary(struct arena *arena, struct slice text,
                               struct slice *bytes)
{
    return text.len <= BINARY_BYTES_MAX && text_unbase64(arena, text, bytes)
               ? NULL
               : "This is base64, at most 4096 characters of it.";
}

static bool takes_number(enum edm_kind kind)
{
    switch (kind) {
    case EDM_DECIMAL:
    case EDM_INT64:
    case EDM_INT32:
    case EDM_INT16:
    case EDM_BYTE:
    case EDM_SBYTE:
    case EDM_DOUBLE:
    case EDM_SINGLE:
        return true;
    case EDM_STRING:
    case EDM_DATETIME:
    case EDM_DATETIMEOFFSET:
    case EDM_TIME:
    case EDM_GUID:
    case EDM_BOOLEAN:
    case EDM_BINARY:
    case EDM_KINDS:
        break;
    }
    return false;
}

static const char *read_value(struct arena *arena, const struct edm *type,
                              const struct jval *value, struct slice *out)
{
    struct slice text = value->text;
    bool number = value->type == JVAL_NUMBER && takes_number(type->kind);

    if (type->kind == EDM_BOOLEAN) {
        return read_boolean(value, out);
    }
    if (value->type != JVAL_STRING && !number) {
        return takes_number(type->kind) ? "This is a number, or its text."
                                        : "This has to be text.";
    }
    switch (type->kind) {
    case EDM_STRING:
        return read_string(arena, type, text, out);
    case EDM_DATETIME:
        return read_datetime(arena, text, out);
    case EDM_DATETIMEOFFSET:
        return read_offset(arena, text, out);
    case EDM_TIME:
        return read_time(arena, text, out);
    case EDM_GUID:
        return read_guid(text, out);
    case EDM_DECIMAL:
        return read_decimal(arena, type, text, out);
    case EDM_INT64:
    case EDM_INT32:
    case EDM_INT16:
    case EDM_BYTE:
    case EDM_SBYTE:
        return read_integer(type->kind, text, out);
    case EDM_DOUBLE:
    case EDM_SINGLE:
        return read_double(text, out);
    case EDM_BINARY:
        return read_binary(arena, text, out);
    case EDM_BOOLEAN:
    case EDM_KINDS:
        break;
    }
    return "This cannot be written.";
}

/* ---- In a URL ---- */

static const struct {
    const char *before, *after;
} shells[EDM_KINDS] = {
    [EDM_STRING] = {"'", "'"},
    [EDM_DATETIME] = {"datetime'", "'"},
    [EDM_DATETIMEOFFSET] = {"datetimeoffset'", "'"},
    [EDM_TIME] = {"time'", "'"},
    [EDM_GUID] = {"guid'", "'"},
    [EDM_DECIMAL] = {"", "M"},
    [EDM_INT64] = {"", "L"},
    [EDM_INT32] = {"", ""},
    [EDM_INT16] = {"", ""},
    [EDM_BYTE] = {"", ""},
    [EDM_SBYTE] = {"", ""},
    [EDM_DOUBLE] = {"", "d"},
    [EDM_SINGLE] = {"", "f"},
    [EDM_BOOLEAN] = {"", ""},
    [EDM_BINARY] = {"X'", "'"},
};

/* Everything but unreserved characters becomes %XX, and a quote is doubled first: the
 * only quotes that stand in the URL are the two around the value. */
static void append_encoded(struct buf *out, struct slice text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'') {
            text_percent(out, slice_of(text.ptr + from, i + 1 - from));
            from = i;
        }
    }
    text_percent(out, slice_from(text, from));
}

const char *edm_url(struct arena *arena, const struct edm *type,
                    const struct jval *value, struct slice *out)
{
    struct slice text = SLICE_EMPTY;
    struct buf url;
    const char *wrong = read_value(arena, type, value, &text);

    if (wrong != NULL) {
        return wrong;
    }
    if (type->kind == EDM_BINARY) {
        text = text_hex(arena, text);
    }
    buf_init(&url, LITERAL_BYTES_MAX);
    buf_append(&url, slice_str(shells[type->kind].before));
    append_encoded(&url, text);
    buf_append(&url, slice_str(shells[type->kind].after));
    *out = arena_slice(arena, buf_slice(&url));
    wrong = buf_full(&url) ? "This text is too long." : NULL;
    buf_free(&url);
    return wrong;
}

/* ---- In a JSON body ---- */

static struct slice date_text(struct arena *arena, struct slice text, const char *zone)
{
    int64_t wall_ms = 0;
    bool zoned = zone[0] != '\0';
    struct slice stamp = zoned ? text : arena_printf(arena, "%.*sZ", SLICE_ARG(text));

    REQUIRE(timefmt_parse(stamp, &wall_ms)); /* its reader has seen to it */
    return arena_printf(arena, "/Date(%lld%s)/", (long long)wall_ms, zone);
}

const char *edm_json(struct arena *arena, const struct edm *type,
                     const struct jval *value, struct jval *out)
{
    struct slice text = SLICE_EMPTY;
    const char *wrong = read_value(arena, type, value, &text);

    if (wrong != NULL) {
        return wrong;
    }
    *out = (struct jval){.type = JVAL_STRING, .text = text};
    switch (type->kind) {
    case EDM_DATETIME:
        out->text = date_text(arena, text, "");
        break;
    case EDM_DATETIMEOFFSET:
        out->text = date_text(arena, text, "+0000");
        break;
    case EDM_INT32:
    case EDM_INT16:
    case EDM_BYTE:
    case EDM_SBYTE:
    case EDM_DOUBLE:
    case EDM_SINGLE:
        out->type = JVAL_NUMBER;
        break;
    case EDM_BOOLEAN:
        *out = (struct jval){.type = slice_is(text, "true") ? JVAL_TRUE : JVAL_FALSE,
                             .text = SLICE_EMPTY};
        break;
    case EDM_BINARY:
        out->text = value->text;
        break;
    case EDM_STRING:
    case EDM_TIME:
    case EDM_GUID:
    case EDM_DECIMAL:
    case EDM_INT64:
    case EDM_KINDS:
        break;
    }
    return NULL;
}
