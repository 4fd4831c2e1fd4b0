/* SPDX-License-Identifier: Apache-2.0 */
#include "core/login_turns.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/require.h"

struct login_trial {
    char *user; /* a copy */
    size_t user_len;
    struct login_turn *first;
    struct list waiting;
};

struct login_turns {
    struct loop *loop;
    struct map *trials;
    struct list settled; /* turns that are to be told */
};

struct login_turns *login_turns_new(struct loop *loop)
{
    struct login_turns *turns = calloc(1, sizeof *turns);
    REQUIRE(turns != NULL);
    turns->loop = loop;
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

void login_turns_free(struct login_turns *turns)
{
    if (turns == NULL) {
        return;
    }
    REQUIRE(map_count(turns->trials) == 0 && list_empty(&turns->settled));
    loop_soon_cancel(turns->loop, tell, turns);
    map_free(turns->trials);
    free(turns);
}

void login_turn_init(struct login_turn *turn)
{
    turn->trial = NULL;
    list_init(&turn->link);
}

static struct login_trial *trial_of(struct login_turns *turns, struct slice user)
{
    struct login_trial *trial = map_get(turns->trials, user);
    if (trial != NULL) {
        return trial;
    }
    trial = calloc(1, sizeof *trial);
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
                       struct slice user, struct slice login)
{
    REQUIRE(turn->trial == NULL && list_empty(&turn->link) && user.len > 0);
    struct login_trial *trial = trial_of(turns, user);
    turn->trial = trial;
    turn->login = login;
    if (trial->first == NULL) {
        trial->first = turn;
        return true;
    }
    list_push(&trial->waiting, &turn->link);
    return false;
}

/* To one who waits with `login`, of what was said to another of the same user. */
static enum login_word heard(enum login_word word, struct slice said_of,
                             struct slice login)
{
    return word == TURN_SILENT || slice_eq(said_of, login) ? word : TURN_OTHER;
}

static void settle(struct login_turns *turns, struct login_trial *trial,
                   enum login_word word)
{
    if (!list_empty(&trial->waiting) && list_empty(&turns->settled)) {
        loop_soon(turns->loop, tell, turns);
    }
    while (!list_empty(&trial->waiting)) {
        struct login_turn *turn =
            LIST_ENTRY(trial->waiting.next, struct login_turn, link);
        list_remove(&turn->link);
        turn->trial = NULL;
        turn->word = heard(word, trial->first->login, turn->login);
        list_push(&turns->settled, &turn->link);
    }
    map_remove(turns->trials, slice_of(trial->user, trial->user_len));
    free(trial->user);
    free(trial);
}

void login_turns_leave(struct login_turns *turns, struct login_turn *turn,
                       enum login_word word)
{
    struct login_trial *trial = turn->trial;
    turn->trial = NULL;
    list_remove(&turn->link);
    if (trial != NULL && trial->first == turn) {
        settle(turns, trial, word);
    }
}
