/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the event loop of one worker: timers, "at the next turn", signals, work on the pool.
 * Owns: its timers and queues; callbacks run on the loop's thread only.
 * Threads: everything belongs to the loop's thread, except loop_post and loop_now_us.
 * Errors: ERR_IO when the system refuses.
 * Start reading at: loop_run. Apart from io/, no folder includes uv.h.
 */
#ifndef SLUICE_IO_LOOP_H
#define SLUICE_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/require.h"

struct loop;
struct loop_timer;

typedef void (*loop_fn)(void *ctx);

struct loop *loop_new(void);
/* Closes everything that is left, runs the close callbacks, frees. Accepts NULL. */
void loop_free(struct loop *loop);

/* Runs until loop_stop, or until nothing is left that could happen. */
void loop_run(struct loop *loop);
/* Runs what is ready now, without waiting: for an end in steps, and for tests. Returns whether more is to come. */
bool loop_run_once(struct loop *loop);
void loop_stop(struct loop *loop);

int64_t loop_now_us(void); /* monotonic */

/*
 * Lends, for the loop's life: how long its turns took, from waking to the next sleep, time in which
 * nothing else could run. Time asleep is not counted, time the system gave to others is.
 */
const struct histogram *loop_turns(const struct loop *loop);

/* One-shot. Lends the timer until it fired or was stopped. Keeps `ctx`. */
struct loop_timer *loop_timer_start(struct loop *loop, int64_t after_ms, loop_fn fn,
                                    void *ctx);
/* Accepts NULL. The callback will not run; the pointer is dead. */
void loop_timer_stop(struct loop_timer *timer);

/* Repeats every `every_ms` until stopped; does not keep the loop alive. */
struct loop_timer *loop_timer_every(struct loop *loop, int64_t every_ms, loop_fn fn,
                                    void *ctx);

/* fn(ctx) on the loop's thread after the current callback has returned; keeps the loop alive. */
void loop_soon(struct loop *loop, loop_fn fn, void *ctx);
/* What loop_soon was asked for with the same two will not happen: `ctx` is going away. */
void loop_soon_cancel(struct loop *loop, loop_fn fn, void *ctx);

/* As loop_soon, from any thread; keeps order per thread. */
void loop_post(struct loop *loop, loop_fn fn, void *ctx);

/* work(ctx) on a thread of the pool, then done(ctx) on the loop's; keeps the loop alive. */
void loop_work(struct loop *loop, loop_fn work, loop_fn done, void *ctx);

/*
 * Counts an obligation that will be met by loop_post from another thread, so that loop_run does
 * not end before it: hold before handing work over, release in the posted callback.
 */
void loop_hold(struct loop *loop);
void loop_release(struct loop *loop);

/* fn(ctx) on the loop at each arrival of the signal; does not keep the loop alive. */
void loop_on_signal(struct loop *loop, int signum, loop_fn fn, void *ctx);

#endif
