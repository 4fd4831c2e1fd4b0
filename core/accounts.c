/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts ready for use. The map holds one reference, every running call another: a
 * change of credentials never pulls them from under a request that is being signed.
 */
#include "core/accounts.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/map.h"
#include "core/catalogs.h"
#include "core/logins.h"
#include "core/standing.h"
#include "core/turnstile.h"

/* What most accounts need, in one piece. */
#define ACCOUNT_BYTES 1280

struct accounts {
    struct gateway *gateway;
    struct map *by_id; /* those kept ready, one hold each */
    struct list ready; /* the same */
    /* When the logins of those put away last worked, in monotonic microseconds: they are not
     * on trial for having been put away. */
    struct map *worked;
    struct lockout *lockout;
    struct login_turns *login_turns;
};

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
    accounts->by_id = map_new();
    accounts->worked = map_new();
    accounts->lockout = lockout_new();
    accounts->login_turns = login_turns_new(gateway->parts.loop);
    list_init(&accounts->ready);
    grants_set_hooks(gateway->parts.grants,
                     &(struct grant_hooks){renew_grant, end_grant, accounts});
    return accounts;
}

struct account *account_hold(struct account *account)
{
    account->holders++;
    return account;
}

void account_drop(struct account *account)
{
    if (account == NULL) {
        return;
    }
    account->holders--;
    if (account->holders == 0) {
        if (account->session != NULL) {
            account->connector->session_free(account->session);
        }
        logins_free(account);
        catalog_free(account->catalog);
        arena_free(account->arena);
    }
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
    lockout_free(accounts->lockout);
    login_turns_free(accounts->login_turns);
    free(accounts);
}

/* What an account's record means here: its integration, its connector, its upstream. */
struct meaning {
    const struct integration *integration; /* as its files have it, lent */
    const struct connector *connector;
    struct op_target target;
};

/* The target is in `arena`, without the connection it was made from. ERR_NOT_FOUND: the
 * integration is not loaded; ERR_INTERNAL: the record cannot be read. */
static enum err understand(const struct accounts *accounts,
                           const struct store_account *record, struct arena *arena,
                           struct meaning *out)
{
    struct jval *connection = NULL;
    struct fault fault = {0};
    out->integration = catalog_integration(
        catalogs_current(accounts->gateway->catalogs), record->integration);
    out->connector = connector_find(record->integration);
    if (out->integration == NULL || out->connector == NULL) {
        return ERR_NOT_FOUND;
    }
    struct arena *scratch = arena_new();
    enum err err = jval_parse(scratch, record->connection, &connection, NULL);
    if (err == ERR_OK) {
        err = out->connector->connect(arena, scratch, connection, &out->target, &fault);
        out->target.connection = NULL;
    }
    arena_free(scratch);
    return err == ERR_OK ? ERR_OK : ERR_INTERNAL;
}

static enum err limits_of_record(const struct accounts *accounts,
                                 const struct op_target *target,
                                 const struct integration *integration,
                                 struct slice json, struct account_limits *out)
{
    struct arena *arena = arena_new();
    struct jval *value = NULL;
    struct fault fault = {0};
    enum err err = jval_parse(arena, json, &value, NULL);
    if (err == ERR_OK) {
        err = account_limits_parse(value, arena, out, &fault);
    }
    arena_free(arena);
    if (err != ERR_OK) {
        return ERR_INTERNAL;
    }
    account_limits_complete(out, target->default_ceiling, integration,
                            accounts->gateway->parts.config);
    return ERR_OK;
}

/* ---- The governor's view of an account ---- */

static void tell_governor(const struct accounts *accounts,
                          const struct store_account *record,
                          const struct account_limits *limits, bool proven)
{
    struct governor_account account = {
        .id = record->id,
        .tenant = record->tenant,
        .lane = record->lane,
        .joined = proven,
        .ceiling = limits->ceiling,
        .queue_limit = limits->queue_limit,
        .queue_wait_us = limits->queue_wait_ms * 1000,
        .calls = {limits->calls_per_minute, limits->calls_burst},
        .writes = {limits->writes_per_minute, limits->writes_burst},
    };
    struct gateway *gateway = accounts->gateway;
    governor_account_set(gateway->parts.governor, &account, gateway_mono_us(gateway));
    governor_account_pace(gateway->parts.governor, record->id, limits->latency_factor);
    turnstile_settle(gateway->turnstile);
}

struct gateway *account_gateway(const struct account *account)
{
    return account->owner->gateway;
}

struct lockout *account_lockout(const struct account *account)
{
    return account->owner->lockout;
}

struct login_turns *account_login_turns(const struct account *account)
{
    return account->owner->login_turns;
}

void account_tell_governor(struct account *account)
{
    struct account_limits limits = account->limits;
    if (account->apart) {
        return;
    }
    limits.ceiling = standing_ceiling(account);
    tell_governor(account->owner, &account->record, &limits, account->proven);
}

bool account_is_current(const struct account *account)
{
    return account->record.version == 0 || account->apart ||
           map_get(account->owner->by_id, account->record.id) == account;
}

static enum err restore_one(struct accounts *accounts,
                            const struct store_account *record, bool one_at_a_time,
                            struct arena *arena)
{
    struct meaning meaning;
    struct account_limits limits;
    if (!gateway_is_home(accounts->gateway, record)) {
        return ERR_OK; /* another worker's */
    }
    enum err err = understand(accounts, record, arena, &meaning);
    if (err == ERR_NOT_FOUND) {
        log_event(accounts->gateway->parts.log, LOG_WARN, "account_skipped",
                  LOG_ID(account, record->id), LOG_ID(integration, record->integration),
                  LOG_WORD(cause, "integration_not_loaded"));
        return ERR_OK;
    }
    if (err == ERR_OK) {
        err = limits_of_record(accounts, &meaning.target, meaning.integration,
                               record->governor, &limits);
    }
    if (err == ERR_OK) {
        limits.ceiling = one_at_a_time ? 1 : limits.ceiling;
        tell_governor(accounts, record, &limits, record->proven);
    }
    return err;
}

enum err accounts_restore(struct accounts *accounts)
{
    char after[64] = "";
    size_t after_len = 0;
    for (;;) {
        struct arena *arena = arena_new();
        struct store_account *records = NULL;
        size_t count = 0;
        enum err err = store_list_accounts(accounts->gateway->parts.store, SLICE_EMPTY,
                                           slice_of(after, after_len), LIMIT_PAGE,
                                           arena, &records, &count);
        for (size_t i = 0; err == ERR_OK && i < count; i++) {
            err = restore_one(accounts, &records[i], false, arena);
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

/* ---- Building ---- */

/* Connection and auth are only lent, until use_up(). */
static void copy_record(struct account *account, const struct store_account *from)
{
    struct arena *arena = account->arena;
    struct store_account *to = &account->record;
    *to = *from;
    struct slice *const texts[] = {&to->id,        &to->tenant,      &to->integration,
                                   &to->name,      &to->lane,        &to->state,
                                   &to->cause,     &to->scheme,      &to->governor,
                                   &to->overrides, &to->environment, &to->reauth_url};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = arena_slice(arena, *texts[i]);
    }
    account->proven = from->proven;
}

static void resolve_reauth_url(struct account *account)
{
    struct arena *arena = arena_new();
    struct store_environment environment = {.reauth_url = SLICE_EMPTY};
    struct slice url = account->record.reauth_url;
    if (url.len == 0 && account->record.environment.len > 0 &&
        store_get_environment(account->owner->gateway->parts.store,
                              account->record.environment, arena,
                              &environment) == ERR_OK) {
        url = environment.reauth_url;
    }
    if (!slice_eq(url, account->reauth_url)) {
        account->reauth_url = arena_slice(account->arena, url);
    }
    arena_free(arena);
}

/* To what is in force now: its tools, and the limits that the catalog sets. */
static enum err bind(struct account *account)
{
    struct accounts *accounts = account->owner;
    struct catalogs *catalogs = accounts->gateway->catalogs;
    struct catalog *catalog = NULL;
    enum err err = catalogs_for(catalogs, &account->record, &catalog);
    if (err != ERR_OK) {
        return err;
    }
    catalog_free(account->catalog);
    account->catalog = catalog;
    account->integration = catalog_integration(catalog, account->record.integration);
    account->epoch = catalogs_epoch(catalogs);
    resolve_reauth_url(account);
    return limits_of_record(accounts, &account->target, account->integration,
                            account->record.governor, &account->limits);
}

static enum err resolve_parts(struct accounts *accounts, struct account *account)
{
    struct meaning meaning;
    enum err err = understand(accounts, &account->record, account->arena, &meaning);
    if (err != ERR_OK) {
        return err;
    }
    account->connector = meaning.connector;
    account->target = meaning.target;
    return bind(account);
}

static void use_up(struct account *account)
{
    account->record.connection = account->record.auth = SLICE_EMPTY;
}

static struct account *new_account(struct accounts *accounts,
                                   const struct store_account *record)
{
    struct arena *arena = arena_new_sized(ACCOUNT_BYTES);
    struct account *account = arena_alloc(arena, sizeof *account);
    account->arena = arena;
    account->holders = 1;
    account->owner = accounts;
    list_init(&account->ready);
    list_init(&account->parked);
    copy_record(account, record);
    account->seen = store_generation(accounts->gateway->parts.store);
    standing_begin(account);
    return account;
}

static void open_session(struct account *account)
{
    if (account->connector->session_new != NULL) {
        account->session = account->connector->session_new();
    }
}

/* Everything but the record itself: what fails here is a fault of ours, not "no such
 * account". */
static enum err equip(struct accounts *accounts, struct account *account)
{
    enum err err = resolve_parts(accounts, account);
    if (err == ERR_OK) {
        open_session(account);
        err = logins_load(account);
    }
    use_up(account);
    return err == ERR_OK || err == ERR_IO ? err : ERR_INTERNAL;
}

static enum err load(struct accounts *accounts, struct slice id, struct account **out)
{
    struct arena *arena = arena_new();
    struct store_account record;
    enum err err =
        store_get_account(accounts->gateway->parts.store, id, arena, &record);
    if (err == ERR_OK) {
        struct account *account = new_account(accounts, &record);
        err = equip(accounts, account);
        if (err == ERR_OK) {
            *out = account;
        } else {
            account_drop(account);
        }
    }
    arena_free(arena);
    return err;
}

enum err account_refresh(struct account *account)
{
    struct accounts *accounts = account->owner;
    if (account->epoch == catalogs_epoch(accounts->gateway->catalogs)) {
        return ERR_OK;
    }
    int ceiling = account->limits.ceiling;
    enum err err = bind(account);
    /* One that was replaced or removed meanwhile says nothing any more. */
    if (err == ERR_OK && account->limits.ceiling != ceiling &&
        map_get(accounts->by_id, account->record.id) == account) {
        account_tell_governor(account);
    }
    return err;
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
        enum err err = follow(accounts, &account);
        if (err != ERR_OK) {
            return err;
        }
    }
    if (account != NULL && account_refresh(account) != ERR_OK) {
        return ERR_INTERNAL;
    }
    if (account == NULL) {
        enum err err = load(accounts, id, &account);
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
        err = restore_one(accounts, &record,
                          before != NULL && standing_locks(record.scheme), arena);
    }
    grants_changed(parts->grants, id);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        log_event(parts->log, LOG_ERROR, "account_not_read", LOG_ID(account, id),
                  LOG_NAME(cause, err_code(err)));
    }
    inherit(accounts, id, before, change);
    arena_free(arena);
}

void accounts_removed(struct accounts *accounts, struct slice id)
{
    struct gateway *gateway = accounts->gateway;
    (void)map_remove(accounts->worked, id);
    forget(accounts, id);
    grants_changed(gateway->parts.grants, id);
    governor_account_remove(gateway->parts.governor, id, gateway_mono_us(gateway));
    turnstile_settle(gateway->turnstile);
}

enum err accounts_build_new(struct accounts *accounts,
                            const struct store_account *record, const struct jval *auth,
                            struct account **out)
{
    struct account *account = new_account(accounts, record);
    enum err err = resolve_parts(accounts, account);
    if (err == ERR_OK) {
        open_session(account);
        err = logins_make(account, auth);
    }
    if (err != ERR_OK) {
        account_drop(account);
        return err;
    }
    account_tell_governor(account);
    use_up(account);
    *out = account;
    return ERR_OK;
}

enum err accounts_build_apart(struct accounts *accounts,
                              const struct store_account *record,
                              const struct jval *auth, struct account **out)
{
    struct account *account = new_account(accounts, record);
    account->apart = true;
    enum err err =
        auth == NULL ? equip(accounts, account) : resolve_parts(accounts, account);
    if (err == ERR_OK && auth != NULL) {
        open_session(account);
        err = logins_make(account, auth);
        use_up(account);
    }
    if (err != ERR_OK) {
        account_drop(account);
        return err;
    }
    *out = account;
    return ERR_OK;
}

/* ---- Waiting for each other ---- */

void account_park(struct account *account, struct account_parked *parked)
{
    list_push(&account->parked, &parked->link);
}

static void on_wake_turn(void *ctx)
{
    struct account *account = ctx;
    struct list woken;
    account->waking = false;
    list_init(&woken);
    while (!list_empty(&account->parked)) {
        struct list *node = account->parked.next;
        list_remove(node);
        list_push(&woken, node);
    }
    while (!list_empty(&woken)) {
        struct account_parked *parked =
            LIST_ENTRY(woken.next, struct account_parked, link);
        list_remove(&parked->link);
        parked->wake(parked);
    }
    account_drop(account);
}

void account_wake_parked(struct account *account)
{
    if (account->waking || list_empty(&account->parked)) {
        return;
    }
    account->waking = true;
    loop_soon(account->owner->gateway->parts.loop, on_wake_turn, account_hold(account));
}
