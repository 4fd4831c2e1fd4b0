/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions are cut from front to back into blocks of whole cache lines.
 *
 * Invariants
 *  1. A block that was given back holds nothing but the link to the next one of its size.
 *  2. What is larger than LARGEST is malloc's.
 */
#include "base/slab.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/poison.h"
#include "base/require.h"
#include "base/secret.h"

#define REGION_BYTES \
    ((size_t)256 * 1024) /* from 128 KiB on malloc maps a block by itself */
#define LINE ((size_t)64)
#define SIZES 64
#define LARGEST (SIZES * LINE)

struct region {
    struct region *next;
    size_t used; /* bytes, this header's too */
};

struct vacant {
    struct vacant *next;
};

struct slab {
    struct region *regions;       /* the newest first */
    struct vacant *vacant[SIZES]; /* by lines, less one */
    size_t in_use;                /* blocks */
};

static size_t lines_of(size_t bytes)
{
    return bytes > LINE ? (bytes + LINE - 1) / LINE : 1;
}

struct slab *slab_new(void)
{
    return memory_zeroed(1, sizeof(struct slab));
}

void slab_free(struct slab *slab)
{
    if (slab == NULL) {
        return;
    }
    REQUIRE(slab->in_use == 0);
    while (slab->regions != NULL) {
        struct region *next = slab->regions->next;
        UNPOISON(slab->regions, REGION_BYTES);
        free(slab->regions);
        slab->regions = next;
    }
    free(slab);
}

static void *cut(struct slab *slab, size_t bytes)
{
    struct region *region = slab->regions;

    if (region == NULL || REGION_BYTES - region->used < bytes) {
        region = aligned_alloc(LINE, REGION_BYTES);
        REQUIRE(region != NULL);
        *region = (struct region){slab->regions, lines_of(sizeof *region) * LINE};
        slab->regions = region;
        POISON((char *)region + region->used, REGION_BYTES - region->used);
    }
    void *block = (char *)region + region->used;
    region->used += bytes;
    return block;
}

void *slab_take(struct slab *slab, size_t bytes)
{
    slab->in_use++;
    if (bytes > LARGEST) {
        return memory_zeroed(1, bytes);
    }
    size_t lines = lines_of(bytes);
    struct vacant *vacant = slab->vacant[lines - 1];
    void *block = vacant;
    if (vacant == NULL) {
        block = cut(slab, lines * LINE);
        UNPOISON(block, bytes);
    } else {
        UNPOISON(block, bytes > sizeof *vacant ? bytes : sizeof *vacant);
        slab->vacant[lines - 1] = vacant->next;
    }
    return memset(block, 0, bytes);
}

void slab_give(struct slab *slab, void *ptr, size_t bytes)
{
    if (ptr == NULL) {
        return;
    }
    REQUIRE(slab->in_use > 0);
    slab->in_use--;
    if (bytes > LARGEST) {
        memory_free(ptr);
        return;
    }
    size_t lines = lines_of(bytes);
    wipe(ptr, bytes);
    UNPOISON(ptr, lines * LINE);
    *(struct vacant *)ptr = (struct vacant){slab->vacant[lines - 1]};
    slab->vacant[lines - 1] = ptr;
    POISON(ptr, lines * LINE);
}
