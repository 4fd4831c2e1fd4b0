/* SPDX-License-Identifier: Apache-2.0 */
/* What of an auth object goes where: secrets into the vault's boxes, the rest as JSON. */
#include "auth/outbound.h"
#include "core/admin_private.h"
#include "core/logins.h"

enum err admin_seal_auth(struct admin *admin, const struct store_account *record,
                         const struct jval *auth, const struct outbound_scheme *scheme,
                         struct sealed_auth *out)
{
    struct vault *vault = admin->gateway->parts.vault;
    struct jval *plain = jval_new_object(admin->arena, 0);
    struct slice prefix = login_prefix(slice_str(outbound_scheme_name(scheme)),
                                       record->named, admin->arena);
    size_t count = 0;
    const struct outbound_field *fields = outbound_scheme_fields(scheme, &count);
    enum err err = ERR_OK;
    out->secrets = arena_array(admin->arena, count, sizeof *out->secrets);
    out->count = 0;
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        const struct jval *value = jval_get(auth, fields[i].name);
        if (value == NULL) {
            continue;
        }
        if (!fields[i].secret) {
            jval_set(admin->arena, plain, slice_str(fields[i].name), value);
            continue;
        }
        struct slice name =
            arena_printf(admin->arena, "%.*s%s", SLICE_ARG(prefix), fields[i].name);
        struct secret *secret = vault_hold(vault, jval_text(value));
        err = vault_seal(vault, record->id, name, secret, admin->arena,
                         &out->secrets[out->count++]);
        secret_free(secret);
    }
    out->plain_json = admin_json(admin->arena, plain);
    return err;
}

bool admin_renew_secrets(struct gateway *gateway, struct sealed_auth *sealed,
                         struct arena *arena)
{
    for (size_t i = 0; i < sealed->count; i++) {
        struct store_secret *secret = &sealed->secrets[i];
        if (vault_renew(gateway->parts.vault, secret, arena, secret) != ERR_OK) {
            return false;
        }
    }
    return true;
}

void admin_put_secrets(struct store_batch *batch, const struct sealed_auth *auth)
{
    for (size_t i = 0; i < auth->count; i++) {
        store_put_secret(batch, &auth->secrets[i]);
    }
}
