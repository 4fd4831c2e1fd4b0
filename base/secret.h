/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: bytes that must not be printed, dumped, swapped or left behind.
 * Owns: the bytes, in locked pages left out of core dumps; wiped on secret_free.
 * Threads: one owner at a time.
 * Errors: out of memory aborts. A system that refuses to lock memory is tolerated (the ulimit may
 *         be small); the pages are still kept out of dumps and wiped.
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

/* Copies `bytes` (borrowed); the caller wipes its own copy. */
struct secret *secret_new(struct slice bytes);

/* Random bytes from the system. */
struct secret *secret_random(size_t bytes);

/* Wipes and frees. Accepts NULL. */
void secret_free(struct secret *secret);

/* Lends the bytes until secret_free. */
struct slice secret_reveal(const struct secret *secret);

size_t secret_bytes(const struct secret *secret);

/* Same length and bytes; the time depends on the lengths only. */
bool secret_equal(const struct secret *a, const struct secret *b);
bool bytes_equal_constant_time(struct slice a, struct slice b);

/* A wipe the compiler may not drop. Accepts NULL with 0. */
void wipe(void *ptr, size_t bytes);

/* Random bytes from the system (getrandom); aborts if the system has none. */
void random_bytes(void *out, size_t bytes);

#endif
