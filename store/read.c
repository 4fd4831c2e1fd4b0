/* SPDX-License-Identifier: Apache-2.0 */
/* The reads: a statement each on the loop's connection, and how a row of it is copied. */
#include "store/store_private.h"

enum read_statement {
    R_CHECK,
    R_SERVER,
    R_SERVERS,
    R_SERVER_BY_TOKEN,
    R_API_TOKEN_BY_HASH,
    R_API_TOKENS,
    R_API_TOKENS_OF_TENANT,
    R_TENANT,
    R_TENANTS,
    R_LANE,
    R_LANES,
    R_ENVIRONMENT,
    R_ENVIRONMENTS,
    R_CREDENTIALS,
    R_SECRETS,
    R_PAGE_OF_SECRETS,
    R_KEY_USES,
    R_GRANT,
    R_GRANTS,
    R_CONNECT_SESSION,
    R_CONNECT_SESSION_BY_LINK,
    R_CONNECT_SESSION_BY_CONSENT,
    R_COUNT
};

#define SERVER_COLUMNS                                                           \
    " s.id, s.account, s.name, s.config, s.expires_ms, s.version, s.created_ms," \
    " s.updated_ms "
#define SERVER "SELECT" SERVER_COLUMNS "FROM server s"
#define API_TOKEN \
    "SELECT id, hash, name, role, tenant, expires_ms, created_ms FROM api_token"

#define GRANT                                                                \
    "SELECT account, version, access_ends_ms, grant_ends_ms, lease_holder, " \
    "lease_ends_ms FROM oauth_grant"
#define CONNECT_SESSION                                                              \
    "SELECT id, hash, tenant, integration, environment, account, return_url, state," \
    " cause, browser, consent, sealed, tries, version, created_ms, expires_ms,"      \
    " acknowledged FROM connect_session"
#define ENVIRONMENT \
    "SELECT id, overrides, version, updated_ms, reauth_url FROM environment"

static const char *const sql[R_COUNT] = {
    [R_CHECK] = "SELECT count(*) FROM (SELECT 1 FROM account LIMIT 1)",
    [R_SERVER] = SERVER " WHERE s.id = ?1",
    [R_SERVERS] = SERVER " WHERE s.account = ?3 AND s.id > ?1 ORDER BY s.id LIMIT ?2",
    /*
     * What it has found changes with a new stamp of url_reach alone (step 13 of schema.c).
     * Three searches, whatever the hash: where there is no token, or one that ended,
     * the search goes on for the empty id, which no record has. Always one row; its id
     * is NULL when there is no such server.
     */
    [R_SERVER_BY_TOKEN] =
        "SELECT" SERVER_COLUMNS ", CASE t.retired WHEN 1 THEN t.expires_ms ELSE 0 END,"
        " t.expires_ms, r.expires_ms"
        " FROM (SELECT ?1 AS hash) q"
        " LEFT JOIN url_token t ON t.hash = q.hash"
        " LEFT JOIN server_token r"
        "  ON r.server = ifnull(t.server, '') AND r.hash = q.hash"
        " LEFT JOIN server s ON (s.expires_ms = 0 OR s.expires_ms > ?2)"
        "  AND s.id = CASE WHEN (t.expires_ms = 0 OR t.expires_ms > ?2)"
        "   AND (r.expires_ms = 0 OR r.expires_ms > ?2) THEN t.server ELSE '' END",
    [R_API_TOKEN_BY_HASH] =
        (API_TOKEN " WHERE hash = ?1 AND (expires_ms = 0 OR expires_ms > ?2)"),
    [R_API_TOKENS] = API_TOKEN " WHERE id > ?1 ORDER BY id LIMIT ?2",
    [R_API_TOKENS_OF_TENANT] =
        API_TOKEN " WHERE tenant = ?3 AND id > ?1 ORDER BY id LIMIT ?2",
    [R_TENANT] = "SELECT id, ceiling FROM tenant WHERE id = ?1",
    [R_TENANTS] = "SELECT id, ceiling FROM tenant ORDER BY id",
    [R_LANE] = "SELECT id, ceiling, reserve FROM lane WHERE id = ?1",
    [R_LANES] = "SELECT id, ceiling, reserve FROM lane ORDER BY id",
    [R_ENVIRONMENT] = ENVIRONMENT " WHERE id = ?1",
    [R_ENVIRONMENTS] = ENVIRONMENT " WHERE id > ?1 ORDER BY id LIMIT ?2",
    [R_CREDENTIALS] = "SELECT account, scheme, auth, named, proven FROM credential"
                      " WHERE account = ?1 ORDER BY scheme",
    [R_SECRETS] = "SELECT account, field, key_id, sealed FROM secret"
                  " WHERE account = ?1 ORDER BY field",
    [R_PAGE_OF_SECRETS] = "SELECT account, field, key_id, sealed FROM secret"
                          " WHERE (account, field) > (?1, ?3)"
                          " ORDER BY account, field LIMIT ?2",
    [R_KEY_USES] = "SELECT key_id, count(*), count(DISTINCT account) FROM secret"
                   " GROUP BY key_id ORDER BY key_id",
    [R_CONNECT_SESSION] = CONNECT_SESSION " WHERE id = ?1",
    [R_CONNECT_SESSION_BY_LINK] = CONNECT_SESSION " WHERE hash = ?1",
    [R_CONNECT_SESSION_BY_CONSENT] =
        CONNECT_SESSION " WHERE consent = ?1 AND length(consent) > 0",
    [R_GRANT] = GRANT " WHERE account = ?1",
    [R_GRANTS] = GRANT " WHERE account > ?1 ORDER BY account LIMIT ?2",
};

enum err read_prepare(struct db *db)
{
    return db_prepare(db, 0, sql, R_COUNT);
}

/* ---- Rows ---- */

void read_row_server(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_server *server = out;

    server->id = db_text(row, 0, arena);
    server->account = db_text(row, 1, arena);
    server->name = db_text(row, 2, arena);
    server->config = db_text(row, 3, arena);
    server->expires_ms = sqlite3_column_int64(row, 4);
    server->version = sqlite3_column_int64(row, 5);
    server->created_ms = sqlite3_column_int64(row, 6);
    server->updated_ms = sqlite3_column_int64(row, 7);
    server->token_ends_ms = 0;
}

/* 0 stands for no end. */
static int64_t first_end(int64_t one, int64_t other)
{
    return one == 0 || (other != 0 && other < one) ? other : one;
}

static void row_found_server(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct found_server *found = out;

    read_row_server(row, arena, &found->server);
    found->server.token_ends_ms = sqlite3_column_int64(row, 8);
    found->ends_ms =
        first_end(found->server.expires_ms, first_end(sqlite3_column_int64(row, 9),
                                                      sqlite3_column_int64(row, 10)));
}

static void row_api_token(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_api_token *token = out;

    token->id = db_text(row, 0, arena);
    token->hash = db_blob(row, 1, arena);
    token->name = db_text(row, 2, arena);
    token->role = db_text(row, 3, arena);
    token->tenant = db_text(row, 4, arena);
    token->expires_ms = sqlite3_column_int64(row, 5);
    token->created_ms = sqlite3_column_int64(row, 6);
}

static void row_tenant(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_tenant *tenant = out;

    tenant->id = db_text(row, 0, arena);
    tenant->ceiling = sqlite3_column_int(row, 1);
}

static void row_lane(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_lane *lane = out;

    lane->id = db_text(row, 0, arena);
    lane->ceiling = sqlite3_column_int(row, 1);
    lane->reserve = db_text(row, 2, arena);
}

static void row_environment(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_environment *environment = out;

    environment->id = db_text(row, 0, arena);
    environment->overrides = db_text(row, 1, arena);
    environment->version = sqlite3_column_int64(row, 2);
    environment->updated_ms = sqlite3_column_int64(row, 3);
    environment->reauth_url = db_text(row, 4, arena);
}

static void row_credential(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_credential *credential = out;

    credential->account = db_text(row, 0, arena);
    credential->scheme = db_text(row, 1, arena);
    credential->auth = db_text(row, 2, arena);
    credential->named = sqlite3_column_int(row, 3) != 0;
    credential->proven = sqlite3_column_int(row, 4) != 0;
}

static void row_secret(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_secret *secret = out;

    secret->account = db_text(row, 0, arena);
    secret->field = db_text(row, 1, arena);
    secret->key_id = db_text(row, 2, arena);
    secret->sealed = db_blob(row, 3, arena);
}

void read_row_grant(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_grant *grant = out;

    grant->account = db_text(row, 0, arena);
    grant->version = sqlite3_column_int64(row, 1);
    grant->access_ends_ms = sqlite3_column_int64(row, 2);
    grant->grant_ends_ms = sqlite3_column_int64(row, 3);
    grant->lease_holder = db_text(row, 4, arena);
    grant->lease_ends_ms = sqlite3_column_int64(row, 5);
}

static void row_connect_session(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_connect_session *session = out;

    session->id = db_text(row, 0, arena);
    session->hash = db_blob(row, 1, arena);
    session->tenant = db_text(row, 2, arena);
    session->integration = db_text(row, 3, arena);
    session->environment = db_text(row, 4, arena);
    session->account = db_text(row, 5, arena);
    session->return_url = db_text(row, 6, arena);
    session->state = db_text(row, 7, arena);
    session->cause = db_text(row, 8, arena);
    session->browser = db_blob(row, 9, arena);
    session->consent = db_blob(row, 10, arena);
    session->sealed = db_text(row, 11, arena);
    session->tries = sqlite3_column_int(row, 12);
    session->version = sqlite3_column_int64(row, 13);
    session->created_ms = sqlite3_column_int64(row, 14);
    session->expires_ms = sqlite3_column_int64(row, 15);
    session->acknowledged = sqlite3_column_int(row, 16) != 0;
}

static void row_key_use(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_key_use *use = out;

    use->key_id = db_text(row, 0, arena);
    use->secrets = sqlite3_column_int64(row, 1);
    use->accounts = sqlite3_column_int64(row, 2);
}

/* ---- The verbs ---- */

enum err read_check(struct store *store)
{
    return db_run(&store->reader, read_statement(store, R_CHECK));
}

enum err store_get_server(struct store *store, struct slice id, struct arena *arena,
                          struct store_server *out)
{
    sqlite3_stmt *statement = read_statement(store, R_SERVER);

    db_bind_text(statement, 1, id);
    return read_one(&store->reader, statement, arena, read_row_server, out);
}

enum err store_list_servers(struct store *store, struct slice account,
                            struct slice after, size_t limit, struct arena *arena,
                            struct store_server **out, size_t *count)
{
    sqlite3_stmt *statement = read_statement(store, R_SERVERS);
    struct rows rows = {.item_bytes = sizeof **out, .copy = read_row_server};

    read_bind_page(statement, after, limit);
    db_bind_text(statement, 3, account);
    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_find_server(struct store *store, struct slice hash, int64_t now_ms,
                           struct arena *arena, struct store_server *out)
{
    sqlite3_stmt *statement = read_statement(store, R_SERVER_BY_TOKEN);
    int64_t stamp = store->has_snapshot ? store->stamp : 0;
    struct found_server found;

    if (stamp != 0 && found_get(store->found, stamp, hash, now_ms, arena, out)) {
        out->token_hash = hash;
        return ERR_OK;
    }
    db_bind_blob(statement, 1, hash);
    db_bind_int(statement, 2, now_ms);
    enum err err = read_one(&store->reader, statement, arena, row_found_server, &found);
    if (err == ERR_OK) {
        *out = found.server;
        out->token_hash = hash;
        if (stamp != 0) {
            found_put(store->found, stamp, hash, &found);
        }
    }
    return err;
}

enum err store_find_api_token(struct store *store, struct slice hash, int64_t now_ms,
                              struct arena *arena, struct store_api_token *out)
{
    sqlite3_stmt *statement = read_statement(store, R_API_TOKEN_BY_HASH);

    db_bind_blob(statement, 1, hash);
    db_bind_int(statement, 2, now_ms);
    return read_one(&store->reader, statement, arena, row_api_token, out);
}

enum err store_list_api_tokens(struct store *store, struct slice tenant,
                               struct slice after, size_t limit, struct arena *arena,
                               struct store_api_token **out, size_t *count)
{
    sqlite3_stmt *statement = read_tenant_page(
        store, R_API_TOKENS, R_API_TOKENS_OF_TENANT, tenant, after, limit);
    struct rows rows = {.item_bytes = sizeof **out, .copy = row_api_token};

    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_get_tenant(struct store *store, struct slice id, struct arena *arena,
                          struct store_tenant *out)
{
    sqlite3_stmt *statement = read_statement(store, R_TENANT);

    db_bind_text(statement, 1, id);
    return read_one(&store->reader, statement, arena, row_tenant, out);
}

enum err store_list_tenants(struct store *store, struct arena *arena,
                            struct store_tenant **out, size_t *count)
{
    struct rows rows = {.item_bytes = sizeof **out, .copy = row_tenant};
    enum err err =
        read_many(&store->reader, read_statement(store, R_TENANTS), arena, &rows);

    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_get_lane(struct store *store, struct slice id, struct arena *arena,
                        struct store_lane *out)
{
    sqlite3_stmt *statement = read_statement(store, R_LANE);

    db_bind_text(statement, 1, id);
    return read_one(&store->reader, statement, arena, row_lane, out);
}

enum err store_list_lanes(struct store *store, struct arena *arena,
                          struct store_lane **out, size_t *count)
{
    struct rows rows = {.item_bytes = sizeof **out, .copy = row_lane};
    enum err err =
        read_many(&store->reader, read_statement(store, R_LANES), arena, &rows);

    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_get_environment(struct store *store, struct slice id,
                               struct arena *arena, struct store_environment *out)
{
    sqlite3_stmt *statement = read_statement(store, R_ENVIRONMENT);

    db_bind_text(statement, 1, id);
    return read_one(&store->reader, statement, arena, row_environment, out);
}

enum err store_list_environments(struct store *store, struct slice after, size_t limit,
                                 struct arena *arena, struct store_environment **out,
                                 size_t *count)
{
    sqlite3_stmt *statement = read_statement(store, R_ENVIRONMENTS);
    struct rows rows = {.item_bytes = sizeof **out, .copy = row_environment};

    read_bind_page(statement, after, limit);
    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_list_credentials(struct store *store, struct slice account,
                                struct arena *arena, struct store_credential **out,
                                size_t *count)
{
    sqlite3_stmt *statement = read_statement(store, R_CREDENTIALS);
    struct rows rows = {.item_bytes = sizeof **out, .copy = row_credential};

    db_bind_text(statement, 1, account);
    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_list_secrets(struct store *store, struct slice account,
                            struct arena *arena, struct store_secret **out,
                            size_t *count)
{
    sqlite3_stmt *statement = read_statement(store, R_SECRETS);
    struct rows rows = {.item_bytes = sizeof **out, .copy = row_secret};

    db_bind_text(statement, 1, account);
    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_get_grant(struct store *store, struct slice account, struct arena *arena,
                         struct store_grant *out)
{
    sqlite3_stmt *statement = read_statement(store, R_GRANT);

    db_bind_text(statement, 1, account);
    return read_one(&store->reader, statement, arena, read_row_grant, out);
}

enum err store_list_grants(struct store *store, struct slice after, size_t limit,
                           struct arena *arena, struct store_grant **out, size_t *count)
{
    sqlite3_stmt *statement = read_statement(store, R_GRANTS);
    struct rows rows = {.item_bytes = sizeof **out, .copy = read_row_grant};

    read_bind_page(statement, after, limit);
    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_page_secrets(struct store *store, const struct store_secret *after,
                            size_t limit, struct arena *arena,
                            struct store_secret **out, size_t *count)
{
    sqlite3_stmt *statement = read_statement(store, R_PAGE_OF_SECRETS);
    struct rows rows = {.item_bytes = sizeof **out, .copy = row_secret};

    read_bind_page(statement, after != NULL ? after->account : SLICE_EMPTY, limit);
    db_bind_text(statement, 3, after != NULL ? after->field : SLICE_EMPTY);
    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_count_secrets(struct store *store, struct arena *arena,
                             struct store_key_use **out, size_t *count)
{
    struct rows rows = {.item_bytes = sizeof **out, .copy = row_key_use};
    enum err err =
        read_many(&store->reader, read_statement(store, R_KEY_USES), arena, &rows);

    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_get_connect_session(struct store *store, struct slice id,
                                   struct arena *arena,
                                   struct store_connect_session *out)
{
    sqlite3_stmt *statement = read_statement(store, R_CONNECT_SESSION);

    db_bind_text(statement, 1, id);
    return read_one(&store->reader, statement, arena, row_connect_session, out);
}

enum err store_find_connect_session(struct store *store, struct slice hash,
                                    struct arena *arena,
                                    struct store_connect_session *out)
{
    sqlite3_stmt *statement = read_statement(store, R_CONNECT_SESSION_BY_LINK);

    db_bind_blob(statement, 1, hash);
    return read_one(&store->reader, statement, arena, row_connect_session, out);
}

enum err store_find_consent(struct store *store, struct slice hash, struct arena *arena,
                            struct store_connect_session *out)
{
    sqlite3_stmt *statement = read_statement(store, R_CONNECT_SESSION_BY_CONSENT);

    db_bind_blob(statement, 1, hash);
    return read_one(&store->reader, statement, arena, row_connect_session, out);
}
