/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which transactions the mock company has: drawn from its seed, in shares that leave something
 * for every filter. company_rows.c makes rows of them.
 */
#include "mocks/netsuite/company_documents_private.h"
#include "mocks/netsuite/dates.h"

#define HISTORY_DAYS 540
#define SALES_ORDERS 130
#define PURCHASE_ORDERS 120
#define INVOICES 340
#define BILLS 240
#define JOURNALS 80

static const char *const memos[] = {NULL,
                                    NULL,
                                    NULL,
                                    "Leveret som aftalt",
                                    "Prüfung ausstehend – Größe M",
                                    "ご確認ください",
                                    "Customer's reference: \"A-17\"",
                                    "50% now; 50% later",
                                    "Thank you 🙏",
                                    "C:\\invoices\\2026",
                                    "See O'Brien's mail",
                                    "Line one, line two"};

static const char *pick_memo(struct company *company)
{
    return memos[prng_below(&company->prng, (int64_t)(sizeof memos / sizeof *memos))];
}

static struct document start(struct company *company, enum kind kind,
                             struct party *party)
{
    struct document document = {.kind = kind,
                                .party = party,
                                .currency = party->currency,
                                .subsidiary = party->subsidiary,
                                .term = party->term,
                                .posting = true,
                                .memo = pick_memo(company)};
    document.day = company->today - prng_below(&company->prng, HISTORY_DAYS);
    return document;
}

static void add_item(struct company *company, struct document *document)
{
    struct line *line = &document->lines[document->line_count++];
    bool sale = company_is_sale(document->kind);
    line->item = (int)prng_between(&company->prng, 1, ITEMS);
    int64_t units = prng_between(&company->prng, 1, 12);
    /* Every tenth quantity has a fraction: hours, days. */
    line->hundredths = units * 100 + (prng_percent(&company->prng, 10) ? 25 : 0);
    int64_t price = company_item_price(line->item) * (sale ? 100 : 60) / 100;
    line->rate_minor = company_minor_price(document->currency, price);
    line->minor = (line->hundredths * line->rate_minor + 50) / 100;
    line->account = sale ? ACCOUNT_INCOME + (line->item > 15   ? 2
                                             : line->item > 10 ? 1
                                                               : 0)
                         : 15;
    line->department = (int)prng_between(&company->prng, 1, 4);
    document->total += line->minor;
}

static void add_expense(struct company *company, struct document *document)
{
    struct line *line = &document->lines[document->line_count++];
    line->account = ACCOUNT_EXPENSE + (int)prng_below(&company->prng, 7);
    line->minor = company_minor_price(document->currency,
                                      prng_between(&company->prng, 1999, 480000));
    line->department = (int)prng_between(&company->prng, 1, 4);
    document->total += line->minor;
}

/* An item beside the expenses: the last one of the list, once. */
static void add_freight(struct document *document)
{
    struct line *line = &document->lines[document->line_count++];
    line->item = ITEMS;
    line->hundredths = 100;
    line->rate_minor =
        company_minor_price(document->currency, company_item_price(ITEMS));
    line->minor = line->rate_minor;
    line->account = 15;
    line->department = 2;
    document->total += line->minor;
}

static void add_lines(struct company *company, struct document *document, bool expenses)
{
    int count = (int)prng_between(&company->prng, 1, COMPANY_LINES - 1);
    for (int i = 0; i < count; i++) {
        if (expenses) {
            add_expense(company, document);
        } else {
            add_item(company, document);
        }
    }
}

static void void_document(struct document *document)
{
    document->voided = true;
    document->status = document->kind == INVOICE ? 'V' : 'C';
    document->total = 0;
    document->paid = 0;
    document->paid_day = document->day;
    document->memo = "VOID";
    for (int i = 0; i < document->line_count; i++) {
        document->lines[i].minor = 0;
        document->lines[i].rate_minor = 0;
    }
}

/* Open, partly paid, paid, pending, voided: in shares that leave something for every
 * filter. */
static void decide_state(struct company *company, struct document *document)
{
    int roll = (int)prng_below(&company->prng, 100);
    int64_t age = company->today - document->day;
    document->due = document->day + company_term_days[document->term - 1];
    document->status = 'A';
    document->approval = 2;
    if (roll < 10 && age < 270) {
        document->status = 'D';
        document->approval = 1;
        document->posting = false;
    } else if (roll < 14) {
        void_document(document);
    } else if (roll < 64 && age > 20) {
        document->status = 'B';
        document->paid = document->total;
    } else if (roll < 74 && age > 20) {
        document->paid = document->total * 2 / 5;
    }
    if (document->paid > 0) {
        document->paid_day = document->day + prng_between(&company->prng, 5, 20);
    }
}

static void write_payment(struct company *company, const struct document *document)
{
    struct document payment = {
        .kind = document->kind == INVOICE ? PAYMENT : BILL_PAYMENT,
        .party = document->party,
        .currency = document->currency,
        .subsidiary = document->subsidiary,
        .term = document->term,
        .day = document->paid_day,
        .posting = true,
        .total = document->paid,
        .line_count = 1,
    };
    payment.status = payment.kind == PAYMENT ? 'C' : 'F';
    payment.approval = payment.kind == PAYMENT ? 0 : 2;
    payment.lines[0] = (struct line){
        .account = payment.kind == PAYMENT ? ACCOUNT_RECEIVABLE : ACCOUNT_PAYABLE,
        .minor = document->paid,
        .department = 3};
    company_write_document(company, &payment);
    company_write_link(company, document, &payment, "Payment", document->paid);
}

static void finish_document(struct company *company, struct document *document)
{
    decide_state(company, document);
    company_write_document(company, document);
    if (document->paid > 0) {
        write_payment(company, document);
    }
    if (document->kind == BILL && document->posting) {
        int64_t open = document->total - document->paid;
        document->party->open_minor += open;
        document->party->open_base_minor += company_to_home(document, open);
    }
}

static struct party *pick_party(struct company *company, bool sale)
{
    return sale ? &company->customers[prng_below(&company->prng, CUSTOMERS)]
                : &company->vendors[prng_below(&company->prng, VENDORS)];
}

/* An order that is billed is followed by its invoice or bill. */
static void write_order(struct company *company, enum kind kind)
{
    static const char sales_letters[] = "ABBDFHC";
    static const char purchase_letters[] = "ABBDFHH";
    bool sale = company_is_sale(kind);
    struct document order = start(company, kind, pick_party(company, sale));
    add_lines(company, &order, false);
    order.posting = false;
    bool billed = prng_percent(&company->prng, 40);
    int64_t letter = prng_below(&company->prng, (int64_t)sizeof sales_letters - 1);
    order.status = billed ? 'G'
                   : sale ? sales_letters[letter]
                          : purchase_letters[letter];
    order.approval = sale ? 0 : order.status == 'A' ? 1 : 2;
    company_write_document(company, &order);
    if (!billed) {
        return;
    }
    struct document next = order;
    next.kind = sale ? INVOICE : BILL;
    next.created_from = order.id;
    next.posting = true;
    int64_t days = prng_between(&company->prng, 1, 15);
    next.day = order.day + days < company->today ? order.day + days : company->today;
    finish_document(company, &next);
    company_write_link(company, &order, &next, "OrdBill", order.total);
}

/* Every eighth of those that count is taken back on the first of the next month. */
static void write_reversal(struct company *company, const struct document *journal)
{
    struct civil civil = dates_civil(journal->day);
    struct document back = *journal;

    civil.day = 1;
    back.id = journal->reversal;
    back.reversal = journal->id;
    back.is_reversal = true;
    back.day = dates_add_months(dates_day(civil), 1);
    back.memo = "Accrual taken back";
    company_write_journal(company, &back, -1);
}

/* A journal: one debit line and one credit line; the header counts as a line of zero.
 * Every fourth one names a vendor on its credit line. */
static void write_journal(struct company *company, int number)
{
    int subsidiary = (int)prng_between(&company->prng, 1, SUBSIDIARIES);
    struct document journal = {.kind = JOURNAL,
                               .subsidiary = subsidiary,
                               .currency = company_home_currency[subsidiary - 1],
                               .memo = "Accrual",
                               .status = 'B',
                               .approval = 2,
                               .posting = true};
    journal.day = company->today - prng_below(&company->prng, HISTORY_DAYS);
    if (prng_percent(&company->prng, 10)) {
        journal.status = 'A';
        journal.approval = 1;
        journal.posting = false;
    }
    journal.id = company->next_id++;
    journal.total = company_minor_price(journal.currency,
                                        prng_between(&company->prng, 10000, 900000));
    journal.lines[0].account = ACCOUNT_EXPENSE + (int)prng_below(&company->prng, 7);
    journal.lines[1].account = ACCOUNT_ACCRUED;
    journal.lines[0].department = journal.lines[1].department = 3;
    journal.lines[0].memo = "Cost of the month";
    journal.lines[1].party = number % 4 == 0 ? FIRST_VENDOR + number % VENDORS : 0;
    bool reversed =
        number % 8 == 0 && journal.posting && journal.day < company->today - 31;
    journal.reversal = reversed ? company->next_id++ : 0;
    company_write_journal(company, &journal, 1);
    if (reversed) {
        write_reversal(company, &journal);
    }
}

void company_write_documents(struct company *company)
{
    for (int i = 0; i < SALES_ORDERS; i++) {
        write_order(company, SALES_ORDER);
    }
    for (int i = 0; i < PURCHASE_ORDERS; i++) {
        write_order(company, PURCHASE_ORDER);
    }
    for (int i = 0; i < INVOICES; i++) {
        struct document invoice = start(company, INVOICE, pick_party(company, true));
        add_lines(company, &invoice, false);
        finish_document(company, &invoice);
    }
    for (int i = 0; i < BILLS; i++) {
        struct document bill = start(company, BILL, pick_party(company, false));
        add_lines(company, &bill, prng_percent(&company->prng, 70));
        if (i % 6 == 0) {
            add_freight(&bill);
        }
        finish_document(company, &bill);
    }
    for (int i = 0; i < JOURNALS; i++) {
        write_journal(company, i);
    }
}
