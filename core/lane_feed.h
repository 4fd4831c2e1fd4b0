/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what one reader of lane events is sent, and when: a walk over all lanes, then changes,
 * less of them while it is slow. Knows no socket and no clock.
 * Owns: how far the walk has come and, of a tenant's reader, what was said. Keeps the governor.
 * Threads: the loop's. Errors: none.
 * Start reading at: lane_feed_next.
 */
#ifndef SLUICE_CORE_LANE_FEED_H
#define SLUICE_CORE_LANE_FEED_H

#include "base/buf.h"
#include "governor/governor.h"

/* That wait for the reader: then no more is added. */
#define LANE_FEED_BEHIND_BYTES ((size_t)256 * 1024)
#define LANE_FEED_TURN_BYTES ((size_t)32 * 1024)  /* of the walk, in one turn */
#define LANE_FEED_EVENT_BYTES ((size_t)64 * 1024) /* of one lane, or without its line */

struct lane_feed;

struct lane_feed_parts {
    const struct governor *governor;
    struct slice tenant; /* whose lanes; empty: all. Lent for the feed's life */
    int worker, workers; /* what "ready" says */
    bool (*shows)(void *ctx, struct slice lane);
    /* The lane as one JSON object, with what waits in it or, `has_line` false, without. */
    void (*write)(void *ctx, struct arena *arena, const struct governor_lane_view *lane,
                  bool has_line, struct buf *json);
    void *ctx;
};

struct lane_feed *lane_feed_new(const struct lane_feed_parts *parts);
void lane_feed_free(struct lane_feed *feed); /* accepts NULL */

bool lane_feed_is_walking(const struct lane_feed *feed);
/* Adds the events of this turn to `out`: of the lanes that have changed, and of the walk.
 * `unsent`: bytes that the reader has yet to take. True: more is to come in the next turn. */
bool lane_feed_next(struct lane_feed *feed, const struct slice *changed, size_t count,
                    size_t unsent, int64_t now_us, struct buf *out);

#endif
