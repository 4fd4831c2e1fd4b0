/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite on the wiping allocator. What passes through it is sealed or hashed already;
 * wiping keeps also the names and settings of a deleted account from staying behind.
 */
#include <malloc.h>

#include "base/memory.h"
#include "store/store_private.h"

#define UNIT 8 /* sizes are rounded up to it, as SQLite's own allocator does */

static void *sqlite_alloc(int bytes)
{
    return memory_alloc((size_t)bytes);
}

static void *sqlite_resize(void *ptr, int bytes)
{
    return memory_resize(ptr, (size_t)bytes);
}

static int sqlite_size(void *ptr)
{
    return ptr != NULL ? (int)malloc_usable_size(ptr) : 0;
}

static int sqlite_round_up(int bytes)
{
    return (bytes + UNIT - 1) & ~(UNIT - 1);
}

static int sqlite_begin(void *ctx)
{
    (void)ctx;
    return SQLITE_OK;
}

static void sqlite_end(void *ctx)
{
    (void)ctx;
}

void store_memory_begin(void)
{
    const sqlite3_mem_methods methods = {
        .xMalloc = sqlite_alloc,
        .xFree = memory_free,
        .xRealloc = sqlite_resize,
        .xSize = sqlite_size,
        .xRoundup = sqlite_round_up,
        .xInit = sqlite_begin,
        .xShutdown = sqlite_end,
    };

    REQUIRE(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK);
}
