/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret lies in locked pages that are left out of dumps and are empty in a forked
 * child: in pages of its own, or in a slot of a slab that a pool shares out. The system
 * locks and counts whole pages (and by default 8 MiB of them), so thousands of small
 * secrets must share them.
 *
 * Invariants
 *  1. A slab belongs to one pool and has slots of one size; it is on the pool's list
 *     `open` as long as it has a free one.
 *  2. A slot that is not in use holds nothing but the link to the next free one.
 * The only file of this folder that knows OpenSSL.
 */
#include "base/secret.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/ahead.h"
#include "base/list.h"

#define STACK_BYTES (28 * 1024)
#define STACK_FRAME_BYTES (4 * 1024)
#define SLAB_BYTES ((size_t)16 * 1024)
#define SLOT_LEAST ((size_t)64)
#define SLOT_SIZES 5 /* 64, 128, 256, 512, 1024 */

struct secret {
    struct slab *slab; /* NULL: pages of its own */
    size_t len;
    char bytes[];
};

struct slot {
    struct slot *next;
};

struct slab {
    struct list link; /* in the pool's `open` */
    struct secret_pool *pool;
    struct slot *free;
    size_t size; /* index of its slots' size */
    size_t in_use;
};

struct secret_pool {
    struct list open[SLOT_SIZES];
    size_t in_use;   /* secrets */
    size_t unlocked; /* slabs that the system refused to lock */
};

/* ---- Pages ---- */

static size_t whole_pages(size_t bytes)
{
    long page = sysconf(_SC_PAGESIZE);

    REQUIRE(page > 0 && bytes < SIZE_MAX / 2);
    size_t unit = (size_t)page;
    return (bytes + unit - 1) / unit * unit;
}

/* A system may refuse to lock (a small ulimit); the wipe still holds, and the pages are
 * still kept out of dumps. */
static void *pages_new(size_t bytes, bool *is_locked)
{
    void *pages =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(pages != MAP_FAILED);
    *is_locked = mlock(pages, bytes) == 0;
#ifdef MADV_DONTDUMP
    (void)madvise(pages, bytes, MADV_DONTDUMP);
#endif
#ifdef MADV_WIPEONFORK
    (void)madvise(pages, bytes, MADV_WIPEONFORK);
#endif
    return pages;
}

static void pages_free(void *pages, size_t bytes)
{
    REQUIRE(munmap(pages, bytes) == 0); /* unlocks too */
}

bool secret_can_lock(size_t bytes)
{
    bool is_locked = false;
    size_t mapped = whole_pages(bytes);

    pages_free(pages_new(mapped, &is_locked), mapped);
    return is_locked;
}

/* ---- Pools ---- */

struct secret_pool *secret_pool_new(void)
{
    struct secret_pool *pool = calloc(1, sizeof *pool);

    REQUIRE(pool != NULL);
    for (size_t i = 0; i < SLOT_SIZES; i++) {
        list_init(&pool->open[i]);
    }
    return pool;
}

void secret_pool_free(struct secret_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    REQUIRE(pool->in_use == 0);
    for (size_t i = 0; i < SLOT_SIZES; i++) {
        LIST_FOREACH_SAFE (node, after, &pool->open[i]) {
            pages_free(LIST_ENTRY(node, struct slab, link), SLAB_BYTES);
        }
    }
    free(pool);
}

bool secret_pool_is_locked(const struct secret_pool *pool)
{
    return pool->unlocked == 0;
}

static struct slab *slab_new(struct secret_pool *pool, size_t size)
{
    bool is_locked = false;
    struct slab *slab = pages_new(SLAB_BYTES, &is_locked);
    size_t bytes = SLOT_LEAST << size;
    size_t first = (sizeof *slab + SLOT_LEAST - 1) / SLOT_LEAST * SLOT_LEAST;
    char *base = (char *)slab;

    pool->unlocked += is_locked ? 0 : 1;
    slab->pool = pool;
    slab->size = size;
    for (size_t at = first; at + bytes <= SLAB_BYTES; at += bytes) {
        struct slot *slot = (struct slot *)(void *)(base + at);
        slot->next = slab->free;
        slab->free = slot;
    }
    list_push(&pool->open[size], &slab->link);
    return slab;
}

static struct secret *slot_take(struct secret_pool *pool, size_t size)
{
    struct slab *slab = list_empty(&pool->open[size])
                            ? slab_new(pool, size)
                            : LIST_ENTRY(pool->open[size].next, struct slab, link);
    struct slot *slot = slab->free;

    slab->free = slot->next;
    slab->in_use++;
    pool->in_use++;
    if (slab->free == NULL) {
        list_remove(&slab->link);
    }
    struct secret *secret = (struct secret *)(void *)slot;
    secret->slab = slab;
    return secret;
}

/* The last empty slab of a size stays, so that one secret that comes and goes does not
 * map and lock pages each time. */
static bool is_spare(const struct slab *slab)
{
    const struct list *open = &slab->pool->open[slab->size];

    return slab->in_use == 0 && open->next->next != open;
}

static void slot_give_back(struct slab *slab, struct secret *secret)
{
    struct slot *slot = (struct slot *)(void *)secret;

    if (slab->free == NULL) {
        list_push(&slab->pool->open[slab->size], &slab->link);
    }
    slot->next = slab->free;
    slab->free = slot;
    slab->in_use--;
    slab->pool->in_use--;
    if (is_spare(slab)) {
        list_remove(&slab->link);
        pages_free(slab, SLAB_BYTES);
    }
}

/* ---- Secrets ---- */

static struct secret *with_own_pages(size_t len)
{
    bool is_locked = false;
    REQUIRE(len < SIZE_MAX / 2);
    struct secret *secret = pages_new(whole_pages(sizeof *secret + len), &is_locked);

    secret->slab = NULL;
    secret->len = len;
    return secret;
}

static struct secret *with_room(struct secret_pool *pool, size_t len)
{
    for (size_t size = 0; size < SLOT_SIZES; size++) {
        size_t room = (SLOT_LEAST << size) - sizeof(struct secret);
        if (len <= room) {
            struct secret *secret = slot_take(pool, size);
            secret->len = len;
            return secret;
        }
    }
    return with_own_pages(len);
}

struct secret *secret_new(struct slice bytes)
{
    struct secret *secret = with_own_pages(bytes.len);

    slice_copy(secret->bytes, bytes);
    return secret;
}

struct secret *secret_in_pool(struct secret_pool *pool, struct slice bytes)
{
    struct secret *secret = with_room(pool, bytes.len);

    slice_copy(secret->bytes, bytes);
    return secret;
}

struct secret *secret_random(size_t bytes)
{
    struct secret *secret = with_own_pages(bytes);

    random_bytes(secret->bytes, bytes);
    return secret;
}

void secret_free(struct secret *secret)
{
    if (secret == NULL) {
        return;
    }
    struct slab *slab = secret->slab;
    size_t bytes = sizeof *secret + secret->len;
    wipe(secret, bytes);
    if (slab != NULL) {
        slot_give_back(slab, secret);
    } else {
        pages_free(secret, whole_pages(bytes));
    }
}

void secret_ahead(const struct secret *secret)
{
    ahead_fetch(secret, 2 * SLOT_LEAST);
}

struct slice secret_reveal(const struct secret *secret)
{
    return slice_of(secret->bytes, secret->len);
}

size_t secret_bytes(const struct secret *secret)
{
    return secret->len;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    return bytes_equal_constant_time(secret_reveal(a), secret_reveal(b));
}

bool bytes_equal_constant_time(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

void wipe(void *ptr, size_t bytes)
{
    if (bytes != 0) {
        explicit_bzero(ptr, bytes);
    }
}

/* One frame after the other, because the build holds every frame to 8 KiB. */
static __attribute__((noinline)) void
wipe_frames(int frames) /* NOLINT(misc-no-recursion) */
{
    char below[STACK_FRAME_BYTES];

    if (frames > 1) {
        wipe_frames(frames - 1);
    }
    wipe(below, sizeof below); /* after the call, so that it is no tail call */
}

void wipe_stack(void)
{
    wipe_frames(STACK_BYTES / STACK_FRAME_BYTES);
}

void random_bytes(void *out, size_t bytes)
{
    unsigned char *at = out;

    while (bytes > 0) {
        ssize_t got = getrandom(at, bytes, 0);
        if (got < 0) {
            REQUIRE(errno == EINTR);
            continue;
        }
        at += got;
        bytes -= (size_t)got;
    }
}
