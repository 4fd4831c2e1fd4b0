/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: memory for what is small, lives long and exists once per account. Among malloc's blocks
 *          it would leave those of each call scattered over all that the accounts have grown to: a
 *          call then misses the processor's caches, and the translation of addresses to pages, for
 *          the only reason that others have accounts, too.
 * Owns: its regions (256 KiB, mapped by malloc apart from its heap); every block dies with
 *       slab_free. What is given back is used again for blocks of about that size; the system has
 *       regions back at the end.
 * Threads: one owner at a time.
 * Errors: out of memory aborts.
 * Start reading at: slab_take.
 */
#ifndef SLUICE_BASE_SLAB_H
#define SLUICE_BASE_SLAB_H

#include <stddef.h>

struct slab;

struct slab *slab_new(void);
/* All blocks have been given back. Accepts NULL. */
void slab_free(struct slab *slab);

/* Zeroed, on cache lines of its own. Lends until slab_give. */
void *slab_take(struct slab *slab, size_t bytes);
/* Wipes the block, of as many bytes as were taken. Accepts NULL. */
void slab_give(struct slab *slab, void *ptr, size_t bytes);

#endif
