/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: how often something took how long, in the buckets that /metrics prints.
 * Owns: its numbers; all zero is an empty one.
 * Threads: one owner.
 * Errors: none.
 * Start reading at: histogram_observe.
 */
#ifndef SLUICE_BASE_HISTOGRAM_H
#define SLUICE_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BOUNDS 13

/* Upper bounds of the buckets, each included in its own; the last bucket has none. */
extern const int64_t histogram_bounds_us[HISTOGRAM_BOUNDS];

struct histogram {
    uint64_t buckets[HISTOGRAM_BOUNDS + 1]; /* each without those below it */
    uint64_t count;
    int64_t sum_us;
};

void histogram_observe(struct histogram *histogram, int64_t us);

#endif
