/* SPDX-License-Identifier: Apache-2.0 */
/* Events and their bodies. */
#include "core/events.h"

#include <stdio.h>

#include "auth/outbound.h"
#include "base/buf.h"
#include "base/jwriter.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/timefmt.h"

#define HOUR_MS INT64_C(3600000)
#define WARN_FIRST_MS (48 * HOUR_MS)
#define WARN_SECOND_MS (12 * HOUR_MS)
#define DAY_MS (24 * HOUR_MS)
/* Of client certificates, which somebody has to order; those that live for less than twice the
 * first (SAP BTP makes them for 7 days) are replaced by programs, and told of as grants are. */
#define CERTIFICATE_FIRST_MS (30 * DAY_MS)
#define CERTIFICATE_SECOND_MS (7 * DAY_MS)
#define BODY_BYTES 4096

static const char *const names[EVENT_TYPE_COUNT] = {
    [EVENT_ACCOUNT_CONNECTED] = "account.connected",
    [EVENT_ACCOUNT_NEEDS_REAUTH] = "account.needs_reauth",
    [EVENT_ACCOUNT_EXPIRING] = "account.expiring",
    [EVENT_ACCOUNT_DISABLED] = "account.disabled",
    [EVENT_MCP_SERVER_EXPIRED] = "mcp_server.expired",
};

const char *event_type_name(enum event_type type)
{
    return names[type];
}

bool event_type_parse(struct slice name, enum event_type *out)
{
    for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
        if (slice_is(name, names[i])) {
            *out = (enum event_type)i;
            return true;
        }
    }
    return false;
}

/* ---- Bodies: {"type","timestamp","data":{…}} ---- */

struct body {
    struct arena *arena;
    struct buf text;
    struct jwriter writer;
};

static void put_time(struct jwriter *writer, const char *name, int64_t wall_ms)
{
    char text[TIMEFMT_BYTES];

    timefmt_utc(wall_ms, text);
    jwriter_member_string(writer, name, slice_str(text));
}

static void body_begin(struct body *body, const char *type, int64_t now_ms)
{
    body->arena = arena_new();
    buf_init(&body->text, BODY_BYTES);
    jwriter_init(&body->writer, &body->text);
    jwriter_object(&body->writer);
    jwriter_member_string(&body->writer, "type", slice_str(type));
    put_time(&body->writer, "timestamp", now_ms);
    jwriter_key(&body->writer, SLICE("data"));
    jwriter_object(&body->writer);
}

static void put_account(struct body *body, const struct store_account *account)
{
    struct jwriter *writer = &body->writer;

    jwriter_member_string(writer, "account_id", account->id);
    jwriter_member_string(writer, "tenant_id", account->tenant);
    jwriter_member_string(writer, "integration", account->integration);
    jwriter_member_string(writer, "state", account->state);
    jwriter_key(writer, SLICE("cause"));
    if (account->cause.len > 0) {
        jwriter_string(writer, account->cause);
    } else {
        jwriter_null(writer);
    }
}

/* The body's text lives until body_free. */
static struct store_event body_end(struct body *body, const char *type, int64_t bit,
                                   struct slice tenant, int64_t now_ms)
{
    jwriter_object_end(&body->writer);
    jwriter_object_end(&body->writer);
    REQUIRE(!buf_full(&body->text)); /* every part of it has a ceiling */
    return (struct store_event){
        .id = text_new_id(body->arena, "evt_"),
        .type = slice_str(type),
        .bit = bit,
        .tenant = tenant,
        .body = buf_slice(&body->text),
        .created_ms = now_ms,
    };
}

static void body_free(struct body *body)
{
    buf_free(&body->text);
    arena_free(body->arena);
}

/* ---- What happens to accounts ---- */

void events_account(struct store_batch *batch, enum event_type type,
                    const struct store_account *account, int64_t now_ms)
{
    struct body body;

    body_begin(&body, names[type], now_ms);
    put_account(&body, account);
    struct store_event event =
        body_end(&body, names[type], EVENT_BIT(type), account->tenant, now_ms);
    store_put_event(batch, &event, LIMIT_WEBHOOK_OUTBOX);
    body_free(&body);
}

struct slice events_test(struct store_batch *batch,
                         const struct store_endpoint *endpoint, int64_t now_ms,
                         struct arena *arena)
{
    struct body body;

    body_begin(&body, "webhook.test", now_ms);
    jwriter_member_string(&body.writer, "webhook_endpoint_id", endpoint->id);
    struct store_event event = body_end(&body, "webhook.test", 0, SLICE_EMPTY, now_ms);
    event.endpoint = endpoint->id;
    store_put_event(batch, &event, LIMIT_WEBHOOK_OUTBOX);
    struct slice id = arena_slice(arena, event.id);
    body_free(&body);
    return id;
}

/* ---- What ends by itself ---- */

static void expire_server(struct store_batch *batch,
                          const struct store_account *account,
                          const struct store_server *server, int64_t now_ms)
{
    const char *type = names[EVENT_MCP_SERVER_EXPIRED];
    struct body body;

    body_begin(&body, type, now_ms);
    put_account(&body, account);
    jwriter_member_string(&body.writer, "mcp_server_id", server->id);
    if (server->expires_ms > 0) {
        put_time(&body.writer, "expired_at", server->expires_ms);
    }
    struct store_event event = body_end(
        &body, type, EVENT_BIT(EVENT_MCP_SERVER_EXPIRED), account->tenant, now_ms);
    store_expire_server(batch, server->id, now_ms, &event, LIMIT_WEBHOOK_OUTBOX);
    body_free(&body);
}

/* What ends, and how it is told of it. */
static void begin_warning(struct body *body, const struct store_account *account,
                          const char *what, int64_t ends_ms, int64_t now_ms)
{
    body_begin(body, names[EVENT_ACCOUNT_EXPIRING], now_ms);
    put_account(body, account);
    jwriter_member_string(&body->writer, "what", slice_str(what));
    put_time(&body->writer, "expires_at", ends_ms);
}

static struct store_event
end_warning(struct body *body, const struct store_account *account, int64_t now_ms)
{
    return body_end(body, names[EVENT_ACCOUNT_EXPIRING],
                    EVENT_BIT(EVENT_ACCOUNT_EXPIRING), account->tenant, now_ms);
}

static void warn_grant(struct store_batch *batch, const struct store_account *account,
                       int64_t ends_ms, int64_t now_ms)
{
    bool is_second = ends_ms - now_ms <= WARN_SECOND_MS;
    struct body body;

    begin_warning(&body, account, "consent", ends_ms, now_ms);
    struct store_event event = end_warning(&body, account, now_ms);
    store_warn_grant(batch, account->id, ends_ms, is_second ? 2 : 1, &event,
                     LIMIT_WEBHOOK_OUTBOX);
    body_free(&body);
}

/* ---- Client certificates ---- */

/* How often its end should have been told by now. */
static int certificate_stage(const struct certificate_life *life, int64_t now_ms)
{
    bool is_short = life->ends_ms - life->begins_ms < 2 * CERTIFICATE_FIRST_MS;
    int64_t left_ms = life->ends_ms - now_ms;

    if (left_ms <= 0) {
        return 0; /* it has ended: the account's state says so */
    }
    if (left_ms <= (is_short ? WARN_SECOND_MS : CERTIFICATE_SECOND_MS)) {
        return 2;
    }
    return left_ms <= (is_short ? WARN_FIRST_MS : CERTIFICATE_FIRST_MS) ? 1 : 0;
}

static void warn_certificate(struct store_batch *batch,
                             const struct store_account *account, struct slice scheme,
                             const struct certificate_life *life, int64_t now_ms)
{
    struct body body;

    begin_warning(&body, account, "certificate", life->ends_ms, now_ms);
    jwriter_member_string(&body.writer, "scheme", scheme);
    struct store_event event = end_warning(&body, account, now_ms);
    store_warn_certificate(batch, account->id, life->ends_ms,
                           certificate_stage(life, now_ms), &event,
                           LIMIT_WEBHOOK_OUTBOX);
    body_free(&body);
}

static void look_at(struct store *store, struct store_batch *batch,
                    const struct store_credential *login, int64_t now_ms,
                    struct arena *arena)
{
    struct jval *auth = NULL;
    struct store_account account;
    size_t offset = 0;

    if (jval_parse(arena, login->auth, &auth, &offset) != ERR_OK ||
        auth->type != JVAL_OBJECT ||
        store_get_account(store, login->account, arena, &account) != ERR_OK) {
        return;
    }
    for (size_t i = 0; i < auth->count; i++) {
        const struct jmember *member = &auth->members[i];
        struct certificate_life life;
        if (outbound_certificate_life(member->name, jval_text(&member->value), &life) &&
            certificate_stage(&life, now_ms) > 0) {
            warn_certificate(batch, &account, login->scheme, &life, now_ms);
        }
    }
}

static void go_on_after(struct events_scan *scan, const struct store_credential *last)
{
    snprintf(scan->account, sizeof scan->account, "%.*s", SLICE_ARG(last->account));
    snprintf(scan->scheme, sizeof scan->scheme, "%.*s", SLICE_ARG(last->scheme));
}

static enum err warn_certificates(struct store *store, struct store_batch *batch,
                                  struct events_scan *scan, int64_t now_ms,
                                  struct arena *arena)
{
    const struct store_credential after = {.account = slice_str(scan->account),
                                           .scheme = slice_str(scan->scheme)};
    struct store_credential *logins = NULL;
    size_t count = 0;

    if (now_ms < scan->again_ms && scan->again_ms - now_ms <= HOUR_MS) {
        return ERR_OK;
    }
    enum err err =
        store_list_certificates(store, &after, LIMIT_PAGE, arena, &logins, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        look_at(store, batch, &logins[i], now_ms, arena);
    }
    if (err == ERR_OK && count == LIMIT_PAGE) {
        go_on_after(scan, &logins[count - 1]);
    } else if (err == ERR_OK) {
        *scan = (struct events_scan){.again_ms = now_ms + HOUR_MS};
    }
    return err;
}

/* ---- All of it ---- */

static enum err expire_servers(struct store *store, struct store_batch *batch,
                               int64_t now_ms, struct arena *arena)
{
    struct slice after = SLICE_EMPTY;
    size_t count = LIMIT_PAGE;
    enum err err = ERR_OK;

    while (err == ERR_OK && count == LIMIT_PAGE) {
        struct store_server *servers = NULL;
        err = store_list_expired_servers(store, now_ms, after, LIMIT_PAGE, arena,
                                         &servers, &count);
        for (size_t i = 0; err == ERR_OK && i < count; i++) {
            struct store_account account;
            err = store_get_account(store, servers[i].account, arena, &account);
            if (err == ERR_OK) {
                expire_server(batch, &account, &servers[i], now_ms);
            }
            after = servers[i].id;
        }
    }
    return err;
}

/* As many as there are at once; the others the next time. */
static enum err warn_grants(struct store *store, struct store_batch *batch,
                            int64_t now_ms, struct arena *arena)
{
    struct store_grant *grants = NULL;
    size_t count = 0;
    enum err err = store_list_ending_grants(store, now_ms, now_ms + WARN_FIRST_MS,
                                            now_ms + WARN_SECOND_MS, LIMIT_PAGE, arena,
                                            &grants, &count);

    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        struct store_account account;
        err = store_get_account(store, grants[i].account, arena, &account);
        if (err == ERR_OK) {
            warn_grant(batch, &account, grants[i].grant_ends_ms, now_ms);
        }
    }
    return err;
}

enum err events_ends(struct store *store, struct store_batch *batch,
                     struct events_scan *scan, int64_t now_ms)
{
    struct arena *arena = arena_new();
    enum err err = expire_servers(store, batch, now_ms, arena);

    if (err == ERR_OK) {
        err = warn_grants(store, batch, now_ms, arena);
    }
    if (err == ERR_OK) {
        err = warn_certificates(store, batch, scan, now_ms, arena);
    }
    arena_free(arena);
    return err;
}
