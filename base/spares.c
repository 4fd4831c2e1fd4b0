/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack of blocks for each size. Sizes are those of malloc's chunks, its header included: steps of
 * 16 bytes to 1 KiB, then eight to each doubling, to 32 KiB.
 *
 * Invariants
 *  1. A block lies in the stack of the largest size that fits into it.
 *  2. kept is the sum of the sizes of all blocks here, and never above most.
 *  3. fewest is how low the stack has been since the last spares_trim: so many were not needed.
 */
#include "base/spares.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/poison.h"
#include "base/require.h"

#define HEADER sizeof(size_t) /* malloc's, before each block */
#define STEP ((size_t)16)
#define SMALLEST (2 * STEP)
#define FINE_TO ((size_t)1024)
#define FINE_SIZES ((FINE_TO - SMALLEST) / STEP + 1)
#define LARGEST ((size_t)32 * 1024)
#define DOUBLINGS 5 /* from FINE_TO to LARGEST */
#define PARTS_BITS 3
#define PARTS ((size_t)1 << PARTS_BITS) /* of a doubling */
#define SHARES 16 /* no size gets more than one: others would find no room */
#define SIZES (FINE_SIZES + DOUBLINGS * PARTS)

struct spare {
    struct spare *next;
};

struct stack {
    struct spare *top;
    uint32_t count, fewest;
};

struct spares {
    size_t most, kept; /* bytes */
    struct stack stacks[SIZES];
};

struct spares *spares_new(size_t most)
{
    struct spares *spares = calloc(1, sizeof *spares);
    REQUIRE(spares != NULL);
    spares->most = most;
    return spares;
}

static unsigned log2_of(size_t number)
{
    return 63U - (unsigned)__builtin_clzll(number);
}

/* The smallest size that is not below `chunk`, which is at most LARGEST. */
static size_t size_from(size_t chunk)
{
    if (chunk <= FINE_TO) {
        return chunk <= SMALLEST ? 0 : (chunk - SMALLEST + STEP - 1) / STEP;
    }
    unsigned power = log2_of(chunk - 1);
    size_t part = ((chunk - 1) >> (power - PARTS_BITS)) - PARTS;
    return FINE_SIZES + (power - log2_of(FINE_TO)) * PARTS + part;
}

/* The largest size that is not above `chunk`, which is SMALLEST at least. */
static size_t size_within(size_t chunk)
{
    if (chunk < FINE_TO + STEP) {
        return (chunk - SMALLEST) / STEP;
    }
    unsigned power = log2_of(chunk);
    size_t part = (chunk >> (power - PARTS_BITS)) - PARTS;
    return FINE_SIZES + (power - log2_of(FINE_TO)) * PARTS + part - 1;
}

static size_t bytes_of(size_t size)
{
    if (size < FINE_SIZES) {
        return SMALLEST + size * STEP;
    }
    size -= FINE_SIZES;
    return (PARTS + 1 + size % PARTS) * (FINE_TO / PARTS) << size / PARTS;
}

size_t spares_room(size_t bytes)
{
    return bytes <= LARGEST - HEADER ? bytes_of(size_from(bytes + HEADER)) - HEADER
                                     : bytes;
}

void *spares_take(struct spares *spares, size_t bytes)
{
    if (bytes > LARGEST - HEADER) {
        return NULL;
    }
    size_t size = size_from(bytes + HEADER);
    struct stack *stack = &spares->stacks[size];
    struct spare *spare = stack->top;
    if (spare == NULL) {
        return NULL;
    }
    UNPOISON(spare, malloc_usable_size(spare));
    stack->top = spare->next;
    stack->count--;
    stack->fewest = stack->count < stack->fewest ? stack->count : stack->fewest;
    spares->kept -= bytes_of(size);
    return spare;
}

bool spares_keep(struct spares *spares, void *block)
{
    size_t chunk = malloc_usable_size(block) + HEADER;
    /* malloc leaves a rest with a block when it is too short to be one. */
    if (chunk < SMALLEST || chunk >= LARGEST + SMALLEST) {
        return false;
    }
    size_t size = size_within(chunk), bytes = bytes_of(size);
    struct stack *stack = &spares->stacks[size];
    if (bytes > spares->most - spares->kept ||
        bytes * (stack->count + 1) > spares->most / SHARES) {
        return false;
    }
    *(struct spare *)block = (struct spare){stack->top};
    stack->top = block;
    stack->count++;
    spares->kept += bytes;
    POISON(block, malloc_usable_size(block));
    return true;
}

void spares_trim(struct spares *spares)
{
    for (size_t size = 0; size < SIZES; size++) {
        struct stack *stack = &spares->stacks[size];
        for (uint32_t left = stack->fewest; left > 0; left--) {
            free(spares_take(spares, bytes_of(size) - HEADER));
        }
        stack->fewest = stack->count;
    }
}

void spares_free(struct spares *spares)
{
    if (spares == NULL) {
        return;
    }
    spares_trim(spares); /* from now on all of them are those that nobody wanted */
    spares_trim(spares);
    free(spares);
}
