/* SPDX-License-Identifier: Apache-2.0 */
/* Who tries a login first, and what the others hear of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/login_turns.h"

#define TENANT SLICE("t")
#define USER SLICE("user")
#define ONE SLICE("one")
#define OTHER SLICE("other")
#define CALLERS 4

struct world {
    struct loop *loop;
    struct login_turns *turns;
    int taken, given_back; /* by the keeper */
    struct caller {
        struct world *world;
        struct login_turn turn;
        int told;
        enum login_word word;
        struct slice again; /* tries this when it is told */
        bool went;
    } callers[CALLERS];
};

static void on_settled(void *ctx, enum login_word word)
{
    struct caller *caller = ctx;
    caller->told++;
    caller->word = word;
    if (caller->again.len > 0) {
        caller->went = login_turns_enter(caller->world->turns, &caller->turn, USER,
                                         caller->again, TENANT);
    }
}

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){0};
    world.loop = loop_new();
    const struct login_keeper nobody = {.take = NULL};
    world.turns = login_turns_new(world.loop, &nobody);
    for (int i = 0; i < CALLERS; i++) {
        struct caller *caller = &world.callers[i];
        caller->world = &world;
        login_turn_init(&caller->turn);
        caller->turn.on_settled = on_settled;
        caller->turn.ctx = caller;
    }
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < CALLERS; i++) {
        login_turns_leave(w->turns, &w->callers[i].turn, TURN_SILENT);
    }
    login_turns_free(w->turns);
    loop_free(w->loop);
    return 0;
}

static bool enter_as(struct world *w, int n, struct slice user, struct slice login)
{
    return login_turns_enter(w->turns, &w->callers[n].turn, user, login, TENANT);
}

static bool enter(struct world *w, int n, struct slice login)
{
    return enter_as(w, n, USER, login);
}

static void leave(struct world *w, int n, enum login_word word)
{
    login_turns_leave(w->turns, &w->callers[n].turn, word);
}

static void test_one_goes_first_and_its_word_holds_for_all(void **state)
{
    struct world *w = *state;
    assert_true(enter(w, 0, ONE));
    assert_false(enter(w, 1, ONE));
    assert_false(enter(w, 2, ONE));
    assert_true(enter_as(w, 3, OTHER, ONE)); /* of another user */
    leave(w, 0, TURN_REFUSED);
    assert_int_equal(w->callers[1].told, 0); /* not within somebody else's step */
    loop_run(w->loop);
    for (int i = 1; i < 3; i++) {
        assert_int_equal(w->callers[i].told, 1);
        assert_int_equal(w->callers[i].word, TURN_REFUSED);
    }
    assert_int_equal(w->callers[0].told + w->callers[3].told, 0);
    assert_true(enter(w, 0, ONE)); /* it is free again */
}

static void test_who_goes_away_hears_nothing(void **state)
{
    struct world *w = *state;
    assert_true(enter(w, 0, ONE));
    assert_false(enter(w, 1, ONE));
    assert_false(enter(w, 2, ONE));
    leave(w, 1, TURN_SILENT); /* while it waits: nobody's turn comes by it */
    leave(w, 0, TURN_TAKEN);
    leave(w, 0, TURN_REFUSED); /* it has said so */
    leave(w, 2, TURN_SILENT);  /* after the word, before it was told */
    loop_run(w->loop);
    assert_int_equal(w->callers[1].told + w->callers[2].told, 0);
}

static void test_after_silence_the_next_goes_first(void **state)
{
    struct world *w = *state;
    assert_true(enter(w, 0, ONE));
    for (int i = 1; i < CALLERS; i++) {
        w->callers[i].again = ONE;
        assert_false(enter(w, i, ONE));
    }
    leave(w, 0, TURN_SILENT);
    loop_run(w->loop);
    assert_true(w->callers[1].went);
    assert_false(w->callers[2].went || w->callers[3].went);
    leave(w, 1, TURN_TAKEN);
    w->callers[2].again = w->callers[3].again = SLICE_EMPTY;
    loop_run(w->loop);
    for (int i = 2; i < CALLERS; i++) {
        assert_int_equal(w->callers[i].told, 2);
        assert_int_equal(w->callers[i].word, TURN_TAKEN);
    }
}

static void test_what_is_said_of_another_login_is_no_word_on_ones_own(void **state)
{
    struct world *w = *state;
    static const enum login_word said[] = {TURN_REFUSED, TURN_TAKEN};
    for (int i = 0; i < 2; i++) {
        assert_true(enter(w, 0, ONE));
        assert_false(enter(w, 1, OTHER)); /* one of the user's at a time */
        assert_false(enter(w, 2, ONE));
        leave(w, 0, said[i]);
        loop_run(w->loop);
        assert_int_equal(w->callers[1].word, TURN_OTHER);
        assert_int_equal(w->callers[2].word, said[i]);
    }
    assert_true(enter(w, 0, ONE));
    assert_false(enter(w, 1, OTHER));
    leave(w, 0, TURN_SILENT);
    loop_run(w->loop);
    assert_int_equal(w->callers[1].word, TURN_SILENT);
}

/* ---- With other processes ---- */

static void take(void *ctx, struct slice user, struct slice tenant)
{
    struct world *w = ctx;
    assert_true(slice_eq(user, USER));
    assert_true(slice_eq(tenant, TENANT));
    w->taken++;
}

static void give_back(void *ctx, struct slice user)
{
    struct world *w = ctx;
    assert_true(slice_eq(user, USER));
    w->given_back++;
}

static int set_up_kept(void **state)
{
    set_up(state);
    struct world *w = *state;
    const struct login_keeper keeper = {take, give_back, w};
    login_turns_free(w->turns);
    w->turns = login_turns_new(w->loop, &keeper);
    return 0;
}

static void kept(struct world *w, bool is_kept, struct slice refused)
{
    login_turns_kept(w->turns, USER, is_kept ? TURN_YOURS : TURN_BUSY, refused);
    loop_run(w->loop);
}

static void test_the_first_goes_when_the_keeper_has_the_user(void **state)
{
    struct world *w = *state;
    assert_false(enter(w, 0, ONE));
    assert_false(enter(w, 1, ONE));
    assert_int_equal(w->taken, 1);
    kept(w, true, SLICE_EMPTY);
    assert_int_equal(w->callers[0].word, TURN_YOURS);
    assert_int_equal(w->callers[0].told, 1);
    assert_int_equal(w->callers[1].told, 0);
    leave(w, 0, TURN_TAKEN);
    assert_int_equal(w->given_back, 1);
    loop_run(w->loop);
    assert_int_equal(w->callers[1].word, TURN_TAKEN);
    assert_false(enter(w, 0, ONE)); /* asked for anew */
    assert_int_equal(w->taken, 2);
}

static void test_what_was_refused_elsewhere_is_not_tried_here(void **state)
{
    struct world *w = *state;
    assert_false(enter(w, 0, ONE));
    assert_false(enter(w, 1, OTHER));
    assert_false(enter(w, 2, ONE));
    kept(w, true, ONE);
    assert_int_equal(w->callers[0].word, TURN_REFUSED);
    assert_int_equal(w->callers[2].word, TURN_REFUSED);
    assert_int_equal(w->callers[1].word, TURN_YOURS);
    assert_int_equal(w->given_back, 0);
    leave(w, 1, TURN_REFUSED);
    assert_int_equal(w->given_back, 1);
    assert_false(enter(w, 0, ONE));
    kept(w, true, ONE); /* nobody is left who would try */
    assert_int_equal(w->callers[0].word, TURN_REFUSED);
    assert_int_equal(w->given_back, 2);
}

static void test_a_keeper_that_gives_up_ends_the_wait_of_all(void **state)
{
    struct world *w = *state;
    assert_false(enter(w, 0, ONE));
    assert_false(enter(w, 1, OTHER));
    kept(w, false, SLICE_EMPTY);
    assert_int_equal(w->callers[0].word, TURN_BUSY);
    assert_int_equal(w->callers[1].word, TURN_BUSY);
    assert_int_equal(w->given_back, 0);
}

static void test_a_share_that_is_full_is_that_of_the_one_who_asked(void **state)
{
    struct world *w = *state;
    assert_false(enter(w, 0, ONE));
    assert_false(enter(w, 1, ONE));
    login_turns_kept(w->turns, USER, TURN_FULL, SLICE_EMPTY);
    loop_run(w->loop);
    assert_int_equal(w->callers[0].word, TURN_FULL);
    assert_int_equal(w->callers[1].word, TURN_OTHER); /* no turn in vain */
    assert_int_equal(w->given_back, 0);
    assert_false(enter(w, 1, ONE)); /* asks for itself */
    assert_int_equal(w->taken, 2);
    kept(w, true, SLICE_EMPTY);
    leave(w, 1, TURN_TAKEN);
}

static void test_who_goes_away_while_the_keeper_asks(void **state)
{
    struct world *w = *state;
    assert_false(enter(w, 0, ONE));
    assert_false(enter(w, 1, OTHER));
    leave(w, 0, TURN_SILENT);
    kept(w, true, SLICE_EMPTY);
    assert_int_equal(w->callers[0].told, 0);
    assert_int_equal(w->callers[1].word, TURN_YOURS);
    leave(w, 1, TURN_TAKEN);
    assert_false(enter(w, 0, ONE));
    leave(w, 0, TURN_SILENT);
    kept(w, true, SLICE_EMPTY);
    assert_int_equal(w->given_back, 2);
    /* The server ends before the keeper has answered. */
    assert_false(enter(w, 0, ONE));
    leave(w, 0, TURN_SILENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_goes_first_and_its_word_holds_for_all,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_goes_away_hears_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_after_silence_the_next_goes_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_what_is_said_of_another_login_is_no_word_on_ones_own, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            test_the_first_goes_when_the_keeper_has_the_user, set_up_kept, tear_down),
        cmocka_unit_test_setup_teardown(
            test_what_was_refused_elsewhere_is_not_tried_here, set_up_kept, tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_keeper_that_gives_up_ends_the_wait_of_all, set_up_kept, tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_share_that_is_full_is_that_of_the_one_who_asked, set_up_kept,
            tear_down),
        cmocka_unit_test_setup_teardown(test_who_goes_away_while_the_keeper_asks,
                                        set_up_kept, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
