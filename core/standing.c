/* SPDX-License-Identifier: Apache-2.0 */
/* An account's state. One place changes it: put_state(). */
#include "core/standing_private.h"

#include "core/events.h"
#include "core/logins.h"
#include "core/turnstile.h"

#define IDLE_US (INT64_C(600) * 1000000)
#define TOKENS_REFUSED_MOST 3
#define NEEDS_REAUTH SLICE("needs_reauth")
#define DISABLED SLICE("disabled")
/* By the token host: what a person gave is over. */
#define GRANT_REFUSED "grant_refused"

/* ---- Logins ---- */

/* NULL: it is the active one. */
struct account_standby *standing_standby(const struct account *account,
                                         const struct credential *login)
{
    for (size_t i = 0; i < account->standby_count; i++) {
        if (account->standbys[i].credential == login) {
            return &account->standbys[i];
        }
    }
    return NULL;
}

static struct login_standing *standing_of(struct account *account,
                                          const struct credential *login)
{
    struct account_standby *standby = standing_standby(account, login);
    return standby != NULL ? &standby->standing : &account->standing;
}

struct slice standing_scheme_of(const struct account *account,
                                const struct credential *login)
{
    const struct account_standby *standby = standing_standby(account, login);
    return standby != NULL ? standby->scheme : account->record.scheme;
}

bool standing_locks(struct slice scheme)
{
    const struct outbound_scheme *known = outbound_scheme_find(scheme);
    return known != NULL && outbound_scheme_locks(known);
}

bool standing_login_locks(const struct account *account, const struct credential *login)
{
    return standing_locks(standing_scheme_of(account, login));
}

int64_t standing_now_us(const struct account *account)
{
    return gateway_mono_us(account_gateway(account));
}

bool standing_is_disabled(const struct account *account)
{
    return slice_eq(account->record.state, DISABLED);
}

bool standing_needs_reauth(const struct account *account)
{
    return slice_eq(account->record.state, NEEDS_REAUTH);
}

bool standing_is_closed(const struct account *account)
{
    return standing_is_disabled(account) || standing_needs_reauth(account);
}

/* What it shows holds for the account that is kept ready: it was not changed or removed
 * since, and was not made to try a credential. */
bool standing_speaks(const struct account *account)
{
    return account_is_current(account) && !account->apart;
}

/* ---- On trial ---- */

void standing_begin(struct account *account)
{
    account->standing.on_trial = standing_locks(account->record.scheme);
}

static void set_trial(struct account *account, struct login_standing *standing,
                      bool on_trial)
{
    if (standing->on_trial != on_trial) {
        standing->on_trial = on_trial;
        account_tell_governor(account);
    }
}

/* As it stood when another was the active one. */
static struct login_standing stood(const struct account *before, struct slice scheme)
{
    const struct account_standby *standby = logins_standby(before, scheme);
    if (slice_eq(before->record.scheme, scheme)) {
        return before->standing;
    }
    return standby != NULL ? standby->standing
                           : (struct login_standing){.worked_us = 0};
}

void standing_recall(struct account *account, int64_t worked_us)
{
    account->standing.worked_us = worked_us;
    account->standing.on_trial = false; /* standing_call looks how long ago that was */
}

/* A person says that its login is right now. That is no word of what its user has at the ERP. */
static void forgive(struct account *account)
{
    struct arena *arena = arena_new();
    if (standing_locks(account->record.scheme)) {
        lockout_forgive(account_lockout(account),
                        standing_login_key(account, account->credential, arena));
    }
    arena_free(arena);
}

void standing_inherit(struct account *account, const struct account *before,
                      enum login_change change)
{
    for (size_t i = 0; before != NULL && i < account->standby_count; i++) {
        struct account_standby *standby = &account->standbys[i];
        standby->standing = stood(before, standby->scheme);
        standby->standing.on_trial = false; /* the next call by it sees to that */
    }
    if (change == LOGIN_NEW) {
        forgive(account);
    } else if (before != NULL) {
        account->standing = stood(before, account->record.scheme);
        /* The one that is active now may not have worked in this process. */
        account->standing.on_trial =
            standing_locks(account->record.scheme) &&
            (account->standing.on_trial || account->standing.worked_us == 0);
        account->probed_us = before->probed_us;
    }
    account_tell_governor(account);
}

bool standing_is_on_trial(const struct account *account)
{
    bool on_trial = account->standing.on_trial;
    for (size_t i = 0; i < account->standby_count; i++) {
        on_trial = on_trial || account->standbys[i].standing.on_trial;
    }
    return on_trial;
}

/* An account that has calls at the ERP is not idle, however long they take. */
static bool is_idle(const struct account *account)
{
    struct governor_view view =
        governor_look(account_gateway(account)->parts.governor, account->record.id,
                      standing_now_us(account));
    return view.in_flight == 0 && view.queue_depth == 0;
}

void standing_call(struct account *account, const struct credential *login)
{
    struct login_standing *standing = standing_of(account, login);
    bool worked_lately = standing->worked_us > 0 &&
                         standing_now_us(account) - standing->worked_us < IDLE_US;
    if (standing->on_trial || worked_lately || !standing_login_locks(account, login) ||
        (login == account->credential && !is_idle(account))) {
        return;
    }
    standing->worked_us = 0;
    set_trial(account, standing, true);
}

/* One that stands by is called now and then: while nobody calls by it, its trial is not to hold
 * up the others. The next call by it sees to that anew. */
void standing_call_over(struct account *account, const struct credential *login)
{
    struct account_standby *standby = standing_standby(account, login);
    if (standby != NULL && standing_speaks(account)) {
        set_trial(account, &standby->standing, false);
    }
}

bool standing_tries(struct account *account, const struct credential *login,
                    bool verifies)
{
    return standing_login_locks(account, login) &&
           (verifies || standing_of(account, login)->on_trial);
}

bool standing_is_known_good(struct account *account, const struct credential *login)
{
    const struct account_standby *standby = standing_standby(account, login);
    bool proven = standby != NULL ? standby->proven
                                  : account->proven && !standing_needs_reauth(account);
    proven = proven && !account->apart; /* that speaks of the stored one's login */
    return proven || standing_of(account, login)->worked_us > 0;
}

/* ---- The state ---- */

struct change {
    const struct log *log;
    struct arena *arena;
    struct slice id;
};

static void on_stored(void *ctx, enum err err)
{
    struct change *change = ctx;
    if (err != ERR_OK && err != ERR_NOT_FOUND && err != ERR_CONFLICT) {
        log_event(change->log, LOG_ERROR, "standing_not_stored",
                  LOG_ID(account, change->id), LOG_NAME(cause, err_code(err)));
    }
    arena_free(change->arena);
}

/*
 * Over the version that was built from: what became of old credentials must not mark new
 * ones. An account that is not stored yet says so when it is.
 */
static void put_state(struct account *account, struct slice state, struct slice cause,
                      bool proven)
{
    const struct gateway *gateway = account_gateway(account);
    struct store *store = gateway->parts.store;
    account->record.state = state;
    account->record.cause = cause;
    account->proven = proven;
    if (account->record.version == 0) {
        return;
    }
    struct arena *arena = arena_new();
    struct change *change = arena_alloc(arena, sizeof *change);
    *change = (struct change){gateway->parts.log, arena,
                              arena_slice(arena, account->record.id)};
    struct store_account record;
    enum err err = store_get_account(store, change->id, arena, &record);
    if (err != ERR_OK) {
        on_stored(change, err);
        return;
    }
    record.state = state;
    record.cause = cause;
    record.proven = proven;
    int64_t now_ms = record.updated_ms = gateway_wall_ms(gateway);
    account->record.updated_ms = now_ms;
    struct store_batch *batch = store_batch_new();
    store_update_account(batch, &record, account->record.version);
    events_account(batch,
                   slice_eq(state, NEEDS_REAUTH) ? EVENT_ACCOUNT_NEEDS_REAUTH
                                                 : EVENT_ACCOUNT_CONNECTED,
                   &record, now_ms);
    account->record.version++;
    store_commit(store, batch, on_stored, change);
}

/* ---- What calls tell ---- */

/* Not: the ERP took a request that left before it refused another. */
static bool is_newest_word(struct account *account, const struct credential *login,
                           int64_t sent_us)
{
    struct lockout *lockout = account_lockout(account);
    int64_t refused_us = standing_of(account, login)->refused_us;
    if (refused_us > 0 && refused_us >= sent_us) {
        return false;
    }
    if (!standing_login_locks(account, login)) {
        return true;
    }
    standing_user_worked(account, login, sent_us);
    if (lockout_is_empty(lockout)) {
        return true;
    }
    struct arena *arena = arena_new();
    bool is_newest =
        lockout_worked(lockout, standing_login_key(account, login, arena), sent_us);
    arena_free(arena);
    return is_newest;
}

void standing_worked(struct account *account, const struct credential *login,
                     bool proves, int64_t sent_us)
{
    struct login_standing *standing = standing_of(account, login);
    if (!is_newest_word(account, login, sent_us)) {
        return;
    }
    standing->worked_us = standing_now_us(account);
    standing->refusals = 0;
    /* A call may end after its account was changed or removed: what it shows holds for the
     * credentials it was signed with, and those are no longer this account's. */
    if (!standing_speaks(account)) {
        return;
    }
    if (login != account->credential || standing_is_disabled(account)) {
        set_trial(account, standing, false);
        return;
    }
    bool is_new = proves && !account->proven;
    if (is_new || standing_needs_reauth(account)) {
        put_state(account, SLICE("active"), SLICE_EMPTY, account->proven || proves);
    }
    if (is_new) {
        standing->on_trial = false;
        account_tell_governor(account);
    } else {
        set_trial(account, standing, false);
    }
}

void standing_end_line(struct account *account)
{
    struct gateway *gateway = account_gateway(account);
    governor_account_refuse(gateway->parts.governor, account->record.id,
                            gateway_mono_us(gateway));
    turnstile_settle(gateway->turnstile);
}

/* Nothing more is sent; those in line are told. */
static void stop(struct account *account, struct slice cause)
{
    struct gateway *gateway = account_gateway(account);
    account->probed_us = gateway_mono_us(gateway);
    put_state(account, NEEDS_REAUTH, cause, account->proven);
    log_event(gateway->parts.log, LOG_WARN, "account_needs_reauth",
              LOG_ID(account, account->record.id),
              LOG_ID(tenant, account->record.tenant), LOG_ID(cause, cause));
    standing_end_line(account);
}

/* It has to be verified again before a switch, and before a tool is signed with it. */
static void disprove(struct account *account, struct account_standby *standby)
{
    const struct gateway_parts *parts = &account_gateway(account)->parts;
    if (!standby->proven) {
        return;
    }
    standby->proven = false;
    standby->standing.worked_us = 0;
    log_event(parts->log, LOG_WARN, "standby_refused",
              LOG_ID(account, account->record.id),
              LOG_ID(tenant, account->record.tenant), LOG_ID(way, standby->scheme));
    struct arena *arena = arena_new();
    struct change *change = arena_alloc(arena, sizeof *change);
    *change =
        (struct change){parts->log, arena, arena_slice(arena, account->record.id)};
    struct store_batch *batch = store_batch_new();
    store_prove_credential(batch, change->id, standby->scheme, false);
    store_commit(parts->store, batch, on_stored, change);
    set_trial(account, &standby->standing, false); /* it is not called by any more */
}

/* That login is not sent again: it was refused as often as it may be. */
void standing_stop_login(struct account *account, const struct credential *login)
{
    struct account_standby *standby = standing_standby(account, login);
    if (standby != NULL) {
        disprove(account, standby);
    } else if (!standing_is_closed(account)) {
        stop(account, SLICE(LOGIN_REFUSED));
    }
}

static void refuse_password(struct account *account, const struct credential *login)
{
    struct login_standing *standing = standing_of(account, login);
    struct lockout *lockout = account_lockout(account);
    struct arena *arena = arena_new();
    struct slice key = standing_login_key(account, login, arena);
    int count = lockout_refused(lockout, key, LOCKOUT_US, standing_now_us(account));
    standing_user_refused(account, login);
    if (standing_speaks(account)) {
        bool has_worked = standing->worked_us > 0;
        if (login != account->credential || !has_worked ||
            count >= LOCKOUT_CALLS_MOST) {
            if (account->record.version > 0) {
                lockout_stopped(lockout, key, standing_now_us(account));
            }
            standing_stop_login(account, login);
        } else {
            set_trial(account, standing, true); /* may be the ERP's own trouble */
        }
    }
    arena_free(arena);
}

/* Calls at the same time share a token: that counts as one. */
static void refuse_token(struct account *account, const struct credential *login,
                         uint64_t version)
{
    struct login_standing *standing = standing_of(account, login);
    if (version == 0 || version == standing->refused_version) {
        return;
    }
    standing->refused_version = version;
    standing->refusals++;
    if (standing->refusals >= TOKENS_REFUSED_MOST && login == account->credential &&
        standing_speaks(account) && !standing_is_closed(account)) {
        stop(account, SLICE(TOKEN_REFUSED));
    }
}

void standing_refuse(struct account *account, const struct credential *login,
                     uint64_t token_version)
{
    standing_of(account, login)->refused_us = standing_now_us(account);
    if (standing_login_locks(account, login)) {
        refuse_password(account, login);
    } else {
        refuse_token(account, login, token_version);
    }
}

void standing_refuse_client(struct account *account, const struct credential *login)
{
    const struct outbound_scheme *scheme = outbound_scheme_find(account->record.scheme);
    if (login == account->credential && standing_speaks(account) &&
        !standing_is_closed(account) && !outbound_scheme_has_grant(scheme)) {
        stop(account, SLICE(CLIENT_REFUSED));
    }
}

void standing_take_client(struct account *account, const struct credential *login)
{
    if (login == account->credential && standing_speaks(account) &&
        standing_needs_reauth(account) &&
        slice_is(account->record.cause, CLIENT_REFUSED)) {
        put_state(account, SLICE("active"), SLICE_EMPTY, account->proven);
    }
}

static void end_standby_grant(struct account *account)
{
    for (size_t i = 0; i < account->standby_count; i++) {
        struct account_standby *standby = &account->standbys[i];
        if (outbound_scheme_has_grant(outbound_scheme_find(standby->scheme))) {
            disprove(account, standby);
        }
    }
}

void standing_end_grant(struct accounts *accounts, struct slice id)
{
    struct account *account = NULL;
    if (accounts_get(accounts, id, &account) != ERR_OK) {
        return;
    }
    if (logins_with_grant(account) != account->credential) {
        end_standby_grant(account);
    } else if (!standing_is_closed(account)) {
        stop(account, SLICE(GRANT_REFUSED));
    }
    account_drop(account);
}

void standing_disable(struct accounts *accounts, struct slice id)
{
    struct account *account = NULL;
    if (accounts_get(accounts, id, &account) == ERR_OK) {
        account->record.state = DISABLED; /* also for those who hold it in line */
        standing_end_line(account);
        account_drop(account);
    }
}
