/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: NetSuite's tokenPassport element in the header of a SOAP request. Owns: nothing.
 * Threads: any. Errors: ERR_TOO_LARGE; as auth/oauth1.h. Start reading at:
 * soap_passport_put. Oracle Help, "Token-Based Authentication Details" (SOAP).
 */
#ifndef SLUICE_AUTH_SOAP_PASSPORT_H
#define SLUICE_AUTH_SOAP_PASSPORT_H

#include "auth/oauth1.h"
#include "auth/outbound.h"

/* Puts the signed tokenPassport into request->body, at request->passport_at. The body binds
 * the prefixes platformMsgs and platformCore to NetSuite's namespaces. Borrows all; the new
 * body lives in `arena`. */
MUST_USE enum err soap_passport_put(const struct oauth1_passport *passport,
                                    struct mac *mac, struct outbound_request *request,
                                    struct arena *arena);

#endif
