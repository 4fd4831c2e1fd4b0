/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: which users at ERPs had logins refused in a row, and who is trying one now, for all
 * processes and workers on the store: five refused ones lock the user, wherever they came from.
 * Owns: nothing. Threads, errors: as store.h. Start reading at: store_lease_trial. Users and
 * logins are named by auth/login_key.h; nothing here says who they are. Times are the wall
 * clock's. Only trials come here, never a call by a login that is known to work.
 */
#ifndef SLUICE_STORE_TRIALS_H
#define SLUICE_STORE_TRIALS_H

#include "store/store.h"

struct store_user {
    int64_t refusals; /* in a row; 0: none */
    int64_t refused_ms, counts_to_ms;
    struct slice login; /* which was refused last */
};

/* So many users are counted of one tenant's trials: who may try logins chooses their names. */
#define STORE_TENANT_USERS 4096

/* `tenant`: in whose share a user is that nobody has tried; empty: in nobody's.
 * ERR_RATE_LIMITED when that is full: nothing that counts is forgotten for it.
 * ERR_CONFLICT while another holder's lease has not ended at `now_ms`. A lease that goes on for
 * more than twice the time that is asked for was taken before the clock was set back: it is
 * over. */
void store_lease_trial(struct store_batch *batch, struct slice user,
                       struct slice tenant, struct slice holder, int64_t now_ms,
                       int64_t ends_ms);
/* Of that holder alone; ERR_OK too when it has none. */
void store_end_trial(struct store_batch *batch, struct slice user, struct slice holder);
/* Every lease ends: for a process that knows it is alone on the store. */
void store_end_all_trials(struct store_batch *batch);

/* One more refusal, after which all count until `counts_to_ms`. */
void store_refuse_user(struct store_batch *batch, struct slice user, struct slice login,
                       int64_t now_ms, int64_t counts_to_ms);
/* The row is over, unless one was refused at `before_ms` or later. */
void store_pardon_user(struct store_batch *batch, struct slice user, int64_t before_ms);

/* ERR_NOT_FOUND: nothing was refused, and nobody tries one. */
MUST_USE enum err store_get_user(struct store *store, struct slice user,
                                 struct arena *arena, struct store_user *out);

#endif
