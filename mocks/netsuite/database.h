/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the mock company in memory, and the guarded way for SuiteQL to read it.
 * Owns: the SQLite connection.
 * Threads: the loop's.
 * Errors: a query that SQLite refuses returns NULL with its sentence.
 * Start reading at: database_new.
 */
#ifndef SLUICE_MOCKS_NETSUITE_DATABASE_H
#define SLUICE_MOCKS_NETSUITE_DATABASE_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/slice.h"

struct database;

/* The company of that seed on that day (since 1970-01-01). */
struct database *database_new(int64_t today, uint64_t seed);
void database_free(struct database *database);

/* For statements the program wrote itself. */
sqlite3 *database_handle(struct database *database);

/* For statements made from a query: anything but reading is refused. Lends a statement;
 * the caller finalizes it. NULL: `*why` lends SQLite's sentence until the next call. */
sqlite3_stmt *database_prepare_query(struct database *database, struct slice sql,
                                     const char **why);

/* One statement of the program's own, prepared once and kept; reset before it is lent.
 */
sqlite3_stmt *database_statement(struct database *database, struct slice sql);

#endif
