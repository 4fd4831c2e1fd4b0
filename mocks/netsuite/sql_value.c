/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SuiteQL values and conditions, by recursive descent: or > and > not > predicate > sum
 * > product > sign > primary.
 */
#include "mocks/netsuite/sql_private.h"

static struct sql_node *parse_case(struct sql *sql)
{
    struct sql_list args = {0};
    bool has_operand = !sql_is_word(sql, "when");
    if (has_operand) {
        sql_list_add_node(sql, &args, sql_parse_condition(sql));
    }
    while (sql_take_word(sql, "when") && !sql_failed(sql)) {
        sql_list_add_node(sql, &args, sql_parse_condition(sql));
        sql_need_word(sql, "then");
        sql_list_add_node(sql, &args, sql_parse_condition(sql));
    }
    bool has_else = sql_take_word(sql, "else");
    if (has_else) {
        sql_list_add_node(sql, &args, sql_parse_condition(sql));
    }
    sql_need_word(sql, "end");
    if (args.count < 2) {
        sql_unexpected(sql, "WHEN");
    }
    struct sql_node *node = sql_node_of(sql, NODE_CASE, &args);
    node->has_operand = has_operand;
    node->has_else = has_else;
    return node;
}

static struct sql_node *parse_call(struct sql *sql, struct slice name)
{
    struct sql_list args = {0};
    bool distinct = sql_take_word(sql, "distinct");
    if (sql_take_sign(sql, "*")) {
        sql_list_add_node(sql, &args, sql_node(sql, NODE_STAR, 0));
    } else if (!sql_is_sign(sql, ")")) {
        do {
            sql_list_add_node(sql, &args, sql_parse_condition(sql));
        } while (sql_take_sign(sql, ",") && !sql_failed(sql));
    }
    sql_need_sign(sql, ")");
    if (sql_is_word(sql, "over")) {
        (void)sql_fail(sql,
                       "Invalid or unsupported search: analytic functions (OVER) are "
                       "not known to this mock");
    }
    struct sql_node *node = sql_node_of(sql, NODE_CALL, &args);
    node->name = name;
    node->distinct = distinct;
    return node;
}

static struct sql_node *parse_name(struct sql *sql)
{
    bool quoted = sql_peek(sql)->kind == TOKEN_QUOTED;
    struct slice name = sql_take_name(sql);
    if (!quoted && sql_take_sign(sql, "(")) {
        return parse_call(sql, name);
    }
    if (!sql_take_sign(sql, ".")) {
        bool today = slice_is(name, "sysdate") || slice_is(name, "current_date");
        struct sql_node *node =
            sql_node(sql, today && !quoted ? NODE_TODAY : NODE_COLUMN, 0);
        node->name = name;
        return node;
    }
    if (sql_take_sign(sql, "*")) {
        struct sql_node *star = sql_node(sql, NODE_STAR, 0);
        star->qualifier = name;
        return star;
    }
    struct slice second = sql_take_name(sql);
    if (slice_is(name, "builtin") && sql_take_sign(sql, "(")) {
        return parse_call(sql,
                          arena_printf(sql->arena, "builtin.%.*s", SLICE_ARG(second)));
    }
    struct sql_node *node = sql_node(sql, NODE_COLUMN, 0);
    node->qualifier = name;
    node->name = second;
    return node;
}

static struct sql_node *parse_parenthesis(struct sql *sql)
{
    struct sql_node *node;
    if (sql_is_word(sql, "select") || sql_is_word(sql, "with")) {
        node = sql_node(sql, NODE_SELECT, 0);
        node->select = sql_parse_query(sql);
    } else {
        node = sql_parse_condition(sql);
    }
    sql_need_sign(sql, ")");
    return node;
}

static struct sql_node *parse_literal(struct sql *sql, enum node_kind kind)
{
    struct sql_node *node = sql_node(sql, kind, 0);
    node->name = sql_peek(sql)->text;
    sql_advance(sql);
    /* To Oracle an empty text is NULL. */
    node->kind = kind == NODE_TEXT && node->name.len == 0 ? NODE_NULL : kind;
    return node;
}

static struct sql_node *parse_exists(struct sql *sql)
{
    struct sql_node *node = sql_node(sql, NODE_EXISTS, 0);
    sql_need_sign(sql, "(");
    node->select = sql_parse_query(sql);
    sql_need_sign(sql, ")");
    return node;
}

static struct sql_node *parse_primary(struct sql *sql)
{
    const struct token *token = sql_peek(sql);
    if (token->kind == TOKEN_NUMBER || token->kind == TOKEN_TEXT) {
        return parse_literal(sql, token->kind == TOKEN_TEXT ? NODE_TEXT : NODE_NUMBER);
    }
    if (sql_take_sign(sql, "?")) {
        struct sql_node *node = sql_node(sql, NODE_PARAM, 0);
        node->number = ++sql->params;
        return node;
    }
    if (sql_take_sign(sql, "(")) {
        return parse_parenthesis(sql);
    }
    if (sql_take_word(sql, "null")) {
        return sql_node(sql, NODE_NULL, 0);
    }
    if (sql_take_word(sql, "case")) {
        return parse_case(sql);
    }
    if (sql_take_word(sql, "exists")) {
        return parse_exists(sql);
    }
    if (sql_is_name(sql) || sql_is_word(sql, "left") || sql_is_word(sql, "right")) {
        return parse_name(sql);
    }
    sql_unexpected(sql, "a value");
    return sql_node(sql, NODE_NULL, 0);
}

static struct sql_node *parse_signed(struct sql *sql)
{
    if (sql_take_sign(sql, "-")) {
        struct sql_node *node = sql_node(sql, NODE_NEGATE, 1);
        node->args[0] = sql_enter(sql) ? parse_signed(sql) : node;
        sql->depth--;
        return node;
    }
    (void)sql_take_sign(sql, "+");
    return parse_primary(sql);
}

static struct sql_node *parse_product(struct sql *sql)
{
    struct sql_node *left = parse_signed(sql);
    while (!sql_failed(sql)) {
        const char *sign = sql_is_sign(sql, "*")   ? "*"
                           : sql_is_sign(sql, "/") ? "/"
                                                   : NULL;
        if (sign == NULL) {
            break;
        }
        sql_advance(sql);
        left = sql_binary(sql, sign, left, parse_signed(sql));
    }
    return left;
}

struct sql_node *sql_parse_sum(struct sql *sql)
{
    static const char *const signs[] = {"+", "-", "||"};
    struct sql_node *left = parse_product(sql);
    for (size_t i = 0; i < 3 && !sql_failed(sql); i++) {
        if (sql_take_sign(sql, signs[i])) {
            left = sql_binary(sql, signs[i], left, parse_product(sql));
            i = (size_t)-1; /* look again from the first sign */
        }
    }
    return left;
}

static struct sql_node *parse_in(struct sql *sql, struct sql_node *value)
{
    struct sql_list args = {0};
    sql_list_add_node(sql, &args, value);
    sql_need_sign(sql, "(");
    struct sql_select *select = NULL;
    if (sql_is_word(sql, "select") || sql_is_word(sql, "with")) {
        select = sql_parse_query(sql);
    } else {
        do {
            sql_list_add_node(sql, &args, sql_parse_sum(sql));
        } while (sql_take_sign(sql, ",") && !sql_failed(sql));
    }
    sql_need_sign(sql, ")");
    struct sql_node *node = sql_node_of(sql, NODE_IN, &args);
    node->select = select;
    return node;
}

static struct sql_node *parse_between(struct sql *sql, struct sql_node *value)
{
    struct sql_node *node = sql_node(sql, NODE_BETWEEN, 3);
    node->args[0] = value;
    node->args[1] = sql_parse_sum(sql);
    sql_need_word(sql, "and");
    node->args[2] = sql_parse_sum(sql);
    return node;
}

static struct sql_node *parse_like(struct sql *sql, struct sql_node *value)
{
    struct sql_list args = {0};
    sql_list_add_node(sql, &args, value);
    sql_list_add_node(sql, &args, sql_parse_sum(sql));
    if (sql_take_word(sql, "escape")) {
        sql_list_add_node(sql, &args, sql_parse_sum(sql));
    }
    return sql_node_of(sql, NODE_LIKE, &args);
}

static struct sql_node *parse_comparison(struct sql *sql, struct sql_node *left)
{
    static const char *const signs[] = {"=", "<>", "!=", "<=", ">=", "<", ">"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (sql_take_sign(sql, signs[i])) {
            return sql_binary(sql, i == 2 ? "<>" : signs[i], left, sql_parse_sum(sql));
        }
    }
    return left;
}

static struct sql_node *parse_predicate(struct sql *sql)
{
    struct sql_node *left = sql_parse_sum(sql);
    if (sql_take_word(sql, "is")) {
        struct sql_node *node = sql_node(sql, NODE_IS_NULL, 1);
        node->args[0] = left;
        node->negated = sql_take_word(sql, "not");
        sql_need_word(sql, "null");
        return node;
    }
    bool negated = sql_take_word(sql, "not");
    struct sql_node *node = NULL;
    if (sql_take_word(sql, "in")) {
        node = parse_in(sql, left);
    } else if (sql_take_word(sql, "between")) {
        node = parse_between(sql, left);
    } else if (sql_take_word(sql, "like")) {
        node = parse_like(sql, left);
    }
    if (node != NULL) {
        node->negated = negated;
        return node;
    }
    if (negated) {
        sql_unexpected(sql, "IN, BETWEEN or LIKE");
    }
    return parse_comparison(sql, left);
}

static struct sql_node *parse_not(struct sql *sql)
{
    if (!sql_take_word(sql, "not")) {
        return parse_predicate(sql);
    }
    struct sql_node *node = sql_node(sql, NODE_NOT, 1);
    node->args[0] = sql_enter(sql) ? parse_not(sql) : node;
    sql->depth--;
    return node;
}

static struct sql_node *parse_and(struct sql *sql)
{
    struct sql_node *left = parse_not(sql);
    while (sql_take_word(sql, "and") && !sql_failed(sql)) {
        left = sql_binary(sql, "AND", left, parse_not(sql));
    }
    return left;
}

struct sql_node *sql_parse_condition(struct sql *sql)
{
    if (!sql_enter(sql)) {
        return sql_node(sql, NODE_NULL, 0);
    }
    struct sql_node *left = parse_and(sql);
    while (sql_take_word(sql, "or") && !sql_failed(sql)) {
        left = sql_binary(sql, "OR", left, parse_and(sql));
    }
    sql->depth--;
    return left;
}
