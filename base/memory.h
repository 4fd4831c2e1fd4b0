/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: blocks of memory that are wiped when they are given back, whoever asked for
 *          them: this is the allocator under every library that sees payload or secrets.
 * Owns: nothing; the caller owns each block until memory_free.
 * Threads: any; a block may be given back by another thread than asked for it.
 * Errors: out of memory aborts.
 * Start reading at: memory_free. Blocks are those of malloc: what a library made before
 *         it knew this allocator may be given to memory_free, and nothing breaks when a
 *         block of ours reaches plain free(); it is then not wiped.
 */
#ifndef SLUICE_BASE_MEMORY_H
#define SLUICE_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Never NULL: 0 bytes give a block that can be given back. */
void *memory_alloc(size_t bytes);

/* count * bytes, zeroed; an overflow aborts. */
void *memory_zeroed(size_t count, size_t bytes);

/* A block of the new size with the old content; the old block is wiped and freed.
 * `ptr` may be NULL. */
void *memory_resize(void *ptr, size_t bytes);

/* Wipes the whole block, also what lies beyond the size that was asked for. Accepts
 * NULL. */
void memory_free(void *ptr);

/* For who knows what it wrote into the block, and has wiped that. Accepts NULL. */
void memory_free_wiped(void *ptr);

/* Once, before anything else: freed memory stays ours until memory_give_back. Left alone, malloc
 * returns the end of the heap and asks for it again within one call. */
void memory_begin(void);

/*
 * This thread keeps what is given back to it, for its own next blocks (base/spares.h), until
 * memory_end_spares: for one that works through calls. Trimmed every few seconds, it keeps no more
 * than it needs. With AddressSanitizer none of these does anything.
 */
void memory_keep_spares(void);
void memory_trim_spares(void);
void memory_end_spares(void);

/* Gives the system what malloc keeps of freed memory, if that is worth a system call: after
 * a burst the heap would stay as large as it was. Returns whether it did. */
bool memory_give_back(void);

char *memory_copy_text(const char *text);

#endif
