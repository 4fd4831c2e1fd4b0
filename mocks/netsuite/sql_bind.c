/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and types of a SuiteQL tree. What Oracle and NetSuite refuse is refused here:
 * unknown names, header fields that live on the line, a column that is neither grouped
 * nor aggregated, an ORDER BY on the alias of an expression in a grouped query, a truth
 * value as a value.
 */
#include "mocks/netsuite/sql_private.h"

struct scope {
    const struct sql_select *select; /* whose sources can be named; NULL: none here */
    const struct sql_select *head;   /* whose WITH names can be used; NULL: none here */
    size_t withs;                    /* how many of them are bound already */
    const struct scope *outer;
};

static void bind_node(struct sql *sql, struct sql_node *node,
                      const struct scope *scope);
static void bind_query(struct sql *sql, struct sql_select *head,
                       const struct scope *outer);

/* ---- names ---- */

static void unknown_identifier(struct sql *sql, struct slice name,
                               const struct scope *scope)
{
    struct buf list;
    buf_init(&list, 4096);
    const struct sql_select *select = scope->select;
    for (size_t i = 0; select != NULL && i < select->source_count; i++) {
        const struct sql_source *source = select->sources[i];
        struct slice record = source->name.len > 0 ? source->name : SLICE("(subquery)");
        buf_printf(&list, "%s%.*s=%.*s", i > 0 ? ", " : "", SLICE_ARG(source->alias),
                   SLICE_ARG(record));
    }
    (void)sql_fail(sql, "Unknown identifier '%.*s'. Available identifiers are: {%.*s}.",
                   SLICE_ARG(name), SLICE_ARG(buf_slice(&list)));
    buf_free(&list);
}

static const struct sql_column *source_column(const struct sql_source *source,
                                              struct slice name)
{
    for (size_t i = 0; i < source->column_count; i++) {
        if (slice_eq(source->columns[i].name, name)) {
            return &source->columns[i];
        }
    }
    return NULL;
}

/* Header fields that moved to the line answer with a text of their own. */
static bool is_removed(const struct scope *scope, const struct sql_node *node)
{
    static const char *const removed[] = {"subsidiary", "department", "class",
                                          "location", "createdfrom"};
    for (size_t i = 0; i < scope->select->source_count; i++) {
        const struct sql_source *source = scope->select->sources[i];
        bool named =
            node->qualifier.len == 0 || slice_eq(node->qualifier, source->alias);
        if (!named || !slice_is(source->name, "transaction")) {
            continue;
        }
        for (size_t k = 0; k < sizeof removed / sizeof *removed; k++) {
            if (slice_is(node->name, removed[k])) {
                return true;
            }
        }
    }
    return false;
}

/* False: not found in this scope. */
static bool find_in(struct sql *sql, struct sql_node *node, const struct scope *scope)
{
    for (size_t i = 0; scope->select != NULL && i < scope->select->source_count; i++) {
        const struct sql_source *source = scope->select->sources[i];
        if (node->qualifier.len > 0 && !slice_eq(node->qualifier, source->alias)) {
            continue;
        }
        const struct sql_column *column = source_column(source, node->name);
        if (column == NULL) {
            continue;
        }
        if (node->source != NULL) {
            return sql_fail(sql,
                            "Invalid or unsupported search: column '%.*s' is ambiguous",
                            SLICE_ARG(node->name));
        }
        node->source = source;
        node->type = column->type;
        node->display = column->display;
    }
    return node->source != NULL;
}

static bool has_alias(const struct scope *scope, struct slice alias)
{
    for (; scope != NULL; scope = scope->outer) {
        const struct sql_select *select = scope->select;
        for (size_t i = 0; select != NULL && i < select->source_count; i++) {
            if (slice_eq(select->sources[i]->alias, alias)) {
                return true;
            }
        }
    }
    return false;
}

static void bind_column(struct sql *sql, struct sql_node *node,
                        const struct scope *scope)
{
    const struct scope *named = NULL;
    for (const struct scope *s = scope; s != NULL; s = s->outer) {
        if (find_in(sql, node, s) || sql_failed(sql)) {
            return;
        }
        named = named == NULL && s->select != NULL ? s : named;
    }
    if (named != NULL && is_removed(named, node)) {
        (void)sql_fail(sql,
                       "Field '%.*s' for record 'transaction' was not found. Reason: "
                       "REMOVED - Field is removed",
                       SLICE_ARG(node->name));
        return;
    }
    named = named != NULL ? named : scope;
    bool alias_known = node->qualifier.len == 0 || has_alias(scope, node->qualifier);
    unknown_identifier(sql, alias_known ? node->name : node->qualifier, named);
}

static void bind_node(struct sql *sql, struct sql_node *node, const struct scope *scope)
{
    if (sql_failed(sql)) {
        return;
    }
    if (node->kind == NODE_COLUMN) {
        bind_column(sql, node, scope);
        return;
    }
    if (node->kind == NODE_NUMBER || node->kind == NODE_TEXT) {
        node->type = node->kind == NODE_TEXT ? TYPE_TEXT : sql_number_type(node->name);
        return;
    }
    if (node->kind == NODE_NULL || node->kind == NODE_PARAM ||
        node->kind == NODE_TODAY || node->kind == NODE_STAR) {
        node->type = node->kind == NODE_PARAM   ? TYPE_PARAM
                     : node->kind == NODE_TODAY ? TYPE_DATE
                                                : TYPE_NULL;
        return;
    }
    for (size_t i = 0; i < node->arg_count; i++) {
        bind_node(sql, node->args[i], scope);
    }
    if (node->select != NULL && !sql_failed(sql)) {
        bind_query(sql, node->select, scope);
    }
    if (!sql_failed(sql)) {
        sql_type_node(sql, node);
    }
}

/* ---- sources ---- */

static void columns_of_select(struct sql *sql, const struct sql_select *select,
                              struct sql_source *source)
{
    source->column_count = select->item_count;
    source->columns =
        arena_array(sql->arena, select->item_count + 1, sizeof *source->columns);
    for (size_t i = 0; i < select->item_count; i++) {
        const struct sql_node *value = select->items[i].value;
        source->columns[i] =
            (struct sql_column){select->items[i].name, value->type, value->display};
    }
}

static void columns_of_table(struct sql *sql, const struct schema_table *table,
                             struct sql_source *source)
{
    source->table = table;
    source->column_count = table->count;
    source->columns = arena_array(sql->arena, table->count, sizeof *source->columns);
    for (size_t i = 0; i < table->count; i++) {
        const struct schema_column *column = &table->columns[i];
        source->columns[i] =
            (struct sql_column){slice_str(column->name), column->type, column->display};
    }
}

static const struct sql_select *find_with(const struct scope *scope, struct slice name)
{
    for (; scope != NULL; scope = scope->outer) {
        for (size_t i = 0; scope->head != NULL && i < scope->withs; i++) {
            if (slice_eq(scope->head->withs[i].name, name)) {
                return scope->head->withs[i].select;
            }
        }
    }
    return NULL;
}

static void bind_source(struct sql *sql, struct sql_source *source, size_t number,
                        const struct scope *outer)
{
    if (source->select != NULL) {
        bind_query(sql, source->select, outer);
        columns_of_select(sql, source->select, source);
        if (source->alias.len == 0) {
            source->alias = arena_printf(sql->arena, "~%zu", number);
        }
        return;
    }
    const struct sql_select *with = find_with(outer, source->name);
    if (with != NULL) {
        columns_of_select(sql, with, source);
        return;
    }
    bool typeable = slice_find(source->name, ' ') < 0;
    const struct schema_table *table = typeable ? schema_find(source->name) : NULL;
    if (table == NULL) {
        (void)sql_fail(sql, "Record '%.*s' was not found.", SLICE_ARG(source->name));
        return;
    }
    columns_of_table(sql, table, source);
}

/* ---- one SELECT ---- */

static void expand_star(struct sql *sql, const struct sql_select *select,
                        const struct sql_node *star, struct sql_item *items,
                        size_t *count)
{
    size_t before = *count;
    for (size_t i = 0; i < select->source_count; i++) {
        const struct sql_source *source = select->sources[i];
        if (star->qualifier.len > 0 && !slice_eq(star->qualifier, source->alias)) {
            continue;
        }
        for (size_t k = 0; k < source->column_count; k++) {
            struct sql_node *column = sql_node(sql, NODE_COLUMN, 0);
            column->name = source->columns[k].name;
            column->source = source;
            column->type = source->columns[k].type;
            column->display = source->columns[k].display;
            items[(*count)++] = (struct sql_item){column, column->name};
        }
    }
    if (*count == before) {
        (void)sql_fail(sql, "Invalid or unsupported search: nothing to expand '*' to");
    }
}

static void bind_items(struct sql *sql, struct sql_select *select,
                       const struct scope *scope)
{
    size_t room = select->item_count;
    for (size_t i = 0; i < select->source_count; i++) {
        room += select->item_count * select->sources[i]->column_count;
    }
    struct sql_item *items = arena_array(sql->arena, room + 1, sizeof *items);
    size_t count = 0;
    for (size_t i = 0; i < select->item_count && !sql_failed(sql); i++) {
        struct sql_item item = select->items[i];
        if (item.value->kind == NODE_STAR) {
            expand_star(sql, select, item.value, items, &count);
            continue;
        }
        bind_node(sql, item.value, scope);
        sql_need_value(sql, item.value);
        if (item.name.len == 0) {
            item.name = item.value->kind == NODE_COLUMN
                            ? item.value->name
                            : arena_printf(sql->arena, "expr%zu", i + 1);
        }
        items[count++] = item;
    }
    select->items = items;
    select->item_count = count;
}

static bool has_aggregate(const struct sql_node *node)
{
    if (sql_is_aggregate(node)) {
        return true;
    }
    for (size_t i = 0; i < node->arg_count; i++) {
        if (has_aggregate(node->args[i])) {
            return true;
        }
    }
    return false;
}

/* The same expression, spelt the same way: what Oracle accepts as "grouped". */
static bool is_same(const struct sql_node *a, const struct sql_node *b)
{
    if (a->kind != b->kind || a->number != b->number || a->source != b->source ||
        a->arg_count != b->arg_count || a->negated != b->negated ||
        a->select != b->select || !slice_eq(a->name, b->name)) {
        return false;
    }
    for (size_t i = 0; i < a->arg_count; i++) {
        if (!is_same(a->args[i], b->args[i])) {
            return false;
        }
    }
    return true;
}

static bool is_own_column(const struct sql_select *select, const struct sql_node *node)
{
    for (size_t i = 0; i < select->source_count; i++) {
        if (node->kind == NODE_COLUMN && node->source == select->sources[i]) {
            return true;
        }
    }
    return false;
}

static void need_grouped(struct sql *sql, const struct sql_select *select,
                         const struct sql_node *node)
{
    if (sql_failed(sql) || sql_is_aggregate(node)) {
        return;
    }
    for (size_t i = 0; i < select->group_count; i++) {
        if (is_same(select->groups[i], node)) {
            return;
        }
    }
    if (is_own_column(select, node)) {
        (void)sql_fail(sql,
                       "Invalid or unsupported search: '%.*s' is neither grouped nor "
                       "aggregated",
                       SLICE_ARG(node->name));
        return;
    }
    for (size_t i = 0; i < node->arg_count; i++) {
        need_grouped(sql, select, node->args[i]);
    }
}

/* ROWNUM <= n among the conditions that all must hold becomes a row limit. */
static struct sql_node *take_rownum(struct sql *sql, struct sql_select *select,
                                    struct sql_node *node)
{
    if (node == NULL || node->kind != NODE_BINARY) {
        return node;
    }
    if (slice_is(node->name, "AND")) {
        struct sql_node *left = take_rownum(sql, select, node->args[0]);
        struct sql_node *right = take_rownum(sql, select, node->args[1]);
        if (left == NULL || right == NULL) {
            return left == NULL ? right : left;
        }
        node->args[0] = left;
        node->args[1] = right;
        return node;
    }
    const struct sql_node *name = node->args[0];
    const struct sql_node *limit = node->args[1];
    if (name->kind != NODE_COLUMN || name->qualifier.len > 0 ||
        !slice_is(name->name, "rownum")) {
        return node;
    }
    unsigned long long rows = 0;
    bool less = slice_is(node->name, "<");
    if (limit->kind != NODE_NUMBER || !slice_to_u64(limit->name, &rows) ||
        !(less || slice_is(node->name, "<="))) {
        (void)sql_fail(sql,
                       "Invalid or unsupported search: this mock knows ROWNUM <= n and "
                       "ROWNUM < n");
        return node;
    }
    select->fetch_first = (long long)rows - (less && rows > 0 ? 1 : 0);
    return NULL;
}

static void bind_conditions(struct sql *sql, struct sql_select *select,
                            const struct scope *scope)
{
    long long before = select->fetch_first;
    select->where = take_rownum(sql, select, select->where);
    for (size_t i = 0; i < select->source_count; i++) {
        if (select->sources[i]->on != NULL) {
            bind_node(sql, select->sources[i]->on, scope);
            sql_need_condition(sql, select->sources[i]->on);
        }
    }
    if (select->where != NULL) {
        bind_node(sql, select->where, scope);
        sql_need_condition(sql, select->where);
        if (!sql_failed(sql) && has_aggregate(select->where)) {
            (void)sql_fail(sql,
                           "Invalid or unsupported search: WHERE holds an aggregate");
        }
    }
    for (size_t i = 0; i < select->group_count; i++) {
        bind_node(sql, select->groups[i], scope);
    }
    if (select->having != NULL) {
        bind_node(sql, select->having, scope);
        sql_need_condition(sql, select->having);
    }
    select->aggregates = select->group_count > 0 || select->having != NULL;
    for (size_t i = 0; i < select->item_count && !sql_failed(sql); i++) {
        select->aggregates |= has_aggregate(select->items[i].value);
    }
    if (select->aggregates && before != select->fetch_first) {
        (void)sql_fail(sql,
                       "Invalid or unsupported search: this mock does not know ROWNUM "
                       "together with aggregates");
    }
}

static void bind_select(struct sql *sql, struct sql_select *select,
                        const struct scope *outer)
{
    struct scope scope = {select, NULL, 0, outer};
    for (size_t i = 0; i < select->source_count && !sql_failed(sql); i++) {
        bind_source(sql, select->sources[i], i, outer);
    }
    bind_items(sql, select, &scope);
    if (sql_failed(sql)) {
        return;
    }
    bind_conditions(sql, select, &scope);
    if (!select->aggregates || sql_failed(sql)) {
        return;
    }
    for (size_t i = 0; i < select->item_count; i++) {
        need_grouped(sql, select, select->items[i].value);
    }
    if (select->having != NULL) {
        need_grouped(sql, select, select->having);
    }
}

/* ---- a whole query ---- */

static struct sql_item *find_item(const struct sql_select *select, struct slice name)
{
    for (size_t i = 0; i < select->item_count; i++) {
        if (slice_eq(select->items[i].name, name)) {
            return &select->items[i];
        }
    }
    return NULL;
}

/* A position, or the name of an output column. NULL: neither. */
static struct sql_node *order_output(struct sql *sql, const struct sql_select *head,
                                     const struct sql_node *value)
{
    unsigned long long position = 0;
    if (value->kind == NODE_NUMBER && slice_to_u64(value->name, &position)) {
        if (position < 1 || position > head->item_count) {
            (void)sql_fail(sql, "Invalid or unsupported search: ORDER BY position %llu",
                           position);
            return NULL;
        }
        return head->items[position - 1].value;
    }
    if (value->kind != NODE_COLUMN || value->qualifier.len > 0) {
        return NULL;
    }
    const struct sql_item *item = find_item(head, value->name);
    if (item == NULL) {
        return NULL;
    }
    if (head->aggregates && item->value->kind != NODE_COLUMN) {
        /* Seen on a live account: order by the full expression instead. */
        (void)sql_fail(sql, "Invalid or unsupported search");
    }
    return item->value;
}

static void bind_orders(struct sql *sql, struct sql_select *head,
                        const struct scope *outer)
{
    struct scope scope = {head, NULL, 0, outer};
    for (size_t i = 0; i < head->order_count && !sql_failed(sql); i++) {
        struct sql_node *output = order_output(sql, head, head->orders[i].value);
        if (output != NULL || sql_failed(sql)) {
            head->orders[i].value = output;
            continue;
        }
        if (head->next != NULL) {
            (void)sql_fail(sql,
                           "Invalid or unsupported search: ORDER BY after UNION names "
                           "an output column or position");
            return;
        }
        bind_node(sql, head->orders[i].value, &scope);
        sql_need_value(sql, head->orders[i].value);
        if (head->aggregates) {
            need_grouped(sql, head, head->orders[i].value);
        }
    }
}

static void unify_members(struct sql *sql, struct sql_select *head)
{
    for (const struct sql_select *s = head->next; s != NULL; s = s->next) {
        if (s->item_count != head->item_count) {
            (void)sql_fail(sql,
                           "Invalid or unsupported search: the parts of a %s have "
                           "different numbers of columns",
                           head->set);
            return;
        }
        for (size_t i = 0; i < s->item_count; i++) {
            enum schema_type a = head->items[i].value->type;
            if (sql_unify(a, s->items[i].value->type) != a) {
                (void)sql_fail(sql,
                               "Invalid or unsupported search: the parts of a %s have "
                               "different types in column %zu",
                               head->set, i + 1);
                return;
            }
        }
    }
}

static void bind_query(struct sql *sql, struct sql_select *head,
                       const struct scope *outer)
{
    struct scope scope = {NULL, head, 0, outer};
    for (size_t i = 0; i < head->with_count && !sql_failed(sql); i++) {
        bind_query(sql, head->withs[i].select, &scope);
        scope.withs = i + 1;
    }
    for (struct sql_select *s = head; s != NULL && !sql_failed(sql); s = s->next) {
        bind_select(sql, s, &scope);
    }
    if (!sql_failed(sql)) {
        unify_members(sql, head);
    }
    if (!sql_failed(sql)) {
        bind_orders(sql, head, &scope);
    }
}

void sql_bind(struct sql *sql, struct sql_select *select)
{
    bind_query(sql, select, NULL);
}
