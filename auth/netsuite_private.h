/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: where NetSuite's token endpoints are, on an account's SuiteTalk host. Owns:
 * nothing. Threads: any. Errors: none. Start reading at: NETSUITE_TOKEN_PATH. Oracle Help,
 * "OAuth 2.0 Authorization Code Grant Flow", steps two and "Revoke Token".
 */
#ifndef SLUICE_AUTH_NETSUITE_PRIVATE_H
#define SLUICE_AUTH_NETSUITE_PRIVATE_H

#include "auth/outbound_private.h"

#define NETSUITE_TOKEN_PATH "/services/rest/auth/oauth2/v1/token"
#define NETSUITE_REVOKE_PATH "/services/rest/auth/oauth2/v1/revoke"

struct oauth1_passport;

/* Puts the signed tokenPassport into request->body, at request->passport_at. The body binds
 * the prefixes platformMsgs and platformCore to NetSuite's namespaces. Lives in `arena`. */
MUST_USE enum err soap_passport_put(const struct oauth1_passport *passport,
                                    struct mac *mac, struct outbound_request *request,
                                    struct arena *arena);

#endif
