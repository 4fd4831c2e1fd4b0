/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: turns one SuiteQL query into SQLite statements that compute the same thing.
 * Owns: nothing; plans live in the caller's arena.
 * Threads: any.
 * Errors: false and the sentence NetSuite's error detail would end with.
 * Start reading at: sql_translate; sql_private.h tells the stages.
 */
#ifndef SLUICE_MOCKS_NETSUITE_SQL_H
#define SLUICE_MOCKS_NETSUITE_SQL_H

#include <stdbool.h>

#include "base/arena.h"
#include "mocks/netsuite/schema.h"

struct sql_output {
    struct slice name; /* lower case, as the answer prints it */
    enum schema_type type;
};

struct sql_plan {
    struct slice rows;  /* the query; ends with LIMIT ?n OFFSET ?n+1, n = params + 1 */
    struct slice count; /* its number of rows, before fetch_first */
    struct sql_output *outputs;
    size_t output_count;
    int params;            /* number of ? marks */
    long long fetch_first; /* FETCH FIRST or ROWNUM; -1: none */
};

/* `today` is YYYY-MM-DD. Borrows `text` (the plan keeps nothing of it). */
bool sql_translate(struct arena *arena, struct slice text, struct slice today,
                   struct sql_plan *plan, struct slice *why);

#endif
