/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client assertion of the client credentials flow (Oracle help "The Request Token
 * Structure"; RFC 7523 section 3). Which error answers which fault is not on Oracle's pages:
 * here a token that cannot be read is invalid_request, one that proves nobody is
 * invalid_client, one that proves somebody and is out of its time or place is invalid_grant.
 */
#include "mocks/common/json_in.h"
#include "mocks/netsuite/hosts.h"
#include "mocks/netsuite/oauth2_private.h"

#define MAX_LIFETIME_S 3600
#define SKEW_S 60

static bool audience_fits(struct http_exchange *x, struct slice audience,
                          const char *account_id)
{
    struct arena *arena = exchange_arena(x);
    struct slice host = exchange_header(x, "host");
    struct slice called =
        arena_printf(arena, "http://%.*s" OAUTH2_TOKEN, SLICE_ARG(host));
    struct slice form = host_form(arena, account_id);
    struct slice real = arena_printf(
        arena, "https://%.*s.suitetalk.api.netsuite.com" OAUTH2_TOKEN, SLICE_ARG(form));
    return slice_eq(audience, called) || slice_eq(audience, real);
}

static enum audit_reason check_times(const json_t *payload, int64_t now_s)
{
    int64_t made_s = json_integer_value(json_object_get(payload, "iat"));
    int64_t ends_s = json_integer_value(json_object_get(payload, "exp"));
    if (ends_s <= now_s) {
        return AUDIT_TokenExpired;
    }
    if (made_s > now_s + SKEW_S || made_s >= ends_s) {
        return AUDIT_TokenNotAcceptable;
    }
    return ends_s > made_s + MAX_LIFETIME_S ? AUDIT_TokenValidityTooBroad : AUDIT_OK;
}

/* An array of words, or one text. 0: none that is known. */
static unsigned read_scope(const json_t *payload)
{
    const json_t *member = json_object_get(payload, "scope");
    unsigned scopes = 0;
    size_t i;
    const json_t *word;
    if (json_is_string(member)) {
        return scope_read(json_in_text(payload, "scope"));
    }
    json_array_foreach (member, i, word) {
        struct slice text = slice_of(json_string_value(word), json_string_length(word));
        unsigned scope = scope_read(text);
        if (scope == 0) {
            return 0;
        }
        scopes |= scope;
    }
    return scopes;
}

/* What can be said without a key. */
static enum audit_reason check_shape(const struct jwt *jwt)
{
    struct slice type = json_in_text(jwt->header, "typ");
    if (!slice_eq_nocase(type, SLICE("JWT")) ||
        !json_is_integer(json_object_get(jwt->payload, "iat")) ||
        !json_is_integer(json_object_get(jwt->payload, "exp")) ||
        json_in_text(jwt->payload, "iss").len == 0 ||
        json_in_text(jwt->payload, "aud").len == 0) {
        return AUDIT_InvalidRequest;
    }
    if (!jwt_algorithm_known(json_in_text(jwt->header, "alg"))) {
        return AUDIT_UnsupportedAlgo;
    }
    return json_in_text(jwt->header, "kid").len == 0 ? AUDIT_MissingKeyId : AUDIT_OK;
}

static const struct certificate *check_signature(struct oauth2 *oauth2,
                                                 struct http_exchange *x,
                                                 const struct jwt *jwt, int64_t now_s,
                                                 const struct integration **integration,
                                                 enum audit_reason *why)
{
    *why = AUDIT_ClientAuthenticationFailed;
    *integration =
        integrations_find(oauth2->integrations, json_in_text(jwt->payload, "iss"));
    if (*integration == NULL || !host_is_for(x, (*integration)->account_id)) {
        return NULL;
    }
    const struct certificate *certificate =
        integration_certificate(*integration, json_in_text(jwt->header, "kid"));
    if (certificate == NULL || certificate->revoked || certificate->ends_s <= now_s) {
        *why = AUDIT_MissingKey;
        return NULL;
    }
    *why = AUDIT_SignatureValidation;
    return jwt_signed_by(jwt, certificate->key) ? certificate : NULL;
}

/* The first rule that it breaks decides. */
struct assertion assertion_check(struct oauth2 *oauth2, struct http_exchange *x,
                                 struct slice text, int64_t now_s)
{
    struct assertion said = {.error = OAUTH2_invalid_request,
                             .why = AUDIT_InvalidRequest};
    struct jwt jwt;
    if (!jwt_read(exchange_arena(x), text, &jwt)) {
        return said;
    }
    said.why = check_shape(&jwt);
    if (said.why != AUDIT_OK) {
        return said;
    }
    const struct certificate *certificate =
        check_signature(oauth2, x, &jwt, now_s, &said.integration, &said.why);
    said.error = OAUTH2_invalid_client;
    if (certificate == NULL) {
        return said;
    }
    said.error = OAUTH2_unauthorized_client;
    said.why = AUDIT_InvalidGrantType;
    if (!said.integration->client_credentials) {
        return said;
    }
    said.error = OAUTH2_invalid_grant;
    said.why = check_times(jwt.payload, now_s);
    if (said.why == AUDIT_OK && !audience_fits(x, json_in_text(jwt.payload, "aud"),
                                               said.integration->account_id)) {
        said.why = AUDIT_TokenNotAcceptable;
    }
    if (said.why != AUDIT_OK) {
        return said;
    }
    said.scopes = read_scope(jwt.payload);
    said.error = OAUTH2_invalid_scope;
    said.why = AUDIT_ScopeMismatched;
    bool allowed = said.scopes != 0 && (said.scopes & SCOPE_MCP) == 0 &&
                   (said.scopes & ~said.integration->scopes) == 0;
    said.certificate = allowed ? certificate : NULL;
    return said;
}
