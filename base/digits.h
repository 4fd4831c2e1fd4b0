/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a whole number as decimal text, without printf, whose cost shows where every
 * call writes a dozen of them. Owns: nothing. Threads: any. Errors: none. Start reading
 * at: digits_of.
 */
#ifndef SLUICE_BASE_DIGITS_H
#define SLUICE_BASE_DIGITS_H

#include <stdint.h>

#include "base/slice.h"

#define DIGITS_BYTES 20 /* of the longest, "-9223372036854775808" */

/* Lends the end of `room`. */
static inline struct slice digits_of(int64_t value, char room[DIGITS_BYTES])
{
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t at = DIGITS_BYTES;

    do {
        room[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        room[--at] = '-';
    }
    return slice_of(room + at, DIGITS_BYTES - at);
}

#endif
