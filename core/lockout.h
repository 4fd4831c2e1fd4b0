/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: how often in a row an ERP has refused a login, over all accounts that have it, and,
 * in another of these, any login of one user: five times lock the user, whichever account and
 * whichever secret they came by. Owns: the counts. Threads: the loop's. Errors: none. Start
 * reading at: lockout_refused. Names are those of auth/login_key.h; times are monotonic
 * microseconds. In memory: of users the store knows more (core/login_leases.h), and of a login
 * a restart needs the state of the account that was stopped.
 *
 * NetSuite locks for 30 minutes after 5 failures (Oracle Help, "TBA login audit trail"), SAP
 * after 5 until somebody unlocks (profile parameter login/fails_to_user_lock).
 */
#ifndef SLUICE_CORE_LOCKOUT_H
#define SLUICE_CORE_LOCKOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Of the five that lock: so many by calls, and one more by a person who tries it. */
#define LOCKOUT_CALLS_MOST 3
#define LOCKOUT_MOST 4
#define LOCKOUT_US (INT64_C(30) * 60 * 1000000)

struct lockout;

struct lockout *lockout_new(void);
void lockout_free(struct lockout *lockout); /* accepts NULL */

/* Nothing was refused lately, of nobody: there is no key to be made. */
bool lockout_is_empty(const struct lockout *lockout);
/* Refusals in a row, the last of them within its window. */
int lockout_count(const struct lockout *lockout, struct slice login, int64_t now_us);
/* Until they are over; 0: there are none. */
int64_t lockout_left_us(const struct lockout *lockout, struct slice login,
                        int64_t now_us);
/* One more, which counts for `window_us`; how many that makes. Copies `login`. */
int lockout_refused(struct lockout *lockout, struct slice login, int64_t window_us,
                    int64_t now_us);
/* The last one is not in the store, or one that was not is by now. */
void lockout_unstored(struct lockout *lockout, struct slice login);
void lockout_stored(struct lockout *lockout, struct slice login);
/* So many are in the store, of all processes, the last at `last_us`; 0: none, as of then. That is
 * the count, and beyond it what is not stored. */
void lockout_learn(struct lockout *lockout, struct slice login, int count,
                   int64_t window_us, int64_t last_us);
/* Counts as so many at least, for LOCKOUT_US: its account was stopped. */
void lockout_stopped(struct lockout *lockout, struct slice login, int64_t now_us);
/* The ERP took a request that left at `sent_us`. False: it refused another that came later,
 * so this says nothing of the login as it is now. */
bool lockout_worked(struct lockout *lockout, struct slice login, int64_t sent_us);
/* A person says that it is right now. */
void lockout_forgive(struct lockout *lockout, struct slice login);

#endif
