/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what lists, master data and documents (company*.c) share.
 * Owns: nothing.  Threads: any.  Errors: none.
 * Start reading at: struct company.
 */
#ifndef SLUICE_MOCKS_NETSUITE_COMPANY_PRIVATE_H
#define SLUICE_MOCKS_NETSUITE_COMPANY_PRIVATE_H

#include "mocks/common/random.h"
#include "mocks/netsuite/company.h"

#define FIRST_CUSTOMER 101
#define CUSTOMERS 50
#define FIRST_VENDOR 201
#define VENDORS 25
#define FIRST_EMPLOYEE 11
#define EMPLOYEES 10
#define ITEMS 20
#define CURRENCIES 5
#define SUBSIDIARIES 3
#define MONTHS 36

#define ACCOUNT_BANK 1 /* one for each subsidiary: 1, 2, 3 */
#define ACCOUNT_RECEIVABLE 4
#define ACCOUNT_PAYABLE 7
#define ACCOUNT_ACCRUED 8
#define ACCOUNT_INCOME 12  /* 12 to 14 */
#define ACCOUNT_EXPENSE 16 /* 16 to 22 */

struct currency {
    const char *symbol;
    int decimals;
    int64_t millionths; /* of one euro */
};

struct party {
    int64_t id;
    int currency;            /* id, from 1 */
    int subsidiary;          /* id, from 1 */
    int term;                /* id, from 1 */
    int64_t open_minor;      /* of a vendor: open bills, in its currency */
    int64_t open_base_minor; /* the same in its subsidiary's */
};

struct company {
    struct writer *writer;
    struct prng prng;
    int64_t today;
    struct party customers[CUSTOMERS];
    struct party vendors[VENDORS];
    int64_t month_start[MONTHS]; /* ascending */
    int64_t month_period[MONTHS];
    int64_t next_id;  /* of a transaction */
    int64_t next_key; /* of a line */
    int counters[8];  /* document numbers by kind */
};

extern const struct currency company_currencies[CURRENCIES];
extern const int company_term_days[4];
extern const int company_home_currency[SUBSIDIARIES];

/* Price of item `item` (1..ITEMS) in hundredths of a euro. */
int64_t company_item_price(int item);

void company_write_lists(struct writer *writer);
void company_write_documents(struct company *company);

#endif
