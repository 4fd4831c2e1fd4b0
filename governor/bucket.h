/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a token bucket: so many calls a minute, and a burst of them at once. Owns: nothing; no
 * timer fills it: it knows when it will be full again, and what is missing until then
 * (the "virtual scheduling" form of ITU-T I.371's generic cell rate algorithm).
 * Threads: one owner at a time.  Errors: none.
 * Start reading at: bucket_wait_us. Private to governor/.
 */
#ifndef SLUICE_GOVERNOR_BUCKET_H
#define SLUICE_GOVERNOR_BUCKET_H

#include <stdint.h>

struct bucket {
    int64_t full_us;     /* when every token is back; in the past: they are */
    int64_t interval_us; /* a token comes back so often; 0: there is no limit */
    uint32_t burst;      /* tokens when it is full */
};

/* Until one more call may go after `ahead` others that have not taken their token yet; 0: now. */
static inline int64_t bucket_wait_us(const struct bucket *bucket, int64_t ahead,
                                     int64_t now_us)
{
    int64_t missing_us = bucket->full_us > now_us ? bucket->full_us - now_us : 0;
    int64_t wait_us;

    if (bucket->interval_us == 0) {
        return 0;
    }
    wait_us = missing_us + (ahead + 1 - (int64_t)bucket->burst) * bucket->interval_us;
    return wait_us > 0 ? wait_us : 0;
}

/* Calls that may go at once. */
static inline int64_t bucket_tokens(const struct bucket *bucket, int64_t now_us)
{
    int64_t interval_us = bucket->interval_us;
    int64_t missing_us = bucket->full_us > now_us ? bucket->full_us - now_us : 0;
    int64_t tokens;

    if (interval_us == 0) {
        return INT64_MAX;
    }
    tokens = (int64_t)bucket->burst - (missing_us + interval_us - 1) / interval_us;
    return tokens > 0 ? tokens : 0;
}

/* A call goes. */
static inline void bucket_take(struct bucket *bucket, int64_t now_us)
{
    if (bucket->interval_us > 0) {
        bucket->full_us =
            (bucket->full_us > now_us ? bucket->full_us : now_us) + bucket->interval_us;
    }
}

/* Another limit; tokens that are missing stay so, as far as the new burst goes. */
static inline void bucket_set(struct bucket *bucket, int64_t interval_us,
                              uint32_t burst, int64_t now_us)
{
    int64_t missing = 0;

    if (bucket->interval_us == interval_us && bucket->burst == burst) {
        return;
    }
    if (bucket->interval_us > 0) {
        missing = (int64_t)bucket->burst - bucket_tokens(bucket, now_us);
        missing = missing < (int64_t)burst ? missing : (int64_t)burst;
    }
    bucket->full_us = now_us + missing * interval_us;
    bucket->interval_us = interval_us;
    bucket->burst = burst;
}

#endif
