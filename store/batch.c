/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: what is to be written, copied, in order. No SQL here. */
#include "store/store_private.h"

#include <stdlib.h>

#define HASH_BYTES 32

struct store_batch *store_batch_new(void)
{
    struct store_batch *batch = calloc(1, sizeof *batch);

    REQUIRE(batch != NULL);
    batch->arena = arena_new();
    return batch;
}

void store_batch_free(struct store_batch *batch)
{
    if (batch == NULL) {
        return;
    }
    arena_free(batch->arena); /* wipes the copies */
    free(batch);
}

struct store_op *batch_op(struct store_batch *batch, enum store_op_kind kind)
{
    struct store_op *op = arena_alloc(batch->arena, sizeof *op);

    op->kind = kind;
    if (batch->last == NULL) {
        batch->first = op;
    } else {
        batch->last->next = op;
    }
    batch->last = op;
    return op;
}

/* A slice of a zeroed struct has no pointer: it counts as empty. */
void batch_keep(struct store_batch *batch, struct slice *bytes)
{
    *bytes = arena_slice(batch->arena, slice_of(bytes->ptr, bytes->len));
}

static struct store_op *op_id(struct store_batch *batch, enum store_op_kind kind,
                              struct slice id)
{
    struct store_op *op = batch_op(batch, kind);

    op->id = id;
    batch_keep(batch, &op->id);
    return op;
}

static struct store_op *op_account(struct store_batch *batch, enum store_op_kind kind,
                                   const struct store_account *account)
{
    struct store_op *op = batch_op(batch, kind);

    op->account = *account;
    struct slice *texts[] = {
        &op->account.id,         &op->account.tenant,     &op->account.integration,
        &op->account.name,       &op->account.lane,       &op->account.environment,
        &op->account.state,      &op->account.cause,      &op->account.scheme,
        &op->account.connection, &op->account.auth,       &op->account.governor,
        &op->account.overrides,  &op->account.reauth_url,
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        batch_keep(batch, texts[i]);
    }
    return op;
}

void store_insert_account(struct store_batch *batch,
                          const struct store_account *account)
{
    op_account(batch, OP_INSERT_ACCOUNT, account);
}

void store_update_account(struct store_batch *batch,
                          const struct store_account *account, int64_t expected)
{
    op_account(batch, OP_UPDATE_ACCOUNT, account)->number = expected;
}

void store_delete_account(struct store_batch *batch, struct slice id)
{
    op_id(batch, OP_DELETE_ACCOUNT, id);
    batch->drops_secrets = true;
}

static void keep_secret(struct store_batch *batch, struct store_secret *secret)
{
    batch_keep(batch, &secret->account);
    batch_keep(batch, &secret->field);
    batch_keep(batch, &secret->key_id);
    batch_keep(batch, &secret->sealed);
}

void store_put_secret(struct store_batch *batch, const struct store_secret *secret)
{
    struct store_op *op = batch_op(batch, OP_PUT_SECRET);

    op->secret = *secret;
    keep_secret(batch, &op->secret);
}

void store_reseal_secret(struct store_batch *batch, const struct store_secret *before,
                         const struct store_secret *after)
{
    struct store_op *op = batch_op(batch, OP_RESEAL_SECRET);

    op->reseal.before = *before;
    op->reseal.after = *after;
    keep_secret(batch, &op->reseal.before);
    keep_secret(batch, &op->reseal.after);
    batch->drops_secrets = true;
}

void store_delete_secrets(struct store_batch *batch, struct slice account,
                          struct slice prefix)
{
    struct store_op *op = batch_op(batch, OP_DELETE_SECRETS);

    op->secret = (struct store_secret){.account = account, .field = prefix};
    keep_secret(batch, &op->secret);
    batch->drops_secrets = true;
}

static void op_credential(struct store_batch *batch, enum store_op_kind kind,
                          const struct store_credential *credential)
{
    struct store_op *op = batch_op(batch, kind);

    op->credential = *credential;
    batch_keep(batch, &op->credential.account);
    batch_keep(batch, &op->credential.scheme);
    batch_keep(batch, &op->credential.auth);
}

void store_put_credential(struct store_batch *batch,
                          const struct store_credential *credential)
{
    op_credential(batch, OP_PUT_CREDENTIAL, credential);
}

void store_prove_credential(struct store_batch *batch, struct slice account,
                            struct slice scheme, bool proven)
{
    const struct store_credential credential = {
        .account = account, .scheme = scheme, .proven = proven};

    op_credential(batch, OP_PROVE_CREDENTIAL, &credential);
}

void store_delete_credential(struct store_batch *batch, struct slice account,
                             struct slice scheme)
{
    const struct store_credential credential = {.account = account, .scheme = scheme};

    op_credential(batch, OP_DELETE_CREDENTIAL, &credential);
}

void store_delete_grant(struct store_batch *batch, struct slice account)
{
    op_id(batch, OP_DELETE_GRANT, account);
    store_delete_secrets(batch, account, SLICE("grant."));
}

static struct store_op *op_grant(struct store_batch *batch, enum store_op_kind kind,
                                 const struct store_grant *grant)
{
    struct store_op *op = batch_op(batch, kind);

    op->grant = *grant;
    batch_keep(batch, &op->grant.account);
    batch_keep(batch, &op->grant.lease_holder);
    return op;
}

void store_put_grant(struct store_batch *batch, const struct store_grant *grant,
                     int64_t expected)
{
    op_grant(batch, OP_PUT_GRANT, grant)->number = expected;
}

void store_lease_grant(struct store_batch *batch, struct slice account,
                       struct slice holder, int64_t now_ms, int64_t ends_ms)
{
    const struct store_grant lease = {
        .account = account, .lease_holder = holder, .lease_ends_ms = ends_ms};

    op_grant(batch, OP_LEASE_GRANT, &lease)->number = now_ms;
}

void store_release_grant(struct store_batch *batch, struct slice account,
                         struct slice holder)
{
    const struct store_grant lease = {.account = account, .lease_holder = holder};

    op_grant(batch, OP_RELEASE_GRANT, &lease);
}

void store_release_all_grants(struct store_batch *batch)
{
    batch_op(batch, OP_RELEASE_ALL_GRANTS);
}

static struct store_op *op_server(struct store_batch *batch, enum store_op_kind kind,
                                  const struct store_server *server)
{
    struct store_op *op = batch_op(batch, kind);

    op->server = *server;
    batch_keep(batch, &op->server.id);
    batch_keep(batch, &op->server.account);
    batch_keep(batch, &op->server.name);
    batch_keep(batch, &op->server.config);
    return op;
}

void store_insert_server(struct store_batch *batch, const struct store_server *server)
{
    op_server(batch, OP_INSERT_SERVER, server);
}

void store_update_server(struct store_batch *batch, const struct store_server *server,
                         int64_t expected)
{
    op_server(batch, OP_UPDATE_SERVER, server)->number = expected;
}

void store_delete_server(struct store_batch *batch, struct slice id)
{
    op_id(batch, OP_DELETE_SERVER, id);
}

void store_insert_url_token(struct store_batch *batch,
                            const struct store_url_token *token)
{
    struct store_op *op = batch_op(batch, OP_INSERT_URL_TOKEN);

    REQUIRE(token->hash.len == HASH_BYTES);
    op->url_token = *token;
    batch_keep(batch, &op->url_token.hash);
    batch_keep(batch, &op->url_token.server);
}

void store_expire_url_tokens(struct store_batch *batch, struct slice server,
                             int64_t expires_ms)
{
    op_id(batch, OP_EXPIRE_URL_TOKENS, server)->number = expires_ms;
}

void store_retire_url_tokens(struct store_batch *batch, struct slice server,
                             int64_t ends_ms)
{
    op_id(batch, OP_RETIRE_URL_TOKENS, server)->number = ends_ms;
}

void store_insert_api_token(struct store_batch *batch,
                            const struct store_api_token *token)
{
    struct store_op *op = batch_op(batch, OP_INSERT_API_TOKEN);

    REQUIRE(token->hash.len == HASH_BYTES);
    op->api_token = *token;
    batch_keep(batch, &op->api_token.id);
    batch_keep(batch, &op->api_token.hash);
    batch_keep(batch, &op->api_token.name);
    batch_keep(batch, &op->api_token.role);
    batch_keep(batch, &op->api_token.tenant);
}

void store_delete_api_token(struct store_batch *batch, struct slice id)
{
    op_id(batch, OP_DELETE_API_TOKEN, id);
}

void store_put_tenant(struct store_batch *batch, const struct store_tenant *tenant)
{
    struct store_op *op = batch_op(batch, OP_PUT_TENANT);

    op->tenant = *tenant;
    batch_keep(batch, &op->tenant.id);
}

void store_put_lane(struct store_batch *batch, const struct store_lane *lane,
                    const struct store_lane *before)
{
    struct store_op *op = batch_op(batch, OP_PUT_LANE);

    op->lane.after = *lane;
    op->lane.before =
        (struct store_lane){SLICE_EMPTY, before->ceiling, before->reserve};
    batch_keep(batch, &op->lane.after.id);
    batch_keep(batch, &op->lane.after.reserve);
    batch_keep(batch, &op->lane.before.reserve);
}

void store_put_environment(struct store_batch *batch,
                           const struct store_environment *environment)
{
    struct store_op *op = batch_op(batch, OP_PUT_ENVIRONMENT);

    op->environment = *environment;
    batch_keep(batch, &op->environment.id);
    batch_keep(batch, &op->environment.overrides);
    batch_keep(batch, &op->environment.reauth_url);
}

void store_delete_environment(struct store_batch *batch, struct slice id)
{
    op_id(batch, OP_DELETE_ENVIRONMENT, id);
}

static struct store_op *op_connect(struct store_batch *batch, enum store_op_kind kind,
                                   const struct store_connect_session *session)
{
    struct store_op *op = batch_op(batch, kind);
    struct store_connect_session *kept = &op->connect.session;

    *kept = *session;
    struct slice *texts[] = {
        &kept->id,          &kept->hash,    &kept->tenant,     &kept->integration,
        &kept->environment, &kept->account, &kept->return_url, &kept->state,
        &kept->cause,       &kept->browser, &kept->consent,    &kept->sealed,
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        batch_keep(batch, texts[i]);
    }
    return op;
}

void store_insert_connect_session(struct store_batch *batch,
                                  const struct store_connect_session *session, int most,
                                  int64_t now_ms)
{
    REQUIRE(session->hash.len == HASH_BYTES);
    struct store_op *op = op_connect(batch, OP_INSERT_CONNECT_SESSION, session);
    op->connect.most = most;
    op->number = now_ms;
}

void store_update_connect_session(struct store_batch *batch,
                                  const struct store_connect_session *session)
{
    op_connect(batch, OP_UPDATE_CONNECT_SESSION, session);
    batch->drops_secrets = true; /* what was sealed may have gone */
}

void store_purge_expired(struct store_batch *batch, int64_t before_ms)
{
    batch_op(batch, OP_PURGE_EXPIRED)->number = before_ms;
}
