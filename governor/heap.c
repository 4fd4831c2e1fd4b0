/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sift up, sift down. The array is given back when the heap runs empty: most lanes are
 * idle most of the time, and an idle lane should cost its record and nothing else.
 */
#include "governor/heap.h"

#include <stdlib.h>

#include "base/require.h"

#define FIRST_CAPACITY 4

static void put(struct heap *heap, const struct heap_kind *kind, size_t at, void *item)
{
    heap->items[at] = item;
    *kind->at(item) = at;
}

static void sift_up(struct heap *heap, const struct heap_kind *kind, size_t at)
{
    void *item = heap->items[at];

    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!kind->before(item, heap->items[parent])) {
            break;
        }
        put(heap, kind, at, heap->items[parent]);
        at = parent;
    }
    put(heap, kind, at, item);
}

static void sift_down(struct heap *heap, const struct heap_kind *kind, size_t at)
{
    void *item = heap->items[at];

    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count &&
            kind->before(heap->items[child + 1], heap->items[child])) {
            child++;
        }
        if (!kind->before(heap->items[child], item)) {
            break;
        }
        put(heap, kind, at, heap->items[child]);
        at = child;
    }
    put(heap, kind, at, item);
}

void heap_push(struct heap *heap, const struct heap_kind *kind, void *item)
{
    if (heap->count == heap->capacity) {
        uint32_t capacity = heap->capacity > 0 ? heap->capacity * 2 : FIRST_CAPACITY;
        void **items = realloc(heap->items, capacity * sizeof(*items));
        REQUIRE(items != NULL && capacity > heap->count);
        heap->items = items;
        heap->capacity = capacity;
    }
    heap->items[heap->count] = item;
    heap->count++;
    sift_up(heap, kind, heap->count - 1);
}

void heap_remove(struct heap *heap, const struct heap_kind *kind, void *item)
{
    size_t at = *kind->at(item);

    REQUIRE(at < heap->count && heap->items[at] == item);
    heap->count--;
    if (at < heap->count) {
        put(heap, kind, at, heap->items[heap->count]);
        heap_fix(heap, kind, heap->items[at]);
    }
    if (heap->count == 0) {
        free(heap->items);
        *heap = (struct heap){0};
    }
}

void heap_fix(struct heap *heap, const struct heap_kind *kind, void *item)
{
    sift_up(heap, kind, *kind->at(item));
    sift_down(heap, kind, *kind->at(item));
}
