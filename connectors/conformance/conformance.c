/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entry table of the conformance connector. It has no upstream: an operation ends
 * where it begins, with what its script says.
 */
#include "connectors/conformance/conformance.h"

#include "connectors/conformance/job.h"
#include "connectors/conformance/rounds.h"
#include "connectors/conformance/script.h"
#include "connectors/conformance/template.h"

/* There is nothing to connect to, so there is nothing to say about it. */
static enum err connect(struct arena *arena, struct arena *scratch,
                        const struct jval *connection, struct op_target *out,
                        struct fault *fault)
{
    (void)arena;
    if (!jval_is(connection, JVAL_OBJECT) || connection->count > 0) {
        fault->err = ERR_UNPROCESSABLE;
        fault->details = arena_alloc(scratch, sizeof *fault->details);
        fault->details[0].pointer = SLICE("/connection");
        fault->details[0].message = SLICE("an empty object is needed");
        fault->detail_count = 1;
        fault->message = SLICE("connection: an empty object is needed");
        return ERR_UNPROCESSABLE;
    }
    *out = (struct op_target){.lane = SLICE("conformance:built-in"),
                              .connection = connection};
    return ERR_OK;
}

static enum err compile(struct arena *arena, const struct jval *upstream,
                        const struct tool *tool, const void **plan,
                        struct schema_problem *problem)
{
    const struct script *script = NULL;
    enum err err = script_compile(arena, upstream, tool, &script, problem);
    *plan = script;
    return err;
}

/* ---- Playing a script ---- */

/* How far an operation has come. */
struct play {
    size_t step;
};

static enum connector_step answer(struct op *op, const struct script *script,
                                  const struct jval *responses)
{
    struct template_values values = {op->query, responses};
    op->result.content = template_fill(op->arena, script->content, &values);
    op->result.content_is = script->content_is;
    return CONNECTOR_DONE;
}

/* A "no" is an answer, and the end of the call. */
static enum connector_step answer_declined(struct op *op)
{
    op->fault.err = ERR_POLICY_DENIED;
    op->fault.message = SLICE("The user declined to answer, so nothing was done.");
    return CONNECTOR_FAILED;
}

static enum connector_step converse(struct op *op, const struct script *script)
{
    const struct jval *responses = NULL;
    switch (rounds_go(op, script, &responses)) {
    case ROUNDS_ASK:
        return CONNECTOR_DONE;
    case ROUNDS_DECLINED:
        return answer_declined(op);
    case ROUNDS_TOO_MUCH:
        op->fault.err = ERR_TOO_LARGE;
        return CONNECTOR_FAILED;
    case ROUNDS_OVER:
        break;
    }
    return answer(op, script, responses);
}

static enum connector_step next_step(struct op *op, const struct script *script)
{
    struct play *play = op->private_data;
    if (play->step == script->step_count) {
        return converse(op, script);
    }
    const struct script_step *step = &script->steps[play->step++];
    op->progress = step->progress;
    op->wait_ms = step->wait_ms;
    return CONNECTOR_WAIT;
}

static enum connector_step begin(struct op *op, const void *plan)
{
    const struct script *script = plan;
    if (script == NULL) {
        return CONNECTOR_DONE; /* "verify": an empty connection holds no wrong value */
    }
    if (op->tool->polls) {
        return fixture_job_ask(op);
    }
    if (script->job.starts) {
        return fixture_job_start(op, &script->job);
    }
    op->private_data = arena_alloc(op->arena, sizeof(struct play));
    return next_step(op, script);
}

static enum connector_step resume(struct op *op, const void *plan)
{
    return next_step(op, plan);
}

const struct connector conformance_connector = {
    .name = "conformance",
    .opt_in = true,
    .connect = connect,
    .compile = compile,
    .begin = begin,
    .resume = resume,
};
