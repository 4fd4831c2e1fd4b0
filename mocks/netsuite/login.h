/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: who calls? By the scheme the request comes with: Token-Based Authentication, an
 * OAuth 2.0 bearer token, a SOAP passport; and what each interface says to whom it does not let in. Owns:
 * nothing. Threads: the loop's. Errors: NetSuite's, in the response. Start reading at: login.
 */
#ifndef SLUICE_MOCKS_NETSUITE_LOGIN_H
#define SLUICE_MOCKS_NETSUITE_LOGIN_H

#include "mocks/netsuite/netsuite.h"

bool is_restlet(struct http_exchange *x);

/* For struct erp: ctx is a struct netsuite. */
struct gate_lane *login(void *ctx, struct http_exchange *x, struct response *response);
void login_reject(void *ctx, struct http_exchange *x, struct response *response);

#endif
