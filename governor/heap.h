/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a binary heap of pointers; items know their place, so any of them can leave.
 * Owns: the array of pointers only; an empty heap holds no memory.
 * Threads: one owner at a time.  Errors: out of memory aborts.
 * Start reading at: heap_push. Private to governor/.
 */
#ifndef SLUICE_GOVERNOR_HEAP_H
#define SLUICE_GOVERNOR_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap {
    void **items;
    uint32_t count, capacity;
};

/* How items of one kind are ordered, and where each keeps its own index. */
struct heap_kind {
    bool (*before)(const void *a, const void *b);
    size_t *(*at)(void *item);
};

/* Lends the first item until the heap changes; NULL when empty. */
static inline void *heap_top(const struct heap *heap)
{
    return heap->count > 0 ? heap->items[0] : NULL;
}

/* Keeps `item` until heap_remove. */
void heap_push(struct heap *heap, const struct heap_kind *kind, void *item);
/* `item` is in the heap; its order may have changed since. */
void heap_remove(struct heap *heap, const struct heap_kind *kind, void *item);
/* Puts one item right after its order changed. */
void heap_fix(struct heap *heap, const struct heap_kind *kind, void *item);

#endif
