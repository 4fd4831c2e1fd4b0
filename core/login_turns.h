/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: of all that try logins of one user, over all accounts that have one, one goes first;
 * what the ERP says to that one holds for those who wait with the same login, and is the end of
 * their wait for those with another. Five at once would else be five refused logins, which lock
 * the user. The first asks its keeper before it goes, so that it is the first over all
 * processes too. Owns: who waits for whom; turns belong to their callers. Threads: the loop's. Errors:
 * none. Start reading at: login_turns_enter. Users and logins are told apart by
 * auth/login_key.h; core/lockout.h counts what was refused.
 */
#ifndef SLUICE_CORE_LOGIN_TURNS_H
#define SLUICE_CORE_LOGIN_TURNS_H

#include "base/list.h"
#include "base/slice.h"
#include "io/loop.h"

/* What became of the one that went first. */
enum login_word {
    TURN_SILENT, /* it ended without a word on the login */
    TURN_TAKEN,
    TURN_REFUSED,
    TURN_OTHER, /* of another login of the user: nothing was learned of one's own */
    TURN_YOURS, /* nobody is before this one any more: it goes first now */
    TURN_BUSY,  /* another process tries one, and has not ended in time */
    TURN_FULL   /* too many users are counted of the tenant that asked for this one */
};

struct login_trial;

/* Embedded in the caller's object. */
struct login_turn {
    /* Once, of a turn that waits, in a later turn of the loop. With TURN_YOURS it has become
     * the first; else it is out. */
    void (*on_settled)(void *ctx, enum login_word word);
    void *ctx;

    /* login_turns.c's own. */
    struct login_trial *trial; /* that it holds or waits for */
    struct slice login;
    struct list link;
    enum login_word word;
};

struct login_turns;

/* Keeps users for this process while it tries their logins. */
struct login_keeper {
    /* Borrows both; login_turns_kept answers once, not within. NULL: there are no others. */
    void (*take)(void *ctx, struct slice user, struct slice tenant);
    void (*give_back)(void *ctx, struct slice user);
    void *ctx;
};

/* Keeps `loop`; copies `keeper`. */
struct login_turns *login_turns_new(struct loop *loop,
                                    const struct login_keeper *keeper);
void login_turns_free(struct login_turns *turns); /* accepts NULL; nobody is in it */

void login_turn_init(struct login_turn *turn);
/* True: nobody tries a login of that user now, so this one does. False: it waits. Copies `user`;
 * `login` is lent until it is told or leaves. `tenant`: who asks; empty: one whose users are not
 * counted. */
bool login_turns_enter(struct login_turns *turns, struct login_turn *turn,
                       struct slice user, struct slice login, struct slice tenant);
/* TURN_YOURS: the keeper has the user; TURN_BUSY, TURN_FULL: it has given up. `refused`: the login that was refused elsewhere while
 * it waited, or empty. */
void login_turns_kept(struct login_turns *turns, struct slice user,
                      enum login_word word, struct slice refused);
/* Who went first tells what came of it; who waits goes away (on_settled will not come).
 * Harmless for a turn that is in neither. */
void login_turns_leave(struct login_turns *turns, struct login_turn *turn,
                       enum login_word word);

#endif
