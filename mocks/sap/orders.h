/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: creates a purchase order by deep insert, with the checks that SAP makes.
 * Owns: nothing.
 * Threads: the loop's.
 * Errors: SAP's, in the response.
 * Start reading at: orders_create.
 */
#ifndef SLUICE_MOCKS_SAP_ORDERS_H
#define SLUICE_MOCKS_SAP_ORDERS_H

#include "mocks/sap/company.h"
#include "mocks/sap/query.h"

/* True when a document was written. */
bool orders_create(struct company *company, const struct reading *reading,
                   struct slice body, struct response *response);

#endif
