/* SPDX-License-Identifier: Apache-2.0 */
/* A request and its answer: what goes out, what comes back. */
#include "tests/unit/io/http_client_world.h"

/* ---- What goes out ---- */

static void test_a_get_sends_the_given_bytes_and_nothing_more(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    struct call call;

    run_get(&call, &world);

    assert_request(&world, "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n");
    assert_answered(&call, 200, "ok");
    call_free(&call);
    world_end(&world);
}

static void test_the_target_is_sent_byte_for_byte(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/record/v1/salesOrder/42/!transform/invoice?q=a:b'c(d)*e,f;g",
        "/a%2Fb/%2f/%C3%A6/../x/./y//z?a=%20+b&c=%",
        "/p?",
        "/?x=http://other/%00|{}[]\"<>\\^`",
        "/..%2f..",
        "/~;v=1@host:80/$batch",
    };
    struct world world = world_of(answer_each);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        char url[512], line[512];
        struct call call;
        snprintf(url, sizeof url, "http://127.0.0.1:%d%s", world.server->port,
                 targets[i]);
        snprintf(line, sizeof line, "GET %s HTTP/1.1\r\n", targets[i]);
        const struct http_send request = {.method = SLICE("GET"),
                                          .url = slice_str(url),
                                          .answer_ms = 60000,
                                          .max_ms = 60000};
        call_init(&call, &world);

        send_it(&call, &request);
        loop_run(world.loop);

        assert_answered(&call, 200, "ok");
        assert_memory_equal(world.server->last, line, strlen(line));
        call_free(&call);
    }
    world_end(&world);
}

static void test_a_url_without_path_asks_for_the_root(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    struct call call;
    call_init(&call, &world);

    send_to(&call, "GET", "HTTP://127.0.0.1:%d");
    loop_run(world.loop);

    assert_request(&world, "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n");
    call_free(&call);
    world_end(&world);
}

static void send_body(struct call *call, const char *method, struct slice body,
                      const struct http_field *fields, size_t field_count)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/w", call->world->server->port);
    const struct http_send request = {.method = slice_str(method),
                                      .url = slice_str(url),
                                      .fields = fields,
                                      .field_count = field_count,
                                      .body = body,
                                      .has_body = true,
                                      .answer_ms = 60000,
                                      .max_ms = 60000};
    send_it(call, &request);
}

static void test_fields_and_body_are_sent_as_given(void **state)
{
    (void)state;
    const struct http_field fields[] = {
        {SLICE("Authorization"), SLICE("OAuth realm=\"X\"")},
        {SLICE("content-type"), SLICE("application/json")},
        {SLICE("X-Empty"), SLICE("")},
        {SLICE("Accept"), SLICE("a/b")},
    };
    struct world world = world_of(answer_each);
    struct call call;
    call_init(&call, &world);

    send_body(&call, "PATCH", SLICE("{\"a\":\"\0\"}"), fields, 4);
    loop_run(world.loop);

    assert_request(&world, "PATCH /w HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                           "Authorization: OAuth realm=\"X\"\r\n"
                           "content-type: application/json\r\n"
                           "X-Empty:\r\nAccept: a/b\r\nContent-Length: 9\r\n\r\n"
                           "{\"a\":\"");
    assert_memory_equal(world.server->last + world.server->last_bytes - 3, "\0\"}", 3);
    call_free(&call);
    world_end(&world);
}

static void test_an_empty_body_has_a_length(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    struct call call;
    call_init(&call, &world);

    send_body(&call, "PUT", SLICE_EMPTY, NULL, 0);
    loop_run(world.loop);

    assert_request(&world, "PUT /w HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                           "Content-Length: 0\r\n\r\n");
    call_free(&call);
    world_end(&world);
}

static void test_methods_without_a_body_send_none(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    struct call call;
    call_init(&call, &world);

    send_to(&call, "DELETE", "http://127.0.0.1:%d/7");
    loop_run(world.loop);
    assert_request(&world, "DELETE /7 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n");

    call_free(&call);
    call_init(&call, &world);
    send_to(&call, "POST", "http://127.0.0.1:%d/8");
    loop_run(world.loop);
    assert_request(&world, "POST /8 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                           "Content-Length: 0\r\n\r\n");
    call_free(&call);
    world_end(&world);
}

static void test_a_large_body_arrives_whole(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    struct call call;
    size_t len = 200 * 1024;
    char *body = malloc(len);
    for (size_t i = 0; i < len; i++) {
        body[i] = (char)('a' + i % 26);
    }
    call_init(&call, &world);

    send_body(&call, "POST", slice_of(body, len), NULL, 0);
    loop_run(world.loop);

    assert_answered(&call, 200, "ok");
    assert_memory_equal(world.server->last + world.server->last_bytes - len, body, len);
    free(body);
    call_free(&call);
    world_end(&world);
}

static void test_what_could_forge_a_request_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *method, *name, *value;
    } bad[] = {
        {"GET", "X", "a\r\nY: b"},
        {"GET", "X", "a\nb"},
        {"GET", "X", "a\rb"},
        {"GET", "X\r\nY", "a"},
        {"GET", "X Y", "a"},
        {"GET", "", "a"},
        {"GET", "X:", "a"},
        {"GET", "X", " a"},
        {"GET", "X", "a\x7f"},
        {"GET", "Content-Length", "3"},
        {"GET", "connection", "close"},
        {"GET", "Transfer-Encoding", "chunked"},
        {"G T", "X", "a"},
        {"", "X", "a"},
        {"GET\r\n", "X", "a"},
        {"CONNECT", "X", "a"},
    };
    struct world world = world_of(answer_each);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct http_field field = {slice_str(bad[i].name),
                                         slice_str(bad[i].value)};
        struct call call;
        call_init(&call, &world);

        send_body(&call, bad[i].method, SLICE_EMPTY, &field, 1);
        loop_run(world.loop);

        assert_int_equal(call.answers, 1);
        assert_int_equal(call.err, ERR_POLICY_DENIED);
        assert_int_equal(call.end, HTTP_END_NEVER_SENT);
        call_free(&call);
    }
    assert_int_equal(world.server->connections, 0);
    world_end(&world);
}

static void test_a_head_we_would_not_take_is_not_sent(void **state)
{
    (void)state;
    struct world world = world_of(answer_each);
    char *value = calloc(1, LIMIT_UPSTREAM_HEAD_BYTES + 1);
    memset(value, 'v', LIMIT_UPSTREAM_HEAD_BYTES);
    const struct http_field field = {SLICE("X"), slice_str(value)};
    struct call call;
    call_init(&call, &world);

    send_body(&call, "GET", SLICE_EMPTY, &field, 1);
    loop_run(world.loop);

    assert_failed(&call, ERR_POLICY_DENIED, "head", false, HTTP_END_NEVER_SENT);
    free(value);
    call_free(&call);
    world_end(&world);
}

/* ---- What comes back ---- */

static void answer_with_fields(struct server *server, int fd)
{
    while (read_request(server, fd)) {
        say(fd, "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n"
                "HTTP/1.1 201 Created\r\nX-Mixed-CASE:  a b \t\r\nEmpty:\r\n"
                "Transfer-Encoding: chunked\r\n\r\n"
                "3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nX-Trailer: t\r\n\r\n");
    }
}

static void test_the_final_head_and_a_chunked_body_are_the_answer(void **state)
{
    (void)state;
    struct world world = world_of(answer_with_fields);
    struct call call;

    run_get(&call, &world);

    assert_answered(&call, 201, "abcdefg");
    assert_true(slice_is(buf_slice(&call.fields),
                         "x-mixed-case=a b;empty=;transfer-encoding=chunked;"));
    call_free(&call);
    world_end(&world);
}

static void answer_until_close(struct server *server, int fd)
{
    if (read_request(server, fd)) {
        say(fd, "HTTP/1.0 404 Not Found\r\n\r\nno length");
    }
}

static void test_a_body_may_end_with_the_connection(void **state)
{
    (void)state;
    struct world world = world_of(answer_until_close);
    struct call call;

    run_get(&call, &world);

    assert_answered(&call, 404, "no length");
    call_free(&call);
    world_end(&world);
}

static void answer_redirect(struct server *server, int fd)
{
    while (read_request(server, fd)) {
        say(fd,
            "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
    }
}

static void test_a_redirect_is_an_answer_and_not_followed(void **state)
{
    (void)state;
    struct world world = world_of(answer_redirect);
    struct call call;

    run_get(&call, &world);

    assert_answered(&call, 302, "");
    assert_true(
        slice_is(buf_slice(&call.fields), "location=/elsewhere;content-length=0;"));
    assert_int_equal(world.server->requests, 1);
    call_free(&call);
    world_end(&world);
}

static void answer_head(struct server *server, int fd)
{
    while (read_request(server, fd)) {
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n");
    }
}

static void test_head_expects_no_body(void **state)
{
    (void)state;
    struct world world = world_of(answer_head);
    struct call call;
    call_init(&call, &world);

    send_to(&call, "HEAD", "http://127.0.0.1:%d/");
    loop_run(world.loop);

    assert_request(&world, "HEAD / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n");
    assert_answered(&call, 200, "");
    call_free(&call);
    world_end(&world);
}

static void answer_encoded(struct server *server, int fd)
{
    while (read_request(server, fd)) {
        say(fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n"
                "raw");
    }
}

static void test_an_encoded_body_is_handed_on_as_it_came(void **state)
{
    (void)state;
    struct world world = world_of(answer_encoded);
    struct call call;

    run_get(&call, &world);

    assert_answered(&call, 200, "raw");
    call_free(&call);
    world_end(&world);
}

static void answer_2000_bytes(struct server *server, int fd)
{
    char body[2001];
    memset(body, 'x', 2000);
    body[2000] = '\0';
    while (read_request(server, fd)) {
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n");
        say(fd, body);
    }
}

static void test_a_body_at_the_ceiling_passes_and_one_byte_more_does_not(void **state)
{
    (void)state;
    struct world at = world_with(answer_2000_bytes, 2000);
    struct world below = world_with(answer_2000_bytes, 1999);
    struct call call;

    run_get(&call, &at);
    assert_int_equal(call.err, ERR_OK);
    assert_int_equal(call.body.len, 2000);
    call_free(&call);

    run_get(&call, &below);
    assert_failed(&call, ERR_TOO_LARGE, "answer_too_large", true, HTTP_END_ANSWERED);
    call_free(&call);
    world_end(&at);
    world_end(&below);
}

static void answer_many_fields(struct server *server, int fd)
{
    char line[1024];
    if (!read_request(server, fd)) {
        return;
    }
    memset(line, 'h', sizeof line);
    memcpy(line, "X: ", 3);
    memcpy(line + sizeof line - 3, "\r\n", 3);
    say(fd, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 70; i++) {
        say(fd, line);
    }
    say(fd, "\r\n");
}

static void answer_one_long_field(struct server *server, int fd)
{
    char piece[1024];
    if (!read_request(server, fd)) {
        return;
    }
    memset(piece, 'h', sizeof piece);
    piece[sizeof piece - 1] = '\0';
    say(fd, "HTTP/1.1 200 OK\r\nX: ");
    for (int i = 0; i < 400; i++) {
        say(fd, piece);
    }
    say(fd, "\r\n\r\n");
}

static void test_a_head_over_its_ceiling_is_cut(void **state)
{
    (void)state;
    struct world many = world_of(answer_many_fields);
    struct world one = world_of(answer_one_long_field);
    struct call call;

    run_get(&call, &many);
    assert_failed(&call, ERR_TOO_LARGE, "answer_too_large", true, HTTP_END_ANSWERED);
    call_free(&call);

    run_get(&call, &one);
    assert_failed(&call, ERR_TOO_LARGE, "answer_too_large", true, HTTP_END_ANSWERED);
    call_free(&call);
    world_end(&many);
    world_end(&one);
}

#define SCRIPT_SAYING(name, text)                   \
    static void name(struct server *server, int fd) \
    {                                               \
        if (read_request(server, fd)) {             \
            say(fd, text);                          \
        }                                           \
    }

SCRIPT_SAYING(say_nothing, "")
SCRIPT_SAYING(say_half_a_head, "HTTP/1.1 200 OK\r\nContent-Le")
SCRIPT_SAYING(say_short_body, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
SCRIPT_SAYING(say_short_chunk,
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
SCRIPT_SAYING(
    say_bad_chunk,
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n")
SCRIPT_SAYING(say_no_http, "SSH-2.0-OpenSSH_9.2\r\n\r\n")
SCRIPT_SAYING(say_bad_status, "HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n")
SCRIPT_SAYING(say_no_colon, "HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n")
SCRIPT_SAYING(say_only_interim, "HTTP/1.1 100 Continue\r\n\r\n")

static void test_an_answer_that_is_not_whole_is_lost(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        script_fn script;
        enum err err;
    } broken[] = {
        {"nothing", say_nothing, ERR_UPSTREAM_UNAVAILABLE},
        {"half a head", say_half_a_head, ERR_UPSTREAM_MALFORMED},
        {"short body", say_short_body, ERR_UPSTREAM_MALFORMED},
        {"short chunk", say_short_chunk, ERR_UPSTREAM_MALFORMED},
        {"bad chunk", say_bad_chunk, ERR_UPSTREAM_MALFORMED},
        {"no http", say_no_http, ERR_UPSTREAM_MALFORMED},
        {"bad status", say_bad_status, ERR_UPSTREAM_MALFORMED},
        {"no colon", say_no_colon, ERR_UPSTREAM_MALFORMED},
        {"only interim", say_only_interim, ERR_UPSTREAM_UNAVAILABLE},
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct world world = world_of(broken[i].script);
        struct call call;

        run_get(&call, &world);

        if (call.err != broken[i].err || call.end != HTTP_END_LOST || !call.sent) {
            fail_msg("%s: %s (%s), end %d", broken[i].name, err_code(call.err),
                     call.reason, call.end);
        }
        assert_int_equal(world.server->requests, 1);
        call_free(&call);
        world_end(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_get_sends_the_given_bytes_and_nothing_more),
        cmocka_unit_test(test_the_target_is_sent_byte_for_byte),
        cmocka_unit_test(test_a_url_without_path_asks_for_the_root),
        cmocka_unit_test(test_fields_and_body_are_sent_as_given),
        cmocka_unit_test(test_an_empty_body_has_a_length),
        cmocka_unit_test(test_methods_without_a_body_send_none),
        cmocka_unit_test(test_a_large_body_arrives_whole),
        cmocka_unit_test(test_what_could_forge_a_request_is_refused),
        cmocka_unit_test(test_a_head_we_would_not_take_is_not_sent),
        cmocka_unit_test(test_the_final_head_and_a_chunked_body_are_the_answer),
        cmocka_unit_test(test_a_body_may_end_with_the_connection),
        cmocka_unit_test(test_a_redirect_is_an_answer_and_not_followed),
        cmocka_unit_test(test_head_expects_no_body),
        cmocka_unit_test(test_an_encoded_body_is_handed_on_as_it_came),
        cmocka_unit_test(test_a_body_at_the_ceiling_passes_and_one_byte_more_does_not),
        cmocka_unit_test(test_a_head_over_its_ceiling_is_cut),
        cmocka_unit_test(test_an_answer_that_is_not_whole_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
