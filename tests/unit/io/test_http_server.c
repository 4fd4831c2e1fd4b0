/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: tests of io/http_server over real sockets on a free loopback port, in one
 * process: the test is the client, the loop is run one turn at a time in between. Start
 * reading at: on_request, then main.
 */
#include "io/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"

#define PATIENCE_US ((int64_t)20 * 1000 * 1000)
#define MAX_HELD 64
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

struct env {
    struct loop *loop;
    struct http_server *server;
    struct http_exchange *held[MAX_HELD]; /* of /later, in order */
    int held_count, gone_count, drained_count, served;
    struct slice big; /* what /big answers */
    char seen[4096];  /* what the last /look saw */
    struct clock_fake time;
    struct clock clock;
    struct log log;
};

static void respond_text(struct http_exchange *exchange, int status, struct slice body)
{
    struct http_field field = {SLICE("Content-Type"), SLICE("text/plain")};
    struct http_response response = {status, &field, 1, body};
    http_respond(exchange, &response);
}

static void on_gone(void *ctx)
{
    struct env *env = ctx;
    env->gone_count++;
}

static void look_at(struct env *env, const struct http_request *request)
{
    const struct http_field *marker = http_request_field(request, "x-marker");
    snprintf(
        env->seen, sizeof env->seen, "%.*s|%.*s|%.*s|%.*s|%.*s|%s",
        SLICE_ARG(request->method), SLICE_ARG(request->path), SLICE_ARG(request->query),
        SLICE_ARG(marker != NULL ? marker->value : SLICE_EMPTY),
        SLICE_ARG(request->body), request->peer_is_loopback ? "loopback" : "remote");
}

static void hold(struct env *env, struct http_exchange *exchange)
{
    assert_true(env->held_count < MAX_HELD);
    env->held[env->held_count++] = exchange;
    http_exchange_on_gone(exchange, on_gone, env);
}

static void on_request(void *ctx, struct http_exchange *exchange)
{
    struct env *env = ctx;
    const struct http_request *request = http_exchange_request(exchange);

    env->served++;
    if (slice_is(request->path, "/later")) {
        hold(env, exchange);
    } else if (slice_is(request->path, "/big")) {
        respond_text(exchange, 200, env->big);
    } else if (slice_is(request->path, "/none")) {
        respond_text(exchange, 204, SLICE("dropped"));
    } else if (slice_is(request->path, "/echo")) {
        respond_text(exchange, 200, request->body);
    } else {
        look_at(env, request);
        arena_copy(http_exchange_arena(exchange), request->path);
        respond_text(exchange, 200, slice_from(request->path, 1));
    }
}

static int set_up(void **state)
{
    struct env *env = calloc(1, sizeof *env);
    env->loop = loop_new();
    env->time.wall_ms = 784111777000; /* Sun, 06 Nov 1994 08:49:37 GMT */
    env->clock = clock_from_fake(&env->time);
    env->log = (struct log){.fd = -1, .level = LOG_ERROR, .clock = &env->clock};
    *state = env;
    return 0;
}

static int tear_down(void **state)
{
    struct env *env = *state;
    http_server_free(env->server);
    loop_free(env->loop);
    free(env);
    return 0;
}

static void listen_with(struct env *env, const struct http_server_options *options)
{
    assert_int_equal(http_server_listen(env->loop, options, &env->log, on_request, env,
                                        &env->server),
                     ERR_OK);
    assert_true(http_server_port(env->server) > 0);
}

static void listen_plain(struct env *env)
{
    struct http_server_options options = http_server_defaults();
    listen_with(env, &options);
}

/* ---- the client ---- */

struct client {
    struct env *env;
    int fd;
    struct buf got;
    bool has_eof;
    int error;
};

static void client_open(struct client *client, struct env *env)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port =
                                      htons((uint16_t)http_server_port(env->server)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    *client = (struct client){.env = env, .fd = socket(AF_INET, SOCK_STREAM, 0)};
    assert_true(client->fd >= 0);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&address, sizeof address),
                     0);
    assert_int_equal(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
    buf_init(&client->got, 64 * 1024 * 1024);
}

static void client_close(struct client *client)
{
    close(client->fd);
    client->fd = -1;
    buf_free(&client->got);
}

static void turn(struct env *env)
{
    loop_run_once(env->loop);
}

static void client_read(struct client *client)
{
    char bytes[65536];
    ssize_t count = recv(client->fd, bytes, sizeof bytes, 0);
    if (count > 0) {
        assert_true(buf_append(&client->got, slice_of(bytes, (size_t)count)));
    } else if (count == 0) {
        client->has_eof = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        client->error = errno;
    }
}

static void client_send(struct client *client, struct slice bytes)
{
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (bytes.len > 0 && client->error == 0) {
        ssize_t count = send(client->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (count > 0) {
            bytes = slice_from(bytes, (size_t)count);
        } else if (errno != EAGAIN) {
            client->error = errno;
        }
        turn(client->env);
        assert_true(loop_now_us() < end_us);
    }
}

static size_t count_of(const struct client *client, const char *text)
{
    size_t count = 0;
    const char *at = client->got.ptr;
    while (at != NULL && (at = strstr(at, text)) != NULL) {
        count++;
        at++;
    }
    return count;
}

/* Runs the loop and reads until the answer holds `text` `times` times. */
static void await(struct client *client, const char *text, size_t times)
{
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (count_of(client, text) < times) {
        turn(client->env);
        client_read(client);
        if (loop_now_us() > end_us || client->has_eof) {
            client_read(client);
            if (count_of(client, text) >= times) {
                return;
            }
            fail_msg("no \"%s\" in: %s", text,
                     client->got.ptr != NULL ? client->got.ptr : "");
        }
    }
}

static void await_end(struct client *client)
{
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (!client->has_eof && client->error == 0) {
        turn(client->env);
        client_read(client);
        assert_true(loop_now_us() < end_us);
    }
}

static void await_int(struct env *env, const int *value, int wanted)
{
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (*value != wanted) {
        turn(env);
        if (loop_now_us() > end_us) {
            fail_msg("%d instead of %d", *value, wanted);
        }
    }
}

static void await_connections(struct env *env, size_t wanted)
{
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (http_server_connections(env->server) != wanted) {
        turn(env);
        assert_true(loop_now_us() < end_us);
    }
}

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

/* ---- clients that leave ---- */

static void test_leaving_is_noticed_while_the_request_runs(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);

    client_send(&client, SLICE(GET("/later")));
    await_int(env, &env->held_count, 1);
    assert_false(http_exchange_is_gone(env->held[0]));
    client_close(&client);
    await_int(env, &env->gone_count, 1);

    assert_true(http_exchange_is_gone(env->held[0]));
    assert_true(slice_is(http_exchange_request(env->held[0])->path, "/later"));
    assert_int_equal(http_server_connections(env->server), 0);
    arena_alloc(http_exchange_arena(env->held[0]), 100);
    respond_text(env->held[0], 200, SLICE("nobody reads this"));
    turn(env);
    assert_int_equal(env->gone_count, 1);
}

static void test_a_reset_is_noticed_with_requests_waiting_behind(void **state)
{
    struct env *env = *state;
    struct client client;
    struct linger hard = {1, 0};
    listen_plain(env);
    client_open(&client, env);

    client_send(&client, SLICE(GET("/later") GET("/later")));
    await_int(env, &env->held_count, 1);
    setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    client_close(&client);
    await_int(env, &env->gone_count, 1);

    respond_text(env->held[0], 200, SLICE("x"));
    for (int i = 0; i < 10; i++) {
        turn(env);
    }
    assert_int_equal(env->served, 1);
}

static void test_asking_late_still_tells_that_the_client_has_gone(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);
    client_send(&client, SLICE(GET("/later")));
    await_int(env, &env->held_count, 1);
    client_close(&client);
    await_int(env, &env->gone_count, 1);

    http_exchange_on_gone(env->held[0], on_gone, env);
    assert_int_equal(env->gone_count, 1);
    await_int(env, &env->gone_count, 2);

    respond_text(env->held[0], 200, SLICE("x"));
}

static void test_an_ended_exchange_is_not_told(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);
    client_send(&client, SLICE(GET("/later")));
    await_int(env, &env->held_count, 1);

    respond_text(env->held[0], 200, SLICE("done"));
    await(&client, "done", 1);
    client_close(&client);
    await_connections(env, 0);
    for (int i = 0; i < 10; i++) {
        turn(env);
    }

    assert_int_equal(env->gone_count, 0);
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
    options.max_body_memory_bytes = 100 * 1024;
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

    /* What was held is free again once its request is answered. */
    client_send(&large, SLICE("y"));
    await(&large, "HTTP/1.1 200 OK", 1);
    client_close(&large);
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
    client_open(&client, env);
    client_open(&fresh, env);

    client_send(&client, SLICE(GET("/hello")));
    await_end(&client);
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
    client_open(&client, env);
    client_send(&client, SLICE(GET("/later")));
    await_int(env, &env->held_count, 1);

    int64_t begin_us = loop_now_us();
    while (loop_now_us() - begin_us < 50 * 1000) {
        turn(env);
    }
    respond_text(env->held[0], 200, SLICE("late"));
    await(&client, "late", 1);

    assert_int_equal(env->gone_count, 0);
    client_close(&client);
}

static void test_a_peer_that_stops_reading_is_cut(void **state)
{
    struct env *env = *state;
    struct client client;
    char *bytes = calloc(1, 8 * 1024 * 1024);
    struct http_server_options options = http_server_defaults();
    options.write_stall_ms = 40;
    listen_with(env, &options);
    env->big = slice_of(bytes, 8 * 1024 * 1024);
    client_open(&client, env);

    client_send(&client, SLICE(GET("/big")));
    await_connections(env, 0);

    free(bytes);
    client_close(&client);
}

static void test_a_peer_that_reads_slowly_is_served(void **state)
{
    struct env *env = *state;
    struct client client;
    char *bytes = calloc(1, 8 * 1024 * 1024);
    struct http_server_options options = http_server_defaults();
    options.write_stall_ms = 150;
    listen_with(env, &options);
    env->big = slice_of(bytes, 8 * 1024 * 1024);
    client_open(&client, env);
    client_send(&client, SLICE(GET("/big")));

    /* Little time between two reads, several times the stall limit in all. */
    int64_t begin_us = loop_now_us();
    int64_t next_us = loop_now_us();
    while (client.got.len < 8 * 1024 * 1024 && client.error == 0 && !client.has_eof) {
        turn(env);
        if (loop_now_us() >= next_us) {
            client_read(&client);
            next_us = loop_now_us() + 5000;
        }
    }

    assert_true(loop_now_us() - begin_us > 300 * 1000);
    assert_int_equal(client.error, 0);
    assert_true(client.got.len >= 8 * 1024 * 1024);
    free(bytes);
    client_close(&client);
}

/* ---- drain ---- */

static void on_drained(void *ctx)
{
    struct env *env = ctx;
    env->drained_count++;
}

static bool can_connect(struct env *env)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port =
                                      htons((uint16_t)http_server_port(env->server)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool can = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return can;
}

static void test_drain_closes_idle_and_lets_open_exchanges_end(void **state)
{
    struct env *env = *state;
    struct client idle, busy;
    listen_plain(env);
    client_open(&idle, env);
    client_open(&busy, env);
    client_send(&idle, SLICE(GET("/hello")));
    await(&idle, "hello", 1);
    client_send(&busy, SLICE(GET("/later")));
    await_int(env, &env->held_count, 1);

    http_server_drain(env->server, 20000, on_drained, env);
    await_end(&idle);
    assert_int_equal(env->drained_count, 0);
    assert_false(can_connect(env));
    respond_text(env->held[0], 200, SLICE("last"));
    await_end(&busy);
    client_close(&busy);
    await_int(env, &env->drained_count, 1);

    assert_int_equal(env->gone_count, 0);
    client_close(&idle);
}

static void test_drain_says_connection_close(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);
    client_send(&client, SLICE(GET("/later")));
    await_int(env, &env->held_count, 1);

    http_server_drain(env->server, 20000, on_drained, env);
    respond_text(env->held[0], 200, SLICE("last"));
    await_end(&client);
    assert_int_equal(count_of(&client, "Connection: close\r\n"), 1);
    client_close(&client);
    await_int(env, &env->drained_count, 1);
}

static void test_drain_cuts_what_takes_too_long(void **state)
{
    struct env *env = *state;
    struct client busy, half;
    listen_plain(env);
    client_open(&busy, env);
    client_open(&half, env);
    client_send(&busy, SLICE(GET("/later")));
    client_send(&half, SLICE("GET / HT"));
    await_int(env, &env->held_count, 1);

    http_server_drain(env->server, 20, on_drained, env);
    await_int(env, &env->drained_count, 1);

    assert_int_equal(env->gone_count, 1); /* told before the drain is over */
    http_server_free(env->server);
    env->server = NULL;
    assert_true(slice_is(http_exchange_request(env->held[0])->path, "/later"));
    respond_text(env->held[0], 200, SLICE("after the server"));
    client_close(&busy);
    client_close(&half);
}

static void test_an_exchange_may_end_after_server_and_loop(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    client_open(&client, env);
    client_send(&client, SLICE(GET("/later")));
    await_int(env, &env->held_count, 1);

    http_server_free(env->server);
    env->server = NULL;
    loop_free(env->loop);
    env->loop = NULL;
    http_exchange_on_gone(env->held[0], on_gone, env);
    respond_text(env->held[0], 200, SLICE("x"));

    assert_int_equal(env->gone_count, 0);
    client_close(&client);
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

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
        SERVER_TEST(test_leaving_is_noticed_while_the_request_runs),
        SERVER_TEST(test_a_reset_is_noticed_with_requests_waiting_behind),
        SERVER_TEST(test_asking_late_still_tells_that_the_client_has_gone),
        SERVER_TEST(test_an_ended_exchange_is_not_told),
        SERVER_TEST(test_a_stream_is_chunked_and_the_connection_goes_on),
        SERVER_TEST(test_a_stream_to_http10_is_raw_until_close),
        SERVER_TEST(test_a_stream_answers_head_without_body),
        SERVER_TEST(test_a_slow_reader_of_a_stream_is_cut_at_the_ceiling),
        SERVER_TEST(test_a_stream_outlives_its_client),
        SERVER_TEST(test_refusals_are_json_and_close),
        SERVER_TEST(test_a_refusal_behind_good_requests_comes_last),
        SERVER_TEST(test_a_long_body_is_refused_before_it_is_read),
        SERVER_TEST(test_a_client_that_sends_on_still_reads_the_413),
        SERVER_TEST(test_a_gigabyte_is_not_read_to_its_end),
        SERVER_TEST(test_continue_is_sent_when_the_body_waits_for_it),
        SERVER_TEST(test_bodies_of_many_share_a_budget_that_small_ones_do_not_need),
        SERVER_TEST(test_connections_over_the_ceiling_get_503),
        SERVER_TEST(test_who_waits_longest_for_its_client_gives_way_to_a_new_one),
        SERVER_TEST(test_a_client_that_comes_back_outlives_those_that_came_later),
        SERVER_TEST(test_a_crowd_that_comes_at_once_is_let_in),
        SERVER_TEST(test_slow_heads_and_bodies_get_408_however_they_drip),
        SERVER_TEST(test_idle_connections_are_closed_without_a_word),
        SERVER_TEST(test_a_running_request_has_no_read_deadline),
        SERVER_TEST(test_a_peer_that_stops_reading_is_cut),
        SERVER_TEST(test_a_peer_that_reads_slowly_is_served),
        SERVER_TEST(test_drain_closes_idle_and_lets_open_exchanges_end),
        SERVER_TEST(test_drain_says_connection_close),
        SERVER_TEST(test_drain_cuts_what_takes_too_long),
        SERVER_TEST(test_an_exchange_may_end_after_server_and_loop),
        SERVER_TEST(test_listening_fails_with_a_reason),
        SERVER_TEST(test_fields_that_would_split_an_answer_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
