/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: libcurl on an allocator that wipes what it frees and aborts without memory.
 * Owns: nothing; curl counts its own initialisations.
 * Threads: any, as curl's own initialisation.
 * Errors: aborts.
 * Start reading at: curl_memory_begin. It has no effect if somebody else in the
 *         process has initialised curl before.
 */
#ifndef SLUICE_IO_CURL_MEMORY_H
#define SLUICE_IO_CURL_MEMORY_H

/* Initialises curl; each call is paired with one curl_memory_end. */
void curl_memory_begin(void);
void curl_memory_end(void);

#endif
