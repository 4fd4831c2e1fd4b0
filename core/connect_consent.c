/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By consent: off to the ERP with a state that only this browser can bring back, and a
 * verifier that never leaves the server; back with a code that is worth nothing without it.
 * What the ERP gives is tried before anything is stored.
 */
#include "base/text.h"
#include "core/connect_private.h"
#include "core/logins.h"

#define SEALED_BYTES ((size_t)16 * 1024)

/* ---- The client ---- */

/* The account's own client, active or standing by, with the account held; or NULL. */
static struct credential *own_client(const struct connect *connect,
                                     struct account **account)
{
    *account = NULL;
    if (connect->session.account.len == 0 ||
        accounts_get(connect->gateway->accounts, connect->account.id, account) !=
            ERR_OK) {
        return NULL;
    }
    return logins_with_grant(*account);
}

static bool has_own_client(const struct connect *connect)
{
    struct account *account;
    bool has = own_client(connect, &account) != NULL;
    account_drop(account);
    return has;
}

bool connect_can_consent(const struct connect *connect)
{
    const struct gateway_connect *config = &connect->gateway->parts.config->connect;
    return has_own_client(connect) ||
           (config->client != NULL &&
            slice_eq(config->integration, connect->session.integration));
}

/* The auth object of the client that asks for this consent: the account's own, or the
 * operator's. */
static enum err read_client(struct connect *connect)
{
    struct account *account;
    const struct credential *own = own_client(connect, &account);
    const struct consent_client *client =
        connect->gateway->parts.config->connect.client;
    connect->auth = NULL; /* the account's own may be gone by now */
    if (own != NULL) {
        connect->auth = consent_auth_of(own, connect->arena);
    } else if (client != NULL) {
        connect->auth = consent_client_auth(client, connect->scheme, connect->arena);
    }
    account_drop(account);
    return connect->auth != NULL ? ERR_OK : ERR_INTERNAL;
}

/* For the addresses and the request for tokens; nothing is signed with it. */
static struct credential *new_client(const struct connect *connect)
{
    const struct gateway_parts *parts = &connect->gateway->parts;
    struct credential *credential =
        credential_new(NULL, connect->scheme, connect->session.id,
                       connect->target.origins, connect->target.origin_count);
    for (size_t i = 0; i < connect->auth->count; i++) {
        const struct jmember *member = &connect->auth->members[i];
        if (!slice_is(member->name, "scheme")) {
            credential_put(credential, member->name,
                           vault_hold(parts->vault, jval_text(&member->value)));
        }
    }
    credential_use_tokens(credential, parts->tokens, parts->grants,
                          connect->session.tenant);
    return credential;
}

/* ---- Off to the ERP ---- */

static struct slice bound_to(const struct connect *connect)
{
    return arena_printf(connect->arena, "connect %.*s", SLICE_ARG(connect->session.id));
}

static enum err seal(struct connect *connect, struct slice verifier)
{
    struct jval *kept = jval_new_object(connect->arena, 3);
    struct slice text;
    jval_set(connect->arena, kept, SLICE("link"),
             jval_new_string(connect->arena, connect->link));
    jval_set(connect->arena, kept, SLICE("verifier"),
             jval_new_string(connect->arena, verifier));
    jval_set(connect->arena, kept, SLICE("connection"), connect->target.connection);
    enum err err = jwriter_text(connect->arena, kept, SEALED_BYTES, &text);
    return err == ERR_OK ? vault_wrap(connect->gateway->parts.vault, bound_to(connect),
                                      text, connect->arena, &connect->session.sealed)
                         : err;
}

static void show_way(struct connect *connect)
{
    connect_page_to_erp(connect, connect->erp_url);
}

void connect_ask_consent(struct connect *connect)
{
    bool has_place = connect_read_connection(connect);
    if (!connect_read_acknowledgement(connect) || !has_place) {
        connect_page_form(connect, 422);
        return;
    }
    struct slice verifier = consent_new_verifier(connect->arena);
    struct minted state = principal_mint_connect(connect->gateway->parts.keys,
                                                 CONNECT_STATE, connect->arena);
    if (connect->target.consent_origin.len == 0 || read_client(connect) != ERR_OK ||
        seal(connect, verifier) != ERR_OK) {
        connect_fail(connect, "internal", connect_see_session);
        return;
    }
    const struct consent_request request = {
        .origin = connect->target.consent_origin,
        .redirect_uri = connect_redirect_uri(connect->gateway, connect->arena),
        .state = state.raw,
        .verifier = verifier,
    };
    struct credential *client = new_client(connect);
    connect->erp_url = consent_url(client, &request, connect->arena);
    credential_free(client);
    connect->session.acknowledged =
        connect->session.acknowledged || connect_must_acknowledge(connect);
    connect->session.consent = state.hash;
    connect->session.state = SLICE("opened");
    connect->session.cause = SLICE_EMPTY;
    connect_store(connect, show_way);
}

/* ---- Back ---- */

static void on_tried(void *ctx, const struct creation_end *end)
{
    struct connect *connect = ctx;
    if (end->fault->err == ERR_OK) {
        connect_succeeded(connect, end->record);
    } else {
        connect_fail(connect, connect_cause_of(end), connect_see_session);
    }
}

static void try_tokens(struct connect *connect, const struct token_answer *answer)
{
    const struct creation_order order = {
        .record = connect_record(connect),
        .auth = connect->auth,
        .scheme = connect->scheme,
        .grant = answer,
        .put = connect_put_success,
        .on_done = on_tried,
        .ctx = connect,
    };
    creation_start(connect->gateway, &order);
}

static const char *token_cause(enum err err)
{
    if (err == ERR_NEEDS_REAUTH) {
        return "token_refused";
    }
    return err == ERR_POLICY_DENIED ? "policy_denied" : "erp_unavailable";
}

static void on_tokens(void *ctx, const struct grant_request_done *done)
{
    struct connect *connect = ctx;
    if (done->err != ERR_OK) {
        connect_fail(connect, token_cause(done->err), connect_see_session);
    } else if (done->answer.refresh.len == 0) {
        connect_fail(connect, "token_refused", connect_see_session);
    } else {
        try_tokens(connect, &done->answer);
    }
}

static void redeem(struct connect *connect)
{
    const struct consent_code code = {
        .code = web_form_get(&connect->form, SLICE("code")),
        .redirect_uri = connect_redirect_uri(connect->gateway, connect->arena),
        .verifier = connect->verifier,
    };
    const struct grant_request_handlers handlers = {
        .on_done = on_tokens, .ctx = connect, .urgent = true};
    struct grant_request *request = NULL;
    struct credential *client = new_client(connect);
    enum err err = consent_redeem(client, &code, &handlers, &request);
    credential_free(client);
    if (err != ERR_OK) {
        connect_fail(connect, "erp_unavailable", connect_see_session);
    }
}

/* 123456_SB1 and 123456-sb1 are one. */
static bool is_same_company(struct slice company, struct slice realm)
{
    bool same = company.len == realm.len && realm.len > 0;
    for (size_t i = 0; same && i < realm.len; i++) {
        struct slice a = slice_of(company.ptr + i, 1), b = slice_of(realm.ptr + i, 1);
        bool joint = (a.ptr[0] == '-' || a.ptr[0] == '_') && b.ptr[0] == '_';
        same = joint || slice_eq_nocase(a, b);
    }
    return same;
}

/* What was sealed when the browser was sent off. */
static bool unseal(struct connect *connect)
{
    struct slice text;
    struct jval *kept = NULL;
    const struct connector *connector = connector_find(connect->session.integration);
    if (vault_unwrap(connect->gateway->parts.vault, bound_to(connect),
                     connect->session.sealed, connect->arena, &text) != ERR_OK ||
        jval_parse(connect->arena, text, &kept, NULL) != ERR_OK) {
        return false;
    }
    connect->link = jval_text(jval_get(kept, "link"));
    connect->verifier = jval_text(jval_get(kept, "verifier"));
    connect->connection = jval_get(kept, "connection");
    return connector->connect(connect->arena, connect->arena, connect->connection,
                              &connect->target, &connect->fault) == ERR_OK;
}

static const struct outbound_scheme *consent_scheme(const struct connect *connect)
{
    for (size_t n = 0;; n++) {
        const struct outbound_scheme *scheme = connect_way_at(connect, n);
        if (scheme == NULL || consent_is_way_of(scheme)) {
            return scheme;
        }
    }
}

/* NULL: there is a code, of the right account. */
static const char *complaint(const struct connect *connect)
{
    struct slice error = web_form_get(&connect->form, SLICE("error"));
    struct slice code = web_form_get(&connect->form, SLICE("code"));
    if (slice_is(error, "access_denied")) {
        return "consent_denied";
    }
    if (error.len > 0 || code.len == 0) {
        return "consent_refused";
    }
    return is_same_company(web_form_get(&connect->form, SLICE("company")),
                           connect->target.realm)
               ? NULL
               : "wrong_company";
}

/* The state serves once: it is gone before the code is used. */
void connect_callback(struct connect *connect)
{
    connect->scheme = consent_scheme(connect);
    if (!unseal(connect) || connect->scheme == NULL || read_client(connect) != ERR_OK) {
        connect_fail(connect, "internal", connect_page_end);
        return;
    }
    const char *cause = complaint(connect);
    if (cause != NULL) {
        connect_fail(connect, cause, connect_see_session);
        return;
    }
    connect->session.consent = connect->session.sealed = SLICE_EMPTY;
    connect->session.tries++;
    connect_store(connect, redeem);
}
