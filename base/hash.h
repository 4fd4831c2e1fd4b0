/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: FNV-1a, 64 bits: tells texts apart and spreads them; keeps nobody out who chooses them.
 * Owns: nothing.  Threads: any.  Errors: none.
 * Source: draft-eastlake-fnv, section 2.
 * Start reading at: hash_of.
 */
#ifndef SLUICE_BASE_HASH_H
#define SLUICE_BASE_HASH_H

#include <stdint.h>

#include "base/slice.h"

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* Goes on with a hash of what stood before. */
static inline uint64_t hash_more(uint64_t hash, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static inline uint64_t hash_of(struct slice text)
{
    return hash_more(HASH_START, text);
}

#endif
