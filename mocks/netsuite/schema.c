/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the mock company. */
#include "mocks/netsuite/schema.h"

#define TEXT(name)             \
    {                          \
#name, TYPE_TEXT, NULL \
    }
#define BOOL(name)                  \
    {                               \
#name, TYPE_BOOL, "boolean" \
    }
#define INT(name)             \
    {                         \
#name, TYPE_INT, NULL \
    }
#define DEC(name)                 \
    {                             \
#name, TYPE_DECIMAL, NULL \
    }
#define DATE(name)             \
    {                          \
#name, TYPE_DATE, NULL \
    }
#define TIME(name)             \
    {                          \
#name, TYPE_TIME, NULL \
    }
#define REF(name, display)       \
    {                            \
#name, TYPE_INT, display \
    }
#define CODE(name, display)       \
    {                             \
#name, TYPE_TEXT, display \
    }

static const struct schema_column transaction[] = {
    INT(id),
    TEXT(tranid),
    TEXT(transactionnumber),
    CODE(type, "trantype"),
    TEXT(recordtype),
    TEXT(abbrevtype),
    DATE(trandate),
    DATE(duedate),
    DATE(closedate),
    CODE(status, "status"),
    REF(approvalstatus, "approvalstatus"),
    BOOL(posting),
    REF(postingperiod, "accountingperiod"),
    BOOL(voided),
    BOOL(void),
    REF(reversal, "transaction"),
    BOOL(isreversal),
    REF(entity, "entity"),
    REF(currency, "currency"),
    DEC(exchangerate),
    DEC(foreigntotal),
    DEC(foreignamountpaid),
    DEC(foreignamountunpaid),
    INT(daysopen),
    INT(daysoverduesearch),
    REF(terms, "term"),
    TEXT(memo),
    TEXT(otherrefnum),
    TEXT(externalid),
    REF(nextapprover, "employee"),
    REF(createdby, "employee"),
    TIME(createddate),
    REF(lastmodifiedby, "employee"),
    TIME(lastmodifieddate),
};

static const struct schema_column transactionline[] = {
    INT(id),
    REF(transaction, "transaction"),
    INT(linesequencenumber),
    INT(uniquekey),
    BOOL(mainline),
    BOOL(taxline),
    BOOL(iscogs),
    REF(item, "item"),
    REF(expenseaccount, "account"),
    REF(entity, "entity"),
    TEXT(memo),
    REF(subsidiary, "subsidiary"),
    REF(department, "department"),
    REF(class, "classification"),
    REF(location, "location"),
    DEC(quantity),
    DEC(rate),
    DEC(netamount),
    DEC(foreignamount),
    REF(createdfrom, "transaction"),
    BOOL(cleared),
    BOOL(eliminate),
    BOOL(isbillable),
};

static const struct schema_column transactionaccountingline[] = {
    REF(transaction, "transaction"),
    INT(transactionline),
    INT(accountingbook),
    REF(account, "account"),
    BOOL(posting),
    DEC(amount),
    DEC(debit),
    DEC(credit),
    DEC(netamount),
    DEC(amountpaid),
    DEC(amountunpaid),
    DEC(amountlinked),
    DEC(exchangerate),
};

static const struct schema_column transactionlinelink[] = {
    REF(previousdoc, "transaction"),
    INT(previousline),
    CODE(previoustype, "trantype"),
    REF(nextdoc, "transaction"),
    INT(nextline),
    CODE(nexttype, "trantype"),
    TEXT(linktype),
    DEC(foreignamount),
};

static const struct schema_column transactionstatus[] = {
    TEXT(id),
    CODE(trantype, "trantype"),
    TEXT(name),
    TEXT(fullname),
};

static const struct schema_column customer[] = {
    INT(id),
    TEXT(entityid),
    TEXT(altname),
    TEXT(companyname),
    TEXT(firstname),
    TEXT(lastname),
    BOOL(isperson),
    TEXT(email),
    TEXT(phone),
    REF(parent, "entity"),
    REF(currency, "currency"),
    REF(terms, "term"),
    REF(receivablesaccount, "account"),
    INT(defaultbillingaddress),
    TEXT(externalid),
    BOOL(isinactive),
};

static const struct schema_column vendor[] = {
    INT(id),
    TEXT(entityid),
    TEXT(companyname),
    TEXT(legalname),
    TEXT(email),
    TEXT(phone),
    REF(currency, "currency"),
    REF(terms, "term"),
    DEC(balance),
    DEC(balanceprimary),
    DEC(unbilledorders),
    INT(category),
    DEC(creditlimit),
    REF(expenseaccount, "account"),
    REF(payablesaccount, "account"),
    BOOL(isperson),
    BOOL(isinactive),
    TIME(lastmodifieddate),
};

static const struct schema_column employee[] = {
    INT(id),
    TEXT(entityid),
    TEXT(firstname),
    TEXT(lastname),
    TEXT(email),
    TEXT(title),
    REF(department, "department"),
    REF(subsidiary, "subsidiary"),
    REF(supervisor, "employee"),
    BOOL(isinactive),
};

static const struct schema_column item[] = {
    INT(id),
    TEXT(itemid),
    TEXT(fullname),
    TEXT(displayname),
    TEXT(description),
    TEXT(itemtype),
    TEXT(subtype),
    DEC(cost),
    DEC(averagecost),
    DEC(lastpurchaseprice),
    REF(incomeaccount, "account"),
    REF(expenseaccount, "account"),
    REF(assetaccount, "account"),
    DEC(totalquantityonhand),
    BOOL(isinactive),
};

static const struct schema_column account[] = {
    INT(id),
    TEXT(acctnumber),
    TEXT(fullname),
    TEXT(accountsearchdisplayname),
    TEXT(accountsearchdisplaynamecopy),
    CODE(accttype, "accttype"),
    REF(parent, "account"),
    REF(currency, "currency"),
    TEXT(generalrate),
    BOOL(eliminate),
    BOOL(issummary),
    BOOL(isinactive),
};

static const struct schema_column accountingperiod[] = {
    INT(id),         TEXT(periodname),
    DATE(startdate), DATE(enddate),
    BOOL(closed),    DATE(closedondate),
    BOOL(alllocked), BOOL(aplocked),
    BOOL(arlocked),  BOOL(isadjust),
    BOOL(isquarter), BOOL(isyear),
    BOOL(isposting), REF(parent, "accountingperiod"),
};

static const struct schema_column subsidiary[] = {
    INT(id),
    TEXT(name),
    TEXT(fullname),
    TEXT(country),
    REF(currency, "currency"),
    REF(parent, "subsidiary"),
    BOOL(iselimination),
    INT(fiscalcalendar),
    BOOL(isinactive),
};

static const struct schema_column department[] = {
    INT(id),
    TEXT(name),
    TEXT(fullname),
    REF(parent, "department"),
    REF(subsidiary, "subsidiary"),
    BOOL(isinactive),
};

static const struct schema_column classification[] = {
    INT(id),
    TEXT(name),
    TEXT(fullname),
    REF(parent, "classification"),
    REF(subsidiary, "subsidiary"),
    BOOL(isinactive),
};

static const struct schema_column location[] = {
    INT(id),
    TEXT(name),
    TEXT(fullname),
    REF(parent, "location"),
    REF(subsidiary, "subsidiary"),
    BOOL(isinactive),
};

static const struct schema_column currency[] = {
    INT(id),           TEXT(name),           TEXT(symbol),
    DEC(exchangerate), BOOL(isbasecurrency), INT(currencyprecision),
};

static const struct schema_column consolidatedexchangerate[] = {
    REF(fromsubsidiary, "subsidiary"),
    REF(tosubsidiary, "subsidiary"),
    REF(postingperiod, "accountingperiod"),
    INT(accountingbook),
    DEC(averagerate),
    DEC(currentrate),
    DEC(historicalrate),
};

static const struct schema_column budgets[] = {
    INT(id),
    REF(account, "account"),
    REF(subsidiary, "subsidiary"),
    REF(department, "department"),
    REF(class, "classification"),
    REF(location, "location"),
    INT(category),
    REF(year, "accountingperiod"),
    DEC(total),
};

static const struct schema_column budgetsmachine[] = {
    INT(budget),
    REF(period, "accountingperiod"),
    DEC(amount),
};

static const struct schema_column term[] = {
    INT(id),
    TEXT(name),
    INT(daysuntilnetdue),
};

static const struct schema_column entity[] = {
    INT(id),
    TEXT(entityid),
    TEXT(type),
    REF(customer, "entity"),
    REF(vendor, "entity"),
    REF(employee, "employee"),
};

static const struct schema_column deletedrecord[] = {
    INT(recordid),
    INT(recordtypeid),
    TIME(deleteddate),
};

static const struct schema_column dual[] = {TEXT(dummy)};

/* Not on NetSuite's list: code tables behind BUILTIN.DF. Their names cannot be typed.
 */
static const struct schema_column code[] = {TEXT(scheme), TEXT(id), TEXT(name)};

#define TABLE(name)                                  \
    {                                                \
#name, (name), sizeof(name) / sizeof *(name) \
    }

static const struct schema_table tables[] = {
    TABLE(transaction),
    TABLE(transactionline),
    TABLE(transactionaccountingline),
    {"nexttransactionlinelink", transactionlinelink,
     sizeof transactionlinelink / sizeof *transactionlinelink},
    {"previoustransactionlinelink", transactionlinelink,
     sizeof transactionlinelink / sizeof *transactionlinelink},
    TABLE(transactionstatus),
    TABLE(customer),
    TABLE(vendor),
    TABLE(employee),
    TABLE(item),
    TABLE(account),
    TABLE(accountingperiod),
    TABLE(subsidiary),
    TABLE(department),
    TABLE(classification),
    TABLE(location),
    TABLE(currency),
    TABLE(consolidatedexchangerate),
    TABLE(budgets),
    TABLE(budgetsmachine),
    TABLE(term),
    TABLE(entity),
    TABLE(deletedrecord),
    TABLE(dual),
    {"mock code", code, sizeof code / sizeof *code},
};

static const struct schema_display displays[] = {
    {"entity", "entity", "id", "entityid"},
    {"employee", "employee", "id", "entityid"},
    {"currency", "currency", "id", "name"},
    {"term", "term", "id", "name"},
    {"subsidiary", "subsidiary", "id", "fullname"},
    {"account", "account", "id", "accountsearchdisplayname"},
    {"item", "item", "id", "itemid"},
    {"accountingperiod", "accountingperiod", "id", "periodname"},
    {"department", "department", "id", "fullname"},
    {"classification", "classification", "id", "fullname"},
    {"location", "location", "id", "fullname"},
};

const struct schema_table *schema_tables(size_t *count)
{
    *count = sizeof tables / sizeof *tables;
    return tables;
}

const struct schema_table *schema_find(struct slice name)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (slice_is(name, tables[i].name)) {
            return &tables[i];
        }
    }
    return NULL;
}

const struct schema_column *schema_column(const struct schema_table *table,
                                          struct slice name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (slice_is(name, table->columns[i].name)) {
            return &table->columns[i];
        }
    }
    return NULL;
}

const struct schema_display *schema_display(const char *name)
{
    for (size_t i = 0; i < sizeof displays / sizeof *displays; i++) {
        if (strcmp(displays[i].name, name) == 0) {
            return &displays[i];
        }
    }
    return NULL;
}
