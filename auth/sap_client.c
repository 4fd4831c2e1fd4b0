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

#define PROXY_LINE_BYTES 8192 /* a Cloud Connector takes no longer line */

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

const struct sap_client_names sap_client_own = {
    "token_url", "client_id", "client_secret", "certificate_pem", "private_key_pem"};
const struct sap_client_names sap_client_of_connectivity = {
    "connectivity_token_url", "connectivity_client_id", "connectivity_client_secret",
    "connectivity_certificate_pem", "connectivity_private_key_pem"};

static const char *complain_of_identity(const struct jval *auth,
                                        const struct sap_client_names *names,
                                        const char **field)
{
    const struct clock clock = clock_system();
    enum pem_part part;
    const char *problem =
        pem_check_identity(jval_text(jval_get(auth, names->certificate_pem)),
                           jval_text(jval_get(auth, names->private_key_pem)),
                           clock_wall_ms(&clock), &part);

    *field = part == PEM_CERTIFICATE ? names->certificate_pem : names->private_key_pem;
    if (problem == NULL &&
        !slice_starts(jval_text(jval_get(auth, names->token_url)), SLICE("https://"))) {
        *field = names->token_url;
        return "a certificate is shown over https only";
    }
    return problem;
}

const char *sap_client_complain_of(const struct jval *auth,
                                   const struct sap_client_names *names,
                                   struct arena *arena, const char **field)
{
    bool has_secret = jval_get(auth, names->client_secret) != NULL;
    bool has_certificate = jval_get(auth, names->certificate_pem) != NULL;
    bool has_key = jval_get(auth, names->private_key_pem) != NULL;

    *field = names->token_url;
    if (!sap_is_url(jval_text(jval_get(auth, names->token_url)), arena)) {
        return "an address is needed, such as "
               "https://acme.authentication.eu10.hana.ondemand.com/oauth/token";
    }
    *field = names->client_secret;
    if (has_secret && (has_certificate || has_key)) {
        return arena_printf(arena, "either this, or %s and %s", names->certificate_pem,
                            names->private_key_pem)
            .ptr;
    }
    if (has_secret) {
        return NULL;
    }
    if (!has_certificate && !has_key) {
        return arena_printf(arena, "is needed, or %s and %s instead",
                            names->certificate_pem, names->private_key_pem)
            .ptr;
    }
    if (!has_certificate || !has_key) {
        *field = has_key ? names->certificate_pem : names->private_key_pem;
        return "is needed: a certificate goes with its key";
    }
    return complain_of_identity(auth, names, field);
}

const char *sap_client_complain(const struct jval *auth, struct arena *arena,
                                const char **field)
{
    return sap_client_complain_of(auth, &sap_client_own, arena, field);
}

struct client_grant sap_client_grant_of(const struct credential *credential,
                                        const struct sap_client_names *names,
                                        const struct token_means *means)
{
    return (struct client_grant){
        .tenant = means->tenant,
        .url = credential_reveal(credential, names->token_url),
        .client_id = credential_reveal(credential, names->client_id),
        .client_secret = credential_reveal(credential, names->client_secret),
        .certificate_pem = credential_reveal(credential, names->certificate_pem),
        .private_key_pem = credential_reveal(credential, names->private_key_pem),
    };
}

struct client_grant sap_client_grant(const struct credential *credential,
                                     const struct token_means *means)
{
    return sap_client_grant_of(credential, &sap_client_own, means);
}

const char *sap_proxy_complain(struct slice url, struct arena *arena)
{
    struct web_origin origin;

    return slice_starts(url, SLICE("http://")) && web_origin_parse(arena, url, &origin)
               ? NULL
               : "http://host:port of the connectivity proxy is needed: "
                 "onpremise_proxy_host and onpremise_proxy_http_port of the binding";
}

void sap_use_proxy(struct outbound_request *request, struct slice url,
                   struct slice token, struct slice location, struct arena *arena)
{
    struct http_proxy *proxy = arena_alloc(arena, sizeof *proxy);
    struct http_field *fields = arena_array(arena, 2, sizeof *fields);

    fields[0] =
        (struct http_field){SLICE("Proxy-Authorization"),
                            arena_printf(arena, "Bearer %.*s", SLICE_ARG(token))};
    fields[1] =
        (struct http_field){SLICE("SAP-Connectivity-SCC-Location_ID"), location};
    *proxy = (struct http_proxy){.url = url,
                                 .fields = fields,
                                 .field_count = location.len > 0 ? 2 : 1,
                                 .max_line_bytes = PROXY_LINE_BYTES};
    request->proxy = proxy;
}
