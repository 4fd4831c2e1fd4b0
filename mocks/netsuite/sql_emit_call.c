/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite text for the functions of a SuiteQL tree. What stands in sql_emit.c about
 * decimals holds here, too: a call of TYPE_DECIMAL yields decimal text or NULL.
 */
#include "mocks/netsuite/sql_private.h"

/* ---- BUILTIN ---- */

static void emit_lookup(struct sql_emitter *e, const struct sql_node *column,
                        const struct schema_display *display)
{
    buf_printf(e->out,
               "(SELECT \"~d\".\"%s\" FROM \"%s\" AS \"~d\" WHERE \"~d\".\"%s\" = ",
               display->column, display->table, display->key);
    sql_emit(e, column);
    sql_put(e, ")");
}

static void emit_code(struct sql_emitter *e, const struct sql_node *column)
{
    buf_printf(e->out,
               "(SELECT \"~d\".\"name\" FROM \"mock code\" AS \"~d\" WHERE "
               "\"~d\".\"scheme\" = '%s' AND \"~d\".\"id\" = CAST(",
               column->display);
    sql_emit(e, column);
    sql_put(e, " AS TEXT))");
}

static void emit_sibling(struct sql_emitter *e, const struct sql_node *column,
                         const char *name)
{
    sql_put_name(e, column->source->alias);
    buf_printf(e->out, ".\"%s\"", name);
}

static bool has_type_column(const struct sql_source *source)
{
    for (size_t i = 0; i < source->column_count; i++) {
        if (slice_is(source->columns[i].name, "type")) {
            return true;
        }
    }
    return false;
}

/* A status letter means something only beside the transaction type. */
static void emit_status(struct sql_emitter *e, const struct sql_node *column)
{
    if (!has_type_column(column->source)) {
        (void)sql_fail(e->sql, "Invalid or unsupported search: a status without its "
                               "transaction type has no display value");
        return;
    }
    sql_put(e, "(SELECT \"~d\".\"fullname\" FROM \"transactionstatus\" AS \"~d\" WHERE "
               "\"~d\".\"trantype\" = ");
    emit_sibling(e, column, "type");
    sql_put(e, " AND \"~d\".\"id\" = ");
    sql_emit(e, column);
    sql_put(e, ")");
}

static void emit_document(struct sql_emitter *e, const struct sql_node *column)
{
    sql_put(
        e,
        "(SELECT \"~c\".\"name\" || ' #' || IFNULL(\"~d\".\"tranid\",'') FROM "
        "\"transaction\" AS \"~d\" JOIN \"mock code\" AS \"~c\" ON \"~c\".\"scheme\" = "
        "'trantype' AND \"~c\".\"id\" = \"~d\".\"type\" WHERE \"~d\".\"id\" = ");
    sql_emit(e, column);
    sql_put(e, ")");
}

static void emit_display(struct sql_emitter *e, const struct sql_node *column)
{
    const char *display = column->display;
    if (display == NULL) {
        sql_put(e, sql_is_date(column->type) ? "ns_account_date(" : "CAST(");
        sql_emit(e, column);
        sql_put(e, sql_is_date(column->type) ? ")" : " AS TEXT)");
    } else if (strcmp(display, "boolean") == 0) {
        sql_put(e, "(CASE ");
        sql_emit(e, column);
        sql_put(e, " WHEN 'T' THEN 'Yes' WHEN 'F' THEN 'No' END)");
    } else if (strcmp(display, "status") == 0) {
        emit_status(e, column);
    } else if (strcmp(display, "transaction") == 0) {
        emit_document(e, column);
    } else if (schema_display(display) != NULL) {
        emit_lookup(e, column, schema_display(display));
    } else {
        emit_code(e, column);
    }
}

static void emit_criteria(struct sql_emitter *e, const struct sql_node *column)
{
    bool status = column->display != NULL && strcmp(column->display, "status") == 0 &&
                  has_type_column(column->source);
    if (!status) {
        sql_emit_as(e, column, TYPE_TEXT);
        return;
    }
    sql_put(e, "(");
    emit_sibling(e, column, "type");
    sql_put(e, "||':'||");
    sql_emit(e, column);
    sql_put(e, ")");
}

/* ---- functions ---- */

static void emit_args(struct sql_emitter *e, const char *name,
                      const struct sql_node *node)
{
    buf_printf(e->out, "%s(", name);
    for (size_t i = 0; i < node->arg_count; i++) {
        sql_put(e, i > 0 ? "," : "");
        sql_emit(e, node->args[i]);
    }
    sql_put(e, ")");
}

static void emit_aggregate(struct sql_emitter *e, const struct sql_node *node)
{
    const struct sql_node *arg = node->args[0];
    bool decimal = arg->type == TYPE_DECIMAL;
    const char *distinct = node->distinct ? "DISTINCT " : "";
    if (slice_is(node->name, "count") && arg->kind == NODE_STAR) {
        sql_put(e, "COUNT(*)");
        return;
    }
    bool native_sum = slice_is(node->name, "sum") && arg->type == TYPE_INT;
    bool exact =
        (slice_is(node->name, "sum") && !native_sum) || slice_is(node->name, "avg");
    buf_printf(e->out, "%s%.*s(%s", exact ? "ns_" : "", SLICE_ARG(node->name),
               distinct);
    sql_emit(e, arg);
    sql_put(e, decimal ? " COLLATE ns_decimal)" : ")");
}

static void emit_decode(struct sql_emitter *e, const struct sql_node *node)
{
    sql_put(e, "(CASE");
    for (size_t i = 1; i + 1 < node->arg_count; i += 2) {
        sql_put(e, " WHEN ");
        if (node->args[i]->kind == NODE_NULL) {
            sql_emit(e, node->args[0]);
            sql_put(e, " IS NULL");
        } else {
            sql_emit_comparison(e, "=", node->args[0], node->args[i]);
        }
        sql_put(e, " THEN ");
        sql_emit_as(e, node->args[i + 1], node->type);
    }
    if (node->arg_count % 2 == 0) {
        sql_put(e, " ELSE ");
        sql_emit_as(e, node->args[node->arg_count - 1], node->type);
    }
    sql_put(e, " END)");
}

static void emit_choice(struct sql_emitter *e, const struct sql_node *node)
{
    const struct sql_node *a = node->args[0];
    const struct sql_node *b = node->args[1];
    sql_put(e, "(CASE WHEN ");
    if (slice_is(node->name, "nvl2")) {
        sql_emit(e, a);
        sql_put(e, " IS NOT NULL THEN ");
        sql_emit_as(e, b, node->type);
        sql_put(e, " ELSE ");
        sql_emit_as(e, node->args[2], node->type);
    } else if (slice_is(node->name, "nullif")) {
        sql_emit_comparison(e, "=", a, b);
        sql_put(e, " THEN NULL ELSE ");
        sql_emit(e, a);
    } else {
        bool greatest = slice_is(node->name, "greatest");
        sql_emit_comparison(e, greatest ? ">=" : "<=", a, b);
        sql_put(e, " THEN ");
        sql_emit_as(e, a, node->type);
        sql_put(e, " ELSE ");
        sql_emit_as(e, b, node->type);
    }
    sql_put(e, " END)");
}

static void emit_coalesce(struct sql_emitter *e, const struct sql_node *node)
{
    sql_put(e, "COALESCE(");
    for (size_t i = 0; i < node->arg_count; i++) {
        sql_put(e, i > 0 ? "," : "");
        sql_emit_as(e, node->args[i], node->type);
    }
    sql_put(e, ")");
}

static void emit_to_char(struct sql_emitter *e, const struct sql_node *node)
{
    if (sql_is_date(node->args[0]->type)) {
        emit_args(e, node->arg_count == 1 ? "ns_account_date" : "ns_to_char", node);
    } else if (node->arg_count == 1) {
        sql_emit_as(e, node->args[0], TYPE_TEXT);
    } else {
        (void)sql_fail(e->sql,
                       "Invalid or unsupported search: this mock knows TO_CHAR with "
                       "a format for dates only");
    }
}

static void emit_replace(struct sql_emitter *e, const struct sql_node *node)
{
    sql_put(e, "replace(");
    sql_emit(e, node->args[0]);
    sql_put(e, ",");
    sql_emit(e, node->args[1]);
    sql_put(e, ",IFNULL(");
    if (node->arg_count == 3) {
        sql_emit(e, node->args[2]);
    } else {
        sql_put(e, "NULL");
    }
    sql_put(e, ",''))");
}

/* Calls without a name of their own in SQLite. */
static void emit_special(struct sql_emitter *e, const struct sql_node *node)
{
    struct slice name = node->name;
    if (sql_is_aggregate(node)) {
        emit_aggregate(e, node);
    } else if (slice_is(name, "builtin.df")) {
        emit_display(e, node->args[0]);
    } else if (slice_is(name, "builtin.cf")) {
        emit_criteria(e, node->args[0]);
    } else if (slice_is(name, "nvl") || slice_is(name, "coalesce")) {
        emit_coalesce(e, node);
    } else if (slice_is(name, "decode")) {
        emit_decode(e, node);
    } else if (slice_is(name, "to_char")) {
        emit_to_char(e, node);
    } else if (slice_is(name, "replace")) {
        emit_replace(e, node);
    } else if (slice_is(name, "concat")) {
        sql_emit_concat(e, node->args[0], node->args[1]);
    } else if (slice_is(name, "abs")) {
        emit_args(e, node->type == TYPE_INT ? "abs" : "ns_abs", node);
    } else if (slice_is(name, "trunc")) {
        emit_args(e, sql_is_date(node->type) ? "ns_trunc_date" : "ns_trunc", node);
    } else {
        emit_choice(e, node);
    }
}

void sql_emit_call(struct sql_emitter *e, const struct sql_node *node)
{
    const struct sql_function *function = sql_function_find(node->name);
    if (function->native != NULL) {
        emit_args(e, function->native, node);
    } else {
        emit_special(e, node);
    }
}
