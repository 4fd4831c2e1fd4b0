/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the schemes of SAP BTP have in common: a client of a token host, by its
 * secret or by a certificate and its key. Owns: nothing. Threads: the loop's. Errors: a
 * sentence for the person who typed it. Start reading at: SAP_CLIENT_FIELDS.
 */
#ifndef SLUICE_AUTH_SAP_CLIENT_H
#define SLUICE_AUTH_SAP_CLIENT_H

#include "auth/client_grant.h"
#include "auth/outbound_private.h"

#define SAP_PEM_BYTES 16384
/* For a scheme's table of fields. */
#define SAP_CLIENT_FIELDS                                               \
    {"token_url", false, true, 2048}, {"client_id", false, true, 1024}, \
        {"client_secret", true, false, 4096},                           \
        {"certificate_pem", false, false, SAP_PEM_BYTES},               \
    {                                                                   \
        "private_key_pem", true, false, SAP_PEM_BYTES                   \
    }

/* http or https, an origin, and perhaps a path and a query of visible ASCII. */
bool sap_is_url(struct slice text, struct arena *arena);

/* What those are called: of the scheme's own client, or of the one that opens the way to a
 * system on premise. */
struct sap_client_names {
    const char *token_url, *client_id, *client_secret, *certificate_pem,
        *private_key_pem;
};
extern const struct sap_client_names sap_client_own, sap_client_of_connectivity;

/* As outbound_scheme.complain, of those fields. */
const char *sap_client_complain_of(const struct jval *auth,
                                   const struct sap_client_names *names,
                                   struct arena *arena, const char **field);
const char *sap_client_complain(const struct jval *auth, struct arena *arena,
                                const char **field);

/* What client_grant_source needs, of those fields; lent as credential_reveal lends. */
struct client_grant sap_client_grant_of(const struct credential *credential,
                                        const struct sap_client_names *names,
                                        const struct token_means *means);
struct client_grant sap_client_grant(const struct credential *credential,
                                     const struct token_means *means);

/* http://host[:port] of the connectivity proxy; what is wrong with it, or NULL. */
const char *sap_proxy_complain(struct slice url, struct arena *arena);

/* The request goes by the connectivity proxy, which takes it to an SAP Cloud Connector: the
 * one of that location id, or the one without when it is empty. All are lent until it was
 * sent. SAP BTP documentation, "Consuming the Connectivity Service". */
void sap_use_proxy(struct outbound_request *request, struct slice url,
                   struct slice token, struct slice location, struct arena *arena);

#endif
