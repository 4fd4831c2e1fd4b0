/* SPDX-License-Identifier: Apache-2.0 */
#include "core/changes.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "core/accounts.h"
#include "core/calls.h"
#include "core/catalogs.h"
#include "core/turnstile.h"
#include "core/webhooks.h"

#define PLAN_GRANTS_MS 60000

struct changes {
    struct gateway *gateway;
    struct loop_timer *timer;
    uint64_t seen;                      /* store_generation() of the last look */
    uint64_t environments;              /* a sum over their versions */
    struct store_account_mark accounts; /* all up to it are known */
    int64_t grants_ms;                  /* when new grants are looked for next */
    uint64_t grants_seen;
};

/* A row that is new, gone or of another version changes the sum. */
static bool sum_environments(struct gateway *gateway, uint64_t *sum)
{
    struct arena *arena = arena_new();
    struct slice after = SLICE_EMPTY;
    enum err err = ERR_OK;
    size_t count = LIMIT_PAGE;
    *sum = 0;
    while (err == ERR_OK && count == LIMIT_PAGE) {
        struct store_environment *list = NULL;
        err = store_list_environments(gateway->parts.store, after, LIMIT_PAGE, arena,
                                      &list, &count);
        for (size_t i = 0; err == ERR_OK && i < count; i++) {
            *sum += hash_of(list[i].id) * (uint64_t)(2 * list[i].version + 1) +
                    (uint64_t)list[i].updated_ms;
            after = list[i].id;
        }
    }
    arena_free(arena);
    return err == ERR_OK;
}

static void look_at_environments(struct changes *changes)
{
    uint64_t sum = 0;
    if (sum_environments(changes->gateway, &sum) && sum != changes->environments) {
        changes->environments = sum;
        catalogs_changed(changes->gateway->catalogs);
    }
}

/* Their lanes are shown before anybody calls. */
static bool look_at_accounts(struct changes *changes)
{
    struct gateway *gateway = changes->gateway;
    enum err err = ERR_OK;
    size_t count = LIMIT_PAGE;
    while (err == ERR_OK && count == LIMIT_PAGE) {
        struct arena *arena = arena_new();
        struct store_account_mark mark = changes->accounts;
        struct slice *ids = NULL;
        err = store_list_added_accounts(gateway->parts.store, &mark, LIMIT_PAGE, arena,
                                        &ids, &count);
        for (size_t i = 0; err == ERR_OK && i < count; i++) {
            err = accounts_appeared(gateway->accounts, ids[i]);
        }
        if (err == ERR_OK) {
            changes->accounts = mark;
        }
        arena_free(arena);
    }
    return err == ERR_OK;
}

/* Of accounts that another process has connected: it may not be there when they are due. */
static void look_at_grants(struct changes *changes)
{
    struct gateway *gateway = changes->gateway;
    int64_t now_ms = gateway_mono_us(gateway) / 1000;
    if (now_ms < changes->grants_ms || changes->grants_seen == changes->seen) {
        return;
    }
    if (grants_restore(gateway->parts.grants, false) == ERR_OK) {
        changes->grants_ms = now_ms + PLAN_GRANTS_MS;
        changes->grants_seen = changes->seen;
    }
}

void changes_look(struct changes *changes)
{
    if (changes == NULL) {
        return;
    }
    struct gateway *gateway = changes->gateway;
    uint64_t generation = store_generation(gateway->parts.store);
    if (generation != changes->seen && !gateway->stopped &&
        gateway_read_ceilings(gateway) == ERR_OK && look_at_accounts(changes)) {
        changes->seen = generation;
        turnstile_settle(gateway->turnstile);
        look_at_environments(changes);
        calls_look_again(gateway);
        webhooks_look(gateway->webhooks);
    }
    look_at_grants(changes);
}

static void on_look(void *ctx)
{
    changes_look(ctx);
}

struct changes *changes_new(struct gateway *gateway)
{
    struct changes *changes = calloc(1, sizeof *changes);
    REQUIRE(changes != NULL);
    changes->gateway = gateway;
    store_watch(gateway->parts.store);
    if (!sum_environments(gateway, &changes->environments)) {
        changes->environments = 0; /* the first look finds another */
    }
    changes->timer =
        loop_timer_every(gateway->parts.loop, CHANGES_LOOK_MS, on_look, changes);
    return changes;
}

void changes_free(struct changes *changes)
{
    if (changes != NULL) {
        loop_timer_stop(changes->timer);
        free(changes);
    }
}
