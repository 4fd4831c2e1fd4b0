/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: blocks that were given back, for the next who wants one of that size; the last that came
 *          is the first to go, so a call works in what the one before it has left in the processor's
 *          caches. malloc keeps seven of a size that way; beyond them its lists are queues, and a
 *          call walks through all that is free in the heap.
 * Owns: the blocks it keeps; they are malloc's, and so is any other that is handed to it.
 * Threads: one owner at a time.
 * Errors: none; what there is no room for is the caller's to free.
 * Start reading at: spares_take.
 */
#ifndef SLUICE_BASE_SPARES_H
#define SLUICE_BASE_SPARES_H

#include <stdbool.h>
#include <stddef.h>

struct spares;

/* Keeps no more than `most` bytes. Aborts when out of memory. */
struct spares *spares_new(size_t most);
/* Frees what it keeps. Accepts NULL. */
void spares_free(struct spares *spares);

/* What to ask malloc for instead of `bytes`, so that the block will serve its size again: above
 * 1 KiB at most an eighth more, and above 32 KiB no more. */
size_t spares_room(size_t bytes);

/* A block of `bytes` or more; NULL where none is kept. Its content is not defined. */
void *spares_take(struct spares *spares, size_t bytes);

/* Takes the block over, if there is room; the caller has wiped it. */
bool spares_keep(struct spares *spares, void *block);

/* Frees what nobody wanted since the last time. */
void spares_trim(struct spares *spares);

#endif
