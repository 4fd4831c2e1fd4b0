/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SuiteQL tokens to a tree, by recursive descent: or > and > not > predicate > sum >
 * product > sign > primary. Only SELECT and WITH have a rule, so nothing else can be
 * asked.
 */
#include "mocks/netsuite/sql_private.h"

#define MAX_DEPTH 60

static struct sql_select *parse_query(struct sql *sql);
static struct sql_node *parse_condition(struct sql *sql);
static struct sql_node *parse_sum(struct sql *sql);

static const char *const reserved[] = {
    "select", "from",  "where", "group", "order", "having", "union", "intersect",
    "minus",  "fetch", "join",  "inner", "left",  "right",  "full",  "cross",
    "on",     "and",   "or",    "not",   "in",    "is",     "like",  "between",
    "exists", "case",  "when",  "then",  "else",  "end",    "as",    "by",
    "asc",    "desc",  "nulls", "with",  "null",  "limit",  "offset"};

/* ---- tokens ---- */

static const struct token *peek(const struct sql *sql)
{
    return &sql->tokens[sql->at];
}

static bool is_word(const struct sql *sql, const char *word)
{
    return peek(sql)->kind == TOKEN_WORD && slice_is(peek(sql)->text, word);
}

static bool is_sign(const struct sql *sql, const char *sign)
{
    return peek(sql)->kind == TOKEN_SIGN && slice_is(peek(sql)->text, sign);
}

static void advance(struct sql *sql)
{
    if (peek(sql)->kind != TOKEN_END) {
        sql->at++;
    }
}

static bool take_word(struct sql *sql, const char *word)
{
    if (!is_word(sql, word)) {
        return false;
    }
    advance(sql);
    return true;
}

static bool take_sign(struct sql *sql, const char *sign)
{
    if (!is_sign(sql, sign)) {
        return false;
    }
    advance(sql);
    return true;
}

static void unexpected(struct sql *sql, const char *wanted)
{
    const struct token *token = peek(sql);
    if (token->kind == TOKEN_END) {
        (void)sql_fail(sql,
                       "Invalid or unsupported search: the query ends where %s was "
                       "expected",
                       wanted);
        return;
    }
    (void)sql_fail(sql,
                   "Invalid or unsupported search: unexpected '%.*s' where %s was "
                   "expected",
                   SLICE_ARG(token->text), wanted);
}

static void need_sign(struct sql *sql, const char *sign)
{
    if (!take_sign(sql, sign)) {
        unexpected(sql, sign);
    }
}

static void need_word(struct sql *sql, const char *word)
{
    if (!take_word(sql, word)) {
        unexpected(sql, word);
    }
}

static bool is_reserved(struct slice word)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (slice_is(word, reserved[i])) {
            return true;
        }
    }
    return false;
}

static bool is_name(const struct sql *sql)
{
    const struct token *token = peek(sql);
    return token->kind == TOKEN_QUOTED ||
           (token->kind == TOKEN_WORD && !is_reserved(token->text));
}

/* Oracle folds names; here all are lower case, quoted ones too. */
static struct slice take_name(struct sql *sql)
{
    if (!is_name(sql)) {
        unexpected(sql, "a name");
        return SLICE_EMPTY;
    }
    struct slice name = peek(sql)->text;
    char *lower = arena_copy(sql->arena, name);
    for (size_t i = 0; i < name.len; i++) {
        lower[i] =
            lower[i] >= 'A' && lower[i] <= 'Z' ? (char)(lower[i] | 0x20) : lower[i];
    }
    advance(sql);
    return slice_of(lower, name.len);
}

/* ---- growing lists ---- */

struct list_of {
    void *items;
    size_t count, capacity;
};

static void *list_add(struct sql *sql, struct list_of *list, size_t bytes)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        char *items = arena_array(sql->arena, capacity, bytes);
        if (list->count > 0) {
            memcpy(items, list->items, list->count * bytes);
        }
        list->items = items;
        list->capacity = capacity;
    }
    if (list->count > SQL_MAX_LIST) {
        (void)sql_fail(sql,
                       "Invalid or unsupported search: a list has more than %d members",
                       SQL_MAX_LIST);
    }
    return (char *)list->items + list->count++ * bytes;
}

static void list_add_node(struct sql *sql, struct list_of *list, struct sql_node *node)
{
    struct sql_node **slot = list_add(sql, list, sizeof *slot);
    *slot = node;
}

struct sql_node *sql_node(struct sql *sql, enum node_kind kind, size_t args)
{
    struct sql_node *node = arena_alloc(sql->arena, sizeof *node);
    node->kind = kind;
    node->name = SLICE_EMPTY;
    node->qualifier = SLICE_EMPTY;
    node->args = arena_array(sql->arena, args + 1, sizeof(struct sql_node *));
    node->arg_count = args;
    return node;
}

static struct sql_node *node_of(struct sql *sql, enum node_kind kind,
                                const struct list_of *args)
{
    struct sql_node *node = sql_node(sql, kind, args->count);
    if (args->count > 0) {
        memcpy(node->args, args->items, args->count * sizeof *node->args);
    }
    return node;
}

static struct sql_node *binary(struct sql *sql, const char *name, struct sql_node *a,
                               struct sql_node *b)
{
    struct sql_node *node = sql_node(sql, NODE_BINARY, 2);
    node->name = slice_str(name);
    node->args[0] = a;
    node->args[1] = b;
    return node;
}

static bool enter(struct sql *sql)
{
    sql->depth++;
    return sql->depth <= MAX_DEPTH ||
           sql_fail(sql, "Invalid or unsupported search: nested deeper than %d levels",
                    MAX_DEPTH);
}

/* ---- expressions ---- */

static struct sql_node *parse_case(struct sql *sql)
{
    struct list_of args = {0};
    bool has_operand = !is_word(sql, "when");
    if (has_operand) {
        list_add_node(sql, &args, parse_condition(sql));
    }
    while (take_word(sql, "when") && !sql_failed(sql)) {
        list_add_node(sql, &args, parse_condition(sql));
        need_word(sql, "then");
        list_add_node(sql, &args, parse_condition(sql));
    }
    bool has_else = take_word(sql, "else");
    if (has_else) {
        list_add_node(sql, &args, parse_condition(sql));
    }
    need_word(sql, "end");
    if (args.count < 2) {
        unexpected(sql, "WHEN");
    }
    struct sql_node *node = node_of(sql, NODE_CASE, &args);
    node->has_operand = has_operand;
    node->has_else = has_else;
    return node;
}

static struct sql_node *parse_call(struct sql *sql, struct slice name)
{
    struct list_of args = {0};
    bool distinct = take_word(sql, "distinct");
    if (take_sign(sql, "*")) {
        list_add_node(sql, &args, sql_node(sql, NODE_STAR, 0));
    } else if (!is_sign(sql, ")")) {
        do {
            list_add_node(sql, &args, parse_condition(sql));
        } while (take_sign(sql, ",") && !sql_failed(sql));
    }
    need_sign(sql, ")");
    if (is_word(sql, "over")) {
        (void)sql_fail(sql,
                       "Invalid or unsupported search: analytic functions (OVER) are "
                       "not known to this mock");
    }
    struct sql_node *node = node_of(sql, NODE_CALL, &args);
    node->name = name;
    node->distinct = distinct;
    return node;
}

static struct sql_node *parse_name(struct sql *sql)
{
    bool quoted = peek(sql)->kind == TOKEN_QUOTED;
    struct slice name = take_name(sql);
    if (!quoted && take_sign(sql, "(")) {
        return parse_call(sql, name);
    }
    if (!take_sign(sql, ".")) {
        bool today = slice_is(name, "sysdate") || slice_is(name, "current_date");
        struct sql_node *node =
            sql_node(sql, today && !quoted ? NODE_TODAY : NODE_COLUMN, 0);
        node->name = name;
        return node;
    }
    if (take_sign(sql, "*")) {
        struct sql_node *star = sql_node(sql, NODE_STAR, 0);
        star->qualifier = name;
        return star;
    }
    struct slice second = take_name(sql);
    if (slice_is(name, "builtin") && take_sign(sql, "(")) {
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
    if (is_word(sql, "select") || is_word(sql, "with")) {
        node = sql_node(sql, NODE_SELECT, 0);
        node->select = parse_query(sql);
    } else {
        node = parse_condition(sql);
    }
    need_sign(sql, ")");
    return node;
}

static struct sql_node *parse_literal(struct sql *sql, enum node_kind kind)
{
    struct sql_node *node = sql_node(sql, kind, 0);
    node->name = peek(sql)->text;
    advance(sql);
    /* To Oracle an empty text is NULL. */
    node->kind = kind == NODE_TEXT && node->name.len == 0 ? NODE_NULL : kind;
    return node;
}

static struct sql_node *parse_exists(struct sql *sql)
{
    struct sql_node *node = sql_node(sql, NODE_EXISTS, 0);
    need_sign(sql, "(");
    node->select = parse_query(sql);
    need_sign(sql, ")");
    return node;
}

static struct sql_node *parse_primary(struct sql *sql)
{
    const struct token *token = peek(sql);
    if (token->kind == TOKEN_NUMBER || token->kind == TOKEN_TEXT) {
        return parse_literal(sql, token->kind == TOKEN_TEXT ? NODE_TEXT : NODE_NUMBER);
    }
    if (take_sign(sql, "?")) {
        struct sql_node *node = sql_node(sql, NODE_PARAM, 0);
        node->number = ++sql->params;
        return node;
    }
    if (take_sign(sql, "(")) {
        return parse_parenthesis(sql);
    }
    if (take_word(sql, "null")) {
        return sql_node(sql, NODE_NULL, 0);
    }
    if (take_word(sql, "case")) {
        return parse_case(sql);
    }
    if (take_word(sql, "exists")) {
        return parse_exists(sql);
    }
    if (is_name(sql) || is_word(sql, "left") || is_word(sql, "right")) {
        return parse_name(sql);
    }
    unexpected(sql, "a value");
    return sql_node(sql, NODE_NULL, 0);
}

static struct sql_node *parse_signed(struct sql *sql)
{
    if (take_sign(sql, "-")) {
        struct sql_node *node = sql_node(sql, NODE_NEGATE, 1);
        node->args[0] = enter(sql) ? parse_signed(sql) : node;
        sql->depth--;
        return node;
    }
    (void)take_sign(sql, "+");
    return parse_primary(sql);
}

static struct sql_node *parse_product(struct sql *sql)
{
    struct sql_node *left = parse_signed(sql);
    while (!sql_failed(sql)) {
        const char *sign = is_sign(sql, "*") ? "*" : is_sign(sql, "/") ? "/" : NULL;
        if (sign == NULL) {
            break;
        }
        advance(sql);
        left = binary(sql, sign, left, parse_signed(sql));
    }
    return left;
}

static struct sql_node *parse_sum(struct sql *sql)
{
    static const char *const signs[] = {"+", "-", "||"};
    struct sql_node *left = parse_product(sql);
    for (size_t i = 0; i < 3 && !sql_failed(sql); i++) {
        if (take_sign(sql, signs[i])) {
            left = binary(sql, signs[i], left, parse_product(sql));
            i = (size_t)-1; /* look again from the first sign */
        }
    }
    return left;
}

static struct sql_node *parse_in(struct sql *sql, struct sql_node *value)
{
    struct list_of args = {0};
    list_add_node(sql, &args, value);
    need_sign(sql, "(");
    struct sql_select *select = NULL;
    if (is_word(sql, "select") || is_word(sql, "with")) {
        select = parse_query(sql);
    } else {
        do {
            list_add_node(sql, &args, parse_sum(sql));
        } while (take_sign(sql, ",") && !sql_failed(sql));
    }
    need_sign(sql, ")");
    struct sql_node *node = node_of(sql, NODE_IN, &args);
    node->select = select;
    return node;
}

static struct sql_node *parse_between(struct sql *sql, struct sql_node *value)
{
    struct sql_node *node = sql_node(sql, NODE_BETWEEN, 3);
    node->args[0] = value;
    node->args[1] = parse_sum(sql);
    need_word(sql, "and");
    node->args[2] = parse_sum(sql);
    return node;
}

static struct sql_node *parse_like(struct sql *sql, struct sql_node *value)
{
    struct list_of args = {0};
    list_add_node(sql, &args, value);
    list_add_node(sql, &args, parse_sum(sql));
    if (take_word(sql, "escape")) {
        list_add_node(sql, &args, parse_sum(sql));
    }
    return node_of(sql, NODE_LIKE, &args);
}

static struct sql_node *parse_comparison(struct sql *sql, struct sql_node *left)
{
    static const char *const signs[] = {"=", "<>", "!=", "<=", ">=", "<", ">"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (take_sign(sql, signs[i])) {
            return binary(sql, i == 2 ? "<>" : signs[i], left, parse_sum(sql));
        }
    }
    return left;
}

static struct sql_node *parse_predicate(struct sql *sql)
{
    struct sql_node *left = parse_sum(sql);
    if (take_word(sql, "is")) {
        struct sql_node *node = sql_node(sql, NODE_IS_NULL, 1);
        node->args[0] = left;
        node->negated = take_word(sql, "not");
        need_word(sql, "null");
        return node;
    }
    bool negated = take_word(sql, "not");
    struct sql_node *node = NULL;
    if (take_word(sql, "in")) {
        node = parse_in(sql, left);
    } else if (take_word(sql, "between")) {
        node = parse_between(sql, left);
    } else if (take_word(sql, "like")) {
        node = parse_like(sql, left);
    }
    if (node != NULL) {
        node->negated = negated;
        return node;
    }
    if (negated) {
        unexpected(sql, "IN, BETWEEN or LIKE");
    }
    return parse_comparison(sql, left);
}

static struct sql_node *parse_not(struct sql *sql)
{
    if (!take_word(sql, "not")) {
        return parse_predicate(sql);
    }
    struct sql_node *node = sql_node(sql, NODE_NOT, 1);
    node->args[0] = enter(sql) ? parse_not(sql) : node;
    sql->depth--;
    return node;
}

static struct sql_node *parse_and(struct sql *sql)
{
    struct sql_node *left = parse_not(sql);
    while (take_word(sql, "and") && !sql_failed(sql)) {
        left = binary(sql, "AND", left, parse_not(sql));
    }
    return left;
}

static struct sql_node *parse_condition(struct sql *sql)
{
    if (!enter(sql)) {
        return sql_node(sql, NODE_NULL, 0);
    }
    struct sql_node *left = parse_and(sql);
    while (take_word(sql, "or") && !sql_failed(sql)) {
        left = binary(sql, "OR", left, parse_and(sql));
    }
    sql->depth--;
    return left;
}

/* ---- queries ---- */

static void parse_items(struct sql *sql, struct sql_select *select)
{
    struct list_of items = {0};
    do {
        struct sql_item *item = list_add(sql, &items, sizeof *item);
        struct sql_node *value = sql_node(sql, NODE_STAR, 0);
        *item = (struct sql_item){value, SLICE_EMPTY};
        if (take_sign(sql, "*")) {
            continue;
        }
        item->value = parse_condition(sql);
        if (take_word(sql, "as") || is_name(sql)) {
            item->name = take_name(sql);
        }
    } while (take_sign(sql, ",") && !sql_failed(sql));
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
    if (take_sign(sql, ",")) {
        return ",";
    }
    if (take_word(sql, "join")) {
        return "JOIN";
    }
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        if (take_word(sql, joins[i].word)) {
            (void)take_word(sql, "outer");
            need_word(sql, "join");
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
    if (take_sign(sql, "(")) {
        source->select = parse_query(sql);
        need_sign(sql, ")");
    } else {
        source->name = take_name(sql);
    }
    if (take_word(sql, "as") || is_name(sql)) {
        source->alias = take_name(sql);
    } else if (source->select == NULL) {
        source->alias = source->name;
    }
    bool needs_on = strcmp(join, "") != 0 && strcmp(join, ",") != 0 &&
                    strcmp(join, "CROSS JOIN") != 0;
    if (needs_on) {
        need_word(sql, "on");
        source->on = parse_condition(sql);
    }
    return source;
}

static void parse_sources(struct sql *sql, struct sql_select *select)
{
    struct list_of sources = {0};
    const char *join = "";
    while (join != NULL && !sql_failed(sql)) {
        struct sql_source **slot = list_add(sql, &sources, sizeof *slot);
        *slot = parse_source(sql, join);
        join = parse_join(sql);
    }
    select->sources = sources.items;
    select->source_count = sources.count;
}

static void parse_groups(struct sql *sql, struct sql_select *select)
{
    struct list_of groups = {0};
    need_word(sql, "by");
    do {
        list_add_node(sql, &groups, parse_sum(sql));
    } while (take_sign(sql, ",") && !sql_failed(sql));
    select->groups = groups.items;
    select->group_count = groups.count;
}

static void parse_orders(struct sql *sql, struct sql_select *select)
{
    struct list_of orders = {0};
    need_word(sql, "by");
    do {
        struct sql_order *order = list_add(sql, &orders, sizeof *order);
        *order = (struct sql_order){.value = parse_sum(sql)};
        order->descending = take_word(sql, "desc");
        if (!order->descending) {
            (void)take_word(sql, "asc");
        }
        if (take_word(sql, "nulls")) {
            order->nulls = take_word(sql, "first") ? 1 : 2;
            if (order->nulls == 2) {
                need_word(sql, "last");
            }
        }
    } while (take_sign(sql, ",") && !sql_failed(sql));
    select->orders = orders.items;
    select->order_count = orders.count;
}

static void parse_fetch(struct sql *sql, struct sql_select *select)
{
    if (!take_word(sql, "first")) {
        need_word(sql, "next");
    }
    unsigned long long rows = 0;
    if (peek(sql)->kind != TOKEN_NUMBER || !slice_to_u64(peek(sql)->text, &rows)) {
        unexpected(sql, "a number of rows");
        return;
    }
    advance(sql);
    if (!take_word(sql, "rows")) {
        need_word(sql, "row");
    }
    need_word(sql, "only");
    select->fetch_first = (long long)rows;
}

static struct sql_select *parse_select(struct sql *sql)
{
    struct sql_select *select = arena_alloc(sql->arena, sizeof *select);
    select->fetch_first = -1;
    need_word(sql, "select");
    select->distinct = take_word(sql, "distinct");
    if (!select->distinct) {
        (void)take_word(sql, "all");
    }
    parse_items(sql, select);
    if (take_word(sql, "from")) {
        parse_sources(sql, select);
    }
    if (take_word(sql, "where")) {
        select->where = parse_condition(sql);
    }
    if (take_word(sql, "group")) {
        parse_groups(sql, select);
    }
    if (take_word(sql, "having")) {
        select->having = parse_condition(sql);
    }
    return select;
}

static const char *parse_set(struct sql *sql)
{
    if (take_word(sql, "union")) {
        return take_word(sql, "all") ? "UNION ALL" : "UNION";
    }
    if (take_word(sql, "intersect")) {
        return "INTERSECT";
    }
    return take_word(sql, "minus") ? "EXCEPT" : NULL;
}

static void parse_withs(struct sql *sql, struct list_of *withs)
{
    do {
        struct sql_with *with = list_add(sql, withs, sizeof *with);
        with->name = take_name(sql);
        need_word(sql, "as");
        need_sign(sql, "(");
        with->select = parse_query(sql);
        need_sign(sql, ")");
    } while (take_sign(sql, ",") && !sql_failed(sql));
}

static struct sql_select *parse_query(struct sql *sql)
{
    struct list_of withs = {0};
    if (!enter(sql)) {
        return arena_alloc(sql->arena, sizeof(struct sql_select));
    }
    if (take_word(sql, "with")) {
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
    if (take_word(sql, "order")) {
        parse_orders(sql, first);
    }
    if (take_word(sql, "fetch")) {
        parse_fetch(sql, first);
    }
    sql->depth--;
    return first;
}

struct sql_select *sql_parse(struct sql *sql)
{
    if (!is_word(sql, "select") && !is_word(sql, "with")) {
        unexpected(sql, "SELECT");
        return NULL;
    }
    struct sql_select *select = parse_query(sql);
    if (!sql_failed(sql) && peek(sql)->kind != TOKEN_END) {
        unexpected(sql, "the end of the query");
    }
    return select;
}
