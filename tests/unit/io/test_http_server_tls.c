/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that speak TLS, and use it against the server. */
#include "tests/unit/io/http_tls_world.h"

#define CHAIN 500 /* certificates: 150 KB that the server has to say */

static void listen_narrowly(struct tls_world *world, int64_t head_ms, int64_t stall_ms)
{
    struct http_server_options options = http_server_defaults();
    options.head_ms = head_ms;
    options.write_stall_ms = stall_ms;
    listen_tls(world, &options, CHAIN);
    shrink_listener(&world->env);
}

/* The server's flight does not fit into the socket; the client reads all of it at last,
 * and says nothing more. */
static void test_a_flight_that_had_to_wait_does_not_end_the_deadline(void **state)
{
    struct tls_world *world = *state;
    struct speaker speaker;
    listen_narrowly(world, 1000, 30000);
    speaker_open(&speaker, &world->env);

    speaker_send(&speaker);
    await_end(&speaker.client);

    assert_true(speaker.client.got.len > 140000);
    await_connections(&world->env, 0);
    speaker_close(&speaker);
}

/* Progress in reading is what writing waits for; it does not buy time for the handshake. */
static void test_a_flight_that_is_not_read_ends_with_the_handshakes_time(void **state)
{
    struct tls_world *world = *state;
    struct speaker speaker;
    listen_narrowly(world, 300, 600000);
    speaker_open(&speaker, &world->env);
    shrink(speaker.client.fd, SO_RCVBUF);

    speaker_send(&speaker);
    await_connections(&world->env, 0);

    speaker_close(&speaker);
}

static void test_a_request_by_tls_is_answered(void **state)
{
    struct tls_world *world = *state;
    struct speaker speaker;
    char answer[512] = "";
    size_t got = 0;
    int64_t end_us = loop_now_us() + PATIENCE_US;
    struct http_server_options options = http_server_defaults();
    listen_tls(world, &options, 1);
    speaker_open(&speaker, &world->env);

    speaker_shake_hands(&speaker);
    assert_true(SSL_write(speaker.ssl, GET("/hello"), (int)strlen(GET("/hello"))) > 0);
    speaker_send(&speaker);
    while (strstr(answer, "\r\n\r\nhello") == NULL) {
        size_t more = 0;
        speaker_turn(&speaker);
        (void)SSL_read_ex(speaker.ssl, answer + got, sizeof answer - got - 1, &more);
        got += more;
        assert_true(loop_now_us() < end_us);
    }

    assert_true(slice_starts(slice_str(answer), SLICE("HTTP/1.1 200 OK\r\n")));
    speaker_close(&speaker);
}

#define MARK 0x0e /* a byte that no head has, and those behind it */
enum { CROWD = 10, FIRST = 5, BYTES = 12000 }; /* of which the first half may wait */

/* How many plain bytes are `mark`, until all have come or the server says goodbye. */
static size_t read_marks(struct speaker *speaker, char mark, bool until_goodbye)
{
    int64_t end_us = loop_now_us() + PATIENCE_US;
    size_t marks = 0;
    char some[4096];
    while (until_goodbye || marks < BYTES) {
        size_t got = 0;
        int result = SSL_read_ex(speaker->ssl, some, sizeof some, &got);
        int error = SSL_get_error(speaker->ssl, result);
        for (size_t i = 0; i < got; i++) {
            marks += some[i] == mark;
        }
        if (error == SSL_ERROR_ZERO_RETURN) {
            break;
        }
        assert_true(error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ);
        assert_true(loop_now_us() < end_us);
        speaker_turn(speaker);
    }
    return marks;
}

struct crowd {
    struct env *env;
    struct speaker speakers[CROWD];
};

static void respond_with(struct crowd *crowd, int n)
{
    static char body[BYTES];
    memset(body, MARK + n, sizeof body);
    respond_text(crowd->env->held[n], 200, slice_of(body, sizeof body));
}

static void respond_to_the_others(void *ctx)
{
    for (int i = FIRST; i < CROWD; i++) {
        respond_with(ctx, i);
    }
}

static void respond_to_the_first(void *ctx)
{
    struct crowd *crowd = ctx;
    loop_soon(crowd->env->loop, respond_to_the_others, crowd);
    for (int i = 0; i < FIRST; i++) {
        respond_with(crowd, i);
        assert_int_equal(shutdown(crowd->speakers[i].client.fd, SHUT_WR), 0);
    }
}

/* Answers wait, and their clients have nothing more to ask: each connection ends, with a goodbye
 * of its own, when its answer leaves to make room for another's. */
static void test_a_goodbye_does_not_mix_with_the_answer_that_needs_room(void **state)
{
    struct tls_world *world = *state;
    struct crowd crowd = {.env = &world->env};
    struct http_server_options options = http_server_defaults();
    listen_tls(world, &options, 1);
    for (int i = 0; i < CROWD; i++) {
        struct speaker *speaker = &crowd.speakers[i];
        speaker_open(speaker, crowd.env);
        speaker_shake_hands(speaker);
        assert_true(SSL_write(speaker->ssl, GET("/later"), (int)strlen(GET("/later"))) >
                    0);
        speaker_send(speaker);
        await_int(crowd.env, &crowd.env->held_count, i + 1);
    }
    turn(crowd.env);

    loop_soon(crowd.env->loop, respond_to_the_first, &crowd);
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(read_marks(&crowd.speakers[i], (char)(MARK + i), i < FIRST),
                         BYTES);
        speaker_close(&crowd.speakers[i]);
    }
}

/* Each update that is asked for costs the server an answer, and it is never read. */
static void test_key_updates_whose_answers_are_not_read_are_not_queued(void **state)
{
    struct tls_world *world = *state;
    struct speaker speaker;
    struct http_server_options options = http_server_defaults();
    options.head_ms = options.idle_ms = options.write_stall_ms = 600000;
    listen_tls(world, &options, 1);
    shrink_listener(&world->env);
    speaker_open(&speaker, &world->env);
    speaker_shake_hands(&speaker);
    shrink(speaker.client.fd, SO_RCVBUF);

    size_t said = 0;
    while (speaker.client.error == 0 && said < (size_t)16 * 1024 * 1024) {
        for (int i = 0; i < 500; i++) {
            assert_int_equal(SSL_key_update(speaker.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
            assert_int_equal(SSL_do_handshake(speaker.ssl), 1);
        }
        said += speaker_said(&speaker).len;
        speaker_send(&speaker);
    }

    assert_true(said < (size_t)16 * 1024 * 1024);
    await_connections(&world->env, 0);
    speaker_close(&speaker);
}

static struct http_server_counts counts_after(struct tls_world *world,
                                              struct slice bytes, struct buf *answer)
{
    struct client client;
    client_open(&client, &world->env);
    client_send(&client, bytes);
    await_end(&client);
    buf_append(answer, buf_slice(&client.got));
    client_close(&client);
    await_connections(&world->env, 0);
    return http_server_count(world->env.server);
}

static void test_what_is_no_tls_is_told_apart_and_counted(void **state)
{
    struct tls_world *world = *state;
    struct http_server_options options = http_server_defaults();
    struct buf answer;
    listen_tls(world, &options, 1);
    buf_init(&answer, 4096);

    struct http_server_counts counts =
        counts_after(world, SLICE("\x80\x2e\x01"), &answer);
    assert_int_equal(counts.tls_foreign, 1);
    assert_int_equal(answer.len, 0);
    counts = counts_after(world, SLICE(GET("/mcp/secret")), &answer);
    assert_int_equal(counts.tls_http, 1);
    assert_true(slice_starts(buf_slice(&answer), SLICE("HTTP/1.1 400 Bad Request")));
    assert_non_null(strstr(answer.ptr, "This port speaks TLS: use https."));
    assert_null(strstr(answer.ptr, "secret\""));
    buf_clear(&answer);
    /* A ClientHello of 128 KiB is announced. */
    counts = counts_after(world, SLICE("\x16\x03\x01\0\x04\x01\x02\0\0"), &answer);
    assert_int_equal(counts.tls_refused, 1);
    assert_int_equal(answer.len, 0);
    assert_int_equal(world->env.served, 0);
    buf_free(&answer);
}

static void test_a_handshake_that_is_late_is_counted(void **state)
{
    struct tls_world *world = *state;
    struct http_server_options options = http_server_defaults();
    struct buf answer;
    options.head_ms = 50;
    listen_tls(world, &options, 1);
    buf_init(&answer, 4096);

    assert_int_equal(counts_after(world, SLICE("\x16\x03\x01"), &answer).tls_late, 1);
    assert_int_equal(answer.len, 0);
    buf_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_TEST(test_a_request_by_tls_is_answered),
        TLS_TEST(test_a_goodbye_does_not_mix_with_the_answer_that_needs_room),
        TLS_TEST(test_a_flight_that_had_to_wait_does_not_end_the_deadline),
        TLS_TEST(test_a_flight_that_is_not_read_ends_with_the_handshakes_time),
        TLS_TEST(test_what_is_no_tls_is_told_apart_and_counted),
        TLS_TEST(test_a_handshake_that_is_late_is_counted),
        TLS_TEST(test_key_updates_whose_answers_are_not_read_are_not_queued),
    };
    return cmocka_run_group_tests_name("io/http_server_tls", tests, NULL, NULL);
}
