/* SPDX-License-Identifier: Apache-2.0 */
/* A grant's tokens: sealed rows of the account's secrets beside the row that dates them. */
#include "auth/grants_private.h"

#include "base/buf.h"

#define FIELD_ACCESS SLICE("grant.access_token")
#define FIELD_REFRESH SLICE("grant.refresh_token")

static void open_field(struct grants *grants, const struct store_secret *sealed,
                       struct slice field, struct secret **out, bool *unopened)
{
    if (slice_eq(sealed->field, field) && *out == NULL &&
        vault_open(grants->parts.vault, sealed, out) != ERR_OK) {
        log_event(grants->parts.log, LOG_ERROR, "secret_not_opened",
                  LOG_ID(account, sealed->account));
        *out = NULL;
        *unopened = true;
    }
}

enum err grant_stored_read(struct grants *grants, struct slice account,
                           struct arena *arena, struct grant_stored *out)
{
    struct store_secret *secrets = NULL;
    size_t count = 0;
    *out = (struct grant_stored){.access = NULL};
    enum err err = store_get_grant(grants->parts.store, account, arena, &out->grant);
    if (err == ERR_OK) {
        err = store_list_secrets(grants->parts.store, account, arena, &secrets, &count);
    }
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        open_field(grants, &secrets[i], FIELD_ACCESS, &out->access, &out->unopened);
        open_field(grants, &secrets[i], FIELD_REFRESH, &out->refresh, &out->unopened);
    }
    return err;
}

void grant_stored_free(struct grant_stored *stored)
{
    secret_free(stored->access);
    secret_free(stored->refresh);
}

static enum err put_token(struct grants *grants, struct store_batch *batch,
                          struct slice account, struct slice field, struct slice token)
{
    struct arena *arena = arena_new();
    struct secret *plain = vault_hold(grants->parts.vault, token);
    struct store_secret sealed;
    enum err err =
        vault_seal(grants->parts.vault, account, field, plain, arena, &sealed);
    if (err == ERR_OK) {
        store_put_secret(batch, &sealed);
    }
    secret_free(plain);
    arena_free(arena);
    return err;
}

enum err grants_put(struct grants *grants, struct store_batch *batch,
                    struct slice account, const struct token_answer *answer,
                    const struct store_grant *old)
{
    int64_t now = grants_now_ms(grants);
    struct store_grant grant = {
        .account = account,
        .access_ends_ms = now + answer->life_ms,
        .grant_ends_ms =
            old != NULL ? old->grant_ends_ms : now + grants->parts.grant_ms,
    };
    store_put_grant(batch, &grant, old != NULL ? old->version : 0);
    enum err err = put_token(grants, batch, account, FIELD_ACCESS, answer->token);
    if (err == ERR_OK && answer->refresh.len > 0) {
        err = put_token(grants, batch, account, FIELD_REFRESH, answer->refresh);
    }
    return err;
}

/* ---- The end of a grant ---- */

static void on_revoked(void *ctx, const struct grant_request_done *done)
{
    struct grants *grants = ctx;
    log_event(grants->parts.log, done->status == 200 ? LOG_INFO : LOG_WARN,
              "grant_revoked", LOG_INT(upstream_status, done->status));
}

void grants_revoke(struct grants *grants, struct slice account,
                   const struct grant_client *client)
{
    struct arena *arena = arena_new();
    struct grant_stored stored;
    const struct grant_request_handlers handlers = {NULL, on_revoked, grants, false};
    struct grant_request *request;
    struct buf form;

    buf_init(&form, GRANT_FORM_BYTES);
    if (grant_stored_read(grants, account, arena, &stored) == ERR_OK &&
        stored.refresh != NULL) {
        buf_append(&form, SLICE("token="));
        text_percent(&form, secret_reveal(stored.refresh));
        if (grant_request_send(tokens_hosts(grants->parts.tokens), client,
                               buf_slice(&form), &handlers, &request) != ERR_OK) {
            log_event(grants->parts.log, LOG_WARN, "grant_not_revoked",
                      LOG_ID(account, account));
        }
    }
    buf_free(&form);
    grant_stored_free(&stored);
    arena_free(arena);
}
