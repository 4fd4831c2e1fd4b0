/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NetSuite OAuth 2.0 by client credentials: a certificate is uploaded there, we sign an
 * assertion with its key (RFC 7523). No person, no refresh token: a new token is asked for
 * before the hour ends. Oracle Help, "OAuth 2.0 Client Credentials Flow".
 */
#include "auth/client_grant.h"
#include "auth/jwt.h"
#include "auth/netsuite_private.h"

#define SCOPES "[\"restlets\",\"rest_webservices\"]"

static const struct outbound_field fields[] = {
    {"client_id", false, true, 256},
    {"certificate_id", false, true, 256},
    {"alg", false, true, 5},
    {"private_key_pem", true, true, 16384},
};

static const char *complain(const struct jval *auth, struct arena *arena,
                            const char **field)
{
    struct slice alg = jval_text(jval_get(auth, "alg"));
    const char *problem = NULL;

    (void)arena;
    if (jwt_key_check(alg, jval_text(jval_get(auth, "private_key_pem")), &problem) !=
        ERR_OK) {
        *field = jwt_alg_is_known(alg) ? "private_key_pem" : "alg";
    }
    return problem;
}

static struct token_source *source(const struct credential *credential,
                                   const struct token_means *means)
{
    struct arena *arena = arena_new();
    const struct client_grant grant = {
        .tenant = means->tenant,
        .url =
            arena_printf(arena, "%.*s" NETSUITE_TOKEN_PATH, SLICE_ARG(means->origin)),
        .client_id = credential_reveal(credential, "client_id"),
        .private_key_pem = credential_reveal(credential, "private_key_pem"),
        .alg = credential_reveal(credential, "alg"),
        .key_id = credential_reveal(credential, "certificate_id"),
        .scopes_json = SLICE(SCOPES),
    };
    struct token_source *source = client_grant_source(means->tokens, &grant);
    arena_free(arena);
    return source;
}

const struct outbound_scheme outbound_netsuite_m2m = {
    .name = "netsuite_m2m",
    .integration = "netsuite",
    .causes =
        "Probable causes, the most likely first: the certificate has ended or was "
        "removed from the integration, or its id belongs to another key; client id and "
        "account do not belong together; the integration or its user was disabled; the "
        "role lost REST Web Services or OAuth 2.0 access tokens. NetSuite shows the "
        "certificates under Setup > Integration > OAuth 2.0 Client Credentials (M2M) "
        "Setup, and why a login failed in its Login Audit Trail (Setup > Users/Roles > "
        "User Management > View Login Audit Trail).",
    .clock_ms = 60000,
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .sign = outbound_sign_bearer,
    .complain = complain,
    .source = source,
};
