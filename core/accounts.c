/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts ready for use. The map holds one reference, every running call another: a
 * change of credentials never pulls them from under a request that is being signed.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "core/accounts_private.h"
#include "core/login_leases.h"
#include "core/logins.h"
#include "core/standing.h"
#include "core/turnstile.h"

/* Also of an account that nobody calls: what is not renewed is lost. But nothing is begun that
 * the end of the server would cut. */
static enum err renew_grant(void *ctx, struct slice id)
{
    struct account *account = NULL;
    if (((const struct accounts *)ctx)->gateway->draining) {
        return ERR_UNAVAILABLE;
    }
    enum err err = accounts_get(ctx, id, &account);
    if (err == ERR_OK) {
        struct credential *credential = logins_with_grant(account);
        err = credential != NULL ? outbound_renew_ahead(credential) : ERR_NOT_FOUND;
        account_drop(account);
    }
    return err;
}

static void end_grant(void *ctx, struct slice id, const struct token_outcome *outcome)
{
    (void)outcome;
    standing_end_grant(ctx, id);
}

struct accounts *accounts_new(struct gateway *gateway)
{
    struct accounts *accounts = calloc(1, sizeof *accounts);
    REQUIRE(accounts != NULL);
    accounts->gateway = gateway;
    accounts->slab = slab_new();
    accounts->by_id = map_new();
    accounts->worked = map_new();
    accounts->skipped = map_new();
    accounts->lockout = lockout_new();
    accounts->user_lockout = lockout_new();
    accounts->login_leases =
        login_leases_new(gateway, accounts->lockout, accounts->user_lockout);
    const struct login_keeper keeper = login_leases_keeper(accounts->login_leases);
    accounts->login_turns = login_turns_new(gateway->parts.loop, &keeper);
    login_leases_use(accounts->login_leases, accounts->login_turns);
    list_init(&accounts->ready);
    grants_set_hooks(gateway->parts.grants,
                     &(struct grant_hooks){renew_grant, end_grant, accounts});
    return accounts;
}

static void drop_account(void *ctx, struct slice key, void *value)
{
    (void)ctx;
    (void)key;
    account_drop(value);
}

void accounts_free(struct accounts *accounts)
{
    if (accounts == NULL) {
        return;
    }
    map_each(accounts->by_id, drop_account, NULL);
    map_free(accounts->by_id);
    map_free(accounts->worked);
    map_free(accounts->skipped);
    lockout_free(accounts->lockout);
    lockout_free(accounts->user_lockout);
    login_leases_free(accounts->login_leases);
    login_turns_free(accounts->login_turns);
    slab_free(accounts->slab);
    free(accounts);
}

bool account_is_current(const struct account *account)
{
    return account->record.version == 0 || account->apart ||
           map_get(account->owner->by_id, account->record.id) == account;
}

enum err accounts_restore(struct accounts *accounts)
{
    char after[64] = "";
    size_t after_len = 0;
    enum err marked =
        store_mark_accounts(accounts->gateway->parts.store, &accounts->mark);
    if (marked != ERR_OK) {
        return marked;
    }
    for (;;) {
        struct arena *arena = arena_new();
        struct store_account *records = NULL;
        size_t count = 0;
        enum err err = store_list_accounts(accounts->gateway->parts.store, SLICE_EMPTY,
                                           slice_of(after, after_len), LIMIT_PAGE,
                                           arena, &records, &count);
        for (size_t i = 0; err == ERR_OK && i < count; i++) {
            err = account_announce(accounts, &records[i], false, arena);
        }
        if (err == ERR_OK && count > 0) {
            struct slice last = records[count - 1].id;
            REQUIRE(last.len < sizeof after);
            memcpy(after, last.ptr, last.len);
            after_len = last.len;
        }
        arena_free(arena);
        if (err != ERR_OK || count == 0) {
            return err;
        }
    }
}

static void forget(struct accounts *accounts, struct slice id)
{
    struct account *account = map_remove(accounts->by_id, id);
    if (account != NULL) {
        list_remove(&account->ready);
        account_drop(account);
    }
}

/* The longest unused that nobody works with; more than the limit only while all are in use. */
static void make_room(struct accounts *accounts)
{
    if (map_count(accounts->by_id) < accounts->gateway->parts.config->ready_accounts) {
        return;
    }
    LIST_FOREACH (node, &accounts->ready) {
        struct account *account = LIST_ENTRY(node, struct account, ready);
        if (account->holders == 1) {
            if (account->standing.worked_us > 0 && !account->standing.on_trial) {
                map_put(accounts->worked, account->record.id,
                        (void *)(intptr_t)account->standing.worked_us);
            }
            forget(accounts, account->record.id);
            return;
        }
    }
}

/* Whether the stored record is what the account was built from, or what is being stored of it
 * (standing.c counts the version up before). */
static bool is_same(const struct account *account, const struct store_account *record)
{
    return account->record.version > record->version ||
           (account->record.version == record->version &&
            account->record.updated_ms == record->updated_ms);
}

/* What another process has made of it, which says nothing of what has changed: a login has to
 * prove itself here as after a start. Its calls that wait are told when it is closed now. */
static void take_over_change(struct accounts *accounts, struct slice id)
{
    struct account *account = NULL;
    accounts_changed(accounts, id, LOGIN_NEW);
    account = map_get(accounts->by_id, id);
    if (account != NULL && standing_is_closed(account)) {
        standing_end_line(account);
    }
}

/* *account is the cached one: where others write the store too, it is looked whether it still
 * holds. NULL: it is to be built anew. */
static enum err follow(struct accounts *accounts, struct account **account)
{
    struct store *store = accounts->gateway->parts.store;
    uint64_t generation = store_generation(store);
    if ((*account)->seen == generation) {
        return ERR_OK;
    }
    struct arena *arena = arena_new();
    struct store_account record;
    struct slice id = arena_slice(arena, (*account)->record.id);
    enum err err = store_get_account(store, id, arena, &record);
    if (err == ERR_NOT_FOUND) {
        accounts_removed(accounts, id);
    } else if (err == ERR_OK && is_same(*account, &record)) {
        (*account)->seen = generation;
    } else if (err == ERR_OK) {
        take_over_change(accounts, id);
        *account = map_get(accounts->by_id, id);
    }
    arena_free(arena);
    return err;
}

enum err accounts_get(struct accounts *accounts, struct slice id, struct account **out)
{
    struct account *account = map_get(accounts->by_id, id);
    if (account != NULL) {
        account_ahead(account);
        enum err err = follow(accounts, &account);
        if (err != ERR_OK) {
            return err;
        }
    }
    if (account != NULL && account_refresh(account) != ERR_OK) {
        return ERR_INTERNAL;
    }
    if (account == NULL) {
        enum err err = account_load(accounts, id, &account);
        if (err != ERR_OK) {
            return err;
        }
        intptr_t worked_us = (intptr_t)map_remove(accounts->worked, id);
        if (worked_us > 0) {
            standing_recall(account, worked_us);
        }
        make_room(accounts);
        map_put(accounts->by_id, id, account);
        account_tell_governor(account);
    }
    list_remove(&account->ready);
    list_push(&accounts->ready, &account->ready);
    credential_ahead(account->credential);
    *out = account_hold(account);
    return ERR_OK;
}

struct account *account_now(struct account *account)
{
    struct account *now = NULL;
    if (account_is_current(account) ||
        accounts_get(account->owner, account->record.id, &now) != ERR_OK) {
        return account_hold(account);
    }
    return now;
}

static void inherit(struct accounts *accounts, struct slice id, struct account *before,
                    enum login_change change)
{
    struct account *account = NULL;
    bool is_forgiven = change == LOGIN_NEW && !lockout_is_empty(accounts->lockout);
    if ((before != NULL || is_forgiven) &&
        accounts_get(accounts, id, &account) == ERR_OK) {
        standing_inherit(account, before, change);
        account_drop(account);
    }
    account_drop(before);
}

static void log_not_read(struct accounts *accounts, struct slice id, enum err err)
{
    log_event(accounts->gateway->parts.log, LOG_ERROR, "account_not_read",
              LOG_ID(account, id), LOG_NAME(cause, err_code(err)));
}

/* The governor hears of it now; all else is made ready when somebody calls. Those in line
 * are let in one at a time until it is known how the new one's login stands. */
void accounts_changed(struct accounts *accounts, struct slice id,
                      enum login_change change)
{
    const struct gateway_parts *parts = &accounts->gateway->parts;
    struct arena *arena = arena_new();
    struct store_account record;
    struct account *before = map_get(accounts->by_id, id);
    before = before != NULL ? account_hold(before) : NULL;
    (void)map_remove(accounts->worked, id);
    forget(accounts, id);
    enum err err = store_get_account(parts->store, id, arena, &record);
    if (err == ERR_OK) {
        err = account_announce(accounts, &record,
                               before != NULL && standing_locks(record.scheme), arena);
    }
    grants_changed(parts->grants, id);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        log_not_read(accounts, id, err);
    }
    inherit(accounts, id, before, change);
    arena_free(arena);
}

/* ERR_IO: what cannot be read now may be, later. */
static enum err announce_added(struct accounts *accounts,
                               const struct store_added_account *added)
{
    const struct gateway_parts *parts = &accounts->gateway->parts;
    struct store_account record = {
        .id = added->id, .tenant = added->tenant, .lane = added->lane};
    if (governor_account_known(parts->governor, added->id) ||
        !gateway_is_home(accounts->gateway, &record)) {
        return ERR_OK;
    }
    struct arena *arena = arena_new();
    enum err err = store_get_account(parts->store, added->id, arena, &record);
    if (err == ERR_OK) {
        err = account_announce(accounts, &record, false, arena);
    }
    arena_free(arena);
    if (err != ERR_OK && err != ERR_NOT_FOUND && err != ERR_IO) {
        log_not_read(accounts, added->id, err);
    }
    return err == ERR_IO ? err : ERR_OK;
}

enum err accounts_look_for_added(struct accounts *accounts, bool *is_more)
{
    struct arena *arena = arena_new();
    struct store_account_mark mark = accounts->mark;
    struct store_added_account *added = NULL;
    struct slice id = SLICE_EMPTY; /* none: the list cannot be read */
    size_t count = 0;
    enum err err = store_list_added_accounts(accounts->gateway->parts.store, &mark,
                                             LIMIT_PAGE, arena, &added, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        id = added[i].id;
        err = announce_added(accounts, &added[i]);
    }
    if (err == ERR_OK) {
        accounts->mark = mark;
    } else if (!accounts->is_stuck) {
        log_not_read(accounts, id, err);
    }
    accounts->is_stuck = err != ERR_OK;
    *is_more = err == ERR_OK && count == LIMIT_PAGE;
    arena_free(arena);
    return err;
}

void accounts_removed(struct accounts *accounts, struct slice id)
{
    struct gateway *gateway = accounts->gateway;
    (void)map_remove(accounts->worked, id);
    (void)map_remove(accounts->skipped, id);
    forget(accounts, id);
    grants_changed(gateway->parts.grants, id);
    governor_account_remove(gateway->parts.governor, id, gateway_mono_us(gateway));
    turnstile_settle(gateway->turnstile);
}
