/* SPDX-License-Identifier: Apache-2.0 */
/* What the parser does with single tokens, nodes and growing lists. */
#include "mocks/netsuite/sql_private.h"

#define MAX_DEPTH 60
#define MAX_OPERATORS 3000 /* chains are as deep as they are long */

static const char *const reserved[] = {
    "select", "from",  "where", "group", "order", "having", "union", "intersect",
    "minus",  "fetch", "join",  "inner", "left",  "right",  "full",  "cross",
    "on",     "and",   "or",    "not",   "in",    "is",     "like",  "between",
    "exists", "case",  "when",  "then",  "else",  "end",    "as",    "by",
    "asc",    "desc",  "nulls", "with",  "null",  "limit",  "offset"};

/* ---- tokens ---- */

const struct token *sql_peek(const struct sql *sql)
{
    return &sql->tokens[sql->at];
}

bool sql_is_word(const struct sql *sql, const char *word)
{
    return sql_peek(sql)->kind == TOKEN_WORD && slice_is(sql_peek(sql)->text, word);
}

bool sql_is_sign(const struct sql *sql, const char *sign)
{
    return sql_peek(sql)->kind == TOKEN_SIGN && slice_is(sql_peek(sql)->text, sign);
}

void sql_advance(struct sql *sql)
{
    if (sql_peek(sql)->kind != TOKEN_END) {
        sql->at++;
    }
}

bool sql_take_word(struct sql *sql, const char *word)
{
    if (!sql_is_word(sql, word)) {
        return false;
    }
    sql_advance(sql);
    return true;
}

bool sql_take_sign(struct sql *sql, const char *sign)
{
    if (!sql_is_sign(sql, sign)) {
        return false;
    }
    sql_advance(sql);
    return true;
}

void sql_unexpected(struct sql *sql, const char *wanted)
{
    const struct token *token = sql_peek(sql);
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

void sql_need_sign(struct sql *sql, const char *sign)
{
    if (!sql_take_sign(sql, sign)) {
        sql_unexpected(sql, sign);
    }
}

void sql_need_word(struct sql *sql, const char *word)
{
    if (!sql_take_word(sql, word)) {
        sql_unexpected(sql, word);
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

bool sql_is_name(const struct sql *sql)
{
    const struct token *token = sql_peek(sql);
    return token->kind == TOKEN_QUOTED ||
           (token->kind == TOKEN_WORD && !is_reserved(token->text));
}

/* Oracle folds names; here all are lower case, quoted ones too. */
struct slice sql_take_name(struct sql *sql)
{
    if (!sql_is_name(sql)) {
        sql_unexpected(sql, "a name");
        return SLICE_EMPTY;
    }
    struct slice name = sql_peek(sql)->text;
    char *lower = arena_copy(sql->arena, name);
    for (size_t i = 0; i < name.len; i++) {
        lower[i] =
            lower[i] >= 'A' && lower[i] <= 'Z' ? (char)(lower[i] | 0x20) : lower[i];
    }
    sql_advance(sql);
    return slice_of(lower, name.len);
}

/* ---- growing lists ---- */

void *sql_list_add(struct sql *sql, struct sql_list *list, size_t bytes)
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

void sql_list_add_node(struct sql *sql, struct sql_list *list, struct sql_node *node)
{
    struct sql_node **slot = sql_list_add(sql, list, sizeof(void *));
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

struct sql_node *sql_node_of(struct sql *sql, enum node_kind kind,
                             const struct sql_list *args)
{
    struct sql_node *node = sql_node(sql, kind, args->count);
    if (args->count > 0) {
        memcpy(node->args, args->items, args->count * sizeof(void *));
    }
    return node;
}

struct sql_node *sql_binary(struct sql *sql, const char *name, struct sql_node *a,
                            struct sql_node *b)
{
    sql->operators++;
    if (sql->operators > MAX_OPERATORS) {
        (void)sql_fail(sql, "Invalid or unsupported search: more than %d operators",
                       MAX_OPERATORS);
    }
    struct sql_node *node = sql_node(sql, NODE_BINARY, 2);
    node->name = slice_str(name);
    node->args[0] = a;
    node->args[1] = b;
    return node;
}

bool sql_enter(struct sql *sql)
{
    sql->depth++;
    return sql->depth <= MAX_DEPTH ||
           sql_fail(sql, "Invalid or unsupported search: nested deeper than %d levels",
                    MAX_DEPTH);
}
