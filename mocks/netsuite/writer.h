/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: rows into the mock's tables by column name.
 * Owns: one prepared INSERT per table.
 * Threads: the database's.
 * Errors: a column that does not exist, or a refused row, aborts: the program itself
 * writes here. Start reading at: row_begin. Columns that are not set are NULL.
 */
#ifndef SLUICE_MOCKS_NETSUITE_WRITER_H
#define SLUICE_MOCKS_NETSUITE_WRITER_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct writer;

struct row {
    sqlite3_stmt *stmt;
    const struct schema_table *table;
};

/* Keeps `db`. */
struct writer *writer_new(sqlite3 *db);
void writer_free(struct writer *writer);

struct row row_begin(struct writer *writer, const char *table);
void row_int(struct row *row, const char *column, int64_t number);
void row_text(struct row *row, const char *column,
              const char *text); /* NULL: stays NULL */
void row_bool(struct row *row, const char *column, bool value);
void row_date(struct row *row, const char *column, int64_t day);
void row_time(struct row *row, const char *column, int64_t day, int second);
/* minor / 10^decimals, written with exactly that many digits. */
void row_decimal(struct row *row, const char *column, int64_t minor, int decimals);
void row_end(struct row *row);

#endif
