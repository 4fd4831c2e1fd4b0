/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: of all that try one login, over all accounts that have it, one goes first; what
 * the ERP says to that one holds for those who wait. Five at once would else be five refused
 * logins, which lock the user. Owns: who waits for whom; turns belong to their callers.
 * Threads: the loop's. Errors: none. Start reading at: login_turns_enter. Logins are told
 * apart by outbound_login_key(); core/lockout.h counts what was refused.
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
    TURN_REFUSED
};

struct login_trial;

/* Embedded in the caller's object. */
struct login_turn {
    /* The first one is done: once, of a turn that waits, in a later turn of the loop. */
    void (*on_settled)(void *ctx, enum login_word word);
    void *ctx;

    /* login_turns.c's own. */
    struct login_trial *trial; /* that it holds or waits for */
    struct list link;
    enum login_word word;
};

struct login_turns;

/* Keeps `loop`. */
struct login_turns *login_turns_new(struct loop *loop);
void login_turns_free(struct login_turns *turns); /* accepts NULL; nobody is in it */

void login_turn_init(struct login_turn *turn);
/* True: nobody tries that login now, so this one does. False: it waits. Copies `login`. */
bool login_turns_enter(struct login_turns *turns, struct login_turn *turn,
                       struct slice login);
/* Who went first tells what came of it; who waits goes away (on_settled will not come).
 * Harmless for a turn that is in neither. */
void login_turns_leave(struct login_turns *turns, struct login_turn *turn,
                       enum login_word word);

#endif
