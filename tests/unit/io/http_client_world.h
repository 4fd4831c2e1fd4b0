/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: io/http_client against a scripted server in threads of this process. A script runs once
 * per connection with blocking calls; where order matters it waits for a semaphore that the test
 * posts. loop_run returns when nothing is left to happen, so each test also shows that an idle
 * client does not keep the loop alive.
 * Owns: struct world, freed by world_end.
 * Threads: the loop's is the test's; the server's are its own.
 * Errors: failed assertions.
 * Start reading at: script_fn, then struct call.
 */
#ifndef SLUICE_TESTS_IO_HTTP_CLIENT_WORLD_H
#define SLUICE_TESTS_IO_HTTP_CLIENT_WORLD_H

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

/* ---- The server ---- */

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

static inline size_t body_bytes_of(const char *head)
{
    const char *field = strstr(head, "Content-Length: ");
    return field == NULL ? 0 : strtoul(field + 16, NULL, 10);
}

static inline void record(struct server *server, const char *bytes, size_t len)
{
    pthread_mutex_lock(&server->lock);
    memcpy(server->last, bytes, len + 1);
    server->last_bytes = len;
    pthread_mutex_unlock(&server->lock);
    server->requests++;
    sem_post(&server->seen);
}

/* False when the client has left before a whole request came. */
static inline bool read_request(struct server *server, int fd)
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

static inline void say(int fd, const char *text)
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

static inline void *serve(void *ctx)
{
    struct connection *connection = ctx;
    connection->server->script(connection->server, connection->fd);
    shutdown(connection->fd, SHUT_RDWR);
    free(connection);
    return NULL;
}

static inline void *accept_all(void *ctx)
{
    struct server *server = ctx;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        int index = server->connections++; /* before its script can answer */
        struct connection *connection = malloc(sizeof *connection);
        *connection = (struct connection){server, fd};
        server->fds[index] = fd;
        pthread_create(&server->threads[index], NULL, serve, connection);
    }
}

/* A socket with a free port, on which nobody listens: a connection there is refused. */
static inline int bind_on_loopback(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static inline int listen_on_loopback(int *port)
{
    int fd = bind_on_loopback(port);
    assert_int_equal(listen(fd, 128), 0);
    return fd;
}

static inline struct server *server_new(script_fn script)
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

static inline void server_free(struct server *server)
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

static inline void answer_each(struct server *server, int fd)
{
    while (read_request(server, fd)) {
        say(fd, ANSWER_OK);
    }
}

static inline void answer_after_go(struct server *server, int fd)
{
    while (read_request(server, fd)) {
        sem_wait(&server->go);
        say(fd, ANSWER_OK);
    }
}

/* ---- The test's side ---- */

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

static inline struct world world_with(script_fn script, size_t max_body_bytes)
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

static inline struct world world_of(script_fn script)
{
    return world_with(script, LIMIT_UPSTREAM_BODY_BYTES);
}

static inline void world_end(struct world *world)
{
    http_client_free(world->client);
    loop_free(world->loop);
    net_policy_free(world->policy);
    server_free(world->server);
}

static inline void on_answer(void *ctx, const struct http_outcome *outcome)
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

static inline void on_end(void *ctx, enum http_end end)
{
    struct call *call = ctx;
    assert_false(call->is_sending);
    call->ends++;
    call->end = end;
    if (call->at_end != NULL) {
        call->at_end(call);
    }
}

static inline void call_init(struct call *call, struct world *world)
{
    *call = (struct call){.world = world};
    buf_init(&call->fields, 1 << 20);
    buf_init(&call->body, 64 << 20);
}

static inline void call_free(struct call *call)
{
    buf_free(&call->fields);
    buf_free(&call->body);
}

static inline void send_it(struct call *call, const struct http_send *request)
{
    const struct http_transfer_handlers handlers = {on_answer, on_end, call};
    call->is_sending = true;
    call->transfer = http_send(call->world->client, request, &handlers);
    call->is_sending = false;
}

/* `text` with the server's port in the place of "%d". */
static inline void with_port(char *out, size_t bytes, const char *text, int port)
{
    const char *mark = strstr(text, "%d");
    if (mark == NULL) {
        snprintf(out, bytes, "%s", text);
        return;
    }
    snprintf(out, bytes, "%.*s%d%s", (int)(mark - text), text, port, mark + 2);
}

static inline void send_to(struct call *call, const char *method, const char *text)
{
    char url[512];
    with_port(url, sizeof url, text, call->world->server->port);
    const struct http_send request = {.method = slice_str(method),
                                      .url = slice_str(url),
                                      .answer_ms = 60000,
                                      .max_ms = 60000};
    send_it(call, &request);
}

static inline void get(struct call *call)
{
    send_to(call, "GET", "http://127.0.0.1:%d/");
}

/* One GET against a script, to the end. */
static inline void run_get(struct call *call, struct world *world)
{
    call_init(call, world);
    get(call);
    loop_run(world->loop);
    assert_int_equal(call->answers, 1);
    assert_int_equal(call->ends, 1);
    assert_int_equal(http_client_open(world->client), 0);
}

static inline void assert_failed(const struct call *call, enum err err,
                                 const char *reason, bool sent, enum http_end end)
{
    assert_string_equal(err_code(call->err), err_code(err));
    assert_string_equal(call->reason, reason);
    assert_int_equal(call->sent, sent);
    assert_int_equal(call->end, end);
}

static inline void assert_answered(const struct call *call, int status,
                                   const char *body)
{
    assert_string_equal(err_code(call->err), "ok");
    assert_true(call->sent);
    assert_int_equal(call->end, HTTP_END_ANSWERED);
    assert_int_equal(call->status, status);
    assert_true(slice_is(buf_slice(&call->body), body));
}

static inline void assert_request(const struct world *world, const char *text)
{
    char expected[2048];
    with_port(expected, sizeof expected, text, world->server->port);
    assert_string_equal(world->server->last, expected);
}

#endif
