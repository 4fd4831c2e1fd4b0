/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the destination service: named destinations, found with the token or the
 * credentials that a call to them needs.
 * Owns: the destinations and the tokens it keeps for them.
 * Threads: the loop's.
 * Errors: the service's, in the response: a token it could not get is status 200 and an
 * authTokens entry of empty texts with `error`.
 * Start reading at: destinations_find.
 *
 * Shapes by BTP connectivity, "Find a Destination: Response Structure".
 */
#ifndef SLUICE_MOCKS_SAP_DESTINATIONS_H
#define SLUICE_MOCKS_SAP_DESTINATIONS_H

#include <jansson.h>

#include "mocks/common/http.h"
#include "mocks/sap/oauth.h"

struct destinations;

/* Keeps both. */
struct destinations *destinations_new(struct oauth *oauth, const struct clock *clock);
void destinations_free(struct destinations *destinations);

/* A flat map of texts with a Name. Borrows it. NULL, or what is wrong. */
const char *destinations_put(struct destinations *destinations,
                             const json_t *properties);

/* GET /destination-configuration/v1/destinations/NAME. */
bool destinations_is_path(struct slice path);
void destinations_find(struct destinations *destinations, struct http_exchange *x,
                       struct response *response);
/* What it says when it fails by order. */
void destinations_fail(struct response *response, int status);

/* PUT and DELETE /destinations. */
void destinations_control(struct destinations *destinations, struct slice method,
                          const json_t *body, struct response *response);

#endif
