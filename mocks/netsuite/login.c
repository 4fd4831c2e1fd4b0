/* SPDX-License-Identifier: Apache-2.0 */
/* Logins, and how they fail (Oracle help "RESTlets and REST Web Services Authentication
 * Errors"). */
#include "mocks/netsuite/login.h"

#include "mocks/netsuite/answers.h"
#include "mocks/netsuite/hosts.h"
#include "mocks/netsuite/soap.h"

bool is_restlet(struct http_exchange *x)
{
    return slice_is(exchange_request(x)->path, "/app/site/hosting/restlet.nl");
}

static void refuse(struct http_exchange *x, struct response *response)
{
    if (is_restlet(x)) {
        answer_restlet_error(response, 401, "INVALID_LOGIN_ATTEMPT",
                             "Invalid login attempt.");
        return;
    }
    struct answer_detail detail = {
        "INVALID_LOGIN",
        SLICE(
            "Invalid login attempt. For more details, see the Login Audit Trail in the "
            "NetSuite UI at Setup > Users/Roles > User Management > View Login Audit "
            "Trail."),
        NULL, SLICE_EMPTY};
    answer_error(response, 401, &detail);
}

/* ---- Token-Based Authentication ---- */

static void refuse_tba(struct netsuite *netsuite, struct http_exchange *x,
                       struct response *response)
{
    refuse(x, response);
    if (!is_restlet(x)) {
        response_field(response, "WWW-Authenticate",
                       "OAuth realm=\"%s\", error=\"token_rejected\", "
                       "error_description=\"Invalid login attempt.\"",
                       netsuite->account_id);
    }
}

static const char *login_tba(struct netsuite *netsuite, struct http_exchange *x,
                             struct response *response)
{
    enum audit_reason reason = AUDIT_OK;
    const char *account_id = oauth_verify(netsuite->oauth, x, &reason);
    if (account_id != NULL && !host_is_for(x, account_id)) {
        netsuite->audit.counts[AUDIT_AccountMismatch]++;
        account_id = NULL;
    }
    if (account_id == NULL) {
        refuse_tba(netsuite, x, response);
    }
    return account_id;
}

/* ---- OAuth 2.0 ---- */

static void challenge(struct netsuite *netsuite, struct response *response,
                      const char *error, const char *description)
{
    response_field(response, "WWW-Authenticate",
                   "Bearer realm=\"%s\", error=\"%s\", error_description=\"%s\"",
                   netsuite->account_id, error, description);
}

static void refuse_bearer(struct netsuite *netsuite, struct http_exchange *x,
                          struct response *response)
{
    refuse(x, response);
    challenge(netsuite, response, "invalid_token", "Invalid login attempt.");
}

static void refuse_malformed(struct netsuite *netsuite, struct http_exchange *x,
                             struct response *response)
{
    static const char sentence[] =
        "The request could not be understood by the server due to malformed syntax.";
    if (is_restlet(x)) {
        answer_restlet_error(response, 400, "INVALID_REQUEST", sentence);
    } else {
        struct answer_detail detail = {"INVALID_REQUEST", slice_str(sentence), NULL,
                                       SLICE_EMPTY};
        answer_error(response, 400, &detail);
    }
    challenge(netsuite, response, "invalid_request", sentence);
}

static const char *login_bearer(struct netsuite *netsuite, struct http_exchange *x,
                                struct response *response)
{
    enum audit_reason reason = AUDIT_OK;
    const char *account_id = oauth2_bearer(netsuite->oauth2, x, is_restlet(x),
                                           netsuite_now_s(netsuite), &reason);
    if (account_id == NULL && reason == AUDIT_InvalidRequest) {
        refuse_malformed(netsuite, x, response);
    } else if (account_id == NULL) {
        refuse_bearer(netsuite, x, response);
    }
    return account_id;
}

/* ---- all ---- */

struct gate_lane *login(void *ctx, struct http_exchange *x, struct response *response)
{
    struct netsuite *netsuite = ctx;
    enum login_kind kind = is_soap(x)            ? LOGIN_PASSPORT
                           : oauth2_is_bearer(x) ? LOGIN_BEARER
                                                 : LOGIN_TBA;
    const char *account_id = kind == LOGIN_PASSPORT ? soap_login(netsuite, x, response)
                             : kind == LOGIN_BEARER
                                 ? login_bearer(netsuite, x, response)
                                 : login_tba(netsuite, x, response);
    if (account_id == NULL) {
        return NULL;
    }
    netsuite->logins[kind]++;
    return gate_lane(&netsuite->engine.gate, slice_str(account_id));
}

/* Fault expire_tokens: a token of OAuth 2.0 does end, one of TBA cannot. */
void login_reject(void *ctx, struct http_exchange *x, struct response *response)
{
    struct netsuite *netsuite = ctx;
    if (is_soap(x)) {
        soap_fail(x, 401, response);
        return;
    }
    if (!oauth2_is_bearer(x)) {
        refuse_tba(netsuite, x, response);
        return;
    }
    oauth2_expire_access(netsuite->oauth2, netsuite_now_s(netsuite));
    refuse_bearer(netsuite, x, response);
}
