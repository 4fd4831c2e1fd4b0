/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what is due when: the soonest first, each change at a cost that grows with the
 * logarithm of their number. Owns: its table; the entries live inside the objects.
 * Threads: one owner at a time. Errors: out of memory aborts. Start reading at: due_set.
 */
#ifndef SLUICE_AUTH_DUE_H
#define SLUICE_AUTH_DUE_H

#include <stddef.h>
#include <stdint.h>

struct due {
    /* By the wall clock where the end is stored or told by others, else by the monotonic one:
     * the same in one heap. */
    int64_t at_ms;
    size_t place; /* 0: in no heap */
};

struct due_heap;
struct due_heap *due_heap_new(void);
void due_heap_free(struct due_heap *heap); /* accepts NULL */

/* Puts it in, or moves it. */
void due_set(struct due_heap *heap, struct due *due, int64_t at_ms);
void due_clear(struct due_heap *heap, struct due *due); /* fine when it is not in */
/* The soonest, or NULL. */
struct due *due_first(const struct due_heap *heap);

#endif
