/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles a SuiteQL method. The catalog is the operator's and trusted to write SQL, so
 * the checks here are against mistakes: a mark without a value, a filter without an
 * argument, an argument that would be accepted and then ignored, a statement that ends
 * early.
 */
#include "connectors/netsuite/suiteql.h"

#include "base/buf.h"
#include "catalog/members.h"
#include "connectors/netsuite/paging.h"
#include "connectors/netsuite/suiteql_private.h"

#define SQL_MAX 4000
#define HEAD_MAX ((size_t)64 * 1024)
#define ALIAS_MAX 30
#define TIMES_MAX 8

struct compiler {
    struct arena *arena;
    const struct tool *tool;
    struct schema_problem *problem;
};

static enum err refuse(struct compiler *compiler, struct slice pointer,
                       struct slice message)
{
    *compiler->problem =
        (struct schema_problem){.pointer = pointer, .message = message};
    return ERR_UNPROCESSABLE;
}

static struct slice at(struct compiler *compiler, const char *list, struct slice member)
{
    return arena_printf(compiler->arena, "/%s/%.*s", list, SLICE_ARG(member));
}

/* ---- Pieces of SQL ---- */

/* Why a piece cannot stand in a query; NULL when it can. `marks` receives its '?'. */
static const char *sql_fault(struct slice sql, size_t *marks)
{
    char quote = 0;
    size_t depth = 0;

    *marks = 0;
    if (sql.len == 0 || sql.len > SQL_MAX) {
        return "This has to be SQL text of 1 to 4000 bytes.";
    }
    for (size_t i = 0; i < sql.len; i++) {
        char c = sql.ptr[i], next = i + 1 < sql.len ? sql.ptr[i + 1] : 0;
        if ((unsigned char)c < 0x20) {
            return "SQL here has no control characters or line ends.";
        }
        if (quote != 0) {
            quote = c == quote ? 0 : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '?') {
            (*marks)++;
        } else if (c == '(') {
            depth++;
        } else if (c == ')' && depth-- == 0) {
            return "A bracket is closed that was not opened.";
        } else if (c == ';' || (c == '-' && next == '-') || (c == '/' && next == '*')) {
            return "SQL here is one expression, without ';' and comments.";
        }
    }
    return quote != 0   ? "A quote is not closed."
           : depth != 0 ? "A bracket is not closed."
                        : NULL;
}

/* A piece without marks: everything but a filter. */
static enum err check_plain(struct compiler *compiler, struct slice pointer,
                            struct slice sql)
{
    size_t marks;
    const char *fault = sql_fault(sql, &marks);

    if (fault != NULL) {
        return refuse(compiler, pointer, slice_str(fault));
    }
    return marks == 0 ? ERR_OK
                      : refuse(compiler, pointer,
                               SLICE("Only a filter's sql may have '?' marks."));
}

static bool is_alias(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!(c >= 'a' && c <= 'z') &&
            !(i > 0 && ((c >= '0' && c <= '9') || c == '_'))) {
            return false;
        }
    }
    return name.len > 0 && name.len <= ALIAS_MAX;
}

static enum err write_select(struct compiler *compiler, const struct jval *select,
                             struct buf *head)
{
    if (!jval_is(select, JVAL_OBJECT) || select->count == 0) {
        return refuse(compiler, SLICE("/select"),
                      SLICE("select is an object of alias: expression."));
    }
    buf_append(head, SLICE("SELECT "));
    for (size_t i = 0; i < select->count; i++) {
        const struct jmember *column = &select->members[i];
        struct slice pointer = at(compiler, "select", column->name);
        if (!is_alias(column->name)) {
            return refuse(
                compiler, pointer,
                SLICE("An alias is 1 to 30 of a-z, 0-9 and _, beginning with a "
                      "letter: NetSuite answers in lower case."));
        }
        enum err err = check_plain(compiler, pointer, jval_text(&column->value));
        if (err != ERR_OK) {
            return err;
        }
        buf_printf(head, "%s%.*s AS %.*s", i > 0 ? ", " : "",
                   SLICE_ARG(column->value.text), SLICE_ARG(column->name));
    }
    return ERR_OK;
}

static enum err write_where(struct compiler *compiler, const struct jval *where,
                            struct buf *head)
{
    if (where == NULL) {
        return ERR_OK;
    }
    if (where->type != JVAL_ARRAY) {
        return refuse(compiler, SLICE("/where"),
                      SLICE("where is an array of conditions."));
    }
    for (size_t i = 0; i < where->count; i++) {
        struct slice sql = jval_text(&where->items[i]);
        enum err err =
            check_plain(compiler, arena_printf(compiler->arena, "/where/%zu", i), sql);
        if (err != ERR_OK) {
            return err;
        }
        buf_printf(head, "%s(%.*s)", i > 0 ? " AND " : " WHERE ", SLICE_ARG(sql));
    }
    return ERR_OK;
}

static enum err write_head(struct compiler *compiler, const struct jval *upstream,
                           struct suiteql_plan *plan)
{
    struct slice from = jval_text(jval_get(upstream, "from"));
    struct buf head;

    buf_init(&head, HEAD_MAX);
    enum err err = write_select(compiler, jval_get(upstream, "select"), &head);
    if (err == ERR_OK) {
        err = check_plain(compiler, SLICE("/from"), from);
    }
    if (err == ERR_OK) {
        buf_printf(&head, " FROM %.*s", SLICE_ARG(from));
        err = write_where(compiler, jval_get(upstream, "where"), &head);
    }
    if (err == ERR_OK && buf_full(&head)) {
        err = refuse(compiler, SLICE("/select"), SLICE("The query is too long."));
    }
    plan->head = arena_slice(compiler->arena, buf_slice(&head));
    const struct jval *where = jval_get(upstream, "where");
    plan->has_where = where != NULL && where->count > 0;
    buf_free(&head);
    return err;
}

/* ---- Filters ---- */

static const struct argument *find_argument(const struct tool *tool, struct slice name)
{
    for (size_t i = 0; tool != NULL && i < tool->argument_count; i++) {
        if (slice_eq(tool->arguments[i].name, name)) {
            return &tool->arguments[i];
        }
    }
    return NULL;
}

static bool bind_named(struct slice name, enum suiteql_bind *bind)
{
    static const char *const names[] = {[SUITEQL_BIND_ID] = "id",
                                        [SUITEQL_BIND_DATE] = "date",
                                        [SUITEQL_BIND_DECIMAL] = "decimal",
                                        [SUITEQL_BIND_TEXT] = "text",
                                        [SUITEQL_BIND_LIKE] = "like"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_is(name, names[i])) {
            *bind = (enum suiteql_bind)i;
            return true;
        }
    }
    return false;
}

static enum err compile_bound(struct compiler *compiler, struct slice pointer,
                              const struct jval *spec, struct suiteql_filter *filter)
{
    static const char *const known[] = {"sql", "bind", "times", NULL};
    struct slice sql_pointer =
        arena_printf(compiler->arena, "%.*s/sql", SLICE_ARG(pointer));
    const struct jval *times = jval_get(spec, "times");
    long long wanted = 1;
    size_t marks;

    enum err err =
        members_only(compiler->arena, pointer, spec, known, compiler->problem);
    if (err != ERR_OK) {
        return err;
    }
    filter->sql = jval_text(jval_get(spec, "sql"));
    const char *fault = sql_fault(filter->sql, &marks);
    if (fault != NULL) {
        return refuse(compiler, sql_pointer, slice_str(fault));
    }
    if (!bind_named(jval_text(jval_get(spec, "bind")), &filter->bind)) {
        return refuse(compiler,
                      arena_printf(compiler->arena, "%.*s/bind", SLICE_ARG(pointer)),
                      SLICE("bind is id, date, decimal, text or like."));
    }
    if (times != NULL &&
        (!jval_int64(times, &wanted) || wanted < 1 || wanted > TIMES_MAX)) {
        return refuse(compiler,
                      arena_printf(compiler->arena, "%.*s/times", SLICE_ARG(pointer)),
                      SLICE("times is how often the value is bound, 1 to 8."));
    }
    filter->times = (size_t)wanted;
    if (marks != filter->times) {
        return refuse(
            compiler, sql_pointer,
            arena_printf(compiler->arena,
                         "There are %zu '?' marks here and %zu values to bind.", marks,
                         filter->times));
    }
    return ERR_OK;
}

static enum err compile_choices(struct compiler *compiler, struct slice pointer,
                                const struct jval *spec, struct suiteql_filter *filter)
{
    static const char *const known[] = {"values", NULL};
    const struct jval *values = jval_get(spec, "values");
    enum err err =
        members_only(compiler->arena, pointer, spec, known, compiler->problem);

    if (err != ERR_OK) {
        return err;
    }
    if (!jval_is(values, JVAL_OBJECT) || values->count == 0) {
        return refuse(compiler,
                      arena_printf(compiler->arena, "%.*s/values", SLICE_ARG(pointer)),
                      SLICE("values is an object of argument value: condition."));
    }
    struct suiteql_choice *choices =
        arena_array(compiler->arena, values->count, sizeof *choices);
    for (size_t i = 0; i < values->count; i++) {
        struct slice name = values->members[i].name;
        choices[i] = (struct suiteql_choice){
            .value = name, .sql = jval_text(&values->members[i].value)};
        err = check_plain(compiler,
                          arena_printf(compiler->arena, "%.*s/values/%.*s",
                                       SLICE_ARG(pointer), SLICE_ARG(name)),
                          choices[i].sql);
        if (err != ERR_OK) {
            return err;
        }
    }
    filter->choices = choices;
    filter->choice_count = values->count;
    return ERR_OK;
}

static enum err compile_filter(struct compiler *compiler, const struct jmember *member,
                               struct suiteql_filter *filter)
{
    struct slice pointer = at(compiler, "filters", member->name);
    const struct argument *argument = find_argument(compiler->tool, member->name);

    if (argument == NULL ||
        (argument->place != ARGUMENT_QUERY && argument->place != ARGUMENT_PATH)) {
        return refuse(compiler, pointer,
                      SLICE("The method's documentation has no query argument of this "
                            "name."));
    }
    if (member->value.type != JVAL_OBJECT) {
        return refuse(
            compiler, pointer,
            SLICE("A filter is an object with sql and bind, or with values."));
    }
    filter->argument = member->name;
    filter->place = argument->place;
    return jval_get(&member->value, "values") != NULL
               ? compile_choices(compiler, pointer, &member->value, filter)
               : compile_bound(compiler, pointer, &member->value, filter);
}

/* An argument that no filter reads would be taken and silently ignored. */
static enum err check_arguments_used(struct compiler *compiler,
                                     const struct suiteql_plan *plan)
{
    const struct tool *tool = compiler->tool;

    for (size_t i = 0; tool != NULL && i < tool->argument_count; i++) {
        const struct argument *argument = &tool->arguments[i];
        size_t n = 0;
        while (n < plan->filter_count &&
               !slice_eq(plan->filters[n].argument, argument->name)) {
            n++;
        }
        if (argument->place != ARGUMENT_PAGING && n == plan->filter_count) {
            return refuse(compiler, SLICE("/filters"),
                          arena_printf(compiler->arena,
                                       "The argument %.*s is documented, but no filter "
                                       "uses it.",
                                       SLICE_ARG(argument->name)));
        }
    }
    return ERR_OK;
}

static enum err compile_filters(struct compiler *compiler, const struct jval *filters,
                                struct suiteql_plan *plan)
{
    if (filters != NULL && filters->type != JVAL_OBJECT) {
        return refuse(compiler, SLICE("/filters"),
                      SLICE("filters is an object of argument: filter."));
    }
    size_t count = filters != NULL ? filters->count : 0;
    struct suiteql_filter *list = arena_array(compiler->arena, count + 1, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        enum err err = compile_filter(compiler, &filters->members[i], &list[i]);
        if (err != ERR_OK) {
            return err;
        }
    }
    plan->filters = list;
    plan->filter_count = count;
    return check_arguments_used(compiler, plan);
}

/* ---- Order and size ---- */

static enum err compile_order(struct compiler *compiler, const struct jval *upstream,
                              struct suiteql_plan *plan)
{
    const struct jval *order_by = jval_get(upstream, "order_by");
    const struct jval *rows = jval_get(upstream, "rows");
    bool pages = compiler->tool != NULL && compiler->tool->pages;
    long long wanted = PAGING_ROWS_MAX;

    if (order_by == NULL && pages) {
        return refuse(compiler, SLICE("/order_by"),
                      SLICE("A list needs a unique order_by, or its pages overlap."));
    }
    if (order_by != NULL) {
        plan->order_by = jval_text(order_by);
        enum err err = check_plain(compiler, SLICE("/order_by"), plan->order_by);
        if (err != ERR_OK) {
            return err;
        }
    }
    if (rows != NULL && (pages || !jval_int64(rows, &wanted) || wanted < 1 ||
                         wanted > PAGING_ROWS_MAX)) {
        return refuse(compiler, SLICE("/rows"),
                      SLICE("rows is 1 to 1000, for methods that are no list."));
    }
    plan->rows = plan->one ? 1 : (size_t)wanted;
    return ERR_OK;
}

enum err suiteql_compile(struct arena *arena, const struct jval *upstream,
                         const struct tool *tool, const struct suiteql_plan **plan,
                         struct schema_problem *problem)
{
    static const char *const known[] = {"service", "from",     "select", "where",
                                        "filters", "order_by", "rows",   NULL};
    struct compiler compiler = {.arena = arena, .tool = tool, .problem = problem};
    struct suiteql_plan *made = arena_alloc(arena, sizeof *made);

    made->order_by = SLICE_EMPTY;
    made->one = tool != NULL && tool->kind == METHOD_GET;
    made->sample = tool == NULL;
    enum err err = members_only(compiler.arena, SLICE_EMPTY, upstream, known, problem);
    if (err == ERR_OK && tool != NULL && tool->writes) {
        err = refuse(&compiler, SLICE("/service"),
                     SLICE("SuiteQL only reads: this method is one that writes."));
    }
    if (err == ERR_OK) {
        err = write_head(&compiler, upstream, made);
    }
    if (err == ERR_OK) {
        err = compile_filters(&compiler, jval_get(upstream, "filters"), made);
    }
    if (err == ERR_OK) {
        err = compile_order(&compiler, upstream, made);
    }
    *plan = err == ERR_OK ? made : NULL;
    return err;
}
