/* SPDX-License-Identifier: Apache-2.0 */
/* The reads of accounts, by id and in the order in which they were added. */
#include "store/store_private.h"

#include <stdio.h>

enum account_read {
    R_ACCOUNT = DB_FIRST_OF_ACCOUNTS,
    R_ACCOUNTS,
    R_ACCOUNTS_OF_TENANT,
    R_ACCOUNTS_FROM_ROW,
    R_ACCOUNTS_TO_ROW
};

#define ACCOUNT                                                                      \
    "SELECT id, tenant, integration, name, environment, lane, state, cause, scheme," \
    " connection, auth, governor, overrides, reauth_url, proven, version, "          \
    "created_ms, updated_ms, named"                                                  \
    " FROM account"

#define AT(name) [(name)-DB_FIRST_OF_ACCOUNTS]

static const char *const sql[] = {
    AT(R_ACCOUNT) = ACCOUNT " WHERE id = ?1",
    AT(R_ACCOUNTS) = ACCOUNT " WHERE id > ?1 ORDER BY id LIMIT ?2",
    AT(R_ACCOUNTS_OF_TENANT) =
        ACCOUNT " WHERE tenant = ?3 AND id > ?1 ORDER BY id LIMIT ?2",
    AT(R_ACCOUNTS_FROM_ROW) = "SELECT rowid, id, tenant, lane FROM account"
                              " WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2",
    AT(R_ACCOUNTS_TO_ROW) = "SELECT rowid, id, tenant, lane FROM account"
                            " WHERE rowid <= ?1 ORDER BY rowid DESC LIMIT ?2",
};

enum err accounts_read_prepare(struct db *db)
{
    return db_prepare(db, DB_FIRST_OF_ACCOUNTS, sql, sizeof sql / sizeof sql[0]);
}

static void row_account(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_account *account = out;
    struct slice *texts[] = {
        &account->id,         &account->tenant,      &account->integration,
        &account->name,       &account->environment, &account->lane,
        &account->state,      &account->cause,       &account->scheme,
        &account->connection, &account->auth,        &account->governor,
        &account->overrides,  &account->reauth_url,
    };
    int column = 0;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = db_text(row, column++, arena);
    }
    account->proven = sqlite3_column_int(row, column++) != 0;
    account->version = sqlite3_column_int64(row, column++);
    account->created_ms = sqlite3_column_int64(row, column++);
    account->updated_ms = sqlite3_column_int64(row, column++);
    account->named = sqlite3_column_int(row, column) != 0;
}

enum err store_get_account(struct store *store, struct slice id, struct arena *arena,
                           struct store_account *out)
{
    sqlite3_stmt *statement = read_statement(store, R_ACCOUNT);

    db_bind_text(statement, 1, id);
    return read_one(&store->reader, statement, arena, row_account, out);
}

enum err store_list_accounts(struct store *store, struct slice tenant,
                             struct slice after, size_t limit, struct arena *arena,
                             struct store_account **out, size_t *count)
{
    sqlite3_stmt *statement =
        read_tenant_page(store, R_ACCOUNTS, R_ACCOUNTS_OF_TENANT, tenant, after, limit);
    struct rows rows = {.item_bytes = sizeof **out, .copy = row_account};

    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

static void row_added(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_added_account *added = out;

    added->row = sqlite3_column_int64(row, 0);
    added->id = db_text(row, 1, arena);
    added->tenant = db_text(row, 2, arena);
    added->lane = db_text(row, 3, arena);
}

static enum err list_rows(struct store *store, int which, int64_t row, size_t limit,
                          struct arena *arena, struct store_added_account **out,
                          size_t *count)
{
    struct rows rows = {.item_bytes = sizeof **out, .copy = row_added};
    sqlite3_stmt *statement = read_statement(store, which);

    db_bind_int(statement, 1, row);
    db_bind_int(statement, 2, (int64_t)limit);
    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = err == ERR_OK ? rows.count : 0;
    return err;
}

static void mark_put(struct store_account_mark *mark,
                     const struct store_added_account *added)
{
    if (mark->count == STORE_MARK_ROWS) {
        mark->count--;
        memmove(mark->last, mark->last + 1, mark->count * sizeof mark->last[0]);
    }
    struct store_marked_row *last = &mark->last[mark->count++];
    last->row = added->row;
    snprintf(last->id, sizeof last->id, "%.*s", SLICE_ARG(added->id));
}

static bool is_at(const struct store_account_mark *mark,
                  const struct store_added_account *list, size_t count)
{
    const struct store_marked_row *last = &mark->last[mark->count - 1];
    return count > 0 && list[0].row == last->row && slice_is(list[0].id, last->id);
}

/* The mark is the last of `list`, which comes backwards, and those before it. */
static void mark_set(struct store_account_mark *mark,
                     const struct store_added_account *list, size_t count)
{
    mark->count = 0;
    while (count > 0) {
        mark_put(mark, &list[--count]);
    }
}

enum err store_mark_accounts(struct store *store, struct store_account_mark *mark)
{
    struct arena *arena = arena_new();
    struct store_added_account *list = NULL;
    size_t count = 0;
    enum err err = list_rows(store, R_ACCOUNTS_TO_ROW, INT64_MAX, STORE_MARK_ROWS,
                             arena, &list, &count);

    mark_set(mark, list, count);
    arena_free(arena);
    return err;
}

/*
 * SQLite gives a new row the number after the greatest (sqlite.org/autoinc.html), so that of a
 * deleted newest one comes again, and what stands below the mark is not always known. But as
 * long as one row is in its place, no number below it has been given anew. That it is, is seen
 * by the statement that lists the others: nothing happens in between.
 */
enum err store_list_added_accounts(struct store *store, struct store_account_mark *mark,
                                   size_t limit, struct arena *arena,
                                   struct store_added_account **out, size_t *count)
{
    const size_t marked = mark->count;
    enum err err = list_rows(store, R_ACCOUNTS_FROM_ROW,
                             marked > 0 ? mark->last[marked - 1].row : 0, limit + 1,
                             arena, out, count);
    while (err == ERR_OK && mark->count > 0 && !is_at(mark, *out, *count)) {
        mark->count--;
        err = list_rows(store, R_ACCOUNTS_FROM_ROW,
                        mark->count > 0 ? mark->last[mark->count - 1].row : 0,
                        limit + 1, arena, out, count);
    }
    if (err == ERR_OK && mark->count > 0 && mark->count < marked) {
        struct store_added_account *before = NULL;
        size_t befores = 0;
        err = list_rows(store, R_ACCOUNTS_TO_ROW, mark->last[mark->count - 1].row,
                        STORE_MARK_ROWS, arena, &before, &befores);
        if (err == ERR_OK && is_at(mark, before, befores)) {
            mark_set(mark, before, befores);
        }
    }
    if (err != ERR_OK) {
        *count = 0;
        return err;
    }
    if (mark->count > 0) {
        *out += 1;
        *count -= 1;
    }
    *count = *count < limit ? *count : limit;
    for (size_t i = 0; i < *count; i++) {
        mark_put(mark, &(*out)[i]);
    }
    return ERR_OK;
}
