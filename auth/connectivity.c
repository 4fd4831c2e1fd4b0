/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system on premise behind SAP Cloud Connector: a user of that system by HTTP Basic
 * authentication, and a client of the connectivity service, whose token opens the way. Two
 * logins in one scheme, because neither is of use without the other. SAP BTP
 * documentation, "Consuming the Connectivity Service".
 */
#include "auth/sap_client.h"

static const struct outbound_field fields[] = {
    SAP_CLIENT_FIELDS,
    {"proxy_url", false, true, 2048},
    OUTBOUND_BASIC_FIELDS(true),
};

static const char *complain(const struct jval *auth, struct arena *arena,
                            const char **field)
{
    const char *problem = sap_client_complain(auth, arena, field);

    if (problem == NULL) {
        *field = "proxy_url";
        problem = sap_proxy_complain(jval_text(jval_get(auth, "proxy_url")), arena);
    }
    return problem == NULL ? outbound_basic_complain(auth, field) : problem;
}

static struct token_source *source(const struct credential *credential,
                                   const struct token_means *means)
{
    const struct client_grant grant = sap_client_grant(credential, means);
    return client_grant_source(means->tokens, &grant);
}

static enum err sign(struct credential *credential, struct outbound_request *request,
                     const struct outbound_means *means, struct arena *arena)
{
    struct slice token = credential_token(credential);

    (void)means;
    if (token.len == 0) {
        return ERR_NEEDS_REAUTH;
    }
    sap_use_proxy(request, credential_reveal(credential, "proxy_url"), token,
                  request->location, arena);
    outbound_sign_basic(request, credential_reveal(credential, "username"),
                        credential_reveal(credential, "password"), arena);
    return ERR_OK;
}

/* A 401 is the system's own, of the user: the same password again would count towards its
 * lock. */
static bool renew(struct token_source *source, uint64_t version, int status)
{
    if (status == 407) {
        token_source_refuse(source, version);
    }
    return status == 407;
}

const struct outbound_scheme outbound_connectivity = {
    .name = "sap_connectivity",
    .integration = "sap",
    .route = "connectivity",
    .lane_field = "token_url", /* virtual hosts are a subaccount's own */
    .lock_minutes = OUTBOUND_SAP_LOCK_MINUTES,
    .user_field = "username",
    .causes =
        "Probable causes, the most likely first: user or password is wrong or the "
        "password has to be changed; sap_client is another client's; the user is "
        "locked after failed logins or has ended.",
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .sign = sign,
    .complain = complain,
    .source = source,
    .renew = renew,
};
