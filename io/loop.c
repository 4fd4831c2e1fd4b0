/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the event loop of one worker, on libuv.
 *
 * Invariants
 *  1. A callback of loop_soon never runs inside the call that asked for it: the queue
 * is emptied only between two callbacks of libuv (before and after it polls).
 *  2. A callback queued while the queue is being emptied waits for the next emptying,
 * so a chain of loop_soon cannot starve the sockets.
 *  3. While the soon queue is not empty the idle handle runs, which keeps the loop
 * alive and keeps it from sleeping.
 *  4. Posted callbacks wait in their own queue under the mutex and are moved, in order,
 * to the soon queue on the loop's thread. Only that queue is shared between threads.
 */
#include "io/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/list.h"
#include "base/memory.h"
#include "base/secret.h"
#include "io/loop_private.h"

struct job {
    loop_fn fn;
    void *ctx;
};

struct job_queue {
    struct job *jobs;
    size_t count, capacity;
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_idle_t awake;   /* runs while `soon` is not empty */
    uv_async_t posted; /* wakes the loop for `posts` */
    struct job_queue soon, running;
    bool is_running_jobs;
    pthread_mutex_t lock;   /* guards `posts` */
    struct job_queue posts; /* from any thread */
    size_t holds;
    bool is_stopped;
    struct list timers, signals;
    struct histogram turns;
    uint64_t turned_ns, slept_ns; /* when this turn began, all sleep until then */
};

struct loop_timer {
    struct list link;
    uv_timer_t uv;
    loop_fn fn;
    void *ctx;
    bool repeats;
};

struct loop_labour {
    uv_work_t uv;
    loop_fn work, done;
    void *ctx;
};

struct loop_signal {
    struct list link;
    uv_signal_t uv;
    loop_fn fn;
    void *ctx;
};

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

static void queue_push(struct job_queue *queue, loop_fn fn, void *ctx)
{
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity == 0 ? 16 : queue->capacity * 2;
        queue->jobs = realloc(queue->jobs, queue->capacity * sizeof *queue->jobs);
        REQUIRE(queue->jobs != NULL);
    }
    queue->jobs[queue->count] = (struct job){fn, ctx};
    queue->count++;
}

static void on_awake(uv_idle_t *idle)
{
    (void)idle; /* its being active is its whole effect */
}

static void keep_awake(struct loop *loop)
{
    if (!uv_is_active((uv_handle_t *)&loop->awake)) {
        REQUIRE(uv_idle_start(&loop->awake, on_awake) == 0);
    }
}

static void run_soon(struct loop *loop)
{
    if (loop->soon.count == 0 || loop->is_running_jobs) {
        return;
    }
    struct job_queue batch = loop->soon;
    loop->soon = loop->running;
    loop->running = batch;
    loop->is_running_jobs = true;
    for (size_t i = 0; i < batch.count; i++) {
        batch.jobs[i].fn(batch.jobs[i].ctx);
    }
    loop->is_running_jobs = false;
    loop->running.count = 0;
    if (loop->soon.count == 0) {
        uv_idle_stop(&loop->awake);
    }
}

static void take_posts(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    size_t count = loop->posts.count;
    for (size_t i = 0; i < count; i++) {
        queue_push(&loop->soon, loop->posts.jobs[i].fn, loop->posts.jobs[i].ctx);
    }
    loop->posts.count = 0;
    pthread_mutex_unlock(&loop->lock);
    if (count > 0) {
        keep_awake(loop);
    }
}

static bool has_posts(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool has = loop->posts.count > 0;
    pthread_mutex_unlock(&loop->lock);
    return has;
}

static void begin_turn(struct loop *loop)
{
    loop->turned_ns = uv_hrtime();
    loop->slept_ns = uv_metrics_idle_time(&loop->uv);
}

/* What it took until now; the next one begins. */
static void end_turn(struct loop *loop)
{
    uint64_t turned_ns = loop->turned_ns, slept_ns = loop->slept_ns;
    begin_turn(loop);
    uint64_t awake_ns = loop->turned_ns - turned_ns - (loop->slept_ns - slept_ns);
    histogram_observe(&loop->turns, (int64_t)(awake_ns / 1000));
}

const struct histogram *loop_turns(const struct loop *loop)
{
    return &loop->turns;
}

/* The end of a turn: what its callbacks left on the stack would stay for as long as the
 * loop sleeps. */
static void on_before_poll(uv_prepare_t *handle)
{
    run_soon(handle->data);
    end_turn(handle->data);
    wipe_stack();
}

static void on_after_poll(uv_check_t *handle)
{
    run_soon(handle->data);
}

static void on_posted(uv_async_t *handle)
{
    take_posts(handle->data);
}

/* The loop's own handles do their work without keeping it alive. */
static void adopt(struct loop *loop, uv_handle_t *handle)
{
    handle->data = loop;
    uv_unref(handle);
}

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof *loop);
    REQUIRE(loop != NULL);
    REQUIRE(uv_loop_init(&loop->uv) == 0);
    REQUIRE(uv_loop_configure(&loop->uv, UV_METRICS_IDLE_TIME) == 0);
    REQUIRE(pthread_mutex_init(&loop->lock, NULL) == 0);
    list_init(&loop->timers);
    list_init(&loop->signals);
    REQUIRE(uv_prepare_init(&loop->uv, &loop->before_poll) == 0);
    REQUIRE(uv_check_init(&loop->uv, &loop->after_poll) == 0);
    REQUIRE(uv_idle_init(&loop->uv, &loop->awake) == 0);
    REQUIRE(uv_async_init(&loop->uv, &loop->posted, on_posted) == 0);
    adopt(loop, (uv_handle_t *)&loop->before_poll);
    adopt(loop, (uv_handle_t *)&loop->after_poll);
    adopt(loop, (uv_handle_t *)&loop->posted);
    REQUIRE(uv_prepare_start(&loop->before_poll, on_before_poll) == 0);
    REQUIRE(uv_check_start(&loop->after_poll, on_after_poll) == 0);
    /* A write to a peer that has left is an error of that write, not of the process. */
    REQUIRE(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    return loop;
}

static void on_timer_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

static void on_signal_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

static void timer_close(struct loop_timer *timer)
{
    list_remove(&timer->link);
    uv_close((uv_handle_t *)&timer->uv, on_timer_closed);
}

static void close_forgotten(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

void loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    LIST_FOREACH_SAFE (node, after, &loop->timers) {
        timer_close(LIST_ENTRY(node, struct loop_timer, link));
    }
    LIST_FOREACH_SAFE (node, after, &loop->signals) {
        struct loop_signal *signal = LIST_ENTRY(node, struct loop_signal, link);
        uv_close((uv_handle_t *)&signal->uv, on_signal_closed);
    }
    uv_walk(&loop->uv, close_forgotten, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    REQUIRE(uv_loop_close(&loop->uv) == 0);
    pthread_mutex_destroy(&loop->lock);
    free(loop->soon.jobs);
    free(loop->running.jobs);
    free(loop->posts.jobs);
    free(loop);
}

void loop_run(struct loop *loop)
{
    begin_turn(loop);
    do {
        take_posts(loop);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    } while (!loop->is_stopped && has_posts(loop));
    end_turn(loop); /* what came after the last poll */
    loop->is_stopped = false;
}

bool loop_run_once(struct loop *loop)
{
    begin_turn(loop);
    take_posts(loop);
    bool is_alive = uv_run(&loop->uv, UV_RUN_NOWAIT) != 0;
    end_turn(loop);
    return is_alive || has_posts(loop);
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
    uv_stop(&loop->uv);
}

int64_t loop_now_us(void)
{
    return (int64_t)(uv_hrtime() / 1000);
}

static void on_timer(uv_timer_t *handle)
{
    struct loop_timer *timer = handle->data;
    if (timer->repeats) {
        timer->fn(timer->ctx);
        return;
    }
    /* Closed first: the callback may stop it without harm, its memory lives one turn
     * more. */
    timer_close(timer);
    timer->fn(timer->ctx);
}

static struct loop_timer *timer_new(struct loop *loop, loop_fn fn, void *ctx)
{
    struct loop_timer *timer = memory_zeroed(1, sizeof *timer);
    REQUIRE(uv_timer_init(&loop->uv, &timer->uv) == 0);
    timer->uv.data = timer;
    timer->fn = fn;
    timer->ctx = ctx;
    list_push(&loop->timers, &timer->link);
    return timer;
}

struct loop_timer *loop_timer_start(struct loop *loop, int64_t after_ms, loop_fn fn,
                                    void *ctx)
{
    struct loop_timer *timer = timer_new(loop, fn, ctx);
    /* libuv counts from the start of the turn, which may lie back by a long callback.
     */
    uv_update_time(&loop->uv);
    REQUIRE(uv_timer_start(&timer->uv, on_timer, after_ms > 0 ? (uint64_t)after_ms : 0,
                           0) == 0);
    return timer;
}

struct loop_timer *loop_timer_every(struct loop *loop, int64_t every_ms, loop_fn fn,
                                    void *ctx)
{
    REQUIRE(every_ms > 0);
    struct loop_timer *timer = timer_new(loop, fn, ctx);
    timer->repeats = true;
    REQUIRE(uv_timer_start(&timer->uv, on_timer, (uint64_t)every_ms,
                           (uint64_t)every_ms) == 0);
    uv_unref((uv_handle_t *)&timer->uv);
    return timer;
}

void loop_timer_stop(struct loop_timer *timer)
{
    if (timer == NULL || uv_is_closing((uv_handle_t *)&timer->uv)) {
        return;
    }
    timer_close(timer);
}

void loop_soon(struct loop *loop, loop_fn fn, void *ctx)
{
    queue_push(&loop->soon, fn, ctx);
    keep_awake(loop);
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void queue_forget(struct job_queue *queue, loop_fn fn, const void *ctx)
{
    for (size_t i = 0; i < queue->count; i++) {
        if (queue->jobs[i].fn == fn && queue->jobs[i].ctx == ctx) {
            queue->jobs[i] = (struct job){nothing, NULL};
        }
    }
}

void loop_soon_cancel(struct loop *loop, loop_fn fn, void *ctx)
{
    queue_forget(&loop->soon, fn, ctx);
    queue_forget(&loop->running, fn, ctx);
}

void loop_post(struct loop *loop, loop_fn fn, void *ctx)
{
    pthread_mutex_lock(&loop->lock);
    queue_push(&loop->posts, fn, ctx);
    uv_async_send(&loop->posted);
    pthread_mutex_unlock(&loop->lock);
}

static void on_labour(uv_work_t *handle)
{
    struct loop_labour *labour = handle->data;
    labour->work(labour->ctx);
}

/* Nothing here is ever cancelled, so the status says nothing. */
static void on_labour_done(uv_work_t *handle, int status)
{
    struct loop_labour *labour = handle->data;
    (void)status;
    labour->done(labour->ctx);
    free(labour);
}

void loop_work(struct loop *loop, loop_fn work, loop_fn done, void *ctx)
{
    struct loop_labour *labour = calloc(1, sizeof *labour);
    REQUIRE(labour != NULL);
    *labour = (struct loop_labour){.work = work, .done = done, .ctx = ctx};
    labour->uv.data = labour;
    REQUIRE(uv_queue_work(&loop->uv, &labour->uv, on_labour, on_labour_done) == 0);
}

void loop_hold(struct loop *loop)
{
    loop->holds++;
    uv_ref((uv_handle_t *)&loop->posted);
}

void loop_release(struct loop *loop)
{
    REQUIRE(loop->holds > 0);
    loop->holds--;
    if (loop->holds == 0) {
        uv_unref((uv_handle_t *)&loop->posted);
    }
}

static void on_signal(uv_signal_t *handle, int signum)
{
    struct loop_signal *signal = handle->data;
    (void)signum;
    signal->fn(signal->ctx);
}

void loop_on_signal(struct loop *loop, int signum, loop_fn fn, void *ctx)
{
    struct loop_signal *signal = calloc(1, sizeof *signal);
    REQUIRE(signal != NULL);
    REQUIRE(uv_signal_init(&loop->uv, &signal->uv) == 0);
    signal->uv.data = signal;
    signal->fn = fn;
    signal->ctx = ctx;
    list_push(&loop->signals, &signal->link);
    REQUIRE(uv_signal_start(&signal->uv, on_signal, signum) == 0);
    uv_unref((uv_handle_t *)&signal->uv);
}
