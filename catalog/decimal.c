/* SPDX-License-Identifier: Apache-2.0 */
/* Exact decimals: what JSON numbers and amounts are before anybody rounds them. */
#include "catalog/catalog_private.h"

#define EXPONENT_CLAMP INT64_C(1000000000000000)

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* [+-]digits to the end of the text. */
static bool parse_exponent(struct slice text, int64_t *out)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    size_t at = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+') ? 1 : 0;
    int64_t value = 0;

    if (at == text.len) {
        return false;
    }
    for (; at < text.len; at++) {
        if (!is_digit(text.ptr[at])) {
            return false;
        }
        if (value < EXPONENT_CLAMP) {
            value = value * 10 + (text.ptr[at] - '0');
        }
    }
    value = value < EXPONENT_CLAMP ? value : EXPONENT_CLAMP;
    *out = negative ? -value : value;
    return true;
}

static void strip_trailing_zeros(struct decimal *value)
{
    while (value->count > 0 && value->digits[value->count - 1] == '0') {
        value->count--;
        value->exponent++;
    }
    if (value->count == 0) {
        value->negative = false;
        value->exponent = 0;
    }
}

bool decimal_parse(struct slice text, struct decimal *out)
{
    bool point = false, digit = false;
    int64_t exponent = 0;
    size_t at = 0;

    out->count = 0;
    out->exponent = 0;
    out->negative = text.len > 0 && text.ptr[0] == '-';
    if (text.len > LIMIT_NUMBER_BYTES) {
        return false;
    }
    if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+')) {
        at = 1;
    }
    for (; at < text.len; at++) {
        char byte = text.ptr[at];

        if (byte == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(byte)) {
            break;
        }
        digit = true;
        out->exponent -= point ? 1 : 0;
        if (out->count > 0 || byte != '0') {
            out->digits[out->count++] = byte;
        }
    }
    if (!digit) {
        return false;
    }
    if (at < text.len) {
        bool marked = text.ptr[at] == 'e' || text.ptr[at] == 'E';

        if (!marked || !parse_exponent(slice_from(text, at + 1), &exponent)) {
            return false;
        }
    }
    out->exponent += exponent;
    strip_trailing_zeros(out);
    return true;
}

bool decimal_is_integer(const struct decimal *value)
{
    return value->exponent >= 0;
}

static void append_zeros(struct buf *out, int64_t count)
{
    for (; count > 0; count--) {
        buf_append_byte(out, '0');
    }
}

/* The point stands inside or before the digits. */
static void append_fraction(struct buf *out, const struct decimal *value)
{
    int64_t whole = (int64_t)value->count + value->exponent;

    if (whole > 0) {
        buf_append(out, slice_of(value->digits, (size_t)whole));
        buf_append_byte(out, '.');
        buf_append(out, slice_of(value->digits + whole, value->count - (size_t)whole));
        return;
    }
    buf_append(out, SLICE("0."));
    append_zeros(out, -whole);
    buf_append(out, slice_of(value->digits, value->count));
}

bool decimal_plain(struct arena *arena, const struct decimal *value, struct slice *out)
{
    struct buf text;
    bool fits;

    if (value->exponent > DECIMAL_PLAIN || value->exponent < -DECIMAL_PLAIN) {
        return false;
    }
    buf_init(&text, DECIMAL_PLAIN);
    if (value->negative) {
        buf_append_byte(&text, '-');
    }
    if (value->count == 0) {
        buf_append_byte(&text, '0');
    } else if (value->exponent >= 0) {
        buf_append(&text, slice_of(value->digits, value->count));
        append_zeros(&text, value->exponent);
    } else {
        append_fraction(&text, value);
    }
    fits = !buf_full(&text);
    if (fits) {
        *out = arena_slice(arena, buf_slice(&text));
    }
    buf_free(&text);
    return fits;
}

void decimal_canonical(const struct decimal *value, struct buf *out)
{
    if (value->count == 0) {
        buf_append_byte(out, '0');
        return;
    }
    if (value->negative) {
        buf_append_byte(out, '-');
    }
    buf_append(out, slice_of(value->digits, value->count));
    if (value->exponent != 0) {
        buf_printf(out, "e%lld", (long long)value->exponent);
    }
}
