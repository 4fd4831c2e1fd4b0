/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of one operation:
 *
 *   freshen  have a credential that can sign; token hosts take no slot
 *   admit    take a slot under the ceilings of lane, account and tenant, or wait in line
 *   begin    let the connector make its first request, of what is known now
 *   sign     now, not earlier: timestamps and nonces age while a call waits
 *   send     hand the request to the transfer, which may outlive our caller's patience
 *   decode   let the connector read the answer: done, failed, or one more request (back to
 *            sign), or wait for what another operation of the account is fetching (parked)
 *
 * Between two of its steps a connector may pause; the slot is kept.
 *
 * The slot is given back in one place, give_back(), when the upstream has ended: answered, lost
 * or never reached. on_done tells the caller what came of it; on_over that nothing is left.
 */
#include "base/hash.h"
#include "base/limits.h"
#include "core/op_private.h"
#include "core/standing.h"

/* A step is finished; or it has started something that will resume; or it failed. */
enum step { STEP_NEXT, STEP_WAIT, STEP_FAIL };

static void op_enter(struct op_run *run, enum op_state state)
{
    run->state = state;
}

/* ---- The ends ---- */

static void give_back(struct op_run *run, enum governor_outcome outcome)
{
    REQUIRE(run->has_slot);
    run->has_slot = false;
    turnstile_release(run->gateway->turnstile, &run->place, outcome,
                      run->op.retry_after_s);
}

static void report(struct op_run *run)
{
    if (run->reported || run->quiet) {
        return;
    }
    run->reported = true;
    run->on_done(run->ctx);
}

static void advance(struct op_run *run);

static void leave(struct op_run *run)
{
    if (run->begun && run->account->connector->leave != NULL) {
        run->account->connector->leave(&run->op, run->plan);
    }
}

/* What an operation leaves behind: nothing held, and a hint to those who wait for it. */
static void close_up(struct op_run *run, enum governor_outcome outcome)
{
    op_enter(run, OP_END);
    leave(run);
    if (run->has_slot) {
        give_back(run, outcome);
    }
    account_wake_parked(run->account);
    op_leave_turn(run, TURN_SILENT);
    if (run->login != NULL) {
        standing_call_over(run->signer, run->login);
    }
    account_drop(run->signer);
    run->signer = NULL;
    run->login = NULL;
}

static void end(struct op_run *run, enum governor_outcome outcome)
{
    close_up(run, outcome);
    report(run);
    run->on_over(run->ctx);
}

/* The connector may know better than the fault: a record that is saved is saved, though
 * its reading back was lost. */
static void ask_after_loss(struct op_run *run)
{
    const struct connector *connector = run->account->connector;
    if (connector->lost != NULL &&
        connector->lost(&run->op, run->plan) == CONNECTOR_DONE) {
        run->op.fault = (struct fault){.err = ERR_OK};
    }
}

/* The end of an operation that could not go on: not stopped by its connector, if that
 * had asked for another exchange. */
static void give_up(struct op_run *run)
{
    if (run->begun && run->next == CONNECTOR_SEND) {
        ask_after_loss(run);
    }
    end(run, GOVERNOR_UNUSED);
}

/* ---- freshen ---- */

static void tell_of_token(const struct op_run *run, const struct token_outcome *outcome)
{
    if (run->on_token != NULL && !run->quiet) {
        run->on_token(run->ctx, outcome);
    }
}

static void on_token(void *ctx, const struct token_outcome *outcome)
{
    struct op_run *run = ctx;
    run->awaits_token = false;
    tell_of_token(run, outcome);
    if (outcome->err == ERR_OK) {
        standing_take_client(run->signer, run->login);
    } else if (op_is_against_client(outcome)) {
        standing_refuse_client(run->signer, run->login);
    }
    if (outcome->err != ERR_OK) {
        op_token_fault(run, outcome);
        give_up(run);
        return;
    }
    advance(run); /* the same step again: it finds the credential ready */
}

/* Before queueing, and again in sign: a token may have ended while the call waited. */
static enum step do_freshen(struct op_run *run)
{
    if (!op_take_login(run)) {
        return STEP_FAIL;
    }
    if (outbound_is_ready(run->login)) {
        return STEP_NEXT;
    }
    if (run->token_waits++ >
        1) { /* fetched and at once stale again: its life is too short */
        run->op.fault.err = ERR_NEEDS_REAUTH;
        run->op.fault.message =
            SLICE("The token host gives tokens that end within 30 seconds.");
        return STEP_FAIL;
    }
    run->token_wait.on_ready = on_token;
    run->token_wait.ctx = run;
    enum err err = outbound_prepare(run->login, &run->token_wait);
    if (err != ERR_OK) {
        const struct token_outcome none = {.err = err, .code = SLICE_EMPTY};
        tell_of_token(run, &none);
        op_token_fault(run, &none);
        if (err == ERR_UPSTREAM_UNAVAILABLE) {
            run->op.fault.hint =
                SLICE("Its token host has failed several times in a row "
                      "and is left alone for half a minute.");
        }
        return STEP_FAIL;
    }
    run->awaits_token = true;
    return STEP_WAIT;
}

/* ---- admit ---- */

static void revoked_fault(struct op_run *run)
{
    if (run->gateway->stopped) {
        op_stopping_fault(run);
        return;
    }
    op_renew_signer(run);
    if (standing_is_closed(run->signer)) {
        standing_fault(run->signer, run->signer->credential, 0, run->op.arena,
                       &run->op.fault);
        return;
    }
    run->op.fault.err = ERR_UNAUTHORIZED;
    run->op.fault.message =
        SLICE("This MCP URL or its ERP account was removed while the "
              "call waited in line.");
}

static void on_decided(void *ctx, enum governor_decision decision)
{
    struct op_run *run = ctx;
    run->wait_us = turnstile_waited_us(run->gateway->turnstile, &run->place);
    if (decision == GOVERNOR_GRANTED) {
        run->has_slot = true;
        op_enter(run, OP_BEGIN);
        advance(run);
        return;
    }
    if (decision == GOVERNOR_REVOKED && op_is_of_another_login(run)) {
        op_enter(run, OP_FRESHEN);
        advance(run);
        return;
    }
    if (decision == GOVERNOR_REVOKED) {
        revoked_fault(run);
    } else {
        op_line_fault(run, decision);
    }
    end(run, GOVERNOR_UNUSED);
}

/* Calls of one tool are held against each other, where the account wants to know whether its ERP
 * answers more slowly. */
static uint32_t kind_of(const struct tool *tool)
{
    return (uint32_t)hash_of(tool != NULL ? tool->name : SLICE_EMPTY);
}

static enum step do_admit(struct op_run *run)
{
    standing_call(run->signer, run->login);
    run->place.ticket.kind = kind_of(run->op.tool);
    run->place.on_decided = on_decided;
    run->place.ctx = run;
    const struct governor_call call = {.account = run->account->record.id,
                                       .server = run->server,
                                       .weight = run->weight,
                                       .priority = run->priority,
                                       .is_write = run->is_write,
                                       .document = run->document};
    enum governor_decision decision =
        turnstile_enter(run->gateway->turnstile, &run->place, &call);
    if (decision == GOVERNOR_WAITING) {
        return STEP_WAIT;
    }
    if (decision == GOVERNOR_GRANTED) {
        run->has_slot = true;
        return STEP_NEXT;
    }
    if (decision == GOVERNOR_REVOKED) {
        revoked_fault(run);
    } else {
        op_line_fault(run, decision);
    }
    return STEP_FAIL;
}

/* ---- begin ---- */

static void start_pause(struct op_run *run);

/* What the connector answered decides where an operation goes on. */
static enum step follow(struct op_run *run)
{
    if (run->next == CONNECTOR_DONE) {
        standing_worked(run->signer, run->login, true,
                        run->sent_us); /* none was refused */
    }
    if (run->next == CONNECTOR_SEND) {
        op_enter(run, OP_SIGN);
        return STEP_NEXT;
    }
    if (run->next == CONNECTOR_PARK) {
        op_lose_turn(run); /* who is waited for may need it */
        account_park(run->account, &run->parked);
        return STEP_WAIT;
    }
    if (run->next == CONNECTOR_WAIT) {
        start_pause(run);
        return STEP_WAIT;
    }
    return STEP_FAIL; /* or done: op.fault.err tells */
}

static enum step do_begin(struct op_run *run)
{
    run->op.session = run->account->session;
    run->begun = true;
    run->next = run->account->connector->begin(&run->op, run->plan);
    return follow(run);
}

static void resume(struct op_run *run)
{
    run->next = run->account->connector->resume(&run->op, run->plan);
    enum step step = follow(run);
    if (step == STEP_NEXT) {
        advance(run);
    } else if (step == STEP_FAIL) {
        end(run, GOVERNOR_UNUSED);
    }
}

/* Another operation of the account has moved on: ask again. */
static void on_wake(struct account_parked *parked)
{
    resume(LIST_ENTRY(parked, struct op_run, parked));
}

/* ---- pauses ---- */

static void stop_pause(struct op_run *run)
{
    loop_timer_stop(run->pause);
    run->pause = NULL;
    list_remove(&run->pausing);
}

static void on_pause_over(void *ctx)
{
    struct op_run *run = ctx;
    run->pause = NULL;
    list_remove(&run->pausing);
    resume(run);
}

static void start_pause(struct op_run *run)
{
    REQUIRE(run->op.wait_ms >= 0 && run->op.wait_ms <= LIMIT_OP_WAIT_MS);
    list_push(&run->gateway->pausing, &run->pausing);
    run->pause =
        loop_timer_start(run->gateway->parts.loop, run->op.wait_ms, on_pause_over, run);
    if (run->on_progress != NULL) {
        run->on_progress(run->ctx);
    }
}

void op_end_pausing(struct gateway *gateway)
{
    while (!list_empty(&gateway->pausing)) {
        struct op_run *run = LIST_ENTRY(gateway->pausing.next, struct op_run, pausing);
        stop_pause(run);
        op_stopping_fault(run);
        end(run, GOVERNOR_UNUSED);
    }
}

/* ---- sign ---- */

/* Whoever tried the same login first has learned something of it, or nothing. */
static void on_turn(void *ctx, enum login_word word)
{
    struct op_run *run = ctx;
    const struct credential *tried = run->login;
    if (!op_take_login(run) || !op_hear_turn(run, tried, word)) {
        give_up(run);
    } else {
        advance(run);
    }
}

static enum step do_sign(struct op_run *run)
{
    if (!op_take_login(run)) {
        return STEP_FAIL;
    }
    if (!outbound_is_ready(run->login)) {
        return do_freshen(run);
    }
    if (run->sent_us == 0) {
        standing_call(run->signer, run->login); /* another may have ended its trial */
    }
    if (!op_take_turn(run)) {
        return STEP_WAIT;
    }
    const struct op_request *request = &run->op.request;
    struct http_field *fields = arena_array(
        run->op.arena, request->field_count + OUTBOUND_FIELDS, sizeof *fields);
    for (size_t i = 0; i < request->field_count; i++) {
        fields[i] =
            (struct http_field){request->fields[i].name, request->fields[i].value};
    }
    run->outbound = (struct outbound_request){
        .method = request->method,
        .url = request->url,
        .realm = run->op.target->realm,
        .key_header = run->op.target->key_header,
        .location = run->op.target->location,
        .fields = fields,
        .field_count = request->field_count,
        .body = request->body,
        .passport_at = request->passport_at,
    };
    const struct gateway_parts *parts = &run->gateway->parts;
    const struct outbound_means means = {parts->clock, parts->mac,
                                         &run->gateway->random};
    enum err err = outbound_sign(run->login, &run->outbound, &means, run->op.arena);
    if (err != ERR_OK) {
        run->op.fault.err = err;
        return STEP_FAIL;
    }
    return STEP_NEXT;
}

/* ---- send ---- */

static void log_failure(const struct op_run *run, const struct http_outcome *outcome)
{
    log_event(run->gateway->parts.log, LOG_WARN, "upstream_failed",
              LOG_ID(account, run->account->record.id), LOG_ID(mcp_server, run->server),
              LOG_NAME(cause, outcome->reason));
}

static void take_answer(struct op_run *run, const struct http_reply *reply)
{
    struct op_field *fields =
        arena_array(run->op.arena, reply->field_count + 1, sizeof *fields);
    for (size_t i = 0; i < reply->field_count; i++) {
        fields[i] = (struct op_field){reply->fields[i].name, reply->fields[i].value};
    }
    struct op_response response = {
        .status = reply->status,
        .fields = fields,
        .field_count = reply->field_count,
        .body = reply->body,
    };
    run->upstream_status = reply->status;
    op_enter(run, OP_DECODE);
    if (!run->renewed &&
        outbound_renew(run->login, run->outbound.token_version, reply->status)) {
        run->renewed =
            true; /* not executed: a fresh token, and the same request once more */
        run->next = CONNECTOR_SEND;
        return;
    }
    run->next = run->account->connector->on_response(&run->op, run->plan, &response);
    op_judge_login(run, reply);
}

/* The transfer may last for minutes yet: those who wait for what it was fetching hold
 * slots, and have callers with patience of their own. */
static void leave_overdue(struct op_run *run)
{
    run->op.overdue = true;
    leave(run);
    account_wake_parked(run->account);
    op_leave_turn(run, TURN_SILENT);
}

/* The answer, or the end of our patience. The slot stays ours until on_transfer_end. */
static void on_transfer_answer(void *ctx, const struct http_outcome *outcome)
{
    struct op_run *run = ctx;
    run->upstream_us += gateway_mono_us(run->gateway) - run->sent_us;
    run->next = CONNECTOR_FAILED;
    if (outcome->reply != NULL) {
        take_answer(run, outcome->reply);
        return;
    }
    log_failure(run, outcome);
    op_transfer_fault(run, outcome);
    ask_after_loss(run);
    if (outcome->err == ERR_TIMEOUT) {
        leave_overdue(run);
        report(run); /* the transfer goes on without our caller */
    }
}

static enum governor_outcome outcome_of(const struct op_run *run, enum http_end how)
{
    if (how == HTTP_END_LOST) {
        return GOVERNOR_LOST;
    }
    if (how == HTTP_END_NEVER_SENT) {
        return GOVERNOR_UNUSED;
    }
    if (run->quiet || run->reported) {
        return GOVERNOR_UNUSED; /* nobody read the answer: it says nothing of the lane */
    }
    return run->op.rate_limited ? GOVERNOR_RATE_LIMITED : GOVERNOR_ANSWERED;
}

static void on_transfer_end(void *ctx, enum http_end how)
{
    struct op_run *run = ctx;
    run->transfer = NULL;
    bool goes_on = run->next == CONNECTOR_SEND || run->next == CONNECTOR_PARK ||
                   run->next == CONNECTOR_WAIT;
    if (goes_on && how == HTTP_END_ANSWERED && !run->quiet) {
        account_wake_parked(run->account);
        if (follow(run) == STEP_NEXT) {
            advance(run);
        }
        return;
    }
    end(run, outcome_of(run, how));
}

static enum step do_send(struct op_run *run)
{
    const struct op_request *request = &run->op.request;
    const struct gateway_config *config = run->gateway->parts.config;
    struct http_send send = {
        .method = request->method,
        .url = run->outbound.url,
        .fields = run->outbound.fields,
        .field_count = run->outbound.field_count,
        .body = run->outbound.body,
        .has_body = request->has_body,
        .proxy = run->outbound.proxy,
        .identity = run->outbound.identity,
        .answer_ms =
            request->is_write ? config->write_timeout_ms : config->read_timeout_ms,
        .max_ms = run->op.integration->upstream_max_ms,
        .trace = run->trace,
    };
    struct http_transfer_handlers handlers = {on_transfer_answer, on_transfer_end, run};
    run->next = CONNECTOR_FAILED;
    run->sent_us = gateway_mono_us(run->gateway);
    run->transfer = http_send(run->gateway->parts.client, &send, &handlers);
    if (run->on_sent != NULL && !run->quiet) {
        run->on_sent(run->ctx);
    }
    return STEP_WAIT;
}

/* ---- The driver ---- */

static const struct {
    const char *name;
    enum step (*run)(struct op_run *run);
} steps[] = {
    [OP_FRESHEN] = {"freshen", do_freshen}, [OP_ADMIT] = {"admit", do_admit},
    [OP_BEGIN] = {"begin", do_begin},       [OP_SIGN] = {"sign", do_sign},
    [OP_SEND] = {"send", do_send},
};

/* Runs steps until one waits. Decoding happens inside the transfer's answer, which lends it. */
static enum step drive(struct op_run *run)
{
    enum step step = STEP_NEXT;
    while (step == STEP_NEXT && run->state < OP_DECODE) {
        enum op_state before = run->state;
        if (run->gateway->stopped) {
            op_stopping_fault(run);
            return STEP_FAIL;
        }
        step = steps[before].run(run);
        if (step == STEP_NEXT && run->state == before) {
            op_enter(run, before + 1);
        }
    }
    return step;
}

static void advance(struct op_run *run)
{
    if (drive(run) == STEP_FAIL) {
        give_up(run);
    }
}

enum op_start op_start(struct op_run *run)
{
    run->parked.wake = on_wake;
    list_init(&run->parked.link);
    list_init(&run->pausing);
    login_turn_init(&run->turn);
    run->turn.on_settled = on_turn;
    run->turn.ctx = run;
    op_enter(run, OP_FRESHEN);
    if (drive(run) != STEP_FAIL) {
        return OP_WAITS;
    }
    close_up(run, GOVERNOR_UNUSED);
    return OP_IS_OVER;
}

void op_cancel(struct op_run *run)
{
    run->quiet = true;
    if (run->transfer != NULL) {
        run->next = CONNECTOR_FAILED;
        op_leave_turn(run, TURN_SILENT);
        http_transfer_abandon(run->transfer);
        return;
    }
    if (run->awaits_token) {
        token_wait_cancel(&run->token_wait);
    } else if (run->state == OP_ADMIT) {
        run->wait_us = turnstile_waited_us(run->gateway->turnstile, &run->place);
        turnstile_leave(run->gateway->turnstile, &run->place);
    } else {
        list_remove(&run->parked.link);
        stop_pause(run);
    }
    end(run, GOVERNOR_UNUSED);
}
