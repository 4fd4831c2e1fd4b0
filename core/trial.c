/* SPDX-License-Identifier: Apache-2.0 */
/* One authenticated call, in the account's own line. */
#include "core/trial.h"

void trial_init(struct trial *trial, struct arena *arena)
{
    trial->arena = arena;
    trial->holders = 1;
}

void trial_drop(struct trial *trial)
{
    trial->holders--;
    if (trial->holders > 0) {
        return;
    }
    account_drop(trial->account);
    arena_free(trial->arena);
}

static void on_op_done(void *ctx)
{
    struct trial *trial = ctx;
    trial->facts.status = trial->run.upstream_status;
    trial->facts.is_locked = trial->run.is_locked;
    trial->on_done(trial->ctx, &trial->run.op.fault);
}

static void on_op_over(void *ctx)
{
    trial_drop(ctx);
}

static void on_op_token(void *ctx, const struct token_outcome *outcome)
{
    struct trial *trial = ctx;
    struct trial_facts *facts = &trial->facts;
    facts->token_failed = outcome->err != ERR_OK;
    facts->is_for_proxy = outcome->for_proxy;
    facts->is_looked_up = outcome->problem != NULL;
    facts->token_status = outcome->status;
    if (outcome->trace != NULL) {
        facts->token = *outcome->trace;
    }
}

void trial_operation(struct op_run *run, struct account *account, struct arena *arena)
{
    run->gateway = account_gateway(account);
    run->account = account;
    run->verifies = true;
    run->plan = account->integration->verify_plan;
    run->server = SLICE("verify");
    run->priority = GOVERNOR_INTERACTIVE;
    run->weight = 1;
    run->op.arena = arena;
    run->op.integration = account->integration;
    run->op.target = &account->target;
    run->op.path = run->op.query = run->op.body = jval_new_object(arena, 0);
}

void trial_start(struct trial *trial)
{
    struct op_run *run = &trial->run;
    trial_operation(run, trial->account, trial->arena);
    run->tries_now = trial->tries_now;
    run->on_done = on_op_done;
    run->on_over = on_op_over;
    run->on_token = on_op_token;
    run->trace = &trial->facts.erp;
    run->ctx = trial;
    trial->holders++;
    if (op_start(run) == OP_IS_OVER) {
        trial->holders--;
        on_op_done(trial);
    }
}

bool trial_may_pass_later(enum err err)
{
    return err == ERR_ACCOUNT_BUSY || err == ERR_RATE_LIMITED || err == ERR_UNAVAILABLE;
}

struct slice trial_later_hint(struct arena *arena, const struct fault *fault)
{
    return fault->retry_after_s > 1
               ? arena_printf(arena, "Send the same request again in %ld seconds.",
                              fault->retry_after_s)
               : SLICE("Send the same request again in a moment.");
}
