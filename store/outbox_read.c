/* SPDX-License-Identifier: Apache-2.0 */
/* The reads of webhooks: endpoints, deliveries, and what is about to be told. */
#include "store/store_private.h"

enum outbox_read {
    R_ENDPOINT = DB_FIRST_OF_OUTBOX,
    R_ENDPOINTS,
    R_DUE,
    R_DELIVERIES,
    R_EXPIRED_SERVERS,
    R_ENDING_GRANTS,
    R_CERTIFICATES
};

#define ENDPOINT                                                          \
    "SELECT id, tenant, url, events, state, cause, secret_version,"       \
    " old_secret_ends_ms, dropped, created_ms, updated_ms, held_until_ms" \
    " FROM webhook_endpoint"
#define DELIVERY(body)                                                           \
    "SELECT n, event, endpoint, type, " body ", created_ms, attempts, tried_ms," \
    " status, reason, duration_ms, next_ms, outcome FROM webhook_delivery"

#define AT(name) [(name)-DB_FIRST_OF_OUTBOX]

static const char *const sql[] = {
    AT(R_ENDPOINT) = ENDPOINT " WHERE id = ?1",
    AT(R_ENDPOINTS) = ENDPOINT " WHERE id > ?1 ORDER BY id LIMIT ?2",
    AT(R_DUE) = DELIVERY("body") " WHERE endpoint = ?1 AND next_ms > 0"
                                 " ORDER BY next_ms, n LIMIT ?2",
    AT(R_DELIVERIES) = DELIVERY("''") " WHERE endpoint = ?1 AND (?3 = 0 OR n < ?3)"
                                      " ORDER BY n DESC LIMIT ?2",
    AT(R_EXPIRED_SERVERS) =
        "SELECT id, account, name, config, expires_ms, version, created_ms, updated_ms"
        " FROM server s WHERE id > ?1 AND id IN (SELECT server FROM server_token"
        " WHERE expires_ms > 0 AND expires_ms < ?3)"
        " AND NOT EXISTS (SELECT 1 FROM server_token t WHERE t.server = s.id"
        "  AND (t.expires_ms = 0 OR t.expires_ms >= ?3)) ORDER BY id LIMIT ?2",
    AT(R_ENDING_GRANTS) =
        "SELECT account, version, access_ends_ms, grant_ends_ms, lease_holder,"
        " lease_ends_ms FROM oauth_grant WHERE grant_ends_ms > 0 AND grant_ends_ms > ?1"
        " AND grant_ends_ms <= ?3 AND (warned < 1 OR (warned < 2"
        "  AND grant_ends_ms <= ?4)) ORDER BY grant_ends_ms LIMIT ?2",
    AT(R_CERTIFICATES) =
        "SELECT id, scheme, auth FROM (SELECT id, scheme, auth FROM account"
        " WHERE id >= ?1 AND instr(auth, 'certificate_pem') > 0 UNION ALL"
        " SELECT account, scheme, auth FROM credential"
        " WHERE account >= ?1 AND instr(auth, 'certificate_pem') > 0)"
        " WHERE (id, scheme) > (?1, ?3) ORDER BY id, scheme LIMIT ?2",
};

enum err outbox_read_prepare(struct db *db)
{
    return db_prepare(db, DB_FIRST_OF_OUTBOX, sql, sizeof sql / sizeof sql[0]);
}

static void row_certificate(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_credential *credential = out;

    credential->account = db_text(row, 0, arena);
    credential->scheme = db_text(row, 1, arena);
    credential->auth = db_text(row, 2, arena);
}

static void row_endpoint(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_endpoint *endpoint = out;

    endpoint->id = db_text(row, 0, arena);
    endpoint->tenant = db_text(row, 1, arena);
    endpoint->url = db_text(row, 2, arena);
    endpoint->events = sqlite3_column_int64(row, 3);
    endpoint->state = db_text(row, 4, arena);
    endpoint->cause = db_text(row, 5, arena);
    endpoint->secret_version = sqlite3_column_int64(row, 6);
    endpoint->old_secret_ends_ms = sqlite3_column_int64(row, 7);
    endpoint->dropped = sqlite3_column_int64(row, 8);
    endpoint->created_ms = sqlite3_column_int64(row, 9);
    endpoint->updated_ms = sqlite3_column_int64(row, 10);
    endpoint->held_until_ms = sqlite3_column_int64(row, 11);
}

static void row_delivery(sqlite3_stmt *row, struct arena *arena, void *out)
{
    struct store_delivery *delivery = out;

    delivery->n = sqlite3_column_int64(row, 0);
    delivery->event = db_text(row, 1, arena);
    delivery->endpoint = db_text(row, 2, arena);
    delivery->type = db_text(row, 3, arena);
    delivery->body = db_text(row, 4, arena);
    delivery->created_ms = sqlite3_column_int64(row, 5);
    delivery->attempts = sqlite3_column_int64(row, 6);
    delivery->tried_ms = sqlite3_column_int64(row, 7);
    delivery->status = sqlite3_column_int64(row, 8);
    delivery->reason = db_text(row, 9, arena);
    delivery->duration_ms = sqlite3_column_int64(row, 10);
    delivery->next_ms = sqlite3_column_int64(row, 11);
    delivery->outcome = db_text(row, 12, arena);
}

enum err store_get_endpoint(struct store *store, struct slice id, struct arena *arena,
                            struct store_endpoint *out)
{
    sqlite3_stmt *statement = read_statement(store, R_ENDPOINT);

    db_bind_text(statement, 1, id);
    return read_one(&store->reader, statement, arena, row_endpoint, out);
}

enum err store_list_endpoints(struct store *store, struct slice after, size_t limit,
                              struct arena *arena, struct store_endpoint **out,
                              size_t *count)
{
    sqlite3_stmt *statement = read_statement(store, R_ENDPOINTS);
    struct rows rows = {.item_bytes = sizeof **out, .copy = row_endpoint};

    read_bind_page(statement, after, limit);
    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_list_due(struct store *store, struct slice endpoint, size_t limit,
                        struct arena *arena, struct store_delivery **out, size_t *count)
{
    sqlite3_stmt *statement = read_statement(store, R_DUE);
    struct rows rows = {.item_bytes = sizeof **out, .copy = row_delivery};

    read_bind_page(statement, endpoint, limit);
    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_list_deliveries(struct store *store, struct slice endpoint,
                               int64_t before, size_t limit, struct arena *arena,
                               struct store_delivery **out, size_t *count)
{
    sqlite3_stmt *statement = read_statement(store, R_DELIVERIES);
    struct rows rows = {.item_bytes = sizeof **out, .copy = row_delivery};

    read_bind_page(statement, endpoint, limit);
    db_bind_int(statement, 3, before);
    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_list_expired_servers(struct store *store, int64_t before_ms,
                                    struct slice after, size_t limit,
                                    struct arena *arena, struct store_server **out,
                                    size_t *count)
{
    sqlite3_stmt *statement = read_statement(store, R_EXPIRED_SERVERS);
    struct rows rows = {.item_bytes = sizeof **out, .copy = read_row_server};

    read_bind_page(statement, after, limit);
    db_bind_int(statement, 3, before_ms);
    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_list_ending_grants(struct store *store, int64_t now_ms, int64_t first_ms,
                                  int64_t second_ms, size_t limit, struct arena *arena,
                                  struct store_grant **out, size_t *count)
{
    sqlite3_stmt *statement = read_statement(store, R_ENDING_GRANTS);
    struct rows rows = {.item_bytes = sizeof **out, .copy = read_row_grant};

    db_bind_int(statement, 1, now_ms);
    db_bind_int(statement, 2, (int64_t)limit);
    db_bind_int(statement, 3, first_ms);
    db_bind_int(statement, 4, second_ms);
    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}

enum err store_list_certificates(struct store *store,
                                 const struct store_credential *after, size_t limit,
                                 struct arena *arena, struct store_credential **out,
                                 size_t *count)
{
    sqlite3_stmt *statement = read_statement(store, R_CERTIFICATES);
    struct rows rows = {.item_bytes = sizeof **out, .copy = row_certificate};

    read_bind_page(statement, after->account, limit);
    db_bind_text(statement, 3, after->scheme);
    enum err err = read_many(&store->reader, statement, arena, &rows);
    *out = (void *)rows.items;
    *count = rows.count;
    return err;
}
