/* SPDX-License-Identifier: Apache-2.0 */
/* One timer, re-armed when the time changes. A repeating one, stopped when it rings:
 * those do not keep the loop alive. */
#include "auth/alarm.h"

#include <stdlib.h>

#include "base/require.h"

#define LONGEST_MS 60000

struct alarm {
    struct loop *loop;
    const struct clock *clock;
    loop_fn fn;
    void *ctx;
    struct loop_timer *timer;
    int64_t at_ms;
};

struct alarm *alarm_new(struct loop *loop, const struct clock *clock, loop_fn fn,
                        void *ctx)
{
    struct alarm *alarm = calloc(1, sizeof *alarm);
    REQUIRE(alarm != NULL);
    *alarm = (struct alarm){.loop = loop, .clock = clock, .fn = fn, .ctx = ctx};
    return alarm;
}

void alarm_free(struct alarm *alarm)
{
    if (alarm != NULL) {
        loop_timer_stop(alarm->timer);
        free(alarm);
    }
}

static void on_timer(void *ctx)
{
    struct alarm *alarm = ctx;
    loop_timer_stop(alarm->timer);
    alarm->timer = NULL;
    alarm->at_ms = 0;
    alarm->fn(alarm->ctx);
}

void alarm_set(struct alarm *alarm, int64_t at_ms)
{
    if (alarm->loop == NULL || at_ms == alarm->at_ms) {
        return;
    }
    loop_timer_stop(alarm->timer);
    alarm->timer = NULL;
    alarm->at_ms = at_ms;
    if (at_ms > 0) {
        int64_t wait = at_ms - clock_wall_ms(alarm->clock);
        wait = wait < 1 ? 1 : wait > LONGEST_MS ? LONGEST_MS : wait;
        alarm->timer = loop_timer_every(alarm->loop, wait, on_timer, alarm);
    }
}
