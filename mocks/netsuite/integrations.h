/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: integration records with OAuth 2.0: client ids, redirect URIs, scopes, and the
 * certificates mapped for the client credentials flow (Oracle help: "Create Integration
 * Records for Applications to Use OAuth 2.0", "Certificate Conditions"). Owns: the records,
 * until integrations_free. Threads: one owner at a time. Errors: NULL and a sentence.
 * Start reading at: struct integration.
 */
#ifndef SLUICE_MOCKS_NETSUITE_INTEGRATIONS_H
#define SLUICE_MOCKS_NETSUITE_INTEGRATIONS_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"

#define INTEGRATION_MAX_URIS 8

enum scope {
    SCOPE_RESTLETS = 1,
    SCOPE_REST_WEBSERVICES = 2,
    SCOPE_SUITE_ANALYTICS = 4,
    SCOPE_MCP = 8
};

/* Words with spaces or commas between them. 0: none, an unknown one, or mcp beside others. */
unsigned scope_read(struct slice text);
/* A new array of texts. */
json_t *scope_json(unsigned scopes);

enum consent_policy { CONSENT_ALWAYS_ASK, CONSENT_ASK_FIRST_TIME, CONSENT_NEVER_ASK };

/* One mapping for the client credentials flow. */
struct certificate {
    struct list node;
    char *id; /* what an assertion has as kid */
    EVP_PKEY *key;
    int64_t ends_s; /* Unix time */
    bool revoked;
};

struct integration {
    struct list node;
    char *account_id;
    char *client_id;
    char *client_secret; /* NULL: a public client */
    char *name;
    char *role, *entity; /* of whoever consents, and of certificates */
    char *redirect_uris[INTEGRATION_MAX_URIS];
    size_t uri_count;
    unsigned scopes;
    bool code_grant, client_credentials;
    enum consent_policy consent;
    int64_t refresh_s, rotation_s; /* public clients: refresh token, whole grant */
    struct list certificates;
};

struct integrations;

struct integrations *integrations_new(void);
void integrations_free(struct integrations *integrations);

/* Reads what POST /integrations sends; `account_id` is used where the body has none. Lends
 * the record. NULL: `*why` (a literal) says what is wrong. */
struct integration *integrations_add(struct integrations *integrations,
                                     const json_t *body, const char *account_id,
                                     const char **why);
/* Lends; NULL: unknown. */
struct integration *integrations_find(const struct integrations *integrations,
                                      struct slice client_id);

/* Maps an X.509 certificate in PEM. `id` empty: one by chance. Lends. */
struct certificate *integration_add_certificate(struct integration *integration,
                                                struct slice id, struct slice pem,
                                                int64_t now_s, const char **why);
/* Lends; NULL: unknown. */
struct certificate *integration_certificate(const struct integration *integration,
                                            struct slice id);

#endif
