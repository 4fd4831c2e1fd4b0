/* SPDX-License-Identifier: Apache-2.0 */
#include "core/login_turns.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/require.h"

struct login_trial {
    char *user; /* a copy */
    size_t user_len;
    struct login_turn *first; /* NULL: the keeper is asked for it */
    struct list waiting;
};

struct login_turns {
    struct loop *loop;
    struct login_keeper keeper;
    struct map *trials;
    struct list settled; /* turns that are to be told */
};

struct login_turns *login_turns_new(struct loop *loop,
                                    const struct login_keeper *keeper)
{
    struct login_turns *turns = calloc(1, sizeof *turns);
    REQUIRE(turns != NULL);
    turns->loop = loop;
    turns->keeper = *keeper;
    turns->trials = map_new();
    list_init(&turns->settled);
    return turns;
}

static void tell(void *ctx)
{
    struct login_turns *turns = ctx;
    while (!list_empty(&turns->settled)) {
        struct login_turn *turn =
            LIST_ENTRY(turns->settled.next, struct login_turn, link);
        list_remove(&turn->link);
        turn->on_settled(turn->ctx, turn->word);
    }
}

/* Whoever wanted it has gone while the keeper was asked. */
static void free_asked(void *ctx, struct slice user, void *value)
{
    struct login_trial *trial = value;
    (void)ctx;
    (void)user;
    REQUIRE(trial->first == NULL && list_empty(&trial->waiting));
    free(trial->user);
    free(trial);
}

void login_turns_free(struct login_turns *turns)
{
    if (turns == NULL) {
        return;
    }
    REQUIRE(list_empty(&turns->settled));
    map_each(turns->trials, free_asked, NULL);
    loop_soon_cancel(turns->loop, tell, turns);
    map_free(turns->trials);
    free(turns);
}

void login_turn_init(struct login_turn *turn)
{
    turn->trial = NULL;
    list_init(&turn->link);
}

static struct login_trial *new_trial(struct login_turns *turns, struct slice user)
{
    struct login_trial *trial = calloc(1, sizeof *trial);
    REQUIRE(trial != NULL);
    trial->user = malloc(user.len);
    REQUIRE(trial->user != NULL);
    slice_copy(trial->user, user);
    trial->user_len = user.len;
    list_init(&trial->waiting);
    map_put(turns->trials, user, trial);
    return trial;
}

bool login_turns_enter(struct login_turns *turns, struct login_turn *turn,
                       struct slice user, struct slice login, struct slice tenant)
{
    REQUIRE(turn->trial == NULL && list_empty(&turn->link) && user.len > 0);
    struct login_trial *trial = map_get(turns->trials, user);
    bool is_new = trial == NULL;
    trial = is_new ? new_trial(turns, user) : trial;
    turn->trial = trial;
    turn->login = login;
    if (is_new && turns->keeper.take == NULL) {
        trial->first = turn;
        return true;
    }
    list_push(&trial->waiting, &turn->link);
    if (is_new) {
        turns->keeper.take(turns->keeper.ctx, user, tenant);
    }
    return false;
}

/* To one who waits with `login`, of what was said to another of the same user. */
static enum login_word heard(enum login_word word, struct slice said_of,
                             struct slice login)
{
    bool is_of_all = word == TURN_SILENT || word == TURN_BUSY;
    return is_of_all || slice_eq(said_of, login) ? word : TURN_OTHER;
}

static void tell_soon(struct login_turns *turns, struct login_turn *turn,
                      enum login_word word)
{
    if (list_empty(&turns->settled)) {
        loop_soon(turns->loop, tell, turns);
    }
    list_remove(&turn->link);
    turn->word = word;
    list_push(&turns->settled, &turn->link);
}

/* Those who wait are told, all of them or only those with that login. */
static void tell_waiting(struct login_turns *turns, struct login_trial *trial,
                         enum login_word word, struct slice said_of, bool all)
{
    LIST_FOREACH_SAFE (node, after, &trial->waiting) {
        struct login_turn *turn = LIST_ENTRY(node, struct login_turn, link);
        if (all || slice_eq(said_of, turn->login)) {
            turn->trial = NULL;
            tell_soon(turns, turn, heard(word, said_of, turn->login));
        }
    }
}

static void end_trial(struct login_turns *turns, struct login_trial *trial, bool kept)
{
    struct slice user = slice_of(trial->user, trial->user_len);
    if (kept && turns->keeper.give_back != NULL) {
        turns->keeper.give_back(turns->keeper.ctx, user);
    }
    map_remove(turns->trials, user);
    free(trial->user);
    free(trial);
}

/* The share is that of the one who asked: the others ask for themselves. */
static void tell_full(struct login_turns *turns, struct login_trial *trial)
{
    if (!list_empty(&trial->waiting)) {
        struct login_turn *turn =
            LIST_ENTRY(trial->waiting.next, struct login_turn, link);
        turn->trial = NULL;
        tell_soon(turns, turn, TURN_FULL);
    }
    /* It says nothing of the others, who may be another tenant's: each asks for itself. */
    tell_waiting(turns, trial, TURN_OTHER, SLICE_EMPTY, true);
}

void login_turns_kept(struct login_turns *turns, struct slice user,
                      enum login_word word, struct slice refused)
{
    struct login_trial *trial = map_get(turns->trials, user);
    REQUIRE(trial != NULL && trial->first == NULL);
    bool is_kept = word == TURN_YOURS;
    if (word == TURN_FULL) {
        tell_full(turns, trial);
    } else if (!is_kept) {
        tell_waiting(turns, trial, TURN_BUSY, SLICE_EMPTY, true);
    } else if (refused.len > 0) {
        tell_waiting(turns, trial, TURN_REFUSED, refused, false);
    }
    if (list_empty(&trial->waiting)) {
        end_trial(turns, trial, is_kept);
        return;
    }
    trial->first = LIST_ENTRY(trial->waiting.next, struct login_turn, link);
    tell_soon(turns, trial->first, TURN_YOURS);
}

void login_turns_leave(struct login_turns *turns, struct login_turn *turn,
                       enum login_word word)
{
    struct login_trial *trial = turn->trial;
    turn->trial = NULL;
    list_remove(&turn->link);
    if (trial != NULL && trial->first == turn) {
        tell_waiting(turns, trial, word, turn->login, true);
        end_trial(turns, trial, true);
    }
}
