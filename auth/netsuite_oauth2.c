/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NetSuite OAuth 2.0 by a person's consent: a bearer token of the grant that is kept for
 * the account. Oracle Help, "OAuth 2.0 Authorization Code Grant Flow". Without a grant the
 * account is there, and waits for somebody to connect it.
 */
#include "auth/netsuite_private.h"

static const struct outbound_field fields[] = {
    {"client_id", false, true, 256},
    {"client_secret", true, false, 256},
};

static struct grant_client client_of(const struct credential *credential,
                                     struct slice url)
{
    return (struct grant_client){
        .url = url,
        .client_id = credential_reveal(credential, "client_id"),
        .client_secret = credential_reveal(credential, "client_secret"),
    };
}

static struct token_source *source(const struct credential *credential,
                                   const struct token_means *means)
{
    struct arena *arena = arena_new();
    struct slice url =
        arena_printf(arena, "%.*s" NETSUITE_TOKEN_PATH, SLICE_ARG(means->origin));
    const struct grant_client client = client_of(credential, url);
    struct token_source *source = grants_source(means->grants, means->account, &client);
    arena_free(arena);
    return source;
}

static void revoke(const struct credential *credential, const struct token_means *means)
{
    struct arena *arena = arena_new();
    struct slice url =
        arena_printf(arena, "%.*s" NETSUITE_REVOKE_PATH, SLICE_ARG(means->origin));
    const struct grant_client client = client_of(credential, url);
    grants_revoke(means->grants, means->account, &client);
    arena_free(arena);
}

/* Oracle Help, "OAuth 2.0 Authorization Code Grant Flow", step one. */
static const struct outbound_consent consent = {
    .authorize_path = "/app/login/oauth2/authorize.nl",
    .token_path = NETSUITE_TOKEN_PATH,
    .revoke_path = NETSUITE_REVOKE_PATH,
    .scope = "rest_webservices restlets",
};

const struct outbound_scheme outbound_netsuite_oauth2 = {
    .name = "netsuite_oauth2",
    .integration = "netsuite",
    .causes =
        "Probable causes, the most likely first: the consent was revoked or has ended "
        "(after 7 days somebody has to consent again); the integration was disabled or "
        "its client secret changed; the role lost REST Web Services or OAuth 2.0 "
        "access tokens.",
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .sign = outbound_sign_bearer,
    .source = source,
    .revoke = revoke,
    .consent = &consent,
};
