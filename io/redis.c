/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wire is one connection: commands go out in order, and each answer belongs to the oldest
 * command without one. There are two, since a connection that has subscribed takes no commands.
 * Bytes are carried by libuv, answers are read by hiredis's reader; so no name is resolved and no
 * connection is made on the loop, and the password lies in buffers that are wiped.
 */
#include "io/redis.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/list.h"
#include "io/loop_private.h"
#include "io/redis_answer.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MOST_MS 1000
#define COMMAND_BYTES ((size_t)64 * 1024)
#define PASSWORD_BYTES 512
#define LEAST_MAJOR 7

enum ask {
    ASK_AUTH,
    ASK_SELECT,
    ASK_SERVER,
    ASK_MEMORY,
    ASK_LOAD,
    ASK_SUBSCRIBE,
    ASK_SCRIPT
};

/* A command without an answer yet. */
struct ask_record {
    struct list link;
    enum ask ask;
    int64_t sent_us;
    redis_fn fn;
    void *ctx;
};

struct wire {
    struct redis *redis; /* NULL: given up, waits to be closed */
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    uv_connect_t connecting;
    struct redis_reader reader;
    struct list asked;
    bool is_subscriber, is_ready;
    char room[16384];
};

struct lookup {
    uv_getaddrinfo_t uv;
    struct redis *redis; /* NULL: nobody wants it any more */
};

struct redis {
    struct loop *loop;
    const struct redis_options *options;
    struct redis_events events;
    struct wire *commands, *subscriber;
    struct lookup *lookup;
    struct loop_timer *retry, *watch;
    int64_t since_us; /* of the attempt */
    int64_t backoff_ms;
    bool is_up;
    char sha[41], run_id[65];
};

const char *redis_cause_name(enum redis_cause cause)
{
    static const char *const names[] = {"unreachable", "silent", "denied", "unfit",
                                        "strange"};
    return names[cause];
}

/* ---- Wires ---- */

static void forget_asked(struct wire *wire)
{
    LIST_FOREACH_SAFE (node, after, &wire->asked) {
        free(LIST_ENTRY(node, struct ask_record, link));
    }
    list_init(&wire->asked);
}

static void on_closed(uv_handle_t *handle)
{
    struct wire *wire = handle->data;
    forget_asked(wire);
    redis_reader_free(&wire->reader);
    free(wire);
}

static void give_up(struct wire **place)
{
    struct wire *wire = *place;
    *place = NULL;
    if (wire != NULL) {
        wire->redis = NULL;
        forget_asked(wire);
        uv_close(&wire->uv.handle, on_closed);
    }
}

static void connect_now(void *ctx);

static void retry_later(struct redis *redis)
{
    redis->retry = loop_timer_start(redis->loop, redis->backoff_ms, connect_now, redis);
    redis->backoff_ms *= 2;
    if (redis->backoff_ms > BACKOFF_MOST_MS) {
        redis->backoff_ms = BACKOFF_MOST_MS;
    }
}

void redis_drop(struct redis *redis, enum redis_cause cause)
{
    if (redis->retry != NULL) {
        return;
    }
    give_up(&redis->commands);
    give_up(&redis->subscriber);
    if (redis->lookup != NULL) {
        redis->lookup->redis = NULL;
        redis->lookup = NULL;
    }
    redis->is_up = false;
    retry_later(redis);
    redis->events.on_down(redis->events.ctx, cause);
}

struct rest {
    uv_write_t uv;
    char bytes[];
};

static void on_written(uv_write_t *write, int status)
{
    (void)status; /* a broken connection is seen by the reader */
    free(write->data);
}

static void transmit(struct wire *wire, struct slice bytes)
{
    uv_buf_t part = uv_buf_init((char *)(uintptr_t)bytes.ptr, (unsigned)bytes.len);
    int sent = uv_try_write(&wire->uv.stream, &part, 1);
    size_t done = sent > 0 ? (size_t)sent : 0;
    if (done == bytes.len) {
        return;
    }
    bytes = slice_from(bytes, done);
    struct rest *rest = malloc(sizeof *rest + bytes.len);
    REQUIRE(rest != NULL);
    rest->uv.data = rest;
    slice_copy(rest->bytes, bytes);
    part = uv_buf_init(rest->bytes, (unsigned)bytes.len);
    if (uv_write(&rest->uv, &wire->uv.stream, &part, 1, on_written) != 0) {
        free(rest);
    }
}

static struct ask_record *send_words(struct wire *wire, enum ask ask,
                                     const struct slice *words, size_t count)
{
    struct buf out;
    struct ask_record *record = calloc(1, sizeof *record);
    REQUIRE(record != NULL);
    buf_init(&out, COMMAND_BYTES);
    buf_printf(&out, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&out, "$%zu\r\n", words[i].len);
        buf_append(&out, words[i]);
        buf_append(&out, SLICE("\r\n"));
    }
    REQUIRE(!buf_full(&out));
    record->ask = ask;
    record->sent_us = loop_now_us();
    list_push(&wire->asked, &record->link);
    transmit(wire, buf_slice(&out));
    buf_free(&out);
    return record;
}

/* ---- The greeting ---- */

static bool send_password(struct wire *wire)
{
    const struct redis_address *address = &wire->redis->options->address;
    char text[PASSWORD_BYTES];
    size_t count = 1;
    struct slice words[3] = {SLICE("AUTH")};
    if (address->password_file.len == 0) {
        return true;
    }
    int fd = open(address->password_file.ptr, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd >= 0) {
        close(fd);
    }
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--;
    }
    if (len > 0) {
        if (address->user.len > 0) {
            words[count++] = address->user;
        }
        words[count++] = slice_of(text, (size_t)len);
        send_words(wire, ASK_AUTH, words, count);
    }
    return len > 0; /* the stack is wiped at the end of the turn */
}

static void greet(struct wire *wire)
{
    struct redis *redis = wire->redis;
    char number[16];
    if (!send_password(wire)) {
        redis_drop(redis, REDIS_DENIED);
        return;
    }
    if (wire->is_subscriber) {
        const struct slice words[] = {SLICE("SUBSCRIBE"), redis->options->channel};
        send_words(wire, ASK_SUBSCRIBE, words, 2);
        return;
    }
    int len = snprintf(number, sizeof number, "%d", redis->options->address.database);
    const struct slice select[] = {SLICE("SELECT"), slice_of(number, (size_t)len)};
    const struct slice server[] = {SLICE("INFO"), SLICE("server")};
    const struct slice memory[] = {SLICE("INFO"), SLICE("memory")};
    const struct slice load[] = {SLICE("SCRIPT"), SLICE("LOAD"),
                                 redis->options->script};
    send_words(wire, ASK_SELECT, select, 2);
    send_words(wire, ASK_SERVER, server, 2);
    send_words(wire, ASK_MEMORY, memory, 2);
    send_words(wire, ASK_LOAD, load, 3);
}

static bool keep_text(char *room, size_t bytes, struct slice text)
{
    if (text.len == 0 || text.len >= bytes) {
        return false;
    }
    slice_copy(room, text);
    room[text.len] = '\0';
    return true;
}

/* What may not be: a Redis that is too old, and one that drops keys to make room. */
static bool is_fit_server(struct redis *redis, struct slice info)
{
    struct slice version = redis_info(info, "redis_version");
    ptrdiff_t dot = slice_find(version, '.');
    unsigned long long major = 0;
    return dot > 0 && slice_to_u64(slice_of(version.ptr, (size_t)dot), &major) &&
           major >= LEAST_MAJOR &&
           keep_text(redis->run_id, sizeof redis->run_id, redis_info(info, "run_id"));
}

static bool is_fit_memory(struct slice info)
{
    return slice_is(redis_info(info, "maxmemory"), "0") ||
           slice_is(redis_info(info, "maxmemory_policy"), "noeviction");
}

static void see_whether_up(struct redis *redis)
{
    if (redis->commands != NULL && redis->commands->is_ready &&
        redis->subscriber != NULL && redis->subscriber->is_ready && !redis->is_up) {
        redis->is_up = true;
        redis->backoff_ms = BACKOFF_FIRST_MS;
        redis->events.on_up(redis->events.ctx, slice_str(redis->run_id));
    }
}

/* ---- Answers ---- */

static void on_script(const struct ask_record *record, const redisReply *reply)
{
    struct redis_item items[REDIS_ITEMS] = {{SLICE_EMPTY, 0}};
    size_t count = redis_reply_items(reply, items);
    record->fn(record->ctx, items, count);
}

static void on_answer(struct wire *wire, const struct ask_record *record,
                      const redisReply *reply)
{
    struct redis *redis = wire->redis;
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_drop(redis, record->ask == ASK_AUTH
                              ? REDIS_DENIED
                              : redis_error_cause(redis_reply_text(reply)));
        return;
    }
    switch (record->ask) {
    case ASK_AUTH:
    case ASK_SELECT:
        return;
    case ASK_SERVER:
        if (!is_fit_server(redis, redis_reply_text(reply))) {
            redis_drop(redis, REDIS_UNFIT);
        }
        return;
    case ASK_MEMORY:
        if (!is_fit_memory(redis_reply_text(reply))) {
            redis_drop(redis, REDIS_UNFIT);
        }
        return;
    case ASK_LOAD:
        wire->is_ready =
            keep_text(redis->sha, sizeof redis->sha, redis_reply_text(reply));
        see_whether_up(redis);
        return;
    case ASK_SUBSCRIBE:
        wire->is_ready = true;
        see_whether_up(redis);
        return;
    case ASK_SCRIPT:
        on_script(record, reply);
        return;
    }
}

static void on_reply(struct wire *wire, const redisReply *reply)
{
    struct redis *redis = wire->redis;
    struct slice message;
    if (wire->is_subscriber && redis_reply_message(reply, &message)) {
        redis->events.on_message(redis->events.ctx, message);
        return;
    }
    if (list_empty(&wire->asked)) {
        redis_drop(redis, REDIS_STRANGE);
        return;
    }
    struct list *first = wire->asked.next;
    struct ask_record record = *LIST_ENTRY(first, struct ask_record, link);
    list_remove(first);
    free(LIST_ENTRY(first, struct ask_record, link));
    on_answer(wire, &record, reply);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct wire *wire = handle->data;
    (void)suggested;
    *out = uv_buf_init(wire->room, sizeof wire->room);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct wire *wire = stream->data;
    if (wire->redis == NULL || count == 0) {
        return;
    }
    if (count < 0) {
        redis_drop(wire->redis, REDIS_UNREACHABLE);
        return;
    }
    bool is_read = redis_reader_feed(&wire->reader, bytes->base, (size_t)count);
    while (wire->redis != NULL) {
        redisReply *reply = NULL;
        if (!is_read || !redis_reader_next(&wire->reader, &reply)) {
            redis_drop(wire->redis, REDIS_STRANGE);
            return;
        }
        if (reply == NULL) {
            return;
        }
        on_reply(wire, reply);
        freeReplyObject(reply);
    }
}

/* ---- Connecting ---- */

static void on_connected(uv_connect_t *connecting, int status)
{
    struct wire *wire = connecting->data;
    if (wire->redis == NULL) {
        return;
    }
    if (status != 0 || uv_read_start(&wire->uv.stream, on_room, on_read) != 0) {
        redis_drop(wire->redis, REDIS_UNREACHABLE);
        return;
    }
    greet(wire);
}

static struct wire *wire_new(struct redis *redis, const struct sockaddr *address,
                             bool is_subscriber)
{
    struct wire *wire = calloc(1, sizeof *wire);
    REQUIRE(wire != NULL);
    uv_loop_t *uv = loop_uv(redis->loop);
    wire->redis = redis;
    wire->is_subscriber = is_subscriber;
    redis_reader_init(&wire->reader);
    list_init(&wire->asked);
    wire->connecting.data = wire;
    if (address == NULL) {
        REQUIRE(uv_pipe_init(uv, &wire->uv.pipe, 0) == 0);
        uv_pipe_connect(&wire->connecting, &wire->uv.pipe,
                        redis->options->address.path.ptr, on_connected);
    } else {
        REQUIRE(uv_tcp_init(uv, &wire->uv.tcp) == 0);
        uv_tcp_nodelay(&wire->uv.tcp, 1);
        if (uv_tcp_connect(&wire->connecting, &wire->uv.tcp, address, on_connected) !=
            0) {
            redis->since_us = INT64_MIN; /* the watch ends this attempt */
        }
    }
    wire->uv.handle.data = wire;
    return wire;
}

static void connect_to(struct redis *redis, const struct sockaddr *address)
{
    redis->commands = wire_new(redis, address, false);
    redis->subscriber = wire_new(redis, address, true);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct lookup *lookup = request->data;
    struct redis *redis = lookup->redis;
    if (redis != NULL) {
        redis->lookup = NULL;
        if (status == 0 && list != NULL) {
            connect_to(redis, list->ai_addr);
        } else {
            redis_drop(redis, REDIS_UNREACHABLE);
        }
    }
    uv_freeaddrinfo(list);
    free(lookup);
}

static void connect_now(void *ctx)
{
    struct redis *redis = ctx;
    const struct redis_address *address = &redis->options->address;
    char port[16];
    redis->retry = NULL;
    redis->since_us = loop_now_us();
    if (address->path.len > 0) {
        connect_to(redis, NULL);
        return;
    }
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct lookup *lookup = calloc(1, sizeof *lookup);
    REQUIRE(lookup != NULL);
    snprintf(port, sizeof port, "%d", address->port);
    lookup->redis = redis;
    lookup->uv.data = lookup;
    redis->lookup = lookup;
    REQUIRE(uv_getaddrinfo(loop_uv(redis->loop), &lookup->uv, on_resolved,
                           address->host.ptr, port, &hints) == 0);
}

static bool is_late(const struct redis *redis, const struct wire *wire, int64_t now_us)
{
    return wire != NULL && !list_empty(&wire->asked) &&
           now_us - LIST_ENTRY(wire->asked.next, struct ask_record, link)->sent_us >
               redis->options->patience_ms * 1000;
}

static void on_watch(void *ctx)
{
    struct redis *redis = ctx;
    int64_t now_us = loop_now_us();
    bool is_slow = !redis->is_up && redis->retry == NULL &&
                   redis->since_us < now_us - redis->options->patience_ms * 1000;
    if (is_slow || is_late(redis, redis->commands, now_us) ||
        is_late(redis, redis->subscriber, now_us)) {
        redis_drop(redis, REDIS_SILENT);
    }
}

struct redis *redis_new(struct loop *loop, const struct redis_options *options,
                        const struct redis_events *events)
{
    struct redis *redis = calloc(1, sizeof *redis);
    REQUIRE(redis != NULL && options->patience_ms >= 4);
    redis->loop = loop;
    redis->options = options;
    redis->events = *events;
    redis->backoff_ms = BACKOFF_FIRST_MS;
    redis->watch = loop_timer_every(loop, options->patience_ms / 4, on_watch, redis);
    redis->retry = loop_timer_start(loop, 0, connect_now, redis);
    return redis;
}

void redis_free(struct redis *redis)
{
    if (redis == NULL) {
        return;
    }
    give_up(&redis->commands);
    give_up(&redis->subscriber);
    if (redis->lookup != NULL) {
        redis->lookup->redis = NULL;
    }
    loop_timer_stop(redis->retry);
    loop_timer_stop(redis->watch);
    free(redis);
}

void redis_call(struct redis *redis, const struct slice *keys, size_t key_count,
                const struct slice *args, size_t arg_count, redis_fn fn, void *ctx)
{
    struct slice words[40] = {SLICE("EVALSHA"), slice_str(redis->sha)};
    char number[16];
    REQUIRE(redis->is_up && 3 + key_count + arg_count <= 40);
    int len = snprintf(number, sizeof number, "%zu", key_count);
    words[2] = slice_of(number, (size_t)len);
    for (size_t i = 0; i < key_count; i++) {
        words[3 + i] = keys[i];
    }
    for (size_t i = 0; i < arg_count; i++) {
        words[3 + key_count + i] = args[i];
    }
    struct ask_record *record =
        send_words(redis->commands, ASK_SCRIPT, words, 3 + key_count + arg_count);
    record->fn = fn;
    record->ctx = ctx;
}
