/* SPDX-License-Identifier: Apache-2.0 */
/* SuiteQL queries: only SELECT and WITH have a rule, so nothing else can be asked. */
#include "mocks/netsuite/sql_private.h"

static void parse_items(struct sql *sql, struct sql_select *select)
{
    struct sql_list items = {0};
    do {
        struct sql_item *item = sql_list_add(sql, &items, sizeof *item);
        struct sql_node *value = sql_node(sql, NODE_STAR, 0);
        *item = (struct sql_item){value, SLICE_EMPTY};
        if (sql_take_sign(sql, "*")) {
            continue;
        }
        item->value = sql_parse_condition(sql);
        if (sql_take_word(sql, "as") || sql_is_name(sql)) {
            item->name = sql_take_name(sql);
        }
    } while (sql_take_sign(sql, ",") && !sql_failed(sql));
    select->items = items.items;
    select->item_count = items.count;
}

static const char *parse_join(struct sql *sql)
{
    static const struct {
        const char *word;
        const char *join;
    } joins[] = {{"inner", "JOIN"},
                 {"left", "LEFT JOIN"},
                 {"right", "RIGHT JOIN"},
                 {"full", "FULL JOIN"},
                 {"cross", "CROSS JOIN"}};
    if (sql_take_sign(sql, ",")) {
        return ",";
    }
    if (sql_take_word(sql, "join")) {
        return "JOIN";
    }
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        if (sql_take_word(sql, joins[i].word)) {
            (void)sql_take_word(sql, "outer");
            sql_need_word(sql, "join");
            return joins[i].join;
        }
    }
    return NULL;
}

static struct sql_source *parse_source(struct sql *sql, const char *join)
{
    struct sql_source *source = arena_alloc(sql->arena, sizeof *source);
    *source =
        (struct sql_source){.join = join, .name = SLICE_EMPTY, .alias = SLICE_EMPTY};
    if (sql_take_sign(sql, "(")) {
        source->select = sql_parse_query(sql);
        sql_need_sign(sql, ")");
    } else {
        source->name = sql_take_name(sql);
    }
    if (sql_take_word(sql, "as") || sql_is_name(sql)) {
        source->alias = sql_take_name(sql);
    } else if (source->select == NULL) {
        source->alias = source->name;
    }
    bool needs_on = strcmp(join, "") != 0 && strcmp(join, ",") != 0 &&
                    strcmp(join, "CROSS JOIN") != 0;
    if (needs_on) {
        sql_need_word(sql, "on");
        source->on = sql_parse_condition(sql);
    }
    return source;
}

static void parse_sources(struct sql *sql, struct sql_select *select)
{
    struct sql_list sources = {0};
    const char *join = "";
    while (join != NULL && !sql_failed(sql)) {
        struct sql_source **slot = sql_list_add(sql, &sources, sizeof(void *));
        *slot = parse_source(sql, join);
        join = parse_join(sql);
    }
    select->sources = sources.items;
    select->source_count = sources.count;
}

static void parse_groups(struct sql *sql, struct sql_select *select)
{
    struct sql_list groups = {0};
    sql_need_word(sql, "by");
    do {
        sql_list_add_node(sql, &groups, sql_parse_sum(sql));
    } while (sql_take_sign(sql, ",") && !sql_failed(sql));
    select->groups = groups.items;
    select->group_count = groups.count;
}

static void parse_orders(struct sql *sql, struct sql_select *select)
{
    struct sql_list orders = {0};
    sql_need_word(sql, "by");
    do {
        struct sql_order *order = sql_list_add(sql, &orders, sizeof *order);
        *order = (struct sql_order){.value = sql_parse_sum(sql)};
        order->descending = sql_take_word(sql, "desc");
        if (!order->descending) {
            (void)sql_take_word(sql, "asc");
        }
        if (sql_take_word(sql, "nulls")) {
            order->nulls = sql_take_word(sql, "first") ? 1 : 2;
            if (order->nulls == 2) {
                sql_need_word(sql, "last");
            }
        }
    } while (sql_take_sign(sql, ",") && !sql_failed(sql));
    select->orders = orders.items;
    select->order_count = orders.count;
}

static void parse_fetch(struct sql *sql, struct sql_select *select)
{
    if (!sql_take_word(sql, "first")) {
        sql_need_word(sql, "next");
    }
    unsigned long long rows = 0;
    if (sql_peek(sql)->kind != TOKEN_NUMBER ||
        !slice_to_u64(sql_peek(sql)->text, &rows)) {
        sql_unexpected(sql, "a number of rows");
        return;
    }
    sql_advance(sql);
    if (!sql_take_word(sql, "rows")) {
        sql_need_word(sql, "row");
    }
    sql_need_word(sql, "only");
    select->fetch_first = (long long)rows;
}

static struct sql_select *parse_select(struct sql *sql)
{
    struct sql_select *select = arena_alloc(sql->arena, sizeof *select);
    select->fetch_first = -1;
    sql_need_word(sql, "select");
    select->distinct = sql_take_word(sql, "distinct");
    if (!select->distinct) {
        (void)sql_take_word(sql, "all");
    }
    parse_items(sql, select);
    if (sql_take_word(sql, "from")) {
        parse_sources(sql, select);
    }
    if (sql_take_word(sql, "where")) {
        select->where = sql_parse_condition(sql);
    }
    if (sql_take_word(sql, "group")) {
        parse_groups(sql, select);
    }
    if (sql_take_word(sql, "having")) {
        select->having = sql_parse_condition(sql);
    }
    return select;
}

static const char *parse_set(struct sql *sql)
{
    if (sql_take_word(sql, "union")) {
        return sql_take_word(sql, "all") ? "UNION ALL" : "UNION";
    }
    if (sql_take_word(sql, "intersect")) {
        return "INTERSECT";
    }
    return sql_take_word(sql, "minus") ? "EXCEPT" : NULL;
}

static void parse_withs(struct sql *sql, struct sql_list *withs)
{
    do {
        struct sql_with *with = sql_list_add(sql, withs, sizeof *with);
        with->name = sql_take_name(sql);
        sql_need_word(sql, "as");
        sql_need_sign(sql, "(");
        with->select = sql_parse_query(sql);
        sql_need_sign(sql, ")");
    } while (sql_take_sign(sql, ",") && !sql_failed(sql));
}

struct sql_select *sql_parse_query(struct sql *sql)
{
    struct sql_list withs = {0};
    if (!sql_enter(sql)) {
        return arena_alloc(sql->arena, sizeof(struct sql_select));
    }
    if (sql_take_word(sql, "with")) {
        parse_withs(sql, &withs);
    }
    struct sql_select *first = parse_select(sql);
    struct sql_select *last = first;
    while (!sql_failed(sql)) {
        last->set = parse_set(sql);
        if (last->set == NULL) {
            break;
        }
        last->next = parse_select(sql);
        last = last->next;
    }
    first->withs = withs.items;
    first->with_count = withs.count;
    if (sql_take_word(sql, "order")) {
        parse_orders(sql, first);
    }
    if (sql_take_word(sql, "fetch")) {
        parse_fetch(sql, first);
    }
    sql->depth--;
    return first;
}

struct sql_select *sql_parse(struct sql *sql)
{
    if (!sql_is_word(sql, "select") && !sql_is_word(sql, "with")) {
        sql_unexpected(sql, "SELECT");
        return NULL;
    }
    struct sql_select *select = sql_parse_query(sql);
    if (!sql_failed(sql) && sql_peek(sql)->kind != TOKEN_END) {
        sql_unexpected(sql, "the end of the query");
    }
    return select;
}
