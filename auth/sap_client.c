/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of XSUAA or of Identity Authentication. Id and secret go in the body, because
 * both may hold characters that Basic authentication cannot carry unencoded; with a
 * certificate the body has the id alone (RFC 8705 section 2). SAP BTP documentation,
 * "Calling the Destination Service REST API" and "Enable mTLS Authentication".
 */
#include "auth/sap_client.h"

#include "auth/pem.h"
#include "base/web_origin.h"

bool sap_is_url(struct slice text, struct arena *arena)
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

static const char *complain_of_identity(const struct jval *auth, const char **field)
{
    const struct clock clock = clock_system();
    enum pem_part part;
    const char *problem = pem_check_identity(
        jval_text(jval_get(auth, "certificate_pem")),
        jval_text(jval_get(auth, "private_key_pem")), clock_wall_ms(&clock), &part);

    *field = part == PEM_CERTIFICATE ? "certificate_pem" : "private_key_pem";
    if (problem == NULL &&
        !slice_starts(jval_text(jval_get(auth, "token_url")), SLICE("https://"))) {
        *field = "token_url";
        return "a certificate is shown over https only";
    }
    return problem;
}

const char *sap_client_complain(const struct jval *auth, struct arena *arena,
                                const char **field)
{
    bool has_secret = jval_get(auth, "client_secret") != NULL;
    bool has_certificate = jval_get(auth, "certificate_pem") != NULL;
    bool has_key = jval_get(auth, "private_key_pem") != NULL;

    *field = "token_url";
    if (!sap_is_url(jval_text(jval_get(auth, "token_url")), arena)) {
        return "an address is needed, such as "
               "https://acme.authentication.eu10.hana.ondemand.com/oauth/token";
    }
    *field = "client_secret";
    if (has_secret && (has_certificate || has_key)) {
        return "either this, or certificate_pem and private_key_pem";
    }
    if (has_secret) {
        return NULL;
    }
    if (!has_certificate && !has_key) {
        return "is needed, or certificate_pem and private_key_pem instead";
    }
    if (!has_certificate || !has_key) {
        *field = has_key ? "certificate_pem" : "private_key_pem";
        return "is needed: a certificate goes with its key";
    }
    return complain_of_identity(auth, field);
}

struct client_grant sap_client_grant(const struct credential *credential,
                                     const struct token_means *means)
{
    return (struct client_grant){
        .tenant = means->tenant,
        .url = credential_reveal(credential, "token_url"),
        .client_id = credential_reveal(credential, "client_id"),
        .client_secret = credential_reveal(credential, "client_secret"),
        .certificate_pem = credential_reveal(credential, "certificate_pem"),
        .private_key_pem = credential_reveal(credential, "private_key_pem"),
    };
}
