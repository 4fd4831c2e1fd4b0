/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: looks at memory that was given back, to see whether it was wiped.
 * Owns: nothing.  Threads: one.  Errors: memory that is no longer mapped counts as
 * gone. Start reading at: memory_holds. The kernel does the reading (/proc/self/mem),
 * so neither the sanitizer nor the compiler minds that the bytes belong to nobody any
 * more.
 */
#ifndef SLUICE_TESTS_UNIT_BASE_FREED_MEMORY_H
#define SLUICE_TESTS_UNIT_BASE_FREED_MEMORY_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/require.h"

static inline bool contains(const char *text, size_t bytes, const char *marker)
{
    size_t len = strlen(marker);

    for (size_t at = 0; at + len <= bytes; at++) {
        if (memcmp(text + at, marker, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a copy of `marker` lies in the `bytes` at `address`. */
static inline bool memory_holds(uintptr_t address, size_t bytes, const char *marker)
{
    /* Not from the heap: that could hand out, and so overwrite, the very block looked
     * at. */
    char *copy =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

    REQUIRE(copy != MAP_FAILED && fd >= 0);
    ssize_t got = pread(fd, copy, bytes, (off_t)address);
    bool found = got > 0 && contains(copy, (size_t)got, marker);
    (void)close(fd);
    (void)munmap(copy, bytes);
    return found;
}

/* Shows that the look works: what plain free() leaves is seen. */
static inline bool plain_free_leaves_it(const char *marker)
{
    size_t bytes = 4096;
    char *volatile ptr = malloc(bytes);
    void *(*volatile copy)(void *, const void *, size_t) = memcpy;

    REQUIRE(ptr != NULL);
    copy(ptr + 1024, marker, strlen(marker));
    uintptr_t address = (uintptr_t)ptr;
    void *volatile keeps_the_heap_high = malloc(64);
    free(ptr);
    bool found = memory_holds(address, bytes, marker);
    free(keeps_the_heap_high);
    return found;
}

#endif
