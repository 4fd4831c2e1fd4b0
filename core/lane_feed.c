/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader begins with a walk over all lanes, in the order of their names, a piece each turn;
 * behind it, and where it has been already, changes are sent as they are found: a lane as it
 * stands then. So nothing is kept for a reader but how far the walk has come. One that is slow
 * misses changes, not the state: while LANE_FEED_BEHIND_BYTES wait for it nothing is added, and
 * the walk begins anew. Names of lanes that are gone are sent all the same.
 */
#include "core/lane_feed.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/jwriter.h"
#include "base/map.h"

#define WALK_LANES 500 /* of one turn, those that are shown elsewhere, too */
#define NAME_BYTES ((size_t)64 * 1024)

struct lane_feed {
    struct lane_feed_parts parts;
    struct map *shown; /* of a tenant: lane to what was last said of it; else NULL */
    bool is_walking;
    bool is_stale;  /* where the walk has been, something has changed unsaid */
    bool has_begun; /* the first walk is over */
    struct buf at;  /* the last lane of the walk */
};

struct lane_feed *lane_feed_new(const struct lane_feed_parts *parts)
{
    struct lane_feed *feed = calloc(1, sizeof *feed);
    REQUIRE(feed != NULL);
    feed->parts = *parts;
    feed->shown = parts->tenant.len == 0 ? NULL : map_new();
    feed->is_walking = true;
    buf_init(&feed->at, NAME_BYTES);
    return feed;
}

void lane_feed_free(struct lane_feed *feed)
{
    if (feed != NULL) {
        buf_free(&feed->at);
        map_free(feed->shown);
        free(feed);
    }
}

bool lane_feed_is_walking(const struct lane_feed *feed)
{
    return feed->is_walking;
}

/* ---- What is sent ---- */

static void put_event(struct buf *out, const char *name, struct slice json)
{
    buf_printf(out, "event: %s\ndata: ", name);
    buf_append(out, json);
    buf_append(out, SLICE("\n\n"));
}

static void *sum_of(struct slice json) /* not NULL */
{
    return (void *)(uintptr_t)(hash_of(json) | 1);
}

/* That another tenant calls in a lane that both use must not be seen by when something is said
 * of it: a tenant is told what is new to it. */
static bool is_news(struct lane_feed *feed, struct slice id, struct slice json)
{
    void *sum = sum_of(json);
    return feed->shown == NULL || map_put(feed->shown, id, sum) != sum;
}

static void put_lane(struct lane_feed *feed, const struct governor_lane_view *lane,
                     struct buf *out)
{
    struct arena *arena = arena_new();
    struct buf json;
    buf_init(&json, LANE_FEED_EVENT_BYTES);
    feed->parts.write(feed->parts.ctx, arena, lane, true, &json);
    if (buf_full(&json)) {
        buf_free(&json);
        buf_init(&json, LANE_FEED_EVENT_BYTES);
        feed->parts.write(feed->parts.ctx, arena, lane, false, &json);
    }
    if (is_news(feed, lane->lane, buf_slice(&json))) {
        put_event(out, "lane", buf_slice(&json));
    }
    buf_free(&json);
    arena_free(arena);
}

static void put_gone(struct lane_feed *feed, struct slice id, struct buf *out)
{
    struct buf json;
    struct jwriter writer;
    if (feed->shown != NULL && map_remove(feed->shown, id) == NULL) {
        return; /* never its business */
    }
    buf_init(&json, LANE_FEED_EVENT_BYTES);
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "id", id);
    jwriter_object_end(&writer);
    put_event(out, "gone", buf_slice(&json));
    buf_free(&json);
}

/* ---- A turn ---- */

static bool shows(const struct lane_feed *feed, struct slice lane)
{
    return feed->parts.shows(feed->parts.ctx, lane);
}

static void add_changes(struct lane_feed *feed, const struct slice *ids, size_t count,
                        size_t unsent, int64_t now_us, struct buf *out)
{
    struct governor_lane_view lane;
    for (size_t i = 0; i < count; i++) {
        if (!shows(feed, ids[i]) ||
            (feed->is_walking && slice_cmp(ids[i], buf_slice(&feed->at)) > 0)) {
            continue; /* the walk comes by */
        }
        if (!governor_lane(feed->parts.governor, ids[i], feed->parts.tenant, now_us,
                           &lane)) {
            put_gone(feed, ids[i], out);
        } else if (unsent + out->len >= LANE_FEED_BEHIND_BYTES) {
            feed->is_stale = true;
        } else {
            put_lane(feed, &lane, out);
        }
    }
}

static void end_walk(struct lane_feed *feed, struct buf *out)
{
    if (!feed->has_begun) {
        buf_printf(out, "event: ready\ndata: {\"worker\":%d,\"workers\":%d}\n\n",
                   feed->parts.worker, feed->parts.workers);
    }
    feed->has_begun = true;
    feed->is_walking = feed->is_stale;
    feed->is_stale = false;
    buf_clear(&feed->at);
}

/* One turn's part of the walk. */
static void walk(struct lane_feed *feed, size_t unsent, int64_t now_us, struct buf *out)
{
    size_t most = out->len + LANE_FEED_TURN_BYTES;
    struct governor_lane_view lane;
    for (int i = 0; i < WALK_LANES && out->len < most; i++) {
        if (unsent + out->len >= LANE_FEED_BEHIND_BYTES) {
            return;
        }
        if (!governor_lane_after(feed->parts.governor, buf_slice(&feed->at),
                                 feed->parts.tenant, now_us, &lane)) {
            end_walk(feed, out);
            return;
        }
        buf_clear(&feed->at);
        buf_append(&feed->at, lane.lane);
        if (shows(feed, lane.lane)) {
            put_lane(feed, &lane, out);
        }
    }
}

bool lane_feed_next(struct lane_feed *feed, const struct slice *changed, size_t count,
                    size_t unsent, int64_t now_us, struct buf *out)
{
    add_changes(feed, changed, count, unsent, now_us, out);
    if (!feed->is_walking && feed->is_stale) {
        feed->is_walking = true;
        feed->is_stale = false;
    }
    if (feed->is_walking) {
        walk(feed, unsent, now_us, out);
    }
    return feed->is_walking && unsent + out->len < LANE_FEED_BEHIND_BYTES;
}
