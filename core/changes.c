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
/* What is damaged stays so, and each try is logged by the store. */
#define UNREAD_PAUSE_MS 10000

struct changes {
    struct gateway *gateway;
    struct loop_timer *timer;
    struct loop_timer *more; /* accounts to look at at the next turn; or NULL */
    bool ceilings_due, accounts_due;
    int64_t unread_ms; /* accounts that could not be read are not tried again before */
    uint64_t seen;     /* store_generation() of the last look */
    uint64_t environments; /* a sum over their versions */
    int64_t grants_ms;     /* when new grants are looked for next */
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

static void on_more(void *ctx);

/* What could not be read is tried again later, and keeps nothing else back. Their
 * lanes are shown before anybody calls; many are taken over a page in each turn of the loop. */
static void look_at_accounts(struct changes *changes)
{
    struct gateway *gateway = changes->gateway;
    bool is_more = false;
    if (changes->ceilings_due) {
        changes->ceilings_due = gateway_read_ceilings(gateway) != ERR_OK;
    }
    int64_t now_ms = gateway_mono_us(gateway) / 1000;
    if (changes->accounts_due && now_ms >= changes->unread_ms) {
        enum err err = accounts_look_for_added(gateway->accounts, &is_more);
        changes->accounts_due = err != ERR_OK || is_more;
        changes->unread_ms = err != ERR_OK ? now_ms + UNREAD_PAUSE_MS : 0;
    }
    if (is_more && changes->more == NULL) {
        changes->more = loop_timer_start(gateway->parts.loop, 0, on_more, changes);
    }
    turnstile_settle(gateway->turnstile);
}

static void on_more(void *ctx)
{
    struct changes *changes = ctx;
    changes->more = NULL;
    if (!changes->gateway->stopped) {
        look_at_accounts(changes);
    }
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
    bool is_new = generation != changes->seen && !gateway->stopped;
    changes->ceilings_due = changes->ceilings_due || is_new;
    changes->accounts_due = changes->accounts_due || is_new;
    if ((changes->ceilings_due || changes->accounts_due) && !gateway->stopped) {
        look_at_accounts(changes);
    }
    if (is_new) {
        changes->seen = generation;
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
        loop_timer_stop(changes->more);
        free(changes);
    }
}
