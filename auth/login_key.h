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

/* The ERP a login is sent to, by where it really goes: what a connection says of itself beside
 * that would let a host of anybody's own speak for another's users. All may be empty but
 * `origin`. */
struct login_place {
    struct slice origin; /* scheme://host[:port]: of it the host and the port count */
    struct slice realm;  /* NetSuite: the account there */
    /* SAP Cloud Connector: which one; virtual hosts are its own. */
    struct slice location;
    struct slice client; /* SAP: the system's part that has users of its own */
    struct slice path;   /* of a gateway with several systems behind it */
};

/* Tells the login from all others: its scheme, the ERP it is for and all its fields, secrets too.
 * Lives in `arena`. */
struct slice login_key_whole(const struct keys *keys,
                             const struct credential *credential,
                             const struct login_place *place, struct arena *arena);
/* Tells whom the ERP locks when such logins are refused, whatever the secret: the user there,
 * or that of the token; all of the login where only that says who it is. Lives in `arena`. */
struct slice login_key_user(const struct keys *keys,
                            const struct credential *credential,
                            const struct login_place *place, struct arena *arena);

#endif
