/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what core/standing.c, the bars and the words for it share. Owns: nothing. Threads: the loop's.
 * Errors: none. Start reading at: core/standing.c.
 */
#ifndef SLUICE_CORE_STANDING_PRIVATE_H
#define SLUICE_CORE_STANDING_PRIVATE_H

#include "core/standing.h"

/* Causes for which an account is stopped. */
#define LOGIN_REFUSED "login_refused"   /* by the ERP */
#define CLIENT_REFUSED "client_refused" /* by the token host */
#define TOKEN_REFUSED "token_refused"   /* by the ERP, though just fetched */

struct slice standing_scheme_of(const struct account *account,
                                const struct credential *login);
/* NULL: it is the active one. */
struct account_standby *standing_standby(const struct account *account,
                                         const struct credential *login);
/* A few refused ones of it lock its user. */
bool standing_login_locks(const struct account *account,
                          const struct credential *login);
int64_t standing_now_us(const struct account *account);
/* What it shows holds for the account that is kept ready. */
bool standing_speaks(const struct account *account);
/* That login is not sent again: it was refused as often as it may be. */
void standing_stop_login(struct account *account, const struct credential *login);

/* Of all logins of that user one more was refused, or one that left at `sent_us` worked. */
void standing_user_refused(struct account *account, const struct credential *login);
void standing_user_worked(struct account *account, const struct credential *login,
                          int64_t sent_us);

bool standing_is_disabled(const struct account *account);

#endif
