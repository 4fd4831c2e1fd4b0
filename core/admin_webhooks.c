/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhook endpoints: their secret is shown once, their deliveries without bodies. For admins
 * alone: an endpoint makes the server send requests to a place of the caller's choice, and
 * there are few places for them.
 */
#include "auth/webhook_key.h"
#include "base/limits.h"
#include "base/text.h"
#include "core/admin_private.h"
#include "core/events.h"
#include "io/http_url.h"

#include <netinet/in.h>

#define OVERLAP_MOST_S 604800

/* ---- Showing ---- */

static void write_or_null(struct jwriter *writer, const char *name, struct slice text)
{
    jwriter_key(writer, slice_str(name));
    if (text.len > 0) {
        jwriter_string(writer, text);
    } else {
        jwriter_null(writer);
    }
}

static void write_events(struct jwriter *writer, int64_t events)
{
    jwriter_key(writer, SLICE("events"));
    jwriter_array(writer);
    if (events == EVENT_ALL) {
        jwriter_string(writer, SLICE("*"));
    }
    for (int i = 0; events != EVENT_ALL && i < EVENT_TYPE_COUNT; i++) {
        if ((events & EVENT_BIT(i)) != 0) {
            jwriter_string(writer, slice_str(event_type_name((enum event_type)i)));
        }
    }
    jwriter_array_end(writer);
}

/* Without the end of the object: the secret may follow. */
static void write_endpoint(struct jwriter *writer,
                           const struct store_endpoint *endpoint)
{
    jwriter_object(writer);
    jwriter_member_string(writer, "id", endpoint->id);
    jwriter_member_string(writer, "url", endpoint->url);
    write_events(writer, endpoint->events);
    write_or_null(writer, "tenant_id", endpoint->tenant);
    jwriter_member_string(writer, "state", endpoint->state);
    write_or_null(writer, "cause", endpoint->cause);
    jwriter_member_int(writer, "events_dropped", endpoint->dropped);
    admin_time(writer, "paused_until", endpoint->held_until_ms);
    admin_time(writer, "old_secret_expires_at", endpoint->old_secret_ends_ms);
    admin_time(writer, "created_at", endpoint->created_ms);
    admin_time(writer, "updated_at", endpoint->updated_ms);
}

static void respond_endpoint(struct admin *admin, int status,
                             const struct store_endpoint *endpoint, bool with_secret)
{
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    write_endpoint(&writer, endpoint);
    if (with_secret) {
        const struct webhook_key key = {endpoint->id, endpoint->secret_version};
        struct secret *secret = webhook_key_derive(admin->gateway->parts.keys, &key);
        jwriter_member_string(&writer, "secret",
                              webhook_key_text(secret, admin->arena));
        secret_free(secret);
    }
    jwriter_object_end(&writer);
    admin_respond(admin, status, &json);
    buf_free(&json);
}

static void endpoint_error(struct admin *admin, enum err err)
{
    admin_error(admin, err,
                err == ERR_NOT_FOUND ? SLICE("There is no such webhook endpoint.")
                                     : SLICE_EMPTY);
}

static bool load_endpoint(struct admin *admin, struct store_endpoint *out)
{
    enum err err = store_get_endpoint(admin->gateway->parts.store, admin->ids[0],
                                      admin->arena, out);
    if (err != ERR_OK) {
        endpoint_error(admin, err);
    }
    return err == ERR_OK;
}

void admin_get_endpoint(struct admin *admin)
{
    struct store_endpoint endpoint;
    if (load_endpoint(admin, &endpoint)) {
        respond_endpoint(admin, 200, &endpoint, false);
    }
}

void admin_list_endpoints(struct admin *admin)
{
    struct store_endpoint *endpoints = NULL;
    struct admin_page page;
    size_t count = 0;
    if (!admin_page_ask(admin, &page)) {
        return;
    }
    enum err err = store_list_endpoints(admin->gateway->parts.store, page.after,
                                        page.limit, admin->arena, &endpoints, &count);
    if (!admin_page_begin(admin, &page, err)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        write_endpoint(&page.writer, &endpoints[i]);
        jwriter_object_end(&page.writer);
    }
    admin_page_end(admin, &page,
                   count == page.limit ? endpoints[count - 1].id : SLICE_EMPTY);
}

/* ---- Creating ---- */

struct endpoint_change {
    struct admin *admin;
    struct store_endpoint endpoint;
};

/* Names are judged at each delivery, by the addresses they have then. */
static bool read_url(struct admin *admin, struct store_endpoint *endpoint)
{
    const struct net_policy *policy = admin->gateway->parts.policy;
    struct slice pointer = SLICE("/url");
    struct http_url url;
    if (!admin_text(admin, "url", true, LIMIT_WEBHOOK_URL_BYTES, &endpoint->url)) {
        return false;
    }
    if (!http_url_parse(endpoint->url, &url)) {
        return admin_unprocessable(
            admin, pointer, "an absolute URL without user name and fragment is needed");
    }
    if (!net_policy_allows_scheme(policy, url.is_tls ? SLICE("https") : SLICE("http"),
                                  url.host, url.port)) {
        return admin_unprocessable(admin, pointer,
                                   "https is needed: only hosts of "
                                   "net.allow_plain_http_hosts are called without");
    }
    if (url.is_literal &&
        !net_policy_allows(policy, (const struct sockaddr *)&url.address)) {
        return admin_unprocessable(admin, pointer,
                                   "a private or reserved address: the operator opens "
                                   "those with net.allow_cidrs");
    }
    return true;
}

static bool read_events(struct admin *admin, struct store_endpoint *endpoint)
{
    const struct jval *events = jval_get(admin->body, "events");
    if (!jval_is(events, JVAL_ARRAY) || events->count == 0) {
        return admin_unprocessable(admin, SLICE("/events"),
                                   "a list of event types, or [\"*\"], is needed");
    }
    for (size_t i = 0; i < events->count; i++) {
        struct slice name = jval_text(&events->items[i]);
        enum event_type type = EVENT_ACCOUNT_CONNECTED;
        if (slice_is(name, "*")) {
            endpoint->events = EVENT_ALL;
        } else if (event_type_parse(name, &type)) {
            endpoint->events |= EVENT_BIT(type);
        } else {
            return admin_unprocessable(
                admin, arena_printf(admin->arena, "/events/%zu", i),
                "there is no such event: account.connected, account.needs_reauth, "
                "account.expiring, account.disabled, mcp_server.expired or *");
        }
    }
    return true;
}

static void on_endpoint_stored(void *ctx, enum err err)
{
    struct endpoint_change *change = ctx;
    struct admin *admin = change->admin;
    if (err == ERR_CONFLICT) {
        admin_error(admin, err,
                    SLICE("There are 64 webhook endpoints, the most there may be: "
                          "delete one first."));
        return;
    }
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    admin->ids[0] = change->endpoint.id;
    respond_endpoint(admin, 201, &change->endpoint, true);
}

void admin_create_endpoint(struct admin *admin)
{
    static const char *const allowed[] = {"url", "events", "tenant_id", NULL};
    struct endpoint_change *change = arena_alloc(admin->arena, sizeof *change);
    struct store_endpoint *endpoint = &change->endpoint;
    if (!admin_only(admin, allowed) || !read_url(admin, endpoint) ||
        !read_events(admin, endpoint) ||
        !admin_name(admin, "tenant_id", false, &endpoint->tenant)) {
        return;
    }
    change->admin = admin;
    endpoint->id = text_new_id(admin->arena, "whe_");
    endpoint->state = SLICE("active");
    endpoint->secret_version = 1;
    endpoint->created_ms = endpoint->updated_ms = gateway_wall_ms(admin->gateway);
    struct store_batch *batch = store_batch_new();
    store_insert_endpoint(batch, endpoint, LIMIT_WEBHOOK_ENDPOINTS);
    store_commit(admin->gateway->parts.store, batch, on_endpoint_stored, change);
}

/* ---- Changing ---- */

static void on_endpoint_deleted(void *ctx, enum err err)
{
    struct admin *admin = ctx;
    if (err != ERR_OK) {
        endpoint_error(admin, err);
        return;
    }
    admin_no_content(admin);
}

void admin_delete_endpoint(struct admin *admin)
{
    struct store_batch *batch = store_batch_new();
    store_delete_endpoint(batch, admin->ids[0]);
    store_commit(admin->gateway->parts.store, batch, on_endpoint_deleted, admin);
}

static void on_endpoint_changed(void *ctx, enum err err)
{
    struct admin *admin = ctx;
    if (err != ERR_OK) {
        endpoint_error(admin, err);
        return;
    }
    admin_get_endpoint(admin);
}

void admin_patch_endpoint(struct admin *admin)
{
    static const char *const allowed[] = {"state", NULL};
    struct store_endpoint endpoint;
    struct slice state;
    if (!load_endpoint(admin, &endpoint) || !admin_only(admin, allowed) ||
        !admin_text(admin, "state", true, 16, &state)) {
        return;
    }
    bool is_on = slice_is(state, "active");
    if (!is_on && !slice_is(state, "disabled")) {
        admin_unprocessable(admin, SLICE("/state"), "\"active\" or \"disabled\"");
        return;
    }
    int64_t now_ms = gateway_wall_ms(admin->gateway);
    struct store_batch *batch = store_batch_new();
    if (!slice_eq(state, endpoint.state) && is_on) {
        store_enable_endpoint(batch, endpoint.id, now_ms);
    } else if (!slice_eq(state, endpoint.state)) {
        store_disable_endpoint(batch, endpoint.id, SLICE("operator"), now_ms);
    }
    store_commit(admin->gateway->parts.store, batch, on_endpoint_changed, admin);
}

static void on_endpoint_rotated(void *ctx, enum err err)
{
    struct endpoint_change *change = ctx;
    if (err != ERR_OK) {
        admin_error(change->admin, err, SLICE_EMPTY);
        return;
    }
    respond_endpoint(change->admin, 200, &change->endpoint, true);
}

void admin_rotate_endpoint(struct admin *admin)
{
    static const char *const allowed[] = {"overlap_seconds", NULL};
    struct endpoint_change *change = arena_alloc(admin->arena, sizeof *change);
    struct store_endpoint *endpoint = &change->endpoint;
    long long overlap_s = 0;
    change->admin = admin;
    if (!load_endpoint(admin, endpoint) || !admin_only(admin, allowed) ||
        !admin_number(admin, "overlap_seconds", 0, OVERLAP_MOST_S, 0, &overlap_s)) {
        return;
    }
    int64_t now_ms = gateway_wall_ms(admin->gateway);
    endpoint->old_secret_ends_ms = overlap_s > 0 ? now_ms + overlap_s * 1000 : 0;
    endpoint->updated_ms = now_ms;
    struct store_batch *batch = store_batch_new();
    store_rotate_endpoint(batch, endpoint->id, endpoint->secret_version,
                          endpoint->old_secret_ends_ms, now_ms);
    endpoint->secret_version++;
    store_commit(admin->gateway->parts.store, batch, on_endpoint_rotated, change);
}

/* ---- Deliveries ---- */

struct endpoint_test {
    struct admin *admin;
    struct slice event;
};

static void on_test_stored(void *ctx, enum err err)
{
    struct endpoint_test *test = ctx;
    struct admin *admin = test->admin;
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "event_id", test->event);
    jwriter_object_end(&writer);
    admin_respond(admin, 202, &json);
    buf_free(&json);
}

void admin_test_endpoint(struct admin *admin)
{
    static const char *const allowed[] = {NULL};
    struct store_endpoint endpoint;
    if (!load_endpoint(admin, &endpoint) || !admin_only(admin, allowed)) {
        return;
    }
    if (!slice_is(endpoint.state, "active")) {
        admin_error(admin, ERR_CONFLICT,
                    SLICE("This endpoint is disabled: PATCH it with \"state\": "
                          "\"active\" first."));
        return;
    }
    struct endpoint_test *test = arena_alloc(admin->arena, sizeof *test);
    struct store_batch *batch = store_batch_new();
    test->admin = admin;
    test->event =
        events_test(batch, &endpoint, gateway_wall_ms(admin->gateway), admin->arena);
    store_commit(admin->gateway->parts.store, batch, on_test_stored, test);
}

static void write_delivery(struct jwriter *writer,
                           const struct store_delivery *delivery)
{
    jwriter_object(writer);
    jwriter_member_string(writer, "event_id", delivery->event);
    jwriter_member_string(writer, "type", delivery->type);
    jwriter_member_string(writer, "outcome", delivery->outcome);
    jwriter_member_int(writer, "attempts", delivery->attempts);
    jwriter_key(writer, SLICE("http_status"));
    if (delivery->status > 0) {
        jwriter_int(writer, delivery->status);
    } else {
        jwriter_null(writer);
    }
    write_or_null(writer, "reason", delivery->reason);
    jwriter_member_int(writer, "duration_ms", delivery->duration_ms);
    admin_time(writer, "created_at", delivery->created_ms);
    admin_time(writer, "last_attempt_at", delivery->tried_ms);
    admin_time(writer, "next_attempt_at", delivery->next_ms);
    jwriter_object_end(writer);
}

void admin_list_deliveries(struct admin *admin)
{
    struct store_endpoint endpoint;
    struct store_delivery *deliveries = NULL;
    struct admin_page page;
    unsigned long long before = 0;
    size_t count = 0;
    if (!load_endpoint(admin, &endpoint) || !admin_page_ask(admin, &page)) {
        return;
    }
    if (page.after.len > 0 && (!slice_to_u64(page.after, &before) || before == 0)) {
        admin_unprocessable(admin, SLICE("?cursor"),
                            "a next_cursor of this list is needed");
        return;
    }
    enum err err =
        store_list_deliveries(admin->gateway->parts.store, endpoint.id, (int64_t)before,
                              page.limit, admin->arena, &deliveries, &count);
    if (!admin_page_begin(admin, &page, err)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        write_delivery(&page.writer, &deliveries[i]);
    }
    admin_page_end(
        admin, &page,
        count == page.limit
            ? arena_printf(admin->arena, "%lld", (long long)deliveries[count - 1].n)
            : SLICE_EMPTY);
}
