/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting and stopping a poll is a system call each, and curl says REMOVE and IN for
 * the same descriptor around every request. So a watcher keeps its mask when curl loses
 * interest, and the poll is changed only if curl wants an event that is not in the
 * mask, or one comes that nobody wants.
 *
 * Invariants
 *  1. watches[fd] is NULL or the one watcher of an open descriptor fd; it is closed
 * before the descriptor is.
 *  2. `wanted` is what curl asked for last; `polled` is what libuv watches for.
 *  3. A watcher keeps the loop alive only while `wanted` is not empty.
 */
#include "io/curl_multi.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/loop_private.h"

struct watch {
    uv_poll_t poll;
    struct transfer_pump *pump;
    curl_socket_t fd;
    int wanted, polled; /* UV_READABLE, UV_WRITABLE */
};

struct transfer_pump {
    uv_timer_t timer;
    uv_loop_t *uv;
    CURLM *multi;
    struct transfer_pump_events events;
    struct watch **watches; /* by descriptor */
    size_t watch_count;
};

static void drain(struct transfer_pump *pump)
{
    int left = 0;
    for (;;) {
        const CURLMsg *message = curl_multi_info_read(pump->multi, &left);
        if (message == NULL) {
            break;
        }
        if (message->msg == CURLMSG_DONE) {
            /* The message dies with the removal of its handle. */
            CURLcode result = message->data.result;
            pump->events.on_done(pump->events.ctx, message->easy_handle, result);
        }
    }
    pump->events.on_drained(pump->events.ctx);
}

static void act(struct transfer_pump *pump, curl_socket_t fd, int flags)
{
    int running = 0;
    REQUIRE(curl_multi_socket_action(pump->multi, fd, flags, &running) == CURLM_OK);
    drain(pump);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void poll_for(struct watch *watch, int mask)
{
    if (mask == 0) {
        uv_poll_stop(&watch->poll);
    } else {
        REQUIRE(uv_poll_start(&watch->poll, mask, on_poll) == 0);
    }
    watch->polled = mask;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int flags = 0;
    if (status < 0) {
        /* libuv has stopped the poll; curl finds the cause on the socket. */
        watch->polled = 0;
        act(watch->pump, watch->fd, CURL_CSELECT_ERR);
        return;
    }
    if ((events & ~watch->wanted) != 0) {
        poll_for(watch, watch->wanted);
    }
    events &= watch->wanted;
    flags |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    flags |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    if (flags != 0) {
        act(watch->pump, watch->fd, flags);
    }
}

static void make_room(struct transfer_pump *pump, size_t fd)
{
    size_t count = pump->watch_count == 0 ? 64 : pump->watch_count;
    while (count <= fd) {
        count *= 2;
    }
    if (count == pump->watch_count) {
        return;
    }
    pump->watches = realloc(pump->watches, count * sizeof(struct watch *));
    REQUIRE(pump->watches != NULL);
    memset(pump->watches + pump->watch_count, 0,
           (count - pump->watch_count) * sizeof(struct watch *));
    pump->watch_count = count;
}

static struct watch *watch_of(struct transfer_pump *pump, curl_socket_t fd)
{
    make_room(pump, (size_t)fd);
    struct watch *watch = pump->watches[fd];
    if (watch == NULL) {
        watch = calloc(1, sizeof *watch);
        REQUIRE(watch != NULL);
        REQUIRE(uv_poll_init_socket(pump->uv, &watch->poll, fd) == 0);
        watch->poll.data = watch;
        watch->pump = pump;
        watch->fd = fd;
        pump->watches[fd] = watch;
    }
    return watch;
}

static int on_interest(CURL *easy, curl_socket_t fd, int what, void *ctx, void *unused)
{
    struct watch *watch = watch_of(ctx, fd);
    (void)easy;
    (void)unused;
    watch->wanted = 0;
    if (what == CURL_POLL_REMOVE) {
        uv_unref((uv_handle_t *)&watch->poll);
        return 0;
    }
    watch->wanted |= (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;
    watch->wanted |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
    uv_ref((uv_handle_t *)&watch->poll);
    if ((watch->wanted & ~watch->polled) != 0) {
        poll_for(watch, watch->wanted);
    }
    return 0;
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static int on_close_socket(void *ctx, curl_socket_t fd)
{
    struct transfer_pump *pump = ctx;
    if ((size_t)fd < pump->watch_count && pump->watches[fd] != NULL) {
        uv_close((uv_handle_t *)&pump->watches[fd]->poll, on_watch_closed);
        pump->watches[fd] = NULL;
    }
    return close(fd);
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_deadline(CURLM *multi, long timeout_ms, void *ctx)
{
    struct transfer_pump *pump = ctx;
    (void)multi;
    if (timeout_ms < 0) {
        uv_timer_stop(&pump->timer);
    } else {
        uv_timer_start(&pump->timer, on_timer, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

struct transfer_pump *transfer_pump_new(struct loop *loop, long max_connections,
                                        const struct transfer_pump_events *events)
{
    struct transfer_pump *pump = calloc(1, sizeof *pump);
    REQUIRE(pump != NULL);
    pump->uv = loop_uv(loop);
    pump->events = *events;
    pump->multi = curl_multi_init();
    REQUIRE(pump->multi != NULL);
    REQUIRE(uv_timer_init(pump->uv, &pump->timer) == 0);
    pump->timer.data = pump;
    curl_multi_setopt(pump->multi, CURLMOPT_SOCKETFUNCTION, on_interest);
    curl_multi_setopt(pump->multi, CURLMOPT_SOCKETDATA, pump);
    curl_multi_setopt(pump->multi, CURLMOPT_TIMERFUNCTION, on_deadline);
    curl_multi_setopt(pump->multi, CURLMOPT_TIMERDATA, pump);
    curl_multi_setopt(pump->multi, CURLMOPT_MAXCONNECTS, max_connections);
    curl_multi_setopt(pump->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    return pump;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void transfer_pump_free(struct transfer_pump *pump)
{
    if (pump == NULL) {
        return;
    }
    REQUIRE(curl_multi_cleanup(pump->multi) == CURLM_OK);
    for (size_t fd = 0; fd < pump->watch_count; fd++) {
        REQUIRE(pump->watches[fd] == NULL);
    }
    free(pump->watches);
    uv_close((uv_handle_t *)&pump->timer, on_timer_closed);
}

void transfer_pump_add(struct transfer_pump *pump, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, pump);
    REQUIRE(curl_multi_add_handle(pump->multi, easy) == CURLM_OK);
}

void transfer_pump_remove(struct transfer_pump *pump, CURL *easy)
{
    REQUIRE(curl_multi_remove_handle(pump->multi, easy) == CURLM_OK);
}
