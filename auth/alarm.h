/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a callback at a time of the wall clock. Owns: one timer of the loop. Threads:
 * the loop's. Errors: none. Start reading at: alarm_set. Without a loop nothing rings by
 * itself: a test moves its clock and calls what the alarm would have.
 */
#ifndef SLUICE_AUTH_ALARM_H
#define SLUICE_AUTH_ALARM_H

#include <stdint.h>

#include "base/clock.h"
#include "io/loop.h"

struct alarm;

/* Keeps all of it; `loop` may be NULL. */
struct alarm *alarm_new(struct loop *loop, const struct clock *clock, loop_fn fn,
                        void *ctx);
void alarm_free(struct alarm *alarm); /* accepts NULL */

/* fn(ctx) at that time or at once when it is over: once, until it is set again. At the
 * latest after a minute, because the wall clock may be moved. 0: not at all. */
void alarm_set(struct alarm *alarm, int64_t at_ms);

#endif
