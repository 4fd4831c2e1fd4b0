/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a growing byte buffer with a ceiling, for everything whose size an outsider chooses.
 * Owns: its bytes; wiped on growth and on buf_free. From 128 KiB on they lie in pages of their own,
 *       which move with their content and go back to the system unwiped: it clears them.
 * Threads: one owner at a time.
 * Errors: past the ceiling an append changes nothing and marks the buffer full; ask once at the
 *         end with buf_full(). Out of memory aborts.
 * Start reading at: buf_init.
 */
#ifndef SLUICE_BASE_BUF_H
#define SLUICE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/require.h"
#include "base/slice.h"

struct buf {
    char *ptr; /* NUL terminated once anything was appended; NULL before */
    size_t len;
    size_t cap;
    size_t ceiling; /* bytes; len never passes it */
    bool full;      /* an append was refused */
};

/* Starts empty; allocates nothing yet. */
void buf_init(struct buf *buf, size_t ceiling);

/* Wipes and frees the bytes; the buffer may be used again, with the same ceiling. */
void buf_free(struct buf *buf);

/* Forgets and wipes the content, keeps the memory: for buffers that are used again. */
void buf_clear(struct buf *buf);

/* What it takes of memory when `bytes` more are in it: its capacity then. */
size_t buf_cost_with(const struct buf *buf, size_t bytes);
/* Makes room for `bytes` more as far as the ceiling allows, so that what follows does
 * not grow the buffer step by step. */
void buf_expect(struct buf *buf, size_t bytes);

/* For buf_reserve: the room has to be made. */
char *buf_reserve_slow(struct buf *buf, size_t bytes);

/* What may have been written behind the bytes that buf_commit was told of: a copy in
 * words ends a little late. Nothing beyond that is wiped, but where the buffer moves to
 * another place: who gives up what it has begun writes the same anew, and as long. */
#define BUF_SLACK 16

/* Lends room for `bytes` more, or NULL; buf_commit says how many were written, but for
 * the slack. */
static inline char *buf_reserve(struct buf *buf, size_t bytes)
{
    if (buf->cap - buf->len <= bytes) {
        return buf_reserve_slow(buf, bytes);
    }
    return buf->ptr + buf->len;
}

static inline void buf_commit(struct buf *buf, size_t bytes)
{
    REQUIRE(bytes < buf->cap - buf->len);
    buf->len += bytes;
    buf->ptr[buf->len] = '\0';
}

/* The appends return false when the ceiling refuses; the content is unchanged then. */
static inline bool buf_append(struct buf *buf, struct slice bytes)
{
    char *room = buf_reserve(buf, bytes.len);

    if (room == NULL) {
        return false;
    }
    slice_copy(room, bytes);
    buf_commit(buf, bytes.len);
    return true;
}

static inline bool buf_append_byte(struct buf *buf, char byte)
{
    char *room = buf_reserve(buf, 1);

    if (room == NULL) {
        return false;
    }
    *room = byte;
    buf_commit(buf, 1);
    return true;
}

bool buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* Removes the first `bytes`. */
void buf_consume(struct buf *buf, size_t bytes);

static inline bool buf_full(const struct buf *buf)
{
    return buf->full;
}

/* Lends until the buffer changes. */
static inline struct slice buf_slice(const struct buf *buf)
{
    return slice_of(buf->ptr, buf->len);
}

#endif
