/* SPDX-License-Identifier: Apache-2.0 */
/* What the server does not take: refusals, ceilings, and patience with slow clients. */
#include "tests/unit/io/http_server_world.h"

/* ---- refusals ---- */

static void await_refusal(struct env *env, struct slice bytes, const char *status,
                          const char *code)
{
    struct client client;
    client_open(&client, env);
    client_send(&client, bytes);
    await_end(&client);
    if (count_of(&client, status) != 1 || count_of(&client, code) != 1 ||
        count_of(&client, "Connection: close\r\n") != 1 ||
        count_of(&client, "Content-Type: application/json\r\n") != 1) {
        fail_msg("%s", client.got.ptr != NULL ? client.got.ptr : "nothing came");
    }
    client_close(&client);
    await_connections(env, 0);
}

static void test_refusals_are_json_and_close(void **state)
{
    struct env *env = *state;
    listen_plain(env);

    await_refusal(env, SLICE("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 Bad Request\r\n",
                  "{\"error\":{\"code\":\"bad_request\",\"message\":\"");
    await_refusal(env, SLICE("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
                  "HTTP/1.1 405 Method Not Allowed\r\n", "\"method_not_allowed\"");
    await_refusal(env, SLICE("BREW / HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 501 ",
                  "\"bad_request\"");
    await_refusal(env, SLICE("GET / HTTP/3.0\r\nHost: a\r\n\r\n"), "HTTP/1.1 505 ",
                  "\"bad_request\"");
    await_refusal(env, SLICE("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n"),
                  "HTTP/1.1 417 ", "\"bad_request\"");
    assert_int_equal(env->served, 0);
}

static void test_a_refusal_behind_good_requests_comes_last(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);

    client_send(&client, SLICE(GET("/one") "GET /two\n" GET("/three")));
    await_end(&client);

    assert_int_equal(count_of(&client, "\r\n\r\none"), 1);
    assert_int_equal(count_of(&client, "HTTP/1.1 400 "), 1);
    assert_int_equal(env->served, 1);
    client_close(&client);
}

static void test_a_long_body_is_refused_before_it_is_read(void **state)
{
    struct env *env = *state;
    listen_plain(env);

    await_refusal(
        env, SLICE("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194305\r\n\r\n"),
        "HTTP/1.1 413 Content Too Large\r\n", "\"too_large\"");
    await_refusal(
        env,
        SLICE("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
              "40000000\r\n"),
        "HTTP/1.1 413 ", "larger than the 4194304 bytes");
    await_refusal(env,
                  SLICE("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                        "Content-Length: 4194305\r\n\r\n"),
                  "HTTP/1.1 413 ", "\"too_large\"");
}

static void test_a_client_that_sends_on_still_reads_the_413(void **state)
{
    struct env *env = *state;
    struct client client;
    char *bytes = calloc(1, 3 * 1024 * 1024);
    listen_plain(env);
    client_open(&client, env);

    client_send(&client,
                SLICE("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n"));
    client_send(&client, slice_of(bytes, 3 * 1024 * 1024));
    await_end(&client);

    assert_int_equal(client.error, 0);
    assert_int_equal(count_of(&client, "HTTP/1.1 413 "), 1);
    free(bytes);
    client_close(&client);
}

static void test_a_gigabyte_is_not_read_to_its_end(void **state)
{
    struct env *env = *state;
    struct client client;
    char *bytes = calloc(1, 1024 * 1024);
    listen_plain(env);
    client_open(&client, env);

    client_send(
        &client,
        SLICE("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n"));
    int megabytes = 0;
    while (client.error == 0 && megabytes < 1024) {
        client_send(&client, slice_of(bytes, 1024 * 1024));
        megabytes++;
    }

    assert_true(megabytes < 64);
    free(bytes);
    client_close(&client);
    await_connections(env, 0);
}

static void test_continue_is_sent_when_the_body_waits_for_it(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);

    client_send(&client,
                SLICE("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                      "Content-Length: 5\r\n\r\n"));
    await(&client, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    client_send(&client, SLICE("hello"));
    await(&client, "\r\n\r\nhello", 1);
    client_send(&client,
                SLICE("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                      "Content-Length: 5\r\n\r\nagain"));
    await(&client, "\r\n\r\nagain", 1);

    assert_int_equal(count_of(&client, "100 Continue"), 1);
    client_close(&client);
}

static void test_connections_over_the_ceiling_get_503(void **state)
{
    struct env *env = *state;
    struct client first, second, third;
    struct http_server_options options = http_server_defaults();
    options.max_connections = 2;
    listen_with(env, &options);

    client_open(&first, env);
    client_open(&second, env);
    client_send(&first, SLICE(GET("/later")));
    client_send(&second, SLICE(GET("/later")));
    await_int(env, &env->held_count, 2);
    client_open(&third, env);
    await_end(&third);
    assert_int_equal(count_of(&third, "HTTP/1.1 503 "), 1);
    assert_int_equal(count_of(&third, "Retry-After: 1\r\n"), 1);
    client_close(&third);
    respond_text(env->held[0], 200, SLICE("one"));
    respond_text(env->held[1], 200, SLICE("two"));
    await(&first, "\r\n\r\none", 1);
    await(&second, "\r\n\r\ntwo", 1);

    client_close(&first);
    client_close(&second);
}

static void test_who_waits_longest_for_its_client_gives_way_to_a_new_one(void **state)
{
    struct env *env = *state;
    struct client busy, idle, slow, fresh;
    struct http_server_options options = http_server_defaults();
    options.max_connections = 3;
    listen_with(env, &options);

    client_open(&busy, env);
    client_send(&busy, SLICE(GET("/later")));
    await_int(env, &env->held_count, 1);
    client_open(&idle, env);
    client_send(&idle, SLICE(GET("/1")));
    await(&idle, "\r\n\r\n1", 1);
    client_open(&slow, env);
    client_send(&slow, SLICE("GET / HTTP/1.1\r\nHost: "));
    await_connections(env, 3);
    client_open(&fresh, env);
    await_end(&idle);
    client_send(&fresh, SLICE(GET("/2")));
    await(&fresh, "\r\n\r\n2", 1);
    assert_false(slow.has_eof);
    respond_text(env->held[0], 200, SLICE("one"));
    await(&busy, "\r\n\r\none", 1);

    client_close(&busy);
    client_close(&idle);
    client_close(&slow);
    client_close(&fresh);
}

static void test_a_client_that_comes_back_outlives_those_that_came_later(void **state)
{
    struct env *env = *state;
    struct client regular, slow, fresh;
    struct http_server_options options = http_server_defaults();
    options.max_connections = 2;
    listen_with(env, &options);

    client_open(&regular, env);
    await_connections(env, 1);
    client_open(&slow, env);
    client_send(&slow, SLICE("GET / HTTP/1.1\r\nHost: "));
    await_connections(env, 2);
    int64_t later_us = loop_now_us() + 20000;
    while (loop_now_us() < later_us) {
        turn(env);
    }
    client_send(&regular, SLICE(GET("/1")));
    await(&regular, "\r\n\r\n1", 1);
    client_open(&fresh, env);
    client_send(&fresh, SLICE(GET("/2")));
    await(&fresh, "\r\n\r\n2", 1);
    await_end(&slow);
    client_send(&regular, SLICE(GET("/3")));
    await(&regular, "\r\n\r\n3", 1);

    client_close(&regular);
    client_close(&slow);
    client_close(&fresh);
}

/* Their connects wait in the kernel, so the server meets all of them in one turn. */
static void test_a_crowd_that_comes_at_once_is_let_in(void **state)
{
    struct env *env = *state;
    enum { CROWD = 200 };
    static struct client before[CROWD], crowd[CROWD];
    struct http_server_options options = http_server_defaults();
    options.max_connections = CROWD;
    listen_with(env, &options);

    for (int i = 0; i < CROWD; i++) {
        client_open(&before[i], env);
    }
    await_connections(env, CROWD);
    for (int i = 0; i < CROWD; i++) {
        client_open(&crowd[i], env);
    }
    for (int i = 0; i < CROWD; i++) {
        client_send(&crowd[i], SLICE(GET("/in")));
        await(&crowd[i], "\r\n\r\nin", 1);
    }
    for (int i = 0; i < CROWD; i++) {
        await_end(&before[i]);
        client_close(&before[i]);
    }
    assert_int_equal(http_server_connections(env->server), CROWD);
    for (int i = 0; i < CROWD; i++) {
        client_close(&crowd[i]);
    }
}

static void test_bodies_of_many_share_a_budget_that_small_ones_do_not_need(void **state)
{
    struct env *env = *state;
    struct client large, second, small;
    struct http_server_options options = http_server_defaults();
    options.max_body_memory_bytes = 150 * 1024; /* 90 KiB take 128 of memory */
    static char filler[90 * 1024];
    memset(filler, 'x', sizeof filler);
    listen_with(env, &options);

    client_open(&large, env);
    client_send(&large, SLICE("POST /echo HTTP/1.1\r\nHost: a\r\n"
                              "Content-Length: 92161\r\nExpect: 100-continue\r\n\r\n"));
    await(&large, "100 Continue", 1);
    client_send(&large, slice_of(filler, sizeof filler)); /* all but one byte */
    client_open(&small, env);
    client_send(&small, SLICE("POST /echo HTTP/1.1\r\nHost: a\r\n"
                              "Content-Length: 5\r\n\r\nhello"));
    await(&small, "\r\n\r\nhello", 1);
    client_open(&second, env);
    client_send(&second, SLICE("POST /echo HTTP/1.1\r\nHost: a\r\n"
                               "Content-Length: 92160\r\n\r\n"));
    client_send(&second, slice_of(filler, sizeof filler));
    await_end(&second);
    assert_int_equal(count_of(&second, "HTTP/1.1 503 "), 1);
    assert_int_equal(count_of(&second, "Retry-After: 1\r\n"), 1);
    client_close(&second);

    /* What was held is free again once its request is answered, to the last byte. */
    client_send(&large, SLICE("y"));
    await(&large, "xy", 1);
    client_close(&large);
    await_connections(env, 1);
    client_open(&second, env);
    client_send(&second, SLICE("POST /echo HTTP/1.1\r\nHost: a\r\n"
                               "Content-Length: 92160\r\n\r\n"));
    client_send(&second, slice_of(filler, sizeof filler));
    await(&second, "HTTP/1.1 200 OK", 1);
    client_close(&second);
    client_close(&small);
}

/* ---- timers ---- */

static void test_slow_heads_and_bodies_get_408_however_they_drip(void **state)
{
    struct env *env = *state;
    struct client client;
    struct http_server_options options = http_server_defaults();
    options.head_ms = 40;
    options.body_ms = 60;
    listen_with(env, &options);

    client_open(&client, env);
    client_send(&client, SLICE("GET / HTTP/1.1\r\nHost: a\r\nX: "));
    int64_t begin_us = loop_now_us();
    while (!client.has_eof && client.error == 0) {
        client_send(&client, SLICE("x")); /* a byte now and then buys nothing */
        client_read(&client);
        assert_true(loop_now_us() - begin_us < PATIENCE_US);
    }
    assert_true(loop_now_us() - begin_us >= 39 * 1000);
    assert_int_equal(count_of(&client, "HTTP/1.1 408 "), 1);
    client_close(&client);

    await_refusal(env,
                  SLICE("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhal"),
                  "HTTP/1.1 408 Request Timeout\r\n", "\"timeout\"");
    assert_int_equal(env->served, 0);
}

static void test_idle_connections_are_closed_without_a_word(void **state)
{
    struct env *env = *state;
    struct client client, fresh;
    struct http_server_options options = http_server_defaults();
    options.idle_ms = 30;
    listen_with(env, &options);
    client_open(&fresh, env);

    int64_t end_us = loop_now_us() + PATIENCE_US;
    bool is_answered = false;
    while (!is_answered) { /* who is held up here for 30 ms is cut unread */
        assert_true(loop_now_us() < end_us);
        client_open(&client, env);
        client_send(&client, SLICE(GET("/hello")));
        await_end(&client);
        is_answered = client.got.len > 0;
        if (!is_answered) {
            client_close(&client);
        }
    }
    await_end(&fresh);

    assert_int_equal(count_of(&client, "HTTP/1.1"), 1);
    assert_int_equal(fresh.got.len, 0);
    client_close(&client);
    client_close(&fresh);
}

static void test_a_running_request_has_no_read_deadline(void **state)
{
    struct env *env = *state;
    struct client client;
    struct http_server_options options = http_server_defaults();
    options.idle_ms = options.head_ms = options.body_ms = 10;
    listen_with(env, &options);
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (env->held_count == 0) { /* who is held up here for 10 ms is cut unread */
        assert_true(loop_now_us() < end_us);
        client_open(&client, env);
        client_send(&client, SLICE(GET("/later")));
        while (env->held_count == 0 && !client.has_eof && client.error == 0) {
            turn(env);
            client_read(&client);
        }
        if (env->held_count == 0) {
            client_close(&client);
        }
    }

    int64_t begin_us = loop_now_us();
    while (loop_now_us() - begin_us < 50 * 1000) {
        turn(env);
    }
    respond_text(env->held[0], 200, SLICE("late"));
    await(&client, "late", 1);

    assert_int_equal(env->gone_count, 0);
    client_close(&client);
}

#define BIG_BYTES ((size_t)8 * 1024 * 1024) /* more than sockets hold */

static void test_a_peer_that_stops_reading_is_cut(void **state)
{
    struct env *env = *state;
    struct client client;
    char *bytes = calloc(1, BIG_BYTES);
    struct http_server_options options = http_server_defaults();
    options.write_stall_ms = 40;
    listen_with(env, &options);
    env->big = slice_of(bytes, BIG_BYTES);
    client_open(&client, env);

    client_send(&client, SLICE(GET("/big")));
    await_connections(env, 0);

    free(bytes);
    client_close(&client);
}

#define STALL_MS 400

/* Little time between two reads. Returns the longest, which a pause of the machine adds to. */
static int64_t read_slowly(struct client *client)
{
    int64_t longest_us = 0;
    int64_t read_us = loop_now_us();

    while (client->got.len < BIG_BYTES && client->error == 0 && !client->has_eof) {
        turn(client->env);
        int64_t gap_us = loop_now_us() - read_us;
        if (gap_us >= 15000) {
            client_read(client);
            longest_us = gap_us > longest_us ? gap_us : longest_us;
            read_us = loop_now_us();
        }
    }
    return longest_us;
}

static void test_a_peer_that_reads_slowly_is_served(void **state)
{
    struct env *env = *state;
    struct client client;
    char *bytes = calloc(1, BIG_BYTES);
    struct http_server_options options = http_server_defaults();
    options.write_stall_ms = STALL_MS;
    listen_with(env, &options);
    env->big = slice_of(bytes, BIG_BYTES);

    int64_t end_us = loop_now_us() + PATIENCE_US;
    int64_t begin_us, longest_us;
    bool is_whole = false;
    while (!is_whole) {
        client_open(&client, env);
        client_send(&client, SLICE(GET("/big")));
        begin_us = loop_now_us();
        longest_us = read_slowly(&client);
        is_whole = client.got.len >= BIG_BYTES;
        if (!is_whole) { /* only who was held up for about so long is cut */
            assert_true(longest_us >= STALL_MS * 1000 / 2);
            assert_true(loop_now_us() < end_us);
            client_close(&client);
        }
    }

    /* Several times the limit in all. */
    assert_true(loop_now_us() - begin_us > 2 * STALL_MS * 1000);
    assert_int_equal(client.error, 0);
    free(bytes);
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_refusals_are_json_and_close),
        SERVER_TEST(test_a_refusal_behind_good_requests_comes_last),
        SERVER_TEST(test_a_long_body_is_refused_before_it_is_read),
        SERVER_TEST(test_a_client_that_sends_on_still_reads_the_413),
        SERVER_TEST(test_a_gigabyte_is_not_read_to_its_end),
        SERVER_TEST(test_continue_is_sent_when_the_body_waits_for_it),
        SERVER_TEST(test_connections_over_the_ceiling_get_503),
        SERVER_TEST(test_who_waits_longest_for_its_client_gives_way_to_a_new_one),
        SERVER_TEST(test_a_client_that_comes_back_outlives_those_that_came_later),
        SERVER_TEST(test_a_crowd_that_comes_at_once_is_let_in),
        SERVER_TEST(test_bodies_of_many_share_a_budget_that_small_ones_do_not_need),
        SERVER_TEST(test_slow_heads_and_bodies_get_408_however_they_drip),
        SERVER_TEST(test_idle_connections_are_closed_without_a_word),
        SERVER_TEST(test_a_running_request_has_no_read_deadline),
        SERVER_TEST(test_a_peer_that_stops_reading_is_cut),
        SERVER_TEST(test_a_peer_that_reads_slowly_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
