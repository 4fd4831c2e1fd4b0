/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what accounts.c (those kept ready) and account.c (one of them) share. Owns:
 * nothing of its own. Threads: the loop's. Errors: as accounts.h.
 * Start reading at: core/accounts.h.
 */
#ifndef SLUICE_CORE_ACCOUNTS_PRIVATE_H
#define SLUICE_CORE_ACCOUNTS_PRIVATE_H

#include "base/map.h"
#include "core/accounts.h"

struct accounts {
    struct gateway *gateway;
    struct slab *slab; /* the accounts and their credentials */
    struct map *by_id; /* those kept ready, one hold each */
    struct list ready; /* the same */
    /* When the logins of those put away last worked, in monotonic microseconds: they are not
     * on trial for having been put away. */
    struct map *worked;
    struct map *skipped;            /* those of which that was logged */
    struct store_account_mark mark; /* up to it others' are known */
    bool is_stuck;                  /* one behind it cannot be read, which was logged */
    struct lockout *lockout, *user_lockout;
    struct login_leases *login_leases;
    struct login_turns *login_turns;
};

/* ---- account.c ---- */

/* Tells the governor of a record of this worker's, without building the account. ERR_OK as well
 * where the integration is not loaded, which is logged once. Borrows the record; what is made of it
 * lies in `arena`. */
MUST_USE enum err account_announce(struct accounts *accounts,
                                   const struct store_account *record, bool on_trial,
                                   struct arena *arena);
/* A call comes for it: the piece of memory it was built in is fetched (base/ahead.h). */
void account_ahead(const struct account *account);
/* Builds the stored account: *out is held once, and in no list yet. ERR_NOT_FOUND; ERR_IO;
 * ERR_INTERNAL: it is there, but nothing can be made of it. */
MUST_USE enum err account_load(struct accounts *accounts, struct slice id,
                               struct account **out);

#endif
