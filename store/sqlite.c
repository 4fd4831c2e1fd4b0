/* SPDX-License-Identifier: Apache-2.0 */
/* The store on SQLite: opening and closing the file; writes go on to the writer. */
#include "store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READER_BUSY_MS 1000
#define OPENING_BUSY_MS 10000

static enum err refuse_file(const struct log *log, int system_error)
{
    if (log != NULL) {
        log_event(log, LOG_ERROR, "store_file_failed",
                  LOG_INT(errno_code, system_error));
    }
    return ERR_IO;
}

/*
 * SQLite gives -wal and -shm the mode of the file itself, so that one is made first. An
 * existing file is not opened here: closing a descriptor of it would drop the locks
 * that another connection of this process may hold.
 */
static enum err make_private(const struct log *log, const char *path)
{
    struct stat info;

    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        close(fd);
        return ERR_OK;
    }
    if (errno != EEXIST || stat(path, &info) != 0) {
        return refuse_file(log, errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return refuse_file(log, EINVAL);
    }
    if ((info.st_mode & 077) != 0 && chmod(path, 0600) != 0) {
        return refuse_file(log, errno);
    }
    return ERR_OK;
}

static enum err use_wal(struct db *db)
{
    sqlite3_stmt *statement = NULL;
    bool is_wal = false;

    int code = sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode = WAL", -1,
                                  &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
    }
    if (code == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(statement, 0);
        is_wal = mode != NULL && strcmp(mode, "wal") == 0;
    }
    sqlite3_finalize(statement);
    enum err err = db_err(db, code);
    return err == ERR_OK && !is_wal ? refuse_file(db->log, ENOTSUP) : err;
}

static enum err open_writer(struct db *db, const struct log *log, const char *path)
{
    enum err err = db_open(db, log, path, OPENING_BUSY_MS);
    if (err == ERR_OK) {
        err = store_schema_check(db); /* before anything in a foreign file is changed */
    }
    if (err == ERR_OK) {
        err = use_wal(db);
    }
    if (err == ERR_OK) {
        err = schema_migrate(db);
    }
    if (err == ERR_OK) {
        db_forget_log(db, OPENING_BUSY_MS); /* of a server that was killed */
        err = apply_prepare(db);
    }
    return err;
}

static enum err open_reader(struct db *db, const struct log *log, const char *path)
{
    enum err err = db_open(db, log, path, READER_BUSY_MS);
    if (err == ERR_OK) {
        /* Room for the tokens and servers of some 10,000 accounts: each call looks one up, and
         * a page that was pushed out is read and checked again. KiB, used as far as needed. */
        err = db_exec(db, "PRAGMA query_only = ON; PRAGMA cache_size = -8192");
    }
    return err == ERR_OK ? reader_prepare(db) : err;
}

enum err store_open(struct loop *loop, const struct log *log, const char *path,
                    struct store **out)
{
    struct store *store = calloc(1, sizeof *store);
    struct db db = {0};

    REQUIRE(store != NULL);
    store->loop = loop;
    store->found = found_new();
    enum err err = make_private(log, path);
    if (err == ERR_OK) {
        err = open_writer(&db, log, path);
    }
    if (err == ERR_OK) {
        err = open_reader(&store->reader, log, path);
    }
    if (err == ERR_OK) {
        err = writer_start(store, &db, &store->writer);
    }
    db_close(&db); /* empty when the writer has it */
    if (err != ERR_OK) {
        store_close(store);
        return err;
    }
    *out = store;
    return ERR_OK;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    writer_stop(store->writer);
    read_forget_snapshot(store);
    db_close(&store->reader);
    found_free(store->found);
    free(store);
}

enum err store_check(struct store *store)
{
    enum err err = db_in_place(&store->reader);

    return err == ERR_OK ? read_check(store) : err;
}

void store_on_event(struct store *store, void (*fn)(void *ctx), void *ctx)
{
    writer_on_event(store->writer, fn, ctx);
}

void store_commit(struct store *store, struct store_batch *batch, store_done_fn done,
                  void *ctx)
{
    REQUIRE(done != NULL);
    batch->done = done;
    batch->ctx = ctx;
    writer_commit(store->writer, batch);
}

enum err store_commit_now(struct store *store, struct store_batch *batch)
{
    enum err err = writer_commit_now(store->writer, batch);

    read_forget_snapshot(store); /* it does not have the batch */
    return err;
}
