/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite text for a bound SuiteQL tree. Invariant: what is written for a node of
 * TYPE_DECIMAL yields decimal text or NULL, never an INTEGER or REAL, so that the
 * collation `ns_decimal` and the ns_ functions (functions.c) decide every comparison
 * and sum.
 */
#include "mocks/netsuite/sql_private.h"

static void emit_query(struct sql_emitter *e, const struct sql_select *head,
                       bool limited);

void sql_put(struct sql_emitter *e, const char *text)
{
    buf_append(e->out, slice_str(text));
}

static void put_quoted(struct sql_emitter *e, struct slice text, char quote)
{
    buf_append_byte(e->out, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == quote) {
            buf_append_byte(e->out, quote);
        }
        buf_append_byte(e->out, text.ptr[i]);
    }
    buf_append_byte(e->out, quote);
}

void sql_put_name(struct sql_emitter *e, struct slice name)
{
    put_quoted(e, name, '"');
}

/* Writes `node` so that its value has `type`. */
void sql_emit_as(struct sql_emitter *e, const struct sql_node *node,
                 enum schema_type type)
{
    const char *wrap = NULL;
    if (node->type == type || node->type == TYPE_NULL) {
        sql_emit(e, node);
        return;
    }
    if (type == TYPE_DECIMAL) {
        wrap = "ns_decimal(";
    } else if (sql_is_date(type) && !sql_is_date(node->type)) {
        wrap = "ns_to_date(";
    }
    if (wrap != NULL) {
        sql_put(e, wrap);
        sql_emit(e, node);
        sql_put(e, ")");
    } else if (type == TYPE_TEXT && node->type == TYPE_INT) {
        sql_put(e, "CAST(");
        sql_emit(e, node);
        sql_put(e, " AS TEXT)");
    } else {
        sql_emit(e, node);
    }
}

/* ---- comparisons ---- */

static bool is_stored_int(const struct sql_node *node)
{
    return node->kind == NODE_COLUMN && node->type == TYPE_INT &&
           node->source->table != NULL;
}

static bool is_textual(enum schema_type type)
{
    return type == TYPE_PARAM || type == TYPE_TEXT || type == TYPE_BOOL;
}

/* Numbers that SQLite would not compare as numbers. A stored integer column carries its
 * affinity to a text beside it, an expression does not. */
static bool compares_decimal(const struct sql_node *a, const struct sql_node *b)
{
    if (a->type == TYPE_DECIMAL || b->type == TYPE_DECIMAL) {
        return true;
    }
    return (a->type == TYPE_INT && !is_stored_int(a) && is_textual(b->type)) ||
           (b->type == TYPE_INT && !is_stored_int(b) && is_textual(a->type));
}

void sql_emit_comparison(struct sql_emitter *e, const char *sign,
                         const struct sql_node *a, const struct sql_node *b)
{
    if (compares_decimal(a, b)) {
        sql_put(e, "(ns_compare(");
        sql_emit(e, a);
        sql_put(e, ",");
        sql_emit(e, b);
        buf_printf(e->out, ") %s 0)", sign);
        return;
    }
    enum schema_type as = sql_is_date(a->type)   ? a->type
                          : sql_is_date(b->type) ? b->type
                                                 : TYPE_NULL;
    sql_put(e, "(");
    if (as == TYPE_NULL) {
        sql_emit(e, a);
        buf_printf(e->out, " %s ", sign);
        sql_emit(e, b);
    } else {
        sql_emit_as(e, a, as);
        buf_printf(e->out, " %s ", sign);
        sql_emit_as(e, b, as);
    }
    sql_put(e, ")");
}

static void emit_between(struct sql_emitter *e, const struct sql_node *node)
{
    sql_put(e, node->negated ? "(NOT (" : "((");
    sql_emit_comparison(e, ">=", node->args[0], node->args[1]);
    sql_put(e, " AND ");
    sql_emit_comparison(e, "<=", node->args[0], node->args[2]);
    sql_put(e, "))");
}

static void emit_in(struct sql_emitter *e, const struct sql_node *node)
{
    sql_put(e, node->negated ? "(NOT (" : "((");
    if (node->select != NULL) {
        bool decimal = node->args[0]->type == TYPE_DECIMAL;
        sql_put(e, "(");
        sql_emit(e, node->args[0]);
        sql_put(e, decimal ? " COLLATE ns_decimal) IN (" : ") IN (");
        emit_query(e, node->select, true);
        sql_put(e, ")");
    }
    for (size_t i = 1; i < node->arg_count; i++) {
        sql_put(e, i > 1 ? " OR " : "");
        sql_emit_comparison(e, "=", node->args[0], node->args[i]);
    }
    sql_put(e, "))");
}

static void emit_like(struct sql_emitter *e, const struct sql_node *node)
{
    sql_put(e, node->negated ? "(NOT (" : "((");
    sql_emit_as(e, node->args[0], TYPE_TEXT);
    sql_put(e, " LIKE ");
    sql_emit(e, node->args[1]);
    if (node->arg_count == 3) {
        sql_put(e, " ESCAPE ");
        sql_emit(e, node->args[2]);
    }
    sql_put(e, "))");
}

/* ---- operators and CASE ---- */

static void emit_pair(struct sql_emitter *e, const char *function,
                      const struct sql_node *a, const struct sql_node *b)
{
    buf_printf(e->out, "%s(", function);
    sql_emit(e, a);
    sql_put(e, ",");
    sql_emit(e, b);
    sql_put(e, ")");
}

static void emit_sum(struct sql_emitter *e, const struct sql_node *node)
{
    const struct sql_node *a = node->args[0];
    const struct sql_node *b = node->args[1];
    bool minus = slice_is(node->name, "-");
    if (sql_is_date(a->type) && sql_is_date(b->type)) {
        emit_pair(e, "ns_days", a, b);
    } else if (sql_is_date(a->type) || sql_is_date(b->type)) {
        emit_pair(e, minus ? "ns_date_minus" : "ns_date_plus",
                  sql_is_date(a->type) ? a : b, sql_is_date(a->type) ? b : a);
    } else {
        emit_pair(e, minus ? "ns_subtract" : "ns_add", a, b);
    }
}

void sql_emit_concat(struct sql_emitter *e, const struct sql_node *a,
                     const struct sql_node *b)
{
    /* To Oracle NULL is the empty text here. */
    sql_put(e, "(IFNULL(");
    sql_emit(e, a);
    sql_put(e, ",'')||IFNULL(");
    sql_emit(e, b);
    sql_put(e, ",''))");
}

static bool is_logical(const struct sql_node *node)
{
    return node->kind == NODE_BINARY &&
           (slice_is(node->name, "AND") || slice_is(node->name, "OR"));
}

/* `a AND b AND c` without a pair of parentheses for each AND: SQLite's parser is not
 * that deep. */
static void emit_chain(struct sql_emitter *e, const struct sql_node *node)
{
    const struct sql_node *left = node->args[0];
    if (is_logical(node) && is_logical(left) && slice_eq(left->name, node->name)) {
        emit_chain(e, left);
    } else {
        sql_emit(e, left);
    }
    buf_printf(e->out, " %.*s ", SLICE_ARG(node->name));
    sql_emit(e, node->args[1]);
}

static void emit_binary(struct sql_emitter *e, const struct sql_node *node)
{
    const struct sql_node *a = node->args[0];
    const struct sql_node *b = node->args[1];
    if (slice_is(node->name, "||")) {
        sql_emit_concat(e, a, b);
        return;
    }
    bool native = node->type == TYPE_INT && a->type == TYPE_INT && b->type == TYPE_INT;
    if (native || is_logical(node)) {
        sql_put(e, "(");
        emit_chain(e, node);
        sql_put(e, ")");
        return;
    }
    if (slice_is(node->name, "+") || slice_is(node->name, "-")) {
        emit_sum(e, node);
    } else if (slice_is(node->name, "*") || slice_is(node->name, "/")) {
        emit_pair(e, slice_is(node->name, "*") ? "ns_multiply" : "ns_divide", a, b);
    } else {
        char sign[3] = {node->name.ptr[0],
                        node->name.len > 1 ? node->name.ptr[1] : '\0', 0};
        sql_emit_comparison(e, sign, a, b);
    }
}

static void emit_case(struct sql_emitter *e, const struct sql_node *node)
{
    size_t at = node->has_operand ? 1 : 0;
    sql_put(e, "(CASE");
    for (; at + 1 < node->arg_count; at += 2) {
        sql_put(e, " WHEN ");
        if (node->has_operand) {
            sql_emit_comparison(e, "=", node->args[0], node->args[at]);
        } else {
            sql_emit(e, node->args[at]);
        }
        sql_put(e, " THEN ");
        sql_emit_as(e, node->args[at + 1], node->type);
    }
    if (node->has_else) {
        sql_put(e, " ELSE ");
        sql_emit_as(e, node->args[at], node->type);
    }
    sql_put(e, " END)");
}

/* ---- the rest of a value ---- */

static void emit_leaf(struct sql_emitter *e, const struct sql_node *node)
{
    if (node->kind == NODE_COLUMN) {
        sql_put_name(e, node->source->alias);
        sql_put(e, ".");
        sql_put_name(e, node->name);
    } else if (node->kind == NODE_PARAM) {
        buf_printf(e->out, "?%d", node->number);
    } else if (node->kind == NODE_NUMBER && node->type == TYPE_INT) {
        buf_append(e->out, node->name);
    } else if (node->kind == NODE_NUMBER || node->kind == NODE_TEXT) {
        put_quoted(e, node->name, '\'');
    } else if (node->kind == NODE_TODAY) {
        put_quoted(e, e->sql->today, '\'');
    } else {
        sql_put(e, "NULL");
    }
}

static void emit_unary(struct sql_emitter *e, const struct sql_node *node)
{
    if (node->kind == NODE_NOT) {
        sql_put(e, "(NOT ");
    } else if (node->kind == NODE_NEGATE) {
        sql_put(e, node->type == TYPE_INT ? "(- " : "ns_subtract(0,");
    } else {
        sql_put(e, "(");
    }
    sql_emit(e, node->args[0]);
    if (node->kind == NODE_IS_NULL) {
        sql_put(e, node->negated ? " IS NOT NULL" : " IS NULL");
    }
    sql_put(e, ")");
}

void sql_emit(struct sql_emitter *e, const struct sql_node *node)
{
    if (sql_failed(e->sql)) {
        return;
    }
    if (node->kind == NODE_BINARY) {
        emit_binary(e, node);
    } else if (node->kind == NODE_CALL) {
        sql_emit_call(e, node);
    } else if (node->kind == NODE_CASE) {
        emit_case(e, node);
    } else if (node->kind == NODE_IN) {
        emit_in(e, node);
    } else if (node->kind == NODE_BETWEEN) {
        emit_between(e, node);
    } else if (node->kind == NODE_LIKE) {
        emit_like(e, node);
    } else if (node->kind == NODE_NOT || node->kind == NODE_NEGATE ||
               node->kind == NODE_IS_NULL) {
        emit_unary(e, node);
    } else if (node->kind == NODE_SELECT || node->kind == NODE_EXISTS) {
        sql_put(e, node->kind == NODE_EXISTS ? "EXISTS (" : "(");
        emit_query(e, node->select, true);
        sql_put(e, ")");
    } else {
        emit_leaf(e, node);
    }
}

/* ---- queries ---- */

static void emit_sources(struct sql_emitter *e, const struct sql_select *select)
{
    sql_put(e, select->source_count > 0 ? " FROM " : "");
    for (size_t i = 0; i < select->source_count; i++) {
        const struct sql_source *source = select->sources[i];
        if (i > 0) {
            buf_printf(e->out, " %s ", source->join);
        }
        if (source->select != NULL) {
            sql_put(e, "(");
            emit_query(e, source->select, true);
            sql_put(e, ")");
        } else {
            sql_put_name(e, source->name);
        }
        sql_put(e, " AS ");
        sql_put_name(e, source->alias);
        if (source->on != NULL) {
            sql_put(e, " ON ");
            sql_emit(e, source->on);
        }
    }
}

static void emit_from(struct sql_emitter *e, const struct sql_select *select)
{
    emit_sources(e, select);
    if (select->where != NULL) {
        sql_put(e, " WHERE ");
        sql_emit(e, select->where);
    }
}

static void emit_collated(struct sql_emitter *e, const struct sql_node *node)
{
    sql_emit(e, node);
    sql_put(e, node->type == TYPE_DECIMAL ? " COLLATE ns_decimal" : "");
}

static void emit_member(struct sql_emitter *e, const struct sql_select *select)
{
    sql_put(e, select->distinct ? "SELECT DISTINCT " : "SELECT ");
    for (size_t i = 0; i < select->item_count; i++) {
        sql_put(e, i > 0 ? ", " : "");
        emit_collated(e, select->items[i].value);
        sql_put(e, " AS ");
        sql_put_name(e, select->items[i].name);
    }
    emit_from(e, select);
    for (size_t i = 0; i < select->group_count; i++) {
        sql_put(e, i > 0 ? ", " : " GROUP BY ");
        emit_collated(e, select->groups[i]);
    }
    if (select->having != NULL) {
        sql_put(e, " HAVING ");
        sql_emit(e, select->having);
    }
}

static bool is_id(const struct sql_node *node)
{
    return node->kind == NODE_COLUMN && slice_is(node->name, "id");
}

static size_t position_of(const struct sql_select *head, const struct sql_node *value)
{
    size_t position = 0;
    while (position < head->item_count && head->items[position].value != value) {
        position++;
    }
    return position + 1;
}

static void emit_orders(struct sql_emitter *e, const struct sql_select *head)
{
    for (size_t i = 0; i < head->order_count; i++) {
        const struct sql_order *order = &head->orders[i];
        sql_put(e, i > 0 ? ", " : " ORDER BY ");
        if (head->next != NULL) {
            buf_printf(e->out, "%zu", position_of(head, order->value));
        } else {
            emit_collated(e, order->value);
        }
        sql_put(e, order->descending ? " DESC" : "");
        if (!is_id(order->value)) {
            /* Oracle: NULL is the largest value. */
            bool first = order->nulls == 1 || (order->nulls == 0 && order->descending);
            sql_put(e, first ? " NULLS FIRST" : " NULLS LAST");
        }
    }
}

static void emit_withs(struct sql_emitter *e, const struct sql_select *head)
{
    for (size_t i = 0; i < head->with_count; i++) {
        sql_put(e, i > 0 ? ", " : "WITH ");
        sql_put_name(e, head->withs[i].name);
        sql_put(e, " AS (");
        emit_query(e, head->withs[i].select, true);
        sql_put(e, ")");
    }
    sql_put(e, head->with_count > 0 ? " " : "");
}

static void emit_body(struct sql_emitter *e, const struct sql_select *head)
{
    for (const struct sql_select *s = head; s != NULL; s = s->next) {
        emit_member(e, s);
        if (s->next != NULL) {
            buf_printf(e->out, " %s ", s->set);
        }
    }
}

static void emit_query(struct sql_emitter *e, const struct sql_select *head,
                       bool limited)
{
    emit_withs(e, head);
    emit_body(e, head);
    emit_orders(e, head);
    if (limited && head->fetch_first >= 0) {
        buf_printf(e->out, " LIMIT %lld", head->fetch_first);
    }
}

void sql_emit_rows(struct sql *sql, const struct sql_select *select, struct buf *out)
{
    struct sql_emitter e = {sql, out};
    emit_query(&e, select, false);
    buf_printf(out, " LIMIT ?%d OFFSET ?%d", sql->params + 1, sql->params + 2);
}

/* A plain query is counted without computing its columns. */
void sql_emit_count(struct sql *sql, const struct sql_select *select, struct buf *out)
{
    struct sql_emitter e = {sql, out};
    emit_withs(&e, select);
    if (select->next == NULL && !select->aggregates && !select->distinct) {
        buf_append(out, SLICE("SELECT COUNT(*)"));
        emit_from(&e, select);
        return;
    }
    buf_append(out, SLICE("SELECT COUNT(*) FROM ("));
    emit_body(&e, select);
    buf_append(out, SLICE(")"));
}
