/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller is told of an operation that ended without the ERP's own word. */
#include "base/number.h"
#include "core/coordinator.h"
#include "core/diagnosis.h"
#include "core/op_private.h"
#include "core/standing.h"

/* ---- The token host ---- */

/* How far the token host's clock is ahead of ours, by its Date; 0 where it says nothing. */
static int64_t token_skew_ms(const struct op_run *run,
                             const struct token_outcome *outcome)
{
    return outcome->trace != NULL && outcome->trace->date_ms > 0
               ? outcome->trace->date_ms - gateway_wall_ms(run->gateway)
               : 0;
}

void op_token_fault(struct op_run *run, const struct token_outcome *outcome)
{
    struct fault *fault = &run->op.fault;
    fault->err = outcome->err;
    fault->upstream.status = outcome->status;
    fault->upstream.code = arena_slice(run->op.arena, outcome->code);
    if (outcome->err == ERR_NEEDS_REAUTH && outcome->problem == NULL &&
        standing_needs_reauth(run->signer)) {
        standing_fault(run->signer, run->login, token_skew_ms(run, outcome),
                       run->op.arena, fault);
        return;
    }
    if (outcome->problem != NULL) {
        fault->message = slice_str(outcome->problem);
        fault->upstream.message = arena_slice(run->op.arena, outcome->text);
        fault->hint =
            SLICE("Whoever looks after the connection has to change it, here or "
                  "at the service that refused; the ERP was not called.");
    } else if (op_is_against_client(outcome)) {
        fault->message = SLICE("The token host refused the client's id or secret.");
        fault->hint =
            SLICE("The account has to be connected again with valid credentials.");
    } else if (outcome->err == ERR_NEEDS_REAUTH && outcome->status > 0) {
        fault->message = arena_printf(run->op.arena,
                                      "The token host refused with HTTP %d, without a "
                                      "word on the client.",
                                      outcome->status);
        fault->hint = SLICE("Something in front of it may have answered in its place; "
                            "else the request is not one it knows.");
    } else {
        fault->message =
            SLICE("No access token could be fetched; the ERP was not called.");
    }
}

/* ---- The line ---- */

/* By what it waited for; whoever was told at once, and whoever waited in vain. */
static const char *const lines_too_long[GOVERNOR_RULES] = {
    [GOVERNOR_SLOT] = "The line for this ERP account is so long that the call would "
                      "not get its turn in "
                      "time.",
    [GOVERNOR_DOCUMENT] =
        "Earlier writes on the same document are not over, and this one would "
        "not get its turn in time; it was not sent.",
    [GOVERNOR_WRITE_RATE] = "This ERP account takes only so many writes a minute "
                            "(writes_per_minute), and this one "
                            "would not get its turn in time; it was not sent.",
    [GOVERNOR_CALL_RATE] = "This ERP account takes only so many calls a minute "
                           "(calls_per_minute), and this one "
                           "would not get its turn in time."};
static const char *const waits_in_vain[GOVERNOR_RULES] = {
    [GOVERNOR_SLOT] =
        "The call waited its full time in line for this ERP account and no "
        "place became free.",
    [GOVERNOR_DOCUMENT] =
        "The call waited its full time for an earlier write on the same "
        "document, which is not over; it was not sent.",
    [GOVERNOR_WRITE_RATE] = "The call waited its full time for its turn among the "
                            "writes that this ERP account "
                            "takes a minute (writes_per_minute); it was not sent.",
    [GOVERNOR_CALL_RATE] =
        "The call waited its full time for its turn among the calls that "
        "this ERP account takes a minute (calls_per_minute)."};

static const char *why_refused(enum governor_decision decision, enum governor_rule rule)
{
    if (decision == GOVERNOR_TURNED_AWAY) {
        return "The operator of this server has taken the call out of the line for "
               "this ERP account; it was not sent.";
    }
    if (decision == GOVERNOR_TOO_LATE) {
        return lines_too_long[rule];
    }
    return decision == GOVERNOR_EXPIRED ? waits_in_vain[rule]
                                        : "The line for this ERP account is full.";
}

/* No part of a ceiling falls to this process, or worker, and never will: who divides it says why. */
static void no_share_fault(const struct op_run *run, struct fault *fault)
{
    bool is_divided = governor_shares(run->gateway->parts.governor) > 1;

    if (is_divided && run->gateway->coordinator != NULL) {
        fault->message = SLICE("The tenant's ceiling is smaller than the number of "
                               "servers that share it, and none of it falls to this "
                               "one.");
        fault->hint = SLICE("The same call may reach another server next time; the "
                            "operator raises the tenant's ceiling or lowers "
                            "coordination.nodes.");
    } else if (is_divided) {
        fault->message = SLICE("The ceiling of this ERP account, or its tenant's, is "
                               "smaller than the number of processes that share it, "
                               "and none of it falls to this one.");
        fault->hint =
            SLICE("The same call may reach another process next time; the "
                  "operator raises the ceiling or lowers coordination.shares.");
    } else {
        fault->message = SLICE("The tenant's ceiling is divided among this server's "
                               "workers until its next start, and none of it falls to "
                               "the one that serves this ERP account.");
        fault->hint = SLICE("The operator raises the tenant's ceiling, or starts the "
                            "server again: then it is whole.");
    }
}

void op_busy_fault(struct op_run *run, const char *message)
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
    if (view.limit == 0) {
        no_share_fault(run, fault);
    }
    fault->retry_after_s = view.retry_after_s;
}

void op_line_fault(struct op_run *run, enum governor_decision decision)
{
    const struct governor_ticket *ticket = &run->place.ticket;
    struct slice trouble =
        coordinator_trouble(run->gateway->coordinator, run->op.arena);
    op_busy_fault(run, why_refused(decision, ticket->rule));
    if (trouble.len > 0 && ticket->rule == GOVERNOR_SLOT &&
        decision != GOVERNOR_TURNED_AWAY) {
        run->op.fault.message = trouble;
    }
    if (ticket->estimate_us > 0) {
        run->op.fault.retry_after_s = seconds_up(ticket->estimate_us);
    }
}

void op_stopping_fault(struct op_run *run)
{
    run->op.fault.err = ERR_UNAVAILABLE;
    run->op.fault.message =
        SLICE("The server stopped before the call reached the ERP.");
}

/* ---- The transfer ---- */

void op_transfer_fault(struct op_run *run, const struct http_outcome *outcome)
{
    struct fault *fault = &run->op.fault;
    fault->err = outcome->err;
    fault->hint = diagnosis_hint(outcome->reason);
    if (run->op.request.is_write && outcome->sent) {
        fault->err = ERR_OUTCOME_UNKNOWN;
        fault->hint = run->op.tool != NULL && run->op.tool->lookup.len > 0
                          ? run->op.tool->lookup
                          : SLICE("Look the record up before sending it again.");
    } else if (outcome->err == ERR_TIMEOUT) {
        fault->err = ERR_UPSTREAM_UNAVAILABLE;
        fault->message = SLICE("The ERP did not answer in time.");
        if (fault->hint.len == 0) {
            fault->hint =
                SLICE("A narrower question (fewer rows, a shorter date range) is "
                      "answered sooner.");
        }
    } else if (outcome->err == ERR_TOO_LARGE && !outcome->sent) {
        fault->message = SLICE(
            "The request has a line that is longer than the way to the ERP carries "
            "(8192 bytes), so it was not sent.");
        fault->hint =
            SLICE("Ask with fewer or shorter arguments. If every call says "
                  "this, the access token is too long: it needs fewer scopes.");
    } else if (outcome->err == ERR_TOO_LARGE) {
        fault->message = SLICE("The ERP's answer is larger than this server takes.");
        fault->hint = SLICE("Ask for fewer rows with limit.");
    } else if (outcome->err == ERR_POLICY_DENIED) {
        fault->message = SLICE("The ERP's address is not one this server may call.");
    }
}
