/* SPDX-License-Identifier: Apache-2.0 */
/* An account's credentials, opened from the vault once and kept with it. */
#include "core/logins.h"

struct slice login_prefix(struct slice scheme, bool named, struct arena *arena)
{
    return named ? arena_printf(arena, "%.*s.", SLICE_ARG(scheme)) : SLICE_EMPTY;
}

static enum err new_credential(struct account *account, struct slice scheme_name,
                               struct credential **out)
{
    const struct gateway_parts *parts = &account_gateway(account)->parts;
    const struct outbound_scheme *scheme = outbound_scheme_find(scheme_name);
    if (scheme == NULL) {
        return ERR_NOT_FOUND;
    }
    *out = credential_new(account_slab(account), scheme, account->record.id,
                          account->target.origins, account->target.origin_count);
    credential_use_tokens(*out, parts->tokens, parts->grants, account->record.tenant);
    return ERR_OK;
}

enum err logins_make(struct account *account, const struct jval *auth)
{
    struct vault *vault = account_gateway(account)->parts.vault;
    enum err err =
        new_credential(account, account->record.scheme, &account->credential);
    for (size_t i = 0; err == ERR_OK && i < auth->count; i++) {
        if (!slice_is(auth->members[i].name, "scheme")) {
            credential_put(account->credential, auth->members[i].name,
                           vault_hold(vault, jval_text(&auth->members[i].value)));
        }
    }
    return err;
}

/* The fields of auth that are no secrets stand in the record, as text. */
static enum err put_plain_fields(struct account *account, struct credential *credential,
                                 struct slice json)
{
    struct vault *vault = account_gateway(account)->parts.vault;
    struct arena *arena = arena_new();
    struct jval *auth = NULL;
    enum err err = jval_parse(arena, json, &auth, NULL);
    for (size_t i = 0; err == ERR_OK && i < auth->count; i++) {
        credential_put(credential, auth->members[i].name,
                       vault_hold(vault, jval_text(&auth->members[i].value)));
    }
    arena_free(arena);
    return err;
}

struct sealed_fields {
    struct store_secret *list;
    size_t count;
    struct arena *arena;
};

static enum err put_sealed_fields(struct account *account,
                                  struct credential *credential, struct slice scheme,
                                  bool named, const struct sealed_fields *sealed)
{
    const struct gateway_parts *parts = &account_gateway(account)->parts;
    struct slice prefix = login_prefix(scheme, named, sealed->arena);
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < sealed->count; i++) {
        struct slice field = sealed->list[i].field;
        struct secret *secret = NULL;
        if (!slice_starts(field, prefix) ||
            slice_find(slice_from(field, prefix.len), '.') >= 0) {
            continue; /* of another credential */
        }
        err = vault_open(parts->vault, &sealed->list[i], &secret);
        if (err == ERR_OK) {
            credential_put(credential, slice_from(field, prefix.len), secret);
        } else {
            log_event(parts->log, LOG_ERROR, "secret_not_opened",
                      LOG_ID(account, account->record.id),
                      LOG_NAME(cause, err_code(err)));
        }
    }
    return err;
}

static enum err load_one(struct account *account, const struct store_credential *from,
                         const struct sealed_fields *sealed, struct credential **out)
{
    enum err err = new_credential(account, from->scheme, out);
    if (err == ERR_OK) {
        err = put_plain_fields(account, *out, from->auth);
    }
    if (err == ERR_OK) {
        err = put_sealed_fields(account, *out, from->scheme, from->named, sealed);
    }
    if (err == ERR_OK) {
        outbound_attach(*out);
    }
    return err;
}

static enum err load_standbys(struct account *account,
                              const struct sealed_fields *sealed)
{
    struct store_credential *list = NULL;
    size_t count = 0;
    enum err err =
        store_list_credentials(account_gateway(account)->parts.store,
                               account->record.id, sealed->arena, &list, &count);
    if (err != ERR_OK) {
        return err;
    }
    account->standbys = arena_array(account->arena, count, sizeof *account->standbys);
    for (size_t i = 0; i < count; i++) {
        struct account_standby *standby = &account->standbys[account->standby_count];
        err = load_one(account, &list[i], sealed, &standby->credential);
        (void)err; /* what cannot be opened is logged, and does not sign */
        if (standby->credential == NULL) {
            continue; /* of a scheme that this program does not know */
        }
        standby->scheme = arena_slice(account->arena, list[i].scheme);
        standby->proven = list[i].proven;
        account->standby_count++;
    }
    return ERR_OK;
}

enum err logins_load(struct account *account)
{
    const struct store_account *record = &account->record;
    const struct store_credential active = {record->id, record->scheme, record->auth,
                                            record->named, record->proven};
    struct sealed_fields sealed = {.arena = arena_new()};
    enum err err = store_list_secrets(account_gateway(account)->parts.store, record->id,
                                      sealed.arena, &sealed.list, &sealed.count);
    if (err == ERR_OK) {
        err = load_one(account, &active, &sealed, &account->credential);
    }
    if (err == ERR_OK) {
        err = load_standbys(account, &sealed);
    }
    arena_free(sealed.arena);
    return err;
}

void logins_free(struct account *account)
{
    credential_free(account->credential);
    for (size_t i = 0; i < account->standby_count; i++) {
        credential_free(account->standbys[i].credential);
    }
}

struct account_standby *logins_standby(const struct account *account,
                                       struct slice scheme)
{
    for (size_t i = 0; i < account->standby_count; i++) {
        if (slice_eq(account->standbys[i].scheme, scheme)) {
            return &account->standbys[i];
        }
    }
    return NULL;
}

struct credential *logins_of(const struct account *account, struct slice scheme)
{
    const struct account_standby *standby = logins_standby(account, scheme);
    if (slice_eq(account->record.scheme, scheme)) {
        return account->credential;
    }
    return standby != NULL ? standby->credential : NULL;
}

bool logins_can(const struct account *account, const struct tool *tool)
{
    const struct account_standby *standby;
    if (tool->scheme.len == 0 || slice_eq(account->record.scheme, tool->scheme)) {
        return true;
    }
    standby = logins_standby(account, tool->scheme);
    return standby != NULL && standby->proven;
}

struct credential *logins_with_grant(const struct account *account)
{
    if (outbound_scheme_has_grant(outbound_scheme_find(account->record.scheme))) {
        return account->credential;
    }
    for (size_t i = 0; i < account->standby_count; i++) {
        if (outbound_scheme_has_grant(
                outbound_scheme_find(account->standbys[i].scheme))) {
            return account->standbys[i].credential;
        }
    }
    return NULL;
}
