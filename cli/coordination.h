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

/* Whether other processes may work on the same data folder. */
bool coordination_has_others(const struct config *config);
/* What claim_take is to know: how many they may be, and what lends them their slots. */
int coordination_places(const struct config *config);
uint32_t coordination_pool(const struct config *config);

/* 0, or an exit code after telling. Without coordination.redis there is nothing to prepare. The
 * process and its workers are the caller's to fill in. */
int coordination_prepare(const struct config *config, struct arena *arena,
                         struct coordinator_config *out);

#endif
