/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what other processes and workers on the same database change is taken over here:
 * ceilings, accounts that are new, overrides of environments, ends of URLs and accounts for calls that are open, grants. What a
 * call begins with it reads itself, at once (core/accounts.c).
 * Owns: one timer. Keeps the gateway. Threads: the loop's.
 * Errors: none; what cannot be read is tried again later, the rest is taken over.
 * Start reading at: changes_new.
 */
#ifndef SLUICE_CORE_CHANGES_H
#define SLUICE_CORE_CHANGES_H

#include "core/gateway.h"

/* How often it is looked: the longest time for which a change of another process may not be
 * seen by what is under way here. */
#define CHANGES_LOOK_MS 100

struct changes;

/* From now on the store is watched. */
struct changes *changes_new(struct gateway *gateway);
void changes_free(struct changes *changes); /* accepts NULL */
/* Now, and not at the next look; all that was written before is seen, but of new accounts a page
 * (LIMIT_PAGE) at a time. Accepts NULL: nobody else writes. */
void changes_look(struct changes *changes);

#endif
