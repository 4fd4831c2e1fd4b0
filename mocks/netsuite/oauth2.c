/* SPDX-License-Identifier: Apache-2.0 */
/* The OAuth 2.0 server: its paths, and bearer tokens at the interfaces. */
#include <stdlib.h>

#include "mocks/common/control.h"
#include "mocks/netsuite/hosts.h"
#include "mocks/netsuite/oauth2_private.h"

static void keys_answer(struct oauth2 *oauth2, struct http_exchange *x, int64_t now_s,
                        struct response *response)
{
    (void)now_s;
    control_ok(response, jwt_key_set(oauth2->signer, exchange_arena(x)));
}

static const struct path {
    const char *path;
    const char *method;
    enum aside kind;
    void (*run)(struct oauth2 *oauth2, struct http_exchange *x, int64_t now_s,
                struct response *response);
} paths[] = {
    {OAUTH2_AUTHORIZE, "GET", ASIDE_PAGE, authorize_answer},
    {OAUTH2_CONSENT, "POST", ASIDE_PAGE, authorize_consent},
    {OAUTH2_TOKEN, "POST", ASIDE_TOKEN, token_answer},
    {OAUTH2_REVOKE, "POST", ASIDE_TOKEN, token_revoke},
    {OAUTH2_KEYS, "GET", ASIDE_PAGE, keys_answer},
};

static const struct path *find_path(struct slice path)
{
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (slice_is(path, paths[i].path)) {
            return &paths[i];
        }
    }
    return NULL;
}

enum aside oauth2_aside_kind(struct slice path)
{
    const struct path *found = find_path(path);
    return found == NULL ? ASIDE_NOT : found->kind;
}

void oauth2_answer(struct oauth2 *oauth2, struct http_exchange *x, int64_t now_s,
                   struct response *response)
{
    const struct http_request *request = exchange_request(x);
    const struct path *path = find_path(request->path);
    REQUIRE(path != NULL); /* oauth2_aside_kind has found it */
    if (slice_is(request->method, path->method)) {
        path->run(oauth2, x, now_s, response);
        return;
    }
    response_plain(response, 405, "application/json",
                   SLICE("{\"error\":\"invalid_request\"}"));
    response_field(response, "allow", "%s", path->method);
}

struct oauth2 *oauth2_new(struct audit *audit, const char *account_id)
{
    struct oauth2 *oauth2 = calloc(1, sizeof *oauth2);
    REQUIRE(oauth2 != NULL);
    oauth2->audit = audit;
    oauth2->account_id = account_id;
    oauth2->integrations = integrations_new();
    oauth2->grants = grants_new();
    oauth2->signer = jwt_signer_new();
    oauth2->requests = authorize_requests_new();
    return oauth2;
}

void oauth2_free(struct oauth2 *oauth2)
{
    if (oauth2 == NULL) {
        return;
    }
    authorize_requests_free(oauth2->requests);
    grants_free(oauth2->grants);
    integrations_free(oauth2->integrations);
    jwt_signer_free(oauth2->signer);
    free(oauth2);
}

void oauth2_reset(struct oauth2 *oauth2)
{
    memset(oauth2->counts, 0, sizeof oauth2->counts);
    memset(oauth2->errors, 0, sizeof oauth2->errors);
}

void oauth2_stats(const struct oauth2 *oauth2, json_t *stats)
{
    static const char *const grant_names[] = {
#define NAME(name) #name,
        OAUTH2_GRANT_MAP(NAME)};
    static const char *const error_names[] = {OAUTH2_ERROR_MAP(NAME)
#undef NAME
    };
    json_t *grants = json_object();
    for (int i = 0; i < COUNT_SIZE; i++) {
        json_object_set_new(grants, grant_names[i], json_integer(oauth2->counts[i]));
    }
    json_object_set_new(stats, "token_grants", grants);
    json_t *errors = json_object();
    for (int i = 0; i < OAUTH2_ERRORS; i++) {
        if (oauth2->errors[i] > 0) {
            json_object_set_new(errors, error_names[i],
                                json_integer(oauth2->errors[i]));
        }
    }
    json_object_set_new(stats, "token_errors", errors);
}

/* ---- bearer tokens (RFC 6750 section 2.1) ---- */

bool oauth2_is_bearer(struct http_exchange *x)
{
    struct slice field = exchange_header(x, "authorization");
    return slice_eq_nocase(field, SLICE("Bearer")) ||
           slice_starts_nocase(field, SLICE("Bearer "));
}

static bool is_token68(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool ok = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                  (c >= 'a' && c <= 'z') || (c != '\0' && strchr("-._~+/=", c) != NULL);
        if (!ok) {
            return false;
        }
    }
    return text.len > 0;
}

static const struct grant *bearer_grant(struct oauth2 *oauth2, struct http_exchange *x,
                                        bool restlet, int64_t now_s,
                                        enum audit_reason *why)
{
    struct slice field = exchange_header(x, "authorization");
    struct slice token = slice_trim(slice_from(field, sizeof "Bearer" - 1));
    if (exchange_header_count(x, "authorization") != 1 || !is_token68(token)) {
        *why = AUDIT_InvalidRequest;
        return NULL;
    }
    const struct grant *grant = grants_bearer(oauth2->grants, token, now_s, why);
    if (grant == NULL) {
        return NULL;
    }
    if (!host_is_for(x, grant->integration->account_id)) {
        *why = AUDIT_AccountMismatch;
        return NULL;
    }
    if ((grant->scopes & (restlet ? SCOPE_RESTLETS : SCOPE_REST_WEBSERVICES)) == 0) {
        *why = AUDIT_ScopeMismatched;
        return NULL;
    }
    return grant;
}

const char *oauth2_bearer(struct oauth2 *oauth2, struct http_exchange *x, bool restlet,
                          int64_t now_s, enum audit_reason *why)
{
    *why = AUDIT_OK;
    const struct grant *grant = bearer_grant(oauth2, x, restlet, now_s, why);
    oauth2->audit->counts[*why]++;
    return grant == NULL ? NULL : grant->integration->account_id;
}

void oauth2_expire_access(struct oauth2 *oauth2, int64_t now_s)
{
    (void)grants_expire_tokens(oauth2->grants, TOKEN_ACCESS, now_s);
}
