/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles a create of the record service. */
#include "catalog/members.h"
#include "connectors/netsuite/create.h"
#include "connectors/netsuite/create_private.h"

#define SECOND_ROW 2 /* enough to see that a name is not unique */

static enum err refuse(struct schema_problem *problem, struct slice pointer,
                       struct slice message)
{
    *problem = (struct schema_problem){.pointer = pointer, .message = message};
    return ERR_UNPROCESSABLE;
}

static const struct argument *body_argument(const struct tool *tool, struct slice name)
{
    for (size_t i = 0; i < tool->argument_count; i++) {
        if (slice_eq(tool->arguments[i].name, name) &&
            tool->arguments[i].place == ARGUMENT_BODY) {
            return &tool->arguments[i];
        }
    }
    return NULL;
}

static enum err check_members(struct arena *arena, const struct jval *upstream,
                              struct schema_problem *problem)
{
    static const char *const known[] = {"service",     "record",  "expand", "concat",
                                        "external_id", "resolve", "body",   NULL};

    return members_only(arena, SLICE_EMPTY, upstream, known, problem);
}

/* The query sees the argument as its own, of a method that reads. */
static enum err read_resolve(struct arena *arena, const struct jmember *spec,
                             const struct tool *tool, struct create_resolve *out,
                             struct schema_problem *problem)
{
    struct slice pointer = arena_printf(arena, "/resolve/%.*s", SLICE_ARG(spec->name));
    const struct argument as_query = {.name = spec->name, .place = ARGUMENT_QUERY};
    const struct tool reader = {
        .kind = METHOD_CUSTOM, .arguments = &as_query, .argument_count = 1};
    long long rows = 0;

    if (body_argument(tool, spec->name) == NULL) {
        return refuse(problem, pointer,
                      SLICE("The method's documentation has no body argument of this "
                            "name."));
    }
    if (!jval_is(jval_get(jval_get(&spec->value, "select"), "id"), JVAL_STRING) ||
        !jval_int64(jval_get(&spec->value, "rows"), &rows) || rows < SECOND_ROW) {
        return refuse(problem, pointer,
                      SLICE("This is a query that selects id, with rows of 2 or more: "
                            "a second row shows that a name is not unique."));
    }
    enum err err = suiteql_compile(arena, &spec->value, &reader, &out->query, problem);
    if (err != ERR_OK) {
        problem->pointer = arena_printf(arena, "%.*s%.*s", SLICE_ARG(pointer),
                                        SLICE_ARG(problem->pointer));
    }
    out->argument = spec->name;
    return err;
}

static enum err read_resolves(struct arena *arena, const struct jval *resolve,
                              const struct tool *tool, struct create_plan *plan,
                              struct schema_problem *problem)
{
    enum err err = ERR_OK;

    if (resolve == NULL) {
        return ERR_OK;
    }
    if (resolve->type != JVAL_OBJECT) {
        return refuse(problem, SLICE("/resolve"),
                      SLICE("resolve is an object of argument: query."));
    }
    struct create_resolve *list = arena_array(arena, resolve->count + 1, sizeof *list);
    for (size_t i = 0; err == ERR_OK && i < resolve->count; i++) {
        err = read_resolve(arena, &resolve->members[i], tool, &list[i], problem);
    }
    plan->resolves = list;
    plan->resolve_count = resolve->count;
    return err;
}

static enum err read_external_id(const struct jval *upstream, const struct tool *tool,
                                 struct create_plan *plan,
                                 struct schema_problem *problem)
{
    plan->external_id = jval_text(jval_get(upstream, "external_id"));
    return body_argument(tool, plan->external_id) != NULL
               ? ERR_OK
               : refuse(problem, SLICE("/external_id"),
                        SLICE("external_id names the body argument that is one: a "
                              "record is never created without."));
}

enum err create_compile(struct arena *arena, const struct jval *upstream,
                        const struct tool *tool, const struct create_plan **plan,
                        struct schema_problem *problem)
{
    struct create_plan *made = arena_alloc(arena, sizeof *made);
    enum err err = check_members(arena, upstream, problem);

    if (err == ERR_OK) {
        err = rest_read_record(arena, upstream, &made->read, problem);
    }
    if (err == ERR_OK) {
        err = read_external_id(upstream, tool, made, problem);
    }
    if (err == ERR_OK) {
        err =
            body_compile(arena, jval_get(upstream, "body"), tool, &made->body, problem);
    }
    if (err == ERR_OK) {
        err = read_resolves(arena, jval_get(upstream, "resolve"), tool, made, problem);
    }
    *plan = err == ERR_OK ? made : NULL;
    return err;
}
