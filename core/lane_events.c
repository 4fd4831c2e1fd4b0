/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every TICK_MS the governor is asked what has changed, and every stream's feed what its reader is
 * sent of it (core/lane_feed.h); a walk over the lanes goes on in turns of its own between.
 */
#include "core/lane_events.h"

#include <stdlib.h>

#include "base/limits.h"
#include "core/admin_private.h"
#include "core/changes.h"
#include "core/homes.h"
#include "core/lane_feed.h"

#define TICK_MS 250
#define HEARTBEAT_US INT64_C(15000000)
#define END_BYTES 256

struct lane_events {
    struct gateway *gateway;
    struct list streams;
    struct loop_timer *timer; /* NULL: nobody reads */
    bool is_walk_due;
};

struct stream {
    struct list link;
    struct lane_events *events;
    struct admin *admin; /* in the exchange's arena */
    struct slice only;   /* the one lane asked for; empty: all */
    struct lane_feed *feed;
    int64_t sent_us;
};

struct lane_events *lane_events_new(struct gateway *gateway)
{
    struct lane_events *events = calloc(1, sizeof *events);
    REQUIRE(events != NULL);
    events->gateway = gateway;
    list_init(&events->streams);
    return events;
}

static void on_walk(void *ctx);

static void rest(struct lane_events *events)
{
    loop_timer_stop(events->timer);
    loop_soon_cancel(events->gateway->parts.loop, on_walk, events);
    governor_watch(events->gateway->parts.governor, false);
    events->timer = NULL;
    events->is_walk_due = false;
}

void lane_events_free(struct lane_events *events)
{
    if (events != NULL) {
        REQUIRE(list_empty(&events->streams));
        rest(events);
        free(events);
    }
}

/* ---- What is sent ---- */

static void write_lane(void *ctx, struct arena *arena,
                       const struct governor_lane_view *lane, bool has_line,
                       struct buf *json)
{
    const struct stream *stream = ctx;
    struct jwriter writer;
    jwriter_init(&writer, json);
    jwriter_object(&writer);
    admin_write_lane(stream->admin, &writer, lane);
    if (has_line) {
        admin_write_lines(stream->admin, arena, &writer, lane->lane);
    } else {
        jwriter_key(&writer, SLICE("queue"));
        jwriter_null(&writer);
    }
    jwriter_object_end(&writer);
}

static void send(struct stream *stream, const struct buf *out)
{
    if (out->len > 0) {
        stream->sent_us = gateway_mono_us(stream->events->gateway);
        http_stream_send(stream->admin->exchange, buf_slice(out));
    }
}

/* ---- A stream ---- */

static bool shows(void *ctx, struct slice id)
{
    const struct stream *stream = ctx;
    const struct gateway_config *config = stream->events->gateway->parts.config;
    return (stream->only.len == 0 || slice_eq(stream->only, id)) &&
           (config->homes == NULL || homes_shows(config->homes, id, config->worker));
}

static void walk_soon(struct lane_events *events)
{
    if (!events->is_walk_due) {
        events->is_walk_due = true;
        loop_soon(events->gateway->parts.loop, on_walk, events);
    }
}

static void serve(struct stream *stream, const struct slice *ids, size_t count)
{
    size_t unsent = http_stream_unsent(stream->admin->exchange);
    struct buf out;
    buf_init(&out, LIMIT_RESULT_BYTES);
    bool goes_on = lane_feed_next(stream->feed, ids, count, unsent,
                                  gateway_mono_us(stream->events->gateway), &out);
    send(stream, &out);
    if (goes_on) {
        walk_soon(stream->events);
    }
    buf_free(&out);
}

static void on_walk(void *ctx)
{
    struct lane_events *events = ctx;
    events->is_walk_due = false;
    LIST_FOREACH (node, &events->streams) {
        struct stream *stream = LIST_ENTRY(node, struct stream, link);
        if (lane_feed_is_walking(stream->feed)) {
            serve(stream, NULL, 0);
        }
    }
}

static void close_stream(struct stream *stream)
{
    struct lane_events *events = stream->events;
    struct http_exchange *exchange = stream->admin->exchange;
    list_remove(&stream->link);
    lane_feed_free(stream->feed);
    free(stream);
    if (list_empty(&events->streams)) {
        rest(events);
    }
    http_stream_end(exchange);
}

static void on_gone(void *ctx)
{
    close_stream(ctx);
}

static void end_stream(struct stream *stream, const char *reason)
{
    struct buf out;
    buf_init(&out, END_BYTES);
    buf_printf(&out, "event: end\ndata: {\"reason\":\"%s\"}\n\n", reason);
    http_stream_send(stream->admin->exchange, buf_slice(&out));
    buf_free(&out);
    close_stream(stream);
}

/* Why the stream has to end now; NULL: it need not. */
static const char *ending(const struct stream *stream, bool is_whole)
{
    struct gateway *gateway = stream->events->gateway;
    const struct http_field *field = http_request_field(
        http_exchange_request(stream->admin->exchange), "authorization");
    struct arena *arena = arena_new();
    struct principal who;
    enum err err = principal_by_bearer(gateway->parts.keys, gateway->parts.store,
                                       field != NULL ? field->value : SLICE_EMPTY,
                                       gateway_wall_ms(gateway), arena, &who);
    arena_free(arena);
    if (gateway->draining) {
        return "draining";
    }
    if (err != ERR_OK) {
        return err == ERR_UNAUTHORIZED ? "unauthorized" : "io_error";
    }
    return is_whole ? NULL : "too_many_changes";
}

static void beat(struct stream *stream)
{
    const struct gateway *gateway = stream->events->gateway;
    const struct gateway_config *config = gateway->parts.config;
    int64_t now_us = gateway_mono_us(gateway);
    if ((config->homes == NULL || config->worker == 0) &&
        now_us - stream->sent_us >= HEARTBEAT_US) {
        stream->sent_us = now_us;
        http_stream_send(stream->admin->exchange, SLICE(": \n\n"));
    }
}

static void on_tick(void *ctx)
{
    struct lane_events *events = ctx;
    struct arena *arena = arena_new();
    struct slice *ids = NULL;
    size_t count = 0;
    bool is_whole =
        governor_changed(events->gateway->parts.governor, arena, &ids, &count);
    LIST_FOREACH_SAFE (node, after, &events->streams) {
        struct stream *stream = LIST_ENTRY(node, struct stream, link);
        const char *reason = ending(stream, is_whole);
        if (reason != NULL) {
            end_stream(stream, reason);
        } else {
            serve(stream, ids, count);
            beat(stream);
        }
    }
    arena_free(arena);
}

/* ---- The way in ---- */

static bool has_place(const struct admin *admin)
{
    const struct lane_events *events = admin->gateway->lane_events;
    int admins = 0, tenants = 0, own = 0;
    LIST_FOREACH (node, &events->streams) {
        const struct principal *who =
            &LIST_ENTRY(node, struct stream, link)->admin->who;
        bool is_admin = who->role == ROLE_ADMIN;
        admins += is_admin ? 1 : 0;
        tenants += is_admin ? 0 : 1;
        own += slice_eq(who->tenant, admin->who.tenant) ? 1 : 0;
    }
    return admin->who.role == ROLE_ADMIN ? admins < LIMIT_LANE_WATCHERS
                                         : tenants < LIMIT_LANE_TENANT_WATCHERS &&
                                               own < LIMIT_LANE_WATCHERS_OF_ONE;
}

static void start(struct lane_events *events)
{
    const struct gateway_parts *parts = &events->gateway->parts;
    if (events->timer == NULL) {
        governor_watch(parts->governor, true);
        events->timer = loop_timer_every(parts->loop, TICK_MS, on_tick, events);
    }
}

void admin_watch_lanes(struct admin *admin)
{
    struct lane_events *events = admin->gateway->lane_events;
    if (!has_place(admin)) {
        admin_error(
            admin, ERR_UNAVAILABLE,
            SLICE("There are as many streams of lane events as this server holds "
                  "open: 16 of admins, 4 of a tenant, 48 of all tenants. Close "
                  "one, or read GET /lanes."));
        return;
    }
    changes_look(admin->gateway->changes); /* the first walk shows what there is */
    struct stream *stream = calloc(1, sizeof *stream);
    REQUIRE(stream != NULL);
    stream->events = events;
    stream->admin = admin;
    stream->only = admin_query(admin, "lane");
    stream->sent_us = gateway_mono_us(admin->gateway);
    const struct gateway_config *config = admin->gateway->parts.config;
    const struct lane_feed_parts parts = {
        .governor = admin->gateway->parts.governor,
        .tenant = admin_scope(admin),
        .worker = config->homes != NULL ? config->worker : 0,
        .workers = config->homes != NULL ? homes_count(config->homes) : 1,
        .shows = shows,
        .write = write_lane,
        .ctx = stream,
    };
    stream->feed = lane_feed_new(&parts);
    start(events);
    list_push(&events->streams, &stream->link);
    http_exchange_on_gone(admin->exchange, on_gone, stream);
    admin_begin_events(admin);
    walk_soon(events);
}
