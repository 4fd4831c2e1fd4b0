/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of a SuiteQL tree, bottom up: what an operator, CASE or function yields from
 * what its arguments are, and which combinations Oracle refuses.
 */
#include "mocks/netsuite/sql_private.h"

void sql_need_value(struct sql *sql, const struct sql_node *node)
{
    if (node->type == TYPE_CONDITION) {
        (void)sql_fail(sql, "Invalid or unsupported search: a condition stands where a "
                            "value is needed");
    }
}

void sql_need_condition(struct sql *sql, const struct sql_node *node)
{
    if (node->type != TYPE_CONDITION) {
        (void)sql_fail(sql, "Invalid or unsupported search: a value stands where a "
                            "condition is needed");
    }
}

static void need_comparable(struct sql *sql, const struct sql_node *a,
                            const struct sql_node *b)
{
    sql_need_value(sql, a);
    sql_need_value(sql, b);
    bool numbers = a->type == TYPE_INT || a->type == TYPE_DECIMAL ||
                   b->type == TYPE_INT || b->type == TYPE_DECIMAL;
    if (numbers && (sql_is_date(a->type) || sql_is_date(b->type))) {
        (void)sql_fail(
            sql, "Invalid or unsupported search: a date is compared with a number");
    }
}

static enum schema_type sum_type(struct sql *sql, const struct sql_node *node)
{
    enum schema_type a = node->args[0]->type;
    enum schema_type b = node->args[1]->type;
    bool minus = slice_is(node->name, "-");
    if (sql_is_date(a) && sql_is_date(b) && minus) {
        return a == TYPE_DATE && b == TYPE_DATE ? TYPE_INT : TYPE_DECIMAL;
    }
    if (sql_is_date(a) && !sql_is_date(b)) {
        return a;
    }
    if (sql_is_date(b)) {
        if (minus || sql_is_date(a)) {
            (void)sql_fail(sql, "Invalid or unsupported search: dates cannot be added");
        }
        return b;
    }
    return a == TYPE_INT && b == TYPE_INT ? TYPE_INT : TYPE_DECIMAL;
}

static enum schema_type binary_type(struct sql *sql, const struct sql_node *node)
{
    const struct sql_node *a = node->args[0];
    const struct sql_node *b = node->args[1];
    if (slice_is(node->name, "AND") || slice_is(node->name, "OR")) {
        sql_need_condition(sql, a);
        sql_need_condition(sql, b);
        return TYPE_CONDITION;
    }
    sql_need_value(sql, a);
    sql_need_value(sql, b);
    if (slice_is(node->name, "||")) {
        return TYPE_TEXT;
    }
    if (slice_is(node->name, "+") || slice_is(node->name, "-")) {
        return sum_type(sql, node);
    }
    if (slice_is(node->name, "*") || slice_is(node->name, "/")) {
        if (sql_is_date(a->type) || sql_is_date(b->type)) {
            (void)sql_fail(sql, "Invalid or unsupported search: a date is multiplied");
        }
        bool whole = a->type == TYPE_INT && b->type == TYPE_INT;
        return whole && slice_is(node->name, "*") ? TYPE_INT : TYPE_DECIMAL;
    }
    need_comparable(sql, a, b);
    return TYPE_CONDITION;
}

static enum schema_type case_type(struct sql *sql, const struct sql_node *node)
{
    enum schema_type type = TYPE_NULL;
    size_t at = node->has_operand ? 1 : 0;
    for (; at + 1 < node->arg_count; at += 2) {
        if (node->has_operand) {
            need_comparable(sql, node->args[0], node->args[at]);
        } else {
            sql_need_condition(sql, node->args[at]);
        }
        sql_need_value(sql, node->args[at + 1]);
        type = sql_unify(type, node->args[at + 1]->type);
    }
    return node->has_else ? sql_unify(type, node->args[at]->type) : type;
}

static enum schema_type decode_type(const struct sql_node *node)
{
    enum schema_type type = TYPE_NULL;
    for (size_t i = 2; i < node->arg_count; i += 2) {
        type = sql_unify(type, node->args[i]->type);
    }
    bool has_default = node->arg_count % 2 == 0;
    return has_default ? sql_unify(type, node->args[node->arg_count - 1]->type) : type;
}

/* NVL2's first argument is only looked at. */
static enum schema_type unified_type(const struct sql_node *node)
{
    enum schema_type type = TYPE_NULL;
    for (size_t i = slice_is(node->name, "nvl2") ? 1 : 0; i < node->arg_count; i++) {
        type = sql_unify(type, node->args[i]->type);
    }
    return type;
}

static enum schema_type first_type(const struct sql_node *node)
{
    enum schema_type type = node->args[0]->type;
    bool arithmetic = slice_is(node->name, "sum") || slice_is(node->name, "abs");
    return arithmetic && type != TYPE_INT ? TYPE_DECIMAL : type;
}

static enum schema_type call_type(const struct sql_node *node,
                                  const struct sql_function *function)
{
    enum schema_type first = node->arg_count > 0 ? node->args[0]->type : TYPE_NULL;
    if (slice_is(node->name, "trunc") && !sql_is_date(first)) {
        return TYPE_DECIMAL;
    }
    if (slice_is(node->name, "decode")) {
        return decode_type(node);
    }
    if (function->result == RESULT_UNIFIED) {
        return unified_type(node);
    }
    if (function->result == RESULT_FIRST) {
        return first_type(node);
    }
    if (slice_is(node->name, "to_date") && node->arg_count == 2) {
        return TYPE_TIME;
    }
    return function->result == RESULT_TEXT   ? TYPE_TEXT
           : function->result == RESULT_INT  ? TYPE_INT
           : function->result == RESULT_DATE ? TYPE_DATE
                                             : TYPE_DECIMAL;
}

static void bind_call(struct sql *sql, struct sql_node *node)
{
    const struct sql_function *function = sql_function_find(node->name);
    if (function == NULL) {
        (void)sql_fail(sql, "Invalid or unsupported search: unknown function '%.*s'",
                       SLICE_ARG(node->name));
        return;
    }
    if ((int)node->arg_count < function->least ||
        (int)node->arg_count > function->most) {
        (void)sql_fail(sql,
                       "Invalid or unsupported search: function '%.*s' takes %d to %d "
                       "arguments",
                       SLICE_ARG(node->name), function->least, function->most);
        return;
    }
    for (size_t i = 0; i < node->arg_count; i++) {
        sql_need_value(sql, node->args[i]);
        bool star = node->args[i]->kind == NODE_STAR;
        if (star &&
            (!slice_is(node->name, "count") || node->args[i]->qualifier.len > 0)) {
            (void)sql_fail(sql,
                           "Invalid or unsupported search: '*' stands where a value is "
                           "needed");
        }
    }
    bool builtin = slice_starts(node->name, SLICE("builtin."));
    if (builtin && node->args[0]->kind != NODE_COLUMN) {
        (void)sql_fail(sql, "Invalid or unsupported search: %.*s takes a column",
                       SLICE_ARG(node->name));
    }
    node->type = call_type(node, function);
}

static void bind_in(struct sql *sql, const struct sql_node *node)
{
    for (size_t i = 1; i < node->arg_count; i++) {
        need_comparable(sql, node->args[0], node->args[i]);
    }
    if (node->select != NULL && node->select->item_count != 1) {
        (void)sql_fail(sql,
                       "Invalid or unsupported search: a subquery of IN returns one "
                       "column");
    }
}

static void bind_select_node(struct sql *sql, struct sql_node *node)
{
    const struct sql_select *select = node->select;
    if (select->item_count != 1) {
        (void)sql_fail(
            sql, "Invalid or unsupported search: a subquery in a value returns one "
                 "column");
        return;
    }
    node->type = select->items[0].value->type;
}

/* What remains once the arguments are bound. */
void sql_type_node(struct sql *sql, struct sql_node *node)
{
    if (node->kind == NODE_BINARY) {
        node->type = binary_type(sql, node);
    } else if (node->kind == NODE_CASE) {
        node->type = case_type(sql, node);
    } else if (node->kind == NODE_CALL) {
        bind_call(sql, node);
    } else if (node->kind == NODE_NEGATE) {
        sql_need_value(sql, node->args[0]);
        node->type = node->args[0]->type == TYPE_INT ? TYPE_INT : TYPE_DECIMAL;
    } else if (node->kind == NODE_SELECT) {
        bind_select_node(sql, node);
    } else if (node->kind == NODE_NOT) {
        sql_need_condition(sql, node->args[0]);
        node->type = TYPE_CONDITION;
    } else {
        for (size_t i = 0; i < node->arg_count; i++) {
            sql_need_value(sql, node->args[i]);
        }
        if (node->kind == NODE_IN) {
            bind_in(sql, node);
        }
        node->type = TYPE_CONDITION;
    }
}

/* A whole number that fits stays one; everything else is a decimal. */
enum schema_type sql_number_type(struct slice text)
{
    return slice_find(text, '.') < 0 && text.len <= 18 ? TYPE_INT : TYPE_DECIMAL;
}
