/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the stages of the SuiteQL translator share: bytes -> tokens
 * (sql_token.c) -> tree (sql_parse.c) -> names and types resolved (sql_bind.c) ->
 * SQLite text (sql_emit.c). Owns: nothing; trees live in one arena. Threads: any.
 * Errors: the first one sets sql.why and every later step returns at once.
 * Start reading at: struct sql_node.
 */
#ifndef SLUICE_MOCKS_NETSUITE_SQL_PRIVATE_H
#define SLUICE_MOCKS_NETSUITE_SQL_PRIVATE_H

#include "base/buf.h"
#include "mocks/netsuite/sql.h"

#define SQL_MAX_LIST \
    1000 /* Oracle's limit of an IN list; also of every other list here */

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_QUOTED,
    TOKEN_TEXT,
    TOKEN_NUMBER,
    TOKEN_SIGN
};

struct token {
    enum token_kind kind;
    struct slice text; /* words in lower case; text without quotes, '' undone */
};

enum node_kind {
    NODE_NULL,
    NODE_TEXT,
    NODE_NUMBER,
    NODE_PARAM,  /* number: which ?, from 1 */
    NODE_COLUMN, /* qualifier (may be empty), name */
    NODE_STAR,   /* qualifier (may be empty); in a SELECT list or COUNT(*) */
    NODE_TODAY,
    NODE_NEGATE,
    NODE_NOT,
    NODE_BINARY, /* name: operator; args 0 and 1 */
    NODE_CALL,   /* name: function; distinct */
    NODE_CASE,   /* args: [operand] when then … [else]; has_operand, has_else */
    NODE_IN,     /* args: value, members … ; or value and select */
    NODE_BETWEEN,
    NODE_LIKE, /* args: value, pattern[, escape] */
    NODE_IS_NULL,
    NODE_EXISTS,
    NODE_SELECT
};

struct sql_source;
struct sql_select;

struct sql_node {
    enum node_kind kind;
    struct slice name;
    struct slice qualifier;
    int number;
    struct sql_node **args;
    size_t arg_count;
    struct sql_select *select;
    bool negated, distinct, has_operand, has_else;
    /* set by binding */
    enum schema_type type;
    const struct sql_source *source; /* NODE_COLUMN */
    const char *display;             /* NODE_COLUMN; also what a derived column shows */
};

struct sql_item {
    struct sql_node *value;
    struct slice name; /* alias, or empty until bound */
};

struct sql_order {
    struct sql_node *value;
    bool descending;
    int nulls; /* 0: Oracle's default, 1: first, 2: last */
};

struct sql_column {
    struct slice name;
    enum schema_type type;
    const char *display;
};

struct sql_source {
    const char *join; /* "", ",", "JOIN", "LEFT JOIN", … */
    struct slice name;
    struct slice alias;
    struct sql_select *select; /* derived table */
    struct sql_node *on;
    /* set by binding */
    const struct schema_table *table; /* NULL for derived tables and WITH names */
    struct sql_column *columns;
    size_t column_count;
};

struct sql_with {
    struct slice name;
    struct sql_select *select;
};

struct sql_select {
    struct sql_with *withs;
    size_t with_count;
    bool distinct;
    struct sql_item *items;
    size_t item_count;
    struct sql_source **sources;
    size_t source_count;
    struct sql_node *where;
    struct sql_node **groups;
    size_t group_count;
    struct sql_node *having;
    const char *set; /* "UNION", "UNION ALL", …; NULL: last */
    struct sql_select *next;
    struct sql_order *orders; /* of the whole chain, in its first select */
    size_t order_count;
    long long fetch_first; /* -1: none */
    /* set by binding */
    struct sql_select *outer;
    bool aggregates;
};

struct sql {
    struct arena *arena;
    struct slice today;
    struct slice why; /* empty: no error so far */
    struct token *tokens;
    size_t at;
    int depth;
    int operators;
    int params;
};

bool sql_failed(const struct sql *sql);
/* Sets the first error; returns false for `return sql_fail(…)`. */
bool sql_fail(struct sql *sql, const char *format, ...) PRINTF_LIKE(2, 3);

struct token *sql_tokens(struct sql *sql, struct slice text);
struct sql_select *sql_parse(struct sql *sql);
void sql_bind(struct sql *sql, struct sql_select *select);
void sql_emit_rows(struct sql *sql, const struct sql_select *select, struct buf *out);
void sql_emit_count(struct sql *sql, const struct sql_select *select, struct buf *out);

/* ---- parsing: sql_cursor.c, sql_value.c, sql_parse.c ---- */

struct sql_list {
    void *items;
    size_t count, capacity;
};

const struct token *sql_peek(const struct sql *sql);
void sql_advance(struct sql *sql);
bool sql_is_word(const struct sql *sql, const char *word);
bool sql_is_sign(const struct sql *sql, const char *sign);
bool sql_is_name(const struct sql *sql);
bool sql_take_word(struct sql *sql, const char *word);
bool sql_take_sign(struct sql *sql, const char *sign);
struct slice sql_take_name(struct sql *sql);
void sql_need_word(struct sql *sql, const char *word);
void sql_need_sign(struct sql *sql, const char *sign);
void sql_unexpected(struct sql *sql, const char *wanted);

/* Lends room for one more member of `bytes`, until the next one is added. */
void *sql_list_add(struct sql *sql, struct sql_list *list, size_t bytes);
void sql_list_add_node(struct sql *sql, struct sql_list *list, struct sql_node *node);
struct sql_node *sql_node(struct sql *sql, enum node_kind kind, size_t args);
struct sql_node *sql_node_of(struct sql *sql, enum node_kind kind,
                             const struct sql_list *args);
struct sql_node *sql_binary(struct sql *sql, const char *name, struct sql_node *a,
                            struct sql_node *b);
/* One level deeper; false, with the error set, when that is too deep. */
bool sql_enter(struct sql *sql);

struct sql_node *sql_parse_condition(struct sql *sql);
struct sql_node *sql_parse_sum(struct sql *sql);
struct sql_select *sql_parse_query(struct sql *sql);

/* ---- binding: sql_bind.c, sql_types.c ---- */

void sql_need_value(struct sql *sql, const struct sql_node *node);
void sql_need_condition(struct sql *sql, const struct sql_node *node);
/* Of a node whose arguments are bound. */
void sql_type_node(struct sql *sql, struct sql_node *node);
enum schema_type sql_number_type(struct slice text);

/* ---- writing: sql_emit.c, sql_emit_call.c ---- */

struct sql_emitter {
    struct sql *sql;
    struct buf *out;
};

void sql_put(struct sql_emitter *e, const char *text);
void sql_put_name(struct sql_emitter *e, struct slice name);
void sql_emit(struct sql_emitter *e, const struct sql_node *node);
/* Writes `node` so that its value has `type`. */
void sql_emit_as(struct sql_emitter *e, const struct sql_node *node,
                 enum schema_type type);
void sql_emit_comparison(struct sql_emitter *e, const char *sign,
                         const struct sql_node *a, const struct sql_node *b);
void sql_emit_concat(struct sql_emitter *e, const struct sql_node *a,
                     const struct sql_node *b);
void sql_emit_call(struct sql_emitter *e, const struct sql_node *node);

/* ---- functions and types: sql_functions.c ---- */

bool sql_is_date(enum schema_type type);
bool sql_is_aggregate(const struct sql_node *node);

/* How a function is typed and written: sql_functions.c. */
struct sql_function {
    const char *name;
    int least, most; /* arguments */
    enum sql_result {
        RESULT_TEXT,
        RESULT_INT,
        RESULT_DECIMAL,
        RESULT_DATE,
        RESULT_FIRST,  /* as the first argument */
        RESULT_UNIFIED /* what all arguments have in common */
    } result;
    const char *native; /* its name in SQLite; NULL: sql_emit.c writes it by hand */
};
const struct sql_function *sql_function_find(struct slice name);

/* The type two branches of a CASE, NVL or UNION have in common. */
enum schema_type sql_unify(enum schema_type a, enum schema_type b);

#endif
