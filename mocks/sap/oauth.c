/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens in a ring: the oldest gives way. They look like JWTs, kilobytes of them, and are
 * known by their text alone: who calls with one must not read it. */
#include "mocks/sap/oauth.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "mocks/common/control.h"
#include "mocks/common/json_in.h"
#include "mocks/common/percent.h"
#include "mocks/sap/credentials.h"

#define TOKENS 256
#define TOKEN_BYTES 4096
#define SIGNATURE_BYTES 256
#define MAX_TOKEN_SECONDS 1000000
#define XSUAA_PATH "/oauth/token"
#define IAS_PATH "/oauth2/token"
#define RESOURCE_PROVIDER "urn:sap:identity:application:provider:name:"
#define RESOURCE_SERVICE "urn:sap:identity:application:service:id:"

static const char *const client_names[OAUTH_CLIENTS] = {"erp", "destination",
                                                        "connectivity", "ias"};

struct token {
    char text[TOKEN_BYTES];
    size_t len; /* 0: none */
    char jti[33];
    size_t client;
    enum oauth_for what;
    int64_t ends_ms;
};

struct oauth {
    const struct oauth_options *options;
    const struct clock *clock;
    struct certificates *certificates;
    long token_seconds;
    char plain[200], tls[200];
    struct token tokens[TOKENS];
    size_t next;
};

struct oauth *oauth_new(const struct oauth_options *options, const struct clock *clock)
{
    struct oauth *oauth = calloc(1, sizeof *oauth);
    REQUIRE(oauth != NULL);
    oauth->options = options;
    oauth->clock = clock;
    oauth->token_seconds = options->token_seconds;
    oauth->certificates = certificates_new();
    return oauth;
}

void oauth_free(struct oauth *oauth)
{
    certificates_free(oauth->certificates);
    free(oauth);
}

void oauth_set_roots(struct oauth *oauth, const char *plain, const char *tls)
{
    snprintf(oauth->plain, sizeof oauth->plain, "%s", plain);
    snprintf(oauth->tls, sizeof oauth->tls, "%s", tls);
}

/* ---- Tokens ---- */

static void append_base64url(struct buf *out, struct slice bytes)
{
    char text[TOKEN_BYTES];
    REQUIRE(bytes.len < sizeof text / 2);
    int len = EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes.ptr,
                              (int)bytes.len);
    for (int i = 0; i < len && text[i] != '='; i++) {
        buf_append_byte(out, text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    }
}

static void append_json(struct buf *out, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    REQUIRE(text != NULL);
    append_base64url(out, slice_str(text));
    buf_append_byte(out, '.');
    free(text);
    json_decref(json);
}

static void write_token(const struct oauth *oauth, struct token *token, int64_t now_ms)
{
    unsigned char signature[SIGNATURE_BYTES];
    struct buf out;
    REQUIRE(RAND_bytes(signature, (int)sizeof signature) == 1);
    buf_init(&out, sizeof token->text - 1);
    append_json(&out, json_pack("{s:s, s:s, s:s}", "alg", "RS256", "kid",
                                "default-jwt-key-1", "typ", "JWT"));
    append_json(
        &out,
        json_pack(
            "{s:s, s:s, s:s, s:[s], s:[s], s:s, s:I, s:I, s:s}", "jti", token->jti,
            "client_id", oauth->options->clients[token->client].id, "cid",
            oauth->options->clients[token->client].id, "scope", "uaa.resource", "aud",
            token->what == FOR_USER ? "user" : client_names[token->what], "grant_type",
            "client_credentials", "iat", (json_int_t)(now_ms / 1000), "exp",
            (json_int_t)(token->ends_ms / 1000), "iss", oauth->plain));
    append_base64url(&out, slice_of((const char *)signature, sizeof signature));
    REQUIRE(!buf_full(&out));
    memcpy(token->text, out.ptr, out.len + 1);
    token->len = out.len;
    buf_free(&out);
}

static const struct token *issue(struct oauth *oauth, size_t client,
                                 enum oauth_for what)
{
    struct token *token = &oauth->tokens[oauth->next++ % TOKENS];
    unsigned char random[16];
    int64_t now_ms = clock_wall_ms(oauth->clock);
    REQUIRE(RAND_bytes(random, (int)sizeof random) == 1);
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(token->jti + 2 * i, 3, "%02x", random[i]);
    }
    token->client = client;
    token->what = what;
    token->ends_ms = now_ms + oauth->token_seconds * 1000;
    write_token(oauth, token, now_ms);
    return token;
}

const char *oauth_issue(struct oauth *oauth, size_t client, enum oauth_for what)
{
    return issue(oauth, client, what)->text;
}

long oauth_token_seconds(const struct oauth *oauth)
{
    return oauth->token_seconds;
}

bool oauth_lives(const struct oauth *oauth, struct slice text, enum oauth_for what)
{
    for (size_t i = 0; i < TOKENS && text.len > 0; i++) {
        const struct token *token = &oauth->tokens[i];
        if (text.len == token->len && memcmp(text.ptr, token->text, text.len) == 0) {
            return token->what == what && token->ends_ms > clock_wall_ms(oauth->clock);
        }
    }
    return false;
}

static void revoke(struct oauth *oauth, size_t client)
{
    for (size_t i = 0; i < TOKENS; i++) {
        if (client == OAUTH_CLIENTS || oauth->tokens[i].client == client) {
            oauth->tokens[i].len = 0;
        }
    }
}

void oauth_revoke_all(struct oauth *oauth)
{
    revoke(oauth, OAUTH_CLIENTS);
}

/* ---- The hosts ---- */

bool oauth_is_token(struct slice path)
{
    return slice_is(path, XSUAA_PATH) || slice_is(path, IAS_PATH);
}

bool oauth_is_page(struct slice path)
{
    return slice_is(path, "/.well-known/openid-configuration");
}

static void refuse(struct response *response, int status, const char *error,
                   const char *description)
{
    control_ok(response, json_pack("{s:s, s:s}", "error", error, "error_description",
                                   description));
    response->status = status;
    response_field(response, "cache-control", "no-store");
    if (status == 401) {
        response_field(response, "www-authenticate",
                       "Basic realm=\"UAA/client\", error=\"unauthorized\", "
                       "error_description=\"%s\"",
                       description);
    }
}

void oauth_fail(struct response *response, int status)
{
    refuse(response, status, status == 401 ? "invalid_client" : "server_error",
           status == 401 ? "Bad credentials" : "The token was not issued.");
}

struct asked {
    struct http_exchange *x;
    struct arena *arena;
    struct slice form;
    bool ias;
};

static struct slice field(const struct asked *asked, const char *name)
{
    return form_field(asked->arena, asked->form, name);
}

/* A '+' of a secret sent by Basic reads as a space unless the caller encoded it and says
 * so (BTP, "Token retrieval fails with status code 401"). IAS always decodes, RFC 6749
 * section 2.3.1. */
static struct slice basic_part(const struct asked *asked, struct slice text)
{
    struct slice says = exchange_header(asked->x, "x-cf-encoded-credentials");
    if (asked->ias || slice_eq_nocase(says, SLICE("true"))) {
        return percent_decode(asked->arena, text, PLUS_IS_SPACE);
    }
    char *plain = arena_copy(asked->arena, text);
    for (size_t i = 0; i < text.len; i++) {
        plain[i] = plain[i] == '+' ? ' ' : plain[i];
    }
    return slice_of(plain, text.len);
}

static int client_of(const struct oauth *oauth, struct slice id, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (slice_is(id, oauth->options->clients[i].id)) {
            return (int)i;
        }
    }
    return -1;
}

/* -1: nobody. */
static int read_client(const struct oauth *oauth, const struct asked *asked)
{
    struct slice id = field(asked, "client_id");
    struct slice secret = field(asked, "client_secret");
    struct slice header = exchange_header(asked->x, "authorization");
    if (header.len > 0) {
        if (!basic_pair(asked->arena, header, &id, &secret)) {
            return -1;
        }
        id = basic_part(asked, id);
        secret = basic_part(asked, secret);
    }
    int client = client_of(oauth, id, asked->ias ? CLIENT_IAS : 0,
                           asked->ias ? OAUTH_CLIENTS : XSUAA_CLIENTS);
    if (client < 0) {
        return -1;
    }
    bool fits = secret.len > 0 || header.len > 0
                    ? same_secret(secret, oauth->options->clients[client].secret)
                    : certificates_fit(oauth->certificates, (size_t)client,
                                       exchange_client_certificate(asked->x),
                                       clock_wall_ms(oauth->clock));
    return fits ? client : -1;
}

int oauth_client(const struct oauth *oauth, struct slice id, struct slice secret)
{
    int client = client_of(oauth, id, 0, XSUAA_CLIENTS);
    return client >= 0 && same_secret(secret, oauth->options->clients[client].secret)
               ? client
               : -1;
}

static bool is_under(const char *text, const char *root)
{
    size_t len = strlen(root);
    return len > 0 && strncmp(text, root, len) == 0 &&
           strcmp(text + len, XSUAA_PATH) == 0;
}

bool oauth_is_token_url(const struct oauth *oauth, const char *text)
{
    return is_under(text, oauth->plain) || is_under(text, oauth->tls);
}

/* Whom the token is for: of XSUAA the client's own service, of IAS the resource. False:
 * refused. */
static bool read_audience(const struct oauth *oauth, const struct asked *asked,
                          size_t client, enum oauth_for *what,
                          struct response *response)
{
    const struct oauth_options *options = oauth->options;
    struct slice resource = field(asked, "resource");
    struct slice tenant = field(asked, "app_tid");
    *what = asked->ias ? FOR_ERP : (enum oauth_for)client;
    if (!asked->ias) {
        return true;
    }
    if (tenant.len > 0 && !slice_is(tenant, options->app_tid)) {
        refuse(response, 400, "invalid_request", "app_tid names no known tenant");
        return false;
    }
    if (resource.len == 0 ||
        (slice_starts(resource, SLICE(RESOURCE_PROVIDER)) &&
         slice_is(slice_from(resource, sizeof RESOURCE_PROVIDER - 1),
                  options->provider))) {
        return true;
    }
    if (!slice_starts(resource, SLICE(RESOURCE_SERVICE)) ||
        !slice_is(slice_from(resource, sizeof RESOURCE_SERVICE - 1),
                  options->instance_guid)) {
        refuse(response, 400, "invalid_target", "resource names no known service");
        return false;
    }
    *what = FOR_CONNECTIVITY;
    return true;
}

static void answer_token(struct oauth *oauth, const struct asked *asked,
                         const struct token *token, struct response *response)
{
    json_t *json = json_pack("{s:s, s:s, s:I}", "access_token", token->text,
                             "token_type", asked->ias ? "Bearer" : "bearer",
                             "expires_in", (json_int_t)oauth->token_seconds);
    if (!asked->ias) {
        json_object_set_new(json, "scope", json_string("uaa.resource"));
        json_object_set_new(json, "jti", json_string(token->jti));
    }
    control_ok(response, json);
    response_field(response, "cache-control", "no-store");
}

static void answer_page(const struct oauth *oauth, struct response *response)
{
    char plain[260], tls[260];
    snprintf(plain, sizeof plain, "%s" XSUAA_PATH, oauth->plain);
    snprintf(tls, sizeof tls, "%s" XSUAA_PATH, oauth->tls);
    json_t *page =
        json_pack("{s:s, s:s}", "issuer", oauth->plain, "token_endpoint", plain);
    if (oauth->tls[0] != '\0') {
        json_object_set_new(page, "mtls_endpoint_aliases",
                            json_pack("{s:s}", "token_endpoint", tls));
    }
    control_ok(response, page);
}

void oauth_answer(struct oauth *oauth, struct http_exchange *x,
                  struct response *response)
{
    const struct http_request *request = exchange_request(x);
    struct asked asked = {
        .x = x, .arena = exchange_arena(x), .ias = slice_is(request->path, IAS_PATH)};
    enum oauth_for what = FOR_ERP;
    if (oauth_is_page(request->path)) {
        answer_page(oauth, response);
        return;
    }
    if (slice_starts_nocase(exchange_header(x, "content-type"),
                            SLICE("application/x-www-form-urlencoded"))) {
        asked.form = request->body;
    }
    if (!slice_is(request->method, "POST")) {
        refuse(response, 405, "method_not_allowed", "Use POST.");
        return;
    }
    if (field(&asked, "grant_type").len == 0) {
        refuse(response, 400, "invalid_request", "Missing grant type");
        return;
    }
    int client = read_client(oauth, &asked);
    if (client < 0) {
        refuse(response, 401, "invalid_client", "Bad credentials");
    } else if (!slice_is(field(&asked, "grant_type"), "client_credentials")) {
        refuse(response, 400, "unsupported_grant_type", "Unsupported grant type");
    } else if (read_audience(oauth, &asked, (size_t)client, &what, response)) {
        answer_token(oauth, &asked, issue(oauth, (size_t)client, what), response);
    }
}

/* ---- The control port's calls ---- */

static void done(struct response *response)
{
    control_ok(response, json_pack("{s:b}", "ok", 1));
}

/* The client a call names, OAUTH_CLIENTS when it names none. False: refused. */
static bool named_client(const json_t *body, size_t *client, struct response *response)
{
    const json_t *name = json_object_get(body, "client");
    *client = OAUTH_CLIENTS;
    for (size_t i = 0; i < OAUTH_CLIENTS && json_is_string(name); i++) {
        if (strcmp(json_string_value(name), client_names[i]) == 0) {
            *client = i;
            return true;
        }
    }
    if (name != NULL) {
        control_refuse(response, 400,
                       "client must be erp, destination, connectivity or ias");
    }
    return name == NULL;
}

static const char *bind_certificate(struct oauth *oauth, size_t client,
                                    struct slice pem, enum certificates_room room)
{
    const char *why = NULL;
    for (size_t i = 0; i < OAUTH_CLIENTS && why == NULL; i++) {
        if (client == OAUTH_CLIENTS || client == i) {
            why = certificates_bind(oauth->certificates, i, pem, room);
        }
    }
    return why;
}

const char *oauth_bind_all(struct oauth *oauth, struct slice pem)
{
    return bind_certificate(oauth, OAUTH_CLIENTS, pem, CERTIFICATES_BESIDE);
}

/* POST binds another one, PUT puts it in the place of those there are, DELETE ends all. */
static void control_certificates(struct oauth *oauth, struct slice method,
                                 const json_t *body, struct response *response)
{
    size_t client = 0;
    const char *why = NULL;
    if (!named_client(body, &client, response)) {
        return;
    }
    if (slice_is(method, "DELETE")) {
        for (size_t i = 0; i < OAUTH_CLIENTS; i++) {
            if (client == OAUTH_CLIENTS || client == i) {
                certificates_unbind_all(oauth->certificates, i);
            }
        }
    } else {
        why = bind_certificate(oauth, client, json_in_text(body, "certificate_pem"),
                               slice_is(method, "PUT") ? CERTIFICATES_INSTEAD
                                                       : CERTIFICATES_BESIDE);
    }
    if (why != NULL) {
        control_refuse(response, 400, why);
    } else {
        done(response);
    }
}

static void control_lifetime(struct oauth *oauth, const json_t *body,
                             struct response *response)
{
    const json_t *seconds = json_object_get(body, "access_token_seconds");
    if (json_is_null(seconds)) {
        oauth->token_seconds = oauth->options->token_seconds;
    } else if (json_is_integer(seconds) && json_integer_value(seconds) >= 1 &&
               json_integer_value(seconds) <= MAX_TOKEN_SECONDS) {
        oauth->token_seconds = (long)json_integer_value(seconds);
    } else {
        control_refuse(response, 400,
                       "access_token_seconds must be a whole number from 1 to 1000000, "
                       "or null");
        return;
    }
    done(response);
}

bool oauth_control(struct oauth *oauth, struct slice method, struct slice path,
                   const json_t *body, struct response *response)
{
    size_t client = 0;
    if (slice_is(method, "POST") && slice_is(path, "/tokens/expire")) {
        if (named_client(body, &client, response)) {
            revoke(oauth, client);
            done(response);
        }
        return true;
    }
    if (slice_is(method, "POST") && slice_is(path, "/user-tokens")) {
        control_ok(response,
                   json_pack("{s:s}", "token", oauth_issue(oauth, FOR_ERP, FOR_USER)));
        return true;
    }
    if (slice_is(method, "PUT") && slice_is(path, "/oauth2")) {
        control_lifetime(oauth, body, response);
        return true;
    }
    if (slice_is(path, "/certificates") &&
        (slice_is(method, "POST") || slice_is(method, "PUT") ||
         slice_is(method, "DELETE"))) {
        control_certificates(oauth, method, body, response);
        return true;
    }
    return false;
}
