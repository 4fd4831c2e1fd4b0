/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the SQLite functions that translated SuiteQL calls: exact decimals, dates,
 * case folding beyond ASCII, and the collation that compares decimal text as numbers.
 * Owns: a locale, freed with the database.
 * Threads: the database's.
 * Errors: a value that is no number or no date makes the query fail with Oracle's
 * sentence. Start reading at: functions_register.
 */
#ifndef SLUICE_MOCKS_NETSUITE_FUNCTIONS_H
#define SLUICE_MOCKS_NETSUITE_FUNCTIONS_H

#include <sqlite3.h>
#include <stdbool.h>

bool functions_register(sqlite3 *db);

#endif
