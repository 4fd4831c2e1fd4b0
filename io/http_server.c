/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening socket: accepting, counting, draining. What happens on a connection is
 * in http_connection.c, what an answer looks like in http_exchange.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/http_private.h"
#include "io/loop_private.h"

#define BACKLOG 1024
#define ACCEPTS_PER_TURN 16
#define EXPIRED_PER_MS 8 /* of a crowd that came at once and is slow together */
#define SEALED_BYTES ((size_t)256 * 1024)
#define REFUSED_EXTRA 64 /* connections over the ceiling that are told so */

struct http_server_options http_server_defaults(void)
{
    return (struct http_server_options){
        .host = SLICE("127.0.0.1"),
        .port = 0,
        .max_connections = LIMIT_CONNECTIONS,
        .max_body_bytes = LIMIT_BODY_BYTES,
        .max_body_memory_bytes = LIMIT_BODY_MEMORY_BYTES,
        .max_answer_memory_bytes = LIMIT_ANSWER_MEMORY_BYTES,
        .idle_ms = LIMIT_CONNECTION_IDLE_MS,
        .head_ms = LIMIT_HEAD_READ_MS,
        .body_ms = LIMIT_BODY_READ_MS,
        .write_stall_ms = LIMIT_WRITE_STALL_MS,
    };
}

static bool parse_address(struct slice host, int port, struct sockaddr_storage *out)
{
    char text[64];

    if (host.len >= sizeof text || port < 0 || port > 65535) {
        return false;
    }
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(host));
    return uv_ip4_addr(text, port, (struct sockaddr_in *)out) == 0 ||
           uv_ip6_addr(text, port, (struct sockaddr_in6 *)out) == 0;
}

static void release(struct http_server *server)
{
    if (!server->is_freed || !server->is_listener_closed) {
        return;
    }
    free(server->read_bytes);
    free(server->plain_bytes);
    buf_free(&server->sealed);
    buf_free(&server->head);
    free(server);
}

static void check_drained(struct http_server *server)
{
    bool is_over =
        server->is_draining && server->open == 0 && server->is_listener_closed;

    if (!is_over || server->has_drained || server->is_freed) {
        return;
    }
    server->has_drained = true;
    loop_timer_stop(server->drain_timer);
    server->drain_timer = NULL;
    if (server->on_drained != NULL) {
        loop_soon(server->loop, server->on_drained, server->drained_ctx);
    }
}

void server_socket_closed(struct http_server *server)
{
    server->open--;
    check_drained(server);
}

bool server_may_expire(struct http_server *server, uint64_t now_ms)
{
    if (server->expired_ms != now_ms) {
        server->expired_ms = now_ms;
        server->expired = 0;
    }
    server->expired++;
    return server->expired <= EXPIRED_PER_MS;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;

    server->is_listener_closed = true;
    check_drained(server);
    release(server);
}

static void accept_after_others(void *ctx);

static void close_listener(struct http_server *server)
{
    loop_soon_cancel(server->loop, accept_after_others, server);
    if (!uv_is_closing((uv_handle_t *)&server->listener)) {
        uv_close((uv_handle_t *)&server->listener, on_listener_closed);
    }
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    static const unsigned char mapped[13] = {[10] = 0xff, [11] = 0xff, [12] = 127};

    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    if (address->ss_family != AF_INET6) {
        return false;
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
           memcmp(&v6->sin6_addr, mapped, sizeof mapped) == 0;
}

static void note_peer(struct http_connection *connection)
{
    struct sockaddr_storage address = {0};
    int len = sizeof address;

    connection->peer_is_loopback =
        uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&address, &len) == 0 &&
        is_loopback(&address);
}

static size_t taken(const struct http_server *server)
{
    return server->open - server->closing;
}

/* The one that has waited longest for its client. */
static struct http_connection *longest_waiting(const struct http_server *server,
                                               bool even_midway)
{
    struct http_connection *found = NULL;

    LIST_FOREACH (node, &server->connections) {
        struct http_connection *connection =
            LIST_ENTRY(node, struct http_connection, link);
        if (connection_gives_way(connection, even_midway) &&
            (found == NULL || connection->waits_since_ms < found->waits_since_ms)) {
            found = connection;
        }
    }
    return found;
}

/*
 * Cuts one, so that many slow or idle ones cannot keep others out. Who has waited longest,
 * and not who came first, for those who come back again and again are the good ones. Those
 * whose body or answer is on its way come last.
 */
static bool make_room(struct http_server *server)
{
    struct http_connection *found = longest_waiting(server, false);

    if (found == NULL) {
        found = longest_waiting(server, true);
    }
    if (found != NULL) {
        connection_cut(found);
    }
    return found != NULL;
}

/* Who of those with an answer waiting has taken nothing for longest. */
static struct http_connection *slowest_reader(const struct http_server *server,
                                              const struct http_connection *but)
{
    struct http_connection *found = NULL;

    LIST_FOREACH (node, &server->connections) {
        struct http_connection *connection =
            LIST_ENTRY(node, struct http_connection, link);
        if (connection == but || connection->answer_share == 0) {
            continue;
        }
        connection_note_progress(connection);
        if (found == NULL || connection->write_due_ms < found->write_due_ms) {
            found = connection;
        }
    }
    return found;
}

bool server_make_answer_room(struct http_server *server,
                             const struct http_connection *asking, size_t bytes)
{
    while (bytes > server->answers.ceiling - server->answers.held) {
        struct http_connection *found = slowest_reader(server, asking);
        if (found == NULL) {
            return false;
        }
        connection_cut(found);
    }
    return true;
}

static void accept_connection(struct http_server *server)
{
    size_t ceiling = server->options.max_connections;
    bool is_full = taken(server) >= ceiling && !make_room(server);
    struct http_connection *connection = connection_new(server);

    list_push(&server->connections, &connection->link);
    server->open++;
    if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&connection->tcp) !=
            0 ||
        taken(server) > ceiling + REFUSED_EXTRA) {
        connection_cut(connection);
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    note_peer(connection);
    if (is_full) {
        connection_refuse(connection, 503);
        return;
    }
    connection_begin(connection);
}

static void accept_after_others(void *ctx)
{
    struct http_server *server = ctx;

    server->accepted = 0;
    accept_connection(server);
}

/* libuv takes the whole backlog in one go, unless one of it is left waiting. */
static void on_connection(uv_stream_t *listener, int status)
{
    struct http_server *server = listener->data;

    if (status == 0 && server->accepted < ACCEPTS_PER_TURN) {
        server->accepted++;
        accept_connection(server);
    } else if (status == 0) {
        loop_soon(server->loop, accept_after_others, server);
    } else if (server->log != NULL) {
        log_event(server->log, LOG_WARN, "http_accept_failed",
                  LOG_INT(errno_code, -status));
    }
}

static int read_port(const struct http_server *server)
{
    struct sockaddr_storage address = {0};
    int len = sizeof address;

    REQUIRE(uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &len) ==
            0);
    if (address.ss_family == AF_INET6) {
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    }
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static struct http_server *server_new(struct loop *loop,
                                      const struct http_server_options *options)
{
    struct http_server *server = calloc(1, sizeof *server);
    REQUIRE(server != NULL);
    server->loop = loop;
    server->options = *options;
    server->bodies.ceiling = options->max_body_memory_bytes;
    server->answers.ceiling = options->max_answer_memory_bytes;
    server->options.host = SLICE_EMPTY; /* borrowed, and not needed any more */
    server->read_bytes = malloc(HTTP_READ_BYTES);
    REQUIRE(server->read_bytes != NULL);
    buf_init(&server->head, LIMIT_UPSTREAM_HEAD_BYTES);
    buf_init(&server->sealed, SEALED_BYTES);
    if (options->tls != NULL) {
        server->plain_bytes = malloc(HTTP_READ_BYTES);
        REQUIRE(server->plain_bytes != NULL);
    }
    buf_init(&server->held, HTTP_HELD_BYTES);
    list_init(&server->connections);
    list_init(&server->holding);
    REQUIRE(uv_tcp_init(loop_uv(loop), &server->listener) == 0);
    server->listener.data = server;
    return server;
}

/* The system deals connections out among all who listen there (socket(7), SO_REUSEPORT). libuv
 * makes the socket at the bind, so it gets one of ours. */
static int share_port(struct http_server *server, int family)
{
    const int yes = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -errno;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0) {
        int failed = -errno;
        close(fd);
        return failed;
    }
    return uv_tcp_open(&server->listener, fd);
}

enum err http_server_listen(struct loop *loop,
                            const struct http_server_options *options,
                            const struct log *log, http_handler_fn handler, void *ctx,
                            struct http_server **out)
{
    struct sockaddr_storage address = {0};

    *out = NULL;
    if (!parse_address(options->host, options->port, &address)) {
        return ERR_UNPROCESSABLE;
    }
    struct http_server *server = server_new(loop, options);
    server->log = log;
    server->handler = handler;
    server->ctx = ctx;
    int failed = options->shares_port ? share_port(server, address.ss_family) : 0;
    if (failed == 0) {
        failed = uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, 0);
    }
    if (failed == 0) {
        failed = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
    }
    if (failed != 0) {
        if (log != NULL) {
            log_event(log, LOG_ERROR, "http_listen_failed",
                      LOG_INT(port, options->port), LOG_INT(errno_code, -failed));
        }
        http_server_free(server);
        return ERR_IO;
    }
    server->port = read_port(server);
    *out = server;
    return ERR_OK;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

size_t http_server_connections(const struct http_server *server)
{
    return server->open;
}

struct http_server_counts http_server_count(const struct http_server *server)
{
    return server->counts;
}

static void on_drain_over(void *ctx)
{
    struct http_server *server = ctx;

    server->drain_timer = NULL;
    LIST_FOREACH_SAFE (node, after, &server->connections) {
        connection_cut(LIST_ENTRY(node, struct http_connection, link));
    }
}

void http_server_drain(struct http_server *server, int64_t drain_ms, loop_fn on_drained,
                       void *ctx)
{
    if (server->is_draining) {
        return; /* the first caller is told */
    }
    server->is_draining = true;
    server->on_drained = on_drained;
    server->drained_ctx = ctx;
    close_listener(server);
    LIST_FOREACH_SAFE (node, after, &server->connections) {
        struct http_connection *connection =
            LIST_ENTRY(node, struct http_connection, link);
        if (connection_is_idle(connection)) {
            connection_cut(connection);
        }
    }
    server->drain_timer =
        loop_timer_start(server->loop, drain_ms, on_drain_over, server);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL) {
        return;
    }
    loop_timer_stop(server->drain_timer);
    LIST_FOREACH_SAFE (node, after, &server->connections) {
        connection_orphan(LIST_ENTRY(node, struct http_connection, link));
    }
    server->is_freed = true;
    server_forget_held(server);
    close_listener(server);
    release(server);
}
