/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include <stddef.h>

const int64_t histogram_bounds_us[HISTOGRAM_BOUNDS] = {
    250,    500,    1000,    2500,    5000,     10000,   50000,
    100000, 500000, 1000000, 5000000, 10000000, 60000000};

void histogram_observe(struct histogram *histogram, int64_t us)
{
    size_t i = 0;
    while (i < HISTOGRAM_BOUNDS && us > histogram_bounds_us[i]) {
        i++;
    }
    histogram->buckets[i]++;
    histogram->count++;
    histogram->sum_us += us;
}
