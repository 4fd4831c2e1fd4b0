/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: keeps the trials of one user apart from those of other processes and workers on the
 * store: who tries takes a lease there first, and hears what was refused elsewhere. Owns: what
 * it asks of the store; keeps accounts and gateway. Threads: the loop's. Errors: none; a store
 * that cannot be written stops no login, this process's own counts hold all the same. Start
 * reading at: login_leases_keeper.
 *
 * A lease ends with the trial; one whose process was killed, by its time. A trial costs two
 * writes, a call by a login that is known to work none.
 */
#ifndef SLUICE_CORE_LOGIN_LEASES_H
#define SLUICE_CORE_LOGIN_LEASES_H

#include "core/gateway.h"
#include "core/lockout.h"
#include "core/login_turns.h"

struct login_leases;

/* Keeps all three. What the store knows of a user is in `users` when its turn comes, and a
 * login that was refused elsewhere meanwhile counts in `logins` as one that was stopped. */
struct login_leases *login_leases_new(struct gateway *gateway, struct lockout *logins,
                                      struct lockout *users);
void login_leases_free(struct login_leases *leases); /* accepts NULL */

/* For login_turns_new, whose result `turns` is told before the first turn. */
struct login_keeper login_leases_keeper(struct login_leases *leases);
void login_leases_use(struct login_leases *leases, struct login_turns *turns);

/* One more refusal, which counts for `window_us`, in `users` and for all processes. */
void login_leases_refused(struct login_leases *leases, struct slice user,
                          struct slice login, int64_t window_us);

/* Another process may have ended the row: `users` says of that one what the store does. */
void login_leases_look(struct login_leases *leases, struct slice user);

/* What a process that is alone on the store left there before is over. ERR_IO. */
MUST_USE enum err login_leases_restore(struct store *store);

#endif
