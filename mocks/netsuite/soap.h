/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: SuiteTalk SOAP as far as a login goes: getServerTime, get (customers, vendors)
 * under a tokenPassport, getDataCenterUrls without one. Owns: nothing. Threads: the loop's.
 * Errors: NetSuite's faults, in the response. Start reading at: soap_answer.
 */
#ifndef SLUICE_MOCKS_NETSUITE_SOAP_H
#define SLUICE_MOCKS_NETSUITE_SOAP_H

#include "mocks/netsuite/netsuite.h"

/* /services/NetSuitePort_YYYY_N */
bool is_soap(struct http_exchange *x);

/* getDataCenterUrls asks for no login, and takes no place. */
bool soap_is_discovery(struct http_exchange *x);

/* The canonical account id. NULL: refused, with the fault in `response`. */
const char *soap_login(struct netsuite *netsuite, struct http_exchange *x,
                       struct response *response);
void soap_answer(struct netsuite *netsuite, struct http_exchange *x,
                 struct response *response);

/* What struct erp wants for a status: 401, 403, 429, or any other. */
void soap_fail(struct http_exchange *x, int status, struct response *response);

#endif
