/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the connectivity service: a forward proxy for plain HTTP, behind it a Cloud
 * Connector that exposes one on-premise system under a virtual host.
 * Owns: its settings.
 * Threads: the loop's.
 * Errors: the proxy's, in the response.
 * Start reading at: connectivity_lets_through.
 *
 * Statuses by BTP connectivity, "Consuming the Connectivity Service" and "Verification and
 * Testing": 405 for an https target, 407 without a living token, 403 for a host that is not
 * exposed; 503 without a connector is what the service has been seen to say.
 */
#ifndef SLUICE_MOCKS_SAP_CONNECTIVITY_H
#define SLUICE_MOCKS_SAP_CONNECTIVITY_H

#include <jansson.h>

#include "mocks/common/http.h"
#include "mocks/sap/oauth.h"

#define CONNECTIVITY_TEXT_BYTES 201

struct connectivity {
    const struct oauth *oauth;
    char virtual_host[CONNECTIVITY_TEXT_BYTES]; /* "host:port" */
    char location_id[CONNECTIVITY_TEXT_BYTES];  /* empty: the connector has none */
    bool connected;
};

/* Keeps `oauth`, copies the texts (of at most 200 bytes). */
void connectivity_init(struct connectivity *connectivity, const struct oauth *oauth,
                       const char *virtual_host, const char *location_id);

/* Whether a request came to the proxy: its target has the absolute form, or is CONNECT's. */
bool connectivity_is_proxied(const struct http_request *request);

/* False: the proxy's answer is in `response` (NULL: not wanted). */
bool connectivity_lets_through(const struct connectivity *connectivity,
                               struct http_exchange *x, struct response *response);

/* Whom the caller acts for (SAP-Connectivity-Authentication); empty: itself. */
struct slice connectivity_user_token(struct http_exchange *x);

/* PUT /connectivity. */
void connectivity_control(struct connectivity *connectivity, const json_t *body,
                          struct response *response);

#endif
