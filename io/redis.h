/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: one Redis server: scripts are sent to it in order, messages of one channel come in.
 * Owns: its two connections (commands; subscription), which stand and fall together, and makes new
 *       ones when they are lost: after 50 ms, then twice as long each time up to a second.
 * Threads: the loop's.
 * Errors: a lost connection is told once, with its cause; every script that was open is forgotten
 *         without an answer. Answers are read by hiredis, addresses are resolved in the pool.
 * Start reading at: redis_new.
 */
#ifndef SLUICE_IO_REDIS_H
#define SLUICE_IO_REDIS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "io/loop.h"

#define REDIS_ITEMS 8 /* most of an answer; what lies beyond is left out */

struct redis;

struct redis_address {
    struct slice host; /* NUL terminated behind its end, like all texts here */
    int port;
    struct slice path; /* of a Unix socket, instead of host and port; else empty */
    int database;
    struct slice user;          /* empty: the default one */
    struct slice password_file; /* read at each connection; empty: no password */
};

/* "redis://[user@]host[:port][/db]" or "unix:///path[?db=n]". False: none of them, or it holds a
 * password, which has no place there. Lends parts of `url`, `host` and `path` by copies in `room`. */
bool redis_parse_url(struct slice url, char room[256], struct redis_address *out);

enum redis_cause {
    REDIS_UNREACHABLE, /* no connection, or it broke */
    REDIS_SILENT,      /* no answer in time */
    REDIS_DENIED,      /* password, user, or what that user may do */
    REDIS_UNFIT,   /* older than 7, or it throws data away when its memory is full */
    REDIS_STRANGE, /* answers that cannot be understood */
};
const char *redis_cause_name(enum redis_cause cause);

struct redis_events {
    /* Both connections stand; `run_id` is this run of the server's. */
    void (*on_up)(void *ctx, struct slice run_id);
    void (*on_down)(void *ctx, enum redis_cause cause);
    void (*on_message)(void *ctx, struct slice text);
    void *ctx;
};

struct redis_options {
    struct redis_address address;
    struct slice script;  /* the one that redis_call runs */
    struct slice channel; /* to subscribe to */
    int64_t patience_ms;  /* for connecting and for each answer */
};

/* Copies nothing of `options`: it and what it lends live longer. Connects from the next turn on. */
struct redis *redis_new(struct loop *loop, const struct redis_options *options,
                        const struct redis_events *events);
/* No callback comes afterwards; what was sent before is still written. Accepts NULL. */
void redis_free(struct redis *redis);

struct redis_item {
    struct slice text; /* empty for a number */
    int64_t number;    /* 0 for a text */
};
/* Never called inside redis_call. A script that failed is a lost connection. */
typedef void (*redis_fn)(void *ctx, const struct redis_item *items, size_t count);

/* Only while up. Keeps `ctx` until fn was called or on_down was. */
void redis_call(struct redis *redis, const struct slice *keys, size_t key_count,
                const struct slice *args, size_t arg_count, redis_fn fn, void *ctx);

/* That connection is of no use: as if it had broken. */
void redis_drop(struct redis *redis, enum redis_cause cause);

#endif
