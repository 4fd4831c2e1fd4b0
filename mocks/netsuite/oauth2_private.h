/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the files of the OAuth 2.0 server share. Owns: see struct oauth2. Threads:
 * the loop's. Errors: in the response. Start reading at: struct oauth2.
 */
#ifndef SLUICE_MOCKS_NETSUITE_OAUTH2_PRIVATE_H
#define SLUICE_MOCKS_NETSUITE_OAUTH2_PRIVATE_H

#include "mocks/netsuite/form.h"
#include "mocks/netsuite/grants.h"
#include "mocks/netsuite/jwt.h"
#include "mocks/netsuite/oauth2.h"

#define OAUTH2_AUTHORIZE "/app/login/oauth2/authorize.nl"
#define OAUTH2_CONSENT "/app/login/oauth2/consent.nl"
#define OAUTH2_TOKEN "/services/rest/auth/oauth2/v1/token"
#define OAUTH2_REVOKE "/services/rest/auth/oauth2/v1/revoke"
#define OAUTH2_KEYS "/services/rest/auth/oauth2/v1/keys"

#define OAUTH2_ACCOUNT_MAX 40

/* What counts in "token_grants". */
#define OAUTH2_GRANT_MAP(X) \
    X(authorization_code)   \
    X(refresh_token)        \
    X(client_credentials)   \
    X(revoke)               \
    X(other)
#define OAUTH2_ERROR_MAP(X)   \
    X(invalid_request)        \
    X(invalid_client)         \
    X(invalid_grant)          \
    X(unauthorized_client)    \
    X(unsupported_grant_type) \
    X(invalid_scope)

#define OAUTH2_GRANT_ENUM(name) COUNT_##name,
enum oauth2_count { OAUTH2_GRANT_MAP(OAUTH2_GRANT_ENUM) COUNT_SIZE };
#define OAUTH2_ERROR_ENUM(name) OAUTH2_##name,
enum oauth2_error { OAUTH2_ERROR_MAP(OAUTH2_ERROR_ENUM) OAUTH2_ERRORS };

/* What the control port sets; 0 or empty: as NetSuite does. */
struct oauth2_settings {
    enum { CONSENT_PAGE, CONSENT_ALLOW, CONSENT_DENY } consent;
    int64_t access_s, refresh_s, grant_s, code_s;
    char company[OAUTH2_ACCOUNT_MAX + 1]; /* in the redirect */
    bool expires_in_text;                 /* as older answers had it */
};

struct authorize_requests; /* those that wait for consent */

struct oauth2 {
    const char *account_id;
    struct audit *audit;
    struct integrations *integrations;
    struct grants *grants;
    struct jwt_signer *signer;
    struct authorize_requests *requests;
    struct oauth2_settings settings;
    int64_t counts[COUNT_SIZE];
    int64_t errors[OAUTH2_ERRORS];
};

/* authorize.c */
struct authorize_requests *authorize_requests_new(void);
void authorize_requests_free(struct authorize_requests *requests);
void authorize_answer(struct oauth2 *oauth2, struct http_exchange *x, int64_t now_s,
                      struct response *response);
void authorize_consent(struct oauth2 *oauth2, struct http_exchange *x, int64_t now_s,
                       struct response *response);

/* token.c */
void token_answer(struct oauth2 *oauth2, struct http_exchange *x, int64_t now_s,
                  struct response *response);
void token_revoke(struct oauth2 *oauth2, struct http_exchange *x, int64_t now_s,
                  struct response *response);

/* What an assertion comes to. */
struct assertion {
    const struct certificate *certificate; /* that signed; NULL: refused, see below */
    const struct integration *integration;
    unsigned scopes; /* that it asks for */
    enum oauth2_error error;
    enum audit_reason why;
};
struct assertion assertion_check(struct oauth2 *oauth2, struct http_exchange *x,
                                 struct slice text, int64_t now_s); /* assertion.c */

/* 0 while the setting is that of NetSuite. */
static inline int64_t oauth2_or(int64_t set, int64_t otherwise)
{
    return set > 0 ? set : otherwise;
}

#endif
