/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: memory that will be read soon is asked for now, all its lines at once, and comes while
 *          the processor works on something else. It is for records that exist once per account:
 *          one account's call after another's finds none of them in the caches, and would wait for
 *          each line where it is read.
 * Owns: nothing. Threads: any; what another thread has meanwhile written is what is read later.
 * Errors: none; an address where nothing is, NULL too, is passed over.
 * Start reading at: ahead_fetch.
 */
#ifndef SLUICE_BASE_AHEAD_H
#define SLUICE_BASE_AHEAD_H

#include <stddef.h>
#include <stdint.h>

#define AHEAD_LINE ((size_t)64)

/* What is there may be shorter. */
static inline void ahead_fetch(const void *ptr, size_t bytes)
{
    uintptr_t at = (uintptr_t)ptr; /* no pointer may be counted up beyond its object */

    for (uintptr_t end = at + bytes; at < end; at += AHEAD_LINE) {
        __builtin_prefetch((const void *)at);
    }
}

#endif
