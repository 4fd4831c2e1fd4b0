/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what core/standing.c and the words for it share. Owns: nothing. Threads: the loop's.
 * Errors: none. Start reading at: core/standing.c.
 */
#ifndef SLUICE_CORE_STANDING_PRIVATE_H
#define SLUICE_CORE_STANDING_PRIVATE_H

#include "core/standing.h"

/* Causes for which an account is stopped. */
#define CLIENT_REFUSED "client_refused" /* by the token host */
#define TOKEN_REFUSED "token_refused"   /* by the ERP, though just fetched */

struct slice standing_scheme_of(const struct account *account,
                                const struct credential *login);
bool standing_is_disabled(const struct account *account);

#endif
