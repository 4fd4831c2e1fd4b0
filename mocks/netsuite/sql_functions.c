/* SPDX-License-Identifier: Apache-2.0 */
/* The functions a query may call, and the type rule that CASE, NVL and UNION share. */
#include "mocks/netsuite/sql_private.h"

/* A NULL native name: sql_emit.c writes the call by hand. */
static const struct sql_function functions[] = {
    {"abs", 1, 1, RESULT_FIRST, NULL},
    {"add_months", 2, 2, RESULT_DATE, "ns_add_months"},
    {"avg", 1, 1, RESULT_DECIMAL, NULL},
    {"builtin.cf", 1, 1, RESULT_TEXT, NULL},
    {"builtin.df", 1, 1, RESULT_TEXT, NULL},
    {"ceil", 1, 1, RESULT_DECIMAL, "ns_ceil"},
    {"coalesce", 2, 50, RESULT_UNIFIED, NULL},
    {"concat", 2, 2, RESULT_TEXT, NULL},
    {"count", 1, 1, RESULT_INT, NULL},
    {"decode", 3, 255, RESULT_TEXT, NULL},
    {"floor", 1, 1, RESULT_DECIMAL, "ns_floor"},
    {"greatest", 2, 2, RESULT_UNIFIED, NULL},
    {"instr", 2, 2, RESULT_INT, "instr"},
    {"last_day", 1, 1, RESULT_DATE, "ns_last_day"},
    {"least", 2, 2, RESULT_UNIFIED, NULL},
    {"length", 1, 1, RESULT_INT, "length"},
    {"lower", 1, 1, RESULT_TEXT, "ns_lower"},
    {"ltrim", 1, 2, RESULT_TEXT, "ltrim"},
    {"max", 1, 1, RESULT_FIRST, NULL},
    {"min", 1, 1, RESULT_FIRST, NULL},
    {"mod", 2, 2, RESULT_DECIMAL, "ns_mod"},
    {"nullif", 2, 2, RESULT_FIRST, NULL},
    {"nvl", 2, 2, RESULT_UNIFIED, NULL},
    {"nvl2", 3, 3, RESULT_UNIFIED, NULL},
    {"replace", 2, 3, RESULT_TEXT, NULL},
    {"round", 1, 2, RESULT_DECIMAL, "ns_round"},
    {"rtrim", 1, 2, RESULT_TEXT, "rtrim"},
    {"sign", 1, 1, RESULT_INT, "ns_sign"},
    {"substr", 2, 3, RESULT_TEXT, "substr"},
    {"sum", 1, 1, RESULT_FIRST, NULL},
    {"to_char", 1, 2, RESULT_TEXT, NULL},
    {"to_date", 1, 2, RESULT_DATE, "ns_to_date"},
    {"to_number", 1, 1, RESULT_DECIMAL, "ns_decimal"},
    {"trim", 1, 1, RESULT_TEXT, "trim"},
    {"trunc", 1, 2, RESULT_DATE, NULL},
    {"upper", 1, 1, RESULT_TEXT, "ns_upper"},
};

const struct sql_function *sql_function_find(struct slice name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (slice_is(name, functions[i].name)) {
            return &functions[i];
        }
    }
    return NULL;
}

bool sql_is_aggregate(const struct sql_node *node)
{
    static const char *const names[] = {"avg", "count", "max", "min", "sum"};
    for (size_t i = 0; i < 5 && node->kind == NODE_CALL; i++) {
        if (slice_is(node->name, names[i])) {
            return true;
        }
    }
    return false;
}

static bool is_number(enum schema_type type)
{
    return type == TYPE_INT || type == TYPE_DECIMAL;
}

bool sql_is_date(enum schema_type type)
{
    return type == TYPE_DATE || type == TYPE_TIME;
}

enum schema_type sql_unify(enum schema_type a, enum schema_type b)
{
    if (a == b || b == TYPE_NULL) {
        return a;
    }
    if (a == TYPE_NULL) {
        return b;
    }
    if (a == TYPE_PARAM || b == TYPE_PARAM) {
        enum schema_type other = a == TYPE_PARAM ? b : a;
        return other == TYPE_INT ? TYPE_DECIMAL : other;
    }
    if (is_number(a) && is_number(b)) {
        return TYPE_DECIMAL;
    }
    return sql_is_date(a) && sql_is_date(b) ? TYPE_TIME : TYPE_TEXT;
}
