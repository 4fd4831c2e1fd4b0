/* SPDX-License-Identifier: Apache-2.0 */
/* The system's clock, and one that a test moves by hand. */
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

#include "base/require.h"

static struct timespec now(clockid_t id)
{
    struct timespec time;

    REQUIRE(clock_gettime(id, &time) == 0);
    return time;
}

static int64_t system_mono_us(void *ctx UNUSED)
{
    struct timespec time = now(CLOCK_MONOTONIC);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static int64_t system_wall_ms(void *ctx UNUSED)
{
    struct timespec time = now(CLOCK_REALTIME);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

struct clock clock_system(void)
{
    return (struct clock){system_mono_us, system_wall_ms, NULL};
}

static int64_t fake_mono_us(void *ctx)
{
    const struct clock_fake *state = ctx;
    return state->mono_us;
}

static int64_t fake_wall_ms(void *ctx)
{
    const struct clock_fake *state = ctx;
    return state->wall_ms;
}

struct clock clock_from_fake(struct clock_fake *state)
{
    return (struct clock){fake_mono_us, fake_wall_ms, state};
}
