/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: POST /services/rest/query/v1/suiteql.
 * Owns: nothing.  Threads: the loop's.
 * Errors: NetSuite's, in the response.
 * Start reading at: suiteql_answer.
 */
#ifndef SLUICE_MOCKS_NETSUITE_SUITEQL_H
#define SLUICE_MOCKS_NETSUITE_SUITEQL_H

#include "mocks/common/http.h"
#include "mocks/netsuite/database.h"

/* `today` is YYYY-MM-DD: what SYSDATE means. */
void suiteql_answer(struct database *database, struct slice today,
                    struct http_exchange *x, struct response *response);

#endif
