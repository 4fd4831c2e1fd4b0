/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that end: clients that leave, a server that drains. */
#include "tests/unit/io/http_server_world.h"

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

/* Whether the server still reads or has read as far ahead as it may: it does not wait for the
 * deadline of a reader that stands still. */
static void test_a_reset_in_the_middle_of_an_answer_ends_the_connection(void **state)
{
    struct env *env = *state;
    struct linger hard = {1, 0};
    size_t bytes = 16 * 1024 * 1024;
    char *text = malloc(bytes);
    listen_plain(env);
    memset(text, 'x', bytes);
    env->big = slice_of(text, bytes);

    for (int reads_ahead = 0; reads_ahead < 2; reads_ahead++) {
        struct client client;
        client_open(&client, env);
        client_send(&client, SLICE(GET("/big")));
        await_int(env, &env->served, reads_ahead + 1);
        if (reads_ahead == 1) {
            client_send(&client, SLICE("POST /echo HTTP/1.1\r\nHost: a\r\n"
                                       "Content-Length: 3145728\r\n\r\n"));
        }
        for (int stuck = 0; reads_ahead == 1 && stuck < 50; stuck++) {
            stuck = send(client.fd, text, 65536, MSG_NOSIGNAL) > 0 ? 0 : stuck;
            turn(env);
        }
        setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        client_close(&client);
        await_connections(env, 0);
    }

    assert_int_equal(env->served, 2);
    free(text);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_leaving_is_noticed_while_the_request_runs),
        SERVER_TEST(test_a_reset_is_noticed_with_requests_waiting_behind),
        SERVER_TEST(test_a_reset_in_the_middle_of_an_answer_ends_the_connection),
        SERVER_TEST(test_asking_late_still_tells_that_the_client_has_gone),
        SERVER_TEST(test_an_ended_exchange_is_not_told),
        SERVER_TEST(test_drain_closes_idle_and_lets_open_exchanges_end),
        SERVER_TEST(test_drain_says_connection_close),
        SERVER_TEST(test_drain_cuts_what_takes_too_long),
        SERVER_TEST(test_an_exchange_may_end_after_server_and_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
