/* SPDX-License-Identifier: Apache-2.0 */
/* Which login an operation signs with, and what an answer, of the token host or the ERP, says
 * of it. */
#include "base/timefmt.h"
#include "core/logins.h"
#include "core/op_private.h"
#include "core/standing.h"

/* ---- Whose it is ---- */

/* Whose credential signs: the account as it is now, though the call began with it as it was. */
void op_renew_signer(struct op_run *run)
{
    if (run->signer != NULL && account_is_current(run->signer)) {
        return;
    }
    struct account *now = account_now(run->account);
    if (run->signer != NULL && run->signer != now) {
        run->token_waits = 0;
    }
    account_drop(run->signer);
    run->signer = now;
}

/* The active one, or that of the scheme that the tool needs; NULL: there is none by now. */
static struct credential *login_of(const struct op_run *run)
{
    bool named = run->op.tool != NULL && run->op.tool->scheme.len > 0;
    return named ? logins_of(run->signer, run->op.tool->scheme)
                 : run->signer->credential;
}

static void lacks_login(struct op_run *run)
{
    run->op.fault.err = ERR_POLICY_DENIED;
    run->op.fault.message =
        arena_printf(run->op.arena, "The account has no credential of %.*s any more.",
                     SLICE_ARG(run->op.tool->scheme));
}

/* Nothing may be sent by its login; the fault says why. */
static bool is_barred(struct op_run *run)
{
    struct standing_try attempt = {.login = run->login,
                                   .verifies = run->verifies,
                                   .tries_now = run->tries_now,
                                   .arena = run->op.arena,
                                   .fault = &run->op.fault};
    bool is_barred = standing_bars(run->signer, &attempt);
    run->verifies = attempt.verifies;
    run->tries_now = attempt.tries_now;
    run->is_locked = attempt.is_locked;
    return is_barred;
}

bool op_take_login(struct op_run *run)
{
    const struct credential *before = run->login;
    op_renew_signer(run);
    run->login = login_of(run);
    if (run->login != before) {
        op_lose_turn(run); /* it was another login's */
    }
    if (run->login == NULL) {
        lacks_login(run);
        return false;
    }
    credential_secrets_ahead(run->login);
    return !is_barred(run);
}

bool op_is_of_another_login(struct op_run *run)
{
    op_renew_signer(run);
    struct credential *login = login_of(run);
    return !run->gateway->stopped && account_is_current(run->signer) &&
           standing_needs_reauth(run->signer) && login != NULL &&
           login != run->signer->credential;
}

/* ---- The token host ---- */

/* RFC 6749 section 5.2, and what XSUAA says beside it: words against the client or what it
 * showed. Any other refusal may be of something that stands before the token host. */
bool op_is_against_client(const struct token_outcome *outcome)
{
    static const char *const codes[] = {"invalid_client", "invalid_grant",
                                        "unauthorized_client", "unauthorized",
                                        "invalid_scope"};
    bool found = false;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        found = found || slice_is(outcome->code, codes[i]);
    }
    return found && outcome->err == ERR_NEEDS_REAUTH;
}

/* ---- Turns ---- */

/* With a slot of its own account, which has one while it is on trial. */
bool op_take_turn(struct op_run *run)
{
    if (run->has_turn || !standing_tries(run->signer, run->login, run->verifies)) {
        return true;
    }
    /* Of those that have worked there are no more than accounts. */
    struct slice tenant = standing_is_known_good(run->signer, run->login)
                              ? SLICE_EMPTY
                              : run->signer->record.tenant;
    run->has_turn = login_turns_enter(
        account_login_turns(run->signer), &run->turn,
        standing_user_key(run->signer, run->login, run->op.arena),
        standing_login_key(run->signer, run->login, run->op.arena), tenant);
    return run->has_turn;
}

bool op_hear_turn(struct op_run *run, const struct credential *tried,
                  enum login_word word)
{
    run->has_turn = (word == TURN_TAKEN || word == TURN_YOURS) && run->login == tried;
    if (word == TURN_REFUSED && run->login == tried) {
        standing_fault(run->signer, run->login, 0, run->op.arena, &run->op.fault);
        return false;
    }
    if (word == TURN_BUSY) {
        op_busy_fault(run, "A login of the same user is being tried by another process "
                           "on this database, which has not ended yet.");
        return false;
    }
    if (word == TURN_FULL) {
        op_busy_fault(run,
                      "The logins of 4096 users of this tenant were refused lately, "
                      "which are as many as are counted: those of other users are "
                      "tried when some of these are over.");
        return false;
    }
    run->turns_in_vain += word == TURN_SILENT;
    if (run->turns_in_vain > 1) {
        op_busy_fault(run, "A login of the same user is being tried by another call, "
                           "and no answer has come to the one before it.");
        return false;
    }
    return true;
}

void op_leave_turn(struct op_run *run, enum login_word word)
{
    if (run->signer != NULL) {
        login_turns_leave(account_login_turns(run->signer), &run->turn, word);
    }
}

void op_lose_turn(struct op_run *run)
{
    op_leave_turn(run, TURN_SILENT);
    run->has_turn = false;
}

/* ---- The ERP ---- */

/* How far the ERP's clock is ahead of ours, by its Date field; 0 where it says nothing. */
static int64_t skew_ms(const struct op_run *run, const struct http_reply *reply)
{
    int64_t theirs_ms = 0;
    for (size_t i = 0; i < reply->field_count; i++) {
        if (slice_is(reply->fields[i].name, "date") &&
            timefmt_parse_http(reply->fields[i].value, &theirs_ms)) {
            return theirs_ms - gateway_wall_ms(run->gateway);
        }
    }
    return 0;
}

/* What is refused for what it is was let in before. */
static bool is_let_in(enum err err)
{
    return err == ERR_NOT_FOUND || err == ERR_VALIDATION_FAILED ||
           err == ERR_CONFLICT || err == ERR_PERMISSION_DENIED;
}

/*
 * Deep overload: the request stands in line inside the ERP until its timestamp is too old,
 * and is then refused as a bad login. That is load, not a login: the user must not be taken
 * out of use for it. Only of a login that is known to be good, and only after a wait that
 * no refusal of a wrong one takes (the integration's limits.login_overload_ms).
 */
static bool is_overload(const struct op_run *run)
{
    int64_t least_us = run->op.integration->login_overload_ms * 1000;
    return least_us > 0 && run->next == CONNECTOR_FAILED &&
           run->op.fault.err == ERR_NEEDS_REAUTH &&
           standing_is_known_good(run->signer, run->login) &&
           gateway_mono_us(run->gateway) - run->sent_us >= least_us;
}

static void overload_fault(struct op_run *run)
{
    run->op.rate_limited = true;
    run->op.fault.err = ERR_RATE_LIMITED;
    run->op.fault.message = SLICE(
        "The ERP kept the request waiting until its signature was too old, and then "
        "refused it: it is overloaded. It was not executed.");
    run->op.fault.hint =
        SLICE("Wait retry_after_seconds, then send the same call again.");
}

/* A page with status 200 that wants a login says nothing of it: single sign-on stands before
 * the API there. Nor does a proxy that wants one of its own. */
static enum login_word word_of(const struct op_run *run, const struct http_reply *reply)
{
    bool failed = run->next == CONNECTOR_FAILED;
    enum err err = run->op.fault.err;
    if ((run->op.login_refused || (failed && err == ERR_NEEDS_REAUTH)) &&
        reply->status >= 400 && reply->status != 407) {
        return TURN_REFUSED;
    }
    bool is_taken =
        failed ? is_let_in(err) : reply->status >= 200 && reply->status <= 299;
    return is_taken && !run->op.login_refused ? TURN_TAKEN : TURN_SILENT;
}

void op_judge_login(struct op_run *run, const struct http_reply *reply)
{
    struct fault *fault = &run->op.fault;
    if (is_overload(run)) {
        overload_fault(run);
        return;
    }
    enum login_word word = word_of(run, reply);
    if (word == TURN_TAKEN) {
        standing_worked(run->signer, run->login, run->next == CONNECTOR_DONE,
                        run->sent_us);
    } else if (word == TURN_REFUSED) {
        standing_refuse(run->signer, run->login,
                        run->renewed ? run->outbound.token_version : 0);
    }
    if (word == TURN_REFUSED && fault->err == ERR_NEEDS_REAUTH) {
        standing_fault(run->signer, run->login, skew_ms(run, reply), run->op.arena,
                       fault);
    }
    if (word != TURN_SILENT) {
        op_leave_turn(run, word);
    }
}
