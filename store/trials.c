/* SPDX-License-Identifier: Apache-2.0 */
/* Trials of logins: what is added to a batch, how it is applied, how it is read. */
#include "store/trials.h"

#include "store/store_private.h"

/* ---- Batches ---- */

static struct store_op *op_trial(struct store_batch *batch, enum store_op_kind kind,
                                 struct slice user, struct slice text)
{
    struct store_op *op = batch_op(batch, kind);

    op->trial.user = user;
    op->trial.text = text;
    batch_keep(batch, &op->trial.user);
    batch_keep(batch, &op->trial.text);
    return op;
}

void store_lease_trial(struct store_batch *batch, struct slice user,
                       struct slice tenant, struct slice holder, int64_t now_ms,
                       int64_t ends_ms)
{
    struct store_op *op = op_trial(batch, OP_LEASE_TRIAL, user, holder);

    op->trial.tenant = tenant;
    batch_keep(batch, &op->trial.tenant);
    op->number = now_ms;
    op->trial.ends_ms = ends_ms;
}

void store_end_trial(struct store_batch *batch, struct slice user, struct slice holder)
{
    op_trial(batch, OP_END_TRIAL, user, holder);
}

void store_end_all_trials(struct store_batch *batch)
{
    batch_op(batch, OP_END_ALL_TRIALS);
}

void store_refuse_user(struct store_batch *batch, struct slice user, struct slice login,
                       int64_t now_ms, int64_t counts_to_ms)
{
    struct store_op *op = op_trial(batch, OP_REFUSE_USER, user, login);

    op->number = now_ms;
    op->trial.ends_ms = counts_to_ms;
}

void store_pardon_user(struct store_batch *batch, struct slice user, int64_t before_ms)
{
    op_trial(batch, OP_PARDON_USER, user, SLICE_EMPTY)->number = before_ms;
}

/* ---- Writing ---- */

enum trial_statement {
    W_LEASE_TRIAL = DB_FIRST_OF_TRIALS,
    W_TOUCH_USER,
    W_END_TRIAL,
    W_END_ALL_TRIALS,
    W_FORGET_USER,
    W_REFUSE_USER,
    W_PARDON_USER,
    W_PURGE_USERS,
    W_TRIALS_END
};

#define AT(name) [(name)-DB_FIRST_OF_TRIALS]

static const char *const writes[] = {
    AT(W_LEASE_TRIAL) =
        "INSERT INTO login_user (user, refusals, refused_ms, counts_to_ms, login,"
        " lease_holder, lease_ends_ms, tenant) SELECT ?1, 0, 0, 0, '', ?2, ?3, ?5"
        " WHERE ?5 = '' OR EXISTS (SELECT 1 FROM login_user WHERE user = ?1)"
        " OR (SELECT COUNT(*) FROM login_user WHERE tenant = ?5"
        " AND (counts_to_ms > ?4 OR lease_ends_ms > ?4)) < ?6"
        " ON CONFLICT (user) DO UPDATE SET lease_holder = ?2, lease_ends_ms = ?3"
        " WHERE lease_ends_ms <= ?4 OR lease_holder = ?2"
        " OR lease_ends_ms > ?3 + (?3 - ?4)", /* the clock was set back */
    AT(W_TOUCH_USER) = "UPDATE login_user SET user = user WHERE user = ?1",
    AT(W_END_TRIAL) = "UPDATE login_user SET lease_holder = '', lease_ends_ms = 0"
                      " WHERE user = ?1 AND lease_holder = ?2",
    AT(W_END_ALL_TRIALS) = "UPDATE login_user SET lease_holder = '', lease_ends_ms = 0"
                           " WHERE lease_ends_ms > 0",
    AT(W_FORGET_USER) = "DELETE FROM login_user WHERE user = ?1 AND refusals = 0"
                        " AND lease_ends_ms = 0",
    AT(W_REFUSE_USER) =
        "INSERT INTO login_user (user, refusals, refused_ms, counts_to_ms, login,"
        " lease_holder, lease_ends_ms) VALUES (?1, 1, ?3, ?4, ?2, '', 0)"
        " ON CONFLICT (user) DO UPDATE SET"
        " refusals = CASE WHEN counts_to_ms > ?3 THEN refusals + 1 ELSE 1 END,"
        " refused_ms = ?3, counts_to_ms = ?4, login = ?2",
    AT(W_PARDON_USER) = "UPDATE login_user SET refusals = 0, refused_ms = 0,"
                        " counts_to_ms = 0, login = ''"
                        " WHERE user = ?1 AND refused_ms < ?2",
    AT(W_PURGE_USERS) = "DELETE FROM login_user"
                        " WHERE counts_to_ms < ?1 AND lease_ends_ms < ?1",
};

enum err trials_prepare(struct db *db)
{
    return db_prepare(db, DB_FIRST_OF_TRIALS, writes, sizeof writes / sizeof writes[0]);
}

static sqlite3_stmt *of(struct db *db, enum trial_statement which)
{
    return db->statements[which];
}

static enum err forget_user(struct db *db, struct slice user)
{
    db_bind_text(of(db, W_FORGET_USER), 1, user);
    return db_run(db, of(db, W_FORGET_USER));
}

static enum err lease_trial(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = of(db, W_LEASE_TRIAL);

    db_bind_text(statement, 1, op->trial.user);
    db_bind_text(statement, 2, op->trial.text);
    db_bind_int(statement, 3, op->trial.ends_ms);
    db_bind_int(statement, 4, op->number);
    db_bind_text(statement, 5, op->trial.tenant);
    db_bind_int(statement, 6, STORE_TENANT_USERS);
    enum err err = db_run(db, statement);
    if (err != ERR_OK || sqlite3_changes(db->handle) > 0) {
        return err;
    }
    db_bind_text(of(db, W_TOUCH_USER), 1, op->trial.user);
    err = db_run(db, of(db, W_TOUCH_USER));
    if (err != ERR_OK) {
        return err;
    }
    return sqlite3_changes(db->handle) > 0 ? ERR_CONFLICT : ERR_RATE_LIMITED;
}

static enum err end_trial(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = of(db, W_END_TRIAL);

    db_bind_text(statement, 1, op->trial.user);
    db_bind_text(statement, 2, op->trial.text);
    enum err err = db_run(db, statement);
    return err == ERR_OK ? forget_user(db, op->trial.user) : err;
}

static enum err end_all_trials(struct db *db, const struct store_op *op)
{
    (void)op;
    return db_run(db, of(db, W_END_ALL_TRIALS));
}

static enum err refuse_user(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = of(db, W_REFUSE_USER);

    db_bind_text(statement, 1, op->trial.user);
    db_bind_text(statement, 2, op->trial.text);
    db_bind_int(statement, 3, op->number);
    db_bind_int(statement, 4, op->trial.ends_ms);
    return db_run(db, statement);
}

static enum err pardon_user(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = of(db, W_PARDON_USER);

    db_bind_text(statement, 1, op->trial.user);
    db_bind_int(statement, 2, op->number);
    enum err err = db_run(db, statement);
    return err == ERR_OK ? forget_user(db, op->trial.user) : err;
}

enum err trials_purge(struct db *db, int64_t before_ms)
{
    db_bind_int(of(db, W_PURGE_USERS), 1, before_ms);
    return db_run(db, of(db, W_PURGE_USERS));
}

apply_fn trials_verb(enum store_op_kind kind)
{
    static const apply_fn verbs[OP_KIND_COUNT] = {
        [OP_LEASE_TRIAL] = lease_trial,       [OP_END_TRIAL] = end_trial,
        [OP_END_ALL_TRIALS] = end_all_trials, [OP_REFUSE_USER] = refuse_user,
        [OP_PARDON_USER] = pardon_user,
    };

    return verbs[kind];
}

/* ---- Reading ---- */

#define R_USER DB_FIRST_OF_TRIALS

enum err trials_read_prepare(struct db *db)
{
    static const char *const reads[] = {
        "SELECT refusals, refused_ms, counts_to_ms, login FROM login_user"
        " WHERE user = ?1",
    };

    return db_prepare(db, R_USER, reads, 1);
}

static void row_user(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_user *user = out;

    user->refusals = sqlite3_column_int64(row, 0);
    user->refused_ms = sqlite3_column_int64(row, 1);
    user->counts_to_ms = sqlite3_column_int64(row, 2);
    user->login = db_text(row, 3, arena);
}

enum err store_get_user(struct store *store, struct slice user, struct arena *arena,
                        struct store_user *out)
{
    sqlite3_stmt *statement = read_statement(store, R_USER);

    db_bind_text(statement, 1, user);
    return read_one(&store->reader, statement, arena, row_user, out);
}
