/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: loads the tool catalogs with the connectors of this program, and says what
 * is wrong. Owns: nothing. Threads: the main thread. Errors: an exit code; the sentence
 * went to stderr. Start reading at: catalogs_load.
 */
#ifndef SLUICE_CLI_CATALOGS_H
#define SLUICE_CLI_CATALOGS_H

#include "catalog/catalog.h"
#include "cli/config.h"

/* `enabled`: the opt-in integrations that are to be served; NULL: all of them. */
int catalogs_load(struct slice directory, const struct config_list *enabled,
                  struct arena *arena, struct catalog **out);

#endif
