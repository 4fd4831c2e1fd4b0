/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: memory that will be read soon is asked for now, all its lines at once, and comes while
 *          the processor works on something else. It is for records that exist once per account:
 *          one account's call after another's finds none of them in the caches, and would wait for
 *          each line where it is read.
 * Owns: nothing. Threads: any; what another thread has meanwhile written is what is read later.
 * Errors: none; an address that is not mapped is passed over.
 * Start reading at: ahead_fetch.
 */
#ifndef SLUICE_BASE_AHEAD_H
#define SLUICE_BASE_AHEAD_H

#include <stddef.h>

#define AHEAD_LINE ((size_t)64)

static inline void ahead_fetch(const void *ptr, size_t bytes)
{
    const char *at = ptr;

    for (size_t i = 0; i < bytes; i += AHEAD_LINE) {
        __builtin_prefetch(at + i);
    }
}

#endif
