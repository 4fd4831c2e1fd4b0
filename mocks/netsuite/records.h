/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: /services/rest/record/v1: one record, lists of ids, and who writes (save.h).
 * Owns: nothing.  Threads: the loop's.
 * Errors: NetSuite's, in the response.
 * Start reading at: records_answer; which records there are: record_types.c.
 */
#ifndef SLUICE_MOCKS_NETSUITE_RECORDS_H
#define SLUICE_MOCKS_NETSUITE_RECORDS_H

#include "mocks/common/http.h"
#include "mocks/netsuite/database.h"

/* `rest` is the path behind /services/rest/record/v1/, `today` "YYYY-MM-DD". True when
 * something was written. */
bool records_answer(struct database *database, struct slice today, struct slice rest,
                    struct http_exchange *x, struct response *response);

#endif
