/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: time as something that is handed in, so that tests own it.
 * Owns: nothing; a clock is a value the builder of the program keeps.
 * Threads: clock_system() from any.  Errors: none.
 * Start reading at: struct clock.
 */
#ifndef SLUICE_BASE_CLOCK_H
#define SLUICE_BASE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*mono_us)(void *ctx); /* never goes back; for waits and durations */
    int64_t (*wall_ms)(void *ctx); /* Unix time; for signatures, expiry and logs */
    void *ctx;
};

static inline int64_t clock_mono_us(const struct clock *clock)
{
    return clock->mono_us(clock->ctx);
}

static inline int64_t clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock->ctx);
}

struct clock clock_system(void);

/* A clock that stands still until it is moved: for tests. Keeps `state`. */
struct clock_fake {
    int64_t mono_us, wall_ms;
};
struct clock clock_from_fake(struct clock_fake *state);

#endif
