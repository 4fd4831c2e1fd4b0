/* SPDX-License-Identifier: Apache-2.0 */
#include "core/login_rows.h"

#include "base/jwriter.h"
#include "core/logins.h"

#define PLAIN_BYTES ((size_t)8 * 1024 * 1024)

struct slice login_json(struct arena *arena, const struct jval *value)
{
    struct slice text = SLICE_EMPTY;
    /* It came in a body with a ceiling; escapes make a few times that of it. */
    REQUIRE(jwriter_text(arena, value, PLAIN_BYTES, &text) == ERR_OK);
    return text;
}

enum err login_seal(struct vault *vault, const struct store_account *record,
                    const struct jval *auth, const struct outbound_scheme *scheme,
                    struct arena *arena, struct sealed_auth *out)
{
    struct jval *plain = jval_new_object(arena, 0);
    struct slice prefix =
        login_prefix(slice_str(outbound_scheme_name(scheme)), record->named, arena);
    size_t count = 0;
    const struct outbound_field *fields = outbound_scheme_fields(scheme, &count);
    enum err err = ERR_OK;
    out->secrets = arena_array(arena, count, sizeof *out->secrets);
    out->count = 0;
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        const struct jval *value = jval_get(auth, fields[i].name);
        if (value == NULL) {
            continue;
        }
        if (!fields[i].secret) {
            jval_set(arena, plain, slice_str(fields[i].name), value);
            continue;
        }
        struct slice name =
            arena_printf(arena, "%.*s%s", SLICE_ARG(prefix), fields[i].name);
        struct secret *secret = vault_hold(vault, jval_text(value));
        err = vault_seal(vault, record->id, name, secret, arena,
                         &out->secrets[out->count++]);
        secret_free(secret);
    }
    out->plain_json = login_json(arena, plain);
    return err;
}

bool login_renew(struct vault *vault, struct sealed_auth *sealed, struct arena *arena)
{
    for (size_t i = 0; i < sealed->count; i++) {
        struct store_secret *secret = &sealed->secrets[i];
        if (vault_renew(vault, secret, arena, secret) != ERR_OK) {
            return false;
        }
    }
    return true;
}

void login_put(struct store_batch *batch, const struct sealed_auth *auth)
{
    for (size_t i = 0; i < auth->count; i++) {
        store_put_secret(batch, &auth->secrets[i]);
    }
}

void login_drop(struct store_batch *batch, struct slice account, struct slice scheme,
                bool named, struct arena *arena)
{
    const struct outbound_scheme *known = outbound_scheme_find(scheme);
    store_delete_secrets(batch, account, login_prefix(scheme, named, arena));
    if (outbound_scheme_has_grant(known)) {
        store_delete_grant(batch, account);
    }
}

enum err login_replace(struct store *store, struct store_batch *batch,
                       const struct store_account *record, struct slice old_scheme,
                       struct arena *arena)
{
    struct store_credential *list = NULL;
    size_t count = 0;
    enum err err = store_list_credentials(store, record->id, arena, &list, &count);
    if (err != ERR_OK) {
        return err;
    }
    login_drop(batch, record->id, old_scheme, record->named, arena);
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(list[i].scheme, record->scheme)) {
            login_drop(batch, record->id, list[i].scheme, list[i].named, arena);
            store_delete_credential(batch, record->id, list[i].scheme);
        }
    }
    return ERR_OK;
}
