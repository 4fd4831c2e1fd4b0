/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: exact decimal numbers, so that SUM and comparisons in the mock never meet a
 * double. Owns: nothing.  Threads: any. Errors: false when a text is no number or a
 * result passes 38 digits. Start reading at: decimal_parse. A decimal keeps its scale:
 * 100.10 stays 100.10.
 */
#ifndef SLUICE_MOCKS_NETSUITE_DECIMAL_H
#define SLUICE_MOCKS_NETSUITE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

__extension__ typedef __int128 decimal_int;

struct decimal {
    decimal_int coefficient; /* value = coefficient / 10^scale; |coefficient| < 10^38 */
    int scale;               /* 0..30 */
};

#define DECIMAL_TEXT_BYTES 48

bool decimal_parse(struct slice text, struct decimal *out);
struct decimal decimal_from(int64_t number);

/* `text` has room for DECIMAL_TEXT_BYTES. Returns the length; NUL terminated. */
int decimal_format(struct decimal value, char *text);

int decimal_compare(struct decimal a, struct decimal b);
bool decimal_add(struct decimal a, struct decimal b, struct decimal *out);
bool decimal_subtract(struct decimal a, struct decimal b, struct decimal *out);
bool decimal_multiply(struct decimal a, struct decimal b, struct decimal *out);
/* Up to 20 digits after the point, trailing zeros dropped. False for b = 0, too. */
bool decimal_divide(struct decimal a, struct decimal b, struct decimal *out);

enum decimal_rounding { DECIMAL_HALF_UP, DECIMAL_DOWN, DECIMAL_FLOOR, DECIMAL_CEILING };
/* `digits` after the point, 0..20. */
bool decimal_round(struct decimal value, int digits, enum decimal_rounding how,
                   struct decimal *out);

#endif
