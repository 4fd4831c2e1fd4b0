/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: puts the wiping allocator (base/memory.h) under the libraries that only this
 *          folder may use: OpenSSL, libuv and libcurl.
 * Owns: nothing.
 * Threads: the main thread, before there is another.
 * Errors: aborts when a library has allocated before.
 * Start reading at: io_memory_begin.
 */
#ifndef SLUICE_IO_MEMORY_HOOKS_H
#define SLUICE_IO_MEMORY_HOOKS_H

/* Once, before any other use of the three. Gives OpenSSL locked pages for private keys, too. */
void io_memory_begin(void);

#endif
