/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the credentials of an account: the active one, and those of other schemes that
 * stand by for a switch. Owns: nothing of its own; the credentials are the account's.
 * Threads: the loop's. Errors: ERR_IO, ERR_INTERNAL (the active one cannot be opened); a
 * standby one that cannot is logged, and cannot sign. Start reading at: logins_load.
 */
#ifndef SLUICE_CORE_LOGINS_H
#define SLUICE_CORE_LOGINS_H

#include "core/accounts.h"

/* The fields of its secrets start so: "<scheme>." or nothing. Lives in `arena`. */
struct slice login_prefix(struct slice scheme, bool named, struct arena *arena);

/* From the store; the record still has its auth. */
MUST_USE enum err logins_load(struct account *account);
/* The active one alone, from an object that outbound_check has passed. */
MUST_USE enum err logins_make(struct account *account, const struct jval *auth);
void logins_free(struct account *account);

struct account_standby *logins_standby(const struct account *account,
                                       struct slice scheme);
/* Active or standby; NULL when the account has none of that scheme. */
struct credential *logins_of(const struct account *account, struct slice scheme);
/* Whether the account can sign the tool's requests: with the active credential, or with a
 * verified one of the scheme that the tool needs. */
bool logins_can(const struct account *account, const struct tool *tool);
/* The one whose tokens come of a grant, active or standby; or NULL. */
struct credential *logins_with_grant(const struct account *account);

#endif
