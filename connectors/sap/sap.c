/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entry table of the SAP connector. A read is one exchange; a write is one too, when
 * the account has a CSRF token, else it fetches one first or waits for who does.
 */
#include "connectors/sap/sap.h"

#include "connectors/sap/body.h"
#include "connectors/sap/connection.h"
#include "connectors/sap/csrf.h"
#include "connectors/sap/odata.h"
#include "connectors/sap/plan.h"

static enum err compile(struct arena *arena, const struct jval *upstream,
                        const struct tool *tool, const void **plan,
                        struct schema_problem *problem)
{
    const struct sap_plan *made = NULL;
    enum err err = sap_plan_compile(arena, upstream, tool, &made, problem);

    *plan = made;
    return err;
}

static enum connector_step begin(struct op *op, const void *plan)
{
    const struct sap_plan *made = plan;
    struct sap_run *run = arena_alloc(op->arena, sizeof *run);

    op->private_data = run;
    if (made->action != SAP_CREATE) {
        return sap_read_begin(op, made);
    }
    return sap_body_write(op, made, &run->body) ? sap_csrf_write(op, made)
                                                : CONNECTOR_FAILED;
}

static enum connector_step on_response(struct op *op, const void *plan,
                                       const struct op_response *response)
{
    const struct sap_run *run = op->private_data;

    switch (run->phase) {
    case SAP_FETCHING:
        return sap_csrf_fetched(op, plan, response);
    case SAP_WRITING:
        return sap_csrf_written(op, plan, response);
    case SAP_READING:
    case SAP_PARKED:
        break;
    }
    return sap_read_answer(op, plan, response);
}

static enum connector_step resume(struct op *op, const void *plan)
{
    return sap_csrf_resume(op, plan);
}

static void leave(struct op *op, const void *plan)
{
    (void)plan;
    sap_csrf_leave(op);
}

const struct connector sap_connector = {
    .name = "sap",
    .connect = sap_connect,
    .compile = compile,
    .begin = begin,
    .on_response = on_response,
    .session_new = sap_session_new,
    .session_free = sap_session_free,
    .resume = resume,
    .leave = leave,
};
