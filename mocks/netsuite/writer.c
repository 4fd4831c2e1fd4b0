/* SPDX-License-Identifier: Apache-2.0 */
/* Rows into the mock's tables by column name. */
#include "mocks/netsuite/writer.h"

#include <stdlib.h>

#include "base/buf.h"
#include "mocks/netsuite/dates.h"
#include "mocks/netsuite/decimal.h"
#include "mocks/netsuite/schema.h"

#define MAX_SQL 4096

struct writer {
    sqlite3 *db;
    sqlite3_stmt **inserts; /* one per schema table, made when first used */
};

struct writer *writer_new(sqlite3 *db)
{
    size_t count = 0;
    (void)schema_tables(&count);
    struct writer *writer = calloc(1, sizeof *writer);
    REQUIRE(writer != NULL);
    writer->db = db;
    writer->inserts = calloc(count, sizeof(sqlite3_stmt *));
    REQUIRE(writer->inserts != NULL);
    return writer;
}

void writer_free(struct writer *writer)
{
    if (writer == NULL) {
        return;
    }
    size_t count = 0;
    (void)schema_tables(&count);
    for (size_t i = 0; i < count; i++) {
        sqlite3_finalize(writer->inserts[i]);
    }
    free(writer->inserts);
    free(writer);
}

static sqlite3_stmt *prepare_insert(sqlite3 *db, const struct schema_table *table)
{
    struct buf sql;
    buf_init(&sql, MAX_SQL);
    buf_printf(&sql, "INSERT INTO \"%s\" VALUES (", table->name);
    for (size_t i = 0; i < table->count; i++) {
        buf_printf(&sql, i > 0 ? ",?" : "?");
    }
    buf_append_byte(&sql, ')');
    sqlite3_stmt *stmt = NULL;
    REQUIRE(sqlite3_prepare_v2(db, sql.ptr, (int)sql.len, &stmt, NULL) == SQLITE_OK);
    buf_free(&sql);
    return stmt;
}

struct row row_begin(struct writer *writer, const char *table)
{
    size_t count = 0;
    const struct schema_table *tables = schema_tables(&count);
    const struct schema_table *found = schema_find(slice_str(table));
    REQUIRE(found != NULL);
    sqlite3_stmt **stmt = &writer->inserts[found - tables];
    if (*stmt == NULL) {
        *stmt = prepare_insert(writer->db, found);
    }
    REQUIRE(sqlite3_clear_bindings(*stmt) == SQLITE_OK);
    return (struct row){*stmt, found};
}

static int place(const struct row *row, const char *column)
{
    const struct schema_column *found = schema_column(row->table, slice_str(column));
    REQUIRE(found != NULL);
    return (int)(found - row->table->columns) + 1;
}

void row_int(struct row *row, const char *column, int64_t number)
{
    REQUIRE(sqlite3_bind_int64(row->stmt, place(row, column), number) == SQLITE_OK);
}

void row_text(struct row *row, const char *column, const char *text)
{
    REQUIRE(sqlite3_bind_text(row->stmt, place(row, column), text, -1,
                              SQLITE_TRANSIENT) == SQLITE_OK);
}

void row_bool(struct row *row, const char *column, bool value)
{
    row_text(row, column, value ? "T" : "F");
}

void row_time(struct row *row, const char *column, int64_t day, int second)
{
    char text[DATES_TEXT_BYTES];
    (void)dates_format((struct moment){day, second}, text);
    row_text(row, column, text);
}

void row_date(struct row *row, const char *column, int64_t day)
{
    row_time(row, column, day, 0);
}

void row_decimal(struct row *row, const char *column, int64_t minor, int decimals)
{
    char text[DECIMAL_TEXT_BYTES];
    (void)decimal_format((struct decimal){minor, decimals}, text);
    row_text(row, column, text);
}

void row_end(struct row *row)
{
    REQUIRE(sqlite3_step(row->stmt) == SQLITE_DONE);
    REQUIRE(sqlite3_reset(row->stmt) == SQLITE_OK);
}
