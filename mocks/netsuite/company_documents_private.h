/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what company_documents.c (which transactions there are) and company_rows.c (how one is
 * written) share.
 * Owns: nothing.  Threads: any.  Errors: none.
 * Start reading at: struct document. Nobody else includes this.
 */
#ifndef SLUICE_MOCKS_NETSUITE_COMPANY_DOCUMENTS_PRIVATE_H
#define SLUICE_MOCKS_NETSUITE_COMPANY_DOCUMENTS_PRIVATE_H

#include "mocks/netsuite/company_private.h"

#define COMPANY_LINES 5

enum kind {
    INVOICE,
    BILL,
    PAYMENT,
    BILL_PAYMENT,
    JOURNAL,
    PURCHASE_ORDER,
    SALES_ORDER
};

struct line {
    int item;           /* 0: none */
    int account;        /* of the other side */
    int64_t hundredths; /* quantity */
    int64_t rate_minor;
    int64_t minor; /* amount, not signed */
    int department;
    int64_t party;    /* of a journal's line; 0: none */
    const char *memo; /* NULL: none */
};

struct document {
    enum kind kind;
    int64_t id;
    struct party *party; /* NULL: journal */
    int currency, subsidiary, term;
    int64_t day, due;
    char status;
    int approval; /* 0: none */
    bool posting, voided;
    int64_t total, paid; /* minor */
    int64_t paid_day;
    struct line lines[COMPANY_LINES];
    int line_count;
    int64_t created_from;
    int64_t reversal; /* the other entry of a reversed pair; 0: none */
    bool is_reversal; /* the later one */
    const char *memo;
};

/* Whether it is between us and a customer. */
bool company_is_sale(enum kind kind);
/* Hundredths of a euro to minor units of `currency`. */
int64_t company_minor_price(int currency, int64_t euro_cents);
/* The document's minor units to the subsidiary's, rounded half up. */
int64_t company_to_home(const struct document *document, int64_t minor);

/* Gives the document its id. */
void company_write_document(struct company *company, struct document *document);
/* Two lines, under the id it has; `sign` -1: debit and credit change places. */
void company_write_journal(struct company *company, const struct document *journal,
                           int sign);
/* `next` follows from `previous`. */
void company_write_link(struct company *company, const struct document *previous,
                        const struct document *next, const char *type, int64_t minor);

#endif
