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
    char body[64]; /* what a copy was answered with, or a stream brought so far */
    int answers;
    int begun, ended; /* of streams that are read */
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

static void on_reader_gone(void *ctx)
{
    struct home *home = ctx;
    http_stream_send(home->held, SLICE("nobody reads this"));
    http_stream_end(home->held);
}

static void begin_without_end(struct home *home, struct http_exchange *exchange)
{
    struct http_response head = {200, NULL, 0, SLICE_EMPTY};
    home->held = exchange;
    http_exchange_on_gone(exchange, on_reader_gone, home);
    http_stream_begin(exchange, &head);
    http_stream_send(exchange, SLICE("one"));
    http_stream_send(exchange, SLICE("two"));
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
    } else if (slice_is(request->path, "/endless")) {
        begin_without_end(home, exchange);
    } else if (slice_is(request->path, "/unsent")) {
        struct slice said = arena_printf(http_exchange_arena(exchange), "%zu",
                                         http_stream_unsent(home->held));
        respond_text(exchange, 200, said);
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

static void on_begun(void *ctx, const struct http_response *head)
{
    struct pair *pair = ctx;
    assert_int_equal(head->status, 200);
    assert_string_equal(pair->body, "");
    pair->begun++;
}

static void on_bytes(void *ctx, struct slice bytes)
{
    struct pair *pair = ctx;
    size_t len = strlen(pair->body);
    snprintf(pair->body + len, sizeof pair->body - len, "%.*s", SLICE_ARG(bytes));
    pair->answers++;
}

static void on_ended(void *ctx)
{
    struct pair *pair = ctx;
    pair->ended++;
}

static struct http_relay *read_path(struct pair *pair, const char *path)
{
    const struct http_request request = {.method = SLICE("GET"),
                                         .path = slice_str(path)};
    const struct http_relay_reader reader = {on_whole, on_begun, on_bytes, on_ended,
                                             pair};
    return http_relay_read(&request, pair->front->loop, pair->home.loop, at_home,
                           &pair->home, &reader);
}

static void test_a_stream_is_read_by_functions(void **state)
{
    struct pair *pair = *state;
    read_path(pair, "/stream");
    await_int(pair->front, &pair->ended, 1);
    assert_int_equal(pair->begun, 1);
    assert_string_equal(pair->body, "onetwo");
}

static void test_a_stream_without_end_ends_when_its_reader_leaves(void **state)
{
    struct pair *pair = *state;
    struct http_relay *relay = read_path(pair, "/endless");
    await_int(pair->front, &pair->answers, 2);
    assert_string_equal(pair->body, "onetwo");
    assert_int_equal(pair->ended, 0);
    http_relay_leave(relay);
    await_int(pair->front, &pair->ended, 1);
    assert_string_equal(pair->body, "onetwo");
}

static void test_the_home_knows_what_the_client_has_yet_to_take(void **state)
{
    struct pair *pair = *state;
    struct http_relay *relay = read_path(pair, "/endless");
    await_int(pair->front, &pair->answers, 2);
    read_path(pair, "/unsent");
    await_int(pair->front, &pair->answers, 3);
    assert_string_equal(pair->body, "0");
    http_relay_set_unsent(relay, 1000);
    read_path(pair, "/unsent");
    await_int(pair->front, &pair->answers, 4);
    assert_string_equal(pair->body, "1000");
    http_relay_leave(relay);
    await_int(pair->front, &pair->ended, 1);
}

int main(void)
{
#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
    const struct CMUnitTest tests[] = {
        PAIR_TEST(test_what_was_asked_and_answered_crosses_whole),
        PAIR_TEST(test_a_stream_comes_piece_by_piece_in_order),
        PAIR_TEST(test_a_client_that_leaves_is_told_at_home),
        PAIR_TEST(test_a_copy_is_answered_to_a_function),
        PAIR_TEST(test_a_stream_is_read_by_functions),
        PAIR_TEST(test_a_stream_without_end_ends_when_its_reader_leaves),
        PAIR_TEST(test_the_home_knows_what_the_client_has_yet_to_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
