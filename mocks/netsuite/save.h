/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the REST record service: writing invoices and journal entries, new ones and
 * (PUT eid:) those that are there. Owns: nothing; rows go into the database. Threads:
 * the loop's. Errors: NetSuite's own refusals, in the response; nothing is written then.
 * Start reading at: save_answer.
 */
#ifndef SLUICE_MOCKS_NETSUITE_SAVE_H
#define SLUICE_MOCKS_NETSUITE_SAVE_H

#include "mocks/common/http.h"
#include "mocks/netsuite/database.h"
#include "mocks/netsuite/record_types.h"

/* Whether this mock can write records of the type. */
bool save_is_served(const struct record_type *type);

/*
 * POST (an empty `external_id`) or PUT under that one. `today` is "YYYY-MM-DD"; `base`
 * begins the new record's URL. True when something was written.
 */
bool save_answer(struct database *database, const struct record_type *type,
                 struct slice external_id, struct slice today, struct slice base,
                 struct http_exchange *x, struct response *response);

#endif
