/* SPDX-License-Identifier: Apache-2.0 */
/* Slots that are lent for a time, at a turnstile whose process stood still meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/turnstile.h"

struct world {
    struct loop *loop;
    struct clock_fake time;
    struct clock clock;
    struct governor *governor;
    struct turnstile *turnstile;
    int64_t until_us; /* the loan's end */
};

static void take_back(void *ctx)
{
    const struct world *world = ctx;
    if (turnstile_now_us(world->turnstile) >= world->until_us) {
        (void)governor_lane_lend(world->governor, SLICE("lane"), 0, 0,
                                 turnstile_now_us(world->turnstile));
    }
}

static bool lend_nothing(void *ctx)
{
    (void)ctx;
    return false;
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct governor_options options = governor_defaults(1);
    options.is_lent = true;
    world->time.mono_us = 1000000;
    world->clock = clock_from_fake(&world->time);
    world->loop = loop_new();
    world->governor = governor_new(&options);
    world->turnstile = turnstile_new(world->loop, &world->clock, world->governor);
    world->until_us = 5000000;
    const struct turnstile_lender lender = {take_back, lend_nothing, world};
    turnstile_lend_by(world->turnstile, &lender);
    const struct governor_account account = {.id = SLICE("acc"),
                                             .tenant = SLICE("tenant"),
                                             .lane = SLICE("lane"),
                                             .joined = true,
                                             .ceiling = 2,
                                             .queue_limit = 5,
                                             .queue_wait_us = 60000000};
    governor_account_set(world->governor, &account, 1000000);
    assert_true(governor_lane_lend(world->governor, SLICE("lane"), 1, 0, 1000000));
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    turnstile_close(world->turnstile);
    turnstile_free(world->turnstile);
    governor_free(world->governor);
    loop_free(world->loop);
    free(world);
    return 0;
}

static void ignore(void *ctx, enum governor_decision decision)
{
    (void)ctx;
    (void)decision;
}

static enum governor_decision enter(struct world *world, struct turnstile_place *place)
{
    const struct governor_call call = {.account = SLICE("acc"),
                                       .server = SLICE("mcp"),
                                       .weight = 1,
                                       .priority = GOVERNOR_INTERACTIVE};
    place->on_decided = ignore;
    return turnstile_enter(world->turnstile, place, &call);
}

static void test_a_loan_is_used_while_it_holds(void **state)
{
    struct world *world = *state;
    struct turnstile_place place = {.ctx = NULL};
    assert_int_equal(enter(world, &place), GOVERNOR_GRANTED);
    turnstile_release(world->turnstile, &place, GOVERNOR_ANSWERED, 0);
}

static void test_a_loan_that_is_over_is_not_used(void **state)
{
    struct world *world = *state;
    struct turnstile_place place = {.ctx = NULL};
    world->time.mono_us = 6000000; /* no timer has run since */
    assert_int_equal(enter(world, &place), GOVERNOR_WAITING);
    turnstile_leave(world->turnstile, &place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_loan_is_used_while_it_holds, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_loan_that_is_over_is_not_used, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
