/* SPDX-License-Identifier: Apache-2.0 */
/* What clients may make the server hold: bodies, answers, requests sent ahead. */
#include "tests/unit/io/http_server_world.h"

#include "io/http_parser.h"

#define BIG_BYTES ((size_t)8 * 1024 * 1024)

/* ---- bodies ---- */

static void begin(struct http_parser *parser, struct http_budget *budget)
{
    size_t used = 0;
    http_parser_use_budget(parser, budget);
    assert_int_equal(
        http_parser_feed(
            parser,
            SLICE("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"),
            &used),
        HTTP_PARSE_MORE);
}

static enum http_parse feed(struct http_parser *parser, size_t bytes)
{
    char *text = calloc(1, bytes);
    size_t used = 0;
    enum http_parse result = http_parser_feed(parser, slice_of(text, bytes), &used);
    free(text);
    return result;
}

static void test_memory_is_counted_and_not_content(void **state)
{
    struct http_budget budget = {.ceiling = 100000};
    struct http_parser *one = http_parser_new(1000000), *two = http_parser_new(1000000);
    (void)state;
    begin(one, &budget);
    begin(two, &budget);

    assert_int_equal(feed(one, LIMIT_SMALL_BODY_BYTES), HTTP_PARSE_MORE);
    assert_int_equal(budget.held, 0); /* small */
    assert_int_equal(feed(one, 30000), HTTP_PARSE_MORE);
    assert_int_equal(budget.held, 65536);
    assert_int_equal(feed(two, 20000), HTTP_PARSE_MORE);
    assert_int_equal(budget.held, 65536 + 32768);

    /* What was refused holds nothing, though its connection lives on. */
    assert_int_equal(feed(one, 30000), HTTP_PARSE_FAILED);
    assert_int_equal(http_parser_status(one), 503);
    assert_int_equal(budget.held, 32768);
    assert_int_equal(feed(two, 20000), HTTP_PARSE_MORE);
    assert_int_equal(budget.held, 65536);

    http_parser_free(one);
    http_parser_free(two);
    assert_int_equal(budget.held, 0);
}

/* ---- answers ---- */

static void ask_and_read_nothing(struct client *client, struct env *env)
{
    int served = env->served;
    client_open(client, env);
    shrink(client->fd, SO_RCVBUF);
    client_send(client, SLICE(GET("/big")));
    await_int(env, &env->served, served + 1);
}

static void listen_narrowly(struct env *env, struct http_server_options *options)
{
    char *big = calloc(1, BIG_BYTES);
    assert_non_null(big);
    memset(big, 'b', BIG_BYTES);
    env->big = slice_of(big, BIG_BYTES);
    listen_with(env, options);
    shrink_listener(env);
}

static void free_big(struct env *env)
{
    free((char *)(uintptr_t)env->big.ptr);
}

static void test_who_takes_nothing_for_longest_makes_room(void **state)
{
    struct env *env = *state;
    struct client clients[5];
    struct http_server_options options = http_server_defaults();
    options.max_answer_memory_bytes = BIG_BYTES * 2;
    listen_narrowly(env, &options);

    for (int i = 0; i < 5; i++) {
        int64_t end_us = loop_now_us() + 3000; /* their deadlines differ */
        ask_and_read_nothing(&clients[i], env);
        while (loop_now_us() < end_us) {
            turn(env);
        }
    }
    await_connections(env, 2);
    await_end(&clients[0]);
    assert_true(clients[0].got.len < BIG_BYTES);

    int everything = 0;
    while (everything == 0 && clients[4].error == 0 && !clients[4].has_eof) {
        turn(env);
        client_read(&clients[4]);
        everything = clients[4].got.len > BIG_BYTES / 64;
    }
    assert_true(everything);
    for (int i = 0; i < 5; i++) {
        client_close(&clients[i]);
    }
    await_connections(env, 0);
    free_big(env);
}

static void test_slow_readers_give_way_when_all_places_are_taken(void **state)
{
    struct env *env = *state;
    struct client slow[2], good;
    struct http_server_options options = http_server_defaults();
    options.max_connections = 2;
    listen_narrowly(env, &options);

    ask_and_read_nothing(&slow[0], env);
    ask_and_read_nothing(&slow[1], env);
    client_open(&good, env);
    client_send(&good, SLICE(GET("/hello")));
    await(&good, "\r\n\r\nhello", 1);

    client_close(&slow[0]);
    client_close(&slow[1]);
    client_close(&good);
    free_big(env);
}

/* ---- requests sent ahead ---- */

static void send_ahead(struct client *client, struct env *env, struct slice ahead)
{
    int held = env->held_count;
    client_open(client, env);
    client_send(client, SLICE(GET("/later")));
    await_int(env, &env->held_count, held + 1);
    client_send(client, ahead);
}

static void test_requests_sent_ahead_count_too(void **state)
{
    struct env *env = *state;
    struct client one, two;
    struct http_server_options options = http_server_defaults();
    char ahead[40000];
    options.max_body_memory_bytes = 100000;
    listen_with(env, &options);
    memset(ahead, '\n', sizeof ahead); /* of a request that has not begun */

    send_ahead(&one, env, slice_of(ahead, sizeof ahead));
    send_ahead(&two, env, slice_of(ahead, sizeof ahead));
    await_int(env, &env->gone_count, 1);

    respond_text(env->held[0], 200, SLICE("first"));
    respond_text(env->held[1], 200, SLICE("gone"));
    await(&one, "\r\n\r\nfirst", 1);
    client_close(&one);
    client_close(&two);
    await_connections(env, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_counted_and_not_content),
        SERVER_TEST(test_who_takes_nothing_for_longest_makes_room),
        SERVER_TEST(test_slow_readers_give_way_when_all_places_are_taken),
        SERVER_TEST(test_requests_sent_ahead_count_too),
    };
    return cmocka_run_group_tests_name("io/http_server_memory", tests, NULL, NULL);
}
