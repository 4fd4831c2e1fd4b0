/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the mock's ERP port: logins, routes, and what NetSuite says when it refuses.
 * Owns: accounts and the company.
 * Threads: the loop's.
 * Errors: NetSuite's, in the response.
 * Start reading at: the table of routes in routes.c.
 */
#ifndef SLUICE_MOCKS_NETSUITE_NETSUITE_H
#define SLUICE_MOCKS_NETSUITE_NETSUITE_H

#include "mocks/common/control.h"
#include "mocks/netsuite/database.h"
#include "mocks/netsuite/oauth.h"
#include "mocks/netsuite/oauth2.h"

enum login_kind { LOGIN_TBA, LOGIN_BEARER, LOGIN_PASSPORT, LOGIN_KINDS };

struct netsuite {
    const char *account_id; /* the first account's: the realm of refusals */
    struct engine engine;
    struct control control;
    struct audit audit;
    int64_t logins[LOGIN_KINDS]; /* let in, since the last reset */
    struct oauth *oauth;
    struct oauth2 *oauth2;
    struct database *database;
    int64_t today; /* days since 1970-01-01 */
    char today_text[16];
    uint64_t seed;
};

struct netsuite_setting {
    const char *account_id; /* the first account's */
    int64_t today;          /* days since 1970-01-01 */
    uint64_t seed;
    int concurrency, lockout_seconds;
};

/* Builds all parts. Keeps `loop`, `clock` and the account's id. */
void netsuite_init(struct netsuite *netsuite, uv_loop_t *loop,
                   const struct clock *clock, const struct netsuite_setting *setting);
void netsuite_free(struct netsuite *netsuite);

/* Unix time as the mock has it. */
static inline int64_t netsuite_now_s(const struct netsuite *netsuite)
{
    return oauth_now_ms(netsuite->oauth) / 1000;
}

#endif
