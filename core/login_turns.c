/* SPDX-License-Identifier: Apache-2.0 */
#include "core/login_turns.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/require.h"

struct login_trial {
    char *login; /* a copy */
    size_t login_len;
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

static struct login_trial *trial_of(struct login_turns *turns, struct slice login)
{
    struct login_trial *trial = map_get(turns->trials, login);
    if (trial != NULL) {
        return trial;
    }
    trial = calloc(1, sizeof *trial);
    REQUIRE(trial != NULL);
    trial->login = malloc(login.len);
    REQUIRE(trial->login != NULL);
    slice_copy(trial->login, login);
    trial->login_len = login.len;
    list_init(&trial->waiting);
    map_put(turns->trials, login, trial);
    return trial;
}

bool login_turns_enter(struct login_turns *turns, struct login_turn *turn,
                       struct slice login)
{
    REQUIRE(turn->trial == NULL && list_empty(&turn->link) && login.len > 0);
    struct login_trial *trial = trial_of(turns, login);
    turn->trial = trial;
    if (trial->first == NULL) {
        trial->first = turn;
        return true;
    }
    list_push(&trial->waiting, &turn->link);
    return false;
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
        turn->word = word;
        list_push(&turns->settled, &turn->link);
    }
    map_remove(turns->trials, slice_of(trial->login, trial->login_len));
    free(trial->login);
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
