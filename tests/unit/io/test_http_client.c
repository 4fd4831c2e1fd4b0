/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client against a scripted server in threads of this process. A script runs once
 * per connection with blocking calls; where order matters it waits for a semaphore that
 * the test posts. loop_run returns when nothing is left to happen, so each test also
 * shows that an idle client does not keep the loop alive.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "io/http_client.h"

#define MAX_CONNECTIONS 256
#define REQUEST_BYTES (256 * 1024)

/* The server. */

struct server;
typedef void (*script_fn)(struct server *server, int fd);

struct server {
    int listener, port;
    pthread_t acceptor, threads[MAX_CONNECTIONS];
    int fds[MAX_CONNECTIONS];
    atomic_int connections, requests;
    script_fn script;
    sem_t go, seen; /* the test lets the script go on; the script has read a request */
    pthread_mutex_t lock;
    char last[REQUEST_BYTES]; /* the request read last, head and body */
    size_t last_bytes;
};

struct connection {
    struct server *server;
    int fd;
};

static size_t body_bytes_of(const char *head)
{
    const char *field = strstr(head, "Content-Length: ");
    return field == NULL ? 0 : strtoul(field + 16, NULL, 10);
}

static void record(struct server *server, const char *bytes, size_t len)
{
    pthread_mutex_lock(&server->lock);
    memcpy(server->last, bytes, len + 1);
    server->last_bytes = len;
    pthread_mutex_unlock(&server->lock);
    server->requests++;
    sem_post(&server->seen);
}

/* False when the client has left before a whole request came. */
static bool read_request(struct server *server, int fd)
{
    char *bytes = malloc(REQUEST_BYTES);
    size_t len = 0, need = 0;
    bool whole = false;
    while (!whole && len < REQUEST_BYTES - 1) {
        ssize_t got = recv(fd, bytes + len, REQUEST_BYTES - 1 - len, 0);
        if (got <= 0) {
            break;
        }
        len += (size_t)got;
        bytes[len] = '\0';
        const char *end = strstr(bytes, "\r\n\r\n");
        if (need == 0 && end != NULL) {
            need = (size_t)(end - bytes) + 4 + body_bytes_of(bytes);
        }
        whole = need > 0 && len >= need;
    }
    if (whole) {
        record(server, bytes, len);
    }
    free(bytes);
    return whole;
}

static void say(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        text += sent;
        len -= (size_t)sent;
    }
}

static void *serve(void *ctx)
{
    struct connection *connection = ctx;
    connection->server->script(connection->server, connection->fd);
    shutdown(connection->fd, SHUT_RDWR);
    free(connection);
    return NULL;
}

static void *accept_all(void *ctx)
{
    struct server *server = ctx;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        int index = server->connections;
        struct connection *connection = malloc(sizeof *connection);
        *connection = (struct connection){server, fd};
        server->fds[index] = fd;
        pthread_create(&server->threads[index], NULL, serve, connection);
        server->connections++;
    }
}

static int listen_on_loopback(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 128), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static struct server *server_new(script_fn script)
{
    struct server *server = calloc(1, sizeof *server);
    server->script = script;
    server->listener = listen_on_loopback(&server->port);
    sem_init(&server->go, 0, 0);
    sem_init(&server->seen, 0, 0);
    pthread_mutex_init(&server->lock, NULL);
    pthread_create(&server->acceptor, NULL, accept_all, server);
    return server;
}

static void server_free(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->acceptor, NULL);
    close(server->listener);
    for (int i = 0; i < server->connections; i++) {
        shutdown(server->fds[i], SHUT_RDWR);
        pthread_join(server->threads[i], NULL);
        close(server->fds[i]);
    }
    sem_destroy(&server->go);
    sem_destroy(&server->seen);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

#define ANSWER_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void answer_each(struct server *server, int fd)
{
    while (read_request(server, fd)) {
        say(fd, ANSWER_OK);
    }
}

/* The test's side. */

struct world {
    struct server *server;
    struct loop *loop;
    struct net_policy *policy;
    struct http_client *client;
};

struct call {
    struct world *world;
    struct http_transfer *transfer;
    int answers, ends;
    bool is_sending; /* http_send has not returned yet */
    enum err err;
    char reason[32];
    bool sent;
    enum http_end end;
    int status;
    struct buf fields; /* "name=value;" */
    struct buf body;
    void (*then)(struct call *call);   /* in on_answer */
    void (*at_end)(struct call *call); /* in on_end */
};

static struct world world_with(script_fn script, size_t max_body_bytes)
{
    const struct slice cidr = SLICE("127.0.0.1/32");
    const struct slice hosts[] = {SLICE("127.0.0.1"), SLICE("localhost")};
    struct world world = {.server = server_new(script), .loop = loop_new()};
    assert_int_equal(net_policy_new(&cidr, 1, hosts, 2, &world.policy), ERR_OK);
    struct http_client_options options = http_client_defaults(world.policy);
    options.max_body_bytes = max_body_bytes;
    world.client = http_client_new(world.loop, &options);
    return world;
}

static struct world world_of(script_fn script)
{
    return world_with(script, LIMIT_UPSTREAM_BODY_BYTES);
}

static void world_end(struct world *world)
{
    http_client_free(world->client);
    loop_free(world->loop);
    net_policy_free(world->policy);
    server_free(world->server);
}

static void on_answer(void *ctx, const struct http_outcome *outcome)
{
    struct call *call = ctx;
    assert_false(call->is_sending);
    assert_int_equal(call->ends, 0);
    assert_non_null(outcome->reason);
    call->answers++;
    call->err = outcome->err;
    call->sent = outcome->sent;
    snprintf(call->reason, sizeof call->reason, "%s", outcome->reason);
    assert_true((outcome->err == ERR_OK) == (outcome->reply != NULL));
    if (outcome->reply != NULL) {
        call->status = outcome->reply->status;
        buf_append(&call->body, outcome->reply->body);
        for (size_t i = 0; i < outcome->reply->field_count; i++) {
            const struct http_field *field = &outcome->reply->fields[i];
            buf_printf(&call->fields, "%.*s=%.*s;", SLICE_ARG(field->name),
                       SLICE_ARG(field->value));
        }
    }
    if (call->then != NULL) {
        call->then(call);
    }
}

static void on_end(void *ctx, enum http_end end)
{
    struct call *call = ctx;
    assert_false(call->is_sending);
    call->ends++;
    call->end = end;
    if (call->at_end != NULL) {
        call->at_end(call);
    }
}

static void call_init(struct call *call, struct world *world)
{
    *call = (struct call){.world = world};
    buf_init(&call->fields, 1 << 20);
    buf_init(&call->body, 64 << 20);
}

static void call_free(struct call *call)
{
    buf_free(&call->fields);
    buf_free(&call->body);
}

static void send_it(struct call *call, const struct http_send *request)
{
    const struct http_transfer_handlers handlers = {on_answer, on_end, call};
    call->is_sending = true;
    call->transfer = http_send(call->world->client, request, &handlers);
    call->is_sending = false;
}

/* `text` with the server's port in the place of "%d". */
static void with_port(char *out, size_t bytes, const char *text, int port)
{
    const char *mark = strstr(text, "%d");
    if (mark == NULL) {
        snprintf(out, bytes, "%s", text);
        return;
    }
    snprintf(out, bytes, "%.*s%d%s", (int)(mark - text), text, port, mark + 2);
}

static void send_to(struct call *call, const char *method, const char *text)
{
    char url[512];
    with_port(url, sizeof url, text, call->world->server->port);
    const struct http_send request = {.method = slice_str(method),
                                      .url = slice_str(url),
                                      .answer_ms = 60000,
                                      .max_ms = 60000};
    send_it(call, &request);
}

static void get(struct call *call)
{
    send_to(call, "GET", "http://127.0.0.1:%d/");
}

/* One GET against a script, to the end. */
static void run_get(struct call *call, struct world *world)
{
    call_init(call, world);
    get(call);
    loop_run(world->loop);
    assert_int_equal(call->answers, 1);
    assert_int_equal(call->ends, 1);
    assert_int_equal(http_client_open(world->client), 0);
}

static void assert_failed(const struct call *call, enum err err, const char *reason,
                          bool sent, enum http_end end)
{
    assert_string_equal(err_code(call->err), err_code(err));
    assert_string_equal(call->reason, reason);
    assert_int_equal(call->sent, sent);
    assert_int_equal(call->end, end);
}

static void assert_answered(const struct call *call, int status, const char *body)
{
    assert_string_equal(err_code(call->err), "ok");
    assert_true(call->sent);
    assert_int_equal(call->end, HTTP_END_ANSWERED);
    assert_int_equal(call->status, status);
    assert_true(slice_is(buf_slice(&call->body), body));
}

/* What goes out. */

static void assert_request(const struct world *world, const char *text)
{
    char expected[2048];
    with_port(expected, sizeof expected, text, world->server->port);
    assert_string_equal(world->server->last, expected);
}

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

/* What comes back. */

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

/* Connections. */

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
    close(listen_on_loopback(&port));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    call_init(&call, &world);

    send_to(&call, "POST", url);
    loop_run(world.loop);

    assert_failed(&call, ERR_UPSTREAM_UNAVAILABLE, "connect", false,
                  HTTP_END_NEVER_SENT);
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

static void answer_after_go(struct server *server, int fd)
{
    while (read_request(server, fd)) {
        sem_wait(&server->go);
        say(fd, ANSWER_OK);
    }
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

/* Names and policy. */

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

/* Time and abandonment. */

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

    send_timed(&call, 50, 60000);
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

    send_timed(&both, 60000, 40); /* no patience of its own */
    send_timed(&early, 20, 60);   /* first the caller, then the transfer */
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
