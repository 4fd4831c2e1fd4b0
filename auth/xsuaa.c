/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SAP BTP: an access token of XSUAA by client credentials (RFC 6749 section 4.4), id
 * and secret in the body, because both may hold characters that Basic authentication
 * cannot carry unencoded. SAP BTP documentation, "Calling the Destination Service REST
 * API".
 */
#include "auth/client_grant.h"
#include "auth/outbound_private.h"

#include "base/web_origin.h"

static const struct outbound_field fields[] = {
    {"token_url", false, true, 2048},
    {"client_id", false, true, 1024},
    {"client_secret", true, true, 4096},
};

/* An origin, and perhaps a path and a query of visible ASCII. */
static bool is_url(struct slice text, struct arena *arena)
{
    struct web_origin origin;
    size_t end = sizeof "https://" - 1;

    while (end < text.len && text.ptr[end] != '/' && text.ptr[end] != '?') {
        end++;
    }
    for (size_t i = end; i < text.len; i++) {
        if (text.ptr[i] <= 0x20 || text.ptr[i] >= 0x7f || text.ptr[i] == '#') {
            return false;
        }
    }
    return web_origin_parse(arena, slice_of(text.ptr, end < text.len ? end : text.len),
                            &origin);
}

static const char *complain(const struct jval *auth, struct arena *arena,
                            const char **field)
{
    *field = "token_url";
    return is_url(jval_text(jval_get(auth, "token_url")), arena)
               ? NULL
               : "an address is needed, such as "
                 "https://acme.authentication.eu10.hana.ondemand.com/oauth/token";
}

static struct token_source *source(const struct credential *credential,
                                   const struct token_means *means)
{
    const struct client_grant grant = {
        .tenant = means->tenant,
        .url = credential_reveal(credential, "token_url"),
        .client_id = credential_reveal(credential, "client_id"),
        .client_secret = credential_reveal(credential, "client_secret"),
    };
    return client_grant_source(means->tokens, &grant);
}

const struct outbound_scheme outbound_xsuaa = {
    .name = "sap_xsuaa",
    .integration = "sap",
    .causes =
        "Probable causes, the most likely first: the client's id or secret is wrong or "
        "its service key was deleted; the token is of another subaccount; the "
        "communication arrangement does not allow the client.",
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .sign = outbound_sign_bearer,
    .complain = complain,
    .source = source,
};
