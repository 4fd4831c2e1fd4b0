/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's keys: which there are, what is sealed under each, and reading them again. No
 * key is ever shown. */
#include "core/admin_private.h"

static void write_use(struct jwriter *writer, struct slice id,
                      const struct store_key_use *uses, size_t count)
{
    struct store_key_use use = {.key_id = id};
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(uses[i].key_id, id)) {
            use = uses[i];
        }
    }
    jwriter_member_string(writer, "id", id);
    jwriter_member_int(writer, "secrets", use.secrets);
    jwriter_member_int(writer, "accounts", use.accounts);
}

void admin_get_vault(struct admin *admin)
{
    const struct keys *keys = admin->gateway->parts.keys;
    struct store_key_use *uses = NULL;
    size_t count = 0;
    enum err err =
        store_count_secrets(admin->gateway->parts.store, admin->arena, &uses, &count);
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "seals_with", keys_sealing_id(keys));
    jwriter_key(&writer, SLICE("vault_keys"));
    jwriter_array(&writer);
    for (size_t i = 0; i < keys_count(keys); i++) {
        jwriter_object(&writer);
        write_use(&writer, keys_id(keys, i), uses, count);
        jwriter_object_end(&writer);
    }
    jwriter_array_end(&writer);
    jwriter_key(&writer, SLICE("missing_keys"));
    jwriter_array(&writer);
    for (size_t i = 0; i < count; i++) {
        if (!keys_has(keys, uses[i].key_id)) {
            jwriter_object(&writer);
            write_use(&writer, uses[i].key_id, uses, count);
            jwriter_object_end(&writer);
        }
    }
    jwriter_array_end(&writer);
    jwriter_object_end(&writer);
    admin_respond(admin, 200, &json);
    buf_free(&json);
}

static void on_written(void *ctx, enum err err)
{
    struct admin *admin = ctx;
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    admin_get_vault(admin);
}

/* Answered after all that was sealed before is written (writes keep their order), so that
 * who counts then counts everything that is under an older key. */
void admin_reload_vault(struct admin *admin)
{
    static const char *const allowed[] = {NULL};
    const struct gateway_parts *parts = &admin->gateway->parts;
    struct slice problem = SLICE_EMPTY;
    if (!admin_only(admin, allowed)) {
        return;
    }
    if (parts->reload_keys(parts->reload_ctx, admin->arena, &problem) != ERR_OK) {
        admin_error(admin, ERR_CONFLICT, problem);
        return;
    }
    store_commit(parts->store, store_batch_new(), on_written, admin);
}
