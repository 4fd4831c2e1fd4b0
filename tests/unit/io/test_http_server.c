/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked and answered: one request, many in a row, streams, the listening itself. */
#include "tests/unit/io/http_server_world.h"

/* ---- answers ---- */

static void test_an_answer_has_date_length_and_no_connection_field(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);

    client_send(&client, SLICE(GET("/hello")));
    await(&client, "hello", 1);

    assert_string_equal(client.got.ptr, "HTTP/1.1 200 OK\r\n"
                                        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                        "Content-Type: text/plain\r\n"
                                        "Content-Length: 5\r\n\r\nhello");
    client_close(&client);
}

static void test_the_date_follows_the_clock(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);

    client_send(&client, SLICE(GET("/1")));
    await(&client, "08:49:37 GMT", 1);
    env->time.wall_ms = 1795599005999; /* 2026-11-25 09:30:05 */
    client_send(&client, SLICE(GET("/2")));

    await(&client, "Date: Wed, 25 Nov 2026 09:30:05 GMT\r\n", 1);
    client_close(&client);
}

static void test_the_handler_sees_the_request(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);

    client_send(&client,
                SLICE("POST /a%20b?c=d&e HTTP/1.1\r\nHost: a\r\nX-Marker:  m \r\n"
                      "Content-Length: 4\r\n\r\nbody"));
    await(&client, "a%20b", 1);

    assert_string_equal(env->seen, "POST|/a%20b|c=d&e|m|body|loopback");
    client_close(&client);
}

static void test_a_connection_serves_many_requests(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);

    for (int i = 1; i <= 50; i++) {
        client_send(&client, SLICE(GET("/hello")));
        await(&client, "\r\n\r\nhello", (size_t)i);
    }

    assert_int_equal(http_server_connections(env->server), 1);
    client_close(&client);
    await_connections(env, 0);
}

static void test_head_and_204_have_no_body(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);

    client_send(&client, SLICE("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n" GET("/none")));
    await(&client, "204 No Content", 1);
    client_send(&client, SLICE(GET("/end")));
    await(&client, "\r\n\r\nend", 1);

    assert_int_equal(count_of(&client, "hello"), 0);
    assert_int_equal(count_of(&client, "dropped"), 0);
    assert_int_equal(count_of(&client, "Content-Length: 5"), 1);
    assert_int_equal(count_of(&client, "Content-Length"), 2);
    client_close(&client);
}

static void test_close_is_honoured(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);

    client_send(&client,
                SLICE("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    await_end(&client);

    assert_int_equal(count_of(&client, "Connection: close\r\n"), 1);
    assert_int_equal(count_of(&client, "\r\n\r\nhello"), 1);
    client_close(&client);
    await_connections(env, 0);
}

static void test_http10_closes_unless_asked_to_stay(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);

    client_open(&client, env);
    client_send(&client, SLICE("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    await(&client, "Connection: keep-alive\r\n", 1);
    client_send(&client, SLICE("GET /2 HTTP/1.0\r\n\r\n"));
    await_end(&client);

    assert_int_equal(count_of(&client, "Connection: close\r\n"), 1);
    client_close(&client);
}

static void test_a_request_with_its_end_behind_it_is_answered(void **state)
{
    struct env *env = *state;
    struct client client;
    char *bytes = calloc(1, 8 * 1024 * 1024);
    listen_plain(env);
    memset(bytes, 'b', 8 * 1024 * 1024);
    env->big = slice_of(bytes, 8 * 1024 * 1024);
    client_open(&client, env);

    client_send(&client, SLICE(GET("/big")));
    shutdown(client.fd, SHUT_WR);
    await_end(&client);

    assert_true(client.got.len > env->big.len);
    assert_int_equal(client.error, 0);
    client_close(&client);
    free(bytes);
}

/* ---- pipelining ---- */

static void test_pipelined_requests_are_answered_in_order(void **state)
{
    struct env *env = *state;
    struct client client;
    struct buf many;
    listen_plain(env);
    client_open(&client, env);
    buf_init(&many, 1024 * 1024);
    for (int i = 0; i < 500; i++) {
        buf_printf(&many, "GET /r%d; HTTP/1.1\r\nHost: a\r\n\r\n", i);
    }

    client_send(&client, buf_slice(&many));
    await(&client, "\r\n\r\nr499;", 1);

    const char *at = client.got.ptr;
    for (int i = 0; i < 500; i++) {
        char text[32];
        snprintf(text, sizeof text, "\r\n\r\nr%d;", i);
        at = strstr(at, text);
        assert_non_null(at);
    }
    assert_int_equal(env->served, 500);
    buf_free(&many);
    client_close(&client);
}

static void test_a_pipelined_request_waits_for_the_one_before(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);

    client_send(&client, SLICE(GET("/later") GET("/second") GET("/later")));
    await_int(env, &env->held_count, 1);
    for (int i = 0; i < 20; i++) {
        turn(env);
    }
    assert_int_equal(env->served, 1);
    respond_text(env->held[0], 200, SLICE("first"));
    assert_int_equal(env->served, 1); /* never from inside http_respond */
    await(&client, "second", 1);
    await_int(env, &env->held_count, 2);
    respond_text(env->held[1], 200, SLICE("third"));
    await(&client, "third", 1);

    assert_true(strstr(client.got.ptr, "first") < strstr(client.got.ptr, "second"));
    client_close(&client);
}

static void test_reading_ahead_has_a_ceiling_and_goes_on_afterwards(void **state)
{
    struct env *env = *state;
    struct client client;
    char *body = malloc(3 * 1024 * 1024);
    listen_plain(env);
    memset(body, 'x', 3 * 1024 * 1024);
    client_open(&client, env);

    client_send(&client, SLICE(GET("/later")));
    await_int(env, &env->held_count, 1);
    size_t sent = 0;
    client_send(&client, SLICE("POST /echo HTTP/1.1\r\nHost: a\r\n"
                               "Content-Length: 3145728\r\n\r\n"));
    int stuck = 0;
    while (sent < 3 * 1024 * 1024 && stuck < 50) {
        ssize_t count =
            send(client.fd, body + sent, 3 * 1024 * 1024 - sent, MSG_NOSIGNAL);
        stuck = count > 0 ? 0 : stuck + 1;
        sent += count > 0 ? (size_t)count : 0;
        turn(env);
    }
    respond_text(env->held[0], 200, SLICE("first"));
    client_send(&client, slice_of(body + sent, 3 * 1024 * 1024 - sent));
    await(&client, "Content-Length: 3145728", 1);
    while (client.got.len < 3 * 1024 * 1024) {
        turn(env);
        client_read(&client);
    }

    assert_int_equal(env->served, 2);
    free(body);
    client_close(&client);
}

static void test_a_peer_that_does_not_read_gets_no_further_answers(void **state)
{
    struct env *env = *state;
    struct client client;
    char *bytes = calloc(1, 8 * 1024 * 1024);
    listen_plain(env);
    memset(bytes, 'b', 8 * 1024 * 1024);
    env->big = slice_of(bytes, 8 * 1024 * 1024);
    client_open(&client, env);

    client_send(&client, SLICE(GET("/big") GET("/big") GET("/last")));
    for (int i = 0; i < 200; i++) {
        turn(env);
    }
    assert_int_equal(env->served, 1);
    await(&client, "\r\n\r\nlast", 1);

    assert_int_equal(env->served, 3);
    free(bytes);
    client_close(&client);
}

/* ---- streams ---- */

static void begin_stream(struct http_exchange *exchange)
{
    struct http_field fields[] = {{SLICE("Content-Type"), SLICE("text/event-stream")},
                                  {SLICE("Cache-Control"), SLICE("no-store")}};
    struct http_response head = {200, fields, 2, SLICE_EMPTY};
    http_stream_begin(exchange, &head);
}

static void test_a_stream_is_chunked_and_the_connection_goes_on(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);
    client_send(&client, SLICE(GET("/later")));
    await_int(env, &env->held_count, 1);

    begin_stream(env->held[0]);
    await(&client, "Transfer-Encoding: chunked\r\n\r\n", 1);
    http_stream_send(env->held[0], SLICE("data: 1\n\n"));
    await(&client, "9\r\ndata: 1\n\n\r\n", 1);
    http_stream_send(env->held[0], SLICE_EMPTY);
    http_stream_send(env->held[0], SLICE("data: two is longer\n\n"));
    http_stream_end(env->held[0]);
    await(&client, "15\r\ndata: two is longer\n\n\r\n0\r\n\r\n", 1);
    client_send(&client, SLICE(GET("/next")));
    await(&client, "\r\n\r\nnext", 1);

    assert_int_equal(count_of(&client, "Connection:"), 0);
    client_close(&client);
}

static void test_a_stream_to_http10_is_raw_until_close(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);
    client_send(&client,
                SLICE("GET /later HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    await_int(env, &env->held_count, 1);

    begin_stream(env->held[0]);
    http_stream_send(env->held[0], SLICE("one"));
    http_stream_send(env->held[0], SLICE("two"));
    http_stream_end(env->held[0]);
    await_end(&client);

    assert_int_equal(count_of(&client, "\r\n\r\nonetwo"), 1);
    assert_int_equal(count_of(&client, "chunked"), 0);
    assert_int_equal(count_of(&client, "Connection: close\r\n"), 1);
    client_close(&client);
}

static void test_a_stream_answers_head_without_body(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);
    client_send(&client, SLICE("HEAD /later HTTP/1.1\r\nHost: a\r\n\r\n"));
    await_int(env, &env->held_count, 1);

    begin_stream(env->held[0]);
    http_stream_send(env->held[0], SLICE("dropped"));
    http_stream_end(env->held[0]);
    client_send(&client, SLICE(GET("/next")));
    await(&client, "\r\n\r\nnext", 1);

    assert_int_equal(count_of(&client, "dropped"), 0);
    client_close(&client);
}

static void test_a_slow_reader_of_a_stream_is_cut_at_the_ceiling(void **state)
{
    struct env *env = *state;
    struct client client;
    char *bytes = calloc(1, 1024 * 1024);
    listen_plain(env);
    client_open(&client, env);
    client_send(&client, SLICE(GET("/later")));
    await_int(env, &env->held_count, 1);

    begin_stream(env->held[0]);
    int sent = 0;
    while (!http_exchange_is_gone(env->held[0]) && sent < 100) {
        http_stream_send(env->held[0], slice_of(bytes, 1024 * 1024));
        sent++;
    }
    assert_true(sent < 100);
    assert_int_equal(env->gone_count, 0); /* not inside http_stream_send */
    await_int(env, &env->gone_count, 1);

    http_stream_end(env->held[0]);
    free(bytes);
    client_close(&client);
}

static void test_a_stream_outlives_its_client(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);
    client_send(&client, SLICE(GET("/later")));
    await_int(env, &env->held_count, 1);

    begin_stream(env->held[0]);
    client_close(&client);
    await_int(env, &env->gone_count, 1);
    http_stream_send(env->held[0], SLICE("x"));
    http_stream_end(env->held[0]);
    turn(env);
    assert_int_equal(http_server_connections(env->server), 0);
}

/* ---- listening ---- */

static void test_listening_fails_with_a_reason(void **state)
{
    struct env *env = *state;
    struct http_server *second = NULL;
    struct http_server_options options = http_server_defaults();
    listen_with(env, &options);

    options.port = http_server_port(env->server);
    assert_int_equal(
        http_server_listen(env->loop, &options, &env->log, on_request, env, &second),
        ERR_IO);
    options.host = SLICE("localhost");
    assert_int_equal(
        http_server_listen(env->loop, &options, &env->log, on_request, env, &second),
        ERR_UNPROCESSABLE);
    assert_null(second);
    http_server_free(NULL);
}

static void test_fields_that_would_split_an_answer_are_left_out(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);
    client_send(&client, SLICE(GET("/later")));
    await_int(env, &env->held_count, 1);
    struct http_field fields[] = {{SLICE("X-Bad"), SLICE("a\r\nSet-Cookie: b")},
                                  {SLICE("X-Good"), SLICE("fine")}};
    struct http_response response = {200, fields, 2, SLICE("body")};

    http_respond(env->held[0], &response);
    await(&client, "\r\n\r\nbody", 1);

    assert_int_equal(count_of(&client, "Set-Cookie"), 0);
    assert_int_equal(count_of(&client, "X-Good: fine\r\n"), 1);
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_an_answer_has_date_length_and_no_connection_field),
        SERVER_TEST(test_the_date_follows_the_clock),
        SERVER_TEST(test_the_handler_sees_the_request),
        SERVER_TEST(test_a_connection_serves_many_requests),
        SERVER_TEST(test_head_and_204_have_no_body),
        SERVER_TEST(test_close_is_honoured),
        SERVER_TEST(test_http10_closes_unless_asked_to_stay),
        SERVER_TEST(test_a_request_with_its_end_behind_it_is_answered),
        SERVER_TEST(test_pipelined_requests_are_answered_in_order),
        SERVER_TEST(test_a_pipelined_request_waits_for_the_one_before),
        SERVER_TEST(test_reading_ahead_has_a_ceiling_and_goes_on_afterwards),
        SERVER_TEST(test_a_peer_that_does_not_read_gets_no_further_answers),
        SERVER_TEST(test_a_stream_is_chunked_and_the_connection_goes_on),
        SERVER_TEST(test_a_stream_to_http10_is_raw_until_close),
        SERVER_TEST(test_a_stream_answers_head_without_body),
        SERVER_TEST(test_a_slow_reader_of_a_stream_is_cut_at_the_ceiling),
        SERVER_TEST(test_a_stream_outlives_its_client),
        SERVER_TEST(test_listening_fails_with_a_reason),
        SERVER_TEST(test_fields_that_would_split_an_answer_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
