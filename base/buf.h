/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a growing byte buffer with a ceiling, for everything whose size an outsider chooses.
 * Owns: its bytes; wiped on growth and on buf_free.
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

/* Return false when the ceiling refuses; the content is unchanged then. */
bool buf_append(struct buf *buf, struct slice bytes);
bool buf_append_byte(struct buf *buf, char byte);
bool buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* Lends room for `bytes` more, or NULL; buf_commit says how many were written. */
char *buf_reserve(struct buf *buf, size_t bytes);
void buf_commit(struct buf *buf, size_t bytes);

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
