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

#include "base/require.h"
#include "base/secret.h"

/* Freed bytes in malloc's hands; a steady load keeps less and is left alone. */
#define KEPT_BYTES (64 * 1024 * 1024) /* at the end of the heap */
#define WORTH_GIVING_BACK ((size_t)4 * 1024 * 1024)

void *memory_alloc(size_t bytes)
{
    void *ptr = malloc(bytes > 0 ? bytes : 1);

    REQUIRE(ptr != NULL);
    return ptr;
}

void *memory_zeroed(size_t count, size_t bytes)
{
    REQUIRE(bytes == 0 || count <= SIZE_MAX / bytes);
    void *ptr = count > 0 && bytes > 0 ? calloc(count, bytes) : calloc(1, 1);
    REQUIRE(ptr != NULL);
    return ptr;
}

void memory_free(void *ptr)
{
    if (ptr != NULL) {
        wipe(ptr, malloc_usable_size(ptr));
        free(ptr);
    }
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
