/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: random bytes in small amounts, for ids and nonces: the system is asked for many at once,
 *          since each question is a system call.
 * Owns: the bytes that were not taken yet. No secret is made of them: they lie in ordinary memory,
 *       and a forked child would hand out the same ones (the server forks no child that goes on).
 * Threads: one owner at a time.  Errors: aborts like random_bytes.
 * Start reading at: random_take.
 */
#ifndef SLUICE_BASE_RANDOM_STOCK_H
#define SLUICE_BASE_RANDOM_STOCK_H

#include <stddef.h>

struct random_stock {
    unsigned char bytes[1024];
    size_t left; /* not taken yet, from the front; a zeroed stock is an empty one */
};

/* `count` bytes, at most 1024, that nobody had before; the stock keeps nothing of them. */
void random_take(struct random_stock *stock, void *out, size_t count);

#endif
