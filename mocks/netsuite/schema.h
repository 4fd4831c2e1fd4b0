/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the tables a SuiteQL query may name, with the type of every column and where
 * its display value stands. Owns: nothing: constant tables. Threads: any.  Errors:
 * none. Start reading at: struct schema_table. The database is created from the same
 * tables, so that a column that resolves also exists.
 */
#ifndef SLUICE_MOCKS_NETSUITE_SCHEMA_H
#define SLUICE_MOCKS_NETSUITE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum schema_type {
    TYPE_NULL,  /* the word NULL: fits every type */
    TYPE_PARAM, /* a ?: text or whole number, known when it is bound */
    TYPE_TEXT,
    TYPE_BOOL, /* text "T" or "F" */
    TYPE_INT,
    TYPE_DECIMAL, /* exact decimal text */
    TYPE_DATE,
    TYPE_TIME,
    TYPE_CONDITION /* a truth value: no column has it, no SELECT may return it */
};

struct schema_column {
    const char *name;
    enum schema_type type;
    /* what BUILTIN.DF shows, by emit_display in sql_emit_call.c; NULL: itself */
    const char *display;
};

struct schema_table {
    const char *name;
    const struct schema_column *columns;
    size_t count;
};

const struct schema_table *schema_tables(size_t *count);

/* Name in lower case. NULL: no such table, or column. */
const struct schema_table *schema_find(struct slice name);
const struct schema_column *schema_column(const struct schema_table *table,
                                          struct slice name);

/* Which column of which table BUILTIN.DF shows for a reference, e.g. "entity" ->
 * entityid. */
struct schema_display {
    const char *name;
    const char *table;
    const char *key;
    const char *column;
};
const struct schema_display *schema_display(const char *name);

#endif
