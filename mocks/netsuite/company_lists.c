/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of the mock company: codes, currencies, subsidiaries, accounts, items. */
#include <stdio.h>
#include <string.h>

#include "mocks/netsuite/company_private.h"

const struct currency company_currencies[CURRENCIES] = {
    {"EUR", 2, 1000000}, {"USD", 2, 921500}, {"DKK", 2, 134080},
    {"GBP", 2, 1171200}, {"JPY", 0, 6120},
};
const int company_term_days[4] = {0, 14, 30, 60};
const int company_home_currency[SUBSIDIARIES] = {1, 3, 5};

static const struct {
    const char *name;
    const char *description;
    const char *type;
    int64_t price; /* hundredths of a euro */
} items[ITEMS] = {
    {"TG-11 Turbine blade", "Rotor blade, 11 m", "InvtPart", 1249900},
    {"TG-12 Turbine hub", "Hub for TG-11", "InvtPart", 845050},
    {"BX-100 Bearing", "Bearing ø 100 mm", "InvtPart", 12995},
    {"BX-200 Bearing", "Bearing ø 200 mm", "InvtPart", 24990},
    {"CBL-5 Cable 5 m", "Cable, 5 m, black", "InvtPart", 1749},
    {"CBL-50 Cable 50 m", "Cable, 50 m, drum", "InvtPart", 10910},
    {"SEN-T Sensor", "Temperature sensor -40 °C to 125 °C", "InvtPart", 5435},
    {"SEN-V Sensor", "Vibration sensor", "InvtPart", 8720},
    {"OIL-20 Gear oil", "Gear oil, 20 l", "InvtPart", 15899},
    {"PNT-W Paint", "Paint, white, 5 l", "InvtPart", 4425},
    {"Consulting", "Consulting, per hour", "Service", 14500},
    {"Installation", "Installation, per hour", "Service", 9850},
    {"Inspection", "Inspection on site", "Service", 68000},
    {"Training", "Training, per day", "Service", 120000},
    {"Remote support", "Remote support, per quarter hour", "Service", 2875},
    {"Monitoring licence", "Monitoring, per year", "NonInvtPart", 59900},
    {"Analytics licence", "Analytics, per year", "NonInvtPart", 89900},
    {"Mobile licence", "Mobile app, per user and year", "NonInvtPart", 3999},
    {"Spare part kit", "Kit of common parts", "Assembly", 33333},
    {"Freight", "Freight and insurance", "OthCharge", 7500},
};

static const struct {
    const char *number;
    const char *name;
    const char *type;
    int currency;
    bool inactive;
} accounts[] = {
    {"1000", "Bank EUR", "Bank", 1, false},
    {"1010", "Bank DKK", "Bank", 3, false},
    {"1020", "Bank JPY", "Bank", 5, false},
    {"1100", "Accounts Receivable", "AcctRec", 0, false},
    {"1200", "Inventory Asset", "OthCurrAsset", 0, false},
    {"1500", "Equipment", "FixedAsset", 0, false},
    {"2000", "Accounts Payable", "AcctPay", 0, false},
    {"2100", "Accrued Expenses", "OthCurrLiab", 0, false},
    {"2200", "Deferred Revenue", "DeferRevenue", 0, false},
    {"3000", "Share Capital", "Equity", 0, false},
    {"3900", "Retained Earnings", "Equity", 0, false},
    {"4000", "Sales", "Income", 0, false},
    {"4010", "Consulting Income", "Income", 0, false},
    {"4020", "Licence Income", "Income", 0, false},
    {"5000", "Cost of Goods Sold", "COGS", 0, false},
    {"6000", "Rent", "Expense", 0, false},
    {"6010", "Travel", "Expense", 0, false},
    {"6020", "Software Subscriptions", "Expense", 0, false},
    {"6030", "Marketing", "Expense", 0, false},
    {"6040", "Legal & Advisory", "Expense", 0, false},
    {"6050", "Office Supplies", "Expense", 0, false},
    {"6060", "Telephone", "Expense", 0, false},
    {"7000", "Interest Income", "OthIncome", 0, false},
    {"8000", "Interest Expense", "OthExpense", 0, false},
    {"9000", "Purchase Orders", "NonPosting", 0, false},
    {"9010", "Sales Orders", "NonPosting", 0, false},
    {"6099", "Sundry (old)", "Expense", 0, true},
};

/* scheme, id, name: what BUILTIN.DF shows for codes that are no records. */
static const char *const codes[][3] = {
    {"trantype", "CustInvc", "Invoice"},
    {"trantype", "VendBill", "Bill"},
    {"trantype", "CustPymt", "Payment"},
    {"trantype", "VendPymt", "Bill Payment"},
    {"trantype", "Journal", "Journal"},
    {"trantype", "PurchOrd", "Purchase Order"},
    {"trantype", "SalesOrd", "Sales Order"},
    {"approvalstatus", "1", "Pending Approval"},
    {"approvalstatus", "2", "Approved"},
    {"approvalstatus", "3", "Rejected"},
    {"accttype", "Bank", "Bank"},
    {"accttype", "AcctRec", "Accounts Receivable"},
    {"accttype", "OthCurrAsset", "Other Current Asset"},
    {"accttype", "FixedAsset", "Fixed Asset"},
    {"accttype", "AcctPay", "Accounts Payable"},
    {"accttype", "OthCurrLiab", "Other Current Liability"},
    {"accttype", "DeferRevenue", "Deferred Revenue"},
    {"accttype", "Equity", "Equity"},
    {"accttype", "Income", "Income"},
    {"accttype", "COGS", "Cost of Goods Sold"},
    {"accttype", "Expense", "Expense"},
    {"accttype", "OthIncome", "Other Income"},
    {"accttype", "OthExpense", "Other Expense"},
    {"accttype", "NonPosting", "Non Posting"},
};

/* type, letter, name; the full name is "<Type> : <name>". */
static const char *const statuses[][3] = {
    {"CustInvc", "A", "Open"},
    {"CustInvc", "B", "Paid In Full"},
    {"CustInvc", "D", "Pending Approval"},
    {"CustInvc", "E", "Rejected"},
    {"CustInvc", "V", "Voided"},
    {"VendBill", "A", "Open"},
    {"VendBill", "B", "Paid In Full"},
    {"VendBill", "C", "Cancelled"},
    {"VendBill", "D", "Pending Approval"},
    {"VendBill", "E", "Rejected"},
    {"CustPymt", "B", "Not Deposited"},
    {"CustPymt", "C", "Deposited"},
    {"CustPymt", "V", "Voided"},
    {"VendPymt", "D", "Pending Approval"},
    {"VendPymt", "F", "Approved"},
    {"VendPymt", "V", "Voided"},
    {"Journal", "A", "Pending Approval"},
    {"Journal", "B", "Approved for Posting"},
    {"Journal", "V", "Voided"},
    {"PurchOrd", "A", "Pending Supervisor Approval"},
    {"PurchOrd", "B", "Pending Receipt"},
    {"PurchOrd", "D", "Partially Received"},
    {"PurchOrd", "F", "Pending Bill"},
    {"PurchOrd", "G", "Fully Billed"},
    {"PurchOrd", "H", "Closed"},
    {"SalesOrd", "A", "Pending Approval"},
    {"SalesOrd", "B", "Pending Fulfillment"},
    {"SalesOrd", "C", "Cancelled"},
    {"SalesOrd", "D", "Partially Fulfilled"},
    {"SalesOrd", "F", "Pending Billing"},
    {"SalesOrd", "G", "Billed"},
    {"SalesOrd", "H", "Closed"},
};

int64_t company_item_price(int item)
{
    return items[item - 1].price;
}

static void write_codes(struct writer *writer)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct row row = row_begin(writer, "mock code");
        row_text(&row, "scheme", codes[i][0]);
        row_text(&row, "id", codes[i][1]);
        row_text(&row, "name", codes[i][2]);
        row_end(&row);
    }
    struct row row = row_begin(writer, "dual");
    row_text(&row, "dummy", "X");
    row_end(&row);
}

static const char *type_name(const char *type)
{
    size_t i = 0;
    while (strcmp(codes[i][1], type) != 0) {
        i++;
    }
    return codes[i][2];
}

static void write_statuses(struct writer *writer)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char full[80];
        snprintf(full, sizeof full, "%s : %s", type_name(statuses[i][0]),
                 statuses[i][2]);
        struct row row = row_begin(writer, "transactionstatus");
        row_text(&row, "trantype", statuses[i][0]);
        row_text(&row, "id", statuses[i][1]);
        row_text(&row, "name", statuses[i][2]);
        row_text(&row, "fullname", full);
        row_end(&row);
    }
}

static void write_currencies(struct writer *writer)
{
    for (int i = 0; i < CURRENCIES; i++) {
        const struct currency *currency = &company_currencies[i];
        struct row row = row_begin(writer, "currency");
        row_int(&row, "id", i + 1);
        row_text(&row, "name", currency->symbol);
        row_text(&row, "symbol", currency->symbol);
        row_decimal(&row, "exchangerate", currency->millionths, 6);
        row_bool(&row, "isbasecurrency", i == 0);
        row_int(&row, "currencyprecision", currency->decimals);
        row_end(&row);
    }
}

static void write_subsidiaries(struct writer *writer)
{
    static const char *const names[] = {"Nordlicht Holding GmbH", "Nordlys ApS",
                                        "ノースライト株式会社"};
    static const char *const countries[] = {"DE", "DK", "JP"};
    for (int i = 0; i < SUBSIDIARIES; i++) {
        char full[120];
        snprintf(full, sizeof full, "%s%s%s", i > 0 ? names[0] : "", i > 0 ? " : " : "",
                 names[i]);
        struct row row = row_begin(writer, "subsidiary");
        row_int(&row, "id", i + 1);
        row_text(&row, "name", names[i]);
        row_text(&row, "fullname", full);
        row_text(&row, "country", countries[i]);
        row_int(&row, "currency", company_home_currency[i]);
        if (i > 0) {
            row_int(&row, "parent", 1);
        }
        row_bool(&row, "iselimination", false);
        row_int(&row, "fiscalcalendar", 1);
        row_bool(&row, "isinactive", false);
        row_end(&row);
    }
}

static void write_named(struct writer *writer, const char *table,
                        const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        struct row row = row_begin(writer, table);
        row_int(&row, "id", i + 1);
        row_text(&row, "name", names[i]);
        row_text(&row, "fullname", names[i]);
        row_int(&row, "subsidiary", 1);
        row_bool(&row, "isinactive", false);
        row_end(&row);
    }
}

static void write_lists(struct writer *writer)
{
    static const char *const departments[] = {"Sales", "Operations", "Finance",
                                              "Research & Development"};
    static const char *const classes[] = {"Hardware", "Services", "Subscriptions"};
    static const char *const locations[] = {"Hamburg", "København", "東京"};
    static const char *const terms[] = {"Due on receipt", "Net 14", "Net 30", "Net 60"};
    write_named(writer, "department", departments, 4);
    write_named(writer, "classification", classes, 3);
    write_named(writer, "location", locations, 3);
    for (int i = 0; i < 4; i++) {
        struct row row = row_begin(writer, "term");
        row_int(&row, "id", i + 1);
        row_text(&row, "name", terms[i]);
        row_int(&row, "daysuntilnetdue", company_term_days[i]);
        row_end(&row);
    }
}

static void write_accounts(struct writer *writer)
{
    for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++) {
        char display[80];
        snprintf(display, sizeof display, "%s %s", accounts[i].number,
                 accounts[i].name);
        struct row row = row_begin(writer, "account");
        row_int(&row, "id", (int64_t)i + 1);
        row_text(&row, "acctnumber", accounts[i].number);
        row_text(&row, "fullname", accounts[i].name);
        row_text(&row, "accountsearchdisplayname", display);
        row_text(&row, "accountsearchdisplaynamecopy", accounts[i].name);
        row_text(&row, "accttype", accounts[i].type);
        if (accounts[i].currency > 0) {
            row_int(&row, "currency", accounts[i].currency);
        }
        row_text(&row, "generalrate", "CURRENT");
        row_bool(&row, "eliminate", false);
        row_bool(&row, "issummary", false);
        row_bool(&row, "isinactive", accounts[i].inactive);
        row_end(&row);
    }
}

static void write_items(struct writer *writer)
{
    for (int i = 0; i < ITEMS; i++) {
        bool stocked = strcmp(items[i].type, "InvtPart") == 0;
        struct row row = row_begin(writer, "item");
        row_int(&row, "id", i + 1);
        row_text(&row, "itemid", items[i].name);
        row_text(&row, "fullname", items[i].name);
        row_text(&row, "displayname", items[i].name);
        row_text(&row, "description", items[i].description);
        row_text(&row, "itemtype", items[i].type);
        row_text(&row, "subtype", stocked ? NULL : "Sale");
        row_decimal(&row, "cost", items[i].price * 6 / 10, 2);
        row_int(&row, "incomeaccount",
                ACCOUNT_INCOME + (i >= 15   ? 2
                                  : i >= 10 ? 1
                                            : 0));
        row_int(&row, "expenseaccount", 15);
        if (stocked) {
            row_decimal(&row, "averagecost", items[i].price * 62 / 100, 2);
            row_decimal(&row, "lastpurchaseprice", items[i].price * 61 / 100, 2);
            row_int(&row, "assetaccount", 5);
            row_decimal(&row, "totalquantityonhand", INT64_C(7) * (i + 3), 0);
        }
        row_bool(&row, "isinactive", i == ITEMS - 2);
        row_end(&row);
    }
}

void company_write_lists(struct writer *writer)
{
    write_codes(writer);
    write_statuses(writer);
    write_currencies(writer);
    write_subsidiaries(writer);
    write_lists(writer);
    write_accounts(writer);
    write_items(writer);
}
