/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap, from place 1 on: the children of n are at 2n and 2n + 1. */
#include "auth/due.h"

#include <stdlib.h>

#include "base/require.h"

struct due_heap {
    struct due **places; /* places[0] is not used */
    size_t count, room;
};

struct due_heap *due_heap_new(void)
{
    struct due_heap *heap = calloc(1, sizeof *heap);
    REQUIRE(heap != NULL);
    return heap;
}

void due_heap_free(struct due_heap *heap)
{
    if (heap != NULL) {
        free(heap->places);
        free(heap);
    }
}

static void put(struct due_heap *heap, size_t place, struct due *due)
{
    heap->places[place] = due;
    due->place = place;
}

/* Moves the entry up or down to where it belongs. */
static void settle(struct due_heap *heap, struct due *due)
{
    size_t at = due->place;

    while (at > 1 && heap->places[at / 2]->at_ms > due->at_ms) {
        put(heap, at, heap->places[at / 2]);
        at /= 2;
    }
    for (;;) {
        size_t child = 2 * at;
        if (child < heap->count &&
            heap->places[child + 1]->at_ms < heap->places[child]->at_ms) {
            child++;
        }
        if (child > heap->count || heap->places[child]->at_ms >= due->at_ms) {
            break;
        }
        put(heap, at, heap->places[child]);
        at = child;
    }
    put(heap, at, due);
}

static void grow(struct due_heap *heap)
{
    if (heap->count + 1 < heap->room) {
        return;
    }
    heap->room = heap->room == 0 ? 16 : 2 * heap->room;
    heap->places = realloc(heap->places, heap->room * sizeof(struct due *));
    REQUIRE(heap->places != NULL);
}

void due_set(struct due_heap *heap, struct due *due, int64_t at_ms)
{
    due->at_ms = at_ms;
    if (due->place == 0) {
        grow(heap);
        heap->count++;
        put(heap, heap->count, due);
    }
    settle(heap, due);
}

void due_clear(struct due_heap *heap, struct due *due)
{
    if (due->place == 0) {
        return;
    }
    struct due *last = heap->places[heap->count];
    heap->count--;
    if (last != due) {
        put(heap, due->place, last);
        settle(heap, last);
    }
    due->place = 0;
}

struct due *due_first(const struct due_heap *heap)
{
    return heap->count > 0 ? heap->places[1] : NULL;
}
