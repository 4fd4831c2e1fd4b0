/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: which worker a lane lives in: one, for as long as the process runs, so that ceilings,
 * logins, tokens and sessions of its accounts are counted and kept in one place.
 * Owns: what was said of each lane so far.
 * Threads: any; the one thing that all workers ask.
 * Errors: ERR_IO where it reads.
 * Start reading at: homes_of_account.
 *
 * A lane lives where its name's hash says, or, when the first of its accounts that somebody asks
 * for belongs to a tenant with a ceiling, in the first worker: there all lanes of such tenants
 * meet, and their ceiling holds over them.
 */
#ifndef SLUICE_CORE_HOMES_H
#define SLUICE_CORE_HOMES_H

#include "store/store.h"

struct homes;

struct homes *homes_new(int workers);
void homes_free(struct homes *homes); /* accepts NULL */

/* The lanes of tenants with a ceiling: before the workers run, so that they come first. */
MUST_USE enum err homes_restore(struct homes *homes, struct store *store);

/* The worker (0 …) of a stored account's lane. `store`: the asking worker's. */
int homes_of_account(struct homes *homes, struct store *store,
                     const struct store_account *account);
/* -1: nobody has asked for an account of it yet. */
int homes_of_lane(struct homes *homes, struct slice lane);

int homes_count(const struct homes *homes); /* of workers */
/* Whether the worker is the one that shows that lane. One that no account of this start has asked
 * for has the operator's ceiling and nothing else; the first shows it. What is not proven yet is
 * shown where it is known. */
bool homes_shows(struct homes *homes, struct slice lane, int worker);

/*
 * What a worker may grant of a tenant's ceiling. All of it, when all its accounts live in one
 * worker; else, which happens until the next start after a ceiling was set or an account joined
 * a lane that lives elsewhere, a part: those of all workers come to the ceiling. 0: none.
 */
MUST_USE enum err homes_tenant_part(struct homes *homes, struct store *store,
                                    const struct store_tenant *tenant, int worker,
                                    int *part);

#endif
