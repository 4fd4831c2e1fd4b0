/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environments: what all accounts that carry one's name have in common. Nobody makes one: it is
 * there once it says something, and gone when it says nothing any more.
 */
#include "base/limits.h"
#include "base/text.h"
#include "base/web_origin.h"
#include "core/admin_private.h"

static bool read_name(struct admin *admin)
{
    if (admin_is_name(admin->ids[0])) {
        return true;
    }
    admin_error(admin, ERR_NOT_FOUND,
                SLICE("An environment's name is 1 to 48 letters, digits and _ . : -."));
    return false;
}

static void write_environment(struct jwriter *writer,
                              const struct store_environment *environment)
{
    jwriter_object(writer);
    jwriter_member_string(writer, "environment", environment->id);
    admin_text_or_null(writer, "reauth_url", environment->reauth_url);
    jwriter_key(writer, SLICE("overrides"));
    jwriter_raw(writer, environment->overrides);
    admin_time(writer, "updated_at", environment->updated_ms);
    jwriter_object_end(writer);
}

static void respond_environment(struct admin *admin,
                                const struct store_environment *environment)
{
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    write_environment(&writer, environment);
    admin_respond(admin, 200, &json);
    buf_free(&json);
}

/* One that nobody has described says nothing. False after an answer. */
static bool load_environment(struct admin *admin, struct store_environment *out)
{
    *out = (struct store_environment){
        .id = admin->ids[0], .overrides = SLICE("{}"), .reauth_url = SLICE_EMPTY};
    if (!read_name(admin)) {
        return false;
    }
    enum err err = store_get_environment(admin->gateway->parts.store, admin->ids[0],
                                         admin->arena, out);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        admin_error(admin, err, SLICE_EMPTY);
        return false;
    }
    return true;
}

void admin_get_environment(struct admin *admin)
{
    struct store_environment environment;
    if (load_environment(admin, &environment)) {
        respond_environment(admin, &environment);
    }
}

void admin_list_environments(struct admin *admin)
{
    struct store_environment *environments = NULL;
    struct admin_page page;
    size_t count = 0;
    if (!admin_page_ask(admin, &page)) {
        return;
    }
    enum err err =
        store_list_environments(admin->gateway->parts.store, page.after, page.limit,
                                admin->arena, &environments, &count);
    if (!admin_page_begin(admin, &page, err)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        write_environment(&page.writer, &environments[i]);
    }
    admin_page_end(admin, &page,
                   count == page.limit ? environments[count - 1].id : SLICE_EMPTY);
}

struct environment_change {
    struct admin *admin;
    struct store_environment environment;
};

static void on_environment_stored(void *ctx, enum err err)
{
    struct environment_change *change = ctx;
    if (err != ERR_OK) {
        admin_error(change->admin, err, SLICE_EMPTY);
        return;
    }
    catalogs_changed(change->admin->gateway->catalogs);
    respond_environment(change->admin, &change->environment);
}

static void store_environment(struct admin *admin, struct environment_change *change)
{
    struct store_environment *environment = &change->environment;
    struct store_batch *batch = store_batch_new();
    bool says_something =
        environment->reauth_url.len > 0 || !slice_is(environment->overrides, "{}");
    environment->updated_ms = gateway_wall_ms(admin->gateway);
    if (says_something) {
        store_put_environment(batch, environment);
    } else {
        store_delete_environment(batch, environment->id);
    }
    store_commit(admin->gateway->parts.store, batch, on_environment_stored, change);
}

void admin_put_overrides(struct admin *admin)
{
    struct environment_change *change = arena_alloc(admin->arena, sizeof *change);
    change->admin = admin;
    if (load_environment(admin, &change->environment) &&
        admin_read_layer(admin, &change->environment.overrides)) {
        store_environment(admin, change);
    }
}

void admin_patch_environment(struct admin *admin)
{
    static const char *const allowed[] = {"reauth_url", NULL};
    struct environment_change *change = arena_alloc(admin->arena, sizeof *change);
    change->admin = admin;
    if (load_environment(admin, &change->environment) && admin_only(admin, allowed) &&
        admin_reauth_url(admin, &change->environment.reauth_url)) {
        store_environment(admin, change);
    }
}

/* ---- Where people go ---- */

/* An https page (or http on this machine) without anything that would log somebody in. */
static bool is_page(struct slice url, struct arena *arena)
{
    struct web_origin origin;
    size_t end = url.len, slashes = 0;
    for (size_t i = 0; i < url.len && end == url.len; i++) {
        slashes += url.ptr[i] == '/' ? 1 : 0;
        end = slashes == 3 || url.ptr[i] == '?' || url.ptr[i] == '#' ? i : end;
    }
    for (size_t i = end; i < url.len; i++) {
        if (url.ptr[i] <= 0x20 || url.ptr[i] >= 0x7f) {
            return false;
        }
    }
    return web_origin_parse(arena, slice_of(url.ptr, end), &origin) &&
           (origin.is_tls || slice_is(origin.host, "127.0.0.1") ||
            slice_is(origin.host, "localhost"));
}

bool admin_reauth_url(struct admin *admin, struct slice *out)
{
    const struct jval *value = jval_get(admin->body, "reauth_url");
    if (value == NULL) {
        return true;
    }
    if (value->type == JVAL_NULL) {
        *out = SLICE_EMPTY;
        return true;
    }
    if (value->type != JVAL_STRING || value->text.len > LIMIT_REAUTH_URL_BYTES ||
        !is_page(value->text, admin->arena)) {
        return admin_unprocessable(admin, SLICE("/reauth_url"),
                                   "the https address of your own page, behind its "
                                   "login, is needed (1 to 512 bytes), "
                                   "or null");
    }
    *out = value->text;
    return true;
}
