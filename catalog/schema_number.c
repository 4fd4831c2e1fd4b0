/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about JSON numbers that schemas ask, answered on the decimal text. */
#include "catalog/schema_private.h"

#define DIVISOR_DIGITS 18
/* A divisor below 10^18 has fewer than 64 factors 2 or 5, so more tens change nothing.
 */
#define TENS_THAT_MATTER 64

bool number_is_integer(struct slice text)
{
    struct decimal value;

    return decimal_parse(text, &value) && decimal_is_integer(&value);
}

bool number_is_divisor(struct slice text)
{
    struct decimal value;

    return decimal_parse(text, &value) && !value.negative && value.count > 0 &&
           value.count <= DIVISOR_DIGITS;
}

static uint64_t digits_value(const struct decimal *value)
{
    uint64_t result = 0;

    for (size_t i = 0; i < value->count; i++) {
        result = result * 10 + (uint64_t)(value->digits[i] - '0');
    }
    return result;
}

bool number_is_multiple(struct slice text, struct slice divisor)
{
    struct decimal value, by;
    uint64_t modulus, rest = 0;
    int64_t tens;

    if (!decimal_parse(text, &value) || !decimal_parse(divisor, &by)) {
        return false;
    }
    /* n * 10^e = m * d * 10^f. With f > e, ten divides n, whose last digit is no zero.
     */
    if (value.count == 0) {
        return true;
    }
    tens = value.exponent - by.exponent;
    if (tens < 0) {
        return false;
    }
    modulus = digits_value(&by);
    REQUIRE(modulus > 0); /* number_is_divisor was asked */
    for (size_t i = 0; i < value.count; i++) {
        rest = (rest * 10 + (uint64_t)(value.digits[i] - '0')) % modulus;
    }
    for (int64_t i = 0; i < tens && i < TENS_THAT_MATTER && rest != 0; i++) {
        rest = rest * 10 % modulus;
    }
    return rest == 0;
}
