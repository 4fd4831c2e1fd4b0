/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A query goes out as the guard left it, its values as "params", never inside it. How
 * many rows come is ours to say: limit stands in the URL, whatever the query asks for.
 */
#include "connectors/netsuite/free_query.h"

#include "base/buf.h"
#include "base/jwriter.h"
#include "catalog/members.h"
#include "connectors/netsuite/errors.h"
#include "connectors/netsuite/paging.h"
#include "connectors/netsuite/suiteql.h"
#include "connectors/netsuite/suiteql_guard.h"
#include "connectors/netsuite/suiteql_private.h"

#define BODY_BYTES_MAX ((size_t)512 * 1024)
#define MESSAGES_MAX 2

struct free_query_plan {
    struct slice query, params; /* arguments */
    size_t rows_max;
    struct slice note; /* empty: none */
};

struct free_query {
    struct paging_window window;
    bool ordered;
};

/* ---- Compiling ---- */

static enum err refuse(struct schema_problem *problem, const char *pointer,
                       const char *message)
{
    *problem = (struct schema_problem){.pointer = slice_str(pointer),
                                       .message = slice_str(message)};
    return ERR_UNPROCESSABLE;
}

static bool is_query_argument(const struct tool *tool, struct slice name)
{
    for (size_t i = 0; i < tool->argument_count; i++) {
        if (slice_eq(tool->arguments[i].name, name)) {
            return tool->arguments[i].place == ARGUMENT_QUERY;
        }
    }
    return false;
}

static bool only_paging_beside(const struct free_query_plan *plan,
                               const struct tool *tool)
{
    for (size_t i = 0; i < tool->argument_count; i++) {
        const struct argument *argument = &tool->arguments[i];
        if (argument->place != ARGUMENT_PAGING &&
            !slice_eq(argument->name, plan->query) &&
            !slice_eq(argument->name, plan->params)) {
            return false;
        }
    }
    return true;
}

static enum err check_members(struct arena *arena, const struct jval *upstream,
                              struct schema_problem *problem)
{
    static const char *const known[] = {"service",  "query", "params",
                                        "rows_max", "note",  NULL};

    return members_only(arena, SLICE_EMPTY, upstream, known, problem);
}

/* A query that anybody may write is nobody's by accident. */
static enum err check_tool(const struct tool *tool, struct schema_problem *problem)
{
    if (tool == NULL || tool->kind != METHOD_CUSTOM || tool->writes || !tool->opt_in ||
        !tool->pages || !tool->as_sent) {
        return refuse(problem, "/service",
                      "A free query is of a custom method that does not write, with "
                      "opt_in and pages, whose documentation says as_sent.");
    }
    return ERR_OK;
}

enum err free_query_compile(struct arena *arena, const struct jval *upstream,
                            const struct tool *tool,
                            const struct free_query_plan **plan,
                            struct schema_problem *problem)
{
    struct free_query_plan *made = arena_alloc(arena, sizeof *made);
    long long rows = 0;
    enum err err = check_members(arena, upstream, problem);

    if (err == ERR_OK) {
        err = check_tool(tool, problem);
    }
    if (err != ERR_OK) {
        return err;
    }
    made->query = jval_text(jval_get(upstream, "query"));
    made->params = jval_text(jval_get(upstream, "params"));
    made->note = jval_text(jval_get(upstream, "note"));
    if (!is_query_argument(tool, made->query)) {
        return refuse(problem, "/query", "query names the query argument that is one.");
    }
    if (!is_query_argument(tool, made->params) || !only_paging_beside(made, tool)) {
        return refuse(
            problem, "/params",
            "params names the query argument that holds the values; there are "
            "no others.");
    }
    if (!jval_int64(jval_get(upstream, "rows_max"), &rows) || rows < 1 ||
        rows > PAGING_OFFSET_END) {
        return refuse(problem, "/rows_max",
                      "rows_max is how many rows one query gives, 1 to 100000.");
    }
    made->rows_max = (size_t)rows;
    *plan = made;
    return ERR_OK;
}

/* ---- The request ---- */

static bool write_params(struct op *op, const struct free_query_plan *plan,
                         size_t marks, struct jwriter *json)
{
    const struct jval *params = jval_member(op->query, plan->params);
    size_t count = jval_is(params, JVAL_ARRAY) ? params->count : 0;

    if (count != marks) {
        errors_argument(op, plan->params,
                        arena_printf(op->arena,
                                     "The query has %zu '?' outside quotes, and there "
                                     "are %zu values here.",
                                     marks, count));
        return false;
    }
    if (count == 0) {
        return true;
    }
    jwriter_key(json, SLICE("params"));
    jwriter_array(json);
    for (size_t i = 0; i < count; i++) {
        const struct jval *value = &params->items[i];
        if (value->type != JVAL_STRING && value->type != JVAL_NUMBER) {
            errors_argument(
                op, arena_printf(op->arena, "%.*s/%zu", SLICE_ARG(plan->params), i),
                SLICE("A value is text or a number."));
            return false;
        }
        jwriter_value(json, value);
    }
    jwriter_array_end(json);
    return true;
}

static bool write_body(struct op *op, const struct free_query_plan *plan,
                       const struct guarded *guarded, struct slice *body)
{
    struct jwriter json;
    struct buf text;

    buf_init(&text, BODY_BYTES_MAX);
    jwriter_init(&json, &text);
    jwriter_object(&json);
    bool right = write_params(op, plan, guarded->marks, &json);
    if (right) {
        jwriter_key(&json, SLICE("q"));
        jwriter_string(&json, guarded->text);
        jwriter_object_end(&json);
    }
    if (right && buf_full(&text)) {
        op->fault = (struct fault){
            .err = ERR_TOO_LARGE,
            .message = SLICE("The query and its params are too long for one request."),
            .hint = SLICE("Shorten the query or its params.")};
        right = false;
    }
    *body = right ? arena_slice(op->arena, buf_slice(&text)) : SLICE_EMPTY;
    buf_free(&text);
    return right;
}

enum connector_step free_query_begin(struct op *op, const struct free_query_plan *plan)
{
    struct free_query *run = arena_alloc(op->arena, sizeof *run);
    struct guarded guarded;
    struct slice body;
    size_t row = 0;
    const char *why = guard_query(
        op->arena, jval_text(jval_member(op->query, plan->query)), &guarded);

    if (why != NULL) {
        return errors_argument(op, plan->query, slice_str(why));
    }
    if (!paging_parse(op->page, &row)) {
        return errors_argument(op, SLICE("next_cursor"),
                               SLICE("This is not a cursor of this query."));
    }
    if (row >= plan->rows_max) {
        op->fault = (struct fault){
            .err = ERR_TOO_LARGE,
            .message = arena_printf(op->arena,
                                    "This tool gives at most %zu rows of one query.",
                                    plan->rows_max),
            .hint = SLICE("Narrow the query with conditions, or let it sum up.")};
        return CONNECTOR_FAILED;
    }
    if (!write_body(op, plan, &guarded, &body)) {
        return CONNECTOR_FAILED;
    }
    run->window = paging_window(row, op->limit);
    run->ordered = guarded.ordered;
    op->private_data = run;
    suiteql_write_request(op, &run->window, body);
    return CONNECTOR_SEND;
}

/* ---- The answer ---- */

/* A row's columns as text. NetSuite sends nothing else; what is no scalar is left out. */
static struct jval *plain_row(struct arena *arena, const struct jval *row)
{
    struct jval *plain = jval_new_object(arena, row->count + 1);

    for (size_t i = 0; i < row->count; i++) {
        struct slice name = row->members[i].name;
        struct jval value = row->members[i].value;
        bool is_list = value.type == JVAL_ARRAY || value.type == JVAL_OBJECT;
        if (is_list || slice_is(name, "links")) {
            continue;
        }
        if (value.type == JVAL_TRUE || value.type == JVAL_FALSE) {
            value.text = value.type == JVAL_TRUE ? SLICE("T") : SLICE("F");
        }
        if (value.type != JVAL_NULL) {
            value.type = JVAL_STRING;
        }
        jval_set(arena, plain, name, &value);
    }
    return plain;
}

static void add_messages(struct op *op, const struct free_query_plan *plan,
                         bool may_overlap)
{
    struct op_message *messages =
        arena_array(op->arena, MESSAGES_MAX, sizeof *messages);
    size_t count = 0;

    if (plan->note.len > 0) {
        messages[count++] = (struct op_message){
            .severity = SLICE("info"), .code = SLICE("suiteql"), .text = plan->note};
    }
    if (may_overlap) {
        messages[count++] = (struct op_message){
            .severity = SLICE("warning"),
            .code = SLICE("no_order"),
            .text =
                SLICE("The query has no ORDER BY: rows may come twice or never from "
                      "page to page. Order by something unique, such as an id.")};
    }
    op->result.messages = messages;
    op->result.message_count = count;
}

enum connector_step free_query_on_response(struct op *op,
                                           const struct free_query_plan *plan,
                                           const struct op_response *response)
{
    const struct free_query *run = op->private_data;
    bool has_more = false;
    size_t taken = 0, next = 0;
    const struct jval *rows = suiteql_read_rows(op, response, &has_more);

    if (rows == NULL) {
        return CONNECTOR_FAILED;
    }
    bool more = paging_next(&run->window, rows->count, has_more, &taken, &next);
    struct jval *records = jval_new_array(op->arena, taken + 1);
    for (size_t i = 0; i < taken; i++) {
        jval_push(op->arena, records,
                  plain_row(op->arena, &rows->items[run->window.skip + i]));
    }
    op->result.records = records;
    op->result.next_page = more ? paging_text(op->arena, next) : SLICE_EMPTY;
    add_messages(op, plan, more && !run->ordered);
    return CONNECTOR_DONE;
}
