/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SAP BTP: an access token of XSUAA by client credentials (RFC 6749 section 4.4). SAP BTP
 * documentation, "Calling the Destination Service REST API"; with a certificate the host is
 * another one, authentication.cert: "Enable mTLS Authentication".
 */
#include "auth/sap_client.h"

static const struct outbound_field fields[] = {SAP_CLIENT_FIELDS};

static struct token_source *source(const struct credential *credential,
                                   const struct token_means *means)
{
    const struct client_grant grant = sap_client_grant(credential, means);
    return client_grant_source(means->tokens, &grant);
}

const struct outbound_scheme outbound_xsuaa = {
    .name = "sap_xsuaa",
    .integration = "sap",
    .causes = "Probable causes, the most likely first: the client's id or secret is "
              "wrong, or the secret was rotated; its certificate has ended, or its "
              "service key was deleted; the token is of another subaccount; the "
              "communication arrangement does not allow the client.",
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .sign = outbound_sign_bearer,
    .complain = sap_client_complain,
    .source = source,
};
