/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: io/http_server over real sockets on a free loopback port, in one process: the test is
 * the client, the loop is run one turn at a time in between.
 * Owns: struct env, made by set_up and freed by tear_down.
 * Threads: one.
 * Errors: failed assertions.
 * Start reading at: on_request, for what the server answers.
 */
#ifndef SLUICE_TESTS_IO_HTTP_SERVER_WORLD_H
#define SLUICE_TESTS_IO_HTTP_SERVER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "io/http_server.h"

#define PATIENCE_US ((int64_t)20 * 1000 * 1000)
#define MAX_HELD 64
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

struct env {
    struct loop *loop;
    struct http_server *server;
    struct http_exchange *held[MAX_HELD]; /* of /later, in order */
    int held_count, gone_count, drained_count, served;
    struct slice big; /* what /big answers */
    char seen[4096];  /* what the last /look saw */
    struct clock_fake time;
    struct clock clock;
    struct log log;
};

static inline void respond_text(struct http_exchange *exchange, int status,
                                struct slice body)
{
    struct http_field field = {SLICE("Content-Type"), SLICE("text/plain")};
    struct http_response response = {status, &field, 1, body};
    http_respond(exchange, &response);
}

static inline void on_gone(void *ctx)
{
    struct env *env = ctx;
    env->gone_count++;
}

static inline void look_at(struct env *env, const struct http_request *request)
{
    const struct http_field *marker = http_request_field(request, "x-marker");
    snprintf(
        env->seen, sizeof env->seen, "%.*s|%.*s|%.*s|%.*s|%.*s|%s",
        SLICE_ARG(request->method), SLICE_ARG(request->path), SLICE_ARG(request->query),
        SLICE_ARG(marker != NULL ? marker->value : SLICE_EMPTY),
        SLICE_ARG(request->body), request->peer_is_loopback ? "loopback" : "remote");
}

static inline void hold(struct env *env, struct http_exchange *exchange)
{
    assert_true(env->held_count < MAX_HELD);
    env->held[env->held_count++] = exchange;
    http_exchange_on_gone(exchange, on_gone, env);
}

static inline void on_request(void *ctx, struct http_exchange *exchange)
{
    struct env *env = ctx;
    const struct http_request *request = http_exchange_request(exchange);

    env->served++;
    if (slice_is(request->path, "/later")) {
        hold(env, exchange);
    } else if (slice_is(request->path, "/big")) {
        respond_text(exchange, 200, env->big);
    } else if (slice_is(request->path, "/none")) {
        respond_text(exchange, 204, SLICE("dropped"));
    } else if (slice_is(request->path, "/echo")) {
        respond_text(exchange, 200, request->body);
    } else {
        look_at(env, request);
        arena_copy(http_exchange_arena(exchange), request->path);
        respond_text(exchange, 200, slice_from(request->path, 1));
    }
}

static inline int set_up(void **state)
{
    struct env *env = calloc(1, sizeof *env);
    env->loop = loop_new();
    env->time.wall_ms = 784111777000; /* Sun, 06 Nov 1994 08:49:37 GMT */
    env->clock = clock_from_fake(&env->time);
    env->log = (struct log){.fd = -1, .level = LOG_ERROR, .clock = &env->clock};
    *state = env;
    return 0;
}

static inline int tear_down(void **state)
{
    struct env *env = *state;
    http_server_free(env->server);
    loop_free(env->loop);
    free(env);
    return 0;
}

static inline void listen_with(struct env *env,
                               const struct http_server_options *options)
{
    assert_int_equal(http_server_listen(env->loop, options, &env->log, on_request, env,
                                        &env->server),
                     ERR_OK);
    assert_true(http_server_port(env->server) > 0);
}

static inline void listen_plain(struct env *env)
{
    struct http_server_options options = http_server_defaults();
    listen_with(env, &options);
}

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* ---- the client ---- */

struct client {
    struct env *env;
    int fd;
    struct buf got;
    bool has_eof;
    int error;
};

static inline void client_open(struct client *client, struct env *env)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port =
                                      htons((uint16_t)http_server_port(env->server)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    *client = (struct client){.env = env, .fd = socket(AF_INET, SOCK_STREAM, 0)};
    assert_true(client->fd >= 0);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&address, sizeof address),
                     0);
    assert_int_equal(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
    buf_init(&client->got, 64 * 1024 * 1024);
}

/* ---- narrow sockets ---- */

static inline void shrink(int fd, int option)
{
    int bytes = 1; /* the kernel takes its least instead */
    assert_int_equal(setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes), 0);
}

/* What the listener has, the sockets it accepts begin with. */
static inline void shrink_listener(const struct env *env)
{
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in address = {0};
        socklen_t len = sizeof address;
        int listens = 0;
        socklen_t listens_len = sizeof listens;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_len) == 0 &&
            listens != 0 && getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
            ntohs(address.sin_port) == http_server_port(env->server)) {
            shrink(fd, SO_SNDBUF);
            return;
        }
    }
    fail_msg("the listener's socket was not found");
}

static inline void client_close(struct client *client)
{
    close(client->fd);
    client->fd = -1;
    buf_free(&client->got);
}

static inline void turn(struct env *env)
{
    loop_run_once(env->loop);
}

static inline void client_read(struct client *client)
{
    char bytes[65536];
    ssize_t count = recv(client->fd, bytes, sizeof bytes, 0);
    if (count > 0) {
        assert_true(buf_append(&client->got, slice_of(bytes, (size_t)count)));
    } else if (count == 0) {
        client->has_eof = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        client->error = errno;
    }
}

static inline void client_send(struct client *client, struct slice bytes)
{
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (bytes.len > 0 && client->error == 0) {
        ssize_t count = send(client->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (count > 0) {
            bytes = slice_from(bytes, (size_t)count);
        } else if (errno != EAGAIN) {
            client->error = errno;
        }
        turn(client->env);
        assert_true(loop_now_us() < end_us);
    }
}

static inline size_t count_of(const struct client *client, const char *text)
{
    size_t count = 0;
    const char *at = client->got.ptr;
    while (at != NULL && (at = strstr(at, text)) != NULL) {
        count++;
        at++;
    }
    return count;
}

/* Runs the loop and reads until the answer holds `text` `times` times. */
static inline void await(struct client *client, const char *text, size_t times)
{
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (count_of(client, text) < times) {
        turn(client->env);
        client_read(client);
        if (loop_now_us() > end_us || client->has_eof) {
            client_read(client);
            if (count_of(client, text) >= times) {
                return;
            }
            fail_msg("no \"%s\" in: %s", text,
                     client->got.ptr != NULL ? client->got.ptr : "");
        }
    }
}

static inline void await_end(struct client *client)
{
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (!client->has_eof && client->error == 0) {
        turn(client->env);
        client_read(client);
        assert_true(loop_now_us() < end_us);
    }
}

static inline void await_int(struct env *env, const int *value, int wanted)
{
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (*value != wanted) {
        turn(env);
        if (loop_now_us() > end_us) {
            fail_msg("%d instead of %d", *value, wanted);
        }
    }
}

static inline void await_connections(struct env *env, size_t wanted)
{
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (http_server_connections(env->server) != wanted) {
        turn(env);
        assert_true(loop_now_us() < end_us);
    }
}

#endif
