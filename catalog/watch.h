/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: which files and folders a catalog was read from and how they looked then, so that a
 * change is seen without reading them again. Owns: its list. Threads: one at a time: filled by
 * a load, asked afterwards. Errors: none: what cannot be looked at counts as not there.
 * Start reading at: catalog_watch_changed.
 */
#ifndef SLUICE_CATALOG_WATCH_H
#define SLUICE_CATALOG_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct catalog_watch;

struct catalog_watch *catalog_watch_new(void);
void catalog_watch_free(struct catalog_watch *watch); /* accepts NULL */

/* How the path looks now, before it is read. Only the first look at a path counts. */
void catalog_watch_note(struct catalog_watch *watch, struct slice path);
/* What was read there. */
void catalog_watch_read(struct catalog_watch *watch, struct slice path,
                        struct slice bytes);

/*
 * Whether a path looks different now: a file that was changed, replaced, added or removed. One
 * stat(2) a path. True also while a path changed so shortly before it was read that the clock
 * of its file system could not tell a second change from the first.
 */
bool catalog_watch_changed(const struct catalog_watch *watch);

/* Equal for equal bytes at equal paths: a load that found nothing new. */
uint64_t catalog_watch_digest(const struct catalog_watch *watch);

#endif
