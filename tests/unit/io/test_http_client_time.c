/* SPDX-License-Identifier: Apache-2.0 */
/* How long a transfer may take, and what becomes of those that nobody waits for. */
#include "tests/unit/io/http_client_world.h"

static void send_timed(struct call *call, int64_t answer_ms, int64_t max_ms)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", call->world->server->port);
    const struct http_send request = {.method = SLICE("POST"),
                                      .url = slice_str(url),
                                      .body = SLICE("{}"),
                                      .has_body = true,
                                      .answer_ms = answer_ms,
                                      .max_ms = max_ms};
    send_it(call, &request);
}

/* In on_answer: the caller has its timeout, only now does the server answer. */
static void let_server_answer(struct call *call)
{
    assert_int_equal(call->ends, 0);
    assert_int_equal(http_client_open(call->world->client), 1);
    sem_post(&call->world->server->go);
}

static void test_a_late_answer_ends_the_transfer_after_the_caller_has_left(void **state)
{
    (void)state;
    struct world world = world_of(answer_after_go);
    struct call call;
    call_init(&call, &world);
    call.then = let_server_answer;

    send_timed(&call, 300, 60000);
    loop_run(world.loop);

    assert_failed(&call, ERR_TIMEOUT, "answer_timeout", true, HTTP_END_ANSWERED);
    assert_int_equal(call.answers, 1);
    assert_int_equal(call.ends, 1);
    call_free(&call);
    world_end(&world);
}

static void test_a_transfer_is_cut_at_its_end_of_time(void **state)
{
    (void)state;
    struct world world = world_of(answer_after_go);
    struct call both, early;
    call_init(&both, &world);
    call_init(&early, &world);

    send_timed(&both, 60000, 400); /* no patience of its own */
    send_timed(&early, 300, 500);  /* first the caller, then the transfer */
    loop_run(world.loop);

    assert_failed(&both, ERR_TIMEOUT, "max_timeout", true, HTTP_END_LOST);
    assert_failed(&early, ERR_TIMEOUT, "answer_timeout", true, HTTP_END_LOST);
    assert_int_equal(early.answers, 1);
    assert_int_equal(early.ends, 1);
    sem_post(&world.server->go);
    sem_post(&world.server->go);
    call_free(&both);
    call_free(&early);
    world_end(&world);
}

static void keep_silent(struct server *server, int fd)
{
    (void)fd;
    sem_wait(&server->go);
}

static void test_a_request_that_has_not_left_in_time_never_leaves(void **state)
{
    (void)state;
    struct world world = world_of(keep_silent);
    struct call call;
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", world.server->port);
    const struct http_send request = {.method = SLICE("POST"),
                                      .url = slice_str(url),
                                      .answer_ms = 30,
                                      .max_ms = 60000};
    call_init(&call, &world);

    send_it(&call, &request); /* the TLS handshake gets no answer */
    loop_run(world.loop);

    assert_failed(&call, ERR_TIMEOUT, "connect_timeout", false, HTTP_END_NEVER_SENT);
    sem_post(&world.server->go);
    call_free(&call);
    world_end(&world);
}

static void test_an_abandoned_transfer_is_read_to_its_end(void **state)
{
    (void)state;
    struct world world = world_of(answer_after_go);
    struct call call;
    call_init(&call, &world);
    get(&call);
    while (world.server->requests == 0) {
        loop_run_once(world.loop);
    }

    http_transfer_abandon(call.transfer);
    http_transfer_abandon(call.transfer); /* twice does no harm */
    loop_run_once(world.loop);
    assert_int_equal(call.ends, 0);
    assert_int_equal(http_client_open(world.client), 1);
    sem_post(&world.server->go);
    loop_run(world.loop);

    assert_int_equal(call.answers, 0);
    assert_int_equal(call.ends, 1);
    assert_int_equal(call.end, HTTP_END_ANSWERED);
    assert_int_equal(http_client_open(world.client), 0);
    call_free(&call);
    world_end(&world);
}

static void test_what_is_abandoned_before_it_left_is_cut_at_once(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    struct call literal, name;
    call_init(&literal, &world);
    call_init(&name, &world);
    get(&literal);
    send_to(&name, "GET", "http://localhost:%d/");

    http_transfer_abandon(literal.transfer);
    http_transfer_abandon(name.transfer);
    assert_int_equal(literal.ends + name.ends, 0);
    loop_run(world.loop);

    assert_int_equal(literal.answers + name.answers, 0);
    assert_int_equal(literal.ends, 1);
    assert_int_equal(literal.end, HTTP_END_NEVER_SENT);
    assert_int_equal(name.ends, 1);
    assert_int_equal(name.end, HTTP_END_NEVER_SENT);
    assert_int_equal(world.server->requests, 0);
    call_free(&literal);
    call_free(&name);
    world_end(&world);
}

static void abandon_itself_and_send(struct call *call)
{
    http_transfer_abandon(call->transfer);
    call->then = NULL;
    call->answers = 0;
    call->ends = -1; /* the end of this one brings it to 0 */
    get(call);
}

static void test_a_handler_may_abandon_and_send(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    struct call call;
    call_init(&call, &world);
    call.then = abandon_itself_and_send;

    get(&call);
    loop_run(world.loop);

    assert_int_equal(call.answers, 1);
    assert_int_equal(call.ends, 1);
    assert_int_equal(world.server->requests, 2);
    call_free(&call);
    world_end(&world);
}

static void test_a_freed_client_tells_every_open_transfer(void **state)
{
    (void)state;
    struct world world = world_of(answer_after_go);
    struct call sent, unsent, resolving, refused, gone;
    struct call *const calls[] = {&sent, &unsent, &resolving, &refused, &gone};
    for (int i = 0; i < 5; i++) {
        call_init(calls[i], &world);
    }
    get(&sent);
    while (world.server->requests == 0) {
        loop_run_once(world.loop);
    }
    get(&unsent);
    send_to(&resolving, "GET", "http://localhost:%d/");
    send_to(&refused, "GET", "https://127.0.0.9:%d/");
    get(&gone);
    http_transfer_abandon(gone.transfer);

    http_client_free(world.client);
    world.client = NULL;

    assert_failed(&sent, ERR_UPSTREAM_UNAVAILABLE, "closing", true, HTTP_END_LOST);
    assert_failed(&unsent, ERR_UPSTREAM_UNAVAILABLE, "closing", false,
                  HTTP_END_NEVER_SENT);
    assert_failed(&resolving, ERR_UPSTREAM_UNAVAILABLE, "closing", false,
                  HTTP_END_NEVER_SENT);
    assert_failed(&refused, ERR_POLICY_DENIED, "address", false, HTTP_END_NEVER_SENT);
    assert_int_equal(gone.answers, 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(calls[i]->ends, 1);
        call_free(calls[i]);
    }
    sem_post(&world.server->go);
    loop_run(world.loop);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_a_late_answer_ends_the_transfer_after_the_caller_has_left),
        cmocka_unit_test(test_a_transfer_is_cut_at_its_end_of_time),
        cmocka_unit_test(test_a_request_that_has_not_left_in_time_never_leaves),
        cmocka_unit_test(test_an_abandoned_transfer_is_read_to_its_end),
        cmocka_unit_test(test_what_is_abandoned_before_it_left_is_cut_at_once),
        cmocka_unit_test(test_a_handler_may_abandon_and_send),
        cmocka_unit_test(test_a_freed_client_tells_every_open_transfer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
