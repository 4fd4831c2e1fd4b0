/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token and revoke endpoints (Oracle help "Step Two POST Request to the Token Endpoint",
 * "Refresh Token POST Request to the Token Endpoint", "POST Request to the Revoke Token
 * Endpoint", "Response Errors in Step Two and in the Refresh Token Response"). Confidential
 * clients keep their refresh token, and get no new one; public clients' rotate.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "mocks/common/control.h"
#include "mocks/netsuite/hosts.h"
#include "mocks/netsuite/oauth2_private.h"

#define ACCESS_S 3600
#define CONFIDENTIAL_S (INT64_C(7) * 86400)
#define BASIC_MAX 1024
#define VERIFIER_MIN 43
#define VERIFIER_MAX 128
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

struct call {
    struct oauth2 *oauth2;
    struct http_exchange *x;
    struct arena *arena;
    struct form form;
    int64_t now_s;
    struct response *response;
};

/* ---- answers ---- */

static void no_store(struct response *response)
{
    response_field(response, "cache-control", "no-store");
    response_field(response, "pragma", "no-cache");
}

static void refuse(struct call *call, enum oauth2_error error, enum audit_reason why)
{
    static const char *const names[] = {
#define NAME(name) #name,
        OAUTH2_ERROR_MAP(NAME)
#undef NAME
    };
    call->oauth2->audit->counts[why]++;
    call->oauth2->errors[error]++;
    struct slice body = arena_printf(call->arena, "{\"error\":\"%s\"}", names[error]);
    bool client = error == OAUTH2_invalid_client;
    response_plain(call->response, client ? 401 : 400, "application/json", body);
    no_store(call->response);
    if (client) {
        response_field(call->response, "www-authenticate", "Basic realm=\"%s\"",
                       call->oauth2->account_id);
    }
}

/* Oracle help "OAuth 2.0 Access and Refresh Token Structure". */
static struct slice issue(struct call *call, struct grant *grant, enum token_kind kind,
                          int64_t ends_s)
{
    const struct integration *integration = grant->integration;
    struct arena *arena = call->arena;
    struct slice subject =
        arena_printf(arena, "%s;%s", integration->role, integration->entity);
    struct slice audience =
        arena_printf(arena, "%s;%s", integration->name, integration->account_id);
    struct slice id = arena_printf(arena, "%s.%c.%s_%lld", integration->account_id,
                                   kind == TOKEN_ACCESS ? 'a' : 'r', grant->id,
                                   (long long)++grant->serial);
    json_t *claims = json_pack(
        "{s:s, s:[s, s], s:o, s:s, s:I, s:I, s:I, s:s}", "sub", subject.ptr, "aud",
        audience.ptr, integration->client_id, "scope", scope_json(grant->scopes), "iss",
        "https://system.netsuite.com", "oit", (json_int_t)grant->made_s, "exp",
        (json_int_t)ends_s, "iat", (json_int_t)call->now_s, "jti", id.ptr);
    REQUIRE(claims != NULL);
    struct slice token = jwt_sign(call->oauth2->signer, arena, claims);
    json_decref(claims);
    grants_add_token(call->oauth2->grants, grant, kind, token, ends_s);
    return token;
}

/* `refresh` empty: none. */
static void answer_tokens(struct call *call, struct grant *grant, struct slice refresh,
                          const char *type)
{
    int64_t lifetime_s = oauth2_or(call->oauth2->settings.access_s, ACCESS_S);
    const char *quote = call->oauth2->settings.expires_in_text ? "\"" : "";
    struct slice access = issue(call, grant, TOKEN_ACCESS, call->now_s + lifetime_s);
    response_plain(call->response, 200, "application/json;charset=utf-8", SLICE_EMPTY);
    no_store(call->response);
    struct buf *out = &call->response->body;
    buf_printf(out, "{\"access_token\":\"%.*s\",", SLICE_ARG(access));
    if (refresh.len > 0) {
        buf_printf(out, "\"refresh_token\":\"%.*s\",", SLICE_ARG(refresh));
    }
    buf_printf(out, "\"expires_in\":%s%lld%s,\"token_type\":\"%s\"}", quote,
               (long long)lifetime_s, quote, type);
}

/* The refresh token of a grant, new or rotated. */
static struct slice issue_refresh(struct call *call, struct grant *grant)
{
    const struct integration *integration = grant->integration;
    int64_t otherwise =
        integration->client_secret != NULL ? CONFIDENTIAL_S : integration->refresh_s;
    int64_t ends_s =
        call->now_s + oauth2_or(call->oauth2->settings.refresh_s, otherwise);
    return issue(call, grant, TOKEN_REFRESH,
                 ends_s < grant->ends_s ? ends_s : grant->ends_s);
}

/* ---- who asks ---- */

/* "id:secret" in Base64, of either alphabet (Oracle's page says Base64url). */
static bool read_basic(struct call *call, struct slice *id, struct slice *secret)
{
    struct slice field = exchange_header(call->x, "authorization");
    if (!slice_starts_nocase(field, SLICE("Basic "))) {
        return false;
    }
    field = slice_trim(slice_from(field, sizeof "Basic" - 1));
    size_t padded = (field.len + 3) / 4 * 4;
    if (field.len == 0 || field.len > BASIC_MAX) {
        return false;
    }
    unsigned char *text = arena_alloc(call->arena, padded + 1);
    unsigned char *pair = arena_alloc(call->arena, padded + 1);
    size_t padding = padded - field.len;
    for (size_t i = 0; i < field.len; i++) {
        char c = field.ptr[i];
        padding += c == '=' ? 1 : 0;
        text[i] = (unsigned char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    memset(text + field.len, '=', padded - field.len);
    int used = EVP_DecodeBlock(pair, text, (int)padded);
    if (used < 0 || padding > 2) {
        return false;
    }
    struct slice decoded = slice_of((const char *)pair, (size_t)used - padding);
    ptrdiff_t colon = slice_find(decoded, ':');
    if (colon < 0) {
        return false;
    }
    *id = slice_of(decoded.ptr, (size_t)colon);
    *secret = slice_from(decoded, (size_t)colon + 1);
    return true;
}

static bool secret_fits(const struct integration *integration, struct slice secret)
{
    struct slice expected = slice_str(integration->client_secret);
    return secret.len == expected.len &&
           (expected.len == 0 ||
            CRYPTO_memcmp(secret.ptr, expected.ptr, expected.len) == 0);
}

/* NULL: refused. Confidential clients send Basic; public ones Basic without a secret, or
 * their client_id in the body. */
static const struct integration *authenticate(struct call *call)
{
    struct slice id = form_get(&call->form, "client_id");
    struct slice secret = SLICE_EMPTY;
    size_t fields = exchange_header_count(call->x, "authorization");
    bool twice =
        fields > 1 || (fields == 1 && (form_has(&call->form, "client_secret") ||
                                       form_has(&call->form, "client_assertion")));
    if (fields == 1 && !twice) {
        struct slice in_body = id;
        if (!read_basic(call, &id, &secret)) {
            refuse(call, OAUTH2_invalid_client, AUDIT_ClientAuthenticationFailed);
            return NULL;
        }
        twice = in_body.len > 0 && !slice_eq(in_body, id);
    }
    if (twice) {
        refuse(call, OAUTH2_invalid_request, AUDIT_InvalidRequest);
        return NULL;
    }
    const struct integration *integration =
        integrations_find(call->oauth2->integrations, id);
    if (integration == NULL || !host_is_for(call->x, integration->account_id) ||
        !secret_fits(integration, secret)) {
        refuse(call, OAUTH2_invalid_client, AUDIT_ClientAuthenticationFailed);
        return NULL;
    }
    return integration;
}

/* ---- grants ---- */

static bool is_verifier(struct slice verifier)
{
    for (size_t i = 0; i < verifier.len; i++) {
        char c = verifier.ptr[i];
        bool ok = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                  (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' ||
                  c == '~';
        if (!ok) {
            return false;
        }
    }
    return verifier.len >= VERIFIER_MIN && verifier.len <= VERIFIER_MAX;
}

static void authorization_code(struct call *call)
{
    const struct integration *integration = authenticate(call);
    enum audit_reason why = AUDIT_OK;
    if (integration == NULL) {
        return;
    }
    if (!integration->code_grant) {
        refuse(call, OAUTH2_unauthorized_client, AUDIT_AuthorizationCodeGrantRequired);
        return;
    }
    struct slice verifier = form_get(&call->form, "code_verifier");
    if (!form_has(&call->form, "code") || !form_has(&call->form, "redirect_uri") ||
        (form_has(&call->form, "code_verifier") && !is_verifier(verifier))) {
        refuse(call, OAUTH2_invalid_request, AUDIT_InvalidRequest);
        return;
    }
    struct grant *grant = grants_redeem(
        call->oauth2->grants, form_get(&call->form, "code"), integration,
        form_get(&call->form, "redirect_uri"), verifier, call->now_s, &why);
    if (grant == NULL) {
        refuse(call, OAUTH2_invalid_grant, why);
        return;
    }
    int64_t otherwise =
        integration->client_secret != NULL ? CONFIDENTIAL_S : integration->rotation_s;
    grant->ends_s = call->now_s + oauth2_or(call->oauth2->settings.grant_s, otherwise);
    answer_tokens(call, grant, issue_refresh(call, grant), "bearer");
}

static void refresh_token(struct call *call)
{
    const struct integration *integration = authenticate(call);
    enum audit_reason why = AUDIT_OK;
    if (integration == NULL) {
        return;
    }
    if (!form_has(&call->form, "refresh_token")) {
        refuse(call, OAUTH2_invalid_request, AUDIT_InvalidRequest);
        return;
    }
    struct grant *grant =
        grants_refresh(call->oauth2->grants, form_get(&call->form, "refresh_token"),
                       integration, call->now_s, &why);
    if (grant == NULL) {
        refuse(call, OAUTH2_invalid_grant, why);
        return;
    }
    bool rotates = integration->client_secret == NULL;
    answer_tokens(call, grant, rotates ? issue_refresh(call, grant) : SLICE_EMPTY,
                  "bearer");
}

static void client_credentials(struct call *call)
{
    if (exchange_header_count(call->x, "authorization") > 0 ||
        form_has(&call->form, "client_secret") ||
        !slice_is(form_get(&call->form, "client_assertion_type"), ASSERTION_TYPE)) {
        refuse(call, OAUTH2_invalid_request, AUDIT_InvalidRequest);
        return;
    }
    const struct assertion said = assertion_check(
        call->oauth2, call->x, form_get(&call->form, "client_assertion"), call->now_s);
    if (said.certificate == NULL) {
        refuse(call, said.error, said.why);
        return;
    }
    struct grant *grant =
        grants_of_certificate(call->oauth2->grants, said.integration, said.certificate,
                              said.scopes, call->now_s);
    answer_tokens(call, grant, SLICE_EMPTY, "Bearer");
}

static const struct {
    const char *type;
    enum oauth2_count count;
    void (*run)(struct call *call);
} grant_types[] = {
    {"authorization_code", COUNT_authorization_code, authorization_code},
    {"refresh_token", COUNT_refresh_token, refresh_token},
    {"client_credentials", COUNT_client_credentials, client_credentials},
};

/* False: refused. */
static bool read_call(struct call *call)
{
    struct slice type = exchange_header(call->x, "content-type");
    bool form = slice_starts_nocase(type, SLICE("application/x-www-form-urlencoded"));
    if (form && form_read(call->arena, exchange_request(call->x)->body, &call->form)) {
        return true;
    }
    refuse(call, OAUTH2_invalid_request, AUDIT_InvalidRequest);
    return false;
}

void token_answer(struct oauth2 *oauth2, struct http_exchange *x, int64_t now_s,
                  struct response *response)
{
    struct call call = {.oauth2 = oauth2,
                        .x = x,
                        .arena = exchange_arena(x),
                        .now_s = now_s,
                        .response = response};
    if (read_call(&call)) {
        struct slice type = form_get(&call.form, "grant_type");
        for (size_t i = 0; i < sizeof grant_types / sizeof *grant_types; i++) {
            if (slice_is(type, grant_types[i].type)) {
                oauth2->counts[grant_types[i].count]++;
                grant_types[i].run(&call);
                return;
            }
        }
        refuse(&call,
               type.len == 0 ? OAUTH2_invalid_request : OAUTH2_unsupported_grant_type,
               AUDIT_InvalidGrantType);
    }
    oauth2->counts[COUNT_other]++;
}

/* An unknown token is answered like a known one (RFC 7009 section 2.2). */
void token_revoke(struct oauth2 *oauth2, struct http_exchange *x, int64_t now_s,
                  struct response *response)
{
    struct call call = {.oauth2 = oauth2,
                        .x = x,
                        .arena = exchange_arena(x),
                        .now_s = now_s,
                        .response = response};
    oauth2->counts[COUNT_revoke]++;
    const struct integration *integration =
        read_call(&call) ? authenticate(&call) : NULL;
    if (integration == NULL) {
        return;
    }
    if (!form_has(&call.form, "token")) {
        refuse(&call, OAUTH2_invalid_request, AUDIT_InvalidRequest);
        return;
    }
    (void)grants_revoke_token(oauth2->grants, form_get(&call.form, "token"),
                              integration);
    response_plain(response, 200, "application/json", SLICE_EMPTY);
    no_store(response);
}
