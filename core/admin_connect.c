/* SPDX-License-Identifier: Apache-2.0 */
/* Links for people: who asks for one has shown whose account it is for, and gives it to the
 * person it is meant for. */
#include "base/limits.h"
#include "base/text.h"
#include "core/admin_private.h"
#include "core/connect.h"
#include "io/http_url.h"

struct making {
    struct admin *admin;
    struct store_connect_session session;
    struct slice url;
};

static bool is_loopback(struct slice host)
{
    return slice_is(host, "127.0.0.1") || slice_is(host, "::1") ||
           slice_eq_nocase(host, SLICE("localhost"));
}

/* It is put behind a link that people follow: never a scheme of another kind. */
static bool read_return_url(struct admin *admin, struct slice *out)
{
    struct http_url url;
    if (!admin_text(admin, "return_url", true, LIMIT_RETURN_URL_BYTES, out)) {
        return false;
    }
    if (!http_url_parse(*out, &url) || (!url.is_tls && !is_loopback(url.host))) {
        return admin_unprocessable(
            admin, SLICE("/return_url"),
            "an https address without a fragment is needed (http "
            "on loopback only)");
    }
    return true;
}

/* The account that is connected again says the rest. False after an answer. */
static bool read_account(struct admin *admin, struct store_connect_session *session)
{
    struct store_account account;
    if (!admin_text(admin, "account_id", false, LIMIT_NAME_BYTES, &session->account)) {
        return false;
    }
    if (session->account.len == 0) {
        return true;
    }
    enum err err = store_get_account(admin->gateway->parts.store, session->account,
                                     admin->arena, &account);
    if (err == ERR_IO) {
        admin_error(admin, err, SLICE_EMPTY);
        return false;
    }
    if (err != ERR_OK || !slice_eq(account.tenant, session->tenant) ||
        !slice_eq(account.integration, session->integration)) {
        return admin_unprocessable(
            admin, SLICE("/account_id"),
            "this tenant has no such account of this integration");
    }
    session->environment = account.environment;
    return true;
}

/* Whoever makes the link may acknowledge the ERP's terms; otherwise its page asks for it. */
static bool read_acknowledgement(struct admin *admin,
                                 const struct integration *integration,
                                 struct store_connect_session *session)
{
    struct slice member = integration->acknowledgement_member;
    session->acknowledged = member.len > 0 && jval_member(admin->body, member) != NULL;
    return !session->acknowledged || admin_acknowledged(admin, integration);
}

static bool read_session(struct admin *admin, struct store_connect_session *session)
{
    const struct integration *integration = NULL;
    if (!admin_name(admin, "tenant_id", true, &session->tenant) ||
        !admin_name(admin, "environment", false, &session->environment) ||
        !admin_integration(admin, &session->integration, &integration)) {
        return false;
    }
    struct slice member = integration->acknowledgement_member;
    const char *allowed[] = {
        "tenant_id",   "integration",
        "environment", "account_id",
        "return_url",  member.len > 0 ? arena_copy(admin->arena, member) : NULL,
        NULL};
    if (!admin_only(admin, allowed) || !read_return_url(admin, &session->return_url)) {
        return false;
    }
    if (!admin_may_touch(admin, session->tenant)) {
        admin_error(admin, ERR_FORBIDDEN,
                    SLICE("This token may connect accounts of its own tenant only."));
        return false;
    }
    return read_account(admin, session) &&
           read_acknowledgement(admin, integration, session);
}

static void on_made(void *ctx, enum err err)
{
    const struct making *making = ctx;
    struct admin *admin = making->admin;
    if (err != ERR_OK) {
        admin_error(
            admin, err,
            err == ERR_CONFLICT
                ? SLICE("This tenant has 100 open links: use one of them, or wait "
                        "until the oldest has ended, 15 minutes after it was made.")
                : SLICE_EMPTY);
        return;
    }
    struct buf json = admin_buf();
    struct jwriter writer;
    admin->ids[0] = making->session.id;
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "id", making->session.id);
    jwriter_member_string(&writer, "url", making->url);
    admin_time(&writer, "expires_at", making->session.expires_ms);
    jwriter_object_end(&writer);
    admin_respond(admin, 201, &json);
    buf_free(&json);
}

void admin_create_connect_session(struct admin *admin)
{
    struct making *making = arena_alloc(admin->arena, sizeof *making);
    struct store_connect_session *session = &making->session;
    const struct gateway_parts *parts = &admin->gateway->parts;
    making->admin = admin;
    if (!read_session(admin, session)) {
        return;
    }
    struct minted link =
        principal_mint_connect(parts->keys, CONNECT_LINK, admin->arena);
    session->id = text_new_id(admin->arena, "cs_");
    session->hash = link.hash;
    session->state = SLICE("open");
    session->created_ms = gateway_wall_ms(admin->gateway);
    session->expires_ms = session->created_ms + LIMIT_CONNECT_LIFE_MS;
    making->url =
        arena_printf(admin->arena, "%.*s/connect/%.*s",
                     SLICE_ARG(parts->config->public_url), SLICE_ARG(link.raw));
    struct store_batch *batch = store_batch_new();
    store_insert_connect_session(batch, session, LIMIT_CONNECT_SESSIONS,
                                 session->created_ms);
    store_commit(parts->store, batch, on_made, making);
}

static void write_text_or_null(struct jwriter *writer, const char *name,
                               struct slice text)
{
    jwriter_key(writer, slice_str(name));
    if (text.len > 0) {
        jwriter_string(writer, text);
    } else {
        jwriter_null(writer);
    }
}

/* By the name that the request for a link has for it. */
static void write_acknowledgement(const struct admin *admin, struct jwriter *writer,
                                  const struct store_connect_session *session)
{
    const struct integration *integration = catalog_integration(
        catalogs_current(admin->gateway->catalogs), session->integration);
    if (integration != NULL && integration->acknowledgement_member.len > 0) {
        jwriter_key(writer, integration->acknowledgement_member);
        jwriter_bool(writer, session->acknowledged);
    }
}

void admin_get_connect_session(struct admin *admin)
{
    struct store_connect_session session;
    enum err err = store_get_connect_session(admin->gateway->parts.store, admin->ids[0],
                                             admin->arena, &session);
    if (err == ERR_IO) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    if (err != ERR_OK || !admin_may_touch(admin, session.tenant)) {
        admin_error(admin, ERR_NOT_FOUND, SLICE("There is no such connect session."));
        return;
    }
    bool has_ended = session.expires_ms <= gateway_wall_ms(admin->gateway) &&
                     !slice_is(session.state, "connected");
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "id", session.id);
    jwriter_member_string(&writer, "tenant_id", session.tenant);
    jwriter_member_string(&writer, "integration", session.integration);
    write_text_or_null(&writer, "environment", session.environment);
    jwriter_member_string(&writer, "state",
                          has_ended ? SLICE("expired") : session.state);
    write_text_or_null(&writer, "cause", session.cause);
    write_text_or_null(&writer, "account_id", session.account);
    jwriter_member_string(&writer, "return_url", session.return_url);
    write_acknowledgement(admin, &writer, &session);
    admin_time(&writer, "created_at", session.created_ms);
    admin_time(&writer, "expires_at", session.expires_ms);
    jwriter_object_end(&writer);
    admin_respond(admin, 200, &json);
    buf_free(&json);
}
