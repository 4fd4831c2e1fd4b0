/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop's connection: one snapshot for all reads of a turn, and how rows come out of it.
 * What is read is in read.c, read_accounts.c, outbox_read.c and trials.c.
 */
#include "store/store_private.h"

enum reader_statement { R_BEGIN = DB_FIRST_OF_READER, R_COMMIT, R_CONTENT, R_STAMP };

#define AT(name) [(name)-DB_FIRST_OF_READER]

static const char *const sql[] = {
    AT(R_BEGIN) = "BEGIN",
    AT(R_COMMIT) = "COMMIT",
    AT(R_CONTENT) = "PRAGMA data_version",
    AT(R_STAMP) = "SELECT stamp FROM url_reach",
};

enum err reader_prepare(struct db *db)
{
    enum err err = db_prepare(db, DB_FIRST_OF_READER, sql, sizeof sql / sizeof sql[0]);
    err = err == ERR_OK ? read_prepare(db) : err;
    err = err == ERR_OK ? accounts_read_prepare(db) : err;
    err = err == ERR_OK ? outbox_read_prepare(db) : err;
    return err == ERR_OK ? trials_read_prepare(db) : err;
}

/* ---- The snapshot ---- */

static void on_turn_over(void *ctx)
{
    struct store *store = ctx;
    sqlite3_stmt *commit = store->reader.statements[R_COMMIT];

    store->has_snapshot = false;
    /* A failed read may have ended it already; nothing was written that could fail. */
    if (sqlite3_get_autocommit(store->reader.handle) == 0) {
        sqlite3_step(commit);
        db_reset(commit);
    }
}

void read_forget_snapshot(struct store *store)
{
    if (store->has_snapshot) {
        loop_soon_cancel(store->loop, on_turn_over, store);
        on_turn_over(store);
    }
}

static bool ask(struct db *db, enum reader_statement which, int64_t *out)
{
    sqlite3_stmt *statement = db->statements[which];
    bool is_row = sqlite3_step(statement) == SQLITE_ROW;

    *out = is_row ? sqlite3_column_int64(statement, 0) : 0;
    db_reset(statement);
    return is_row;
}

/* SQLite's data version is another one after every write of another connection, the writer's
 * own one included; this one writes nothing. Most writes leave alone where URL tokens lead:
 * that has a stamp of its own. What cannot be asked counts as changed. */
static void look_for_changes(struct store *store)
{
    int64_t version = 0;
    int64_t content = ask(&store->reader, R_CONTENT, &version) ? 1 + version : 0;

    if (content != 0 && content == store->content) {
        return;
    }
    store->content = content;
    if (content == 0 || !ask(&store->reader, R_STAMP, &store->stamp)) {
        store->content = 0; /* asked again for the next snapshot */
        store->stamp = 0;
    }
    store->generation += store->is_watched ? 1 : 0;
}

/*
 * A read on its own locks and unlocks the index of the log file, which costs as much as
 * the search itself. The first read of a turn of the loop opens a snapshot for those
 * that follow. None of them can miss a write that was answered: the answer to a write
 * comes in a turn of its own, after the snapshots that were open when it was stored.
 */
static void open_snapshot(struct store *store)
{
    if (db_run(&store->reader, store->reader.statements[R_BEGIN]) != ERR_OK) {
        return;
    }
    store->has_snapshot = true;
    loop_soon(store->loop, on_turn_over, store);
    look_for_changes(store);
}

sqlite3_stmt *read_statement(struct store *store, int which)
{
    if (!store->has_snapshot) {
        open_snapshot(store);
    }
    return store->reader.statements[which];
}

void store_watch(struct store *store)
{
    read_forget_snapshot(store);
    store->is_watched = true;
    store->content = 0; /* nothing was seen yet */
}

uint64_t store_generation(struct store *store)
{
    if (store->is_watched && !store->has_snapshot) {
        open_snapshot(store);
    }
    return store->generation;
}

/* ---- One row, many rows ---- */

enum err read_one(struct db *db, sqlite3_stmt *statement, struct arena *arena,
                  row_fn copy, void *out)
{
    int code = sqlite3_step(statement);
    bool is_found =
        code == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL;

    if (is_found) {
        copy(statement, arena, out);
    }
    db_reset(statement);
    enum err err = db_err(db, code);
    return err == ERR_OK && !is_found ? ERR_NOT_FOUND : err;
}

static void rows_push(struct rows *rows, sqlite3_stmt *statement, struct arena *arena)
{
    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity == 0 ? 16 : rows->capacity * 2;
        char *items = arena_array(arena, rows->capacity, rows->item_bytes);
        if (rows->count > 0) {
            memcpy(items, rows->items, rows->count * rows->item_bytes);
        }
        rows->items = items;
    }
    rows->copy(statement, arena, rows->items + rows->count * rows->item_bytes);
    rows->count++;
}

enum err read_many(struct db *db, sqlite3_stmt *statement, struct arena *arena,
                   struct rows *rows)
{
    int code = sqlite3_step(statement);

    while (code == SQLITE_ROW) {
        rows_push(rows, statement, arena);
        code = sqlite3_step(statement);
    }
    db_reset(statement);
    return db_err(db, code);
}

void read_bind_page(sqlite3_stmt *statement, struct slice after, size_t limit)
{
    db_bind_text(statement, 1, after);
    db_bind_int(statement, 2, limit > INT32_MAX ? INT32_MAX : (int64_t)limit);
}

sqlite3_stmt *read_tenant_page(struct store *store, int all, int of_tenant,
                               struct slice tenant, struct slice after, size_t limit)
{
    sqlite3_stmt *statement = read_statement(store, tenant.len == 0 ? all : of_tenant);

    read_bind_page(statement, after, limit);
    if (tenant.len > 0) {
        db_bind_text(statement, 3, tenant);
    }
    return statement;
}
