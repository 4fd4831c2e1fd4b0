/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each stored grant is renewed, whether anybody calls its account or not: a grant that
 * nobody renews is lost. Never more at once than the parts say.
 */
#include "auth/grants.h"

#include <stdlib.h>

#include "auth/grants_private.h"
#include "base/limits.h"
#include "base/map.h"

#define OVERDUE_SPREAD_MS 60000 /* renewals that a stopped server has missed */
#define SOONEST_MS 30000        /* whatever life a token host gives its tokens */
#define UNSTORED_MS 15000 /* for an answer that only this process has: not longer */

/* A stored grant: when it is to be renewed. One for each, also of accounts nobody calls. */
struct planned {
    struct due due;
    int64_t ends_ms; /* the access token that was stored when it was planned */
    int failures;
    bool renewing;
    size_t account_len;
    char account[]; /* key of the map */
};

/* ---- Making and ending ---- */

static void on_alarm(void *ctx)
{
    grants_run(ctx);
}

struct grants *grants_new(const struct grants_parts *parts)
{
    struct grants *grants = calloc(1, sizeof *grants);
    struct arena *arena = arena_new();
    REQUIRE(grants != NULL && parts->most_renewals > 0);
    grants->parts = *parts;
    grants->clock = tokens_clock(parts->tokens);
    grants->planned = map_new();
    grants->plans = due_heap_new();
    grants->looks = due_heap_new();
    grants->alarm = alarm_new(parts->loop, grants->clock, on_alarm, grants);
    list_init(&grants->flights);
    list_init(&grants->unstored);
    struct slice holder = text_new_id(arena, "proc_");
    REQUIRE(holder.len < sizeof grants->holder);
    memcpy(grants->holder, holder.ptr, holder.len);
    arena_free(arena);
    return grants;
}

static void free_planned(void *ctx, struct slice key, void *value)
{
    (void)ctx;
    (void)key;
    free(value);
}

void grants_free(struct grants *grants)
{
    if (grants == NULL) {
        return;
    }
    grant_renewals_end(grants);
    map_each(grants->planned, free_planned, NULL);
    map_free(grants->planned);
    alarm_free(grants->alarm);
    due_heap_free(grants->plans);
    due_heap_free(grants->looks);
    free(grants);
}

void grants_set_hooks(struct grants *grants, const struct grant_hooks *hooks)
{
    grants->hooks = *hooks;
}

/* ---- The plan: when each stored grant is renewed ---- */

void grants_set_alarm(struct grants *grants)
{
    alarm_set(grants->alarm, grants_next_ms(grants));
}

int64_t grants_next_ms(const struct grants *grants)
{
    const struct due *plan = grants->renewing < grants->parts.most_renewals
                                 ? due_first(grants->plans)
                                 : NULL;
    const struct due *look = due_first(grants->looks);

    if (plan == NULL || (look != NULL && look->at_ms < plan->at_ms)) {
        plan = look;
    }
    return plan != NULL ? plan->at_ms : 0;
}

static struct planned *plan_of(struct grants *grants, struct slice account)
{
    struct planned *planned = map_get(grants->planned, account);
    if (planned == NULL) {
        planned = calloc(1, sizeof *planned + account.len);
        REQUIRE(planned != NULL);
        planned->account_len = account.len;
        memcpy(planned->account, account.ptr, account.len);
        map_put(grants->planned, account, planned);
    }
    return planned;
}

void grants_unplan(struct grants *grants, struct slice account)
{
    struct planned *planned = map_remove(grants->planned, account);
    if (planned != NULL) {
        due_clear(grants->plans, &planned->due);
        grants->renewing -= planned->renewing ? 1 : 0;
        free(planned);
        grants_set_alarm(grants); /* its place is another's */
    }
}

/* No longer under way; the next time is set by whoever says how it ended. */
static void settle(struct grants *grants, struct planned *planned)
{
    grants->renewing -= planned->renewing ? 1 : 0;
    planned->renewing = false;
}

void grants_plan(struct grants *grants, struct slice account, int64_t ends_ms)
{
    struct planned *planned = plan_of(grants, account);
    int64_t now = grants_now_ms(grants), at_ms = token_renewal_ms(now, ends_ms);
    settle(grants, planned);
    planned->failures = 0;
    planned->ends_ms = ends_ms;
    due_set(grants->plans, &planned->due,
            at_ms > now + SOONEST_MS ? at_ms : now + SOONEST_MS);
    grants_set_alarm(grants);
}

void grants_plan_again(struct grants *grants, struct slice account)
{
    struct planned *planned = plan_of(grants, account);
    settle(grants, planned);
    planned->failures++;
    int64_t wait_ms = token_retry_ms(planned->failures);
    if (wait_ms > UNSTORED_MS && grants_unstored(grants, account) != NULL) {
        wait_ms = UNSTORED_MS;
    }
    due_set(grants->plans, &planned->due, grants_now_ms(grants) + wait_ms);
    grants_set_alarm(grants);
}

/* What a server that stood still has missed is spread, not done all at once. */
static void plan_restored(struct grants *grants, const struct store_grant *grant)
{
    int64_t now = grants_now_ms(grants);
    uint32_t random;
    grants_plan(grants, grant->account, grant->access_ends_ms);
    struct planned *planned = plan_of(grants, grant->account);
    if (planned->due.at_ms <= now + SOONEST_MS) {
        random_bytes(&random, sizeof random);
        due_set(grants->plans, &planned->due,
                now + (int64_t)(random % (OVERDUE_SPREAD_MS + 1)));
    }
}

static enum err release_all(struct grants *grants)
{
    struct store_batch *batch = store_batch_new();
    store_release_all_grants(batch);
    return store_commit_now(grants->parts.store, batch);
}

enum err grants_restore(struct grants *grants, bool alone)
{
    char after[64] = "";
    size_t after_len = 0, count = 1;
    enum err err = alone ? release_all(grants) : ERR_OK;

    while (err == ERR_OK && count > 0) {
        struct arena *arena = arena_new();
        struct store_grant *list = NULL;
        err = store_list_grants(grants->parts.store, slice_of(after, after_len),
                                LIMIT_PAGE, arena, &list, &count);
        for (size_t i = 0; err == ERR_OK && i < count; i++) {
            if (map_get(grants->planned, list[i].account) == NULL) {
                plan_restored(grants, &list[i]);
            }
        }
        if (err == ERR_OK && count > 0) {
            struct slice last = list[count - 1].account;
            REQUIRE(last.len < sizeof after);
            memcpy(after, last.ptr, last.len);
            after_len = last.len;
        }
        arena_free(arena);
    }
    grants_set_alarm(grants);
    return err;
}

void grants_changed(struct grants *grants, struct slice account)
{
    struct arena *arena = arena_new();
    struct store_grant grant = {.version = 0};
    if (store_get_grant(grants->parts.store, account, arena, &grant) == ERR_OK) {
        grants_plan(grants, account, grant.access_ends_ms);
    } else {
        grants_unplan(grants, account);
    }
    grants_forget_outdated(grants, account, grant.version);
    arena_free(arena);
}

/* ---- Time ---- */

/* Another process has renewed it since this one planned to: its end is the new plan. */
static bool is_renewed_already(struct grants *grants, const struct planned *planned,
                               struct slice account)
{
    struct arena *arena = arena_new();
    struct store_grant grant;
    bool is_renewed =
        store_get_grant(grants->parts.store, account, arena, &grant) == ERR_OK &&
        grant.access_ends_ms > planned->ends_ms;
    if (is_renewed) {
        grants_plan(grants, account, grant.access_ends_ms);
    }
    arena_free(arena);
    return is_renewed;
}

/* The flight's end says when the next is. */
static void renew(struct grants *grants, const struct planned *planned,
                  struct slice account)
{
    struct token_source *unstored = grants_unstored(grants, account);
    if (unstored == NULL && is_renewed_already(grants, planned, account)) {
        return;
    }
    enum err err = unstored != NULL ? token_source_renew(unstored)
                                    : grants->hooks.renew(grants->hooks.ctx, account);
    if (err == ERR_NOT_FOUND) {
        grants_unplan(grants, account);
    } else if (err != ERR_OK) {
        grants_plan_again(grants, account);
    }
}

static void run_plans(struct grants *grants, int64_t now)
{
    struct due *due = due_first(grants->plans);
    while (due != NULL && due->at_ms <= now &&
           grants->renewing < grants->parts.most_renewals) {
        struct planned *planned = LIST_ENTRY(due, struct planned, due);
        char account[64];
        size_t len = planned->account_len;
        REQUIRE(len < sizeof account);
        memcpy(account, planned->account, len);
        due_clear(grants->plans, due);
        planned->renewing = true;
        grants->renewing++;
        renew(grants, planned, slice_of(account, len));
        due = due_first(grants->plans);
    }
}

void grants_run(struct grants *grants)
{
    int64_t now = grants_now_ms(grants);
    grant_renewals_look(grants);
    if (grants->hooks.renew != NULL) {
        run_plans(grants, now);
    }
    grants_set_alarm(grants);
}
