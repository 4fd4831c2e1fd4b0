/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VACUUM INTO: one read transaction, so writers neither wait nor make it begin again, as
 * they would SQLite's page-wise backup. It does not sync what it wrote: that is done here.
 */
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_private.h"

#define BACKUP_BUSY_MS 10000

/* VACUUM INTO takes an empty file, and keeps its mode. */
static enum err make_empty(const char *path)
{
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        return errno == EEXIST ? ERR_CONFLICT : ERR_IO;
    }
    close(fd);
    return ERR_OK;
}

static enum err sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);

    if (fd < 0) {
        return ERR_IO;
    }
    int failed = fsync(fd);
    close(fd);
    return failed == 0 ? ERR_OK : ERR_IO;
}

/* The bytes, then the name. */
static enum err sync_copy(const char *copy)
{
    char *folder = strdup(copy);
    REQUIRE(folder != NULL);
    enum err err = sync_path(copy, O_RDONLY);
    if (err == ERR_OK) {
        err = sync_path(dirname(folder), O_RDONLY | O_DIRECTORY);
    }
    free(folder);
    return err;
}

static enum err vacuum_into(struct db *db, const char *copy)
{
    sqlite3_stmt *statement = NULL;

    int code = sqlite3_prepare_v2(db->handle, "VACUUM INTO ?1", -1, &statement, NULL);
    if (code != SQLITE_OK) {
        return db_err(db, code);
    }
    db_bind_text(statement, 1, slice_str(copy));
    code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return db_err(db, code);
}

static enum err copy_to(struct db *db, const char *copy)
{
    enum err err = store_schema_check(db);
    if (err != ERR_OK) {
        return err;
    }
    err = make_empty(copy);
    if (err != ERR_OK) {
        return err;
    }
    err = vacuum_into(db, copy);
    if (err == ERR_OK) {
        err = sync_copy(copy);
    }
    if (err != ERR_OK) {
        unlink(copy); /* half a copy is worse than none */
    }
    return err;
}

enum err store_backup(const struct log *log, const char *path, const char *copy)
{
    struct db db = {0};

    if (access(path, F_OK) != 0) {
        return ERR_NOT_FOUND;
    }
    enum err err = db_open(&db, log, path, BACKUP_BUSY_MS);
    if (err == ERR_OK) {
        err = copy_to(&db, copy);
    }
    db_close(&db);
    return err;
}
