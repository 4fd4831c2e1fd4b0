/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite text for a bound SuiteQL tree. Invariant: what is written for a node of
 * TYPE_DECIMAL yields decimal text or NULL, never an INTEGER or REAL, so that the
 * collation `ns_decimal` and the ns_ functions (functions.c) decide every comparison
 * and sum.
 */
#include "mocks/netsuite/sql_private.h"

struct emitter {
    struct sql *sql;
    struct buf *out;
};

static void emit(struct emitter *e, const struct sql_node *node);
static void emit_query(struct emitter *e, const struct sql_select *head, bool limited);

static void put(struct emitter *e, const char *text)
{
    buf_append(e->out, slice_str(text));
}

static void put_quoted(struct emitter *e, struct slice text, char quote)
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

static void put_name(struct emitter *e, struct slice name)
{
    put_quoted(e, name, '"');
}

static bool is_date(enum schema_type type)
{
    return type == TYPE_DATE || type == TYPE_TIME;
}

/* Writes `node` so that its value has `type`. */
static void emit_as(struct emitter *e, const struct sql_node *node,
                    enum schema_type type)
{
    const char *wrap = NULL;
    if (node->type == type || node->type == TYPE_NULL) {
        emit(e, node);
        return;
    }
    if (type == TYPE_DECIMAL) {
        wrap = "ns_decimal(";
    } else if (is_date(type) && !is_date(node->type)) {
        wrap = "ns_to_date(";
    }
    if (wrap != NULL) {
        put(e, wrap);
        emit(e, node);
        put(e, ")");
    } else if (type == TYPE_TEXT && node->type == TYPE_INT) {
        put(e, "CAST(");
        emit(e, node);
        put(e, " AS TEXT)");
    } else {
        emit(e, node);
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

static void emit_comparison(struct emitter *e, const char *sign,
                            const struct sql_node *a, const struct sql_node *b)
{
    if (compares_decimal(a, b)) {
        put(e, "(ns_compare(");
        emit(e, a);
        put(e, ",");
        emit(e, b);
        buf_printf(e->out, ") %s 0)", sign);
        return;
    }
    enum schema_type as = is_date(a->type)   ? a->type
                          : is_date(b->type) ? b->type
                                             : TYPE_NULL;
    put(e, "(");
    if (as == TYPE_NULL) {
        emit(e, a);
        buf_printf(e->out, " %s ", sign);
        emit(e, b);
    } else {
        emit_as(e, a, as);
        buf_printf(e->out, " %s ", sign);
        emit_as(e, b, as);
    }
    put(e, ")");
}

static void emit_between(struct emitter *e, const struct sql_node *node)
{
    put(e, node->negated ? "(NOT (" : "((");
    emit_comparison(e, ">=", node->args[0], node->args[1]);
    put(e, " AND ");
    emit_comparison(e, "<=", node->args[0], node->args[2]);
    put(e, "))");
}

static void emit_in(struct emitter *e, const struct sql_node *node)
{
    put(e, node->negated ? "(NOT (" : "((");
    if (node->select != NULL) {
        bool decimal = node->args[0]->type == TYPE_DECIMAL;
        put(e, "(");
        emit(e, node->args[0]);
        put(e, decimal ? " COLLATE ns_decimal) IN (" : ") IN (");
        emit_query(e, node->select, true);
        put(e, ")");
    }
    for (size_t i = 1; i < node->arg_count; i++) {
        put(e, i > 1 ? " OR " : "");
        emit_comparison(e, "=", node->args[0], node->args[i]);
    }
    put(e, "))");
}

static void emit_like(struct emitter *e, const struct sql_node *node)
{
    put(e, node->negated ? "(NOT (" : "((");
    emit_as(e, node->args[0], TYPE_TEXT);
    put(e, " LIKE ");
    emit(e, node->args[1]);
    if (node->arg_count == 3) {
        put(e, " ESCAPE ");
        emit(e, node->args[2]);
    }
    put(e, "))");
}

/* ---- operators and CASE ---- */

static void emit_pair(struct emitter *e, const char *function, const struct sql_node *a,
                      const struct sql_node *b)
{
    buf_printf(e->out, "%s(", function);
    emit(e, a);
    put(e, ",");
    emit(e, b);
    put(e, ")");
}

static void emit_sum(struct emitter *e, const struct sql_node *node)
{
    const struct sql_node *a = node->args[0];
    const struct sql_node *b = node->args[1];
    bool minus = slice_is(node->name, "-");
    if (is_date(a->type) && is_date(b->type)) {
        emit_pair(e, "ns_days", a, b);
    } else if (is_date(a->type) || is_date(b->type)) {
        emit_pair(e, minus ? "ns_date_minus" : "ns_date_plus", is_date(a->type) ? a : b,
                  is_date(a->type) ? b : a);
    } else {
        emit_pair(e, minus ? "ns_subtract" : "ns_add", a, b);
    }
}

static void emit_concat(struct emitter *e, const struct sql_node *a,
                        const struct sql_node *b)
{
    /* To Oracle NULL is the empty text here. */
    put(e, "(IFNULL(");
    emit(e, a);
    put(e, ",'')||IFNULL(");
    emit(e, b);
    put(e, ",''))");
}

static void emit_binary(struct emitter *e, const struct sql_node *node)
{
    const struct sql_node *a = node->args[0];
    const struct sql_node *b = node->args[1];
    if (slice_is(node->name, "||")) {
        emit_concat(e, a, b);
        return;
    }
    bool native = node->type == TYPE_INT && a->type == TYPE_INT && b->type == TYPE_INT;
    bool logical = slice_is(node->name, "AND") || slice_is(node->name, "OR");
    if (native || logical) {
        put(e, "(");
        emit(e, a);
        buf_printf(e->out, " %.*s ", SLICE_ARG(node->name));
        emit(e, b);
        put(e, ")");
        return;
    }
    if (slice_is(node->name, "+") || slice_is(node->name, "-")) {
        emit_sum(e, node);
    } else if (slice_is(node->name, "*") || slice_is(node->name, "/")) {
        emit_pair(e, slice_is(node->name, "*") ? "ns_multiply" : "ns_divide", a, b);
    } else {
        char sign[3] = {node->name.ptr[0],
                        node->name.len > 1 ? node->name.ptr[1] : '\0', 0};
        emit_comparison(e, sign, a, b);
    }
}

static void emit_case(struct emitter *e, const struct sql_node *node)
{
    size_t at = node->has_operand ? 1 : 0;
    put(e, "(CASE");
    for (; at + 1 < node->arg_count; at += 2) {
        put(e, " WHEN ");
        if (node->has_operand) {
            emit_comparison(e, "=", node->args[0], node->args[at]);
        } else {
            emit(e, node->args[at]);
        }
        put(e, " THEN ");
        emit_as(e, node->args[at + 1], node->type);
    }
    if (node->has_else) {
        put(e, " ELSE ");
        emit_as(e, node->args[at], node->type);
    }
    put(e, " END)");
}

/* ---- BUILTIN ---- */

static void emit_lookup(struct emitter *e, const struct sql_node *column,
                        const struct schema_display *display)
{
    buf_printf(e->out,
               "(SELECT \"~d\".\"%s\" FROM \"%s\" AS \"~d\" WHERE \"~d\".\"%s\" = ",
               display->column, display->table, display->key);
    emit(e, column);
    put(e, ")");
}

static void emit_code(struct emitter *e, const struct sql_node *column)
{
    buf_printf(e->out,
               "(SELECT \"~d\".\"name\" FROM \"mock code\" AS \"~d\" WHERE "
               "\"~d\".\"scheme\" = '%s' AND \"~d\".\"id\" = CAST(",
               column->display);
    emit(e, column);
    put(e, " AS TEXT))");
}

static void emit_sibling(struct emitter *e, const struct sql_node *column,
                         const char *name)
{
    put_name(e, column->source->alias);
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
static void emit_status(struct emitter *e, const struct sql_node *column)
{
    if (!has_type_column(column->source)) {
        (void)sql_fail(e->sql, "Invalid or unsupported search: a status without its "
                               "transaction type has no display value");
        return;
    }
    put(e, "(SELECT \"~d\".\"fullname\" FROM \"transactionstatus\" AS \"~d\" WHERE "
           "\"~d\".\"trantype\" = ");
    emit_sibling(e, column, "type");
    put(e, " AND \"~d\".\"id\" = ");
    emit(e, column);
    put(e, ")");
}

static void emit_document(struct emitter *e, const struct sql_node *column)
{
    put(e,
        "(SELECT \"~c\".\"name\" || ' #' || IFNULL(\"~d\".\"tranid\",'') FROM "
        "\"transaction\" AS \"~d\" JOIN \"mock code\" AS \"~c\" ON \"~c\".\"scheme\" = "
        "'trantype' AND \"~c\".\"id\" = \"~d\".\"type\" WHERE \"~d\".\"id\" = ");
    emit(e, column);
    put(e, ")");
}

static void emit_display(struct emitter *e, const struct sql_node *column)
{
    const char *display = column->display;
    if (display == NULL) {
        put(e, is_date(column->type) ? "ns_account_date(" : "CAST(");
        emit(e, column);
        put(e, is_date(column->type) ? ")" : " AS TEXT)");
    } else if (strcmp(display, "boolean") == 0) {
        put(e, "(CASE ");
        emit(e, column);
        put(e, " WHEN 'T' THEN 'Yes' WHEN 'F' THEN 'No' END)");
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

static void emit_criteria(struct emitter *e, const struct sql_node *column)
{
    bool status = column->display != NULL && strcmp(column->display, "status") == 0 &&
                  has_type_column(column->source);
    if (!status) {
        emit_as(e, column, TYPE_TEXT);
        return;
    }
    put(e, "(");
    emit_sibling(e, column, "type");
    put(e, "||':'||");
    emit(e, column);
    put(e, ")");
}

/* ---- functions ---- */

static void emit_args(struct emitter *e, const char *name, const struct sql_node *node)
{
    buf_printf(e->out, "%s(", name);
    for (size_t i = 0; i < node->arg_count; i++) {
        put(e, i > 0 ? "," : "");
        emit(e, node->args[i]);
    }
    put(e, ")");
}

static void emit_aggregate(struct emitter *e, const struct sql_node *node)
{
    const struct sql_node *arg = node->args[0];
    bool decimal = arg->type == TYPE_DECIMAL;
    const char *distinct = node->distinct ? "DISTINCT " : "";
    if (slice_is(node->name, "count") && arg->kind == NODE_STAR) {
        put(e, "COUNT(*)");
        return;
    }
    bool native_sum = slice_is(node->name, "sum") && arg->type == TYPE_INT;
    bool exact =
        (slice_is(node->name, "sum") && !native_sum) || slice_is(node->name, "avg");
    buf_printf(e->out, "%s%.*s(%s", exact ? "ns_" : "", SLICE_ARG(node->name),
               distinct);
    emit(e, arg);
    put(e, decimal ? " COLLATE ns_decimal)" : ")");
}

static void emit_decode(struct emitter *e, const struct sql_node *node)
{
    put(e, "(CASE");
    for (size_t i = 1; i + 1 < node->arg_count; i += 2) {
        put(e, " WHEN ");
        if (node->args[i]->kind == NODE_NULL) {
            emit(e, node->args[0]);
            put(e, " IS NULL");
        } else {
            emit_comparison(e, "=", node->args[0], node->args[i]);
        }
        put(e, " THEN ");
        emit_as(e, node->args[i + 1], node->type);
    }
    if (node->arg_count % 2 == 0) {
        put(e, " ELSE ");
        emit_as(e, node->args[node->arg_count - 1], node->type);
    }
    put(e, " END)");
}

static void emit_choice(struct emitter *e, const struct sql_node *node)
{
    const struct sql_node *a = node->args[0];
    const struct sql_node *b = node->args[1];
    put(e, "(CASE WHEN ");
    if (slice_is(node->name, "nvl2")) {
        emit(e, a);
        put(e, " IS NOT NULL THEN ");
        emit_as(e, b, node->type);
        put(e, " ELSE ");
        emit_as(e, node->args[2], node->type);
    } else if (slice_is(node->name, "nullif")) {
        emit_comparison(e, "=", a, b);
        put(e, " THEN NULL ELSE ");
        emit(e, a);
    } else {
        bool greatest = slice_is(node->name, "greatest");
        emit_comparison(e, greatest ? ">=" : "<=", a, b);
        put(e, " THEN ");
        emit_as(e, a, node->type);
        put(e, " ELSE ");
        emit_as(e, b, node->type);
    }
    put(e, " END)");
}

static void emit_coalesce(struct emitter *e, const struct sql_node *node)
{
    put(e, "COALESCE(");
    for (size_t i = 0; i < node->arg_count; i++) {
        put(e, i > 0 ? "," : "");
        emit_as(e, node->args[i], node->type);
    }
    put(e, ")");
}

static void emit_to_char(struct emitter *e, const struct sql_node *node)
{
    if (is_date(node->args[0]->type)) {
        emit_args(e, node->arg_count == 1 ? "ns_account_date" : "ns_to_char", node);
    } else if (node->arg_count == 1) {
        emit_as(e, node->args[0], TYPE_TEXT);
    } else {
        (void)sql_fail(e->sql,
                       "Invalid or unsupported search: this mock knows TO_CHAR with "
                       "a format for dates only");
    }
}

static void emit_replace(struct emitter *e, const struct sql_node *node)
{
    put(e, "replace(");
    emit(e, node->args[0]);
    put(e, ",");
    emit(e, node->args[1]);
    put(e, ",IFNULL(");
    if (node->arg_count == 3) {
        emit(e, node->args[2]);
    } else {
        put(e, "NULL");
    }
    put(e, ",''))");
}

/* Calls without a name of their own in SQLite. */
static void emit_special(struct emitter *e, const struct sql_node *node)
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
        emit_concat(e, node->args[0], node->args[1]);
    } else if (slice_is(name, "abs")) {
        emit_args(e, node->type == TYPE_INT ? "abs" : "ns_abs", node);
    } else if (slice_is(name, "trunc")) {
        emit_args(e, is_date(node->type) ? "ns_trunc_date" : "ns_trunc", node);
    } else {
        emit_choice(e, node);
    }
}

static void emit_call(struct emitter *e, const struct sql_node *node)
{
    const struct sql_function *function = sql_function_find(node->name);
    if (function->native != NULL) {
        emit_args(e, function->native, node);
    } else {
        emit_special(e, node);
    }
}

static void emit_leaf(struct emitter *e, const struct sql_node *node)
{
    if (node->kind == NODE_COLUMN) {
        put_name(e, node->source->alias);
        put(e, ".");
        put_name(e, node->name);
    } else if (node->kind == NODE_PARAM) {
        buf_printf(e->out, "?%d", node->number);
    } else if (node->kind == NODE_NUMBER && node->type == TYPE_INT) {
        buf_append(e->out, node->name);
    } else if (node->kind == NODE_NUMBER || node->kind == NODE_TEXT) {
        put_quoted(e, node->name, '\'');
    } else if (node->kind == NODE_TODAY) {
        put_quoted(e, e->sql->today, '\'');
    } else {
        put(e, "NULL");
    }
}

static void emit_unary(struct emitter *e, const struct sql_node *node)
{
    if (node->kind == NODE_NOT) {
        put(e, "(NOT ");
    } else if (node->kind == NODE_NEGATE) {
        put(e, node->type == TYPE_INT ? "(- " : "ns_subtract(0,");
    } else {
        put(e, "(");
    }
    emit(e, node->args[0]);
    if (node->kind == NODE_IS_NULL) {
        put(e, node->negated ? " IS NOT NULL" : " IS NULL");
    }
    put(e, ")");
}

static void emit(struct emitter *e, const struct sql_node *node)
{
    if (sql_failed(e->sql)) {
        return;
    }
    if (node->kind == NODE_BINARY) {
        emit_binary(e, node);
    } else if (node->kind == NODE_CALL) {
        emit_call(e, node);
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
        put(e, node->kind == NODE_EXISTS ? "EXISTS (" : "(");
        emit_query(e, node->select, true);
        put(e, ")");
    } else {
        emit_leaf(e, node);
    }
}

/* ---- queries ---- */

static void emit_sources(struct emitter *e, const struct sql_select *select)
{
    put(e, select->source_count > 0 ? " FROM " : "");
    for (size_t i = 0; i < select->source_count; i++) {
        const struct sql_source *source = select->sources[i];
        if (i > 0) {
            buf_printf(e->out, " %s ", source->join);
        }
        if (source->select != NULL) {
            put(e, "(");
            emit_query(e, source->select, true);
            put(e, ")");
        } else {
            put_name(e, source->name);
        }
        put(e, " AS ");
        put_name(e, source->alias);
        if (source->on != NULL) {
            put(e, " ON ");
            emit(e, source->on);
        }
    }
}

static void emit_from(struct emitter *e, const struct sql_select *select)
{
    emit_sources(e, select);
    if (select->where != NULL) {
        put(e, " WHERE ");
        emit(e, select->where);
    }
}

static void emit_collated(struct emitter *e, const struct sql_node *node)
{
    emit(e, node);
    put(e, node->type == TYPE_DECIMAL ? " COLLATE ns_decimal" : "");
}

static void emit_member(struct emitter *e, const struct sql_select *select)
{
    put(e, select->distinct ? "SELECT DISTINCT " : "SELECT ");
    for (size_t i = 0; i < select->item_count; i++) {
        put(e, i > 0 ? ", " : "");
        emit_collated(e, select->items[i].value);
        put(e, " AS ");
        put_name(e, select->items[i].name);
    }
    emit_from(e, select);
    for (size_t i = 0; i < select->group_count; i++) {
        put(e, i > 0 ? ", " : " GROUP BY ");
        emit_collated(e, select->groups[i]);
    }
    if (select->having != NULL) {
        put(e, " HAVING ");
        emit(e, select->having);
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

static void emit_orders(struct emitter *e, const struct sql_select *head)
{
    for (size_t i = 0; i < head->order_count; i++) {
        const struct sql_order *order = &head->orders[i];
        put(e, i > 0 ? ", " : " ORDER BY ");
        if (head->next != NULL) {
            buf_printf(e->out, "%zu", position_of(head, order->value));
        } else {
            emit_collated(e, order->value);
        }
        put(e, order->descending ? " DESC" : "");
        if (!is_id(order->value)) {
            /* Oracle: NULL is the largest value. */
            bool first = order->nulls == 1 || (order->nulls == 0 && order->descending);
            put(e, first ? " NULLS FIRST" : " NULLS LAST");
        }
    }
}

static void emit_withs(struct emitter *e, const struct sql_select *head)
{
    for (size_t i = 0; i < head->with_count; i++) {
        put(e, i > 0 ? ", " : "WITH ");
        put_name(e, head->withs[i].name);
        put(e, " AS (");
        emit_query(e, head->withs[i].select, true);
        put(e, ")");
    }
    put(e, head->with_count > 0 ? " " : "");
}

static void emit_body(struct emitter *e, const struct sql_select *head)
{
    for (const struct sql_select *s = head; s != NULL; s = s->next) {
        emit_member(e, s);
        if (s->next != NULL) {
            buf_printf(e->out, " %s ", s->set);
        }
    }
}

static void emit_query(struct emitter *e, const struct sql_select *head, bool limited)
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
    struct emitter e = {sql, out};
    emit_query(&e, select, false);
    buf_printf(out, " LIMIT ?%d OFFSET ?%d", sql->params + 1, sql->params + 2);
}

/* A plain query is counted without computing its columns. */
void sql_emit_count(struct sql *sql, const struct sql_select *select, struct buf *out)
{
    struct emitter e = {sql, out};
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
