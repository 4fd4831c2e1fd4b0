/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of one operation:
 *
 *   admit   take a slot under the ceilings of lane, account and tenant, or wait in line
 * for it sign    now, not earlier: timestamps and nonces age while a call waits send
 * hand the request to the transfer, which may outlive our caller's patience decode  let
 * the connector read the answer: done, failed, or one more request (back to sign)
 *
 * The slot is given back in one place, give_back(), when the upstream has ended:
 * answered, lost or never reached. on_done tells the caller what came of it; on_over
 * that nothing is left.
 */
#include "core/op.h"

#include "base/limits.h"

/* A step has started something and a callback will resume; or it is finished; or it
 * failed. */
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

/* ---- admit ---- */

static void busy_fault(struct op_run *run, const char *message)
{
    struct fault *fault = &run->op.fault;
    struct governor_view view =
        governor_look(run->gateway->parts.governor, run->account->record.id,
                      gateway_mono_us(run->gateway));
    fault->err = ERR_ACCOUNT_BUSY;
    fault->message = slice_str(message);
    fault->hint =
        SLICE("Wait retry_after_seconds, then send the same call again; fewer calls at "
              "once will not be refused.");
    fault->retry_after_s = view.retry_after_s;
}

static void revoked_fault(struct op_run *run)
{
    run->op.fault.err = ERR_UNAUTHORIZED;
    run->op.fault.message =
        SLICE("This MCP URL or its ERP account was removed while the "
              "call waited in line.");
}

static void advance(struct op_run *run);

static void on_decided(void *ctx, enum governor_decision decision)
{
    struct op_run *run = ctx;
    if (decision == GOVERNOR_GRANTED) {
        run->has_slot = true;
        run->wait_us = turnstile_waited_us(&run->place);
        op_enter(run, OP_SIGN);
        advance(run);
        return;
    }
    if (decision == GOVERNOR_REVOKED) {
        revoked_fault(run);
    } else {
        busy_fault(run,
                   "The call waited its full time in line for this ERP account and no "
                   "place became free.");
    }
    run->wait_us = run->account->limits.queue_wait_ms * 1000;
    op_enter(run, OP_END);
    report(run);
    run->on_over(run->ctx);
}

static enum step do_admit(struct op_run *run)
{
    run->place.on_decided = on_decided;
    run->place.ctx = run;
    enum governor_decision decision =
        turnstile_enter(run->gateway->turnstile, &run->place, run->account->record.id,
                        run->server, run->priority);
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
        busy_fault(run, "The line for this ERP account is full.");
    }
    return STEP_FAIL;
}

/* ---- sign ---- */

static enum step do_sign(struct op_run *run)
{
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
        .fields = fields,
        .field_count = request->field_count,
    };
    enum err err = outbound_sign(run->account->credential, &run->outbound,
                                 run->gateway->parts.clock, run->op.arena);
    if (err != ERR_OK) {
        run->op.fault.err = err;
        return STEP_FAIL;
    }
    return STEP_NEXT;
}

/* ---- send ---- */

static void transfer_fault(struct op_run *run, const struct http_outcome *outcome)
{
    struct fault *fault = &run->op.fault;
    fault->err = outcome->err;
    if (run->op.request.is_write && outcome->sent) {
        fault->err = ERR_OUTCOME_UNKNOWN;
        fault->hint = SLICE("Look the record up before sending it again.");
    } else if (outcome->err == ERR_TIMEOUT) {
        fault->err = ERR_UPSTREAM_UNAVAILABLE;
        fault->message = SLICE("The ERP did not answer in time.");
        fault->hint =
            SLICE("A narrower question (fewer rows, a shorter date range) is answered "
                  "sooner.");
    } else if (outcome->err == ERR_TOO_LARGE) {
        fault->message = SLICE("The ERP's answer is larger than this server takes.");
        fault->hint = SLICE("Ask for fewer rows with limit.");
    } else if (outcome->err == ERR_POLICY_DENIED) {
        fault->message = SLICE("The ERP's address is not one this server may call.");
        fault->hint =
            SLICE("The operator opens private addresses with net.allow_cidrs and plain "
                  "http with net.allow_plain_http_hosts.");
    }
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
    run->next = run->account->connector->on_response(&run->op, run->plan, &response);
    if (run->next == CONNECTOR_DONE) {
        account_prove(run->gateway->accounts, run->account);
    }
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
    transfer_fault(run, outcome);
    if (outcome->err == ERR_TIMEOUT) {
        report(run); /* the transfer goes on without our caller */
    }
}

static enum governor_outcome outcome_of(const struct op_run *run, enum http_end end)
{
    if (end == HTTP_END_LOST) {
        return GOVERNOR_LOST;
    }
    if (end == HTTP_END_NEVER_SENT) {
        return GOVERNOR_UNUSED;
    }
    return run->op.rate_limited ? GOVERNOR_RATE_LIMITED : GOVERNOR_ANSWERED;
}

static void on_transfer_end(void *ctx, enum http_end end)
{
    struct op_run *run = ctx;
    run->transfer = NULL;
    if (run->next == CONNECTOR_SEND && end == HTTP_END_ANSWERED && !run->quiet) {
        op_enter(run, OP_SIGN);
        advance(run);
        return;
    }
    op_enter(run, OP_END);
    give_back(run, outcome_of(run, end));
    report(run);
    run->on_over(run->ctx);
}

static enum step do_send(struct op_run *run)
{
    const struct op_request *request = &run->op.request;
    const struct gateway_config *config = run->gateway->parts.config;
    struct http_send send = {
        .method = request->method,
        .url = request->url,
        .fields = run->outbound.fields,
        .field_count = run->outbound.field_count,
        .body = request->body,
        .has_body = request->has_body,
        .answer_ms =
            request->is_write ? config->write_timeout_ms : config->read_timeout_ms,
        .max_ms = run->op.integration->upstream_max_ms,
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
    [OP_ADMIT] = {"admit", do_admit},
    [OP_SIGN] = {"sign", do_sign},
    [OP_SEND] = {"send", do_send},
};

/* Runs steps until one waits. Decoding happens inside the transfer's answer, which
 * lends it. */
static enum step drive(struct op_run *run)
{
    enum step step = STEP_NEXT;
    while (step == STEP_NEXT && run->state < OP_DECODE) {
        step = steps[run->state].run(run);
        if (step == STEP_NEXT) {
            op_enter(run, run->state + 1);
        }
    }
    return step;
}

static void advance(struct op_run *run)
{
    if (drive(run) != STEP_FAIL) {
        return;
    }
    op_enter(run, OP_END);
    if (run->has_slot) {
        give_back(run, GOVERNOR_UNUSED);
    }
    report(run);
    run->on_over(run->ctx);
}

enum op_start op_start(struct op_run *run)
{
    run->next = run->account->connector->begin(&run->op, run->plan);
    if (run->next != CONNECTOR_SEND) {
        op_enter(run, OP_END);
        return OP_IS_OVER;
    }
    op_enter(run, OP_ADMIT);
    if (drive(run) != STEP_FAIL) {
        return OP_WAITS;
    }
    op_enter(run, OP_END);
    if (run->has_slot) {
        give_back(run, GOVERNOR_UNUSED);
    }
    return OP_IS_OVER;
}

void op_cancel(struct op_run *run)
{
    run->quiet = true;
    if (run->transfer != NULL) {
        run->next = CONNECTOR_FAILED;
        http_transfer_abandon(run->transfer);
        return;
    }
    if (run->state == OP_ADMIT) {
        turnstile_leave(run->gateway->turnstile, &run->place);
        op_enter(run, OP_END);
        run->on_over(run->ctx);
    }
}
