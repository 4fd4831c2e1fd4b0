/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: exact sums and products of decimal text, for the amounts that SAP leaves to
 * its clients. Owns: nothing. Threads: any. Errors: false for what is no decimal, or
 * too long to be an amount. Start reading at: amount_product. Binary floating point has
 * no part in it.
 */
#ifndef SLUICE_CONNECTORS_SAP_AMOUNT_H
#define SLUICE_CONNECTORS_SAP_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

#define AMOUNT_LIMBS 12

/* A whole number of 10^-decimals. */
struct amount {
    bool negative;
    unsigned decimals;
    uint32_t limbs[AMOUNT_LIMBS]; /* base 10^9, the lowest first */
};

/* How many decimals a currency has: 2, or what ISO 4217 says of the few others. */
unsigned amount_decimals(struct slice currency);

/* -?digits[.digits] without exponent, at most 30 digits. */
MUST_USE bool amount_parse(struct slice text, struct amount *out);

/* quantity * price / per, rounded half away from zero. `per` is 1 to 999999999. */
MUST_USE bool amount_product(struct slice quantity, struct slice price, unsigned per,
                             unsigned decimals, struct amount *out);

/* Both have the same number of decimals; false when the sum has no room. */
MUST_USE bool amount_add(struct amount *sum, const struct amount *more);

/* Plain text; no "-0.00". */
struct slice amount_text(struct arena *arena, const struct amount *amount);

#endif
