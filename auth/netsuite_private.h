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

#endif
