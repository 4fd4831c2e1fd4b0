/* SPDX-License-Identifier: Apache-2.0 */
/* API tokens: shown once, listed without their secret, gone at once when deleted. */
#include "base/limits.h"
#include "base/text.h"
#include "core/admin_private.h"

static void write_token(struct jwriter *writer, const struct store_api_token *token)
{
    jwriter_member_string(writer, "id", token->id);
    jwriter_member_string(writer, "name", token->name);
    jwriter_member_string(writer, "role", token->role);
    jwriter_key(writer, SLICE("tenant_id"));
    if (token->tenant.len > 0) {
        jwriter_string(writer, token->tenant);
    } else {
        jwriter_null(writer);
    }
    admin_time(writer, "expires_at", token->expires_ms);
    admin_time(writer, "created_at", token->created_ms);
}

struct token_creation {
    struct admin *admin;
    struct store_api_token token;
    struct slice raw;
};

static void on_token_stored(void *ctx, enum err err)
{
    struct token_creation *creation = ctx;
    struct admin *admin = creation->admin;
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    write_token(&writer, &creation->token);
    jwriter_member_string(&writer, "token", creation->raw);
    jwriter_object_end(&writer);
    admin->ids[0] = creation->token.id;
    admin_respond(admin, 201, &json);
    buf_free(&json);
}

static bool read_role(struct admin *admin, struct store_api_token *token)
{
    enum role role = ROLE_CALL;
    if (!admin_text(admin, "role", true, 16, &token->role) ||
        !admin_name(admin, "tenant_id", false, &token->tenant)) {
        return false;
    }
    if (!role_parse(token->role, &role)) {
        admin_error(admin, ERR_UNPROCESSABLE,
                    SLICE("/role: admin, tenant or call is needed."));
        return false;
    }
    bool has_tenant = token->tenant.len > 0;
    if (has_tenant == (role == ROLE_ADMIN)) {
        admin_error(
            admin, ERR_UNPROCESSABLE,
            has_tenant ? SLICE("/tenant_id: an admin token belongs to no tenant.")
                       : SLICE("/tenant_id: is needed for the roles tenant and call."));
        return false;
    }
    return true;
}

void admin_create_token(struct admin *admin)
{
    static const char *const allowed[] = {"name", "role", "tenant_id", "expires_at",
                                          NULL};
    struct token_creation *creation = arena_alloc(admin->arena, sizeof *creation);
    struct store_api_token *token = &creation->token;
    enum admin_expiry expiry = EXPIRY_ABSENT;
    if (!admin_only(admin, allowed) ||
        !admin_text(admin, "name", true, LIMIT_NAME_BYTES, &token->name) ||
        !read_role(admin, token) ||
        !admin_expires_at(admin, &expiry, &token->expires_ms)) {
        return;
    }
    struct minted minted =
        principal_mint_api_token(admin->gateway->parts.keys, admin->arena);
    creation->admin = admin;
    creation->raw = minted.raw;
    token->id = text_new_id(admin->arena, "tok_");
    token->hash = minted.hash;
    token->created_ms = gateway_wall_ms(admin->gateway);
    struct store_batch *batch = store_batch_new();
    store_insert_api_token(batch, token);
    store_commit(admin->gateway->parts.store, batch, on_token_stored, creation);
}

void admin_list_tokens(struct admin *admin)
{
    struct store_api_token *tokens = NULL;
    struct admin_page page;
    size_t count = 0;
    if (!admin_page_ask(admin, &page)) {
        return;
    }
    enum err err =
        store_list_api_tokens(admin->gateway->parts.store, SLICE_EMPTY, page.after,
                              page.limit, admin->arena, &tokens, &count);
    if (!admin_page_begin(admin, &page, err)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        jwriter_object(&page.writer);
        write_token(&page.writer, &tokens[i]);
        jwriter_object_end(&page.writer);
    }
    admin_page_end(admin, &page,
                   count == page.limit ? tokens[count - 1].id : SLICE_EMPTY);
}

static void on_token_deleted(void *ctx, enum err err)
{
    struct admin *admin = ctx;
    if (err != ERR_OK) {
        admin_error(admin, err,
                    err == ERR_NOT_FOUND ? SLICE("There is no such token.")
                                         : SLICE_EMPTY);
        return;
    }
    admin_no_content(admin);
}

void admin_delete_token(struct admin *admin)
{
    struct store_batch *batch = store_batch_new();
    store_delete_api_token(batch, admin->ids[0]);
    store_commit(admin->gateway->parts.store, batch, on_token_deleted, admin);
}
