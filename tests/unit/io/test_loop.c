/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: tests of io/loop: order of callbacks, timers, posting from other threads,
 * signals. Start reading at: main.
 */
#include "io/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AN_HOUR_MS (60 * 60 * 1000) /* that it passes is nobody's fault here */

struct trace {
    struct loop *loop;
    char text[256];
    size_t len;
    struct loop_timer *timer;
    int count;
};

struct mark {
    struct trace *trace;
    char letter;
};

static void on_mark(void *ctx)
{
    struct mark *mark = ctx;
    assert_true(mark->trace->len < sizeof mark->trace->text - 1);
    mark->trace->text[mark->trace->len++] = mark->letter;
}

static int open_loop(void **state)
{
    struct trace *trace = calloc(1, sizeof *trace);
    trace->loop = loop_new();
    *state = trace;
    return 0;
}

static int close_loop(void **state)
{
    struct trace *trace = *state;
    loop_free(trace->loop);
    free(trace);
    return 0;
}

static void test_run_returns_when_nothing_is_left(void **state)
{
    struct trace *trace = *state;

    loop_run(trace->loop);

    assert_false(loop_run_once(trace->loop));
}

static void on_soon_again(void *ctx)
{
    struct trace *trace = ctx;
    trace->count++;
    int before = trace->count;
    if (trace->count < 3) {
        loop_soon(trace->loop, on_soon_again, trace);
    }
    assert_int_equal(trace->count, before);
}

static void test_soon_never_runs_inside_the_call_that_asked(void **state)
{
    struct trace *trace = *state;

    loop_soon(trace->loop, on_soon_again, trace);
    assert_int_equal(trace->count, 0);
    loop_run(trace->loop);

    assert_int_equal(trace->count, 3);
}

static void test_soon_keeps_order(void **state)
{
    struct trace *trace = *state;
    struct mark marks[26];

    for (int i = 0; i < 26; i++) {
        marks[i] = (struct mark){trace, (char)('a' + i)};
        loop_soon(trace->loop, on_mark, &marks[i]);
    }
    loop_run(trace->loop);

    assert_string_equal(trace->text, "abcdefghijklmnopqrstuvwxyz");
}

static void on_stop(void *ctx)
{
    struct trace *trace = ctx;
    loop_stop(trace->loop);
}

static void on_endless(void *ctx)
{
    struct trace *trace = ctx;
    trace->count++;
    loop_soon(trace->loop, on_endless, trace);
    if (trace->count == 1) {
        loop_timer_start(trace->loop, 5, on_stop, trace);
    }
}

static void test_an_endless_chain_of_soon_does_not_starve_a_timer(void **state)
{
    struct trace *trace = *state;

    loop_soon(trace->loop, on_endless, trace);
    loop_run(trace->loop);

    assert_true(trace->count > 1);
}

/* Only what holds however long the machine takes from one line to the next. */
static void test_timers_fire_in_the_order_of_their_time(void **state)
{
    struct trace *trace = *state;
    struct mark a = {trace, 'a'}, b = {trace, 'b'}, c = {trace, 'c'}, z = {trace, 'z'};

    int64_t begin_us = loop_now_us();
    loop_timer_start(trace->loop, AN_HOUR_MS, on_mark, &z);
    loop_timer_start(trace->loop, 0, on_mark, &a);
    loop_timer_start(trace->loop, 10, on_mark, &b);
    loop_timer_start(trace->loop, 20, on_mark, &c);
    loop_timer_start(trace->loop, 30, on_stop, trace);
    loop_run(trace->loop);

    assert_string_equal(trace->text, "abc");
    assert_true(loop_now_us() - begin_us >= 20000); /* libuv's clock may be coarse */
}

static void test_a_stopped_timer_does_not_fire(void **state)
{
    struct trace *trace = *state;
    struct mark a = {trace, 'a'}, b = {trace, 'b'};

    struct loop_timer *timer = loop_timer_start(trace->loop, 1, on_mark, &a);
    loop_timer_start(trace->loop, 3, on_mark, &b);
    loop_timer_stop(timer);
    loop_timer_stop(NULL);
    loop_run(trace->loop);

    assert_string_equal(trace->text, "b");
}

static void on_stop_itself(void *ctx)
{
    struct trace *trace = ctx;
    trace->count++;
    loop_timer_stop(trace->timer);
    trace->timer = NULL;
}

static void test_a_timer_may_stop_itself_while_it_fires(void **state)
{
    struct trace *trace = *state;

    trace->timer = loop_timer_start(trace->loop, 0, on_stop_itself, trace);
    loop_run(trace->loop);

    assert_int_equal(trace->count, 1);
}

static void on_count_to_three(void *ctx)
{
    struct trace *trace = ctx;
    trace->count++;
    if (trace->count == 3) {
        loop_stop(trace->loop);
    }
}

static void test_every_repeats_and_does_not_keep_the_loop_alive(void **state)
{
    struct trace *trace = *state;
    struct mark late = {trace, 'z'};

    trace->timer = loop_timer_every(trace->loop, 1, on_count_to_three, trace);
    loop_run(trace->loop);
    assert_int_equal(trace->count, 0);
    loop_timer_start(trace->loop, AN_HOUR_MS, on_mark, &late);
    loop_run(trace->loop);

    assert_int_equal(trace->count, 3);
    assert_int_equal(trace->len, 0);
}

static void test_stop_ends_run_and_run_can_begin_again(void **state)
{
    struct trace *trace = *state;
    struct mark a = {trace, 'a'}, late = {trace, 'z'};

    loop_timer_start(trace->loop, AN_HOUR_MS, on_mark, &late);
    loop_soon(trace->loop, on_stop, trace);
    loop_run(trace->loop);
    assert_int_equal(trace->len, 0);
    loop_soon(trace->loop, on_mark, &a);
    loop_soon(trace->loop, on_stop, trace);
    loop_run(trace->loop);

    assert_string_equal(trace->text, "a");
}

#define POSTS 2000

struct poster {
    struct trace *trace;
    pthread_t thread;
    pthread_t loop_thread;
    int next, seen;
    struct post {
        struct poster *poster;
        int number;
    } posts[POSTS];
};

static void on_post(void *ctx)
{
    struct post *post = ctx;
    struct poster *poster = post->poster;
    assert_true(pthread_equal(pthread_self(), poster->loop_thread));
    assert_int_equal(post->number, poster->seen);
    poster->seen++;
    if (poster->seen == POSTS) {
        loop_release(poster->trace->loop);
    }
}

static void *post_all(void *ctx)
{
    struct poster *poster = ctx;
    for (int i = 0; i < POSTS; i++) {
        poster->posts[i] = (struct post){poster, i};
        loop_post(poster->trace->loop, on_post, &poster->posts[i]);
    }
    return NULL;
}

static void test_post_from_threads_keeps_the_order_of_each(void **state)
{
    struct trace *trace = *state;
    struct poster *posters = calloc(3, sizeof *posters);

    for (int i = 0; i < 3; i++) {
        posters[i].trace = trace;
        posters[i].loop_thread = pthread_self();
        loop_hold(trace->loop);
        assert_int_equal(
            pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
    loop_run(trace->loop);

    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(posters[i].thread, NULL), 0);
        assert_int_equal(posters[i].seen, POSTS);
    }
    free(posters);
}

static void test_post_before_run_is_not_lost(void **state)
{
    struct trace *trace = *state;
    struct mark a = {trace, 'a'};

    loop_post(trace->loop, on_mark, &a);
    loop_run(trace->loop);

    assert_string_equal(trace->text, "a");
}

static void on_raise(void *ctx)
{
    (void)ctx;
    raise(SIGUSR1);
}

static void on_signal_mark(void *ctx)
{
    struct mark *mark = ctx;
    on_mark(mark);
    loop_stop(mark->trace->loop);
}

static void test_a_signal_reaches_the_loop_and_does_not_keep_it_alive(void **state)
{
    struct trace *trace = *state;
    struct mark a = {trace, 's'}, late = {trace, 'z'};

    loop_on_signal(trace->loop, SIGUSR1, on_signal_mark, &a);
    loop_run(trace->loop);
    assert_int_equal(trace->len, 0);
    loop_soon(trace->loop, on_raise, NULL);
    loop_timer_start(trace->loop, AN_HOUR_MS, on_mark, &late);
    loop_run(trace->loop);

    assert_string_equal(trace->text, "s");
}

static void test_free_accepts_null_and_what_is_still_open(void **state)
{
    struct trace *trace = *state;
    struct mark a = {trace, 'a'};
    struct loop *loop = loop_new();

    loop_timer_start(loop, 1000, on_mark, &a);
    loop_timer_every(loop, 1000, on_mark, &a);
    loop_on_signal(loop, SIGUSR2, on_mark, &a);
    loop_soon(loop, on_mark, &a);
    loop_free(loop);
    loop_free(NULL);

    assert_int_equal(trace->len, 0);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, open_loop, close_loop)

/* ---- Work on the pool ---- */

struct labour {
    struct trace *trace;
    pthread_t loop_thread;
    bool worked_elsewhere, done_here;
};

static void do_labour(void *ctx)
{
    struct labour *labour = ctx;
    labour->worked_elsewhere = !pthread_equal(pthread_self(), labour->loop_thread);
}

static void on_labour_done(void *ctx)
{
    struct labour *labour = ctx;
    labour->done_here =
        labour->worked_elsewhere && pthread_equal(pthread_self(), labour->loop_thread);
    labour->trace->count++;
}

static void test_work_is_done_on_another_thread_and_answered_on_the_loops(void **state)
{
    struct trace *trace = *state;
    struct labour labours[8];

    for (int i = 0; i < 8; i++) {
        labours[i] = (struct labour){.trace = trace, .loop_thread = pthread_self()};
        loop_work(trace->loop, do_labour, on_labour_done, &labours[i]);
        assert_int_equal(trace->count, 0);
    }
    loop_run(trace->loop); /* kept alive by what is under way */

    assert_int_equal(trace->count, 8);
    for (int i = 0; i < 8; i++) {
        assert_true(labours[i].done_here);
    }
}

static void test_work_under_way_is_answered_before_the_loop_is_gone(void **state)
{
    struct trace *trace = *state;
    struct labour labour = {.trace = trace, .loop_thread = pthread_self()};

    loop_work(trace->loop, do_labour, on_labour_done, &labour);
    loop_free(trace->loop);
    trace->loop = NULL;

    assert_true(labour.done_here);
}

/* ---- How long turns take ---- */

#define BUSY_US 6000
#define ASLEEP_MS 50
#define TRIES 40 /* a busy machine may hold up some; a wrong sum is wrong in all */

static uint64_t turns_above(const struct loop *loop, int64_t bound_us)
{
    const struct histogram *turns = loop_turns(loop);
    uint64_t above = 0;
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        above += histogram_bounds_us[i] >= bound_us ? turns->buckets[i + 1] : 0;
    }
    return above;
}

static void on_busy(void *ctx)
{
    struct trace *trace = ctx;
    int64_t begin_us = loop_now_us();
    while (loop_now_us() - begin_us <= BUSY_US) {
        trace->count++;
    }
}

/* The first of a run, which no poll came before, and one after a poll. */
static void test_a_long_turn_is_seen(void **state)
{
    struct trace *trace = *state;

    loop_timer_start(trace->loop, 0, on_busy, trace);
    loop_run(trace->loop);
    uint64_t seen = turns_above(trace->loop, 5000);
    assert_true(seen > 0);
    assert_true(loop_turns(trace->loop)->sum_us >= BUSY_US);
    loop_timer_start(trace->loop, 20, on_busy, trace);
    loop_run(trace->loop);

    assert_true(turns_above(trace->loop, 5000) > seen);
    assert_true(loop_turns(trace->loop)->sum_us >= 2 * BUSY_US);
}

static void test_what_is_done_between_two_runs_is_no_turn(void **state)
{
    struct trace *trace = *state;
    struct mark a = {trace, 'a'};

    loop_timer_start(trace->loop, 0, on_mark, &a);
    loop_run(trace->loop);
    int64_t before_us = loop_turns(trace->loop)->sum_us;
    int64_t begin_us = loop_now_us();
    on_busy(trace);
    loop_timer_start(trace->loop, 0, on_mark, &a);
    loop_run(trace->loop);
    int64_t took_us = loop_now_us() - begin_us;

    assert_true(loop_turns(trace->loop)->sum_us - before_us <= took_us - BUSY_US);
}

static int64_t turns_beside_a_sleep_us(struct trace *trace)
{
    struct mark a = {trace, 'a'};
    int64_t before_us = loop_turns(trace->loop)->sum_us;

    loop_timer_start(trace->loop, ASLEEP_MS, on_mark, &a);
    loop_run(trace->loop);
    return loop_turns(trace->loop)->sum_us - before_us;
}

static void test_sleep_is_no_part_of_a_turn(void **state)
{
    struct trace *trace = *state;
    int64_t least_us = INT64_MAX;

    for (int i = 0; i < TRIES && least_us >= ASLEEP_MS * 1000 / 2; i++) {
        int64_t us = turns_beside_a_sleep_us(trace);
        least_us = us < least_us ? us : least_us;
    }

    assert_true(loop_turns(trace->loop)->count > 0);
    assert_true(least_us < ASLEEP_MS * 1000 / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(test_a_long_turn_is_seen),
        LOOP_TEST(test_what_is_done_between_two_runs_is_no_turn),
        LOOP_TEST(test_sleep_is_no_part_of_a_turn),
        LOOP_TEST(test_work_is_done_on_another_thread_and_answered_on_the_loops),
        LOOP_TEST(test_work_under_way_is_answered_before_the_loop_is_gone),
        LOOP_TEST(test_run_returns_when_nothing_is_left),
        LOOP_TEST(test_soon_never_runs_inside_the_call_that_asked),
        LOOP_TEST(test_soon_keeps_order),
        LOOP_TEST(test_an_endless_chain_of_soon_does_not_starve_a_timer),
        LOOP_TEST(test_timers_fire_in_the_order_of_their_time),
        LOOP_TEST(test_a_stopped_timer_does_not_fire),
        LOOP_TEST(test_a_timer_may_stop_itself_while_it_fires),
        LOOP_TEST(test_every_repeats_and_does_not_keep_the_loop_alive),
        LOOP_TEST(test_stop_ends_run_and_run_can_begin_again),
        LOOP_TEST(test_post_from_threads_keeps_the_order_of_each),
        LOOP_TEST(test_post_before_run_is_not_lost),
        LOOP_TEST(test_a_signal_reaches_the_loop_and_does_not_keep_it_alive),
        LOOP_TEST(test_free_accepts_null_and_what_is_still_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
