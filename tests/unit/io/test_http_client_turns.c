/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a large answer one turn of the loop reads, and what may happen between two. */
#include "tests/unit/io/http_client_world.h"

#define LARGE_BYTES ((size_t)2 << 20)
#define MOST_PER_TURN ((size_t)384 * 1024) /* two or three helpings of 128 KiB */

static void answer_two_megabytes(struct server *server, int fd)
{
    char *body = malloc(LARGE_BYTES);
    size_t sent = 0;
    ssize_t count = 1;
    if (!read_request(server, fd)) {
        free(body);
        return;
    }
    for (size_t i = 0; i < LARGE_BYTES; i++) {
        body[i] = (char)('a' + i % 23);
    }
    say(fd, "HTTP/1.1 200 OK\r\n\r\n");
    while (sent < LARGE_BYTES && count > 0) { /* as much as the sockets hold */
        count = send(fd, body + sent, LARGE_BYTES - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += count > 0 ? (size_t)count : 0;
    }
    server->last_bytes = sent;
    sem_post(&server->seen);
    count = 1;
    while (sent < LARGE_BYTES && count > 0) {
        count = send(fd, body + sent, LARGE_BYTES - sent, MSG_NOSIGNAL);
        sent += count > 0 ? (size_t)count : 0;
    }
    free(body);
}

/* Asks, and returns how many bytes of the answer lie there. */
static size_t ask_for_much(struct call *call, struct world *world)
{
    call_init(call, world);
    get(call);
    while (sem_trywait(&world->server->seen) != 0) {
        loop_run_once(world->loop);
    }
    sem_wait(&world->server->seen);
    return world->server->last_bytes;
}

static void test_a_large_answer_is_read_over_several_turns(void **state)
{
    (void)state;
    struct world world = world_of(answer_two_megabytes);
    struct call call;
    size_t turns = 0;

    size_t waiting = ask_for_much(&call, &world);
    while (call.ends == 0) {
        loop_run_once(world.loop);
        turns++;
    }

    assert_true(waiting > 0);
    assert_true(turns >= waiting / MOST_PER_TURN);
    assert_int_equal(call.err, ERR_OK);
    assert_int_equal(call.body.len, LARGE_BYTES);
    for (size_t i = 0; i < LARGE_BYTES; i++) {
        assert_int_equal(call.body.ptr[i], 'a' + i % 23);
    }
    call_free(&call);
    world_end(&world);
}

/* The byte that is one too many may lie in what curl keeps between two turns. */
static void test_a_ceiling_holds_wherever_the_answer_was_interrupted(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 6; extra++) {
        struct world world =
            world_with(answer_two_megabytes, (size_t)128 * 1024 + extra * 8000 + 1);
        struct call call;
        run_get(&call, &world);
        assert_failed(&call, ERR_TOO_LARGE, "answer_too_large", true,
                      HTTP_END_ANSWERED);
        call_free(&call);
        world_end(&world);
    }
}

static void test_a_client_may_go_in_the_midst_of_a_large_answer(void **state)
{
    (void)state;
    for (int turns = 0; turns < 6; turns++) {
        struct world world = world_of(answer_two_megabytes);
        struct call call;
        (void)ask_for_much(&call, &world);
        for (int i = 0; i < turns; i++) {
            loop_run_once(world.loop);
        }
        http_client_free(world.client);
        world.client = NULL;
        assert_int_equal(call.ends, 1);
        loop_run(world.loop);
        call_free(&call);
        world_end(&world);
    }
}

/* ---- An answer that goes on ---- */

#define PIECES 40
#define PIECE "0123456789abcdef"

static void answer_bit_by_bit(struct server *server, int fd)
{
    if (!read_request(server, fd)) {
        return;
    }
    say(fd, "HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < PIECES; i++) {
        say(fd, PIECE);
        sem_wait(&server->go);
    }
}

/* In the order they came; the server goes on when the client has seen what there was. */
static void on_piece(void *ctx, struct slice bytes)
{
    struct call *call = ctx;
    assert_int_equal(call->answers, 0);
    assert_true(bytes.len > 0);
    buf_append(&call->body, bytes);
    if (call->body.len % strlen(PIECE) == 0) {
        sem_post(&call->world->server->go);
    }
}

static void listen_to(struct call *call)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", call->world->server->port);
    const struct http_send request = {.method = SLICE("GET"),
                                      .url = slice_str(url),
                                      .answer_ms = 60000,
                                      .max_ms = 60000,
                                      .on_piece = on_piece};
    send_it(call, &request);
}

static void test_an_answer_that_goes_on_is_handed_on_as_it_comes(void **state)
{
    (void)state;
    /* The ceiling is of what comes between two turns, so the whole may be larger. */
    struct world world = world_with(answer_bit_by_bit, 4 * strlen(PIECE));
    struct call call;
    call_init(&call, &world);
    listen_to(&call);
    loop_run(world.loop);
    assert_int_equal(call.err, ERR_OK);
    assert_int_equal(call.ends, 1);
    assert_int_equal(call.body.len, PIECES * strlen(PIECE));
    for (size_t i = 0; i < call.body.len; i++) {
        assert_int_equal(call.body.ptr[i], PIECE[i % strlen(PIECE)]);
    }
    call_free(&call);
    world_end(&world);
}

static void refuse_it(struct server *server, int fd)
{
    if (read_request(server, fd)) {
        say(fd, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
    }
}

static void test_a_refusal_comes_whole(void **state)
{
    (void)state;
    struct world world = world_of(refuse_it);
    struct call call;
    call_init(&call, &world);
    listen_to(&call);
    loop_run(world.loop);
    assert_answered(&call, 401, "no");
    call_free(&call);
    world_end(&world);
}

static void test_a_client_may_go_while_an_answer_goes_on(void **state)
{
    (void)state;
    for (size_t pieces = 0; pieces < 3; pieces++) {
        struct world world = world_of(answer_bit_by_bit);
        struct call call;
        call_init(&call, &world);
        listen_to(&call);
        while (call.body.len < pieces * strlen(PIECE)) {
            loop_run_once(world.loop);
        }
        http_client_free(world.client);
        world.client = NULL;
        assert_int_equal(call.ends, 1);
        loop_run(world.loop);
        for (int i = 0; i < PIECES; i++) {
            sem_post(&world.server->go);
        }
        call_free(&call);
        world_end(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_large_answer_is_read_over_several_turns),
        cmocka_unit_test(test_a_ceiling_holds_wherever_the_answer_was_interrupted),
        cmocka_unit_test(test_a_client_may_go_in_the_midst_of_a_large_answer),
        cmocka_unit_test(test_an_answer_that_goes_on_is_handed_on_as_it_comes),
        cmocka_unit_test(test_a_refusal_comes_whole),
        cmocka_unit_test(test_a_client_may_go_while_an_answer_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
