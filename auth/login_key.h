/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: names for a login and for the user whose it is, which tell nobody either: HMACs
 * under the server's signing key, so that all processes on one store give the same. Owns:
 * nothing. Threads: the loop's. Errors: none. Start reading at: login_key_user.
 */
#ifndef SLUICE_AUTH_LOGIN_KEY_H
#define SLUICE_AUTH_LOGIN_KEY_H

#include "auth/keys.h"
#include "auth/outbound.h"

/* Tells the login from all others: its scheme, the ERP it is for (the account's lane) and all
 * its fields, secrets too. Lives in `arena`. */
struct slice login_key_whole(const struct keys *keys,
                             const struct credential *credential, struct slice lane,
                             struct arena *arena);
/* Tells whom the ERP locks when such logins are refused, whatever the secret: the user there,
 * or that of the token; all of the login where only that says who it is. Lives in `arena`. */
struct slice login_key_user(const struct keys *keys,
                            const struct credential *credential, struct slice lane,
                            struct arena *arena);

#endif
