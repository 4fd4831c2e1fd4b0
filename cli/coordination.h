/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the configuration says of slots that processes share through Redis.
 * Owns: nothing; `out` lends from the configuration and `arena`. Threads: one, at the start.
 * Errors: exit codes, said on stderr.
 * Start reading at: coordination_prepare.
 */
#ifndef SLUICE_CLI_COORDINATION_H
#define SLUICE_CLI_COORDINATION_H

#include "cli/config.h"
#include "core/coordinator.h"

/* False, and why: what would start, and then lend nothing or too much. */
bool coordination_check(const struct config *config, struct slice *problem);

/* 0, or an exit code after telling. Without coordination.redis there is nothing to prepare. */
int coordination_prepare(const struct config *config, struct arena *arena,
                         struct coordinator_config *out);

#endif
