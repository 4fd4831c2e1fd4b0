/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the insides that the files of store/ share: a connection, a batch, the
 * writer. Owns: nothing of its own. Threads: a struct db belongs to one thread at a
 * time: the reader's to the loop's, the writer's to the writer thread once that runs.
 * Errors: as store.h.
 * Start reading at: struct db, then writer_commit.
 */
#ifndef SLUICE_STORE_STORE_PRIVATE_H
#define SLUICE_STORE_STORE_PRIVATE_H

#include <sqlite3.h>

#include "store/outbox.h"
#include "store/store.h"

/* ---- A connection (db.c) ---- */

#define DB_STATEMENTS 80
#define DB_FIRST_OF_ACCOUNTS 48 /* the reads of accounts */
#define DB_FIRST_OF_OUTBOX 56   /* the statements of webhooks */
#define DB_FIRST_OF_READER 68   /* those of the reader itself */
#define DB_FIRST_OF_TRIALS 72   /* and of trials of logins */

struct db {
    sqlite3 *handle;
    sqlite3_stmt *statements[DB_STATEMENTS];
    const struct log *log;
};

/* Opens with the settings that every connection of ours has. Keeps `log`. */
MUST_USE enum err db_open(struct db *db, const struct log *log, const char *path,
                          int busy_ms);
void db_close(struct db *db); /* a zeroed db is fine */
/* Turns the n-th text into statements[first + n]; `sql` lives as long as the program. */
MUST_USE enum err db_prepare(struct db *db, size_t first, const char *const *sql,
                             size_t count);
/* SQL of ours without parameters. */
MUST_USE enum err db_exec(struct db *db, const char *sql);
/* An integer that SQL of ours gives, e.g. of a PRAGMA. */
MUST_USE enum err db_exec_int(struct db *db, const char *sql, int64_t *out);
/* What a result code means to callers; a code that means ERR_IO is logged. */
enum err db_err(const struct db *db, int code);

/* Parameters count from 1. Bytes are borrowed until db_reset. */
void db_bind_text(sqlite3_stmt *statement, int index, struct slice text);
void db_bind_blob(sqlite3_stmt *statement, int index, struct slice bytes);
void db_bind_int(sqlite3_stmt *statement, int index, int64_t value);
/* Columns count from 0. Copies into the arena. */
struct slice db_text(sqlite3_stmt *statement, int column, struct arena *arena);
struct slice db_blob(sqlite3_stmt *statement, int column, struct arena *arena);
/* Ends a use: no snapshot and no parameter is held any more. */
void db_reset(sqlite3_stmt *statement);
/* Steps a statement that gives no rows, then db_reset. */
MUST_USE enum err db_run(struct db *db, sqlite3_stmt *statement);
/* Deleted secrets are overwritten in the file by secure_delete; this writes the log file
 * back and empties it, because it may still hold them. Another reader may delay that
 * until the next time. Afterwards the connection waits `busy_ms` for locks again. */
void db_forget_log(struct db *db, int busy_ms);
/* ERR_IO when the path leads to another file by now, or to none: what is written on would
 * be gone at the next start. */
MUST_USE enum err db_in_place(struct db *db);

/* ---- The schema (schema.c) ---- */

/* The file is ours (or empty) and not of a later version; touches nothing. */
MUST_USE enum err store_schema_check(struct db *db);
MUST_USE enum err schema_migrate(struct db *db);

/* ---- A batch (batch.c) and how it is applied (apply.c) ---- */

enum store_op_kind {
    OP_INSERT_ACCOUNT,
    OP_UPDATE_ACCOUNT,
    OP_DELETE_ACCOUNT,
    OP_PUT_SECRET,
    OP_DELETE_SECRETS,
    OP_PUT_CREDENTIAL,
    OP_PROVE_CREDENTIAL,
    OP_DELETE_CREDENTIAL,
    OP_DELETE_GRANT,
    OP_RESEAL_SECRET,
    OP_PUT_GRANT,
    OP_LEASE_GRANT,
    OP_RELEASE_GRANT,
    OP_RELEASE_ALL_GRANTS,
    OP_INSERT_SERVER,
    OP_UPDATE_SERVER,
    OP_DELETE_SERVER,
    OP_INSERT_URL_TOKEN,
    OP_EXPIRE_URL_TOKENS,
    OP_RETIRE_URL_TOKENS,
    OP_INSERT_API_TOKEN,
    OP_DELETE_API_TOKEN,
    OP_PUT_TENANT,
    OP_PUT_LANE,
    OP_PUT_ENVIRONMENT,
    OP_DELETE_ENVIRONMENT,
    OP_INSERT_CONNECT_SESSION,
    OP_UPDATE_CONNECT_SESSION,
    OP_PURGE_EXPIRED,
    OP_INSERT_ENDPOINT,
    OP_DELETE_ENDPOINT,
    OP_ROTATE_ENDPOINT,
    OP_DISABLE_ENDPOINT,
    OP_ENABLE_ENDPOINT,
    OP_HOLD_ENDPOINT,
    OP_PUT_EVENT,
    OP_EXPIRE_SERVER,
    OP_WARN_GRANT,
    OP_WARN_CERTIFICATE,
    OP_PUT_ATTEMPT,
    OP_PURGE_DELIVERIES,
    OP_LEASE_TRIAL,
    OP_END_TRIAL,
    OP_END_ALL_TRIALS,
    OP_REFUSE_USER,
    OP_PARDON_USER,
    OP_KIND_COUNT
};

struct store_op {
    struct store_op *next;
    enum store_op_kind kind;
    int64_t number; /* the expected version, an expiry, the bound of a purge, or now */
    union {
        struct slice id;
        struct store_account account;
        struct store_server server;
        struct store_url_token url_token;
        struct store_api_token api_token;
        struct store_tenant tenant;
        struct {
            struct store_lane before, after;
        } lane;
        struct store_environment environment;
        struct store_secret secret;
        struct {
            struct store_secret before, after;
        } reseal;
        struct store_grant grant;
        struct store_credential credential;
        struct store_endpoint endpoint;
        struct store_delivery delivery;
        struct {
            struct store_event event;
            struct slice subject; /* a server, an account */
            int64_t stage, most;
        } telling;
        struct {
            struct slice user, text; /* the holder of a lease, a login */
            struct slice tenant;
            int64_t ends_ms;
        } trial;
        struct {
            struct store_connect_session session;
            int most;
        } connect;
    };
};

struct store_batch {
    struct store_batch *next; /* in the writer's queue, then among the finished */
    struct arena *arena;      /* holds the ops and every copied byte */
    struct store_op *first, *last;
    bool has_event;     /* there is something to deliver */
    bool drops_secrets; /* what it leaves in the log file is worth a checkpoint */
    store_done_fn done; /* NULL: somebody waits in writer_commit_now */
    void *ctx;
    bool is_finished; /* under the writer's lock, for the one who waits */
    enum err err;
};

/* For the files that add to a batch: an op at its end, and a copy of what the caller has. */
struct store_op *batch_op(struct store_batch *batch, enum store_op_kind kind);
void batch_keep(struct store_batch *batch, struct slice *bytes);

typedef enum err (*apply_fn)(struct db *db, const struct store_op *op);
/* outbox_apply.c: NULL for what is no affair of webhooks. */
apply_fn outbox_verb(enum store_op_kind kind);
MUST_USE enum err outbox_prepare(struct db *db);
/* trials.c: likewise for trials of logins. */
apply_fn trials_verb(enum store_op_kind kind);
MUST_USE enum err trials_prepare(struct db *db);
MUST_USE enum err trials_purge(struct db *db, int64_t before_ms);

/* Prepares the writing statements. */
MUST_USE enum err apply_prepare(struct db *db);
/* All ops in order until one fails. The caller has the transaction. */
MUST_USE enum err apply_batch(struct db *db, const struct store_batch *batch);
MUST_USE enum err apply_begin(struct db *db);
MUST_USE enum err apply_commit(struct db *db);
void apply_rollback(struct db *db);
MUST_USE enum err apply_savepoint(struct db *db);
MUST_USE enum err apply_release(struct db *db);
MUST_USE enum err apply_undo_savepoint(struct db *db);

/* ---- The writer thread (writer.c) ---- */

struct writer;

/* Takes the connection's content when it succeeds. Keeps `loop`. */
MUST_USE enum err writer_start(struct store *store, struct db *db, struct writer **out);
/* Finishes what was accepted, joins. On the loop's thread. Accepts NULL. */
void writer_stop(struct writer *writer);
/* Both take the batch. */
void writer_commit(struct writer *writer, struct store_batch *batch);
MUST_USE enum err writer_commit_now(struct writer *writer, struct store_batch *batch);
void writer_on_event(struct writer *writer, void (*fn)(void *ctx), void *ctx);

/* ---- The reader: the loop's connection (reader.c) ---- */

struct store;

/* Prepares all that is read. */
MUST_USE enum err reader_prepare(struct db *db);
/* The statement with that place, in the turn's snapshot. */
sqlite3_stmt *read_statement(struct store *store, int which);
/* Its first two parameters. */
void read_bind_page(sqlite3_stmt *statement, struct slice after, size_t limit);
/* A bound page of all, or, when `tenant` is not empty, of that one's: `of_tenant` has it as its
 * third parameter. */
sqlite3_stmt *read_tenant_page(struct store *store, int all, int of_tenant,
                               struct slice tenant, struct slice after, size_t limit);

/* Copies the row the statement stands on into `out`, a struct of the caller's kind. */
typedef void (*row_fn)(sqlite3_stmt *row, struct arena *arena, void *out);
struct rows {
    char *items;
    size_t count, capacity, item_bytes;
    row_fn copy;
};
/* The bound statement's one row (ERR_NOT_FOUND when there is none), or all. End it. */
MUST_USE enum err read_one(struct db *db, sqlite3_stmt *statement, struct arena *arena,
                           row_fn copy, void *out);
MUST_USE enum err read_many(struct db *db, sqlite3_stmt *statement, struct arena *arena,
                            struct rows *rows);
/* The next read sees what is stored by then. */
void read_forget_snapshot(struct store *store);

/* ---- What is read (read.c, read_accounts.c, outbox_read.c, trials.c) ---- */

MUST_USE enum err read_prepare(struct db *db);
MUST_USE enum err accounts_read_prepare(struct db *db);
MUST_USE enum err outbox_read_prepare(struct db *db);
MUST_USE enum err trials_read_prepare(struct db *db);
MUST_USE enum err read_check(struct store *store);
void read_row_server(sqlite3_stmt *row, struct arena *arena, void *out);
void read_row_grant(sqlite3_stmt *row, struct arena *arena, void *out);

/* ---- What URL tokens led to (found.c) ---- */

struct found_servers;

struct found_server {
    struct store_server server;
    int64_t ends_ms; /* the first end of server and token; 0: none */
};

struct found_servers *found_new(void);
void found_free(struct found_servers *servers); /* accepts NULL */
/* `stamp`: that of url_reach in the caller's snapshot. Copies into the arena; false: it has to be
 * searched. */
bool found_get(struct found_servers *servers, int64_t stamp, struct slice hash,
               int64_t now_ms, struct arena *arena, struct store_server *out);
/* What the search has found. Copies. */
void found_put(struct found_servers *servers, int64_t stamp, struct slice hash,
               const struct found_server *found);

struct store {
    struct db reader; /* the loop's thread */
    struct loop *loop;
    bool has_snapshot; /* the reader is in a transaction, until the turn is over */
    int64_t content;   /* of the last one: 1 + PRAGMA data_version; 0: not known */
    int64_t stamp;     /* of url_reach in that content; 0: not known */
    bool is_watched;
    uint64_t generation; /* how often another content was seen since */
    struct found_servers *found;
    struct writer *writer;
};

#endif
