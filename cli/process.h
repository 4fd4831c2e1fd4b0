/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what holds for the whole process, whatever the command: the wiping allocator
 *          under the libraries, no core dumps, secrets taken out of the environment.
 * Owns: nothing.
 * Threads: the main thread, before there is another.
 * Errors: aborts when a library has been used before.
 * Start reading at: process_begin.
 */
#ifndef SLUICE_CLI_PROCESS_H
#define SLUICE_CLI_PROCESS_H

#include <stdbool.h>

#include "base/arena.h"

/* The first thing main does: nothing has been read, nothing allocated. */
void process_begin(void);

/*
 * The value of an environment variable that is a secret; false when it is not set. It is
 * moved into `arena`: the environment's own copy, which /proc shows as long as the
 * process lives, is overwritten, and a second look finds nothing.
 */
bool process_take_secret(const char *name, struct arena *arena, struct slice *out);

#endif
