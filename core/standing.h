/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: how an account and each of its logins stand with the ERP: on trial until the login
 * has worked, proven, or in need of a person who connects it again. Owns: the account's
 * state, in memory and in the store; nobody else changes it but the management API, which
 * stores a new record. Threads: the loop's. Errors: none; what cannot be stored is logged.
 * Start reading at: standing_refuse.
 *
 * ERPs lock a user after five refused logins (core/lockout.h). So with a scheme that works
 * with a password of some kind one call goes first, after a start, a change of the
 * credentials and ten idle minutes; if it is refused, nothing more is sent. A login that has
 * just worked may be refused by an ERP in trouble: then too one call goes at a time, and
 * after the third refusal in a row none. Tokens lock nobody: three fetched anew and refused
 * in a row, or one word of the token host against the client, say that a person is needed;
 * a call now and then finds out that it is over.
 *
 * The ERP counts per user, whatever the secret: after the fourth refusal in a row of a user's
 * logins, of whichever accounts, none of them is tried for as long as the ERP counts, or until the
 * operator says so. But one that has worked may be tried once, if nothing of its own was refused:
 * else whoever knows a user's name could stop the accounts of others with four wrong secrets.
 * What that costs: if its secret is an old one, its refusal is the fifth.
 *
 * `login`: the account's active credential or one that stands by. What one of them shows
 * holds for that one alone.
 */
#ifndef SLUICE_CORE_STANDING_H
#define SLUICE_CORE_STANDING_H

#include "core/accounts.h"

/* An account that was just built. */
void standing_begin(struct account *account);
/* The same account built anew: what `before` (or NULL) showed of logins that are still its
 * own. */
void standing_inherit(struct account *account, const struct account *before,
                      enum login_change change);
/* The same account taken out again: its login worked then. Before anybody was told of it. */
void standing_recall(struct account *account, int64_t worked_us);
/* A call by that login is about to stand in line: puts one on trial that has long been idle. */
void standing_call(struct account *account, const struct credential *login);
/* A call by that login is over, whatever it showed. */
void standing_call_over(struct account *account, const struct credential *login);
/* Of the active login, or of one that stands by, it is not known whether it works. */
bool standing_is_on_trial(const struct account *account);
/* The ERP has taken that login as it is, in this process or an earlier one, and nothing has
 * stopped it since. */
bool standing_is_known_good(struct account *account, const struct credential *login);
/* A call by that login finds out whether the ERP takes it, and a few that it does not take lock
 * the user: one goes first (core/login_turns.h). `verifies`: somebody wants to know. */
bool standing_tries(struct account *account, const struct credential *login,
                    bool verifies);
/* A few refused logins by that scheme lock the user. */
bool standing_locks(struct slice scheme);

/* Tell the login from all others, and its user from all users at that ERP (auth/login_key.h). */
struct slice standing_login_key(const struct account *account,
                                const struct credential *login, struct arena *arena);
struct slice standing_user_key(const struct account *account,
                               const struct credential *login, struct arena *arena);

/* The ERP took the login, of a request that left at `sent_us`; `proves`: and did what it was
 * asked to, so the account belongs on the lane it says. */
void standing_worked(struct account *account, const struct credential *login,
                     bool proves, int64_t sent_us);
/* The ERP refused the login; `token_version`: with that token, which was fetched after it had
 * refused another; 0: it carried none, or none that was new. */
void standing_refuse(struct account *account, const struct credential *login,
                     uint64_t token_version);
/* The token host refused the login's client ... */
void standing_refuse_client(struct account *account, const struct credential *login);
/* ... or took it. */
void standing_take_client(struct account *account, const struct credential *login);
/* The token host refused the account's grant, or there is none: somebody has to consent. */
void standing_end_grant(struct accounts *accounts, struct slice id);

/* It was switched off, which is stored: those in line are told. */
void standing_disable(struct accounts *accounts, struct slice id);

/* The same, of one that another process has closed: those in line are told. */
void standing_end_line(struct account *account);

/* It is switched off, or a person has to connect it again. */
bool standing_is_closed(const struct account *account);
/* A person has to connect it again. */
bool standing_needs_reauth(const struct account *account);

/* What a call means to do, and what it is told. */
struct standing_try {
    const struct credential *login;
    /* Tries the login for a person who wants to know; set for a call that is let through now and
     * then to see whether it is over. */
    bool verifies;
    struct arena *arena;
    struct fault *fault;
    /* The operator says that the ERP takes the user's logins again: what was refused counts no
     * more. Once, then cleared. */
    bool tries_now;
    bool is_locked; /* set: one more refusal may lock the user */
};
/* Nothing may be sent by that login now: the fault says why. */
bool standing_bars(struct account *account, struct standing_try *attempt);
/* What a caller is told when the login was refused, with where to go; strings live in
 * `arena`. `skew_ms`: how far the ERP's clock is ahead, where it was measured. A hint that
 * is there names the cause: it takes the place of the scheme's probable ones. */
void standing_fault(const struct account *account, const struct credential *login,
                    int64_t skew_ms, struct arena *arena, struct fault *fault);

#endif
