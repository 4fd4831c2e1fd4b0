/* SPDX-License-Identifier: Apache-2.0 */
#include "core/homes.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "governor/governor.h"

struct homes {
    int workers;
    pthread_mutex_t lock; /* guards by_lane */
    struct map *by_lane;  /* the worker's number and one */
};

struct homes *homes_new(int workers)
{
    struct homes *homes = calloc(1, sizeof *homes);
    REQUIRE(homes != NULL && workers > 0);
    REQUIRE(pthread_mutex_init(&homes->lock, NULL) == 0);
    homes->workers = workers;
    homes->by_lane = map_new();
    return homes;
}

void homes_free(struct homes *homes)
{
    if (homes != NULL) {
        map_free(homes->by_lane);
        pthread_mutex_destroy(&homes->lock);
        free(homes);
    }
}

/* The last characters of a text hardly reach the upper bits of FNV-1a, nor the first ones the
 * lowest: a multiplication between two folds mixes them (the finalizer of MurmurHash3). */
static int hashed(const struct homes *homes, struct slice lane)
{
    uint64_t hash = hash_of(lane);
    hash = (hash ^ (hash >> 32)) * UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 32;
    return (int)(hash % (uint64_t)homes->workers);
}

int homes_of_lane(struct homes *homes, struct slice lane)
{
    pthread_mutex_lock(&homes->lock);
    intptr_t known = (intptr_t)map_get(homes->by_lane, lane);
    pthread_mutex_unlock(&homes->lock);
    return (int)known - 1;
}

int homes_count(const struct homes *homes)
{
    return homes->workers;
}

bool homes_shows(struct homes *homes, struct slice lane, int worker)
{
    int home = homes_of_lane(homes, lane);
    return slice_starts(lane, slice_str(GOVERNOR_PRIVATE_LANE)) || home == worker ||
           (home < 0 && worker == 0);
}

/* Whoever says it first is right. */
static int settle(struct homes *homes, struct slice lane, int worker)
{
    pthread_mutex_lock(&homes->lock);
    intptr_t known = (intptr_t)map_get(homes->by_lane, lane);
    if (known == 0) {
        known = worker + 1;
        map_put(homes->by_lane, lane, (void *)known);
    }
    pthread_mutex_unlock(&homes->lock);
    return (int)known - 1;
}

int homes_of_account(struct homes *homes, struct store *store,
                     const struct store_account *account)
{
    int home = homes_of_lane(homes, account->lane);
    if (home >= 0) {
        return home;
    }
    struct arena *arena = arena_new();
    struct store_tenant tenant = {SLICE_EMPTY, 0};
    bool has_ceiling =
        store_get_tenant(store, account->tenant, arena, &tenant) == ERR_OK &&
        tenant.ceiling > 0;
    arena_free(arena);
    return settle(homes, account->lane, has_ceiling ? 0 : hashed(homes, account->lane));
}

/* fn for each account of the tenant. */
static enum err each_account(struct homes *homes, struct store *store,
                             struct slice tenant,
                             void (*fn)(void *ctx, struct homes *homes,
                                        const struct store_account *account),
                             void *ctx)
{
    struct arena *arena = arena_new();
    struct slice after = SLICE_EMPTY;
    enum err err = ERR_OK;
    size_t count = LIMIT_PAGE;
    while (err == ERR_OK && count == LIMIT_PAGE) {
        struct store_account *accounts = NULL;
        err = store_list_accounts(store, tenant, after, LIMIT_PAGE, arena, &accounts,
                                  &count);
        for (size_t i = 0; err == ERR_OK && i < count; i++) {
            fn(ctx, homes, &accounts[i]);
            after = accounts[i].id;
        }
    }
    arena_free(arena);
    return err;
}

static void settle_first(void *ctx, struct homes *homes,
                         const struct store_account *account)
{
    (void)ctx;
    settle(homes, account->lane, 0);
}

enum err homes_restore(struct homes *homes, struct store *store)
{
    struct arena *arena = arena_new();
    struct store_tenant *tenants = NULL;
    size_t count = 0;
    enum err err = store_list_tenants(store, arena, &tenants, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        if (tenants[i].ceiling > 0) {
            err = each_account(homes, store, tenants[i].id, settle_first, NULL);
        }
    }
    arena_free(arena);
    return err;
}

struct spread {
    struct store *store;
    int home; /* of the first account; -1: there is none */
    bool is_mixed;
};

static void look_at_home(void *ctx, struct homes *homes,
                         const struct store_account *account)
{
    struct spread *spread = ctx;
    int home = homes_of_account(homes, spread->store, account);
    spread->is_mixed = spread->is_mixed || (spread->home >= 0 && home != spread->home);
    spread->home = home;
}

enum err homes_tenant_part(struct homes *homes, struct store *store,
                           const struct store_tenant *tenant, int worker, int *part)
{
    struct spread spread = {store, -1, false};
    enum err err = each_account(homes, store, tenant->id, look_at_home, &spread);
    int rest = tenant->ceiling % homes->workers;
    *part = tenant->ceiling;
    if (spread.is_mixed) {
        *part = tenant->ceiling / homes->workers + (worker < rest ? 1 : 0);
    }
    return err;
}
