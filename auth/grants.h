/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the OAuth 2.0 grants that persons gave for accounts: kept sealed, renewed ahead
 * of their end by one process at a time, never lost to a race, a crash or a lost answer.
 * Owns: the flights of renewals and the times of all stored grants. Keeps its parts.
 * Threads: the loop's. Errors: as auth/tokens.h; ERR_NEEDS_REAUTH only when the token host
 * refused the newest refresh token there is ("invalid_grant"), or there is none. Start reading at:
 * grants_source, then the table of steps in grants.c.
 *
 * NetSuite: access tokens live an hour. A confidential client's refresh token lives 7 days
 * from the consent; a public client's is replaced at each use (Oracle Help, "OAuth 2.0
 * Access and Refresh Tokens").
 */
#ifndef SLUICE_AUTH_GRANTS_H
#define SLUICE_AUTH_GRANTS_H

#include "auth/grant_request.h"
#include "auth/tokens.h"
#include "auth/vault.h"
#include "io/loop.h"
#include "store/store.h"

struct grants;

struct grants_parts {
    struct loop *loop; /* NULL: nothing happens by itself, see grants_run */
    struct store *store;
    struct vault *vault;
    struct tokens *tokens;
    const struct log *log;
    int64_t grant_ms;  /* how long a person's consent lasts */
    int most_renewals; /* at once, of those that nobody waits for */
};

/* What whoever knows accounts is asked for and told. */
struct grant_hooks {
    /* It is time: outbound_renew_ahead() with the account's credential, whose answer it
     * is; ERR_NOT_FOUND: no such account, or it has no grant any more. */
    enum err (*renew)(void *ctx, struct slice account);
    /* The grant is over: somebody has to consent again. */
    void (*refused)(void *ctx, struct slice account,
                    const struct token_outcome *outcome);
    void *ctx;
};

struct grants *grants_new(const struct grants_parts *parts);
/* The client, the store and every credential are gone. Accepts NULL. */
void grants_free(struct grants *grants);
void grants_set_hooks(struct grants *grants, const struct grant_hooks *hooks);

/* Learns when each stored grant has to be renewed that it does not know yet. `alone`: no other
 * process works on the store, so leases that are there are of one that ended. */
MUST_USE enum err grants_restore(struct grants *grants, bool alone);

/* Holds the source of the account's access tokens; it has one at once when the stored one
 * is still good. Borrows all. */
struct token_source *grants_source(struct grants *grants, struct slice account,
                                   const struct grant_client *client);

/* Adds a grant's tokens to a batch, sealed: `answer` has both. `old` says what it was
 * renewed from; NULL: a person has just consented, the batch replaces whatever there was. */
MUST_USE enum err grants_put(struct grants *grants, struct store_batch *batch,
                             struct slice account, const struct token_answer *answer,
                             const struct store_grant *old);
/* The account's grant was stored or went: its time is read anew. */
void grants_changed(struct grants *grants, struct slice account);

/* Tells the token host that the account's grant is over (RFC 7009), once, whatever comes of
 * it: for an account that is being offboarded. Call it before the account is deleted. */
void grants_revoke(struct grants *grants, struct slice account,
                   const struct grant_client *client);

/* ---- Time: the alarm does this ---- */
void grants_run(struct grants *grants);
int64_t grants_next_ms(const struct grants *grants); /* 0: nothing is due ever */

#endif
