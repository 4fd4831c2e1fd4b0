/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: keys, an arena and a folder of its own for the tests of auth/, and an account.
 * Owns: all of it.
 * Threads: the test's.  Errors: a failed assertion.
 * Start reading at: struct world.
 */
#ifndef SLUICE_TESTS_UNIT_AUTH_WORLD_H
#define SLUICE_TESTS_UNIT_AUTH_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/keys.h"
#include "base/arena.h"
#include "store/store.h"

#define HEX_A "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"
#define HEX_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define HEX_C "1111111122222222333333334444444455555555666666667777777788888888"

#define ONE_KEY                                                                      \
    "{\"signing_key\":\"" HEX_A "\",\"vault_keys\":[{\"id\":\"k1\",\"key\":\"" HEX_B \
    "\"}]}"
#define TWO_KEYS                                                                     \
    "{\"signing_key\":\"" HEX_A "\",\"vault_keys\":[{\"id\":\"k1\",\"key\":\"" HEX_B \
    "\"},{\"id\":\"k2\",\"key\":\"" HEX_C "\"}]}"
#define OTHER_SIGNING_KEY                                                            \
    "{\"signing_key\":\"" HEX_C "\",\"vault_keys\":[{\"id\":\"k1\",\"key\":\"" HEX_B \
    "\"}]}"

struct world {
    struct arena *arena;
    struct keys *keys;         /* those of ONE_KEY */
    char folder[48], path[64]; /* a file that is not there yet */
};

#define assert_text(bytes, text) assert_true(slice_eq((bytes), slice_str(text)))

static inline struct keys *keys_of(struct world *world, const char *json)
{
    struct keys *keys = NULL;
    struct slice problem = SLICE_EMPTY;

    assert_int_equal(keys_parse(slice_str(json), world->arena, &keys, &problem),
                     ERR_OK);
    return keys;
}

static inline void world_begin(struct world *world)
{
    world->arena = arena_new();
    world->keys = keys_of(world, ONE_KEY);
    snprintf(world->folder, sizeof world->folder, "/tmp/sluice-auth-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->path, sizeof world->path, "%s/file", world->folder);
}

static inline void world_end(struct world *world)
{
    static const char *const endings[] = {"", "-wal", "-shm"};

    for (size_t i = 0; i < 3; i++) {
        char path[80];
        snprintf(path, sizeof path, "%s%s", world->path, endings[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(world->folder), 0);
    keys_free(world->keys);
    arena_free(world->arena);
}

static inline int world_setup(void **state)
{
    struct world *world = test_calloc(1, sizeof *world);

    world_begin(world);
    *state = world;
    return 0;
}

static inline int world_teardown(void **state)
{
    world_end(*state);
    test_free(*state);
    return 0;
}

#define IN_WORLD(name) \
    cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

static inline struct store_account account_with_grant(struct slice id)
{
    return (struct store_account){
        .id = id,
        .tenant = SLICE("t1"),
        .integration = SLICE("netsuite"),
        .name = SLICE("Hansen"),
        .environment = SLICE(""),
        .lane = SLICE("netsuite:1"),
        .state = SLICE("active"),
        .cause = SLICE(""),
        .scheme = SLICE("netsuite_oauth2"),
        .connection = SLICE("{}"),
        .auth = SLICE("{}"),
        .governor = SLICE("{}"),
        .overrides = SLICE("{}"),
    };
}

#endif
