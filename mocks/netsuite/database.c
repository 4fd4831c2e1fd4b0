/* SPDX-License-Identifier: Apache-2.0 */
/* The mock company in memory. */
#include "mocks/netsuite/database.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "mocks/netsuite/company.h"
#include "mocks/netsuite/functions.h"
#include "mocks/netsuite/schema.h"
#include "mocks/netsuite/writer.h"

#define MAX_SQL 4096
/* About two seconds of work: a runaway join is ended like a query that times out. */
#define STEPS_PER_CHECK 1000
#define MAX_CHECKS 200000

struct database {
    sqlite3 *db;
    struct map *statements; /* SQL -> sqlite3_stmt */
    int64_t checks;         /* of the query that runs now */
};

static const char *const indexes[] = {
    "CREATE INDEX i1 ON \"transaction\" (type)",
    "CREATE INDEX i2 ON \"transaction\" (entity)",
    "CREATE INDEX i3 ON \"transaction\" (externalid)",
    "CREATE INDEX i4 ON transactionline (\"transaction\")",
    "CREATE INDEX i5 ON transactionaccountingline (\"transaction\")",
    "CREATE INDEX i6 ON nexttransactionlinelink (previousdoc)",
    "CREATE INDEX i7 ON nexttransactionlinelink (nextdoc)",
    "CREATE INDEX i8 ON previoustransactionlinelink (nextdoc)",
    "CREATE INDEX i9 ON transactionstatus (trantype, id)",
    "CREATE INDEX i10 ON \"mock code\" (scheme, id)",
};

static void run(sqlite3 *db, const char *sql)
{
    REQUIRE(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

/* A line's id counts within its transaction, a status letter within its type. */
static bool has_own_key(const struct schema_table *table)
{
    return strcmp(table->name, "transactionline") != 0 &&
           table->columns[0].type == TYPE_INT &&
           strcmp(table->columns[0].name, "id") == 0;
}

static void create_table(sqlite3 *db, const struct schema_table *table)
{
    struct buf sql;
    buf_init(&sql, MAX_SQL);
    buf_printf(&sql, "CREATE TABLE \"%s\" (", table->name);
    for (size_t i = 0; i < table->count; i++) {
        const struct schema_column *column = &table->columns[i];
        bool key = i == 0 && has_own_key(table);
        buf_printf(&sql, "%s\"%s\" %s%s", i > 0 ? ", " : "", column->name,
                   column->type == TYPE_INT ? "INTEGER" : "TEXT",
                   key ? " PRIMARY KEY" : "");
    }
    buf_printf(&sql, ")");
    REQUIRE(!buf_full(&sql));
    run(db, sql.ptr);
    buf_free(&sql);
}

/* True (stop) when the query has worked for too long. */
static int on_progress(void *ctx)
{
    struct database *database = ctx;
    database->checks++;
    return database->checks > MAX_CHECKS;
}

static int only_reading(void *ctx, int action, const char *a, const char *b,
                        const char *c, const char *d)
{
    (void)ctx;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    bool reads =
        action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION;
    return reads ? SQLITE_OK : SQLITE_DENY;
}

struct database *database_new(int64_t today, uint64_t seed)
{
    struct database *database = calloc(1, sizeof *database);
    REQUIRE(database != NULL);
    database->statements = map_new();
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
    REQUIRE(sqlite3_open_v2(":memory:", &database->db, flags, NULL) == SQLITE_OK);
    REQUIRE(functions_register(database->db));
    run(database->db, "PRAGMA case_sensitive_like = ON"); /* as Oracle */
    size_t count = 0;
    const struct schema_table *tables = schema_tables(&count);
    for (size_t i = 0; i < count; i++) {
        create_table(database->db, &tables[i]);
    }
    struct writer *writer = writer_new(database->db);
    run(database->db, "BEGIN");
    company_write(writer, today, seed);
    run(database->db, "COMMIT");
    writer_free(writer);
    run(database->db, "INSERT INTO previoustransactionlinelink "
                      "SELECT * FROM nexttransactionlinelink");
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        run(database->db, indexes[i]);
    }
    run(database->db, "ANALYZE");
    sqlite3_progress_handler(database->db, STEPS_PER_CHECK, on_progress, database);
    return database;
}

static void finalize(void *ctx, struct slice key, void *value)
{
    (void)ctx;
    (void)key;
    sqlite3_finalize(value);
}

void database_free(struct database *database)
{
    if (database == NULL) {
        return;
    }
    map_each(database->statements, finalize, NULL);
    map_free(database->statements);
    REQUIRE(sqlite3_close(database->db) == SQLITE_OK);
    free(database);
}

sqlite3 *database_handle(struct database *database)
{
    return database->db;
}

sqlite3_stmt *database_prepare_query(struct database *database, struct slice sql,
                                     const char **why)
{
    sqlite3_stmt *stmt = NULL;
    database->checks = 0;
    sqlite3_set_authorizer(database->db, only_reading, NULL);
    int rc = sqlite3_prepare_v2(database->db, sql.ptr, (int)sql.len, &stmt, NULL);
    sqlite3_set_authorizer(database->db, NULL, NULL);
    if (rc != SQLITE_OK) {
        *why = sqlite3_errmsg(database->db);
        return NULL;
    }
    REQUIRE(sqlite3_stmt_readonly(stmt));
    return stmt;
}

sqlite3_stmt *database_statement(struct database *database, struct slice sql)
{
    sqlite3_stmt *stmt = map_get(database->statements, sql);
    if (stmt == NULL) {
        REQUIRE(sqlite3_prepare_v2(database->db, sql.ptr, (int)sql.len, &stmt, NULL) ==
                SQLITE_OK);
        (void)map_put(database->statements, sql, stmt);
    }
    database->checks = 0;
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return stmt;
}
