/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the lesser and the greater of two numbers, and seconds out of microseconds.
 * Owns: nothing.  Threads: any.  Errors: none.
 * Start reading at: int_least.
 */
#ifndef SLUICE_BASE_NUMBER_H
#define SLUICE_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

static inline int int_least(int a, int b)
{
    return a < b ? a : b;
}

static inline size_t size_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline int64_t int64_most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Whole seconds, no fewer: who waits so long does not come too early. */
static inline long seconds_up(int64_t us)
{
    return (long)((us + 999999) / 1000000);
}

#endif
