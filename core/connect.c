/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may see which page. A link belongs to the browser in which somebody began first; a form
 * has to come from a page that was shown there; a consent's answer has to find the state that
 * this browser was sent off with. The path and the query of these pages are secrets: no line
 * of the log has them.
 */
#include "base/limits.h"
#include "base/text.h"
#include "core/catalogs.h"
#include "core/connect_private.h"
#include "core/login_rows.h"
#include "core/origin.h"

#define PREFIX SLICE("/connect/")
#define STORE_TRIES 4

bool connect_is_path(struct slice path)
{
    return slice_starts(path, PREFIX);
}

struct slice connect_redirect_uri(const struct gateway *gateway, struct arena *arena)
{
    return arena_printf(arena, "%.*s/connect/callback",
                        SLICE_ARG(gateway->parts.config->public_url));
}

/* ---- The session ---- */

bool connect_is(const struct connect *connect, const char *state)
{
    return slice_is(connect->session.state, state);
}

bool connect_has_tries(const struct connect *connect)
{
    return connect->session.tries < LIMIT_CONNECT_TRIES;
}

static void write_log(const struct connect *connect)
{
    const struct store_connect_session *session = &connect->session;
    log_event(connect->gateway->parts.log, LOG_INFO, "connect_session",
              LOG_ID(subject, session->id), LOG_ID(tenant, session->tenant),
              LOG_ID(integration, session->integration), LOG_ID(state, session->state),
              LOG_ID(cause, session->cause.len > 0 ? session->cause : SLICE("none")),
              LOG_ID(account, session->account));
}

static void internal_error(struct connect *connect)
{
    connect_page_refused(
        connect, 500, "Something went wrong here",
        "This server could not store what happened. Nothing was connected. Try again "
        "in a moment; the operator's log says more.");
}

static void on_stored(void *ctx, enum err err)
{
    struct connect *connect = ctx;
    if (err == ERR_CONFLICT) {
        connect_page_refused(connect, 409, "This link is in use in another window",
                             "Go on there, or close it and open the link again.");
        return;
    }
    if (err != ERR_OK) {
        internal_error(connect);
        return;
    }
    connect->session.version++;
    connect->next(connect);
}

void connect_store(struct connect *connect, void (*next)(struct connect *connect))
{
    struct store_batch *batch = store_batch_new();
    connect->next = next;
    store_update_connect_session(batch, &connect->session);
    store_commit(connect->gateway->parts.store, batch, on_stored, connect);
}

static void store_failure(struct connect *connect);

static void on_failure_stored(void *ctx, enum err err)
{
    struct connect *connect = ctx;
    if (err == ERR_CONFLICT && connect->tries < STORE_TRIES) {
        store_failure(connect);
        return;
    }
    if (err != ERR_OK && err != ERR_CONFLICT) {
        internal_error(connect);
        return;
    }
    write_log(connect);
    connect->next(connect);
}

/* Over what another window of the same browser may have done; but a link that has
 * connected an account stays so. */
static void store_failure(struct connect *connect)
{
    struct store_connect_session now;
    struct store *store = connect->gateway->parts.store;
    enum err err =
        store_get_connect_session(store, connect->session.id, connect->arena, &now);
    connect->tries++;
    if (err != ERR_OK) {
        internal_error(connect);
        return;
    }
    connect->session = now;
    if (connect_is(connect, "connected")) {
        connect->next(connect);
        return;
    }
    connect->session.state = SLICE("failed");
    connect->session.cause = slice_str(connect->cause);
    connect->session.consent = connect->session.sealed = SLICE_EMPTY;
    struct store_batch *batch = store_batch_new();
    store_update_connect_session(batch, &connect->session);
    store_commit(store, batch, on_failure_stored, connect);
}

void connect_fail(struct connect *connect, const char *cause,
                  void (*next)(struct connect *connect))
{
    connect->cause = cause;
    connect->next = next;
    connect->tries = 0;
    store_failure(connect);
}

void connect_put_success(void *ctx, struct store_batch *batch,
                         const struct store_account *record)
{
    const struct connect *connect = ctx;
    struct store_connect_session session = connect->session;
    session.state = SLICE("connected");
    session.account = record->id;
    session.cause = session.consent = session.sealed = SLICE_EMPTY;
    store_update_connect_session(batch, &session);
}

void connect_succeeded(struct connect *connect, const struct store_account *record)
{
    connect->session.state = SLICE("connected");
    connect->session.cause = SLICE_EMPTY;
    connect->session.account = arena_slice(connect->arena, record->id);
    write_log(connect);
    connect_see_session(connect);
}

void connect_see_session(struct connect *connect)
{
    connect_redirect(connect, connect_path(connect, connect->link));
}

/* ---- What can be connected ---- */

/* An account that is there has its route. */
static bool fits_account(const struct connect *connect,
                         const struct outbound_scheme *scheme)
{
    const struct connector *connector = connector_find(connect->session.integration);
    struct jval *connection = NULL;
    struct op_target target;
    struct fault fault = {0};
    if (connect->account.connection.len == 0) {
        return true;
    }
    return jval_parse(connect->arena, connect->account.connection, &connection, NULL) ==
               ERR_OK &&
           connector->connect(connect->arena, connect->arena, connection, &target,
                              &fault) == ERR_OK &&
           outbound_scheme_fits(scheme, target.route) &&
           (target.origin_count == 0 ||
            outbound_scheme_may_show(scheme, target.origins[0]));
}

const struct outbound_scheme *connect_way_at(const struct connect *connect, size_t n)
{
    const struct outbound_scheme *scheme = NULL;
    for (size_t i = 0;; i++) {
        scheme = outbound_scheme_at(connect->session.integration, i);
        if (scheme == NULL) {
            return NULL;
        }
        if ((consent_is_way_of(scheme) && !connect_can_consent(connect)) ||
            !fits_account(connect, scheme)) {
            continue;
        }
        if (n-- == 0) {
            return scheme;
        }
    }
}

bool connect_must_acknowledge(const struct connect *connect)
{
    return connect->integration->acknowledgement_member.len > 0 &&
           connect->session.account.len == 0 && !connect->session.acknowledged;
}

static const struct outbound_scheme *way_named(const struct connect *connect)
{
    for (size_t n = 0;; n++) {
        const struct outbound_scheme *scheme = connect_way_at(connect, n);
        if (scheme == NULL || slice_is(connect->way, outbound_scheme_name(scheme))) {
            return scheme;
        }
    }
}

/* What the connector made of the connection: the ERP's own name of the account, or the
 * host. */
static struct slice name_of(const struct connect *connect)
{
    struct slice upstream = connect->target.lane;
    ptrdiff_t colon = slice_find(upstream, ':');
    upstream = connect->target.realm.len > 0
                   ? connect->target.realm
                   : slice_from(upstream, (size_t)(colon + 1));
    size_t most = LIMIT_NAME_BYTES - 1 - connect->integration->title.len;
    upstream.len = upstream.len < most ? upstream.len : most;
    return arena_printf(connect->arena, "%.*s %.*s",
                        SLICE_ARG(connect->integration->title), SLICE_ARG(upstream));
}

struct store_account connect_record(const struct connect *connect)
{
    const struct store_connect_session *session = &connect->session;
    int64_t now_ms = gateway_wall_ms(connect->gateway);
    struct slice lane = outbound_scheme_lane(connect->scheme, connect->target.lane,
                                             connect->auth, connect->arena);
    if (session->account.len > 0) {
        struct store_account record = connect->account;
        record.scheme = slice_str(outbound_scheme_name(connect->scheme));
        record.lane = lane;
        return record;
    }
    return (struct store_account){
        .id = text_new_id(connect->arena, "acc_"),
        .tenant = session->tenant,
        .integration = session->integration,
        .name = name_of(connect),
        .environment = session->environment,
        .lane = lane,
        .state = SLICE("active"),
        .scheme = slice_str(outbound_scheme_name(connect->scheme)),
        .connection = login_json(connect->arena, connect->target.connection),
        .governor = SLICE("{}"),
        .created_ms = now_ms,
        .updated_ms = now_ms,
    };
}

/* The integration is in force, and the account is there; false after a page. */
static bool load_subject(struct connect *connect)
{
    const struct store_connect_session *session = &connect->session;
    connect->integration = catalog_integration(
        catalogs_current(connect->gateway->catalogs), session->integration);
    enum err err = ERR_OK;
    if (session->account.len > 0) {
        err = store_get_account(connect->gateway->parts.store, session->account,
                                connect->arena, &connect->account);
    }
    if (err == ERR_OK && connect->integration != NULL &&
        connector_find(session->integration) != NULL) {
        return true;
    }
    connect_page_refused(connect, 410, "There is nothing to connect any more",
                         "The account that this link was made for is gone from this "
                         "server. Ask whoever sent you the link for a new one.");
    return false;
}

/* ---- The browser ---- */

static void know_browser(struct connect *connect)
{
    struct slice cookie = connect_cookie_of(connect);
    connect->browser = cookie;
    if (cookie.len == 0) {
        connect->browser = principal_mint_connect(connect->gateway->parts.keys,
                                                  CONNECT_BROWSER, connect->arena)
                               .raw;
    }
    connect->gives_browser = true;
}

static bool is_of_this_browser(const struct connect *connect)
{
    struct slice cookie = connect_cookie_of(connect);
    struct slice hash = principal_hash_connect(connect->gateway->parts.keys,
                                               CONNECT_BROWSER, cookie, connect->arena);
    return cookie.len > 0 && bytes_equal_constant_time(hash, connect->session.browser);
}

/* ---- The pages ---- */

static void show(struct connect *connect)
{
    const struct outbound_scheme *only = connect_way_at(connect, 0);
    if (connect_is(connect, "connected") || !connect_has_tries(connect)) {
        connect_page_end(connect);
        return;
    }
    if (!load_subject(connect)) {
        return;
    }
    if (connect->way.len > 0) {
        connect->scheme = way_named(connect);
    } else if (only != NULL && connect_way_at(connect, 1) == NULL) {
        connect->scheme = only;
    }
    if (connect->scheme != NULL) {
        connect_page_form(connect, 200);
    } else if (connect->way.len > 0) {
        connect_page_gone(connect);
    } else {
        connect_page_choice(connect);
    }
}

/* Only asks: whoever sends HEAD gets what GET would say, without the body. */
static bool is_read(const struct connect *connect)
{
    return slice_is(connect->request->method, "GET") ||
           slice_is(connect->request->method, "HEAD");
}

static bool is_form(const struct connect *connect)
{
    const struct http_field *type =
        http_request_field(connect->request, "content-type");
    return type != NULL &&
           slice_starts_nocase(type->value, SLICE("application/x-www-form-urlencoded"));
}

/* A page of this server, shown to this browser, sends what the page was given. */
static bool comes_from_our_page(struct connect *connect)
{
    struct slice expected =
        text_hex(connect->arena,
                 principal_hash_connect(connect->gateway->parts.keys, CONNECT_FORM,
                                        connect->browser, connect->arena));
    return bytes_equal_constant_time(expected,
                                     web_form_get(&connect->form, SLICE("form")));
}

/* False after a page. */
static bool read_form(struct connect *connect)
{
    if (connect->request->body.len > LIMIT_CONNECT_FORM_BYTES) {
        connect_page_refused(connect, 413, "That is too much",
                             "The form's values are larger than this server takes. Go "
                             "back and check what was pasted.");
        return false;
    }
    if (is_form(connect) &&
        web_form_read(connect->arena, connect->request->body, &connect->form) &&
        comes_from_our_page(connect)) {
        return true;
    }
    connect_page_refused(connect, 403, "This form was not sent from its page",
                         "Open the link again in the same browser, and send the form "
                         "from there. Cookies have to be allowed for this site.");
    return false;
}

/* Whoever only asks for the page changes nothing: scanners of mail and programs that show
 * previews do. From the press of its button on, the link belongs to this browser. */
static void begin(struct connect *connect)
{
    know_browser(connect);
    if (is_read(connect)) {
        connect_page_start(connect);
        return;
    }
    if (!read_form(connect)) {
        return;
    }
    connect->session.browser =
        principal_hash_connect(connect->gateway->parts.keys, CONNECT_BROWSER,
                               connect->browser, connect->arena);
    connect->session.state = SLICE("opened");
    connect_store(connect, connect_see_session);
}

static void submit(struct connect *connect)
{
    if (!read_form(connect)) {
        return;
    }
    bool is_begun_twice = connect->way.len == 0;
    if (is_begun_twice || connect_is(connect, "connected") ||
        !connect_has_tries(connect)) {
        connect_see_session(connect);
        return;
    }
    if (!load_subject(connect)) {
        return;
    }
    connect->scheme = way_named(connect);
    if (connect->scheme == NULL) {
        connect_page_gone(connect);
        return;
    }
    if (consent_is_way_of(connect->scheme)) {
        connect_ask_consent(connect);
    } else {
        connect_submit(connect);
    }
}

/* ---- The way in ---- */

/* "<link>" or "<link>/<way>" */
static bool read_path(struct connect *connect, struct slice rest)
{
    ptrdiff_t slash = slice_find(rest, '/');
    connect->link = slash < 0 ? rest : slice_of(rest.ptr, (size_t)slash);
    connect->way = slash < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)slash + 1);
    return connect->link.len == CONNECT_TOKEN_CHARACTERS &&
           (slash < 0 || connect->way.len > 0);
}

static void handle_link(struct connect *connect, struct slice rest)
{
    const struct gateway_parts *parts = &connect->gateway->parts;
    bool readable = read_path(connect, rest);
    struct slice hash = principal_hash_connect(parts->keys, CONNECT_LINK, connect->link,
                                               connect->arena);
    enum err err = store_find_connect_session(parts->store, hash, connect->arena,
                                              &connect->session);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        internal_error(connect);
        return;
    }
    if (err != ERR_OK || !readable ||
        connect->session.expires_ms <= gateway_wall_ms(connect->gateway)) {
        connect_page_gone(connect);
        return;
    }
    if (connect->session.browser.len == 0) {
        begin(connect);
        return;
    }
    if (!is_of_this_browser(connect)) {
        if (connect_is(connect, "connected")) {
            connect_page_gone(connect);
        } else {
            connect_page_elsewhere(connect);
        }
        return;
    }
    know_browser(connect);
    if (is_read(connect)) {
        show(connect);
    } else {
        submit(connect);
    }
}

static void handle_callback(struct connect *connect)
{
    const struct gateway_parts *parts = &connect->gateway->parts;
    bool readable =
        web_form_read(connect->arena, connect->request->query, &connect->form);
    struct slice hash = principal_hash_connect(
        parts->keys, CONNECT_STATE, web_form_get(&connect->form, SLICE("state")),
        connect->arena);
    enum err err =
        store_find_consent(parts->store, hash, connect->arena, &connect->session);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        internal_error(connect);
        return;
    }
    if (err != ERR_OK || !readable) {
        connect_page_stray_answer(connect);
        return;
    }
    if (!is_of_this_browser(connect)) {
        connect_page_elsewhere(connect);
        return;
    }
    if (connect->session.expires_ms <= gateway_wall_ms(connect->gateway)) {
        connect_page_gone(connect);
        return;
    }
    know_browser(connect);
    if (load_subject(connect)) {
        connect_callback(connect);
    }
}

/* A form says where it comes from as "null" where its page has no referrer; what it carries
 * says the rest. */
static bool is_own_origin(const struct connect *connect)
{
    const struct http_field *origin = http_request_field(connect->request, "origin");
    const struct http_field *site =
        http_request_field(connect->request, "sec-fetch-site");
    bool is_read_or_own =
        is_read(connect) || site == NULL || slice_is(site->value, "same-origin");
    return is_read_or_own &&
           (origin == NULL || slice_is(origin->value, "null") ||
            origin_allowed(connect->gateway->parts.config, connect->request));
}

void connect_handle(struct gateway *gateway, struct http_exchange *exchange)
{
    struct arena *arena = http_exchange_arena(exchange);
    struct connect *connect = arena_alloc(arena, sizeof *connect);
    connect->gateway = gateway;
    connect->exchange = exchange;
    connect->request = http_exchange_request(exchange);
    connect->arena = arena;
    struct slice rest = slice_from(connect->request->path, PREFIX.len);
    bool is_style = slice_is(rest, "style.css");
    bool is_callback = slice_is(rest, "callback");
    bool is_asked = is_read(connect) || slice_is(connect->request->method, "POST");
    connect->allow = "GET, HEAD, POST";
    if (is_style) {
        is_asked = is_read(connect);
        connect->allow = "GET, HEAD";
    } else if (is_callback) { /* it serves once: not for who only asks */
        is_asked = slice_is(connect->request->method, "GET");
        connect->allow = "GET";
    }
    if (!is_asked) {
        connect_page_refused(connect, 405, "This page is not asked that way",
                             "Open the link you were given in a browser.");
    } else if (!is_own_origin(connect)) {
        connect_page_refused(connect, 403, "This came from another site",
                             "Open the link you were given in a browser, and send the "
                             "form from there.");
    } else if (is_style) {
        connect_page_style(connect);
    } else if (is_callback) {
        handle_callback(connect);
    } else {
        handle_link(connect, rest);
    }
}
