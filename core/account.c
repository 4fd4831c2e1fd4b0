/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One account: what its record means here, what it is built of, what the governor hears of
 * it, and those of its operations that wait for each other.
 */
#include "base/ahead.h"
#include "base/limits.h"
#include "core/accounts_private.h"
#include "core/catalogs.h"
#include "core/logins.h"
#include "core/standing.h"
#include "core/turnstile.h"

/* What most accounts need, in one piece. */
#define ACCOUNT_BYTES 1280

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

/* ---- What a record means ---- */

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

/* ---- The governor's view ---- */

static void tell_governor(const struct accounts *accounts,
                          const struct store_account *record,
                          const struct account_limits *limits, bool proven,
                          bool on_trial)
{
    struct governor_account account = {
        .id = record->id,
        .tenant = record->tenant,
        .lane = record->lane,
        .joined = proven,
        .on_trial = on_trial,
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

void account_tell_governor(struct account *account)
{
    if (!account->apart) {
        tell_governor(account->owner, &account->record, &account->limits,
                      account->proven, standing_is_on_trial(account));
    }
}

static void log_skipped(struct accounts *accounts, const struct store_account *record)
{
    if (map_get(accounts->skipped, record->id) == NULL) {
        map_put(accounts->skipped, record->id, accounts);
        log_event(accounts->gateway->parts.log, LOG_WARN, "account_skipped",
                  LOG_ID(account, record->id), LOG_ID(integration, record->integration),
                  LOG_WORD(cause, "integration_not_loaded"));
    }
}

enum err account_announce(struct accounts *accounts, const struct store_account *record,
                          bool on_trial, struct arena *arena)
{
    struct meaning meaning;
    struct account_limits limits;
    if (!gateway_is_home(accounts->gateway, record)) {
        return ERR_OK; /* another worker's */
    }
    enum err err = understand(accounts, record, arena, &meaning);
    if (err == ERR_NOT_FOUND) {
        log_skipped(accounts, record);
        return ERR_OK;
    }
    if (err == ERR_OK) {
        err = limits_of_record(accounts, &meaning.target, meaning.integration,
                               record->governor, &limits);
    }
    if (err == ERR_OK) {
        tell_governor(accounts, record, &limits, record->proven, on_trial);
    }
    return err;
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
    struct arena *arena = arena_new_in_slab(accounts->slab, ACCOUNT_BYTES);
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

void account_ahead(const struct account *account)
{
    ahead_fetch(account, ACCOUNT_BYTES);
}

enum err account_load(struct accounts *accounts, struct slice id, struct account **out)
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

/* ---- What its neighbours ask of it ---- */

struct gateway *account_gateway(const struct account *account)
{
    return account->owner->gateway;
}

struct slab *account_slab(const struct account *account)
{
    return account->owner->slab;
}

struct lockout *account_lockout(const struct account *account)
{
    return account->owner->lockout;
}

struct lockout *account_user_lockout(const struct account *account)
{
    return account->owner->user_lockout;
}

struct login_leases *account_login_leases(const struct account *account)
{
    return account->owner->login_leases;
}

struct login_turns *account_login_turns(const struct account *account)
{
    return account->owner->login_turns;
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
