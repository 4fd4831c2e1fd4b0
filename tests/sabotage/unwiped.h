/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: takes one file's wipe away, for the programs that scripts/prove-zero-retention
 *          has to find out. Forced in front of a source by cmake/sabotage.cmake; no source
 *          includes it.
 * Owns: nothing.
 * Threads: any.
 * Errors: none.
 * Start reading at: the end.
 */
#ifndef SLUICE_TESTS_SABOTAGE_UNWIPED_H
#define SLUICE_TESTS_SABOTAGE_UNWIPED_H

#define _GNU_SOURCE /* as base/buf.c says, too late behind this file's includes */
#include <stddef.h>

#include "base/secret.h"

static inline void unwiped(void *ptr, size_t bytes)
{
    (void)ptr;
    (void)bytes;
}

#ifdef SABOTAGED_wipe
#define wipe unwiped
#endif

#ifdef SABOTAGED_cleanse /* an idle connection keeps its last record, deciphered in place */
#include <openssl/ssl.h>
#undef SSL_OP_CLEANSE_PLAINTEXT
#define SSL_OP_CLEANSE_PLAINTEXT 0U
#undef SSL_MODE_RELEASE_BUFFERS
#define SSL_MODE_RELEASE_BUFFERS 0U
#endif

#endif
