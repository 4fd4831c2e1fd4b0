/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Twelve limbs of nine digits hold any product of two amounts that are read here, with
 * room for the scaling that rounding needs.
 */
#include "connectors/sap/amount.h"

#include <string.h>

#define LIMB 1000000000U
#define LIMB_DIGITS 9
#define DIGITS_MAX 30

/* ---- Whole numbers ---- */

static bool times(uint32_t *limbs, uint32_t factor)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < AMOUNT_LIMBS; i++) {
        carry += (uint64_t)limbs[i] * factor;
        limbs[i] = (uint32_t)(carry % LIMB);
        carry /= LIMB;
    }
    return carry == 0;
}

static bool plus(uint32_t *limbs, const uint32_t *more)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < AMOUNT_LIMBS; i++) {
        carry += (uint64_t)limbs[i] + more[i];
        limbs[i] = (uint32_t)(carry % LIMB);
        carry /= LIMB;
    }
    return carry == 0;
}

/* `less` is not larger. */
static void minus(uint32_t *limbs, const uint32_t *less)
{
    uint32_t borrow = 0;

    for (size_t i = 0; i < AMOUNT_LIMBS; i++) {
        uint32_t taken = less[i] + borrow;
        borrow = limbs[i] < taken ? 1 : 0;
        limbs[i] = limbs[i] + (borrow != 0 ? LIMB : 0) - taken;
    }
}

static int compare(const uint32_t *a, const uint32_t *b)
{
    for (size_t i = AMOUNT_LIMBS; i-- > 0;) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}

static void divide(uint32_t *limbs, uint32_t by)
{
    uint64_t rest = 0;

    for (size_t i = AMOUNT_LIMBS; i-- > 0;) {
        rest = rest * LIMB + limbs[i];
        limbs[i] = (uint32_t)(rest / by);
        rest %= by;
    }
}

static bool is_zero(const uint32_t *limbs)
{
    static const uint32_t zero[AMOUNT_LIMBS];

    return compare(limbs, zero) == 0;
}

static bool shift(uint32_t *limbs, unsigned digits)
{
    bool fits = true;

    for (; digits > 0; digits--) {
        fits = times(limbs, 10) && fits;
    }
    return fits;
}

static bool multiply(const uint32_t *a, const uint32_t *b, uint32_t *out)
{
    uint32_t part[AMOUNT_LIMBS];
    bool fits = true;

    memset(out, 0, AMOUNT_LIMBS * sizeof *out);
    for (size_t i = AMOUNT_LIMBS; i-- > 0;) {
        memcpy(part, a, sizeof part);
        fits = times(out, LIMB) && times(part, b[i]) && plus(out, part) && fits;
    }
    return fits;
}

/* ---- Amounts ---- */

unsigned amount_decimals(struct slice currency)
{
    static const char none[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND "
                               "VUV XAF XOF XPF ";
    static const char three[] = "BHD IQD JOD KWD LYD OMR TND ";

    for (size_t i = 0; currency.len == 3 && i + 4 < sizeof none; i += 4) {
        if (memcmp(none + i, currency.ptr, 3) == 0) {
            return 0;
        }
    }
    for (size_t i = 0; currency.len == 3 && i + 4 < sizeof three; i += 4) {
        if (memcmp(three + i, currency.ptr, 3) == 0) {
            return 3;
        }
    }
    return 2;
}

/* So many limbs times `scale`, and `digits` more: digits are added by up to nine at once. */
static bool append(uint32_t *limbs, uint32_t scale, uint32_t digits)
{
    const uint32_t more[AMOUNT_LIMBS] = {digits};

    if (is_zero(limbs)) { /* as in most amounts: they have no more than nine digits */
        limbs[0] = digits;
        return true;
    }
    return times(limbs, scale) && plus(limbs, more);
}

bool amount_parse(struct slice text, struct amount *out)
{
    bool point = false;
    size_t digits = 0;
    uint32_t some = 0, scale = 1; /* digits that are not in the limbs yet */

    *out = (struct amount){.negative = text.len > 0 && text.ptr[0] == '-'};
    for (size_t i = out->negative ? 1 : 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && !point && digits > 0 && i + 1 < text.len) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9' || digits++ == DIGITS_MAX) {
            return false;
        }
        some = some * 10 + (uint32_t)(c - '0');
        scale *= 10;
        if (scale == LIMB) {
            if (!append(out->limbs, scale, some)) {
                return false;
            }
            some = 0;
            scale = 1;
        }
        out->decimals += point ? 1 : 0;
    }
    return digits > 0 && append(out->limbs, scale, some);
}

/* Half up is floor((2n + d) / 2d), and a floor may be taken factor by factor. */
bool amount_product(struct slice quantity, struct slice price, unsigned per,
                    unsigned decimals, struct amount *out)
{
    struct amount a, b;
    uint32_t half[AMOUNT_LIMBS] = {per};

    if (per == 0 || per >= LIMB || !amount_parse(quantity, &a) ||
        !amount_parse(price, &b) || !multiply(a.limbs, b.limbs, out->limbs)) {
        return false;
    }
    out->negative = a.negative != b.negative;
    out->decimals = decimals;
    unsigned scale = a.decimals + b.decimals, surplus = 0;
    if (scale > decimals) {
        surplus = scale - decimals;
    } else if (!shift(out->limbs, decimals - scale)) {
        return false;
    }
    if (!shift(half, surplus) || !times(out->limbs, 2) || !plus(out->limbs, half)) {
        return false;
    }
    divide(out->limbs, 2);
    divide(out->limbs, per);
    for (; surplus > 0; surplus--) {
        divide(out->limbs, 10);
    }
    return true;
}

bool amount_add(struct amount *sum, const struct amount *more)
{
    uint32_t larger[AMOUNT_LIMBS];

    REQUIRE(sum->decimals == more->decimals);
    if (sum->negative == more->negative) {
        return plus(sum->limbs, more->limbs);
    }
    if (compare(sum->limbs, more->limbs) >= 0) {
        minus(sum->limbs, more->limbs);
        return true;
    }
    memcpy(larger, more->limbs, sizeof larger);
    minus(larger, sum->limbs);
    memcpy(sum->limbs, larger, sizeof larger);
    sum->negative = more->negative;
    return true;
}

struct slice amount_text(struct arena *arena, const struct amount *amount)
{
    char digits[AMOUNT_LIMBS * LIMB_DIGITS];
    size_t first = 0, whole = sizeof digits - amount->decimals;

    for (size_t i = 0; i < AMOUNT_LIMBS; i++) {
        uint32_t limb = amount->limbs[AMOUNT_LIMBS - 1 - i];
        for (size_t d = LIMB_DIGITS; d-- > 0; limb /= 10) {
            digits[i * LIMB_DIGITS + d] = (char)('0' + limb % 10);
        }
    }
    while (first + 1 < whole && digits[first] == '0') {
        first++;
    }
    char *text = arena_alloc(arena, sizeof digits + sizeof "-.");
    char *at = text;
    if (amount->negative && !is_zero(amount->limbs)) {
        *at++ = '-';
    }
    memcpy(at, digits + first, whole - first);
    at += whole - first;
    if (amount->decimals > 0) {
        *at++ = '.';
        memcpy(at, digits + whole, amount->decimals);
        at += amount->decimals;
    }
    return slice_of(text, (size_t)(at - text));
}
