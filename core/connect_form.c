/* SPDX-License-Identifier: Apache-2.0 */
/* By values: what a person typed becomes a connection and an auth object, which are held
 * against the ERP before anything is stored. */
#include "base/text.h"
#include "core/connect_private.h"

/* What was meant: blanks and line ends around a pasted value are not. */
static struct slice meant(struct slice typed)
{
    static const char blanks[] = " \t\r\n";
    while (typed.len > 0 && strchr(blanks, typed.ptr[0]) != NULL) {
        typed = slice_from(typed, 1);
    }
    while (typed.len > 0 && strchr(blanks, typed.ptr[typed.len - 1]) != NULL) {
        typed.len--;
    }
    return typed;
}

struct slice connect_typed(const struct connect *connect, const char *group,
                           const char *name)
{
    struct slice key = arena_printf(connect->arena, "%s.%s", group, name);
    return meant(web_form_get(&connect->form, key));
}

static struct jval *put_typed(const struct connect *connect, struct jval *object,
                              const char *group, const char *name)
{
    struct slice value = connect_typed(connect, group, name);
    if (value.len > 0) {
        jval_set(connect->arena, object, slice_str(name),
                 jval_new_string(connect->arena, value));
    }
    return object;
}

/* ---- The connection ---- */

/* 1234567_SB1 as host names have it: 1234567-sb1. */
static struct slice host_form(struct arena *arena, struct slice account)
{
    char *out = arena_copy(arena, account);
    for (size_t i = 0; i < account.len; i++) {
        char c = out[i];
        out[i] = c == '_' ? '-' : (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return slice_of(out, account.len);
}

static struct slice fill_in(struct arena *arena, struct slice url, struct slice account)
{
    static const char place[] = "{account}";
    const char *copy = arena_copy(arena, url);
    const char *hole = strstr(copy, place);
    if (hole == NULL) {
        return url;
    }
    return arena_printf(arena, "%.*s%.*s%s", (int)(hole - copy), copy,
                        SLICE_ARG(account), hole + sizeof place - 1);
}

/* The ERP of a test, where one is configured. */
static void put_base_urls(const struct connect *connect, struct jval *connection)
{
    const struct gateway_connect *config = &connect->gateway->parts.config->connect;
    struct jval *urls = jval_new_object(connect->arena, config->base_url_count);
    struct slice account =
        host_form(connect->arena, jval_text(jval_get(connection, "account_id")));
    if (!slice_eq(config->integration, connect->session.integration)) {
        return;
    }
    for (size_t i = 0; i < config->base_url_count; i++) {
        struct slice item = config->base_urls[i];
        size_t equals = (size_t)slice_find(item, '=');
        jval_set(connect->arena, urls, slice_of(item.ptr, equals),
                 jval_new_string(
                     connect->arena,
                     fill_in(connect->arena, slice_from(item, equals + 1), account)));
    }
    if (urls->count > 0) {
        jval_set(connect->arena, connection, SLICE("base_urls"), urls);
    }
}

static const struct jval *typed_connection(const struct connect *connect)
{
    struct jval *connection = jval_new_object(connect->arena, 4);
    size_t count = 0;
    const struct connect_field *fields =
        connect_connection_fields(connect->session.integration, &count);
    for (size_t i = 0; i < count; i++) {
        put_typed(connect, connection, "connection", fields[i].name);
    }
    put_base_urls(connect, connection);
    return connection;
}

static void point_into_connection(struct connect *connect)
{
    for (size_t i = 0; i < connect->fault.detail_count; i++) {
        struct slice *pointer = &connect->fault.details[i].pointer;
        *pointer = arena_printf(connect->arena, "/connection%.*s", SLICE_ARG(*pointer));
    }
}

bool connect_read_connection(struct connect *connect)
{
    const struct connector *connector = connector_find(connect->session.integration);
    struct jval *stored = NULL;
    if (connect->session.account.len > 0) {
        if (jval_parse(connect->arena, connect->account.connection, &stored, NULL) !=
            ERR_OK) {
            return false;
        }
        connect->connection = stored;
    } else {
        connect->connection = typed_connection(connect);
    }
    if (connector->connect(connect->arena, connect->arena, connect->connection,
                           &connect->target, &connect->fault) != ERR_OK) {
        point_into_connection(connect);
        return false;
    }
    return true;
}

/* ---- The terms ---- */

/* What is wrong with this, beside what is wrong with something else. */
static void add_details(struct connect *connect, const struct fault *more)
{
    struct fault *fault = &connect->fault;
    size_t count = fault->detail_count + more->detail_count;
    struct fault_detail *all = arena_array(connect->arena, count, sizeof *all);
    for (size_t i = 0; i < count; i++) {
        all[i] = i < fault->detail_count ? fault->details[i]
                                         : more->details[i - fault->detail_count];
    }
    fault->details = all;
    fault->detail_count = count;
}

bool connect_read_acknowledgement(struct connect *connect)
{
    struct fault_detail missing = {
        SLICE("/" CONNECT_BOX),
        SLICE("Nothing is connected without this: tick the box, or ask somebody who "
              "can.")};
    const struct fault fault = {.details = &missing, .detail_count = 1};
    if (!connect_must_acknowledge(connect) ||
        slice_is(web_form_get(&connect->form, SLICE(CONNECT_BOX)),
                 CONNECT_BOX_TICKED)) {
        return true;
    }
    add_details(connect, &fault);
    return false;
}

/* What is shown in the handshake needs one. */
static bool may_show(struct connect *connect)
{
    struct fault_detail missing = {
        SLICE("/connection/base_url"),
        SLICE("A certificate is shown over https only: an https address is needed.")};
    const struct fault fault = {.details = &missing, .detail_count = 1};
    if (connect->target.origin_count == 0 ||
        outbound_scheme_may_show(connect->scheme, connect->target.origins[0])) {
        return true;
    }
    add_details(connect, &fault);
    return false;
}

/* ---- The login ---- */

static bool read_auth(struct connect *connect)
{
    size_t count = 0;
    const struct outbound_field *fields =
        outbound_scheme_fields(connect->scheme, &count);
    const struct outbound_scheme *found = NULL;
    struct jval *auth = jval_new_object(connect->arena, count + 1);
    jval_set(connect->arena, auth, SLICE("scheme"),
             jval_new_string(connect->arena,
                             slice_str(outbound_scheme_name(connect->scheme))));
    for (size_t i = 0; i < count; i++) {
        put_typed(connect, auth, "auth", fields[i].name);
    }
    connect->auth = auth;
    return outbound_check(auth, connect->session.integration, connect->arena, &found,
                          &connect->fault) == ERR_OK;
}

const char *connect_cause_of(const struct creation_end *end)
{
    const struct fault *fault = end->fault;
    bool is_erps_word = fault->upstream.status > 0;
    static const struct {
        enum err err;
        const char *cause;
    } table[] = {
        {ERR_NEEDS_REAUTH, "login_refused"},
        {ERR_PERMISSION_DENIED, "permission_denied"},
        {ERR_UPSTREAM_UNAVAILABLE, "erp_unavailable"},
        {ERR_UPSTREAM_MALFORMED, "erp_unavailable"},
        {ERR_TIMEOUT, "erp_unavailable"},
        {ERR_ACCOUNT_BUSY, "erp_busy"},
        {ERR_RATE_LIMITED, "erp_busy"},
        {ERR_UNAVAILABLE, "erp_busy"},
        {ERR_POLICY_DENIED, "policy_denied"},
        {ERR_NOT_FOUND, "account_gone"},
        {ERR_CONFLICT, "used_elsewhere"},
        {ERR_INTERNAL, "internal"},
        {ERR_IO, "internal"},
    };
    if (end->tried->is_locked) {
        return "login_locked";
    }
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        bool is_ours = table[i].err == ERR_NOT_FOUND || table[i].err == ERR_CONFLICT;
        if (table[i].err == fault->err && !(is_ours && is_erps_word)) {
            return table[i].cause;
        }
    }
    return "erp_refused";
}

static void show_again(struct connect *connect)
{
    if (connect_is(connect, "connected") || !connect_has_tries(connect)) {
        connect_see_session(connect);
        return;
    }
    connect_page_form(connect, 422);
}

static void copy_details(struct connect *connect, const struct fault *fault)
{
    struct arena *arena = connect->arena;
    connect->fault = (struct fault){
        .err = fault->err,
        .message = arena_slice(arena, fault->message),
        .hint = arena_slice(arena, fault->hint),
        .upstream = {.status = fault->upstream.status,
                     .code = arena_slice(arena, fault->upstream.code),
                     .message = arena_slice(arena, fault->upstream.message)},
    };
}

static void on_tried(void *ctx, const struct creation_end *end)
{
    struct connect *connect = ctx;
    if (end->fault->err == ERR_OK) {
        connect_succeeded(connect, end->record);
        return;
    }
    struct trial_facts *tried = arena_alloc(connect->arena, sizeof *tried);
    *tried = *end->tried;
    connect->tried = tried;
    copy_details(connect, end->fault);
    connect_fail(connect, connect_cause_of(end), show_again);
}

static void try_values(struct connect *connect)
{
    const struct creation_order order = {
        .record = connect_record(connect),
        .auth = connect->auth,
        .scheme = connect->scheme,
        .put = connect_put_success,
        .on_done = on_tried,
        .ctx = connect,
    };
    creation_start(connect->gateway, &order);
}

void connect_submit(struct connect *connect)
{
    bool has_place = connect_read_connection(connect);
    const struct fault first = connect->fault;
    connect->fault = (struct fault){0};
    bool has_login = read_auth(connect);
    if (!has_place) {
        add_details(connect, &first);
    } else {
        has_place = may_show(connect);
    }
    bool may_connect = connect_read_acknowledgement(connect);
    if (has_place && has_login &&
        !outbound_scheme_fits(connect->scheme, connect->target.route)) {
        connect_page_gone(connect); /* no form of ours sends that */
        return;
    }
    if (!has_place || !has_login || !may_connect) {
        connect->fault.err = ERR_UNPROCESSABLE;
        connect_page_form(connect, 422);
        return;
    }
    connect->session.acknowledged =
        connect->session.acknowledged || connect_must_acknowledge(connect);
    connect->session.tries++;
    connect->session.state = SLICE("opened");
    connect->session.cause = SLICE_EMPTY;
    connect_store(connect, try_values);
}
