/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of resolved names. Numeric names are looked up without any name server, so
 * the results do not depend on the machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>

#include <cmocka.h>

#include "io/resolve.h"

struct world {
    struct loop *loop;
    struct net_policy *policy;
    struct clock_fake time;
    struct resolver *resolver;
};

struct answer {
    int calls;
    enum err err;
    char addresses[512];
};

static void world_begin(struct world *world, const char *allowed)
{
    const struct slice cidr = slice_str(allowed);
    world->time = (struct clock_fake){.mono_us = 1000};
    world->loop = loop_new();
    assert_int_equal(net_policy_new(&cidr, 1, NULL, 0, &world->policy), ERR_OK);
    world->resolver =
        resolver_new(world->loop, world->policy, clock_from_fake(&world->time));
}

static void world_end(struct world *world)
{
    resolver_free(world->resolver);
    loop_free(world->loop);
    net_policy_free(world->policy);
}

static void on_resolved(void *ctx, enum err err, struct slice addresses)
{
    struct answer *answer = ctx;
    answer->calls++;
    answer->err = err;
    snprintf(answer->addresses, sizeof answer->addresses, "%.*s", SLICE_ARG(addresses));
}

static struct answer look_up(struct world *world, const char *host)
{
    struct answer answer = {0};
    assert_non_null(
        resolver_start(world->resolver, slice_str(host), on_resolved, &answer));
    assert_int_equal(answer.calls, 0);
    loop_run(world->loop);
    assert_int_equal(answer.calls, 1);
    return answer;
}

static bool is_cached(struct world *world, const char *host)
{
    struct slice addresses;
    return resolver_cached(world->resolver, slice_str(host), &addresses);
}

static void test_addresses_are_written_as_curl_reads_them(void **state)
{
    (void)state;
    struct world world;
    struct answer answer;

    world_begin(&world, "127.0.0.0/8");
    answer = look_up(&world, "127.0.0.1");
    assert_int_equal(answer.err, ERR_OK);
    assert_string_equal(answer.addresses, "127.0.0.1");
    world_end(&world);

    world_begin(&world, "fd00::/8");
    answer = look_up(&world, "fd00::1");
    assert_int_equal(answer.err, ERR_OK);
    assert_string_equal(answer.addresses, "[fd00::1]");
    world_end(&world);
}

static void test_a_refused_address_is_not_handed_out_nor_remembered(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, "10.0.0.0/8");

    struct answer answer = look_up(&world, "127.0.0.1");

    assert_int_equal(answer.err, ERR_POLICY_DENIED);
    assert_string_equal(answer.addresses, "");
    assert_false(is_cached(&world, "127.0.0.1"));
    world_end(&world);
}

static void test_a_name_is_forgotten_after_a_minute(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, "127.0.0.0/8");
    (void)look_up(&world, "127.0.0.1");

    world.time.mono_us += (int64_t)RESOLVE_TTL_MS * 1000 - 1;
    assert_true(is_cached(&world, "127.0.0.1"));
    world.time.mono_us += 1;
    assert_false(is_cached(&world, "127.0.0.1"));

    world_end(&world);
}

static void test_the_oldest_name_makes_room_in_a_full_cache(void **state)
{
    (void)state;
    struct world world;
    char host[32];
    world_begin(&world, "127.0.0.0/8");

    for (int i = 0; i <= RESOLVE_CACHE_NAMES; i++) {
        snprintf(host, sizeof host, "127.0.%d.%d", i / 256, i % 256);
        (void)look_up(&world, host);
        if (i == RESOLVE_CACHE_NAMES - 1) {
            assert_true(is_cached(&world, "127.0.0.0"));
        }
    }

    assert_false(is_cached(&world, "127.0.0.0"));
    assert_true(is_cached(&world, "127.0.0.1"));
    assert_true(is_cached(&world, host));
    world_end(&world);
}

static void test_a_cancelled_wait_is_not_told_and_the_cache_is_filled(void **state)
{
    (void)state;
    struct world world;
    struct answer kept = {0}, left = {0};
    const struct slice host = SLICE("127.0.0.1");
    world_begin(&world, "127.0.0.0/8");

    struct resolve_wait *wait =
        resolver_start(world.resolver, host, on_resolved, &left);
    (void)resolver_start(world.resolver, host, on_resolved, &kept);
    resolve_cancel(wait);
    loop_run(world.loop);

    assert_int_equal(left.calls, 0);
    assert_int_equal(kept.calls, 1);
    assert_true(is_cached(&world, "127.0.0.1"));
    world_end(&world);
}

static void test_a_look_up_may_outlive_its_resolver(void **state)
{
    (void)state;
    struct world world;
    struct answer left = {0};
    world_begin(&world, "127.0.0.0/8");

    resolve_cancel(
        resolver_start(world.resolver, SLICE("127.0.0.1"), on_resolved, &left));
    resolver_free(world.resolver);
    world.resolver = NULL;
    loop_run(world.loop);

    assert_int_equal(left.calls, 0);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_written_as_curl_reads_them),
        cmocka_unit_test(test_a_refused_address_is_not_handed_out_nor_remembered),
        cmocka_unit_test(test_a_name_is_forgotten_after_a_minute),
        cmocka_unit_test(test_the_oldest_name_makes_room_in_a_full_cache),
        cmocka_unit_test(test_a_cancelled_wait_is_not_told_and_the_cache_is_filled),
        cmocka_unit_test(test_a_look_up_may_outlive_its_resolver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
