/* SPDX-License-Identifier: Apache-2.0 */
/* One SQLite connection: its settings, its statements, what its result codes mean. */
#include "store/store_private.h"

#define CHECKPOINT_BUSY_MS 100

/* The path is the operator's; the setting of each connection, not of the file. */
static const char settings[] = "PRAGMA synchronous = FULL;"
                               "PRAGMA foreign_keys = ON;"
                               "PRAGMA secure_delete = ON;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA journal_size_limit = 4194304;";

static void log_failure(const struct db *db, int code)
{
    int system = db->handle != NULL ? sqlite3_system_errno(db->handle) : 0;

    if (db->log != NULL) {
        log_event(db->log, LOG_ERROR, "store_failed", LOG_INT(code, code),
                  LOG_INT(errno_code, system));
    }
}

enum err db_err(const struct db *db, int code)
{
    switch (code) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return ERR_OK;
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
        return ERR_CONFLICT;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return ERR_NOT_FOUND; /* the account or server it belongs to */
    default:
        log_failure(db, code);
        return ERR_IO;
    }
}

enum err db_exec(struct db *db, const char *sql)
{
    return db_err(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

enum err db_exec_int(struct db *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        *out = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    }
    sqlite3_finalize(statement);
    return db_err(db, code);
}

enum err db_open(struct db *db, const struct log *log, const char *path, int busy_ms)
{
    *db = (struct db){.log = log};
    /* One thread at a time uses a connection, so SQLite needs no mutex of its own. */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(path, &db->handle, flags, NULL);
    if (code != SQLITE_OK) {
        return db_err(db, code);
    }
    REQUIRE(sqlite3_busy_timeout(db->handle, busy_ms) == SQLITE_OK);
    REQUIRE(sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) ==
            SQLITE_OK);
    return db_exec(db, settings);
}

void db_close(struct db *db)
{
    for (size_t i = 0; i < DB_STATEMENTS; i++) {
        sqlite3_finalize(db->statements[i]);
    }
    REQUIRE(sqlite3_close(db->handle) == SQLITE_OK);
    *db = (struct db){.log = db->log};
}

enum err db_prepare(struct db *db, size_t first, const char *const *sql, size_t count)
{
    REQUIRE(first + count <= DB_STATEMENTS);
    for (size_t i = 0; i < count; i++) {
        sqlite3_stmt **statement = &db->statements[first + i];
        REQUIRE(*statement == NULL); /* nobody else's place */
        int code = sqlite3_prepare_v3(db->handle, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      statement, NULL);
        if (code != SQLITE_OK) {
            return db_err(db, code);
        }
    }
    return ERR_OK;
}

/* SQLite fails to bind for lack of memory only: our indexes and sizes are right. */
void db_bind_text(sqlite3_stmt *statement, int index, struct slice text)
{
    REQUIRE(sqlite3_bind_text64(statement, index, text.ptr, text.len, SQLITE_STATIC,
                                SQLITE_UTF8) == SQLITE_OK);
}

void db_bind_blob(sqlite3_stmt *statement, int index, struct slice bytes)
{
    REQUIRE(sqlite3_bind_blob64(statement, index, bytes.ptr, bytes.len,
                                SQLITE_STATIC) == SQLITE_OK);
}

void db_bind_int(sqlite3_stmt *statement, int index, int64_t value)
{
    REQUIRE(sqlite3_bind_int64(statement, index, value) == SQLITE_OK);
}

struct slice db_text(sqlite3_stmt *statement, int column, struct arena *arena)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    int bytes = sqlite3_column_bytes(statement, column);

    return arena_slice(arena, slice_of(text, (size_t)bytes));
}

struct slice db_blob(sqlite3_stmt *statement, int column, struct arena *arena)
{
    const char *bytes = sqlite3_column_blob(statement, column);
    int length = sqlite3_column_bytes(statement, column);

    return arena_slice(arena, slice_of(bytes, (size_t)length));
}

void db_reset(sqlite3_stmt *statement)
{
    sqlite3_reset(statement); /* repeats the step's code, which was looked at */
    sqlite3_clear_bindings(statement);
}

enum err db_run(struct db *db, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    db_reset(statement);
    return db_err(db, code);
}

void db_forget_log(struct db *db, int busy_ms)
{
    sqlite3_busy_timeout(db->handle, CHECKPOINT_BUSY_MS);
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE,
                                         NULL, NULL);
    sqlite3_busy_timeout(db->handle, busy_ms);
    if (code != SQLITE_OK && code != SQLITE_BUSY) {
        enum err err = db_err(db, code);
        (void)err; /* logged; what was written is durable all the same */
    }
}

enum err db_in_place(struct db *db)
{
    int moved = 0;
    int code = sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved);

    if (code == SQLITE_OK && moved != 0) {
        if (db->log != NULL) {
            log_event(db->log, LOG_ERROR, "store_moved",
                      LOG_WORD(cause, "path_leads_elsewhere"));
        }
        return ERR_IO;
    }
    return db_err(db, code);
}
