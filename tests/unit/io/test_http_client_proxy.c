/* SPDX-License-Identifier: Apache-2.0 */
/* A forward proxy for http: what it is asked, what it alone is told, what never leaves. */
#include "tests/unit/io/http_client_world.h"

#define VIRTUAL "http://erp.onprem:44300/sap/x?a=%20b"

struct asking {
    const char *proxy, *url; /* "%d": the server's port */
    const char *token;
    size_t max_line_bytes;
};

static void send_by(struct call *call, const struct asking *asking)
{
    char proxy_url[128], url[16384];
    const struct http_field fields[] = {{SLICE("Authorization"), SLICE("Basic eHg=")}};
    const struct http_field proxy_fields[] = {
        {SLICE("Proxy-Authorization"), slice_str(asking->token)},
        {SLICE("SAP-Connectivity-SCC-Location_ID"), SLICE("berlin")}};
    with_port(proxy_url, sizeof proxy_url, asking->proxy, call->world->server->port);
    with_port(url, sizeof url, asking->url, call->world->server->port);
    const struct http_proxy proxy = {.url = slice_str(proxy_url),
                                     .fields = proxy_fields,
                                     .field_count = 2,
                                     .max_line_bytes = asking->max_line_bytes};
    const struct http_send request = {.method = SLICE("GET"),
                                      .url = slice_str(url),
                                      .fields = fields,
                                      .field_count = 1,
                                      .proxy = &proxy,
                                      .answer_ms = 60000,
                                      .max_ms = 60000};
    send_it(call, &request);
}

static void run_by(struct call *call, struct world *world, const struct asking *asking)
{
    call_init(call, world);
    send_by(call, asking);
    loop_run(world->loop);
    assert_int_equal(call->answers, 1);
}

static void test_the_proxy_is_asked_for_the_whole_url(void **state)
{
    static const char *const proxies[] = {"http://127.0.0.1:%d", "http://localhost:%d"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world world = world_of(answer_each);
        struct call call;

        run_by(&call, &world, &(struct asking){proxies[i], VIRTUAL, "Bearer t1", 0});

        assert_answered(&call, 200, "ok");
        assert_request(&world, "GET " VIRTUAL " HTTP/1.1\r\n"
                               "Host: erp.onprem:44300\r\n"
                               "Authorization: Basic eHg=\r\n"
                               "Proxy-Authorization: Bearer t1\r\n"
                               "SAP-Connectivity-SCC-Location_ID: berlin\r\n\r\n");
        call_free(&call);
        world_end(&world);
    }
}

static void test_the_environments_exceptions_are_ignored(void **state)
{
    struct world world = world_of(answer_each);
    struct call call;
    (void)state;
    setenv("no_proxy", "*", 1);

    run_by(&call, &world,
           &(struct asking){"http://127.0.0.1:%d", VIRTUAL, "Bearer t1", 0});

    unsetenv("no_proxy");
    assert_answered(&call, 200, "ok");
    call_free(&call);
    world_end(&world);
}

static void test_what_the_proxy_is_told_goes_nowhere_else(void **state)
{
    struct world world = world_of(answer_each);
    struct call call;
    (void)state;

    run_by(&call, &world,
           &(struct asking){"http://127.0.0.1:%d", VIRTUAL, "Bearer t1", 0});
    call_free(&call);
    run_get(&call, &world); /* the same host, straight */

    assert_answered(&call, 200, "ok");
    assert_request(&world, "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n");
    assert_int_equal(world.server->connections, 2);
    call_free(&call);
    world_end(&world);
}

static void test_the_proxys_address_is_what_the_policy_judges(void **state)
{
    static const struct {
        struct asking asking;
        const char *reason;
    } cases[] = {
        {{"http://127.0.0.2:%d", VIRTUAL, "t", 0}, "plain_http"},
        {{"http://example.com:%d", VIRTUAL, "t", 0}, "plain_http"},
        {{"https://127.0.0.1:%d", VIRTUAL, "t", 0}, "proxy_url"},
        {{"127.0.0.1:%d", VIRTUAL, "t", 0}, "proxy_url"},
        {{"http://user@127.0.0.1:%d", VIRTUAL, "t", 0}, "proxy_url"},
        {{"http://127.0.0.1:%d", "https://erp.onprem:44300/", "t", 0}, "proxy_url"},
        {{"http://127.0.0.1:%d", "http://user@erp.onprem/", "t", 0}, "url"},
        {{"http://127.0.0.1:%d", VIRTUAL, "t\r\nX: y", 0}, "field"},
    };
    struct world world = world_of(answer_each);
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct call call;
        run_by(&call, &world, &cases[i].asking);
        assert_failed(&call, ERR_POLICY_DENIED, cases[i].reason, false,
                      HTTP_END_NEVER_SENT);
        call_free(&call);
    }
    assert_int_equal(world.server->connections, 0);
    world_end(&world);
}

/* A URL or a token that makes one line of the head as long as that, line end included. */
static void fill_line(char *out, const char *start, size_t frame, size_t line)
{
    size_t len = strlen(start);
    memcpy(out, start, len);
    memset(out + len, 'x', line - frame - len);
    out[line - frame] = '\0';
}

static void test_a_line_at_the_ceiling_passes_and_one_byte_more_does_not(void **state)
{
    enum { LINE = 8192 };
    static char text[LINE + 2];
    struct world world = world_of(answer_each);
    (void)state;

    for (int over = 0; over < 2; over++) {
        for (int in_field = 0; in_field < 2; in_field++) {
            struct call call;
            struct asking asking = {"http://127.0.0.1:%d", VIRTUAL, "Bearer t", LINE};
            if (in_field == 1) {
                fill_line(text, "Bearer ", sizeof "Proxy-Authorization: \r\n" - 1,
                          (size_t)(LINE + over));
                asking.token = text;
            } else {
                fill_line(text, "http://erp.onprem/", sizeof "GET  HTTP/1.1\r\n" - 1,
                          (size_t)(LINE + over));
                asking.url = text;
            }
            int requests = world.server->requests;
            run_by(&call, &world, &asking);
            if (over == 1) {
                assert_failed(&call, ERR_TOO_LARGE, "proxy_line", false,
                              HTTP_END_NEVER_SENT);
            } else {
                assert_answered(&call, 200, "ok");
            }
            assert_int_equal(world.server->requests, requests + 1 - over);
            call_free(&call);
        }
    }
    world_end(&world);
}

static void answer_407(struct server *server, int fd)
{
    while (read_request(server, fd)) {
        say(fd, "HTTP/1.1 407 Proxy Authentication Required\r\n"
                "Proxy-Authenticate: Bearer\r\nContent-Length: 2\r\n\r\nno");
    }
}

static void test_a_proxys_refusal_is_an_answer(void **state)
{
    struct world world = world_of(answer_407);
    struct call call;
    (void)state;

    run_by(&call, &world,
           &(struct asking){"http://127.0.0.1:%d", VIRTUAL, "Bearer old", 0});

    assert_answered(&call, 407, "no");
    assert_int_equal(world.server->requests, 1);
    call_free(&call);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_proxy_is_asked_for_the_whole_url),
        cmocka_unit_test(test_the_environments_exceptions_are_ignored),
        cmocka_unit_test(test_what_the_proxy_is_told_goes_nowhere_else),
        cmocka_unit_test(test_the_proxys_address_is_what_the_policy_judges),
        cmocka_unit_test(test_a_line_at_the_ceiling_passes_and_one_byte_more_does_not),
        cmocka_unit_test(test_a_proxys_refusal_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
