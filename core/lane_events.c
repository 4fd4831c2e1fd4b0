/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream begins with a walk over all lanes, in the order of their names, a piece each turn of
 * the loop; behind it, and where it has been already, changes are sent as they are found every
 * TICK_MS: a lane at most once in that time, as it stands then. So nothing is kept for a reader
 * but how far the walk has come. One that is slow misses changes, not the state: while more than
 * BEHIND_BYTES wait for it nothing is added, and the walk begins anew. Names of lanes that are
 * gone are sent all the same.
 */
#include "core/lane_events.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "core/admin_private.h"
#include "core/changes.h"
#include "core/homes.h"

#define TICK_MS 250
#define HEARTBEAT_US INT64_C(15000000)
#define BEHIND_BYTES ((size_t)256 * 1024)
#define WALK_BYTES ((size_t)32 * 1024) /* of one turn */
#define WALK_LANES 500 /* likewise, of those that are shown elsewhere, too */
#define EVENT_BYTES ((size_t)64 * 1024) /* of one lane, or it comes without its line */
#define NAME_BYTES ((size_t)64 * 1024)

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
    struct map *shown;   /* of a tenant: lane to what was last said of it; else NULL */
    bool is_walking;
    bool is_stale;  /* where the walk has been, something has changed unsaid */
    bool has_begun; /* the first walk is over */
    struct buf at;  /* the last lane of the walk */
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

static void put_event(struct buf *out, const char *name, struct slice json)
{
    buf_printf(out, "event: %s\ndata: ", name);
    buf_append(out, json);
    buf_append(out, SLICE("\n\n"));
}

static void write_lane(const struct stream *stream, struct arena *arena,
                       const struct governor_lane_view *lane, bool has_line,
                       struct buf *json)
{
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

static void *sum_of(struct slice json) /* not NULL */
{
    return (void *)(uintptr_t)(hash_of(json) | 1);
}

/* That another tenant calls in a lane that both use must not be seen by when something is said
 * of it: a tenant is told what is new to it. */
static bool is_news(struct stream *stream, struct slice id, struct slice json)
{
    void *sum = sum_of(json);
    return stream->shown == NULL || map_put(stream->shown, id, sum) != sum;
}

static void put_lane(struct stream *stream, const struct governor_lane_view *lane,
                     struct buf *out)
{
    struct arena *arena = arena_new();
    struct buf json;
    buf_init(&json, EVENT_BYTES);
    write_lane(stream, arena, lane, true, &json);
    if (buf_full(&json)) {
        buf_free(&json);
        buf_init(&json, EVENT_BYTES);
        write_lane(stream, arena, lane, false, &json);
    }
    if (is_news(stream, lane->lane, buf_slice(&json))) {
        put_event(out, "lane", buf_slice(&json));
    }
    buf_free(&json);
    arena_free(arena);
}

static void put_gone(struct stream *stream, struct slice id, struct buf *out)
{
    struct buf json;
    struct jwriter writer;
    if (stream->shown != NULL && map_remove(stream->shown, id) == NULL) {
        return; /* never its business */
    }
    buf_init(&json, EVENT_BYTES);
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "id", id);
    jwriter_object_end(&writer);
    put_event(out, "gone", buf_slice(&json));
    buf_free(&json);
}

static void send(struct stream *stream, const struct buf *out)
{
    if (out->len > 0) {
        stream->sent_us = gateway_mono_us(stream->events->gateway);
        http_stream_send(stream->admin->exchange, buf_slice(out));
    }
}

/* ---- A stream ---- */

static bool is_shown(const struct stream *stream, struct slice id)
{
    const struct gateway_config *config = stream->events->gateway->parts.config;
    return (stream->only.len == 0 || slice_eq(stream->only, id)) &&
           (config->homes == NULL || homes_shows(config->homes, id, config->worker));
}

static void add_changes(struct stream *stream, const struct slice *ids, size_t count,
                        size_t unsent, struct buf *out)
{
    struct gateway *gateway = stream->events->gateway;
    struct governor_lane_view lane;
    for (size_t i = 0; i < count; i++) {
        if (!is_shown(stream, ids[i]) ||
            (stream->is_walking && slice_cmp(ids[i], buf_slice(&stream->at)) > 0)) {
            continue; /* the walk comes by */
        }
        if (!governor_lane(gateway->parts.governor, ids[i], admin_scope(stream->admin),
                           gateway_mono_us(gateway), &lane)) {
            put_gone(stream, ids[i], out);
        } else if (unsent + out->len >= BEHIND_BYTES) {
            stream->is_stale = true;
        } else {
            put_lane(stream, &lane, out);
        }
    }
}

static void put_ready(const struct stream *stream, struct buf *out)
{
    const struct gateway_config *config = stream->events->gateway->parts.config;
    buf_printf(out, "event: ready\ndata: {\"worker\":%d,\"workers\":%d}\n\n",
               config->homes != NULL ? config->worker : 0,
               config->homes != NULL ? homes_count(config->homes) : 1);
}

static void end_walk(struct stream *stream, struct buf *out)
{
    if (!stream->has_begun) {
        put_ready(stream, out);
    }
    stream->has_begun = true;
    stream->is_walking = stream->is_stale;
    stream->is_stale = false;
    buf_clear(&stream->at);
}

/* One turn's part of the walk. */
static void walk(struct stream *stream, size_t unsent, struct buf *out)
{
    struct gateway *gateway = stream->events->gateway;
    size_t most = out->len + WALK_BYTES;
    struct governor_lane_view lane;
    for (int i = 0; i < WALK_LANES && out->len < most; i++) {
        if (unsent + out->len >= BEHIND_BYTES) {
            return;
        }
        if (!governor_lane_after(gateway->parts.governor, buf_slice(&stream->at),
                                 admin_scope(stream->admin), gateway_mono_us(gateway),
                                 &lane)) {
            end_walk(stream, out);
            return;
        }
        buf_clear(&stream->at);
        buf_append(&stream->at, lane.lane);
        if (is_shown(stream, lane.lane)) {
            put_lane(stream, &lane, out);
        }
    }
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
    add_changes(stream, ids, count, unsent, &out);
    if (!stream->is_walking && stream->is_stale) {
        stream->is_walking = true;
        stream->is_stale = false;
    }
    if (stream->is_walking) {
        walk(stream, unsent, &out);
    }
    send(stream, &out);
    if (stream->is_walking && unsent + out.len < BEHIND_BYTES) {
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
        if (stream->is_walking) {
            serve(stream, NULL, 0);
        }
    }
}

static void close_stream(struct stream *stream)
{
    struct lane_events *events = stream->events;
    struct http_exchange *exchange = stream->admin->exchange;
    list_remove(&stream->link);
    buf_free(&stream->at);
    map_free(stream->shown);
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
    buf_init(&out, EVENT_BYTES);
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
    stream->shown = admin->who.role == ROLE_ADMIN ? NULL : map_new();
    stream->is_walking = true;
    stream->sent_us = gateway_mono_us(admin->gateway);
    buf_init(&stream->at, NAME_BYTES);
    start(events);
    list_push(&events->streams, &stream->link);
    http_exchange_on_gone(admin->exchange, on_gone, stream);
    admin_begin_events(admin);
    walk_soon(events);
}
