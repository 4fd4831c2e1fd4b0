/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: bytes that must not be printed, dumped, swapped or left behind.
 * Owns: the bytes, in locked pages left out of core dumps and empty in a forked child; wiped on
 *         secret_free.
 * Threads: one owner at a time; the secrets of a pool have one owner together.
 * Errors: out of memory aborts. A system that refuses to lock memory is tolerated (the ulimit may
 *         be small; see secret_can_lock); the pages are still kept out of dumps and wiped.
 * Start reading at: secret_new. The word secret_reveal may stand in base/secret.c and auth/ only;
 *         a test holds that.
 */
#ifndef SLUICE_BASE_SECRET_H
#define SLUICE_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/require.h"
#include "base/slice.h"

struct secret;

/* Copies `bytes` (borrowed) into pages of its own: 4 KiB at least. The caller wipes its own copy. */
struct secret *secret_new(struct slice bytes);

/* Locked pages that many small secrets share: for what exists once per account. */
struct secret_pool;
struct secret_pool *secret_pool_new(void);
/* Its secrets are freed before it. Accepts NULL. */
void secret_pool_free(struct secret_pool *pool);
/* As secret_new, in the pool's pages where it has slots of that size. Freed by secret_free. */
struct secret *secret_in_pool(struct secret_pool *pool, struct slice bytes);
/* Whether the system has locked all the pages the pool ever asked for. */
bool secret_pool_is_locked(const struct secret_pool *pool);

/* Whether the system would lock that much more now. */
bool secret_can_lock(size_t bytes);

/* Random bytes from the system. */
struct secret *secret_random(size_t bytes);

/* Wipes and frees. Accepts NULL. */
void secret_free(struct secret *secret);

/* It will be revealed soon: as many bytes as most secrets have are fetched from memory
 * (base/ahead.h). Accepts NULL. */
void secret_ahead(const struct secret *secret);

/* Lends the bytes until secret_free. */
struct slice secret_reveal(const struct secret *secret);

size_t secret_bytes(const struct secret *secret);

/* Same length and bytes; the time depends on the lengths only. */
bool secret_equal(const struct secret *a, const struct secret *b);
bool bytes_equal_constant_time(struct slice a, struct slice b);

/* A wipe the compiler may not drop. Accepts NULL with 0. */
void wipe(void *ptr, size_t bytes);

/*
 * Wipes the stack below the caller, where calls that have returned left their variables: 28 KiB.
 * Turns of the loop were seen to use 24, half of it libuv's list of events.
 */
void wipe_stack(void);

/* Random bytes from the system (getrandom); aborts if the system has none. */
void random_bytes(void *out, size_t bytes);

#endif
