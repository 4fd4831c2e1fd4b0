/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what must outlive the process: accounts, MCP servers, tokens, tenants, lanes
 * and sealed secrets. Never a payload. Owns: the database and its one writer thread.
 * Threads: reads and writes are called on the loop's thread; writes are done by the
 * writer thread, which gets copies, and answered on the loop once they are durable.
 * Errors: ERR_NOT_FOUND, ERR_CONFLICT (exists, or another version), ERR_IO.
 * Start reading at: store_commit. Only store/ includes SQL headers.
 */
#ifndef SLUICE_STORE_STORE_H
#define SLUICE_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/slice.h"
#include "io/loop.h"

struct store;

/* Puts the wiping allocator (base/memory.h) under SQLite: once, before the first
 * store_open of the process; later it aborts. */
void store_memory_begin(void);

/* Opens or creates the file, brings its schema to this version, starts the writer. A
 * schema newer than this program knows: ERR_CONFLICT. Keeps `loop` and `log`. */
MUST_USE enum err store_open(struct loop *loop, const struct log *log, const char *path,
                             struct store **out);
/* Waits for writes under way (their callbacks are not run any more). On the loop's
 * thread; writes that ended just before leave a turn of the loop to run. Accepts NULL.
 */
void store_close(struct store *store);
/* A read that touches the file, for /readyz. */
MUST_USE enum err store_check(struct store *store);

/*
 * For a file that other processes write too: from now on store_generation() counts what reads of
 * this turn see of writes, theirs and ours: another number than before, and whatever was read
 * before may have changed. Without it, always 0.
 */
void store_watch(struct store *store);
uint64_t store_generation(struct store *store);

struct store_account {
    struct slice id; /* acc_… */
    struct slice tenant, integration, name, environment;
    struct slice lane;       /* the shared lane of its upstream account */
    struct slice state;      /* "active", "needs_reauth", "disabled" */
    struct slice cause;      /* why it is not active; empty */
    struct slice scheme;     /* of its auth, e.g. "netsuite_tba" */
    struct slice connection; /* JSON, no secrets */
    struct slice auth;       /* JSON: the fields of auth that are not secret */
    struct slice governor;   /* JSON */
    struct slice overrides;  /* JSON */
    struct slice
        reauth_url;  /* where a person connects it again; empty: its environment's */
    bool named;      /* see struct store_credential */
    bool proven;     /* one authenticated success with these credentials */
    int64_t version; /* 1, 2, …: set by the store */
    int64_t created_ms, updated_ms;
};

struct store_server {
    struct slice id; /* mcp_… */
    struct slice account, name;
    struct slice config; /* JSON */
    int64_t expires_ms;  /* 0: never */
    int64_t version;     /* set by the store */
    int64_t created_ms, updated_ms;
    /* Of store_find_server alone: the end of the token it was found by, when a newer one
     * has replaced that; else 0. */
    int64_t token_ends_ms;
    struct slice token_hash; /* likewise: of that token; the caller's */
};

/* A token of a server: two entries, hash -> server and server -> hash, both with the
 * expiry. */
struct store_url_token {
    struct slice hash; /* 32 bytes */
    struct slice server;
    int64_t expires_ms; /* 0: never; the server's, or the end of a rotation's overlap */
};

struct store_api_token {
    struct slice id;                 /* tok_… */
    struct slice hash;               /* 32 bytes */
    struct slice name, role, tenant; /* tenant empty for admin */
    int64_t expires_ms, created_ms;
};

struct store_tenant {
    struct slice id;
    int ceiling; /* 0: none */
};

struct store_lane {
    struct slice id;
    int ceiling;          /* 0: default */
    struct slice reserve; /* JSON: what it keeps for some; empty: nothing */
};

struct store_environment {
    struct slice id;         /* the name that accounts carry */
    struct slice overrides;  /* JSON */
    struct slice reauth_url; /* of accounts that name none; or empty */
    int64_t version;         /* 1, 2, …: set by the store */
    int64_t updated_ms;
};

struct store_secret {
    struct slice account, field, key_id;
    struct slice sealed; /* nonce, ciphertext and tag of auth/vault */
};

/*
 * A standby credential: of another scheme of the account's integration than the active one,
 * whose scheme and plain fields stand in the account itself. A switch exchanges the two and
 * moves no secret: the fields of those that were stored as standby are "<scheme>.<field>"
 * and stay so, which `named` says; the others' are "<field>".
 */
struct store_credential {
    struct slice account, scheme;
    struct slice auth; /* JSON: the fields that are not secret */
    bool named;
    bool proven; /* has been verified as it is */
};

/*
 * An OAuth 2.0 grant that somebody gave for an account and that is renewed from then on.
 * Its tokens are secrets of the account; this says of when they are. Whoever renews it
 * holds its lease, so that of several processes one does.
 */
struct store_grant {
    struct slice account;
    int64_t version; /* 1, 2, …: set by the store; of the tokens stored beside it */
    int64_t access_ends_ms;    /* of the access token */
    int64_t grant_ends_ms;     /* then somebody has to consent again; 0: never */
    struct slice lease_holder; /* read only */
    int64_t lease_ends_ms;     /* read only */
};

/*
 * A link by which a person connects an account, once. What it hands out is stored as hashes
 * alone: the link itself, the browser it belongs to, the consent that is under way.
 */
struct store_connect_session {
    struct slice id;   /* cs_… */
    struct slice hash; /* 32 bytes, of the link */
    struct slice tenant, integration, environment;
    struct slice
        account; /* that is connected again, or that came of it; empty: a new one */
    struct slice return_url;
    struct slice state;            /* "open", "opened", "connected", "failed" */
    struct slice cause;            /* why it failed last; empty */
    struct slice browser, consent; /* 32 bytes, or empty */
    struct slice sealed;           /* what the consent under way needs, sealed */
    int tries;                     /* logins that were tried at the ERP */
    bool acknowledged; /* the ERP's terms, by whoever made the link or on its page */
    int64_t version;   /* 1, 2, …: set by the store */
    int64_t created_ms, expires_ms;
};

/* ---- Writing: a batch is one transaction, all or nothing ---- */

struct store_batch;

struct store_batch *store_batch_new(void);
void store_batch_free(
    struct store_batch *batch); /* only when not committed. Accepts NULL */

/* Everything is copied; secrets' sealed bytes too. */
void store_insert_account(struct store_batch *batch,
                          const struct store_account *account);
/* ERR_NOT_FOUND when there is none; ERR_CONFLICT unless the stored version is
 * `expected` (0 takes any). The time of creation stays. */
void store_update_account(struct store_batch *batch,
                          const struct store_account *account, int64_t expected);
/* With its servers, their tokens and its secrets. ERR_NOT_FOUND when there is none. */
void store_delete_account(struct store_batch *batch, struct slice id);
void store_put_secret(struct store_batch *batch, const struct store_secret *secret);
/* Those of one credential: fields that start with `prefix` ("<scheme>."), or, when it is
 * empty, those without a dot. */
void store_delete_secrets(struct store_batch *batch, struct slice account,
                          struct slice prefix);
/* Over what was there. ERR_NOT_FOUND: no such account. */
void store_put_credential(struct store_batch *batch,
                          const struct store_credential *credential);
/* ERR_OK too when there is none. */
void store_prove_credential(struct store_batch *batch, struct slice account,
                            struct slice scheme, bool proven);
/* The row alone. ERR_OK too when there is none. */
void store_delete_credential(struct store_batch *batch, struct slice account,
                             struct slice scheme);
/* With its tokens. ERR_OK too when there is none. */
void store_delete_grant(struct store_batch *batch, struct slice account);
/* `after` in the place of `before` (of the same account and field), but only while key id
 * and sealed bytes are still those of `before`: what was written or deleted meanwhile stays
 * as it is, and that is ERR_OK. The old bytes leave the file. */
void store_reseal_secret(struct store_batch *batch, const struct store_secret *before,
                         const struct store_secret *after);

/* A new version of the account's grant, whose lease ends with it. `expected` 0: the first,
 * or in the place of one that was. ERR_CONFLICT unless the stored version is `expected`,
 * ERR_NOT_FOUND when there is no such account or grant any more. */
void store_put_grant(struct store_batch *batch, const struct store_grant *grant,
                     int64_t expected);
/* ERR_CONFLICT while another holder's lease has not ended at `now_ms`; ERR_NOT_FOUND when
 * there is no grant. Whoever has it already gets it anew. A lease that goes on for more than
 * twice the time that is asked for was taken before the clock was set back: it is over. */
void store_lease_grant(struct store_batch *batch, struct slice account,
                       struct slice holder, int64_t now_ms, int64_t ends_ms);
/* Of that holder alone; ERR_OK too when it has none. */
void store_release_grant(struct store_batch *batch, struct slice account,
                         struct slice holder);
/* Every lease ends: for a process that knows it is alone on the store. */
void store_release_all_grants(struct store_batch *batch);

void store_insert_server(struct store_batch *batch, const struct store_server *server);
void store_update_server(struct store_batch *batch, const struct store_server *server,
                         int64_t expected);
void store_delete_server(struct store_batch *batch,
                         struct slice id); /* with its tokens */
void store_insert_url_token(struct store_batch *batch,
                            const struct store_url_token *token);
/* Sets the expiry of the server's tokens in both entries; retired ones keep theirs. */
void store_expire_url_tokens(struct store_batch *batch, struct slice server,
                             int64_t expires_ms);
/* Retires every token of the server: it ends at `ends_ms`, or earlier when it would have
 * anyway. */
void store_retire_url_tokens(struct store_batch *batch, struct slice server,
                             int64_t ends_ms);

void store_insert_api_token(struct store_batch *batch,
                            const struct store_api_token *token);
void store_delete_api_token(struct store_batch *batch, struct slice id);
void store_put_tenant(struct store_batch *batch, const struct store_tenant *tenant);
/* ERR_CONFLICT unless ceiling and reserve are stored as in `before` (0 and empty: no row, too),
 * whose id is not looked at. */
void store_put_lane(struct store_batch *batch, const struct store_lane *lane,
                    const struct store_lane *before);
/* Over what was there, counting the version up. */
void store_put_environment(struct store_batch *batch,
                           const struct store_environment *environment);
/* ERR_OK too when there is none. */
void store_delete_environment(struct store_batch *batch, struct slice id);
/* ERR_CONFLICT when the tenant has `most` already that were not used and have not ended at
 * `now_ms`. */
void store_insert_connect_session(struct store_batch *batch,
                                  const struct store_connect_session *session, int most,
                                  int64_t now_ms);
/* Account, state, cause, browser, consent, sealed and tries. ERR_NOT_FOUND when there is
 * none; ERR_CONFLICT unless the stored version is the session's own. */
void store_update_connect_session(struct store_batch *batch,
                                  const struct store_connect_session *session);
/* Removes URL tokens (both entries), servers without any, and API tokens that ended
 * before it; connect sessions that ended a day before it. */
void store_purge_expired(struct store_batch *batch, int64_t before_ms);

typedef void (*store_done_fn)(void *ctx, enum err err);

/* Takes the batch. done(ctx, …) runs on the loop, never before this returned, after the
 * transaction is durable (or refused: nothing of it happened then). */
void store_commit(struct store *store, struct store_batch *batch, store_done_fn done,
                  void *ctx);
/* The same, waiting: for the command line and for start-up, not for the loop. */
MUST_USE enum err store_commit_now(struct store *store, struct store_batch *batch);

/* ---- Reading: prepared statements on the loop, a few microseconds each ---- */
/* Results are copied into `arena`. */

MUST_USE enum err store_get_account(struct store *store, struct slice id,
                                    struct arena *arena, struct store_account *out);
/* In order of id, ids greater than `after`; `tenant` empty: all. */
MUST_USE enum err store_list_accounts(struct store *store, struct slice tenant,
                                      struct slice after, size_t limit,
                                      struct arena *arena, struct store_account **out,
                                      size_t *count);
/* How far accounts have been looked through in the order in which they were added: the newest of
 * them, as many as may be deleted between two looks before all are looked through anew. Zeroed:
 * none was looked at. */
#define STORE_MARK_ROWS 32
struct store_account_mark {
    size_t count;
    struct store_marked_row {
        int64_t row;
        char id[64];
    } last[STORE_MARK_ROWS]; /* the newest is the last */
};
struct store_added_account {
    int64_t row;
    struct slice id, tenant, lane;
};
/* All that are stored now count as looked at. */
MUST_USE enum err store_mark_accounts(struct store *store,
                                      struct store_account_mark *mark);
/* Accounts behind the mark, at most `limit`; it moves on to the last. When those it stands at are
 * gone, others may have their places: it goes back to the last that is still there, and an account
 * that has come since is not missed; from there on they come again. ERR_IO: the mark is undefined. */
MUST_USE enum err store_list_added_accounts(struct store *store,
                                            struct store_account_mark *mark,
                                            size_t limit, struct arena *arena,
                                            struct store_added_account **out,
                                            size_t *count);
MUST_USE enum err store_get_server(struct store *store, struct slice id,
                                   struct arena *arena, struct store_server *out);
MUST_USE enum err store_list_servers(struct store *store, struct slice account,
                                     struct slice after, size_t limit,
                                     struct arena *arena, struct store_server **out,
                                     size_t *count);
/* The server whose token has that hash and has not ended at `now_ms`; else
 * ERR_NOT_FOUND, after the same work. */
MUST_USE enum err store_find_server(struct store *store, struct slice hash,
                                    int64_t now_ms, struct arena *arena,
                                    struct store_server *out);
MUST_USE enum err store_find_api_token(struct store *store, struct slice hash,
                                       int64_t now_ms, struct arena *arena,
                                       struct store_api_token *out);
MUST_USE enum err store_list_api_tokens(struct store *store, struct slice tenant,
                                        struct slice after, size_t limit,
                                        struct arena *arena,
                                        struct store_api_token **out, size_t *count);
MUST_USE enum err store_get_tenant(struct store *store, struct slice id,
                                   struct arena *arena, struct store_tenant *out);
MUST_USE enum err store_list_tenants(struct store *store, struct arena *arena,
                                     struct store_tenant **out, size_t *count);
MUST_USE enum err store_get_lane(struct store *store, struct slice id,
                                 struct arena *arena, struct store_lane *out);
MUST_USE enum err store_list_lanes(struct store *store, struct arena *arena,
                                   struct store_lane **out, size_t *count);
MUST_USE enum err store_get_environment(struct store *store, struct slice id,
                                        struct arena *arena,
                                        struct store_environment *out);
MUST_USE enum err store_list_environments(struct store *store, struct slice after,
                                          size_t limit, struct arena *arena,
                                          struct store_environment **out,
                                          size_t *count);
MUST_USE enum err store_get_connect_session(struct store *store, struct slice id,
                                            struct arena *arena,
                                            struct store_connect_session *out);
/* By the hash of its link, or of the consent under way; ended ones too. */
MUST_USE enum err store_find_connect_session(struct store *store, struct slice hash,
                                             struct arena *arena,
                                             struct store_connect_session *out);
MUST_USE enum err store_find_consent(struct store *store, struct slice hash,
                                     struct arena *arena,
                                     struct store_connect_session *out);
MUST_USE enum err store_get_grant(struct store *store, struct slice account,
                                  struct arena *arena, struct store_grant *out);
/* In order of account, those greater than `after`. */
MUST_USE enum err store_list_grants(struct store *store, struct slice after,
                                    size_t limit, struct arena *arena,
                                    struct store_grant **out, size_t *count);
/* In order of scheme. */
MUST_USE enum err store_list_credentials(struct store *store, struct slice account,
                                         struct arena *arena,
                                         struct store_credential **out, size_t *count);
MUST_USE enum err store_list_secrets(struct store *store, struct slice account,
                                     struct arena *arena, struct store_secret **out,
                                     size_t *count);
/* Of all accounts, in order of account and field, those after `after` (NULL: from the
 * start; only its account and field are read). */
MUST_USE enum err store_page_secrets(struct store *store,
                                     const struct store_secret *after, size_t limit,
                                     struct arena *arena, struct store_secret **out,
                                     size_t *count);

/* What is sealed under one vault key. */
struct store_key_use {
    struct slice key_id;
    int64_t secrets, accounts;
};

/* In order of key id; keys under which nothing is sealed are not there. Reads the whole
 * table: for operators, not for calls. */
MUST_USE enum err store_count_secrets(struct store *store, struct arena *arena,
                                      struct store_key_use **out, size_t *count);

#endif
