/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any path segment and any Authorization value, against a store that holds one living
 * token of each kind: only their exact spelling is let in.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/principal.h"
#include "base/clock.h"

#define NOW_MS INT64_C(1795000000000)

struct world {
    struct clock clock;
    struct log log;
    struct arena *arena;
    struct keys *keys;
    struct store *store;
    struct minted url, api;
};

static const char keys_json[] =
    "{\"signing_key\":"
    "\"0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9\","
    "\"vault_keys\":[{\"id\":\"k1\","
    "\"key\":\"ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\"}]}";

static void fill(struct world *world)
{
    struct store_batch *batch = store_batch_new();

    world->url = principal_mint_url_token(world->keys, world->arena);
    world->api = principal_mint_api_token(world->keys, world->arena);
    store_insert_account(batch, &(struct store_account){.id = SLICE("acc_a")});
    store_insert_server(
        batch, &(struct store_server){.id = SLICE("mcp_a"), .account = SLICE("acc_a")});
    store_insert_url_token(
        batch, &(struct store_url_token){world->url.hash, SLICE("mcp_a"), 0});
    store_insert_api_token(batch, &(struct store_api_token){.id = SLICE("tok_a"),
                                                            .hash = world->api.hash,
                                                            .role = SLICE("admin")});
    REQUIRE(store_commit_now(world->store, batch) == ERR_OK);
}

/* Lives as long as the fuzzer; the file has no name any more. */
static struct world *begin(void)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    struct world *world = calloc(1, sizeof *world);
    char folder[] = "/tmp/sluice-fuzz-XXXXXX", path[64];
    struct slice problem;

    REQUIRE(world != NULL && mkdtemp(folder) != NULL);
    world->clock = clock_system();
    world->log = (struct log){.fd = STDERR_FILENO, .clock = &world->clock};
    world->arena = arena_new();
    REQUIRE(keys_parse(slice_str(keys_json), world->arena, &world->keys, &problem) ==
            ERR_OK);
    (void)snprintf(path, sizeof path, "%s/store", folder);
    REQUIRE(store_open(loop_new(), &world->log, path, &world->store) == ERR_OK);
    fill(world);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/store%s", folder, endings[i]);
        REQUIRE(unlink(path) == 0);
    }
    REQUIRE(rmdir(folder) == 0);
    return world;
}

static void try_url(const struct world *world, struct slice token, struct arena *arena)
{
    struct store_server server;
    enum err err =
        principal_by_url(world->keys, world->store, token, NOW_MS, arena, &server);

    REQUIRE(err == (slice_eq(token, world->url.raw) ? ERR_OK : ERR_UNAUTHORIZED));
}

/* "bearer" in any case, a space, blanks, the token, blanks: read from both ends. */
static bool is_let_in(const struct world *world, struct slice value)
{
    struct slice raw = world->api.raw, scheme = SLICE("bearer ");

    if (value.len < scheme.len ||
        !slice_eq_nocase(slice_of(value.ptr, scheme.len), scheme)) {
        return false;
    }
    return slice_eq(slice_trim(slice_from(value, scheme.len)), raw);
}

static void try_bearer(const struct world *world, struct slice value,
                       struct arena *arena)
{
    struct principal who;
    enum err err =
        principal_by_bearer(world->keys, world->store, value, NOW_MS, arena, &who);

    REQUIRE(err == (is_let_in(world, value) ? ERR_OK : ERR_UNAUTHORIZED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world *world;
    struct slice input = slice_of((const char *)data, size);
    struct arena *arena;

    if (world == NULL) {
        world = begin();
    }
    arena = arena_new();
    struct slice url = world->url.raw, api = world->api.raw;
    try_url(world, input, arena);
    try_url(world, arena_printf(arena, "%.*s%.*s", SLICE_ARG(url), SLICE_ARG(input)),
            arena);
    try_url(world, arena_printf(arena, "%.*s%.*s", SLICE_ARG(input), SLICE_ARG(url)),
            arena);
    if (size >= 2) { /* one changed byte of the living token */
        char *changed = arena_copy(arena, url);
        changed[data[0] % url.len] = (char)data[1];
        try_url(world, slice_of(changed, url.len), arena);
    }
    try_bearer(world, input, arena);
    try_bearer(world, arena_printf(arena, "%.*s%.*s", SLICE_ARG(input), SLICE_ARG(api)),
               arena);
    try_bearer(world,
               arena_printf(arena, "Bearer %.*s%.*s", SLICE_ARG(api), SLICE_ARG(input)),
               arena);
    arena_free(arena);
    return 0;
}
