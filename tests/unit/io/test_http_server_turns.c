/* SPDX-License-Identifier: Apache-2.0 */
/* What one turn of the loop may hold, however much lies there: connections, bytes, deadlines. */
#include "tests/unit/io/http_server_world.h"

static void on_drained(void *ctx)
{
    struct env *env = ctx;
    env->drained_count++;
}

static void test_a_backlog_is_taken_over_several_turns(void **state)
{
    struct env *env = *state;
    enum { CROWD = 60, A_TURN = 17 };
    struct client crowd[CROWD];
    listen_plain(env);
    for (int i = 0; i < CROWD; i++) {
        client_open(&crowd[i], env);
    }

    size_t before = 0;
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (before < CROWD) {
        turn(env);
        size_t now = http_server_connections(env->server);
        assert_true(now - before <= A_TURN);
        before = now;
        assert_true(loop_now_us() < end_us);
    }
    for (int i = 0; i < CROWD; i++) {
        client_send(&crowd[i], SLICE(GET("/in")));
        await(&crowd[i], "\r\n\r\nin", 1);
        client_close(&crowd[i]);
    }
}

/* The connection that was left waiting goes with the listener. */
static void test_draining_in_the_midst_of_a_backlog_ends(void **state)
{
    struct env *env = *state;
    enum { CROWD = 40 };
    struct client crowd[CROWD];

    for (int turns = 0; turns < 4; turns++) {
        env->drained_count = 0;
        listen_plain(env);
        for (int i = 0; i < CROWD; i++) {
            client_open(&crowd[i], env);
        }
        for (int i = 0; i < turns; i++) {
            turn(env);
        }
        http_server_drain(env->server, 60000, on_drained, env);
        await_int(env, &env->drained_count, 1);
        http_server_free(env->server);
        env->server = NULL;
        for (int i = 0; i < CROWD; i++) {
            client_close(&crowd[i]);
        }
    }
}

static void test_a_large_body_is_read_a_buffer_per_turn(void **state)
{
    struct env *env = *state;
    struct client client;
    static char body[256 * 1024];
    listen_plain(env);
    memset(body, 'x', sizeof body);
    client_open(&client, env);
    client_send(&client,
                SLICE("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 262144"
                      "\r\nExpect: 100-continue\r\n\r\n"));
    await(&client, "100 Continue", 1);

    /* As much as the sockets hold lies there before the first turn. */
    size_t sent = 0;
    int turns = 0;
    while (env->served == 0) {
        ssize_t count = 1;
        while (sent < sizeof body && count > 0) {
            count = send(client.fd, body + sent, sizeof body - sent, MSG_NOSIGNAL);
            sent += count > 0 ? (size_t)count : 0;
        }
        turn(env);
        turns++;
        assert_true(turns < 100000);
    }
    assert_true(turns >= 4);
    await(&client, "HTTP/1.1 200 OK", 1);
    client_close(&client);
}

static void test_a_crowd_of_slow_heads_does_not_expire_in_one_turn(void **state)
{
    struct env *env = *state;
    enum { CROWD = 60, A_TURN = 8 };
    struct client crowd[CROWD];
    struct http_server_options options = http_server_defaults();
    options.head_ms = 300;
    listen_with(env, &options);
    for (int i = 0; i < CROWD; i++) {
        client_open(&crowd[i], env);
        client_send(&crowd[i], SLICE("GET / HTTP/1.1\r\nX: "));
    }
    int64_t due_us = loop_now_us() + 300 * 1000;
    while (loop_now_us() <= due_us) {
        /* nobody runs the loop: all are due when it runs again */
    }

    size_t told = 0; /* those that came early may be over already */
    for (int i = 0; i < CROWD; i++) {
        client_read(&crowd[i]);
        told += count_of(&crowd[i], "HTTP/1.1 408 ");
    }
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (told < CROWD) {
        turn(env);
        size_t now = 0;
        for (int i = 0; i < CROWD; i++) {
            client_read(&crowd[i]);
            now += count_of(&crowd[i], "HTTP/1.1 408 ");
        }
        assert_true(now - told <= A_TURN);
        told = now;
        assert_true(loop_now_us() < end_us);
    }
    for (int i = 0; i < CROWD; i++) {
        client_close(&crowd[i]);
    }
}

/* Both clients' requests are at the handler, and have been for a whole turn. */
static void ask_later(struct env *env, struct client *clients, int count)
{
    for (int i = 0; i < count; i++) {
        client_open(&clients[i], env);
        client_send(&clients[i], SLICE(GET("/later")));
        await_int(env, &env->held_count, i + 1);
    }
    turn(env);
}

static size_t received(struct client *client)
{
    client_read(client);
    return client->got.len;
}

static void test_short_answers_leave_together_at_the_end_of_the_turn(void **state)
{
    struct env *env = *state;
    struct client clients[2];
    listen_plain(env);
    ask_later(env, clients, 2);

    respond_text(env->held[0], 200, SLICE("first"));
    assert_int_equal(received(&clients[0]), 0);
    respond_text(env->held[1], 200, SLICE("second"));
    assert_int_equal(received(&clients[1]), 0);
    turn(env);
    await(&clients[0], "\r\n\r\nfirst", 1);
    await(&clients[1], "\r\n\r\nsecond", 1);

    for (int i = 0; i < 2; i++) { /* both are ready for more */
        client_send(&clients[i], SLICE(GET("/more")));
        await(&clients[i], "\r\n\r\nmore", 1);
        client_close(&clients[i]);
    }
}

static void test_more_answers_than_may_wait_leave_in_order(void **state)
{
    struct env *env = *state;
    enum { CROWD = 20, BYTES = 7000 }; /* two times what may wait */
    static char body[BYTES];
    struct client crowd[CROWD];
    listen_plain(env);
    ask_later(env, crowd, CROWD);

    for (int i = 0; i < CROWD; i++) {
        memset(body, 'a' + i, sizeof body);
        respond_text(env->held[i], 200, slice_of(body, sizeof body));
    }
    assert_true(received(&crowd[0]) >= BYTES); /* the first had to make room */
    assert_int_equal(received(&crowd[CROWD - 1]), 0);
    turn(env);
    for (int i = 0; i < CROWD; i++) {
        char end[16];
        snprintf(end, sizeof end, "%c%c%c%c", 'a' + i, 'a' + i, 'a' + i, 'a' + i);
        await(&crowd[i], end, BYTES - 3); /* all of it, and nothing of others */
        client_close(&crowd[i]);
    }
}

static void test_a_long_answer_does_not_wait(void **state)
{
    struct env *env = *state;
    static char body[64 * 1024];
    struct client client;
    listen_plain(env);
    ask_later(env, &client, 1);

    memset(body, 'x', sizeof body);
    respond_text(env->held[0], 200, slice_of(body, sizeof body));
    assert_true(received(&client) > 0);
    client_close(&client);
}

/* What is asked for in the turn in which the answer waits comes after it. */
static void test_a_request_behind_a_waiting_answer_is_served_after_it(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    ask_later(env, &client, 1);
    client_send(&client, SLICE(GET("/next")));
    turn(env);

    respond_text(env->held[0], 200, SLICE("first"));
    await(&client, "\r\n\r\nnext", 1);
    assert_non_null(strstr(client.got.ptr, "\r\n\r\nfirst"));
    assert_true(strstr(client.got.ptr, "\r\n\r\nfirst") <
                strstr(client.got.ptr, "\r\n\r\nnext"));
    client_close(&client);
}

static void test_a_server_may_go_while_an_answer_waits(void **state)
{
    struct env *env = *state;
    struct client client;
    listen_plain(env);
    ask_later(env, &client, 1);

    respond_text(env->held[0], 200, SLICE("never seen"));
    http_server_free(env->server);
    env->server = NULL;
    await_end(&client);
    assert_int_equal(client.got.len, 0);
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_a_backlog_is_taken_over_several_turns),
        SERVER_TEST(test_draining_in_the_midst_of_a_backlog_ends),
        SERVER_TEST(test_a_large_body_is_read_a_buffer_per_turn),
        SERVER_TEST(test_a_crowd_of_slow_heads_does_not_expire_in_one_turn),
        SERVER_TEST(test_short_answers_leave_together_at_the_end_of_the_turn),
        SERVER_TEST(test_more_answers_than_may_wait_leave_in_order),
        SERVER_TEST(test_a_long_answer_does_not_wait),
        SERVER_TEST(test_a_request_behind_a_waiting_answer_is_served_after_it),
        SERVER_TEST(test_a_server_may_go_while_an_answer_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
