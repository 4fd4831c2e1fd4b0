/* SPDX-License-Identifier: Apache-2.0 */
/* An account's state. One place changes it: put_state(). */
#include "core/standing.h"

#include "core/events.h"
#include "core/logins.h"
#include "core/turnstile.h"

#define REFUSALS_MOST 3 /* of the five that lock a user */
#define IDLE_US (INT64_C(10) * 60 * 1000000)
#define NEEDS_REAUTH SLICE("needs_reauth")
#define DISABLED SLICE("disabled")

/* ---- On trial ---- */

static bool locks(const struct account *account)
{
    const struct outbound_scheme *scheme = outbound_scheme_find(account->record.scheme);
    return scheme != NULL && outbound_scheme_locks(scheme);
}

void standing_begin(struct account *account)
{
    account->on_trial = locks(account);
}

static void set_trial(struct account *account, bool on_trial)
{
    if (account->on_trial != on_trial) {
        account->on_trial = on_trial;
        account_tell_governor(account);
    }
}

/* 0 also for a login whose last word was a refusal. */
static int64_t worked_us(const struct account *before, struct slice scheme)
{
    const struct account_standby *standby = logins_standby(before, scheme);
    if (slice_eq(before->record.scheme, scheme)) {
        return before->on_trial ? 0 : before->worked_us;
    }
    return standby != NULL ? standby->worked_us : 0;
}

void standing_recall(struct account *account, int64_t worked_us)
{
    account->worked_us = worked_us;
    account->on_trial = false; /* standing_call looks how long ago that was */
}

void standing_inherit(struct account *account, const struct account *before,
                      enum login_change change)
{
    for (size_t i = 0; i < account->standby_count; i++) {
        struct account_standby *standby = &account->standbys[i];
        standby->worked_us = worked_us(before, standby->scheme);
    }
    if (change == LOGIN_SAME) {
        account->worked_us = before->worked_us;
        set_trial(account, before->on_trial);
    } else if (change == LOGIN_SWITCHED) {
        account->worked_us = worked_us(before, account->record.scheme);
        set_trial(account, locks(account) && account->worked_us == 0);
    }
}

int standing_ceiling(const struct account *account)
{
    return account->on_trial ? 1 : account->limits.ceiling;
}

void standing_call(struct account *account)
{
    const struct gateway *gateway = account_gateway(account);
    int64_t now_us = gateway_mono_us(gateway);
    if (account->on_trial || now_us - account->worked_us < IDLE_US || !locks(account)) {
        return;
    }
    struct governor_view view =
        governor_look(gateway->parts.governor, account->record.id, now_us);
    if (view.in_flight == 0 && view.queue_depth == 0) {
        account->worked_us = 0;
        set_trial(account, true);
    }
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
    struct store_batch *batch = store_batch_new();
    store_update_account(batch, &record, account->record.version);
    events_account(batch,
                   slice_eq(state, NEEDS_REAUTH) ? EVENT_ACCOUNT_NEEDS_REAUTH
                                                 : EVENT_ACCOUNT_CONNECTED,
                   &record, now_ms);
    account->record.version++;
    store_commit(store, batch, on_stored, change);
}

bool standing_needs_reauth(const struct account *account)
{
    return slice_eq(account->record.state, NEEDS_REAUTH);
}

static bool is_disabled(const struct account *account)
{
    return slice_eq(account->record.state, DISABLED);
}

bool standing_is_closed(const struct account *account)
{
    return is_disabled(account) || standing_needs_reauth(account);
}

/* ---- What calls tell ---- */

void standing_worked(struct account *account, bool proves)
{
    account->worked_us = gateway_mono_us(account_gateway(account));
    account->refusals = 0;
    /* A call may end after its account was changed or removed: what it shows holds for the
     * credentials it was signed with, and those are no longer this account's. */
    if (!account_is_current(account) || account->apart) {
        return;
    }
    bool is_new = proves && !account->proven;
    if (is_new || standing_needs_reauth(account)) {
        put_state(account, SLICE("active"), SLICE_EMPTY, account->proven || proves);
    }
    if (is_new) {
        account->on_trial = false;
        account_tell_governor(account);
    } else {
        set_trial(account, false);
    }
}

static void end_line(struct account *account)
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
    put_state(account, NEEDS_REAUTH, cause, account->proven);
    log_event(gateway->parts.log, LOG_WARN, "account_needs_reauth",
              LOG_ID(account, account->record.id),
              LOG_ID(tenant, account->record.tenant), LOG_ID(cause, cause));
    end_line(account);
}

void standing_refuse(struct account *account)
{
    if (!locks(account) || !account_is_current(account) || account->apart ||
        standing_needs_reauth(account)) {
        return; /* a token that is refused was renewed before; its grant is not in doubt */
    }
    account->refusals++;
    bool has_worked = account->worked_us > 0;
    if (!has_worked || account->refusals >= REFUSALS_MOST) {
        stop(account, SLICE("login_refused"));
    } else {
        set_trial(account, true); /* it may have been the ERP's own trouble */
    }
}

/* It has to be verified again before a switch, and before a tool is signed with it. */
static void disprove(struct account *account, struct account_standby *standby)
{
    const struct gateway_parts *parts = &account_gateway(account)->parts;
    if (!standby->proven) {
        return;
    }
    standby->proven = false;
    standby->worked_us = 0;
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
}

void standing_refuse_standby(struct account *account, struct slice scheme)
{
    struct account_standby *standby = logins_standby(account, scheme);
    if (standby != NULL && account_is_current(account) && !account->apart) {
        disprove(account, standby);
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
        stop(account, SLICE("grant_refused"));
    }
    account_drop(account);
}

void standing_disable(struct accounts *accounts, struct slice id)
{
    struct account *account = NULL;
    if (accounts_get(accounts, id, &account) == ERR_OK) {
        account->record.state = DISABLED; /* also for those who hold it in line */
        end_line(account);
        account_drop(account);
    }
}

/* ---- Words ---- */

void standing_fault(const struct account *account, int64_t skew_ms, struct arena *arena,
                    struct fault *fault)
{
    const struct outbound_scheme *scheme = outbound_scheme_find(account->record.scheme);
    if (is_disabled(account)) {
        fault->err = ERR_POLICY_DENIED;
        fault->message =
            SLICE("This ERP account is switched off, so nothing is sent to it.");
        fault->hint =
            SLICE("Whoever manages the connection can switch it on again; calling "
                  "again does not help.");
        return;
    }
    struct slice causes =
        scheme != NULL ? outbound_scheme_causes(scheme, skew_ms, arena) : SLICE_EMPTY;
    fault->err = ERR_NEEDS_REAUTH;
    fault->message = arena_printf(arena, "%s %.*s",
                                  standing_needs_reauth(account)
                                      ? "The ERP no longer takes this account's login, "
                                        "so nothing is sent to it until a "
                                        "person has connected it again."
                                      : "The ERP refused this account's login.",
                                  SLICE_ARG(causes));
    fault->hint =
        account->reauth_url.len > 0
            ? arena_printf(
                  arena, "A person with access to the ERP connects it again here: %.*s",
                  SLICE_ARG(account->reauth_url))
            : SLICE("Tell the person who looks after this connection; calling again "
                    "does not "
                    "help.");
}
