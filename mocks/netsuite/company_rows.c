/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transaction of the mock company as NetSuite's rows. Amounts are whole minor units (cents;
 * yen) until they are written, so every document adds up exactly. Signs are NetSuite's:
 * foreigntotal and the main line of what we owe (orders to vendors, bills, their
 * payments) are negative, foreignamountunpaid is never; item lines of sales carry
 * negative quantities and amounts.
 */
#include <stdio.h>

#include "base/require.h"
#include "mocks/netsuite/company_documents_private.h"
#include "mocks/netsuite/dates.h"
#include "mocks/netsuite/decimal.h"

#define RATE_DECIMALS 8

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

bool company_is_sale(enum kind kind)
{
    return kinds[kind].sale;
}

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

int64_t company_to_home(const struct document *document, int64_t minor)
{
    int home = company_home_currency[document->subsidiary - 1];
    int shift = RATE_DECIMALS + decimals_of(document->currency) - decimals_of(home);
    struct decimal value = {(decimal_int)minor * rate_of(document), shift};
    struct decimal rounded = {0, 0};
    REQUIRE(decimal_round(value, 0, DECIMAL_HALF_UP, &rounded));
    return (int64_t)rounded.coefficient;
}

int64_t company_minor_price(int currency, int64_t euro_cents)
{
    const struct currency *c = &company_currencies[currency - 1];
    return (int64_t)((decimal_int)euro_cents * 1000000 * power(c->decimals) /
                     ((decimal_int)c->millionths * 100));
}

struct decimal company_price(int64_t item, int currency)
{
    int64_t minor = company_minor_price(currency, company_item_price((int)item));
    return (struct decimal){minor, decimals_of(currency)};
}

struct decimal company_exchange_rate(int currency, int subsidiary)
{
    struct document document = {.currency = currency, .subsidiary = subsidiary};
    return (struct decimal){rate_of(&document), RATE_DECIMALS};
}

/* ---- rows ---- */

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
    row_decimal(&row, "netamount", company_to_home(document, minor), home);
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
        row_decimal(&row, "amountpaid", company_to_home(document, document->paid),
                    home);
        row_decimal(&row, "amountunpaid",
                    company_to_home(document, document->total - document->paid), home);
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
                          company_to_home(document, minor));
            base_total += company_to_home(document, minor);
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

void company_write_document(struct company *company, struct document *document)
{
    document->id = company->next_id++;
    write_header(company, document);
    write_lines(company, document);
}

void company_write_link(struct company *company, const struct document *previous,
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

void company_write_journal(struct company *company, const struct document *journal,
                           int sign)
{
    write_header(company, journal);
    for (int i = 0; i < 2; i++) {
        int64_t minor = i == 0 ? sign * journal->total : -sign * journal->total;
        write_line(company, journal, i + 1, minor);
        write_posting(company, journal, i + 1, journal->lines[i].account,
                      company_to_home(journal, minor));
    }
}
