/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The size of a block is what malloc says it can hold. A header of ours in front would
 * know the size as well, but it would cost 16 bytes a block, move the block away from
 * where the sanitizer watches, and make a block that crosses from one allocator to the
 * other a broken heap instead of a block that was not wiped. The usable size also covers
 * the slack behind the size asked for, into which a library may have written after a
 * look at malloc_usable_size itself.
 */
#include "base/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"
#include "base/require.h"
#include "base/secret.h"
#include "base/spares.h"

/* Of each thread that asked for them; a worker's calls in flight are worth about this much. */
#define SPARE_BYTES ((size_t)2 * 1024 * 1024)
/* Freed bytes in malloc's hands; a steady load keeps less and is left alone. */
#define KEPT_BYTES (64 * 1024 * 1024) /* at the end of the heap */
#define WORTH_GIVING_BACK ((size_t)4 * 1024 * 1024)

/* The one variable of the program that belongs to no object: libraries ask their allocator for
 * memory without saying on whose behalf. NULL: this thread keeps none. */
static _Thread_local struct spares *spares;

void *memory_alloc(size_t bytes)
{
    size_t room = bytes > 0 ? bytes : 1;
    void *ptr = NULL;

    if (spares != NULL) {
        ptr = spares_take(spares, room);
        room = spares_room(room);
    }
    ptr = ptr != NULL ? ptr : malloc(room);
    REQUIRE(ptr != NULL);
    return ptr;
}

void *memory_zeroed(size_t count, size_t bytes)
{
    REQUIRE(bytes == 0 || count <= SIZE_MAX / bytes);
    size_t room = count * bytes > 0 ? count * bytes : 1;

    if (spares != NULL) {
        void *spare = spares_take(spares, room);
        if (spare != NULL) {
            return memset(spare, 0, room);
        }
        room = spares_room(room);
    }
    void *ptr = calloc(1, room);
    REQUIRE(ptr != NULL);
    return ptr;
}

void memory_free(void *ptr)
{
    if (ptr != NULL) {
        wipe(ptr, malloc_usable_size(ptr));
        memory_free_wiped(ptr);
    }
}

void memory_free_wiped(void *ptr)
{
    if (ptr != NULL && (spares == NULL || !spares_keep(spares, ptr))) {
        free(ptr);
    }
}

void memory_keep_spares(void)
{
#ifndef POISON_ASAN /* which watches what was freed only as long as nobody has it again */
    REQUIRE(spares == NULL);
    spares = spares_new(SPARE_BYTES);
#endif
}

void memory_trim_spares(void)
{
    if (spares != NULL) {
        spares_trim(spares);
    }
}

void memory_end_spares(void)
{
    spares_free(spares);
    spares = NULL;
}

/* Never in place: realloc would leave the old bytes where it moves from, and behind a
 * block that shrank. */
void *memory_resize(void *ptr, size_t bytes)
{
    void *moved = memory_alloc(bytes);

    if (ptr != NULL) {
        size_t before = malloc_usable_size(ptr);
        memcpy(moved, ptr, before < bytes ? before : bytes);
        memory_free(ptr);
    }
    return moved;
}

void memory_begin(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES); /* a sanitizer's malloc has none */
}

bool memory_give_back(void)
{
    if (mallinfo2().fordblks < WORTH_GIVING_BACK) {
        return false;
    }
    return malloc_trim(0) != 0;
}

char *memory_copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;

    return memcpy(memory_alloc(bytes), text, bytes);
}
