/* SPDX-License-Identifier: Apache-2.0 */
/* Exact decimal numbers on 128 bit integers. */
#include "mocks/netsuite/decimal.h"

#define MAX_DIGITS 38
#define MAX_SCALE 30
#define QUOTIENT_SCALE 20

static decimal_int power_of_ten(int exponent)
{
    decimal_int power = 1;
    for (int i = 0; i < exponent; i++) {
        power *= 10;
    }
    return power;
}

static bool in_range(decimal_int value)
{
    decimal_int limit = power_of_ten(MAX_DIGITS);
    return value < limit && value > -limit;
}

static bool checked_multiply(decimal_int a, decimal_int b, decimal_int *out)
{
    return !__builtin_mul_overflow(a, b, out) && in_range(*out);
}

struct decimal decimal_from(int64_t number)
{
    return (struct decimal){number, 0};
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool apply_exponent(struct decimal *value, struct slice digits)
{
    bool negative = digits.len > 0 && digits.ptr[0] == '-';
    if (digits.len > 0 && (negative || digits.ptr[0] == '+')) {
        digits = slice_from(digits, 1);
    }
    unsigned long long exponent = 0;
    if (!slice_to_u64(digits, &exponent) || exponent > MAX_DIGITS) {
        return false;
    }
    value->scale += negative ? (int)exponent : -(int)exponent;
    if (value->scale < 0) {
        if (!checked_multiply(value->coefficient, power_of_ten(-value->scale),
                              &value->coefficient)) {
            return false;
        }
        value->scale = 0;
    }
    return value->scale <= MAX_SCALE;
}

bool decimal_parse(struct slice text, struct decimal *out)
{
    text = slice_trim(text);
    bool negative = text.len > 0 && text.ptr[0] == '-';
    size_t at = text.len > 0 && (negative || text.ptr[0] == '+') ? 1 : 0;
    struct decimal value = {0, 0};
    int digits = 0;
    bool point = false;
    for (; at < text.len; at++) {
        char c = text.ptr[at];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(c)) {
            break;
        }
        digits++;
        value.scale += point ? 1 : 0;
        if (!checked_multiply(value.coefficient, 10, &value.coefficient)) {
            return false;
        }
        value.coefficient += c - '0';
    }
    value.coefficient = negative ? -value.coefficient : value.coefficient;
    if (digits == 0 || value.scale > MAX_SCALE || !in_range(value.coefficient)) {
        return false;
    }
    *out = value;
    if (at == text.len) {
        return true;
    }
    return (text.ptr[at] == 'e' || text.ptr[at] == 'E') &&
           apply_exponent(out, slice_from(text, at + 1));
}

int decimal_format(struct decimal value, char *text)
{
    char reversed[DECIMAL_TEXT_BYTES];
    int count = 0;
    decimal_int rest = value.coefficient < 0 ? -value.coefficient : value.coefficient;
    for (int i = 0; i <= value.scale || rest > 0; i++) {
        if (i == value.scale && value.scale > 0) {
            reversed[count++] = '.';
        }
        reversed[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    if (value.coefficient < 0) {
        reversed[count++] = '-';
    }
    for (int i = 0; i < count; i++) {
        text[i] = reversed[count - 1 - i];
    }
    text[count] = '\0';
    return count;
}

/* Brings both to the larger scale. */
static bool align(struct decimal *a, struct decimal *b)
{
    struct decimal *small = a->scale < b->scale ? a : b;
    int scale = a->scale < b->scale ? b->scale : a->scale;
    if (!checked_multiply(small->coefficient, power_of_ten(scale - small->scale),
                          &small->coefficient)) {
        return false;
    }
    small->scale = scale;
    return true;
}

int decimal_compare(struct decimal a, struct decimal b)
{
    if (!align(&a, &b)) {
        /* One is too large for the other's scale: its sign decides. */
        struct decimal larger = a.scale < b.scale ? a : b;
        int sign = larger.coefficient < 0 ? -1 : 1;
        return a.scale < b.scale ? sign : -sign;
    }
    return a.coefficient < b.coefficient ? -1 : a.coefficient > b.coefficient ? 1 : 0;
}

bool decimal_add(struct decimal a, struct decimal b, struct decimal *out)
{
    if (!align(&a, &b)) {
        return false;
    }
    *out = (struct decimal){a.coefficient + b.coefficient, a.scale};
    return in_range(out->coefficient);
}

bool decimal_subtract(struct decimal a, struct decimal b, struct decimal *out)
{
    b.coefficient = -b.coefficient;
    return decimal_add(a, b, out);
}

static struct decimal drop_zeros(struct decimal value, int down_to)
{
    while (value.scale > down_to && value.coefficient % 10 == 0) {
        value.coefficient /= 10;
        value.scale--;
    }
    return value;
}

bool decimal_multiply(struct decimal a, struct decimal b, struct decimal *out)
{
    struct decimal product = {0, a.scale + b.scale};
    if (!checked_multiply(a.coefficient, b.coefficient, &product.coefficient)) {
        return false;
    }
    *out = drop_zeros(product, a.scale > b.scale ? a.scale : b.scale);
    return out->scale <= MAX_SCALE ||
           decimal_round(*out, QUOTIENT_SCALE, DECIMAL_HALF_UP, out);
}

/* numerator / denominator, half away from zero. */
static decimal_int divide_half_up(decimal_int numerator, decimal_int denominator)
{
    decimal_int quotient = numerator / denominator;
    decimal_int rest = numerator % denominator;
    rest = rest < 0 ? -rest : rest;
    decimal_int divisor = denominator < 0 ? -denominator : denominator;
    if (rest >= divisor - rest) {
        quotient += (numerator < 0) == (denominator < 0) ? 1 : -1;
    }
    return quotient;
}

/* Long division: the quotient grows digit by digit, so no intermediate value is much
 * larger than the divisor. */
bool decimal_divide(struct decimal a, struct decimal b, struct decimal *out)
{
    if (b.coefficient == 0 || !align(&a, &b)) {
        return false;
    }
    bool negative = (a.coefficient < 0) != (b.coefficient < 0);
    decimal_int rest = a.coefficient < 0 ? -a.coefficient : a.coefficient;
    decimal_int divisor = b.coefficient < 0 ? -b.coefficient : b.coefficient;
    decimal_int room = power_of_ten(MAX_DIGITS - 2);
    struct decimal quotient = {rest / divisor, 0};
    rest %= divisor;
    while (quotient.scale < QUOTIENT_SCALE && quotient.coefficient < room &&
           divisor < room && rest != 0) {
        rest *= 10;
        quotient.coefficient = quotient.coefficient * 10 + rest / divisor;
        quotient.scale++;
        rest %= divisor;
    }
    quotient.coefficient += rest != 0 && rest >= divisor - rest ? 1 : 0;
    quotient.coefficient = negative ? -quotient.coefficient : quotient.coefficient;
    *out = drop_zeros(quotient, 0);
    return true;
}

bool decimal_round(struct decimal value, int digits, enum decimal_rounding how,
                   struct decimal *out)
{
    if (value.scale <= digits) {
        *out = value;
        return true;
    }
    decimal_int unit = power_of_ten(value.scale - digits);
    decimal_int quotient = value.coefficient / unit;
    bool exact = value.coefficient % unit == 0;
    if (how == DECIMAL_HALF_UP) {
        quotient = divide_half_up(value.coefficient, unit);
    } else if (how == DECIMAL_FLOOR && !exact && value.coefficient < 0) {
        quotient--;
    } else if (how == DECIMAL_CEILING && !exact && value.coefficient > 0) {
        quotient++;
    }
    *out = (struct decimal){quotient, digits};
    return true;
}
