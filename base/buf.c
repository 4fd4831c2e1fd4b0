/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growth is by malloc, copy, wipe and free instead of realloc, which would leave the
 * old bytes behind. One byte beyond the ceiling is kept for the NUL.
 *
 * A large buffer has pages of its own. They move with their content when it grows, and
 * go back to the system, which wipes them before anybody sees them again: copying and
 * wiping megabytes in one go would keep everybody else waiting.
 */
/* For mremap. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE

#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "base/secret.h"

#define BUF_FIRST_BYTES 256
#define MAPPED_BYTES ((size_t)128 * 1024) /* from here on malloc maps as well */

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

static bool is_mapped(const struct buf *buf)
{
    return buf->cap >= MAPPED_BYTES;
}

static void release(struct buf *buf)
{
    if (is_mapped(buf)) {
        REQUIRE(munmap(buf->ptr, buf->cap) == 0);
        return;
    }
    wipe_used(buf);
    memory_free_wiped(buf->ptr);
}

void buf_free(struct buf *buf)
{
    release(buf);
    *buf = (struct buf){.ceiling = buf->ceiling};
}

void buf_clear(struct buf *buf)
{
    wipe_used(buf);
    buf->len = 0;
    buf->full = false;
}

static char *map(size_t bytes)
{
    void *pages =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pages != MAP_FAILED);
    return pages;
}

static char *moved(struct buf *buf, size_t cap)
{
    if (is_mapped(buf)) {
        void *pages = mremap(buf->ptr, buf->cap, cap, MREMAP_MAYMOVE);
        REQUIRE(pages != MAP_FAILED);
        return pages;
    }
    char *bytes = cap >= MAPPED_BYTES ? map(cap) : memory_alloc(cap);
    if (buf->ptr != NULL) {
        memcpy(bytes, buf->ptr, buf->len);
        memory_free(buf->ptr); /* all of it: what was begun behind the content, too */
    }
    return bytes;
}

static size_t cap_for(const struct buf *buf, size_t need)
{
    size_t cap = buf->cap != 0 ? buf->cap : BUF_FIRST_BYTES;

    while (cap < need) {
        cap *= 2;
    }
    return cap < buf->ceiling + 1 ? cap : buf->ceiling + 1;
}

size_t buf_cost_with(const struct buf *buf, size_t bytes)
{
    size_t room = buf->ceiling - buf->len;

    return cap_for(buf, buf->len + (bytes < room ? bytes : room) + 1);
}

static void grow(struct buf *buf, size_t need)
{
    size_t cap = cap_for(buf, need);

    buf->ptr = moved(buf, cap);
    buf->ptr[buf->len] = '\0';
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
