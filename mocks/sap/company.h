/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the mock's company: suppliers, orders and invoices out of a seed, in SQLite.
 * Owns: the database.
 * Threads: the loop's.
 * Errors: the program's own SQL that fails aborts.
 * Start reading at: company_new.
 */
#ifndef SLUICE_MOCKS_SAP_COMPANY_H
#define SLUICE_MOCKS_SAP_COMPANY_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/slice.h"

struct company;

/* `today`: days since 1970-01-01. */
struct company *company_new(uint64_t seed, int64_t today);
void company_free(struct company *company);
/* Everything as after company_new. */
void company_reset(struct company *company);

sqlite3 *company_database(struct company *company);
/* "YYYY-MM-DD" of today. */
const char *company_today(const struct company *company);

struct material {
    const char *name, *text, *unit, *group, *price; /* price per piece, EUR */
};
/* NULL when there is none of that name. */
const struct material *company_material(struct slice name);
/* Company code and currency of a purchasing organization; false for an unknown one. */
bool company_organization(struct slice name, const char **company_code,
                          const char **currency);

#endif
