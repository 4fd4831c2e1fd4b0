/* SPDX-License-Identifier: Apache-2.0 */
/* Applies the ops of a batch to the writer's connection, inside its transaction. */
#include "store/store_private.h"

enum write_statement {
    W_BEGIN,
    W_COMMIT,
    W_ROLLBACK,
    W_SAVEPOINT,
    W_RELEASE,
    W_UNDO,
    W_INSERT_ACCOUNT,
    W_UPDATE_ACCOUNT,
    W_HAS_ACCOUNT,
    W_DELETE_ACCOUNT,
    W_PUT_SECRET,
    W_DELETE_SECRETS,
    W_PUT_CREDENTIAL,
    W_PROVE_CREDENTIAL,
    W_DELETE_CREDENTIAL,
    W_RESEAL_SECRET,
    W_SET_GRANT,
    W_RENEW_GRANT,
    W_LEASE_GRANT,
    W_RELEASE_GRANT,
    W_RELEASE_ALL_GRANTS,
    W_HAS_GRANT,
    W_DELETE_GRANT,
    W_INSERT_SERVER,
    W_UPDATE_SERVER,
    W_HAS_SERVER,
    W_DELETE_SERVER,
    W_INSERT_URL_TOKEN,
    W_INSERT_SERVER_TOKEN,
    W_EXPIRE_URL_TOKENS,
    W_EXPIRE_SERVER_TOKENS,
    W_RETIRE_URL_TOKENS,
    W_RETIRE_SERVER_TOKENS,
    W_INSERT_API_TOKEN,
    W_DELETE_API_TOKEN,
    W_PUT_TENANT,
    W_PUT_LANE,
    W_PUT_ENVIRONMENT,
    W_DELETE_ENVIRONMENT,
    W_PURGE_URL_TOKENS,
    W_PURGE_SERVER_TOKENS,
    W_PURGE_SERVERS,
    W_PURGE_API_TOKENS,
    W_INSERT_CONNECT_SESSION,
    W_UPDATE_CONNECT_SESSION,
    W_HAS_CONNECT_SESSION,
    W_PURGE_CONNECT_SESSIONS,
    W_COUNT
};

static const char *const sql[W_COUNT] = {
    [W_BEGIN] = "BEGIN IMMEDIATE",
    [W_COMMIT] = "COMMIT",
    [W_ROLLBACK] = "ROLLBACK",
    [W_SAVEPOINT] = "SAVEPOINT batch",
    [W_RELEASE] = "RELEASE batch",
    [W_UNDO] = "ROLLBACK TO batch",
    [W_INSERT_ACCOUNT] =
        "INSERT INTO account (id, tenant, integration, name, environment, lane, state,"
        " cause, scheme, connection, auth, governor, overrides, reauth_url, proven,"
        " updated_ms, named, created_ms, version)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
        " ?16, ?17, ?18, 1)",
    [W_UPDATE_ACCOUNT] =
        "UPDATE account SET tenant = ?2, integration = ?3, name = ?4, environment = ?5,"
        " lane = ?6, state = ?7, cause = ?8, scheme = ?9, connection = ?10, auth = ?11,"
        " governor = ?12, overrides = ?13, reauth_url = ?14, proven = ?15,"
        " updated_ms = ?16, named = ?17, version = version + 1"
        " WHERE id = ?1 AND (?18 = 0 OR version = ?18)",
    [W_HAS_ACCOUNT] = "SELECT 1 FROM account WHERE id = ?1",
    [W_DELETE_ACCOUNT] = "DELETE FROM account WHERE id = ?1",
    [W_PUT_SECRET] =
        "INSERT INTO secret (account, field, key_id, sealed) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (account, field) DO UPDATE SET key_id = ?3, sealed = ?4",
    [W_DELETE_SECRETS] = "DELETE FROM secret WHERE account = ?1 AND CASE ?2 WHEN ''"
                         " THEN instr(field, '.') = 0"
                         " ELSE substr(field, 1, length(?2)) = ?2 END",
    [W_PUT_CREDENTIAL] =
        "INSERT INTO credential (account, scheme, auth, named, proven)"
        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (account, scheme) DO UPDATE"
        " SET auth = ?3, named = ?4, proven = ?5",
    [W_PROVE_CREDENTIAL] =
        "UPDATE credential SET proven = ?3 WHERE account = ?1 AND scheme = ?2",
    [W_DELETE_CREDENTIAL] = "DELETE FROM credential WHERE account = ?1 AND scheme = ?2",
    [W_SET_GRANT] =
        "INSERT INTO oauth_grant (account, access_ends_ms, grant_ends_ms, version,"
        " lease_holder, lease_ends_ms) VALUES (?1, ?2, ?3, 1, '', 0)"
        " ON CONFLICT (account) DO UPDATE SET access_ends_ms = ?2, grant_ends_ms = ?3,"
        " warned = 0, version = version + 1, lease_holder = '', lease_ends_ms = 0",
    [W_RENEW_GRANT] = "UPDATE oauth_grant SET access_ends_ms = ?2, grant_ends_ms = ?3,"
                      " version = version + 1, lease_holder = '', lease_ends_ms = 0"
                      " WHERE account = ?1 AND version = ?4",
    [W_LEASE_GRANT] =
        "UPDATE oauth_grant SET lease_holder = ?2, lease_ends_ms = ?3"
        " WHERE account = ?1 AND (lease_ends_ms <= ?4 OR lease_holder = ?2"
        " OR lease_ends_ms > ?3 + (?3 - ?4))", /* the clock was set back */
    [W_RELEASE_GRANT] = "UPDATE oauth_grant SET lease_holder = '', lease_ends_ms = 0"
                        " WHERE account = ?1 AND lease_holder = ?2",
    [W_RELEASE_ALL_GRANTS] = "UPDATE oauth_grant SET lease_holder = '',"
                             " lease_ends_ms = 0 WHERE lease_ends_ms > 0",
    [W_HAS_GRANT] = "SELECT 1 FROM oauth_grant WHERE account = ?1",
    [W_DELETE_GRANT] = "DELETE FROM oauth_grant WHERE account = ?1",
    [W_RESEAL_SECRET] = "UPDATE secret SET key_id = ?5, sealed = ?6 WHERE account = ?1"
                        " AND field = ?2 AND key_id = ?3 AND sealed = ?4",
    [W_INSERT_SERVER] =
        "INSERT INTO server (id, account, name, config, expires_ms, updated_ms,"
        " created_ms, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)",
    [W_UPDATE_SERVER] =
        "UPDATE server SET account = ?2, name = ?3, config = ?4, expires_ms = ?5,"
        " updated_ms = ?6, version = version + 1"
        " WHERE id = ?1 AND (?7 = 0 OR version = ?7)",
    [W_HAS_SERVER] = "SELECT 1 FROM server WHERE id = ?1",
    [W_DELETE_SERVER] = "DELETE FROM server WHERE id = ?1",
    [W_INSERT_URL_TOKEN] =
        "INSERT INTO url_token (hash, server, expires_ms) VALUES (?1, ?2, ?3)",
    [W_INSERT_SERVER_TOKEN] =
        "INSERT INTO server_token (hash, server, expires_ms) VALUES (?1, ?2, ?3)",
    [W_EXPIRE_URL_TOKENS] =
        "UPDATE url_token SET expires_ms = ?2 WHERE server = ?1 AND retired = 0",
    [W_EXPIRE_SERVER_TOKENS] =
        "UPDATE server_token SET expires_ms = ?2 WHERE server = ?1 AND retired = 0",
    [W_RETIRE_URL_TOKENS] =
        "UPDATE url_token SET retired = 1, expires_ms = CASE"
        " WHEN expires_ms = 0 OR expires_ms > ?2 THEN ?2 ELSE expires_ms END"
        " WHERE server = ?1",
    [W_RETIRE_SERVER_TOKENS] =
        "UPDATE server_token SET retired = 1, expires_ms = CASE"
        " WHEN expires_ms = 0 OR expires_ms > ?2 THEN ?2 ELSE expires_ms END"
        " WHERE server = ?1",
    [W_INSERT_API_TOKEN] =
        "INSERT INTO api_token (id, hash, name, role, tenant, expires_ms, created_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [W_DELETE_API_TOKEN] = "DELETE FROM api_token WHERE id = ?1",
    [W_PUT_TENANT] = "INSERT INTO tenant (id, ceiling) VALUES (?1, ?2)"
                     " ON CONFLICT (id) DO UPDATE SET ceiling = ?2",
    [W_PUT_LANE] = "INSERT INTO lane (id, ceiling, reserve) SELECT ?1, ?2, ?3 WHERE"
                   " ifnull((SELECT ceiling FROM lane WHERE id = ?1), 0) = ?4 AND"
                   " ifnull((SELECT reserve FROM lane WHERE id = ?1), '') = ?5"
                   " ON CONFLICT (id) DO UPDATE SET ceiling = ?2, reserve = ?3",
    [W_PUT_ENVIRONMENT] =
        "INSERT INTO environment (id, overrides, updated_ms, reauth_url, version)"
        " VALUES (?1, ?2, ?3, ?4, 1) ON CONFLICT (id) DO UPDATE SET overrides = ?2,"
        " updated_ms = ?3, reauth_url = ?4, version = version + 1",
    [W_DELETE_ENVIRONMENT] = "DELETE FROM environment WHERE id = ?1",
    [W_PURGE_URL_TOKENS] =
        "DELETE FROM url_token WHERE expires_ms > 0 AND expires_ms < ?1",
    [W_PURGE_SERVER_TOKENS] =
        "DELETE FROM server_token WHERE expires_ms > 0 AND expires_ms < ?1",
    [W_PURGE_SERVERS] =
        "DELETE FROM server WHERE NOT EXISTS"
        " (SELECT 1 FROM server_token WHERE server_token.server = server.id)",
    [W_PURGE_API_TOKENS] =
        "DELETE FROM api_token WHERE expires_ms > 0 AND expires_ms < ?1",
    [W_INSERT_CONNECT_SESSION] =
        "INSERT INTO connect_session (id, hash, tenant, integration, environment,"
        " return_url, created_ms, expires_ms, account, state, cause, browser, consent,"
        " sealed, tries, acknowledged, version) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
        " ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, 1"
        " WHERE (SELECT count(*) FROM connect_session"
        " WHERE tenant = ?3 AND expires_ms > ?17 AND state <> 'connected') < ?18",
    [W_UPDATE_CONNECT_SESSION] =
        "UPDATE connect_session SET account = ?9, state = ?10, cause = ?11,"
        " browser = ?12, consent = ?13, sealed = ?14, tries = ?15, acknowledged = ?16,"
        " version = version + 1 WHERE id = ?1 AND version = ?17",
    [W_HAS_CONNECT_SESSION] = "SELECT 1 FROM connect_session WHERE id = ?1",
    [W_PURGE_CONNECT_SESSIONS] =
        "DELETE FROM connect_session WHERE expires_ms < ?1 - 86400000",
};

enum err apply_prepare(struct db *db)
{
    enum err err = db_prepare(db, 0, sql, W_COUNT);
    if (err == ERR_OK) {
        err = outbox_prepare(db);
    }
    return err == ERR_OK ? trials_prepare(db) : err;
}

static enum err run(struct db *db, enum write_statement which)
{
    return db_run(db, db->statements[which]);
}

enum err apply_begin(struct db *db)
{
    return run(db, W_BEGIN);
}

enum err apply_commit(struct db *db)
{
    return run(db, W_COMMIT);
}

void apply_rollback(struct db *db)
{
    /* Some failures end the transaction by themselves. */
    if (sqlite3_get_autocommit(db->handle) == 0) {
        enum err err = run(db, W_ROLLBACK);
        (void)err; /* logged; the next BEGIN says so too */
    }
}

enum err apply_savepoint(struct db *db)
{
    return run(db, W_SAVEPOINT);
}

enum err apply_release(struct db *db)
{
    return run(db, W_RELEASE);
}

enum err apply_undo_savepoint(struct db *db)
{
    enum err err = run(db, W_UNDO);

    return err == ERR_OK ? run(db, W_RELEASE) : err;
}

static enum err run_id(struct db *db, enum write_statement which, struct slice id)
{
    db_bind_text(db->statements[which], 1, id);
    return run(db, which);
}

/* ERR_NOT_FOUND when no row was there. */
static enum err delete_one(struct db *db, enum write_statement which, struct slice id)
{
    enum err err = run_id(db, which, id);

    if (err == ERR_OK && sqlite3_changes(db->handle) == 0) {
        return ERR_NOT_FOUND;
    }
    return err;
}

/* ERR_NOT_FOUND when there is no such record. */
static enum err has(struct db *db, enum write_statement which, struct slice id)
{
    sqlite3_stmt *statement = db->statements[which];

    db_bind_text(statement, 1, id);
    int code = sqlite3_step(statement);
    db_reset(statement);
    return code == SQLITE_DONE ? ERR_NOT_FOUND : db_err(db, code);
}

/* After an update: no row means another version, or that there is no such record. */
static enum err explain_update(struct db *db, enum write_statement which,
                               struct slice id)
{
    if (sqlite3_changes(db->handle) > 0) {
        return ERR_OK;
    }
    enum err err = has(db, which, id);
    return err == ERR_OK ? ERR_CONFLICT : err;
}

static void bind_account(sqlite3_stmt *statement, const struct store_account *account)
{
    const struct slice texts[] = {
        account->id,         account->tenant,      account->integration,
        account->name,       account->environment, account->lane,
        account->state,      account->cause,       account->scheme,
        account->connection, account->auth,        account->governor,
        account->overrides,  account->reauth_url,
    };
    int index = 1;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        db_bind_text(statement, index++, texts[i]);
    }
    db_bind_int(statement, index++, account->proven ? 1 : 0);
    db_bind_int(statement, index++, account->updated_ms);
    db_bind_int(statement, index, account->named ? 1 : 0);
}

static enum err insert_account(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = db->statements[W_INSERT_ACCOUNT];

    bind_account(statement, &op->account);
    db_bind_int(statement, 18, op->account.created_ms);
    return db_run(db, statement);
}

static enum err update_account(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = db->statements[W_UPDATE_ACCOUNT];

    bind_account(statement, &op->account);
    db_bind_int(statement, 18, op->number);
    enum err err = db_run(db, statement);
    return err == ERR_OK ? explain_update(db, W_HAS_ACCOUNT, op->account.id) : err;
}

static enum err delete_account(struct db *db, const struct store_op *op)
{
    return delete_one(db, W_DELETE_ACCOUNT, op->id);
}

static enum err put_secret(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = db->statements[W_PUT_SECRET];

    db_bind_text(statement, 1, op->secret.account);
    db_bind_text(statement, 2, op->secret.field);
    db_bind_text(statement, 3, op->secret.key_id);
    db_bind_blob(statement, 4, op->secret.sealed);
    return db_run(db, statement);
}

static enum err reseal_secret(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = db->statements[W_RESEAL_SECRET];

    db_bind_text(statement, 1, op->reseal.before.account);
    db_bind_text(statement, 2, op->reseal.before.field);
    db_bind_text(statement, 3, op->reseal.before.key_id);
    db_bind_blob(statement, 4, op->reseal.before.sealed);
    db_bind_text(statement, 5, op->reseal.after.key_id);
    db_bind_blob(statement, 6, op->reseal.after.sealed);
    return db_run(db, statement);
}

static enum err delete_secrets(struct db *db, const struct store_op *op)
{
    db_bind_text(db->statements[W_DELETE_SECRETS], 2, op->secret.field);
    return run_id(db, W_DELETE_SECRETS, op->secret.account);
}

static enum err put_credential(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = db->statements[W_PUT_CREDENTIAL];

    db_bind_text(statement, 2, op->credential.scheme);
    db_bind_text(statement, 3, op->credential.auth);
    db_bind_int(statement, 4, op->credential.named ? 1 : 0);
    db_bind_int(statement, 5, op->credential.proven ? 1 : 0);
    return run_id(db, W_PUT_CREDENTIAL, op->credential.account);
}

static enum err prove_credential(struct db *db, const struct store_op *op)
{
    db_bind_text(db->statements[W_PROVE_CREDENTIAL], 2, op->credential.scheme);
    db_bind_int(db->statements[W_PROVE_CREDENTIAL], 3, op->credential.proven ? 1 : 0);
    return run_id(db, W_PROVE_CREDENTIAL, op->credential.account);
}

static enum err delete_credential(struct db *db, const struct store_op *op)
{
    db_bind_text(db->statements[W_DELETE_CREDENTIAL], 2, op->credential.scheme);
    return run_id(db, W_DELETE_CREDENTIAL, op->credential.account);
}

static enum err delete_grant(struct db *db, const struct store_op *op)
{
    return run_id(db, W_DELETE_GRANT, op->id);
}

static enum err put_grant(struct db *db, const struct store_op *op)
{
    bool is_first = op->number == 0;
    sqlite3_stmt *statement = db->statements[is_first ? W_SET_GRANT : W_RENEW_GRANT];

    db_bind_text(statement, 1, op->grant.account);
    db_bind_int(statement, 2, op->grant.access_ends_ms);
    db_bind_int(statement, 3, op->grant.grant_ends_ms);
    if (is_first) {
        return db_run(db, statement);
    }
    db_bind_int(statement, 4, op->number);
    enum err err = db_run(db, statement);
    return err == ERR_OK ? explain_update(db, W_HAS_GRANT, op->grant.account) : err;
}

static enum err lease_grant(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = db->statements[W_LEASE_GRANT];

    db_bind_text(statement, 1, op->grant.account);
    db_bind_text(statement, 2, op->grant.lease_holder);
    db_bind_int(statement, 3, op->grant.lease_ends_ms);
    db_bind_int(statement, 4, op->number);
    enum err err = db_run(db, statement);
    return err == ERR_OK ? explain_update(db, W_HAS_GRANT, op->grant.account) : err;
}

static enum err release_grant(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = db->statements[W_RELEASE_GRANT];

    db_bind_text(statement, 1, op->grant.account);
    db_bind_text(statement, 2, op->grant.lease_holder);
    return db_run(db, statement);
}

static enum err release_all_grants(struct db *db, const struct store_op *op)
{
    (void)op;
    return run(db, W_RELEASE_ALL_GRANTS);
}

static void bind_server(sqlite3_stmt *statement, const struct store_server *server)
{
    db_bind_text(statement, 1, server->id);
    db_bind_text(statement, 2, server->account);
    db_bind_text(statement, 3, server->name);
    db_bind_text(statement, 4, server->config);
    db_bind_int(statement, 5, server->expires_ms);
    db_bind_int(statement, 6, server->updated_ms);
}

static enum err insert_server(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = db->statements[W_INSERT_SERVER];

    bind_server(statement, &op->server);
    db_bind_int(statement, 7, op->server.created_ms);
    return db_run(db, statement);
}

static enum err update_server(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = db->statements[W_UPDATE_SERVER];

    bind_server(statement, &op->server);
    db_bind_int(statement, 7, op->number);
    enum err err = db_run(db, statement);
    return err == ERR_OK ? explain_update(db, W_HAS_SERVER, op->server.id) : err;
}

static enum err delete_server(struct db *db, const struct store_op *op)
{
    return delete_one(db, W_DELETE_SERVER, op->id);
}

static enum err insert_entry(struct db *db, enum write_statement which,
                             const struct store_url_token *token)
{
    sqlite3_stmt *statement = db->statements[which];

    db_bind_blob(statement, 1, token->hash);
    db_bind_text(statement, 2, token->server);
    db_bind_int(statement, 3, token->expires_ms);
    return db_run(db, statement);
}

static enum err insert_url_token(struct db *db, const struct store_op *op)
{
    enum err err = insert_entry(db, W_INSERT_URL_TOKEN, &op->url_token);

    return err == ERR_OK ? insert_entry(db, W_INSERT_SERVER_TOKEN, &op->url_token)
                         : err;
}

static enum err run_id_number(struct db *db, enum write_statement which,
                              struct slice id, int64_t number)
{
    db_bind_int(db->statements[which], 2, number);
    return run_id(db, which, id);
}

static enum err expire_url_tokens(struct db *db, const struct store_op *op)
{
    enum err err = run_id_number(db, W_EXPIRE_URL_TOKENS, op->id, op->number);

    return err == ERR_OK ? run_id_number(db, W_EXPIRE_SERVER_TOKENS, op->id, op->number)
                         : err;
}

static enum err retire_url_tokens(struct db *db, const struct store_op *op)
{
    enum err err = run_id_number(db, W_RETIRE_URL_TOKENS, op->id, op->number);

    return err == ERR_OK ? run_id_number(db, W_RETIRE_SERVER_TOKENS, op->id, op->number)
                         : err;
}

static enum err insert_api_token(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = db->statements[W_INSERT_API_TOKEN];

    db_bind_text(statement, 1, op->api_token.id);
    db_bind_blob(statement, 2, op->api_token.hash);
    db_bind_text(statement, 3, op->api_token.name);
    db_bind_text(statement, 4, op->api_token.role);
    db_bind_text(statement, 5, op->api_token.tenant);
    db_bind_int(statement, 6, op->api_token.expires_ms);
    db_bind_int(statement, 7, op->api_token.created_ms);
    return db_run(db, statement);
}

static enum err delete_api_token(struct db *db, const struct store_op *op)
{
    return delete_one(db, W_DELETE_API_TOKEN, op->id);
}

static enum err put_tenant(struct db *db, const struct store_op *op)
{
    return run_id_number(db, W_PUT_TENANT, op->tenant.id, op->tenant.ceiling);
}

static enum err put_lane(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = db->statements[W_PUT_LANE];
    const struct store_lane *before = &op->lane.before, *after = &op->lane.after;

    db_bind_text(statement, 1, after->id);
    db_bind_int(statement, 2, after->ceiling);
    db_bind_text(statement, 3, after->reserve);
    db_bind_int(statement, 4, before->ceiling);
    db_bind_text(statement, 5, before->reserve);
    enum err err = db_run(db, statement);
    return err == ERR_OK && sqlite3_changes(db->handle) == 0 ? ERR_CONFLICT : err;
}

static enum err put_environment(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = db->statements[W_PUT_ENVIRONMENT];

    db_bind_text(statement, 1, op->environment.id);
    db_bind_text(statement, 2, op->environment.overrides);
    db_bind_int(statement, 3, op->environment.updated_ms);
    db_bind_text(statement, 4, op->environment.reauth_url);
    return db_run(db, statement);
}

static enum err delete_environment(struct db *db, const struct store_op *op)
{
    return run_id(db, W_DELETE_ENVIRONMENT, op->id);
}

static void bind_connect(sqlite3_stmt *statement,
                         const struct store_connect_session *session)
{
    db_bind_text(statement, 1, session->id);
    db_bind_text(statement, 9, session->account);
    db_bind_text(statement, 10, session->state);
    db_bind_text(statement, 11, session->cause);
    db_bind_blob(statement, 12, session->browser);
    db_bind_blob(statement, 13, session->consent);
    db_bind_text(statement, 14, session->sealed);
    db_bind_int(statement, 15, session->tries);
    db_bind_int(statement, 16, session->acknowledged);
}

static enum err insert_connect(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = db->statements[W_INSERT_CONNECT_SESSION];
    const struct store_connect_session *session = &op->connect.session;

    bind_connect(statement, session);
    db_bind_blob(statement, 2, session->hash);
    db_bind_text(statement, 3, session->tenant);
    db_bind_text(statement, 4, session->integration);
    db_bind_text(statement, 5, session->environment);
    db_bind_text(statement, 6, session->return_url);
    db_bind_int(statement, 7, session->created_ms);
    db_bind_int(statement, 8, session->expires_ms);
    db_bind_int(statement, 17, op->number);
    db_bind_int(statement, 18, op->connect.most);
    enum err err = db_run(db, statement);
    return err == ERR_OK && sqlite3_changes(db->handle) == 0 ? ERR_CONFLICT : err;
}

static enum err update_connect(struct db *db, const struct store_op *op)
{
    sqlite3_stmt *statement = db->statements[W_UPDATE_CONNECT_SESSION];
    const struct store_connect_session *session = &op->connect.session;

    bind_connect(statement, session);
    db_bind_int(statement, 17, session->version);
    enum err err = db_run(db, statement);
    return err == ERR_OK ? explain_update(db, W_HAS_CONNECT_SESSION, session->id) : err;
}

static enum err purge_expired(struct db *db, const struct store_op *op)
{
    static const enum write_statement bounded[] = {
        W_PURGE_URL_TOKENS, W_PURGE_SERVER_TOKENS, W_PURGE_API_TOKENS,
        W_PURGE_CONNECT_SESSIONS};

    for (size_t i = 0; i < sizeof bounded / sizeof bounded[0]; i++) {
        db_bind_int(db->statements[bounded[i]], 1, op->number);
        enum err err = run(db, bounded[i]);
        if (err != ERR_OK) {
            return err;
        }
    }
    enum err err = trials_purge(db, op->number);
    return err == ERR_OK ? run(db, W_PURGE_SERVERS) : err;
}

static const apply_fn verbs[OP_KIND_COUNT] = {
    [OP_INSERT_ACCOUNT] = insert_account,
    [OP_UPDATE_ACCOUNT] = update_account,
    [OP_DELETE_ACCOUNT] = delete_account,
    [OP_PUT_SECRET] = put_secret,
    [OP_DELETE_SECRETS] = delete_secrets,
    [OP_PUT_CREDENTIAL] = put_credential,
    [OP_PROVE_CREDENTIAL] = prove_credential,
    [OP_DELETE_CREDENTIAL] = delete_credential,
    [OP_DELETE_GRANT] = delete_grant,
    [OP_RESEAL_SECRET] = reseal_secret,
    [OP_PUT_GRANT] = put_grant,
    [OP_LEASE_GRANT] = lease_grant,
    [OP_RELEASE_GRANT] = release_grant,
    [OP_RELEASE_ALL_GRANTS] = release_all_grants,
    [OP_INSERT_SERVER] = insert_server,
    [OP_UPDATE_SERVER] = update_server,
    [OP_DELETE_SERVER] = delete_server,
    [OP_INSERT_URL_TOKEN] = insert_url_token,
    [OP_EXPIRE_URL_TOKENS] = expire_url_tokens,
    [OP_RETIRE_URL_TOKENS] = retire_url_tokens,
    [OP_INSERT_API_TOKEN] = insert_api_token,
    [OP_DELETE_API_TOKEN] = delete_api_token,
    [OP_PUT_TENANT] = put_tenant,
    [OP_PUT_LANE] = put_lane,
    [OP_PUT_ENVIRONMENT] = put_environment,
    [OP_DELETE_ENVIRONMENT] = delete_environment,
    [OP_INSERT_CONNECT_SESSION] = insert_connect,
    [OP_UPDATE_CONNECT_SESSION] = update_connect,
    [OP_PURGE_EXPIRED] = purge_expired,
};

enum err apply_batch(struct db *db, const struct store_batch *batch)
{
    for (const struct store_op *op = batch->first; op != NULL; op = op->next) {
        apply_fn verb = outbox_verb(op->kind);
        verb = verb != NULL ? verb : trials_verb(op->kind);
        verb = verb != NULL ? verb : verbs[op->kind];
        enum err err = verb(db, op);
        if (err != ERR_OK) {
            return err;
        }
    }
    return ERR_OK;
}
