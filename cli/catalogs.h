/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: loads the tool catalogs with the connectors of this program, and says what
 * is wrong. Owns: nothing. Threads: the main thread. Errors: an exit code; the sentence
 * went to stderr. Start reading at: catalogs_load.
 */
#ifndef SLUICE_CLI_CATALOGS_H
#define SLUICE_CLI_CATALOGS_H

#include "catalog/catalog.h"
#include "catalog/watch.h"
#include "cli/config.h"

/* The opt-in integrations that are to be served; NULL: all of them. */
struct catalogs_choice {
    const struct config_list *enabled;
};

/* With this program's connectors. Keeps `choice`; may be used on any thread. */
struct catalog_compiler catalogs_compiler(struct catalogs_choice *choice);

/* `watch` may be NULL. */
int catalogs_load(struct slice directory, const struct catalog_compiler *compiler,
                  struct catalog_watch *watch, struct arena *arena,
                  struct catalog **out);

#endif
