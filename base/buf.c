/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growth is by malloc, copy, wipe and free instead of realloc, which would leave the
 * old bytes behind. One byte beyond the ceiling is kept for the NUL.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"

#define BUF_FIRST_BYTES 256

void buf_init(struct buf *buf, size_t ceiling)
{
    REQUIRE(ceiling < SIZE_MAX / 4);
    *buf = (struct buf){.ceiling = ceiling};
}

static void wipe_used(struct buf *buf)
{
    size_t used = buf->len + BUF_SLACK;

    /* What was refused may have been begun. */
    wipe(buf->ptr, used < buf->cap && !buf->full ? used : buf->cap);
}

void buf_free(struct buf *buf)
{
    wipe_used(buf);
    free(buf->ptr);
    *buf = (struct buf){.ceiling = buf->ceiling};
}

void buf_clear(struct buf *buf)
{
    wipe_used(buf);
    buf->len = 0;
    buf->full = false;
}

static void grow(struct buf *buf, size_t need)
{
    size_t cap = buf->cap != 0 ? buf->cap : BUF_FIRST_BYTES;

    while (cap < need) {
        cap *= 2;
    }
    if (cap > buf->ceiling + 1) {
        cap = buf->ceiling + 1;
    }
    char *bytes = malloc(cap);
    REQUIRE(bytes != NULL);
    if (buf->ptr != NULL) {
        memcpy(bytes, buf->ptr, buf->len);
        wipe_used(buf);
        free(buf->ptr);
    }
    bytes[buf->len] = '\0';
    buf->ptr = bytes;
    buf->cap = cap;
}

char *buf_reserve_slow(struct buf *buf, size_t bytes)
{
    if (bytes > buf->ceiling - buf->len) {
        buf->full = true;
        return NULL;
    }
    if (buf->cap - buf->len < bytes + 1) {
        grow(buf, buf->len + bytes + 1);
    }
    return buf->ptr + buf->len;
}

void buf_expect(struct buf *buf, size_t bytes)
{
    size_t room = buf->ceiling - buf->len;

    (void)buf_reserve(buf, bytes < room ? bytes : room);
}

bool buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    size_t left = buf->ptr != NULL ? buf->cap - buf->len : 0;

    /* Most texts fit where the buffer ends now, and formatting is what costs. */
    va_start(args, format);
    int len = vsnprintf(left > 0 ? buf->ptr + buf->len : NULL, left, format, args);
    va_end(args);
    REQUIRE(len >= 0);
    if ((size_t)len < left) {
        buf_commit(buf, (size_t)len);
        return true;
    }
    if (left > 0) { /* the beginning that fitted */
        wipe(buf->ptr + buf->len, left);
    }

    char *room = buf_reserve(buf, (size_t)len);
    if (room == NULL) {
        return false;
    }
    va_start(args, format);
    (void)vsnprintf(room, (size_t)len + 1, format, args);
    va_end(args);
    buf_commit(buf, (size_t)len);
    return true;
}

void buf_consume(struct buf *buf, size_t bytes)
{
    REQUIRE(bytes <= buf->len);
    if (bytes == 0) {
        return;
    }
    size_t rest = buf->len - bytes;
    memmove(buf->ptr, buf->ptr + bytes, rest);
    wipe(buf->ptr + rest, bytes);
    buf->len = rest;
}
