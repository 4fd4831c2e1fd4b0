/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stored account is tried against its ERP: the same operation as any call's, so that it
 * waits in the same line, logs in once, and says what a call would meet. What came of it
 * is told step by step (core/diagnosis.h); how the account stands is core/standing.c's.
 */
#include "core/admin_private.h"
#include "core/diagnosis.h"
#include "core/op.h"
#include "core/standing.h"
#include "core/trial.h"

/* Outlives the exchange: the ERP may still be at work when the caller has its answer. */
struct verification {
    struct admin *admin; /* NULL once it was answered */
    struct gateway *gateway;
    struct arena *arena;
    struct account *account; /* held */
    struct catalog *catalog; /* held: the plan lies in it */
    struct op_run run;
    struct http_trace trace, token_trace;
    struct diagnosis_facts facts;
    int64_t started_us;
};

static void release(struct verification *verification)
{
    account_drop(verification->account);
    catalog_free(verification->catalog);
    arena_free(verification->arena);
}

/* ---- Telling ---- */

static void write_steps(struct jwriter *writer,
                        const struct diagnosis_step steps[STEP_COUNT])
{
    jwriter_key(writer, SLICE("steps"));
    jwriter_array(writer);
    for (enum diagnosis_place place = STEP_CONFIGURATION; place < STEP_COUNT; place++) {
        const struct diagnosis_step *step = &steps[place];
        jwriter_object(writer);
        jwriter_member_string(writer, "step", slice_str(diagnosis_step_name(place)));
        jwriter_member_string(writer, "outcome",
                              slice_str(diagnosis_outcome_name(step->outcome)));
        jwriter_member_string(writer, "detail", step->detail);
        admin_text_or_null(writer, "remedy", step->remedy);
        jwriter_member_int(writer, "duration_ms", step->duration_us / 1000);
        jwriter_object_end(writer);
    }
    jwriter_array_end(writer);
}

/* STEP_COUNT: none. */
static enum diagnosis_place first_failed(const struct diagnosis_step steps[STEP_COUNT])
{
    enum diagnosis_place place = STEP_CONFIGURATION;
    while (place < STEP_COUNT && steps[place].outcome != DIAGNOSIS_FAIL) {
        place++;
    }
    return place;
}

static void respond(const struct verification *verification, struct admin *admin,
                    const struct diagnosis_step steps[STEP_COUNT])
{
    const struct account *account = verification->account;
    struct account *now = account_now(verification->account); /* it may have changed */
    enum diagnosis_place failed = first_failed(steps);
    struct buf json = admin_buf();
    struct jwriter writer;
    log_event(
        verification->gateway->parts.log, LOG_INFO, "account_verified",
        LOG_ID(account, account->record.id), LOG_ID(tenant, account->record.tenant),
        LOG_NAME(outcome, failed == STEP_COUNT ? "pass" : "fail"),
        LOG_NAME(cause, failed == STEP_COUNT ? "none" : diagnosis_step_name(failed)),
        LOG_INT(duration_us,
                gateway_mono_us(verification->gateway) - verification->started_us));
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "account_id", account->record.id);
    jwriter_member_bool(&writer, "verified", failed == STEP_COUNT);
    jwriter_member_string(&writer, "state", now->record.state);
    write_steps(&writer, steps);
    jwriter_object_end(&writer);
    admin_respond(admin, 200, &json);
    buf_free(&json);
    account_drop(now);
}

/* What says nothing of the account: there was no place, or no time, to try it. */
static bool could_not_try(const struct verification *verification, struct fault *fault)
{
    *fault = verification->run.op.fault;
    if (fault->err == ERR_UNAUTHORIZED) {
        fault->err = ERR_NOT_FOUND; /* it was removed while we waited in line */
        fault->message = SLICE("The account was removed meanwhile.");
    }
    const struct diagnosis_facts *facts = &verification->facts;
    bool token_failed = facts->asked_token && facts->token_err != ERR_OK;
    return fault->err == ERR_ACCOUNT_BUSY || fault->err == ERR_UNAVAILABLE ||
           fault->err == ERR_NOT_FOUND || fault->err == ERR_INTERNAL ||
           (fault->err == ERR_POLICY_DENIED && !token_failed); /* switched off */
}

/* How far the clock of who has just answered is ahead of ours; 0 where it says nothing. */
static int64_t skew_ms(const struct gateway *gateway, const struct http_trace *trace)
{
    return trace->date_ms > 0 ? trace->date_ms - gateway_wall_ms(gateway) : 0;
}

static void gather(struct verification *verification)
{
    struct diagnosis_facts *facts = &verification->facts;
    const struct account *account = verification->account;
    facts->scheme = outbound_scheme_find(account->record.scheme);
    facts->reauth_url = account->reauth_url;
    facts->shows_addresses = verification->admin->who.role == ROLE_ADMIN;
    facts->now_ms = gateway_wall_ms(verification->gateway);
    struct certificate_life life;
    if (credential_certificate(account->credential, &life)) {
        facts->certificate_ends_ms = life.ends_ms;
    }
    if (account->target.origin_count > 0) {
        facts->origin = account->target.origins[0];
    }
    if (verification->trace.origin[0] != '\0') {
        facts->erp = &verification->trace;
        facts->erp_skew_ms = skew_ms(verification->gateway, facts->erp);
    }
    facts->by_proxy = verification->run.outbound.proxy != NULL;
    facts->status = verification->run.upstream_status;
    facts->fault = &verification->run.op.fault;
}

static void on_verified(void *ctx)
{
    struct verification *verification = ctx;
    struct admin *admin = verification->admin;
    struct diagnosis_step steps[STEP_COUNT];
    struct fault fault;
    verification->account->verifying = false;
    gather(verification);
    verification->admin = NULL;
    if (verification->facts.erp == NULL && could_not_try(verification, &fault)) {
        admin_fault(admin, &fault);
        return;
    }
    diagnosis_make(&verification->facts, verification->arena, steps);
    respond(verification, admin, steps);
}

static void on_over(void *ctx)
{
    release(ctx);
}

/* Its answer's time is of now; the trace is gone after this. */
static void on_token(void *ctx, const struct token_outcome *outcome)
{
    struct verification *verification = ctx;
    struct diagnosis_facts *facts = &verification->facts;
    facts->asked_token = true;
    facts->token_err = outcome->err;
    facts->token_status = outcome->status;
    facts->token_code = arena_slice(verification->arena, outcome->code);
    facts->token_us = gateway_mono_us(verification->gateway) - verification->started_us;
    facts->token = NULL;
    if (outcome->trace != NULL) {
        verification->token_trace = *outcome->trace;
        facts->token = &verification->token_trace;
        facts->token_skew_ms = skew_ms(verification->gateway, facts->token);
    }
}

/* ---- Trying ---- */

static void start(struct verification *verification, bool tries_now)
{
    struct account *account = verification->account;
    struct op_run *run = &verification->run;
    trial_operation(run, account, verification->arena);
    run->tries_now = tries_now;
    run->on_done = on_verified;
    run->on_over = on_over;
    run->on_token = on_token;
    run->trace = &verification->trace;
    run->ctx = verification;
    account->verifying = true;
    verification->started_us = gateway_mono_us(verification->gateway);
    if (op_start(run) == OP_IS_OVER) {
        on_verified(verification);
        on_over(verification);
    }
}

void admin_verify_account(struct admin *admin)
{
    struct gateway *gateway = admin->gateway;
    struct store_account record;
    struct account *account = NULL;
    static const char *const allowed[] = {NULL};
    bool tries_now = false;
    if (!admin_load_account(admin, &record) || !admin_only(admin, allowed) ||
        !admin_tries_now(admin, &tries_now)) {
        return;
    }
    enum err err = accounts_get(gateway->accounts, record.id, &account);
    if (err == ERR_OK) {
        err = account_refresh(account);
    }
    if (err != ERR_OK || account->verifying) {
        account_drop(account);
        admin_error(admin, err == ERR_OK ? ERR_CONFLICT : err,
                    err == ERR_OK
                        ? SLICE("This account is being verified already: two logins at "
                                "once would count as two.")
                        : SLICE_EMPTY);
        return;
    }
    if (standing_is_closed(account) && !standing_needs_reauth(account)) {
        struct fault fault = {.err = ERR_OK};
        standing_fault(account, account->credential, 0, admin->arena, &fault);
        account_drop(account);
        admin_fault(admin, &fault);
        return;
    }
    struct arena *arena = arena_new();
    struct verification *verification = arena_alloc(arena, sizeof *verification);
    verification->admin = admin;
    verification->gateway = gateway;
    verification->arena = arena;
    verification->account = account;
    verification->catalog = catalog_hold(account->catalog);
    start(verification, tries_now);
}
