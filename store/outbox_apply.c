/* SPDX-License-Identifier: Apache-2.0 */
/* Applies what webhooks added to a batch, inside its transaction. */
#include "store/store_private.h"

enum outbox_statement {
    W_INSERT_ENDPOINT = DB_FIRST_OF_OUTBOX,
    W_DELETE_ENDPOINT,
    W_ROTATE_ENDPOINT,
    W_HAS_ENDPOINT,
    W_DISABLE_ENDPOINT,
    W_ENABLE_ENDPOINT,
    W_HOLD_ENDPOINT,
    W_DROP_DELIVERIES,
    W_COUNT_DROPPED,
    W_INSERT_DELIVERIES,
    W_EXPIRE_SERVER,
    W_WARN_GRANT,
    W_WARN_CERTIFICATE,
    W_PUT_ATTEMPT,
    W_PURGE_OLD,
    W_PURGE_MANY,
    W_OUTBOX_END
};

/* Who hears of an event, and how many deliveries it has before it; ?7 is the ceiling. */
#define HEARS                                                                    \
    " e.state = 'active' AND CASE ?6 WHEN '' THEN (e.events & ?4) != 0"          \
    " AND (e.tenant = '' OR e.tenant = ?5) ELSE e.id = ?6 END"                   \
    " AND (SELECT count(*) FROM webhook_delivery d WHERE d.endpoint = e.id AND " \
    "d.next_ms > 0)"

#define AT(name) [(name)-DB_FIRST_OF_OUTBOX]

static const char *const sql[] = {
    AT(W_INSERT_ENDPOINT) =
        "INSERT INTO webhook_endpoint (id, tenant, url, events, state, cause,"
        " created_ms, updated_ms, secret_version, old_secret_ends_ms, dropped)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 1, 0, 0"
        " WHERE (SELECT count(*) FROM webhook_endpoint) < ?8",
    AT(W_DELETE_ENDPOINT) = "DELETE FROM webhook_endpoint WHERE id = ?1",
    AT(W_ROTATE_ENDPOINT) =
        "UPDATE webhook_endpoint SET secret_version = secret_version + 1,"
        " old_secret_ends_ms = ?3, updated_ms = ?4"
        " WHERE id = ?1 AND secret_version = ?2",
    AT(W_HAS_ENDPOINT) = "SELECT 1 FROM webhook_endpoint WHERE id = ?1",
    AT(W_DISABLE_ENDPOINT) =
        "UPDATE webhook_endpoint SET state = 'disabled', cause = ?2, updated_ms = ?3"
        " WHERE id = ?1",
    AT(W_ENABLE_ENDPOINT) =
        "UPDATE webhook_endpoint SET state = 'active', cause = '', held_until_ms = 0,"
        " updated_ms = ?2 WHERE id = ?1",
    AT(W_HOLD_ENDPOINT) =
        "UPDATE webhook_endpoint SET held_until_ms = max(held_until_ms, ?2)"
        " WHERE id = ?1",
    AT(W_DROP_DELIVERIES) =
        "UPDATE webhook_delivery SET next_ms = 0, body = '', outcome = 'dropped'"
        " WHERE endpoint = ?1 AND next_ms > 0",
    AT(W_COUNT_DROPPED) = "UPDATE webhook_endpoint AS e SET dropped = dropped + 1"
                          " WHERE" HEARS " >= ?7",
    AT(W_INSERT_DELIVERIES) =
        "INSERT INTO webhook_delivery (event, endpoint, type, body, created_ms,"
        " next_ms, outcome, attempts, tried_ms, status, reason, duration_ms)"
        " SELECT ?1, e.id, ?2, ?3, ?8, ?8, 'pending', 0, 0, 0, '', 0"
        " FROM webhook_endpoint e WHERE" HEARS " < ?7",
    AT(W_EXPIRE_SERVER) =
        "DELETE FROM server WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM server_token"
        " WHERE server = ?1 AND (expires_ms = 0 OR expires_ms >= ?2))",
    AT(W_WARN_GRANT) = "UPDATE oauth_grant SET warned = ?3"
                       " WHERE account = ?1 AND grant_ends_ms = ?2 AND warned < ?3",
    AT(W_WARN_CERTIFICATE) =
        "INSERT INTO certificate_warning (account, ends_ms, warned)"
        " SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM account WHERE id = ?1)"
        " ON CONFLICT (account, ends_ms) DO UPDATE SET warned = ?3 WHERE warned < ?3",
    AT(W_PUT_ATTEMPT) =
        "UPDATE webhook_delivery SET attempts = ?3, tried_ms = ?4, status = ?5,"
        " reason = ?6, duration_ms = ?7, next_ms = ?8, outcome = ?9,"
        " body = CASE ?8 WHEN 0 THEN '' ELSE body END"
        " WHERE n = ?1 AND event = ?2 AND next_ms > 0",
    AT(W_PURGE_OLD) = "DELETE FROM webhook_delivery WHERE next_ms = 0"
                      " AND created_ms < ?1",
    AT(W_PURGE_MANY) =
        "DELETE FROM webhook_delivery WHERE n IN (SELECT d.n FROM webhook_endpoint e"
        " JOIN webhook_delivery d ON d.endpoint = e.id AND d.n <= (SELECT x.n"
        "  FROM webhook_delivery x WHERE x.endpoint = e.id"
        "  ORDER BY x.n DESC LIMIT 1 OFFSET ?1) WHERE d.next_ms = 0)",
};

enum err outbox_prepare(struct db *db)
{
    return db_prepare(db, DB_FIRST_OF_OUTBOX, sql, sizeof sql / sizeof sql[0]);
}

static sqlite3_stmt *of(struct db *db, enum outbox_statement which)
{
    return db->statements[which];
}

static bool has_changed(struct db *db)
{
    return sqlite3_changes(db->handle) > 0;
}

/* ---- Endpoints ---- */

static enum err insert_endpoint(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = of(db, W_INSERT_ENDPOINT);

    db_bind_text(statement, 1, op->endpoint.id);
    db_bind_text(statement, 2, op->endpoint.tenant);
    db_bind_text(statement, 3, op->endpoint.url);
    db_bind_int(statement, 4, op->endpoint.events);
    db_bind_text(statement, 5, op->endpoint.state);
    db_bind_text(statement, 6, op->endpoint.cause);
    db_bind_int(statement, 7, op->endpoint.created_ms);
    db_bind_int(statement, 8, op->number);
    enum err err = db_run(db, statement);
    return err == ERR_OK && !has_changed(db) ? ERR_CONFLICT : err;
}

static enum err delete_endpoint(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = of(db, W_DELETE_ENDPOINT);

    db_bind_text(statement, 1, op->endpoint.id);
    enum err err = db_run(db, statement);
    return err == ERR_OK && !has_changed(db) ? ERR_NOT_FOUND : err;
}

static enum err rotate_endpoint(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = of(db, W_ROTATE_ENDPOINT);

    db_bind_text(statement, 1, op->endpoint.id);
    db_bind_int(statement, 2, op->number);
    db_bind_int(statement, 3, op->endpoint.old_secret_ends_ms);
    db_bind_int(statement, 4, op->endpoint.updated_ms);
    enum err err = db_run(db, statement);
    if (err != ERR_OK || has_changed(db)) {
        return err;
    }
    statement = of(db, W_HAS_ENDPOINT);
    db_bind_text(statement, 1, op->endpoint.id);
    int code = sqlite3_step(statement);
    db_reset(statement);
    err = db_err(db, code);
    if (err != ERR_OK) {
        return err;
    }
    return code == SQLITE_ROW ? ERR_CONFLICT : ERR_NOT_FOUND;
}

static enum err disable_endpoint(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = of(db, W_DISABLE_ENDPOINT);

    db_bind_text(statement, 1, op->endpoint.id);
    db_bind_text(statement, 2, op->endpoint.cause);
    db_bind_int(statement, 3, op->endpoint.updated_ms);
    enum err err = db_run(db, statement);
    if (err != ERR_OK) {
        return err;
    }
    statement = of(db, W_DROP_DELIVERIES);
    db_bind_text(statement, 1, op->endpoint.id);
    return db_run(db, statement);
}

static enum err enable_endpoint(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = of(db, W_ENABLE_ENDPOINT);

    db_bind_text(statement, 1, op->endpoint.id);
    db_bind_int(statement, 2, op->endpoint.updated_ms);
    enum err err = db_run(db, statement);
    return err == ERR_OK && !has_changed(db) ? ERR_NOT_FOUND : err;
}

static enum err hold_endpoint(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = of(db, W_HOLD_ENDPOINT);

    db_bind_text(statement, 1, op->endpoint.id);
    db_bind_int(statement, 2, op->endpoint.held_until_ms);
    return db_run(db, statement);
}

/* ---- Events ---- */

/* What stands in HEARS. */
static void bind_hearers(sqlite3_stmt *statement, const struct store_op *op)
{
    db_bind_int(statement, 4, op->telling.event.bit);
    db_bind_text(statement, 5, op->telling.event.tenant);
    db_bind_text(statement, 6, op->telling.event.endpoint);
    db_bind_int(statement, 7, op->telling.most);
}

static enum err put_event(struct db *db, const struct store_op *op)
{
    const struct store_event *event = &op->telling.event;
    sqlite3_stmt *statement = of(db, W_COUNT_DROPPED);

    bind_hearers(statement, op);
    enum err err = db_run(db, statement);
    if (err != ERR_OK) {
        return err;
    }
    statement = of(db, W_INSERT_DELIVERIES);
    bind_hearers(statement, op);
    db_bind_text(statement, 1, event->id);
    db_bind_text(statement, 2, event->type);
    db_bind_text(statement, 3, event->body);
    db_bind_int(statement, 8, event->created_ms);
    return db_run(db, statement);
}

static enum err expire_server(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = of(db, W_EXPIRE_SERVER);

    db_bind_text(statement, 1, op->telling.subject);
    db_bind_int(statement, 2, op->number);
    enum err err = db_run(db, statement);
    return err == ERR_OK && has_changed(db) ? put_event(db, op) : err;
}

static enum err warn(struct db *db, const struct store_op *op,
                     enum outbox_statement which)
{
    sqlite3_stmt *statement = of(db, which);

    db_bind_text(statement, 1, op->telling.subject);
    db_bind_int(statement, 2, op->number);
    db_bind_int(statement, 3, op->telling.stage);
    enum err err = db_run(db, statement);
    return err == ERR_OK && has_changed(db) ? put_event(db, op) : err;
}

static enum err warn_grant(struct db *db, const struct store_op *op)
{
    return warn(db, op, W_WARN_GRANT);
}

static enum err warn_certificate(struct db *db, const struct store_op *op)
{
    return warn(db, op, W_WARN_CERTIFICATE);
}

/* ---- Deliveries ---- */

static enum err put_attempt(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = of(db, W_PUT_ATTEMPT);

    db_bind_int(statement, 1, op->delivery.n);
    db_bind_text(statement, 2, op->delivery.event);
    db_bind_int(statement, 3, op->delivery.attempts);
    db_bind_int(statement, 4, op->delivery.tried_ms);
    db_bind_int(statement, 5, op->delivery.status);
    db_bind_text(statement, 6, op->delivery.reason);
    db_bind_int(statement, 7, op->delivery.duration_ms);
    db_bind_int(statement, 8, op->delivery.next_ms);
    db_bind_text(statement, 9, op->delivery.outcome);
    return db_run(db, statement);
}

static enum err purge_deliveries(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = of(db, W_PURGE_OLD);

    db_bind_int(statement, 1, op->number);
    enum err err = db_run(db, statement);
    if (err != ERR_OK) {
        return err;
    }
    statement = of(db, W_PURGE_MANY);
    db_bind_int(statement, 1, op->delivery.n);
    return db_run(db, statement);
}

apply_fn outbox_verb(enum store_op_kind kind)
{
    static const apply_fn verbs[OP_KIND_COUNT] = {
        [OP_INSERT_ENDPOINT] = insert_endpoint,
        [OP_DELETE_ENDPOINT] = delete_endpoint,
        [OP_ROTATE_ENDPOINT] = rotate_endpoint,
        [OP_DISABLE_ENDPOINT] = disable_endpoint,
        [OP_ENABLE_ENDPOINT] = enable_endpoint,
        [OP_HOLD_ENDPOINT] = hold_endpoint,
        [OP_PUT_EVENT] = put_event,
        [OP_EXPIRE_SERVER] = expire_server,
        [OP_WARN_GRANT] = warn_grant,
        [OP_WARN_CERTIFICATE] = warn_certificate,
        [OP_PUT_ATTEMPT] = put_attempt,
        [OP_PURGE_DELIVERIES] = purge_deliveries,
    };

    return verbs[kind];
}
