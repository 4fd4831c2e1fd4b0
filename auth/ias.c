/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SAP Cloud Identity Services, Identity Authentication: an access token by client
 * credentials. `resource` names the application that the token is for
 * (urn:sap:identity:application:provider:name:...), `app_tid` the tenant of a
 * multi-tenant one. SAP BTP documentation, "Consuming the Connectivity Service".
 */
#include "auth/sap_client.h"
#include "base/buf.h"
#include "base/text.h"

#define EXTRA_BYTES 8192

static const struct outbound_field fields[] = {
    SAP_CLIENT_FIELDS,
    {"resource", false, false, 1024},
    {"app_tid", false, false, 256},
};

static void put_member(struct buf *form, const struct credential *credential,
                       const char *name)
{
    struct slice value = credential_reveal(credential, name);
    if (value.len > 0) {
        buf_printf(form, "&%s=", name);
        text_percent(form, value);
    }
}

static struct token_source *source(const struct credential *credential,
                                   const struct token_means *means)
{
    struct client_grant grant = sap_client_grant(credential, means);
    struct buf form;

    buf_init(&form, EXTRA_BYTES);
    put_member(&form, credential, "resource");
    put_member(&form, credential, "app_tid");
    grant.extra_form = buf_slice(&form);
    struct token_source *source = client_grant_source(means->tokens, &grant);
    buf_free(&form);
    return source;
}

const struct outbound_scheme outbound_ias = {
    .name = "sap_ias",
    .integration = "sap",
    .causes =
        "Probable causes, the most likely first: the client's id, secret or "
        "certificate is wrong or was removed from the application; the token is for "
        "another application (resource); the system does not trust this Identity "
        "Authentication tenant.",
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .sign = outbound_sign_bearer,
    .complain = sap_client_complain,
    .source = source,
};
