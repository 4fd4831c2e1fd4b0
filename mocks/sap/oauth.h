/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the token hosts of a BTP subaccount, XSUAA and Identity Authentication (IAS),
 * and who may be called with what they issue.
 * Owns: the tokens and the clients' certificates.
 * Threads: the loop's.
 * Errors: the hosts', in the response.
 * Start reading at: oauth_answer.
 */
#ifndef SLUICE_MOCKS_SAP_OAUTH_H
#define SLUICE_MOCKS_SAP_OAUTH_H

#include <jansson.h>

#include "base/clock.h"
#include "mocks/common/http.h"
#include "mocks/common/response.h"
#include "mocks/sap/certificates.h"

/* What a token opens. The first three are clients of XSUAA as well, one per binding. */
enum oauth_for { FOR_ERP, FOR_DESTINATION, FOR_CONNECTIVITY, FOR_USER };
#define XSUAA_CLIENTS 3
#define CLIENT_IAS 3 /* the client that is an application in IAS */
#define OAUTH_CLIENTS 4

struct oauth_options {
    struct {
        const char *id, *secret;
    } clients[OAUTH_CLIENTS];
    const char *app_tid;       /* the tenant IAS knows the application in */
    const char *instance_guid; /* root level of the connectivity binding */
    const char *provider;      /* the ERP's name as a provider of APIs in IAS */
    long token_seconds;
};

struct oauth;

/* Keeps both. */
struct oauth *oauth_new(const struct oauth_options *options, const struct clock *clock);
void oauth_free(struct oauth *oauth);

/* The public addresses, for openid-configuration; `tls` is empty without a TLS port. */
void oauth_set_roots(struct oauth *oauth, const char *plain, const char *tls);

/* POST /oauth/token and /oauth2/token. */
bool oauth_is_token(struct slice path);
/* The hosts' other page, /.well-known/openid-configuration. */
bool oauth_is_page(struct slice path);
void oauth_answer(struct oauth *oauth, struct http_exchange *x,
                  struct response *response);
/* What a token host says when it fails by order (fault status without a body). */
void oauth_fail(struct response *response, int status);

/* Whether a token of that text lives and opens that. */
bool oauth_lives(const struct oauth *oauth, struct slice token, enum oauth_for what);
/* Whether a text is the address of this XSUAA's token endpoint, on either port. */
bool oauth_is_token_url(const struct oauth *oauth, const char *text);
/* For the destination service, which fetches tokens on behalf of others. -1: no client of
 * XSUAA has that id and secret. */
int oauth_client(const struct oauth *oauth, struct slice id, struct slice secret);
/* A new token; lends until it is pushed out. */
const char *oauth_issue(struct oauth *oauth, size_t client, enum oauth_for what);
long oauth_token_seconds(const struct oauth *oauth);

void oauth_revoke_all(struct oauth *oauth);

/* The control port's calls: /tokens/expire, /user-tokens, /oauth2, /certificates. False: another's. */
bool oauth_control(struct oauth *oauth, struct slice method, struct slice path,
                   const json_t *body, struct response *response);
/* PEM file at the start: bound to every client. NULL, or what is wrong. */
const char *oauth_bind_all(struct oauth *oauth, struct slice pem);

#endif
