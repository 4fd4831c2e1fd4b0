/* SPDX-License-Identifier: Apache-2.0 */
/* A request that arrives on one loop and is answered on another: here really two threads. */
#include "io/http_relay.h"

#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/io/http_server_world.h"

struct home {
    struct loop *loop;
    pthread_t thread;
    struct env *front;
    struct http_exchange *held; /* of /later */
    atomic_int served, gone;
};

struct pair {
    struct env *front;
    struct home home;
    char body[64]; /* what a copy was answered with */
    int answers;
};

/* ---- The home's thread ---- */

static void on_held_gone(void *ctx)
{
    struct home *home = ctx;
    atomic_fetch_add(&home->gone, 1);
    assert_true(http_exchange_is_gone(home->held));
    respond_text(home->held, 200, SLICE("nobody reads this"));
}

static void stream(struct http_exchange *exchange)
{
    struct http_field field = {SLICE("Content-Type"), SLICE("text/event-stream")};
    struct http_response head = {200, &field, 1, SLICE_EMPTY};
    http_stream_begin(exchange, &head);
    http_stream_send(exchange, SLICE("one"));
    http_stream_send(exchange, SLICE("two"));
    http_stream_end(exchange);
}

static void at_home(void *ctx, struct http_exchange *exchange)
{
    struct home *home = ctx;
    const struct http_request *request = http_exchange_request(exchange);
    atomic_fetch_add(&home->served, 1);
    http_exchange_add_field(exchange, SLICE("X-Home"), SLICE("yes"));
    if (slice_is(request->path, "/later")) {
        home->held = exchange;
        http_exchange_on_gone(exchange, on_held_gone, home);
    } else if (slice_is(request->path, "/stream")) {
        stream(exchange);
    } else {
        const struct http_field *marker = http_request_field(request, "x-marker");
        struct slice said = arena_printf(
            http_exchange_arena(exchange), "%.*s|%.*s|%.*s", SLICE_ARG(request->query),
            SLICE_ARG(marker != NULL ? marker->value : SLICE_EMPTY),
            SLICE_ARG(request->body));
        respond_text(exchange, 200, said);
    }
}

static void *run_home(void *ctx)
{
    struct home *home = ctx;
    loop_run(home->loop);
    return NULL;
}

static void end_home(void *ctx)
{
    struct home *home = ctx;
    loop_release(home->loop);
    loop_stop(home->loop);
}

/* ---- The front's ---- */

static void at_front(void *ctx, struct http_exchange *exchange)
{
    struct home *home = ctx;
    http_relay(exchange, home->front->loop, home->loop, at_home, home);
}

static int open_pair(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);
    void *front = NULL;
    struct http_server_options options = http_server_defaults();
    options.shares_port = true;
    set_up(&front);
    pair->front = front;
    pair->home.front = front;
    pair->home.loop = loop_new();
    loop_hold(pair->home.loop);
    assert_int_equal(http_server_listen(pair->front->loop, &options, &pair->front->log,
                                        at_front, &pair->home, &pair->front->server),
                     ERR_OK);
    assert_int_equal(pthread_create(&pair->home.thread, NULL, run_home, &pair->home),
                     0);
    *state = pair;
    return 0;
}

static int close_pair(void **state)
{
    struct pair *pair = *state;
    void *front = pair->front;
    loop_post(pair->home.loop, end_home, &pair->home);
    pthread_join(pair->home.thread, NULL);
    loop_run_once(pair->front->loop); /* the last piece of one whose client has left */
    loop_free(pair->home.loop);
    tear_down(&front);
    free(pair);
    return 0;
}

static void await_atomic(struct pair *pair, atomic_int *value, int wanted)
{
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (atomic_load(value) != wanted) {
        turn(pair->front);
        assert_true(loop_now_us() < end_us);
    }
}

static void test_what_was_asked_and_answered_crosses_whole(void **state)
{
    struct pair *pair = *state;
    struct client client;
    client_open(&client, pair->front);
    for (size_t i = 1; i <= 3; i++) { /* on one connection */
        client_send(&client, SLICE("POST /a?q=1 HTTP/1.1\r\nHost: a\r\nX-Marker: m\r\n"
                                   "Content-Length: 4\r\n\r\nbody"));
        await(&client, "\r\n\r\nq=1|m|body", i);
        assert_int_equal(count_of(&client, "X-Home: yes"), i);
    }
    assert_int_equal(atomic_load(&pair->home.served), 3);
    client_close(&client);
}

static void test_a_stream_comes_piece_by_piece_in_order(void **state)
{
    struct pair *pair = *state;
    struct client client;
    client_open(&client, pair->front);
    client_send(&client, SLICE(GET("/stream")));
    await(&client, "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n", 1);
    client_send(&client, SLICE(GET("/b?after")));
    await(&client, "after||", 1);
    client_close(&client);
}

static void test_a_client_that_leaves_is_told_at_home(void **state)
{
    struct pair *pair = *state;
    struct client client;
    client_open(&client, pair->front);
    client_send(&client, SLICE(GET("/later")));
    await_atomic(pair, &pair->home.served, 1);
    client_close(&client);
    await_atomic(pair, &pair->home.gone, 1);
    await_connections(pair->front, 0);
}

static void on_whole(void *ctx, const struct http_response *answer)
{
    struct pair *pair = ctx;
    pair->answers++;
    assert_int_equal(answer->status, 200);
    snprintf(pair->body, sizeof pair->body, "%.*s", SLICE_ARG(answer->body));
}

static void test_a_copy_is_answered_to_a_function(void **state)
{
    struct pair *pair = *state;
    const struct http_request request = {
        .method = SLICE("GET"), .path = SLICE("/c"), .query = SLICE("x")};
    http_relay_copy(&request, pair->front->loop, pair->home.loop, at_home, &pair->home,
                    on_whole, pair);
    await_int(pair->front, &pair->answers, 1);
    assert_string_equal(pair->body, "x||");
}

int main(void)
{
#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
    const struct CMUnitTest tests[] = {
        PAIR_TEST(test_what_was_asked_and_answered_crosses_whole),
        PAIR_TEST(test_a_stream_comes_piece_by_piece_in_order),
        PAIR_TEST(test_a_client_that_leaves_is_told_at_home),
        PAIR_TEST(test_a_copy_is_answered_to_a_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
