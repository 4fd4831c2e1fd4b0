/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection after the other. What the server sends is cut into events (WHATWG HTML, section
 * 9.2.6), as far as it uses the format: lines "event:" and "data:", then an empty one. It says
 * something every 15 seconds, so a connection that is silent for SILENT_MS has broken.
 */
#include "cli/lane_watch.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/timefmt.h"

#define EVENT_BYTES ((size_t)256 * 1024) /* four times what the server sends at most */
#define ANSWER_MS 30000                  /* until the first event */
#define SILENT_MS 40000
#define WITHOUT_END_MS INT64_C(3155760000000) /* a hundred years */
#define FIRST_PAUSE_MS 500
#define MOST_PAUSE_MS 30000
#define HEAD_EVERY 40 /* lines: the names of the columns again */

struct watch {
    struct errand *errand;
    struct slice path;
    struct loop *loop;
    struct remote_way way;
    struct loop_timer
        *timer; /* until the next connection, or until this one is silent */
    struct buf line, name, data;
    int64_t pause_ms; /* before the next connection, at most */
    int lines;        /* until the names of the columns come again */
    int ready, shown; /* of this connection */
    char ending[64];  /* why the server has ended the stream; empty: it has not */
    bool is_json, is_one;
    bool was_connected;      /* the server has answered once */
    bool is_lost, is_silent; /* that was said; nothing came for too long */
    bool is_stopped;
    int code;
};

static void stop(struct watch *watch, int code)
{
    watch->code = code;
    watch->is_stopped = true;
    loop_stop(watch->loop);
}

/* ---- Lines ---- */

static void print_time(void)
{
    struct clock clock = clock_system();
    char text[TIMEFMT_BYTES];
    timefmt_utc(clock_wall_ms(&clock), text);
    printf("%.8sZ  ", text + 11);
}

static void print_head(struct watch *watch)
{
    if (watch->lines-- > 0) {
        return;
    }
    watch->lines = HEAD_EVERY - 1;
    printf("%-9s  %9s  %-14s  %9s  %6s  %8s  %6s  %7s  %s\n", "time", "effective",
           "because", "in flight", "queued", "wait p99", "by ERP", "by line", "lane");
}

/* A count that only admins are told. */
static void print_count(const json_t *lane, const char *const *names, int width)
{
    long long sum = 0;
    for (; *names != NULL; names++) {
        const json_t *count = json_object_get(lane, *names);
        if (!json_is_integer(count)) {
            printf("%*s  ", width, "-");
            return;
        }
        sum += json_integer_value(count);
    }
    printf("%*lld  ", width, sum);
}

/* "2/5": of the operator's ceiling; "2" where the operator has set none. */
static void print_ceiling(const json_t *lane)
{
    char text[32];
    const json_t *ceiling = json_object_get(lane, "ceiling");
    long long effective = json_integer_value(json_object_get(lane, "effective"));
    if (json_is_integer(ceiling)) {
        snprintf(text, sizeof text, "%lld/%lld", effective,
                 (long long)json_integer_value(ceiling));
    } else {
        snprintf(text, sizeof text, "%lld", effective);
    }
    printf("%9s  ", text);
}

static const char *cause_of(const json_t *lane)
{
    const char *state = json_string_value(json_object_get(lane, "state"));
    const char *cause = json_string_value(json_object_get(lane, "cause"));
    if (state != NULL && strcmp(state, "running") != 0) {
        return state;
    }
    return cause != NULL ? cause : "-";
}

static void print_id(const json_t *object)
{
    const char *id = json_string_value(json_object_get(object, "id"));
    for (; id != NULL && *id != '\0'; id++) { /* nothing that a terminal would obey */
        unsigned char byte = (unsigned char)*id;
        putchar(byte < 0x20 || byte == 0x7f ? '?' : *id);
    }
    putchar('\n');
}

static void print_lane(struct watch *watch, const json_t *lane)
{
    static const char *const in_flight[] = {"in_flight", NULL};
    static const char *const queued[] = {"queued", NULL};
    static const char *const by_erp[] = {"refused_upstream", NULL};
    static const char *const by_line[] = {"refused_full", "refused_late", "expired",
                                          NULL};
    const json_t *p99 = json_object_get(lane, "wait_p99_ms");
    print_head(watch);
    print_time();
    print_ceiling(lane);
    printf("%-14s  ", cause_of(lane));
    print_count(lane, in_flight, 9);
    print_count(lane, queued, 6);
    if (json_is_integer(p99)) {
        printf("%5lld ms  ", (long long)json_integer_value(p99));
    } else {
        printf("%8s  ", "-");
    }
    print_count(lane, by_erp, 6);
    print_count(lane, by_line, 7);
    print_id(lane);
}

/* ---- Events ---- */

/* Only now it is known that the server answers, and nothing on the way to it. */
static void on_ready(struct watch *watch, const json_t *data)
{
    if (watch->is_lost) {
        command_fail("connected again");
    }
    watch->is_lost = false;
    watch->pause_ms = FIRST_PAUSE_MS;
    watch->ready++;
    if (watch->is_one && watch->shown == 0 &&
        watch->ready == json_integer_value(json_object_get(data, "workers"))) {
        command_fail("there is no such lane now; it is shown when there is one");
    }
}

static void on_event(struct watch *watch, struct slice name, struct slice text)
{
    json_error_t error;
    json_t *data = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    const char *reason = json_string_value(json_object_get(data, "reason"));
    if (!json_is_object(data)) {
        json_decref(data);
        return; /* of a later version, perhaps */
    }
    watch->shown += slice_is(name, "lane") ? 1 : 0;
    if (watch->is_json) {
        printf("%.*s\n", SLICE_ARG(text));
    } else if (slice_is(name, "lane")) {
        print_lane(watch, data);
    } else if (slice_is(name, "gone")) {
        print_head(watch);
        print_time();
        printf("%9s  %-14s  %*s", "-", "gone", 9 + 6 + 8 + 6 + 7 + 5 * 2, "");
        print_id(data);
    }
    if (slice_is(name, "ready")) {
        on_ready(watch, data);
    } else if (slice_is(name, "end") && reason != NULL) {
        snprintf(watch->ending, sizeof watch->ending, "%s",
                 strcmp(reason, "draining") == 0 ? "the server stops" : reason);
    }
    json_decref(data);
}

static void on_line(struct watch *watch, struct slice line)
{
    if (line.len == 0) {
        if (watch->data.len > 0) {
            on_event(watch, buf_slice(&watch->name), buf_slice(&watch->data));
        }
        buf_clear(&watch->name);
        buf_clear(&watch->data);
    } else if (slice_starts(line, SLICE("event: "))) {
        buf_append(&watch->name, slice_from(line, 7));
    } else if (slice_starts(line, SLICE("data: "))) {
        buf_append(&watch->data, slice_from(line, 6));
    } /* else a comment: the server is there */
}

static void on_silence(void *ctx);

static void take(struct watch *watch, struct slice bytes)
{
    while (bytes.len > 0) {
        ptrdiff_t end = slice_find(bytes, '\n');
        buf_append(&watch->line, end < 0 ? bytes : slice_of(bytes.ptr, (size_t)end));
        if (end < 0) {
            break;
        }
        on_line(watch, buf_slice(&watch->line));
        buf_clear(&watch->line);
        bytes = slice_from(bytes, (size_t)end + 1);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        stop(watch, 0); /* nobody reads any more */
    }
}

static void on_piece(void *ctx, struct slice bytes)
{
    struct watch *watch = ctx;
    watch->was_connected = true;
    take(watch, bytes);
    loop_timer_stop(watch->timer);
    watch->timer = loop_timer_start(watch->loop, SILENT_MS, on_silence, watch);
}

/* ---- Connections ---- */

static void connect_now(void *ctx);

/* Half of the pause or more: all that watched a server do not come back at once. */
static int64_t draw_pause(const struct watch *watch)
{
    uint32_t drawn;
    random_bytes(&drawn, sizeof drawn);
    return watch->pause_ms - drawn % (watch->pause_ms / 2 + 1);
}

/* Said once for each time that the server goes away. */
static void try_later(struct watch *watch, const char *reason)
{
    if (watch->ending[0] != '\0') {
        reason = watch->ending;
    }
    if (!watch->is_lost) {
        command_fail("the connection is lost (%s); trying again until it answers",
                     reason);
    }
    watch->is_lost = true;
    loop_timer_stop(watch->timer);
    watch->timer = loop_timer_start(watch->loop, draw_pause(watch), connect_now, watch);
    watch->pause_ms =
        watch->pause_ms * 2 < MOST_PAUSE_MS ? watch->pause_ms * 2 : MOST_PAUSE_MS;
}

/* The server was there and refuses, which waiting does not change; 5xx may pass by, and so may
 * 408 and 429 (RFC 9110, section 15.5.9; RFC 6585, section 4). */
static bool is_final(const struct watch *watch, const struct http_reply *reply)
{
    bool may_pass =
        reply->status >= 500 || reply->status == 408 || reply->status == 429;
    return reply->status >= 300 && (!may_pass || !watch->was_connected);
}

static void on_answer(void *ctx, const struct http_outcome *outcome)
{
    struct watch *watch = ctx;
    const struct http_reply *reply = outcome->reply;
    const char *reason = watch->is_silent ? "silent" : outcome->reason;
    char status[32];
    if (watch->is_stopped) {
        return;
    }
    if (reply != NULL && is_final(watch, reply)) {
        remote_print(reply->body);
        stop(watch, 1);
        return;
    }
    if (reply == NULL && !watch->was_connected) {
        stop(watch,
             command_fail("no answer from %.*s (%s): is the server running, and is "
                          "--url right?",
                          SLICE_ARG(watch->errand->base), reason));
        return;
    }
    if (reply != NULL && reply->status < 300) {
        watch->was_connected = true; /* a short answer comes in no pieces */
        take(watch, reply->body);
        reason = "closed";
    } else if (reply != NULL) {
        snprintf(status, sizeof status, "HTTP %d", reply->status);
        reason = status;
    }
    try_later(watch, reason);
}

static void on_end(void *ctx, enum http_end end)
{
    (void)ctx;
    (void)end;
}

/* Cuts the connection: on_answer is called. */
static void on_silence(void *ctx)
{
    struct watch *watch = ctx;
    watch->timer = NULL;
    watch->is_silent = true;
    remote_close(&watch->way);
}

static void connect_now(void *ctx)
{
    struct watch *watch = ctx;
    struct errand errand = *watch->errand;
    struct http_send send = {.method = SLICE("GET"),
                             .answer_ms = WITHOUT_END_MS,
                             .max_ms = WITHOUT_END_MS,
                             .on_piece = on_piece};
    const struct http_transfer_handlers handlers = {on_answer, on_end, watch};
    remote_close(&watch->way);
    buf_clear(&watch->line);
    buf_clear(&watch->name);
    buf_clear(&watch->data);
    watch->ending[0] = '\0';
    watch->is_silent = false;
    watch->ready = watch->shown = 0;
    watch->timer = loop_timer_start(watch->loop, ANSWER_MS, on_silence, watch);
    errand.arena = arena_new();
    if (remote_open(&errand, watch->loop, &watch->way)) {
        remote_send(&errand, &watch->way, &send, watch->path, &handlers);
    } else {
        stop(watch, 1);
    }
    arena_free(errand.arena);
}

static void on_signal(void *ctx)
{
    stop(ctx, 0);
}

int lane_watch_run(struct errand *errand, struct slice lane)
{
    struct watch watch = {
        .errand = errand, .loop = loop_new(), .pause_ms = FIRST_PAUSE_MS};
    command_value(errand->line, "json", &watch.is_json);
    watch.is_one = lane.len > 0;
    watch.path = arena_printf(errand->arena, "/lanes/events%s%.*s",
                              watch.is_one ? "?lane=" : "", SLICE_ARG(lane));
    buf_init(&watch.line, EVENT_BYTES);
    buf_init(&watch.name, EVENT_BYTES);
    buf_init(&watch.data, EVENT_BYTES);
    signal(SIGPIPE, SIG_IGN); /* "| head": a failed write ends it */
    loop_on_signal(watch.loop, SIGINT, on_signal, &watch);
    loop_on_signal(watch.loop, SIGTERM, on_signal, &watch);
    loop_soon(watch.loop, connect_now, &watch);
    loop_run(watch.loop);
    loop_timer_stop(watch.timer);
    remote_close(&watch.way);
    buf_free(&watch.line);
    buf_free(&watch.name);
    buf_free(&watch.data);
    loop_free(watch.loop);
    return watch.code;
}
