/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: repeatable pseudo-random numbers, so that a seed names a whole company.
 * Owns: nothing.  Threads: one owner of a struct prng at a time.  Errors: none.
 * Start reading at: prng_next. Not for secrets: those come from OpenSSL.
 */
#ifndef SLUICE_MOCKS_COMMON_RANDOM_H
#define SLUICE_MOCKS_COMMON_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct prng {
    uint64_t state;
};

/* SplitMix64: one multiply chain per number, any seed is fine. */
static inline uint64_t prng_next(struct prng *prng)
{
    uint64_t z = (prng->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* 0 .. limit - 1; limit is at least 1. */
static inline int64_t prng_below(struct prng *prng, int64_t limit)
{
    return (int64_t)(prng_next(prng) % (uint64_t)limit);
}

static inline int64_t prng_between(struct prng *prng, int64_t low, int64_t high)
{
    return low + prng_below(prng, high - low + 1);
}

static inline bool prng_percent(struct prng *prng, int percent)
{
    return prng_below(prng, 100) < percent;
}

#endif
