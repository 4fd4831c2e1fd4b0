/* SPDX-License-Identifier: Apache-2.0 */
/* What may be sent by a login, and what was refused of all logins of one user. */
#include "auth/login_key.h"
#include "core/login_leases.h"
#include "core/standing_private.h"
#include "store/trials.h"

#define MINUTE_US (INT64_C(60) * 1000000)
#define PROBE_US (INT64_C(15) * 1000000) /* between two tries of what may be over */

/* ---- Users ---- */

/* Requests go to the first of the origins. */
static struct login_place place_of(const struct account *account)
{
    const struct op_target *target = &account->target;
    return (struct login_place){target->origins[0], target->realm, target->location,
                                target->client, target->path};
}

struct slice standing_login_key(const struct account *account,
                                const struct credential *login, struct arena *arena)
{
    const struct login_place place = place_of(account);
    return login_key_whole(account_gateway(account)->parts.keys, login, &place, arena);
}

struct slice standing_user_key(const struct account *account,
                               const struct credential *login, struct arena *arena)
{
    const struct login_place place = place_of(account);
    return login_key_user(account_gateway(account)->parts.keys, login, &place, arena);
}

static int64_t window_us(const struct account *account, const struct credential *login)
{
    return outbound_scheme_lock_us(
        outbound_scheme_find(standing_scheme_of(account, login)));
}

void standing_user_refused(struct account *account, const struct credential *login)
{
    struct arena *arena = arena_new();
    login_leases_refused(
        account_login_leases(account), standing_user_key(account, login, arena),
        standing_login_key(account, login, arena), window_us(account, login));
    arena_free(arena);
}

static void on_pardoned(void *ctx, enum err err)
{
    (void)ctx;
    (void)err; /* the store has logged it; this process knows all the same */
}

static void pardon_user(struct account *account, struct slice user, int64_t before_ms)
{
    struct store_batch *batch = store_batch_new();
    store_pardon_user(batch, user, before_ms);
    store_commit(account_gateway(account)->parts.store, batch, on_pardoned, NULL);
}

/* The ERP counts in a row as well. */
void standing_user_worked(struct account *account, const struct credential *login,
                          int64_t sent_us)
{
    struct lockout *users = account_user_lockout(account);
    if (lockout_is_empty(users)) {
        return;
    }
    struct arena *arena = arena_new();
    struct slice user = standing_user_key(account, login, arena);
    int64_t now_us = standing_now_us(account);
    bool was_refused = lockout_count(users, user, now_us) > 0;
    if (lockout_worked(users, user, sent_us) && was_refused) {
        pardon_user(account, user,
                    gateway_wall_ms(account_gateway(account)) -
                        (now_us - sent_us) / 1000);
    }
    arena_free(arena);
}

/* ---- Bars ---- */

/* What stopped it may be over without anybody's doing, and to try it locks nobody. */
static bool may_probe(struct account *account)
{
    struct slice cause = account->record.cause;
    bool passes = slice_is(cause, CLIENT_REFUSED) || slice_is(cause, TOKEN_REFUSED);
    if (!passes || (account->probed_us > 0 &&
                    standing_now_us(account) - account->probed_us < PROBE_US)) {
        return false;
    }
    account->probed_us = standing_now_us(account);
    return true;
}

/* A restart forgets how often, but not that the account was stopped for it. */
static int refusals_of(struct account *account, const struct credential *login,
                       struct arena *arena)
{
    struct lockout *lockout = account_lockout(account);
    int64_t since_ms =
        gateway_wall_ms(account_gateway(account)) - account->record.updated_ms;
    bool was_stopped = login == account->credential && !account->apart &&
                       standing_needs_reauth(account) &&
                       slice_is(account->record.cause, LOGIN_REFUSED) &&
                       since_ms * 1000 < LOCKOUT_US;
    if (!standing_login_locks(account, login) ||
        (lockout_is_empty(lockout) && !was_stopped)) {
        return 0;
    }
    struct slice key = standing_login_key(account, login, arena);
    if (was_stopped && lockout_count(lockout, key, standing_now_us(account)) == 0) {
        lockout_stopped(lockout, key, standing_now_us(account));
    }
    return lockout_count(lockout, key, standing_now_us(account));
}

static void locked_fault(struct standing_try *attempt, int count, int64_t left_us)
{
    int minutes = (int)((left_us + MINUTE_US - 1) / MINUTE_US);
    bool in_hours = minutes > 120;
    attempt->fault->err = ERR_POLICY_DENIED;
    attempt->fault->message = arena_printf(
        attempt->arena,
        "The ERP has refused logins of this user %d times in a row, whichever account "
        "and secret they came by; one more may lock the user there, so this one was "
        "not sent.",
        count);
    attempt->fault->hint = arena_printf(
        attempt->arena,
        "Find out at the ERP what is wrong, and have the user unlocked if it is. It is "
        "tried again in %d %s, when another login of that user has worked, or at "
        "once when the operator says so: ?try_now=true at the request that tries it "
        "(sluice account create, sluice account doctor: --try-now).",
        in_hours ? (minutes + 59) / 60 : minutes, in_hours ? "hours" : "minutes");
    attempt->is_locked = true;
}

/* One that has worked, and of which nothing was refused since, is likelier right than what was
 * refused, and ends the row: others' wrong secrets do not stop it. If its own is wrong by now, that
 * one trial may be the refusal that locks; there is no second, of no such login. */
static bool may_try_once(struct account *account, const struct standing_try *attempt,
                         int count)
{
    return count == LOCKOUT_MOST && standing_is_known_good(account, attempt->login) &&
           refusals_of(account, attempt->login, attempt->arena) == 0;
}

/* Nor need one that has worked wait for more than half an hour where the ERP counts for longer. */
static bool bars_user(struct account *account, struct standing_try *attempt)
{
    struct lockout *users = account_user_lockout(account);
    if (!standing_login_locks(account, attempt->login) || lockout_is_empty(users)) {
        return false;
    }
    struct slice key = standing_user_key(account, attempt->login, attempt->arena);
    int64_t now_us = standing_now_us(account);
    if (lockout_count(users, key, now_us) >= LOCKOUT_MOST) {
        login_leases_look(account_login_leases(account), key);
    }
    int64_t left_us = lockout_left_us(users, key, now_us);
    int count = lockout_count(users, key, now_us);
    if (standing_is_known_good(account, attempt->login)) {
        left_us -= window_us(account, attempt->login) - LOCKOUT_US;
    }
    if (count < LOCKOUT_MOST || left_us <= 0 || may_try_once(account, attempt, count)) {
        return false;
    }
    locked_fault(attempt, count, left_us);
    return true;
}

static bool bars_trial(struct account *account, struct standing_try *attempt)
{
    if (bars_user(account, attempt)) {
        return true;
    }
    int count = refusals_of(account, attempt->login, attempt->arena);
    if (count < LOCKOUT_MOST) {
        return false;
    }
    locked_fault(
        attempt, count,
        lockout_left_us(account_lockout(account),
                        standing_login_key(account, attempt->login, attempt->arena),
                        standing_now_us(account)));
    return true;
}

/* The operator knows that the ERP takes that user's logins again. */
static void pardon(struct account *account, const struct standing_try *attempt)
{
    if (standing_login_locks(account, attempt->login)) {
        struct slice user = standing_user_key(account, attempt->login, attempt->arena);
        lockout_forgive(account_lockout(account),
                        standing_login_key(account, attempt->login, attempt->arena));
        lockout_forgive(account_user_lockout(account), user);
        pardon_user(account, user, INT64_MAX);
    }
}

/* A standby one that was refused, or any that was refused by another account's calls. */
static bool is_used_up(struct account *account, const struct standing_try *attempt)
{
    const struct account_standby *standby = standing_standby(account, attempt->login);
    if (refusals_of(account, attempt->login, attempt->arena) >= LOCKOUT_CALLS_MOST &&
        standing_speaks(account)) {
        standing_stop_login(account, attempt->login);
    }
    return standby != NULL && !standby->proven;
}

bool standing_bars(struct account *account, struct standing_try *attempt)
{
    if (attempt->tries_now) {
        attempt->tries_now = false; /* one word, one trial */
        pardon(account, attempt);
    }
    if (attempt->verifies) {
        return bars_trial(account, attempt);
    }
    if (standing_is_disabled(account) || is_used_up(account, attempt)) {
        standing_fault(account, attempt->login, 0, attempt->arena, attempt->fault);
        return true;
    }
    if (attempt->login != account->credential || !standing_needs_reauth(account)) {
        return standing_tries(account, attempt->login, false) &&
               bars_user(account, attempt);
    }
    if (may_probe(account)) {
        attempt->verifies = true;
        return false;
    }
    standing_fault(account, attempt->login, 0, attempt->arena, attempt->fault);
    return true;
}
