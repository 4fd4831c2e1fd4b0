/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entry table of the conformance connector. It has no upstream: an operation ends
 * where it begins, with what its script says.
 */
#include "connectors/conformance/conformance.h"

#include "connectors/conformance/script.h"
#include "connectors/conformance/template.h"

/* There is nothing to connect to, so there is nothing to say about it. */
static enum err connect(struct arena *arena, const struct jval *connection,
                        struct op_target *out, struct fault *fault)
{
    if (!jval_is(connection, JVAL_OBJECT) || connection->count > 0) {
        fault->err = ERR_UNPROCESSABLE;
        fault->details = arena_alloc(arena, sizeof *fault->details);
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

static enum connector_step begin(struct op *op, const void *plan)
{
    const struct script *script = plan;
    if (script == NULL) {
        return CONNECTOR_DONE; /* "verify": an empty connection holds no wrong value */
    }
    struct template_values values = {.arguments = op->query};
    op->result.content = template_fill(op->arena, script->content, &values);
    op->result.content_is = script->content_is;
    return CONNECTOR_DONE;
}

const struct connector conformance_connector = {
    .name = "conformance",
    .opt_in = true,
    .connect = connect,
    .compile = compile,
    .begin = begin,
};
