/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of chunks, newest first; the arena itself lies in the oldest. A request that
 * is large beside a chunk gets one of its own behind the current chunk, whose rest
 * stays in use.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/poison.h"
#include "base/secret.h"

#ifdef POISON_ASAN
/* Room behind each piece stays poisoned, so that an overrun is seen as one of malloc's
 * is. */
#define RED_ZONE 16
#else
#define RED_ZONE 0
#endif

#define CHUNK_BYTES ((size_t)16 * 1024)
#define SMALLEST_CHUNK 256
#define ALIGNMENT _Alignof(max_align_t)

struct chunk {
    struct chunk *next;
    size_t room, used; /* bytes */
    _Alignas(max_align_t) unsigned char bytes[];
};

struct cleanup {
    struct cleanup *next;
    void (*fn)(void *ptr);
    void *ptr;
};

struct arena_store {
    struct chunk *chunks; /* of CHUNK_BYTES, wiped */
    size_t count, most;
    size_t lent; /* to arenas */
};

/* Where chunks come from and go back to; both NULL: malloc. */
struct source {
    struct arena_store *store;
    struct slab *slab;
};

struct arena {
    struct source source;
    struct chunk *current;
    size_t chunk_bytes;       /* of the next one */
    struct cleanup *cleanups; /* newest first */
};

static bool is_stored_size(size_t room)
{
    return room == CHUNK_BYTES - sizeof(struct chunk);
}

/* From the store, if it has any. */
static struct chunk *chunk_memory(const struct source *source, size_t room)
{
    struct arena_store *store = source->store;

    if (source->slab != NULL) {
        return slab_take(source->slab, sizeof(struct chunk) + room);
    }
    if (store == NULL || !is_stored_size(room)) {
        return memory_alloc(sizeof(struct chunk) + room);
    }
    store->lent++;
    struct chunk *chunk = store->chunks;
    if (chunk == NULL) {
        return memory_alloc(sizeof(struct chunk) + room);
    }
    store->chunks = chunk->next;
    store->count--;
    return chunk;
}

/* A wiped chunk goes back to where it came from. */
static void chunk_free(const struct source *source, struct chunk *chunk)
{
    struct arena_store *store = source->store;
    bool is_lent = store != NULL && is_stored_size(chunk->room);

    if (source->slab != NULL) {
        slab_give(source->slab, chunk, sizeof(struct chunk) + chunk->room);
        return;
    }
    if (is_lent) {
        store->lent--;
    }
    if (!is_lent || store->count == store->most) {
        memory_free_wiped(chunk);
        return;
    }
    POISON(chunk->bytes, chunk->room);
    chunk->next = store->chunks;
    store->chunks = chunk;
    store->count++;
}

static struct chunk *chunk_new(const struct source *source, size_t room)
{
    struct chunk *chunk = chunk_memory(source, room);

    chunk->next = NULL;
    chunk->room = room;
    chunk->used = 0;
    POISON(chunk->bytes, room);
    return chunk;
}

static size_t footprint(size_t bytes)
{
    REQUIRE(bytes <= SIZE_MAX / 2);
    bytes = (bytes != 0 ? bytes : 1) + RED_ZONE;
    return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

static void *chunk_take(struct chunk *chunk, size_t bytes)
{
    unsigned char *ptr = chunk->bytes + chunk->used;

    chunk->used += footprint(bytes);
    UNPOISON(ptr, bytes);
    return memset(ptr, 0, bytes);
}

static struct arena *arena_of(const struct source *source, size_t first_bytes,
                              size_t chunk_bytes)
{
    struct chunk *chunk = chunk_new(source, first_bytes - sizeof(struct chunk));
    struct arena *arena = chunk_take(chunk, sizeof(*arena));

    arena->source = *source;
    arena->current = chunk;
    arena->chunk_bytes = chunk_bytes;
    return arena;
}

struct arena *arena_new(void)
{
    return arena_new_in(NULL);
}

struct arena *arena_new_in(struct arena_store *store)
{
    return arena_of(&(struct source){.store = store}, CHUNK_BYTES, CHUNK_BYTES);
}

struct arena *arena_new_sized(size_t bytes)
{
    return arena_new_in_slab(NULL, bytes);
}

struct arena *arena_new_in_slab(struct slab *slab, size_t bytes)
{
    REQUIRE(bytes >= SMALLEST_CHUNK);
    return arena_of(&(struct source){.slab = slab}, bytes,
                    bytes / 4 > SMALLEST_CHUNK ? bytes / 4 : SMALLEST_CHUNK);
}

void arena_free(struct arena *arena)
{
    if (arena == NULL) {
        return;
    }
    for (struct cleanup *cleanup = arena->cleanups; cleanup != NULL;
         cleanup = cleanup->next) {
        cleanup->fn(cleanup->ptr);
    }
    struct source source = arena->source; /* the arena lies in one of the chunks */
    struct chunk *chunk = arena->current;
    while (chunk != NULL) {
        struct chunk *next = chunk->next;
        UNPOISON(chunk->bytes, chunk->room);
        wipe(chunk->bytes, chunk->used);
        chunk_free(&source, chunk);
        chunk = next;
    }
}

struct arena_store *arena_store_new(size_t most)
{
    struct arena_store *store = calloc(1, sizeof(*store));

    REQUIRE(store != NULL);
    store->most = most;
    return store;
}

void arena_store_free(struct arena_store *store)
{
    if (store == NULL) {
        return;
    }
    REQUIRE(store->lent == 0);
    while (store->chunks != NULL) {
        struct chunk *next = store->chunks->next;
        UNPOISON(store->chunks->bytes, store->chunks->room);
        memory_free_wiped(store->chunks);
        store->chunks = next;
    }
    free(store);
}

/* A chunk with room for `need` bytes, which is a footprint. */
static struct chunk *chunk_for(struct arena *arena, size_t need)
{
    struct chunk *current = arena->current;

    if (current->room - current->used >= need) {
        return current;
    }
    if (need > arena->chunk_bytes / 4) {
        struct chunk *own = chunk_new(&arena->source, need);
        own->next = current->next;
        current->next = own;
        return own;
    }
    arena->current =
        chunk_new(&arena->source, arena->chunk_bytes - sizeof(struct chunk));
    arena->current->next = current;
    return arena->current;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    struct chunk *chunk = chunk_for(arena, footprint(bytes));

    return chunk_take(chunk, bytes);
}

void *arena_array(struct arena *arena, size_t count, size_t bytes)
{
    REQUIRE(bytes == 0 || count <= SIZE_MAX / 2 / bytes);
    return arena_alloc(arena, count * bytes);
}

char *arena_copy(struct arena *arena, struct slice bytes)
{
    char *copy = arena_alloc(arena, bytes.len + 1);

    slice_copy(copy, bytes);
    return copy;
}

struct slice arena_slice(struct arena *arena, struct slice bytes)
{
    return slice_of(arena_copy(arena, bytes), bytes.len);
}

struct slice arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    char brief[256]; /* most texts fit, and formatting is what costs */

    va_start(args, format);
    int len = vsnprintf(brief, sizeof(brief), format, args);
    va_end(args);
    REQUIRE(len >= 0);
    if ((size_t)len < sizeof(brief)) {
        struct slice copy = arena_slice(arena, slice_of(brief, (size_t)len));
        wipe(brief, (size_t)len);
        return copy;
    }
    wipe(brief, sizeof(brief));

    char *text = arena_alloc(arena, (size_t)len + 1);
    va_start(args, format);
    (void)vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return slice_of(text, (size_t)len);
}

void arena_on_free(struct arena *arena, void (*fn)(void *ptr), void *ptr)
{
    struct cleanup *cleanup = arena_alloc(arena, sizeof(*cleanup));

    cleanup->fn = fn;
    cleanup->ptr = ptr;
    cleanup->next = arena->cleanups;
    arena->cleanups = cleanup;
}
