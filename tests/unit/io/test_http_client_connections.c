/* SPDX-License-Identifier: Apache-2.0 */
/* Which connection a request takes, and to which addresses there is one at all. */
#include "tests/unit/io/http_client_world.h"

/* ---- Connections ---- */

static int sent_in_chain(struct call *call)
{
    return atomic_load(&call->world->server->requests);
}

static void chain(struct call *call)
{
    if (sent_in_chain(call) < 5) {
        call->answers = 0;
        call->ends = 0;
        get(call);
    }
}

static void test_requests_in_a_row_share_one_connection(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    struct call call;
    call_init(&call, &world);
    call.at_end = chain;

    get(&call);
    loop_run(world.loop);

    assert_int_equal(world.server->requests, 5);
    assert_int_equal(world.server->connections, 1);
    assert_int_equal(call.ends, 1);
    call_free(&call);
    world_end(&world);
}

static void answer_then_close(struct server *server, int fd)
{
    if (read_request(server, fd)) {
        say(fd, ANSWER_OK);
        sem_wait(&server->go);
    }
    shutdown(fd, SHUT_RDWR);
    sem_post(&server->seen);
}

static void test_a_connection_the_peer_has_closed_is_not_used_again(void **state)
{
    (void)state;
    struct world world = world_of(answer_then_close);
    struct call call;

    run_get(&call, &world);
    sem_wait(&world.server->seen); /* the request */
    sem_post(&world.server->go);
    sem_wait(&world.server->seen); /* the close */
    call_free(&call);
    sem_post(&world.server->go);
    run_get(&call, &world);

    assert_answered(&call, 200, "ok");
    assert_int_equal(world.server->connections, 2);
    call_free(&call);
    world_end(&world);
}

/* Keeps the connection open, reads a second request on it, then closes without a word.
 */
static void answer_once_then_drop(struct server *server, int fd)
{
    if (read_request(server, fd)) {
        say(fd, ANSWER_OK);
        (void)read_request(server, fd);
    }
}

static void test_a_request_is_never_sent_twice(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET", "POST", "DELETE", "HEAD", "PATCH"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct world world = world_of(answer_once_then_drop);
        struct call call;
        run_get(&call, &world);
        call_free(&call);
        call_init(&call, &world);

        send_to(&call, methods[i], "http://127.0.0.1:%d/second");
        loop_run(world.loop);

        assert_failed(&call, ERR_UPSTREAM_UNAVAILABLE, "closed", true, HTTP_END_LOST);
        assert_int_equal(world.server->requests, 2);
        assert_int_equal(world.server->connections, 1);
        call_free(&call);
        world_end(&world);
    }
}

static void answer_close_fields(struct server *server, int fd)
{
    if (read_request(server, fd)) {
        say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    }
}

static void test_connection_close_is_honoured(void **state)
{
    (void)state;
    struct world world = world_of(answer_close_fields);
    struct call call;

    run_get(&call, &world);
    call_free(&call);
    run_get(&call, &world);

    assert_answered(&call, 200, "ok");
    assert_int_equal(world.server->connections, 2);
    call_free(&call);
    world_end(&world);
}

static void test_a_refused_connection_was_never_sent(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    struct call call;
    char url[64];
    int port;
    int held = bind_on_loopback(&port);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    call_init(&call, &world);

    send_to(&call, "POST", url);
    loop_run(world.loop);

    assert_failed(&call, ERR_UPSTREAM_UNAVAILABLE, "connect", false,
                  HTTP_END_NEVER_SENT);
    close(held);
    call_free(&call);
    world_end(&world);
}

static void speak_no_tls(struct server *server, int fd)
{
    char hello[512];
    (void)server;
    (void)recv(fd, hello, sizeof hello, 0);
    say(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

static void test_a_failed_tls_handshake_was_never_sent(void **state)
{
    (void)state;
    struct world world = world_of(speak_no_tls);
    struct call call;
    call_init(&call, &world);

    send_to(&call, "POST", "https://127.0.0.1:%d/");
    loop_run(world.loop);

    assert_failed(&call, ERR_UPSTREAM_UNAVAILABLE, "tls", false, HTTP_END_NEVER_SENT);
    call_free(&call);
    world_end(&world);
}

static void test_a_hundred_requests_run_at_once(void **state)
{
    (void)state;
    enum { CALLS = 100 };
    struct world world = world_of(answer_after_go);
    static struct call calls[CALLS];
    for (int i = 0; i < CALLS; i++) {
        call_init(&calls[i], &world);
        get(&calls[i]);
    }
    assert_int_equal(http_client_open(world.client), CALLS);

    /* All are at the server before the first is answered. */
    while (world.server->requests < CALLS) {
        loop_run_once(world.loop);
    }
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(calls[i].answers, 0);
        sem_post(&world.server->go);
    }
    loop_run(world.loop);

    for (int i = 0; i < CALLS; i++) {
        assert_answered(&calls[i], 200, "ok");
        call_free(&calls[i]);
    }
    assert_int_equal(world.server->connections, CALLS);
    world_end(&world);
}

static void test_the_environments_proxy_is_ignored(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    struct call call;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);

    run_get(&call, &world);

    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    assert_answered(&call, 200, "ok");
    call_free(&call);
    world_end(&world);
}

/* ---- Names and policy ---- */

static void test_a_name_is_resolved_and_keeps_its_host_field(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    struct call call;

    for (int i = 0; i < 2; i++) { /* looked up, then from the cache */
        call_init(&call, &world);
        send_to(&call, "GET", "http://localhost:%d/n");
        loop_run(world.loop);
        assert_answered(&call, 200, "ok");
        assert_request(&world, "GET /n HTTP/1.1\r\nHost: localhost:%d\r\n\r\n");
        call_free(&call);
    }

    assert_int_equal(world.server->connections, 1);
    world_end(&world);
}

static void test_many_wait_for_one_look_up(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    struct call calls[3];
    for (int i = 0; i < 3; i++) {
        call_init(&calls[i], &world);
        send_to(&calls[i], "GET", "http://localhost:%d/");
    }

    http_transfer_abandon(calls[1].transfer);
    loop_run(world.loop);

    assert_answered(&calls[0], 200, "ok");
    assert_int_equal(calls[1].answers, 0);
    assert_int_equal(calls[1].end, HTTP_END_NEVER_SENT);
    assert_answered(&calls[2], 200, "ok");
    assert_int_equal(world.server->requests, 2);
    for (int i = 0; i < 3; i++) {
        call_free(&calls[i]);
    }
    world_end(&world);
}

static void test_a_name_without_address_was_never_sent(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    struct call call;
    call_init(&call, &world);

    send_to(&call, "GET", "https://no-such-host.invalid:%d/");
    loop_run(world.loop);

    assert_failed(&call, ERR_UPSTREAM_UNAVAILABLE, "resolve", false,
                  HTTP_END_NEVER_SENT);
    call_free(&call);
    world_end(&world);
}

static void test_policy_refusals_reach_nobody(void **state)
{
    (void)state;
    static const struct {
        const char *url, *reason;
    } refused[] = {
        {"https://127.0.0.2:%d/", "address"},
        {"https://[::1]:%d/", "address"},
        {"https://[::ffff:127.0.0.3]:%d/", "address"},
        {"https://169.254.169.254:%d/", "address"},
        {"http://example.com:%d/", "plain_http"},
        {"http://127.0.0.2:%d/", "plain_http"},
        {"https://2130706433:%d/", "url"},
        {"https://0x7f000001:%d/", "url"},
        {"https://0177.0.0.1:%d/", "url"},
        {"https://127.1:%d/", "url"},
        {"https://user@127.0.0.1:%d/", "url"},
        {"https://127.0.0.1:%d/#x", "url"},
        {"https://127.0.0.1:%d/a b", "url"},
        {"https://127.0.0.1:%d/\xc3\xa6", "url"},
        {"https://127.0.0.1:%d\\@evil.test/", "url"},
        {"https://127.0.0.%31:%d/", "url"},
        {"https://localhost.:%d/", "url"},
        {"https://localhost:0%d0/", "url"},
        {"https://:%d/", "url"},
        {"https:///%d", "url"},
        {"ftp://127.0.0.1:%d/", "url"},
        {"file:///etc/passwd?%d", "url"},
        {"127.0.0.1:%d/", "url"},
    };
    struct world world = world_of(answer_each);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct call call;
        call_init(&call, &world);

        send_to(&call, "GET", refused[i].url);
        loop_run(world.loop);

        if (call.answers != 1 || call.err != ERR_POLICY_DENIED || call.sent ||
            call.end != HTTP_END_NEVER_SENT ||
            strcmp(call.reason, refused[i].reason) != 0) {
            fail_msg("%s: %s (%s)", refused[i].url, err_code(call.err), call.reason);
        }
        call_free(&call);
    }
    assert_int_equal(world.server->connections, 0);
    world_end(&world);
}

static void test_a_name_that_leads_to_a_closed_range_is_refused(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    struct net_policy *closed = NULL;
    struct call call;
    assert_int_equal(net_policy_new(NULL, 0, NULL, 0, &closed), ERR_OK);
    http_client_free(world.client);
    const struct http_client_options options = http_client_defaults(closed);
    world.client = http_client_new(world.loop, &options);
    call_init(&call, &world);

    send_to(&call, "GET", "https://localhost:%d/");
    loop_run(world.loop);

    assert_failed(&call, ERR_POLICY_DENIED, "address", false, HTTP_END_NEVER_SENT);
    assert_int_equal(world.server->connections, 0);
    call_free(&call);
    world_end(&world);
    net_policy_free(closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_in_a_row_share_one_connection),
        cmocka_unit_test(test_a_connection_the_peer_has_closed_is_not_used_again),
        cmocka_unit_test(test_a_request_is_never_sent_twice),
        cmocka_unit_test(test_connection_close_is_honoured),
        cmocka_unit_test(test_a_refused_connection_was_never_sent),
        cmocka_unit_test(test_a_failed_tls_handshake_was_never_sent),
        cmocka_unit_test(test_a_hundred_requests_run_at_once),
        cmocka_unit_test(test_the_environments_proxy_is_ignored),
        cmocka_unit_test(test_a_name_is_resolved_and_keeps_its_host_field),
        cmocka_unit_test(test_many_wait_for_one_look_up),
        cmocka_unit_test(test_a_name_without_address_was_never_sent),
        cmocka_unit_test(test_policy_refusals_reach_nobody),
        cmocka_unit_test(test_a_name_that_leads_to_a_closed_range_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
