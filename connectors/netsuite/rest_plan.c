/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles a method of the record service: what is read, and what is added to it. */
#include <ctype.h>

#include "catalog/members.h"
#include "connectors/netsuite/rest.h"
#include "connectors/netsuite/rest_private.h"

#define RECORD_NAME_MAX 64

static enum err refuse(struct schema_problem *problem, struct slice pointer,
                       struct slice message)
{
    *problem = (struct schema_problem){.pointer = pointer, .message = message};
    return ERR_UNPROCESSABLE;
}

static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c >= 0x80 || (!isalpha(c) && !(i > 0 && (isdigit(c) || c == '_')))) {
            return false;
        }
    }
    return name.len > 0 && name.len <= RECORD_NAME_MAX;
}

/* ---- Sublists put together ---- */

static enum err read_concat(struct arena *arena, const struct jmember *member,
                            struct rest_concat *out, struct schema_problem *problem)
{
    struct slice pointer = arena_printf(arena, "/concat/%.*s", SLICE_ARG(member->name));
    const struct jval *list = &member->value;

    if (member->name.len < 2 || member->name.ptr[0] != '_' ||
        !is_name(slice_from(member->name, 1))) {
        return refuse(
            problem, pointer,
            SLICE("The name begins with '_', which no member of a record does."));
    }
    if (list->type != JVAL_ARRAY || list->count == 0) {
        return refuse(problem, pointer, SLICE("This is an array of sublists."));
    }
    struct slice *sublists = arena_array(arena, list->count, sizeof *sublists);
    for (size_t i = 0; i < list->count; i++) {
        sublists[i] = jval_text(&list->items[i]);
        if (!is_name(sublists[i])) {
            return refuse(problem,
                          arena_printf(arena, "%.*s/%zu", SLICE_ARG(pointer), i),
                          SLICE("This is the name of a sublist, such as item."));
        }
    }
    *out = (struct rest_concat){member->name, sublists, list->count};
    return ERR_OK;
}

static enum err read_concats(struct arena *arena, const struct jval *concat,
                             struct rest_plan *plan, struct schema_problem *problem)
{
    if (concat == NULL) {
        return ERR_OK;
    }
    if (concat->type != JVAL_OBJECT || !plan->expand) {
        return refuse(problem, SLICE("/concat"),
                      SLICE("concat is an object of name: sublists, of a record that "
                            "is expanded."));
    }
    struct rest_concat *list = arena_array(arena, concat->count + 1, sizeof *list);
    for (size_t i = 0; i < concat->count; i++) {
        enum err err = read_concat(arena, &concat->members[i], &list[i], problem);
        if (err != ERR_OK) {
            return err;
        }
    }
    plan->concats = list;
    plan->concat_count = concat->count;
    return ERR_OK;
}

enum err rest_read_record(struct arena *arena, const struct jval *upstream,
                          struct rest_plan *plan, struct schema_problem *problem)
{
    const struct jval *expand = jval_get(upstream, "expand");

    plan->record = jval_text(jval_get(upstream, "record"));
    if (!is_name(plan->record)) {
        return refuse(
            problem, SLICE("/record"),
            SLICE("record is a record type of NetSuite, such as vendorBill."));
    }
    if (expand != NULL && expand->type != JVAL_TRUE && expand->type != JVAL_FALSE) {
        return refuse(problem, SLICE("/expand"), SLICE("expand is true or false."));
    }
    plan->expand = jval_is(expand, JVAL_TRUE);
    return read_concats(arena, jval_get(upstream, "concat"), plan, problem);
}

/* ---- A get ---- */

static enum err check_tool(const struct tool *tool, struct schema_problem *problem)
{
    if (tool == NULL || tool->kind != METHOD_GET) {
        return refuse(problem, SLICE("/service"),
                      SLICE("The record service serves get and create methods."));
    }
    for (size_t i = 0; i < tool->argument_count; i++) {
        if (tool->arguments[i].place != ARGUMENT_PATH ||
            !slice_is(tool->arguments[i].name, "id")) {
            return refuse(problem, SLICE("/service"),
                          SLICE("A record is read by id: the documentation names an "
                                "argument that would be ignored."));
        }
    }
    return ERR_OK;
}

static enum err check_members(struct arena *arena, const struct jval *upstream,
                              struct schema_problem *problem)
{
    static const char *const known[] = {"service", "record", "expand",
                                        "concat",  "with",   NULL};

    return members_only(arena, SLICE_EMPTY, upstream, known, problem);
}

static enum err read_with(struct arena *arena, const struct jval *with,
                          const struct tool *tool, struct rest_plan *plan,
                          struct schema_problem *problem)
{
    if (with == NULL) {
        return ERR_OK;
    }
    enum err err = suiteql_compile(arena, with, tool, &plan->with, problem);
    if (err != ERR_OK) {
        problem->pointer =
            arena_printf(arena, "/with%.*s", SLICE_ARG(problem->pointer));
    }
    return err;
}

enum err rest_compile(struct arena *arena, const struct jval *upstream,
                      const struct tool *tool, const struct rest_plan **plan,
                      struct schema_problem *problem)
{
    struct rest_plan *made = arena_alloc(arena, sizeof *made);
    enum err err = check_members(arena, upstream, problem);

    if (err == ERR_OK) {
        err = check_tool(tool, problem);
    }
    if (err == ERR_OK) {
        err = rest_read_record(arena, upstream, made, problem);
    }
    if (err == ERR_OK) {
        err = read_with(arena, jval_get(upstream, "with"), tool, made, problem);
    }
    *plan = err == ERR_OK ? made : NULL;
    return err;
}
