/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transactions of the mock company. Amounts are whole minor units (cents; yen)
 * until they are written, so every document adds up exactly. Signs are NetSuite's:
 * foreigntotal and the main line of what we owe (orders to vendors, bills, their
 * payments) are negative, foreignamountunpaid is never; item lines of sales carry
 * negative quantities and amounts.
 */
#include <stdio.h>
#include <string.h>

#include "base/require.h"
#include "mocks/netsuite/company_private.h"
#include "mocks/netsuite/dates.h"
#include "mocks/netsuite/decimal.h"

#define MAX_LINES 5
#define HISTORY_DAYS 540
#define RATE_DECIMALS 8
#define SALES_ORDERS 130
#define PURCHASE_ORDERS 120
#define INVOICES 340
#define BILLS 240
#define JOURNALS 80

enum kind {
    INVOICE,
    BILL,
    PAYMENT,
    BILL_PAYMENT,
    JOURNAL,
    PURCHASE_ORDER,
    SALES_ORDER
};

static const struct kind_name {
    const char *type, *record, *abbreviation, *number, *prefix;
    int sign; /* of foreigntotal */
    bool sale;
} kinds[] = {
    [INVOICE] = {"CustInvc", "invoice", "INV", "CUSTINVC", "INV-", 1, true},
    [BILL] = {"VendBill", "vendorbill", "BILL", "VENDBILL", "RE-", -1, false},
    [PAYMENT] = {"CustPymt", "customerpayment", "PYMT", "CUSTPYMT", "PAY-", 1, true},
    [BILL_PAYMENT] = {"VendPymt", "vendorpayment", "BILLPMT", "VENDPYMT", "BP-", -1,
                      false},
    [JOURNAL] = {"Journal", "journalentry", "GENJRNL", "JOURNAL", "JE-", 1, false},
    [PURCHASE_ORDER] = {"PurchOrd", "purchaseorder", "PURCHORD", "PURCHORD", "PO-", -1,
                        false},
    [SALES_ORDER] = {"SalesOrd", "salesorder", "SALESORD", "SALESORD", "SO-", 1, true},
};

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
    struct line lines[MAX_LINES];
    int line_count;
    int64_t created_from;
    int64_t reversal; /* the other entry of a reversed pair; 0: none */
    bool is_reversal; /* the later one */
    const char *memo;
};

/* ---- money ---- */

static int decimals_of(int currency)
{
    return company_currencies[currency - 1].decimals;
}

static int64_t power(int exponent)
{
    int64_t value = 1;
    for (int i = 0; i < exponent; i++) {
        value *= 10;
    }
    return value;
}

/* Home currency units for one unit of the document's, times 10^8. */
static int64_t rate_of(const struct document *document)
{
    int home = company_home_currency[document->subsidiary - 1];
    decimal_int from = company_currencies[document->currency - 1].millionths;
    return (int64_t)(from * power(RATE_DECIMALS) /
                     company_currencies[home - 1].millionths);
}

/* The document's minor units to the subsidiary's, rounded half up. */
static int64_t to_home(const struct document *document, int64_t minor)
{
    int home = company_home_currency[document->subsidiary - 1];
    int shift = RATE_DECIMALS + decimals_of(document->currency) - decimals_of(home);
    struct decimal value = {(decimal_int)minor * rate_of(document), shift};
    struct decimal rounded = {0, 0};
    REQUIRE(decimal_round(value, 0, DECIMAL_HALF_UP, &rounded));
    return (int64_t)rounded.coefficient;
}

/* Hundredths of a euro to minor units of `currency`. */
static int64_t price_in(int currency, int64_t euro_cents)
{
    const struct currency *c = &company_currencies[currency - 1];
    return (int64_t)((decimal_int)euro_cents * 1000000 * power(c->decimals) /
                     ((decimal_int)c->millionths * 100));
}

struct decimal company_price(int64_t item, int currency)
{
    int64_t minor = price_in(currency, company_item_price((int)item));
    return (struct decimal){minor, decimals_of(currency)};
}

struct decimal company_exchange_rate(int currency, int subsidiary)
{
    struct document document = {.currency = currency, .subsidiary = subsidiary};
    return (struct decimal){rate_of(&document), RATE_DECIMALS};
}

/* ---- writing one document ---- */

static int64_t period_of(const struct company *company, int64_t day)
{
    int month = MONTHS - 1;
    while (month > 0 && company->month_start[month] > day) {
        month--;
    }
    return company->month_period[month];
}

static void write_line(struct company *company, const struct document *document,
                       int number, int64_t minor)
{
    const struct line *line = number > 0 ? &document->lines[number - 1] : NULL;
    int decimals = decimals_of(document->currency);
    int home = decimals_of(company_home_currency[document->subsidiary - 1]);
    struct row row = row_begin(company->writer, "transactionline");
    row_int(&row, "id", number);
    row_int(&row, "transaction", document->id);
    row_int(&row, "linesequencenumber", number);
    row_int(&row, "uniquekey", company->next_key++);
    row_bool(&row, "mainline", line == NULL);
    row_bool(&row, "taxline", false);
    row_bool(&row, "iscogs", false);
    row_bool(&row, "cleared", false);
    row_bool(&row, "eliminate", false);
    row_bool(&row, "isbillable", false);
    if (document->party != NULL) {
        row_int(&row, "entity", document->party->id);
    } else if (line != NULL && line->party > 0) {
        row_int(&row, "entity", line->party);
    }
    row_int(&row, "subsidiary", document->subsidiary);
    row_decimal(&row, "foreignamount", minor, decimals);
    row_decimal(&row, "netamount", to_home(document, minor), home);
    row_text(&row, "memo", line == NULL ? document->memo : line->memo);
    if (line != NULL) {
        row_int(&row, "department", line->department);
    }
    if (line != NULL && line->item > 0) {
        int sign = kinds[document->kind].sale ? -1 : 1;
        row_int(&row, "item", line->item);
        row_int(&row, "class", line->item > 15 ? 3 : line->item > 10 ? 2 : 1);
        row_int(&row, "location", document->subsidiary);
        row_decimal(&row, "quantity", sign * line->hundredths, 2);
        row_decimal(&row, "rate", line->rate_minor, decimals);
    } else if (line != NULL) {
        row_int(&row, "expenseaccount", line->account); /* for a journal: its account */
    }
    if (line != NULL && document->created_from > 0) {
        row_int(&row, "createdfrom", document->created_from);
    }
    row_end(&row);
}

static void write_posting(struct company *company, const struct document *document,
                          int number, int account, int64_t base_minor)
{
    int home = decimals_of(company_home_currency[document->subsidiary - 1]);
    struct row row = row_begin(company->writer, "transactionaccountingline");
    row_int(&row, "transaction", document->id);
    row_int(&row, "transactionline", number);
    row_int(&row, "accountingbook", 1);
    row_int(&row, "account", account);
    row_bool(&row, "posting", document->posting);
    row_decimal(&row, "amount", base_minor, home);
    row_decimal(&row, "netamount", base_minor, home);
    if (base_minor >= 0) {
        row_decimal(&row, "debit", base_minor, home);
    } else {
        row_decimal(&row, "credit", -base_minor, home);
    }
    if (number == 0 && (document->kind == INVOICE || document->kind == BILL)) {
        row_decimal(&row, "amountpaid", to_home(document, document->paid), home);
        row_decimal(&row, "amountunpaid",
                    to_home(document, document->total - document->paid), home);
    }
    row_decimal(&row, "exchangerate", rate_of(document), RATE_DECIMALS);
    row_end(&row);
}

static int main_account(const struct document *document)
{
    if (document->kind == INVOICE) {
        return ACCOUNT_RECEIVABLE;
    }
    if (document->kind == BILL) {
        return ACCOUNT_PAYABLE;
    }
    return ACCOUNT_BANK + document->subsidiary - 1;
}

static bool is_order(const struct document *document)
{
    return document->kind == PURCHASE_ORDER || document->kind == SALES_ORDER;
}

/* The main line is the negative of the others' sum, in both currencies: no rounding is
 * left. */
static void write_lines(struct company *company, const struct document *document)
{
    int sign = -kinds[document->kind].sign;
    int64_t base_total = 0;
    write_line(company, document, 0, -sign * document->total);
    for (int i = 0; i < document->line_count; i++) {
        const struct line *line = &document->lines[i];
        int64_t minor = sign * line->minor;
        write_line(company, document, i + 1, minor);
        if (!is_order(document)) {
            write_posting(company, document, i + 1, line->account,
                          to_home(document, minor));
            base_total += to_home(document, minor);
        }
    }
    if (!is_order(document)) {
        write_posting(company, document, 0, main_account(document), -base_total);
    }
}

static void write_numbers(struct company *company, const struct document *document,
                          struct row *row)
{
    char text[64];
    const struct kind_name *kind = &kinds[document->kind];
    int number = ++company->counters[document->kind];
    if (document->kind == BILL) {
        int year = dates_civil(document->day).year;
        /* Every fortieth bill repeats the number before it: something to find. */
        snprintf(text, sizeof text, "RE-%d-%04d", year,
                 number % 40 == 0 ? number - 1 : number);
    } else {
        snprintf(text, sizeof text, "%s%d", kind->prefix, 1000 + number);
    }
    row_text(row, "tranid", text);
    snprintf(text, sizeof text, "%s%d", kind->number, number);
    row_text(row, "transactionnumber", text);
    snprintf(text, sizeof text, "ext-%s-%d", kind->record, number);
    row_text(row, "externalid", number % 4 == 0 ? text : NULL);
    snprintf(text, sizeof text, "REF/%d", 7000 + number * 3);
    row_text(row, "otherrefnum", number % 3 == 0 && kind->sale ? text : NULL);
}

static void write_open_amounts(const struct company *company,
                               const struct document *document, struct row *row)
{
    int decimals = decimals_of(document->currency);
    bool open = document->total > document->paid;
    row_decimal(row, "foreignamountpaid", document->paid, decimals);
    row_decimal(row, "foreignamountunpaid", document->total - document->paid, decimals);
    row_date(row, "duedate", document->due);
    int64_t end = open ? company->today : document->paid_day;
    row_int(row, "daysopen", end > document->day ? end - document->day : 0);
    row_int(row, "daysoverduesearch",
            open && end > document->due ? end - document->due : 0);
    if (!open && !document->voided) {
        row_date(row, "closedate", document->paid_day);
    }
}

static void write_header(struct company *company, const struct document *document)
{
    const struct kind_name *kind = &kinds[document->kind];
    char status[2] = {document->status, '\0'};
    int clerk = FIRST_EMPLOYEE + (int)(document->id % EMPLOYEES);
    struct row row = row_begin(company->writer, "transaction");
    row_int(&row, "id", document->id);
    row_text(&row, "type", kind->type);
    row_text(&row, "recordtype", kind->record);
    row_text(&row, "abbrevtype", kind->abbreviation);
    row_date(&row, "trandate", document->day);
    row_text(&row, "status", status);
    if (document->approval > 0) {
        row_int(&row, "approvalstatus", document->approval);
    }
    if (document->approval == 1) {
        row_int(&row, "nextapprover", FIRST_EMPLOYEE + 8);
    }
    row_bool(&row, "posting", document->posting);
    row_int(&row, "postingperiod", period_of(company, document->day));
    row_bool(&row, "voided", document->voided);
    row_bool(&row, "void", document->voided);
    row_bool(&row, "isreversal", document->is_reversal);
    if (document->reversal > 0) {
        row_int(&row, "reversal", document->reversal);
    }
    if (document->party != NULL) {
        row_int(&row, "entity", document->party->id);
    }
    row_int(&row, "currency", document->currency);
    row_decimal(&row, "exchangerate", rate_of(document), RATE_DECIMALS);
    row_decimal(&row, "foreigntotal", kind->sign * document->total,
                decimals_of(document->currency));
    if (document->kind == INVOICE || document->kind == BILL) {
        write_open_amounts(company, document, &row);
        row_int(&row, "terms", document->term);
    }
    row_text(&row, "memo", document->memo);
    write_numbers(company, document, &row);
    row_int(&row, "createdby", clerk);
    row_time(&row, "createddate", document->day,
             28800 + (int)(document->id % 500) * 60 + 7);
    row_int(&row, "lastmodifiedby", clerk);
    int64_t modified = document->paid > 0 ? document->paid_day : document->day;
    row_time(&row, "lastmodifieddate", modified,
             32400 + (int)(document->id % 480) * 60 + 1);
    row_end(&row);
}

static void write_document(struct company *company, struct document *document)
{
    document->id = company->next_id++;
    write_header(company, document);
    write_lines(company, document);
}

static void write_link(struct company *company, const struct document *previous,
                       const struct document *next, const char *type, int64_t minor)
{
    struct row row = row_begin(company->writer, "nexttransactionlinelink");
    row_int(&row, "previousdoc", previous->id);
    row_int(&row, "previousline", 0);
    row_text(&row, "previoustype", kinds[previous->kind].type);
    row_int(&row, "nextdoc", next->id);
    row_int(&row, "nextline", 0);
    row_text(&row, "nexttype", kinds[next->kind].type);
    row_text(&row, "linktype", type);
    row_decimal(&row, "foreignamount", minor, decimals_of(previous->currency));
    row_end(&row);
}

/* ---- making documents ---- */

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
    bool sale = kinds[document->kind].sale;
    line->item = (int)prng_between(&company->prng, 1, ITEMS);
    int64_t units = prng_between(&company->prng, 1, 12);
    /* Every tenth quantity has a fraction: hours, days. */
    line->hundredths = units * 100 + (prng_percent(&company->prng, 10) ? 25 : 0);
    int64_t price = company_item_price(line->item) * (sale ? 100 : 60) / 100;
    line->rate_minor = price_in(document->currency, price);
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
    line->minor =
        price_in(document->currency, prng_between(&company->prng, 1999, 480000));
    line->department = (int)prng_between(&company->prng, 1, 4);
    document->total += line->minor;
}

/* An item beside the expenses: the last one of the list, once. */
static void add_freight(struct document *document)
{
    struct line *line = &document->lines[document->line_count++];
    line->item = ITEMS;
    line->hundredths = 100;
    line->rate_minor = price_in(document->currency, company_item_price(ITEMS));
    line->minor = line->rate_minor;
    line->account = 15;
    line->department = 2;
    document->total += line->minor;
}

static void add_lines(struct company *company, struct document *document, bool expenses)
{
    int count = (int)prng_between(&company->prng, 1, MAX_LINES - 1);
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
    write_document(company, &payment);
    write_link(company, document, &payment, "Payment", document->paid);
}

static void finish_document(struct company *company, struct document *document)
{
    decide_state(company, document);
    write_document(company, document);
    if (document->paid > 0) {
        write_payment(company, document);
    }
    if (document->kind == BILL && document->posting) {
        int64_t open = document->total - document->paid;
        document->party->open_minor += open;
        document->party->open_base_minor += to_home(document, open);
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
    bool sale = kinds[kind].sale;
    struct document order = start(company, kind, pick_party(company, sale));
    add_lines(company, &order, false);
    order.posting = false;
    bool billed = prng_percent(&company->prng, 40);
    int64_t letter = prng_below(&company->prng, (int64_t)sizeof sales_letters - 1);
    order.status = billed ? 'G'
                   : sale ? sales_letters[letter]
                          : purchase_letters[letter];
    order.approval = sale ? 0 : order.status == 'A' ? 1 : 2;
    write_document(company, &order);
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
    write_link(company, &order, &next, "OrdBill", order.total);
}

static void write_journal_lines(struct company *company, const struct document *journal,
                                int sign)
{
    write_header(company, journal);
    for (int i = 0; i < 2; i++) {
        int64_t minor = i == 0 ? sign * journal->total : -sign * journal->total;
        write_line(company, journal, i + 1, minor);
        write_posting(company, journal, i + 1, journal->lines[i].account,
                      to_home(journal, minor));
    }
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
    write_journal_lines(company, &back, -1);
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
    journal.total =
        price_in(journal.currency, prng_between(&company->prng, 10000, 900000));
    journal.lines[0].account = ACCOUNT_EXPENSE + (int)prng_below(&company->prng, 7);
    journal.lines[1].account = ACCOUNT_ACCRUED;
    journal.lines[0].department = journal.lines[1].department = 3;
    journal.lines[0].memo = "Cost of the month";
    journal.lines[1].party = number % 4 == 0 ? FIRST_VENDOR + number % VENDORS : 0;
    bool reversed =
        number % 8 == 0 && journal.posting && journal.day < company->today - 31;
    journal.reversal = reversed ? company->next_id++ : 0;
    write_journal_lines(company, &journal, 1);
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
