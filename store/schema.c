/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables, as steps from one version to the next. A step that was released is never
 * changed: a new one follows it. PRAGMA user_version holds how many steps were taken.
 */
#include "store/store_private.h"

#include <stdio.h>

#define APPLICATION_ID 0x534c5543 /* "SLUC" */

#define NEW_STAMP " BEGIN UPDATE url_reach SET stamp = random(); END;"

/*
 * A URL token has two entries: url_token leads from its hash to the server,
 * server_token from the server to its hashes. Both hold the expiry, and a lookup wants
 * both.
 */
static const char *const migrations[] = {
    /* 1 */
    "CREATE TABLE account ("
    "  id TEXT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, integration TEXT NOT NULL,"
    "  name TEXT NOT NULL, environment TEXT NOT NULL, lane TEXT NOT NULL,"
    "  state TEXT NOT NULL, cause TEXT NOT NULL, scheme TEXT NOT NULL,"
    "  connection TEXT NOT NULL, auth TEXT NOT NULL, governor TEXT NOT NULL,"
    "  overrides TEXT NOT NULL, proven INTEGER NOT NULL, version INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX account_by_tenant ON account (tenant, id);"

    "CREATE TABLE server ("
    "  id TEXT NOT NULL PRIMARY KEY,"
    "  account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,"
    "  name TEXT NOT NULL, config TEXT NOT NULL, expires_ms INTEGER NOT NULL,"
    "  version INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    "  updated_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX server_by_account ON server (account, id);"

    "CREATE TABLE url_token ("
    "  hash BLOB NOT NULL PRIMARY KEY,"
    "  server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,"
    "  expires_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX url_token_by_server ON url_token (server);"
    "CREATE INDEX url_token_by_end ON url_token (expires_ms) WHERE expires_ms > 0;"

    "CREATE TABLE server_token ("
    "  server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,"
    "  hash BLOB NOT NULL, expires_ms INTEGER NOT NULL,"
    "  PRIMARY KEY (server, hash)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX server_token_by_end ON server_token (expires_ms)"
    "  WHERE expires_ms > 0;"

    "CREATE TABLE api_token ("
    "  id TEXT NOT NULL PRIMARY KEY, hash BLOB NOT NULL UNIQUE, name TEXT NOT NULL,"
    "  role TEXT NOT NULL, tenant TEXT NOT NULL, expires_ms INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX api_token_by_tenant ON api_token (tenant, id);"
    "CREATE INDEX api_token_by_end ON api_token (expires_ms) WHERE expires_ms > 0;"

    "CREATE TABLE tenant ("
    "  id TEXT NOT NULL PRIMARY KEY, ceiling INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE lane ("
    "  id TEXT NOT NULL PRIMARY KEY, ceiling INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE secret ("
    "  account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,"
    "  field TEXT NOT NULL, key_id TEXT NOT NULL, sealed BLOB NOT NULL,"
    "  PRIMARY KEY (account, field)) STRICT, WITHOUT ROWID;",

    /* 2: tokens that a newer one has replaced, and the overrides of environments */
    "ALTER TABLE url_token ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE server_token ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE environment ("
    "  id TEXT NOT NULL PRIMARY KEY, overrides TEXT NOT NULL, version INTEGER NOT NULL,"
    "  updated_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;",

    /* 3: OAuth grants that are renewed; their tokens are rows of `secret` */
    "CREATE TABLE oauth_grant ("
    "  account TEXT NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,"
    "  version INTEGER NOT NULL, access_ends_ms INTEGER NOT NULL,"
    "  grant_ends_ms INTEGER NOT NULL,"
    "  lease_holder TEXT NOT NULL, lease_ends_ms INTEGER NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    /* where a person goes who has to connect an account again */
    "ALTER TABLE account ADD COLUMN reauth_url TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE environment ADD COLUMN reauth_url TEXT NOT NULL DEFAULT '';",

    /* 4: webhooks; how often the end of a grant was told */
    "CREATE TABLE webhook_endpoint ("
    "  id TEXT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, url TEXT NOT NULL,"
    "  events INTEGER NOT NULL, state TEXT NOT NULL, cause TEXT NOT NULL,"
    "  secret_version INTEGER NOT NULL, old_secret_ends_ms INTEGER NOT NULL,"
    "  dropped INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    "  updated_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE webhook_delivery ("
    "  n INTEGER NOT NULL PRIMARY KEY, event TEXT NOT NULL,"
    "  endpoint TEXT NOT NULL REFERENCES webhook_endpoint (id) ON DELETE CASCADE,"
    "  type TEXT NOT NULL, body TEXT NOT NULL, created_ms INTEGER NOT NULL,"
    "  attempts INTEGER NOT NULL, tried_ms INTEGER NOT NULL, status INTEGER NOT NULL,"
    "  reason TEXT NOT NULL, duration_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL,"
    "  outcome TEXT NOT NULL) STRICT;"
    "CREATE INDEX webhook_delivery_by_endpoint ON webhook_delivery (endpoint, n);"
    "CREATE INDEX webhook_delivery_by_time ON webhook_delivery (endpoint, next_ms)"
    "  WHERE next_ms > 0;"
    "CREATE INDEX webhook_delivery_by_age ON webhook_delivery (created_ms)"
    "  WHERE next_ms = 0;"
    "ALTER TABLE oauth_grant ADD COLUMN warned INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX oauth_grant_by_end ON oauth_grant (grant_ends_ms)"
    "  WHERE grant_ends_ms > 0;",

    /* 5: standby credentials */
    "CREATE TABLE credential ("
    "  account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,"
    "  scheme TEXT NOT NULL, auth TEXT NOT NULL, named INTEGER NOT NULL,"
    "  proven INTEGER NOT NULL, PRIMARY KEY (account, scheme)) STRICT, WITHOUT ROWID;"
    "ALTER TABLE account ADD COLUMN named INTEGER NOT NULL DEFAULT 0;",

    /* 6: links by which people connect accounts */
    "CREATE TABLE connect_session ("
    "  id TEXT NOT NULL PRIMARY KEY, hash BLOB NOT NULL UNIQUE, tenant TEXT NOT NULL,"
    "  integration TEXT NOT NULL, environment TEXT NOT NULL, account TEXT NOT NULL,"
    "  return_url TEXT NOT NULL, state TEXT NOT NULL, cause TEXT NOT NULL,"
    "  browser BLOB NOT NULL, consent BLOB NOT NULL, sealed TEXT NOT NULL,"
    "  tries INTEGER NOT NULL, version INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    "  expires_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX connect_session_by_consent ON connect_session (consent)"
    "  WHERE length(consent) > 0;"
    "CREATE INDEX connect_session_by_tenant ON connect_session (tenant, expires_ms);"
    "CREATE INDEX connect_session_by_end ON connect_session (expires_ms);",

    /* 7: receivers that ask for a pause; what is sealed under which vault key */
    ("ALTER TABLE webhook_endpoint ADD COLUMN held_until_ms INTEGER NOT NULL DEFAULT 0;"
     "CREATE INDEX secret_by_key ON secret (key_id, account);"),

    /* 8: whether whoever made the link has acknowledged the ERP's terms, or a person has */
    "ALTER TABLE connect_session ADD COLUMN acknowledged INTEGER NOT NULL DEFAULT 0;",

    /* 9: what a lane keeps for some */
    "ALTER TABLE lane ADD COLUMN reserve TEXT NOT NULL DEFAULT '';",

    /* 10: users at ERPs whose logins were refused, or one of which is tried now */
    "CREATE TABLE login_user ("
    "  user TEXT NOT NULL PRIMARY KEY, refusals INTEGER NOT NULL,"
    "  refused_ms INTEGER NOT NULL, counts_to_ms INTEGER NOT NULL,"
    "  login TEXT NOT NULL, lease_holder TEXT NOT NULL, lease_ends_ms INTEGER NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "CREATE INDEX login_user_by_end ON login_user (counts_to_ms);",

    /* 11: how often the end of a client certificate was told */
    "CREATE TABLE certificate_warning ("
    "  account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,"
    "  ends_ms INTEGER NOT NULL, warned INTEGER NOT NULL,"
    "  PRIMARY KEY (account, ends_ms)) STRICT, WITHOUT ROWID;",

    /* 12: whose trials made users at ERPs known; '': they are in no tenant's share */
    "ALTER TABLE login_user ADD COLUMN tenant TEXT NOT NULL DEFAULT '';"
    "CREATE INDEX login_user_by_tenant"
    " ON login_user (tenant, counts_to_ms, lease_ends_ms);",

    /*
     * 13: which content those tables have that lead from a URL token to its server: another
     * stamp after every change of what a token may have led to, whoever writes. The number is
     * drawn: one that is counted up would come again after a copy was put back into the file.
     * A new row changes nothing that was found before it, and leaves the stamp. (A copy put
     * back under a server that runs, which operations.md forbids, so takes from it no token
     * that came after the copy. The rows that REPLACE deletes fire no trigger: it is not used
     * on these tables.)
     */
    "CREATE TABLE url_reach (stamp INTEGER NOT NULL) STRICT;"
    "INSERT INTO url_reach (stamp) VALUES (random());"
    "CREATE TRIGGER url_token_updated AFTER UPDATE ON url_token" NEW_STAMP
    "CREATE TRIGGER url_token_deleted AFTER DELETE ON url_token" NEW_STAMP
    "CREATE TRIGGER server_token_updated AFTER UPDATE ON server_token" NEW_STAMP
    "CREATE TRIGGER server_token_deleted AFTER DELETE ON server_token" NEW_STAMP
    "CREATE TRIGGER server_updated AFTER UPDATE ON server" NEW_STAMP
    "CREATE TRIGGER server_deleted AFTER DELETE ON server" NEW_STAMP,
};

#define VERSION (int64_t)(sizeof migrations / sizeof migrations[0])

static enum err refuse(struct db *db, int64_t version, bool is_ours)
{
    if (db->log != NULL && is_ours) {
        log_event(db->log, LOG_ERROR, "store_refused", LOG_WORD(reason, "newer_schema"),
                  LOG_INT(version, version));
    } else if (db->log != NULL) {
        log_event(db->log, LOG_ERROR, "store_refused",
                  LOG_WORD(reason, "not_a_sluice_store"));
    }
    return ERR_CONFLICT;
}

enum err store_schema_check(struct db *db)
{
    int64_t application = 0, version = 0, tables = 0;

    enum err err = db_exec_int(db, "PRAGMA application_id", &application);
    if (err == ERR_OK) {
        err = db_exec_int(db, "PRAGMA user_version", &version);
    }
    if (err == ERR_OK) {
        err = db_exec_int(db, "SELECT count(*) FROM sqlite_schema", &tables);
    }
    if (err != ERR_OK) {
        return err;
    }
    bool is_empty = application == 0 && version == 0 && tables == 0;
    if (!is_empty && application != APPLICATION_ID) {
        return refuse(db, version, false);
    }
    return version <= VERSION ? ERR_OK : refuse(db, version, true);
}

/* Inside a transaction, so a step is taken whole or not at all. */
static enum err take_steps(struct db *db)
{
    int64_t version = 0;
    char mark[96];

    /* Another process may have brought the file up to date, or past us, by now. */
    enum err err = store_schema_check(db);
    if (err == ERR_OK) {
        err = db_exec_int(db, "PRAGMA user_version", &version);
    }
    for (int64_t i = version; err == ERR_OK && i < VERSION; i++) {
        err = db_exec(db, migrations[i]);
    }
    if (err != ERR_OK || version == VERSION) {
        return err;
    }
    snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             APPLICATION_ID, (int)VERSION);
    return db_exec(db, mark);
}

enum err schema_migrate(struct db *db)
{
    enum err err = db_exec(db, "BEGIN IMMEDIATE");
    if (err != ERR_OK) {
        return err;
    }
    err = take_steps(db);
    if (err == ERR_OK) {
        err = db_exec(db, "COMMIT");
    }
    if (err != ERR_OK && sqlite3_get_autocommit(db->handle) == 0) {
        enum err undone = db_exec(db, "ROLLBACK");
        (void)undone; /* logged; closing the connection undoes it too */
    }
    return err;
}
