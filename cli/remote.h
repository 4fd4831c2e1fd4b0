/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: questions to a running server, for commands that do more than print its answer.
 * Owns: an errand lives in the arena it was begun with.
 * Threads: the main thread.
 * Errors: a sentence on stderr, or the server's error on stdout; then an exit code.
 * Start reading at: remote_begin.
 */
#ifndef SLUICE_CLI_REMOTE_H
#define SLUICE_CLI_REMOTE_H

#include "cli/command.h"

struct errand;

/* Finds address and API token (which it takes out of the environment); NULL after a
 * sentence. Keeps all. */
struct errand *remote_begin(struct arena *arena, const struct config *config,
                            const struct command_line *line);
/* 0 and what was answered, or 1. Without a body. */
int remote_ask(struct errand *errand, struct slice method, struct slice path,
               struct slice *reply);

#endif
