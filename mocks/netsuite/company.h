/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the mock's company: three subsidiaries, fifty customers, twenty-five vendors
 * and some thirteen hundred transactions, all from a seed and a day. Owns: nothing.
 * Threads: any.  Errors: none. Start reading at: company_write. Same seed and day: the
 * same rows, byte for byte.
 */
#ifndef SLUICE_MOCKS_NETSUITE_COMPANY_H
#define SLUICE_MOCKS_NETSUITE_COMPANY_H

#include "mocks/netsuite/decimal.h"
#include "mocks/netsuite/writer.h"

void company_write(struct writer *writer, int64_t today, uint64_t seed);

/* What an item costs in a currency (both by id). */
struct decimal company_price(int64_t item, int currency);
/* Units of the subsidiary's own currency for one of `currency`. */
struct decimal company_exchange_rate(int currency, int subsidiary);

#endif
