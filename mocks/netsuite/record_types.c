/* SPDX-License-Identifier: Apache-2.0 */
/* The record types of the REST record service as data. */
#include "mocks/netsuite/record_types.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Display values by reference; the same columns BUILTIN.DF shows. */
#define NAMED(table, column, value) \
    "(SELECT n." column " FROM \"" table "\" n WHERE n.id = " value ")"
#define CODED(scheme, value)                                        \
    "(SELECT n.name FROM \"mock code\" n WHERE n.scheme = '" scheme \
    "' AND n.id = CAST(" value " AS TEXT))"
#define REF(name, value, table, column, target)                      \
    {                                                                \
        name, RECORD_REF, value, NAMED(table, column, value), target \
    }
#define TEXT(name, value)                    \
    {                                        \
        name, RECORD_TEXT, value, NULL, NULL \
    }
#define NUMBER(name, value)                    \
    {                                          \
        name, RECORD_NUMBER, value, NULL, NULL \
    }
#define BOOL(name, value)                    \
    {                                        \
        name, RECORD_BOOL, value, NULL, NULL \
    }
#define DATE(name, value)                    \
    {                                        \
        name, RECORD_DATE, value, NULL, NULL \
    }
#define TIME(name, value)                    \
    {                                        \
        name, RECORD_TIME, value, NULL, NULL \
    }
#define ENUM(name, value, display)              \
    {                                           \
        name, RECORD_ENUM, value, display, NULL \
    }

/* ---- transactions ---- */

#define FIRST_LINE(column)                                                        \
    "(SELECT l." column " FROM transactionline l WHERE l.\"transaction\" = r.id " \
    "ORDER BY l.id LIMIT 1)"
#define STATUS_NAME                                                                 \
    "(SELECT s.name FROM transactionstatus s WHERE s.trantype = r.type AND s.id = " \
    "r.status)"
#define MAIN_ACCOUNT                                                                \
    "(SELECT x.account FROM transactionaccountingline x WHERE x.\"transaction\" = " \
    "r.id "                                                                         \
    "AND x.transactionline = 0)"

#define HEAD_FIELDS                                                                   \
    TEXT("tranId", "r.tranid"), TEXT("transactionNumber", "r.transactionnumber"),     \
        DATE("tranDate", "r.trandate"), TEXT("memo", "r.memo"),                       \
        TEXT("externalId", "r.externalid"), NUMBER("exchangeRate", "r.exchangerate"), \
        REF("currency", "r.currency", "currency", "name", "currency"),                \
        REF("subsidiary", FIRST_LINE("subsidiary"), "subsidiary", "fullname",         \
            "subsidiary"),                                                            \
        REF("postingPeriod", "r.postingperiod", "accountingperiod", "periodname",     \
            "accountingPeriod"),                                                      \
        ENUM("status", STATUS_NAME, STATUS_NAME),                                     \
        TIME("createdDate", "r.createddate"),                                         \
        TIME("lastModifiedDate", "r.lastmodifieddate")
#define APPROVAL                               \
    ENUM("approvalStatus", "r.approvalstatus", \
         CODED("approvalstatus", "r.approvalstatus"))
#define TERMS REF("terms", "r.terms", "term", "name", "term")
#define CUSTOMER(name) REF(name, "r.entity", "entity", "entityid", "customer")
#define VENDOR(name) REF(name, "r.entity", "entity", "entityid", "vendor")
#define ACCOUNT(name, value) \
    REF(name, value, "account", "accountsearchdisplayname", "account")
#define TOTAL(name) NUMBER(name, "ns_abs(r.foreigntotal)")

static const struct record_field invoice[] = {
    HEAD_FIELDS,
    APPROVAL,
    TERMS,
    CUSTOMER("entity"),
    ACCOUNT("account", MAIN_ACCOUNT),
    DATE("dueDate", "r.duedate"),
    TEXT("otherRefNum", "r.otherrefnum"),
    NUMBER("total", "r.foreigntotal"),
    NUMBER("subtotal", "r.foreigntotal"),
    NUMBER("amountPaid", "r.foreignamountpaid"),
    NUMBER("amountRemaining", "r.foreignamountunpaid"),
};

static const struct record_field vendor_bill[] = {
    HEAD_FIELDS,
    APPROVAL,
    TERMS,
    VENDOR("entity"),
    ACCOUNT("account", MAIN_ACCOUNT),
    DATE("dueDate", "r.duedate"),
    TOTAL("total"),
    TOTAL("userTotal"),
};

static const struct record_field customer_payment[] = {
    HEAD_FIELDS,      CUSTOMER("customer"), ACCOUNT("account", MAIN_ACCOUNT),
    TOTAL("payment"), TOTAL("total"),
};

static const struct record_field vendor_payment[] = {
    HEAD_FIELDS,    APPROVAL, VENDOR("entity"), ACCOUNT("account", MAIN_ACCOUNT),
    TOTAL("total"),
};

static const struct record_field journal_entry[] = {
    HEAD_FIELDS,
    APPROVAL,
    BOOL("approved", "CASE r.approvalstatus WHEN 2 THEN 'T' ELSE 'F' END"),
    DATE("reversalDate", "(SELECT n.trandate FROM \"transaction\" n WHERE r.isreversal "
                         "= 'F' AND n.id = r.reversal)"),
};

static const struct record_field purchase_order[] = {
    HEAD_FIELDS, APPROVAL, VENDOR("entity"), TERMS, TOTAL("total"),
};

static const struct record_field sales_order[] = {
    HEAD_FIELDS,    CUSTOMER("entity"),
    TERMS,          TEXT("otherRefNum", "r.otherrefnum"),
    TOTAL("total"), ENUM("orderStatus", "r.status", STATUS_NAME),
};

#define LINES "transactionline l WHERE l.\"transaction\" = ?1 AND l.mainline = 'F'"
#define LINE_REFS                                                                \
    REF("department", "l.department", "department", "fullname", "department"),   \
        REF("class", "l.class", "classification", "fullname", "classification"), \
        REF("location", "l.location", "location", "fullname", "location")

static const struct record_field item_line[] = {
    NUMBER("line", "l.id"),
    REF("item", "l.item", "item", "itemid", "inventoryItem"),
    TEXT("description",
         "COALESCE(l.memo, (SELECT n.description FROM item n WHERE n.id = l.item))"),
    NUMBER("quantity", "ns_abs(l.quantity)"),
    NUMBER("rate", "l.rate"),
    /* A sale's line is stored the other way round; a discount line is negative. */
    NUMBER("amount", "CASE WHEN (SELECT n.type FROM \"transaction\" n WHERE n.id = "
                     "l.\"transaction\") IN ('CustInvc', 'SalesOrd') THEN "
                     "ns_subtract('0', l.foreignamount) ELSE ns_abs(l.foreignamount) "
                     "END"),
    LINE_REFS,
};

static const struct record_field expense_line[] = {
    NUMBER("line", "l.id"),
    ACCOUNT("account", "l.expenseaccount"),
    NUMBER("amount", "ns_abs(l.foreignamount)"),
    TEXT("memo", "l.memo"),
    LINE_REFS,
};

static const struct record_field journal_line[] = {
    NUMBER("line", "l.id"),
    ACCOUNT("account", "l.expenseaccount"),
    NUMBER("debit", "CASE WHEN ns_sign(l.foreignamount) >= 0 THEN l.foreignamount END"),
    NUMBER("credit",
           "CASE WHEN ns_sign(l.foreignamount) < 0 THEN ns_abs(l.foreignamount) END"),
    TEXT("memo", "l.memo"),
    REF("entity", "l.entity", "entity", "entityid", "vendor"),
    LINE_REFS,
};

static const struct record_field apply_line[] = {
    NUMBER("line", "l.previousline"),
    BOOL("apply", "'T'"),
    {"doc", RECORD_REF, "l.previousdoc",
     NAMED("transaction", "tranid", "l.previousdoc"), "transaction"},
    NUMBER("amount", "l.foreignamount"),
    NUMBER("total", "(SELECT ns_abs(n.foreigntotal) FROM \"transaction\" n WHERE n.id "
                    "= l.previousdoc)"),
    TEXT("refNum", NAMED("transaction", "tranid", "l.previousdoc")),
    TEXT("type", CODED("trantype", "l.previoustype")),
};

#define SUBLIST(name, source, line, fields)       \
    {                                             \
        name, source, line, fields, COUNT(fields) \
    }

static const struct record_sublist item_list[] = {
    SUBLIST("item", LINES " AND l.item IS NOT NULL ORDER BY l.id", "l.id", item_line),
};
static const struct record_sublist bill_lists[] = {
    SUBLIST("item", LINES " AND l.item IS NOT NULL ORDER BY l.id", "l.id", item_line),
    SUBLIST("expense", LINES " AND l.expenseaccount IS NOT NULL ORDER BY l.id", "l.id",
            expense_line),
};
static const struct record_sublist journal_list[] = {
    SUBLIST("line", LINES " ORDER BY l.id", "l.id", journal_line),
};
static const struct record_sublist apply_list[] = {
    SUBLIST("apply",
            "nexttransactionlinelink l WHERE l.nextdoc = ?1 AND l.linktype = 'Payment' "
            "ORDER BY l.previousdoc",
            "l.previousdoc", apply_line),
};

/* ---- entities and lists ---- */

/* Where a party belongs and its tax number are not on NetSuite's query tables. */
#define PARTY_SUBSIDIARY                                                     \
    "(SELECT CAST(n.name AS INTEGER) FROM \"mock code\" n WHERE n.scheme = " \
    "'entity subsidiary' AND n.id = CAST(r.id AS TEXT))"
#define PARTY_FIELDS                                                                 \
    TEXT("entityId", "r.entityid"), TEXT("companyName", "r.companyname"),            \
        TEXT("email", "r.email"), TEXT("phone", "r.phone"),                          \
        BOOL("isPerson", "r.isperson"), BOOL("isInactive", "r.isinactive"),          \
        REF("currency", "r.currency", "currency", "name", "currency"),               \
        REF("terms", "r.terms", "term", "name", "term"),                             \
        REF("subsidiary", PARTY_SUBSIDIARY, "subsidiary", "fullname", "subsidiary"), \
        TEXT("vatRegNumber",                                                         \
             "CASE r.isperson WHEN 'F' THEN 'DE' || (800000000 + r.id * 79193) END")

static const struct record_field customer[] = {
    PARTY_FIELDS,
    TEXT("altName", "r.altname"),
    TEXT("firstName", "r.firstname"),
    TEXT("lastName", "r.lastname"),
    TEXT("externalId", "r.externalid"),
    ACCOUNT("receivablesAccount", "r.receivablesaccount"),
};

static const struct record_field vendor[] = {
    PARTY_FIELDS,
    TEXT("legalName", "r.legalname"),
    NUMBER("balance", "r.balance"),
    NUMBER("balancePrimary", "r.balanceprimary"),
    NUMBER("unbilledOrders", "r.unbilledorders"),
    ACCOUNT("expenseAccount", "r.expenseaccount"),
    ACCOUNT("payablesAccount", "r.payablesaccount"),
    TIME("lastModifiedDate", "r.lastmodifieddate"),
};

static const struct record_field employee[] = {
    TEXT("entityId", "r.entityid"),
    TEXT("firstName", "r.firstname"),
    TEXT("lastName", "r.lastname"),
    TEXT("email", "r.email"),
    TEXT("title", "r.title"),
    REF("department", "r.department", "department", "fullname", "department"),
    REF("subsidiary", "r.subsidiary", "subsidiary", "fullname", "subsidiary"),
    REF("supervisor", "r.supervisor", "employee", "entityid", "employee"),
    BOOL("isInactive", "r.isinactive"),
};

static const struct record_field account[] = {
    TEXT("acctNumber", "r.acctnumber"),
    TEXT("acctName", "r.fullname"),
    ENUM("acctType", "r.accttype", CODED("accttype", "r.accttype")),
    REF("currency", "r.currency", "currency", "name", "currency"),
    BOOL("eliminate", "r.eliminate"),
    BOOL("isSummary", "r.issummary"),
    BOOL("isInactive", "r.isinactive"),
};

static const struct record_field subsidiary[] = {
    TEXT("name", "r.name"),
    TEXT("fullName", "r.fullname"),
    ENUM("country", "r.country", "r.country"),
    REF("currency", "r.currency", "currency", "name", "currency"),
    REF("parent", "r.parent", "subsidiary", "fullname", "subsidiary"),
    BOOL("isElimination", "r.iselimination"),
    BOOL("isInactive", "r.isinactive"),
};

static const struct record_field currency[] = {
    TEXT("name", "r.name"),
    TEXT("symbol", "r.symbol"),
    NUMBER("exchangeRate", "r.exchangerate"),
    BOOL("isBaseCurrency", "r.isbasecurrency"),
    NUMBER("currencyPrecision", "r.currencyprecision"),
    BOOL("isInactive", "'F'"),
};

static const struct record_field period[] = {
    TEXT("periodName", "r.periodname"),
    DATE("startDate", "r.startdate"),
    DATE("endDate", "r.enddate"),
    BOOL("closed", "r.closed"),
    BOOL("allLocked", "r.alllocked"),
    BOOL("apLocked", "r.aplocked"),
    BOOL("arLocked", "r.arlocked"),
    BOOL("isAdjust", "r.isadjust"),
    BOOL("isQuarter", "r.isquarter"),
    BOOL("isYear", "r.isyear"),
    REF("parent", "r.parent", "accountingperiod", "periodname", "accountingPeriod"),
};

static const struct record_field named[] = {
    TEXT("name", "r.name"),
    TEXT("fullName", "r.fullname"),
    REF("subsidiary", "r.subsidiary", "subsidiary", "fullname", "subsidiary"),
    BOOL("isInactive", "r.isinactive"),
};

static const struct record_field term[] = {
    TEXT("name", "r.name"),
    NUMBER("daysUntilNetDue", "r.daysuntilnetdue"),
};

static const struct record_field item[] = {
    TEXT("itemId", "r.itemid"),
    TEXT("displayName", "r.displayname"),
    TEXT("salesDescription", "r.description"),
    NUMBER("cost", "r.cost"),
    NUMBER("averageCost", "r.averagecost"),
    NUMBER("lastPurchasePrice", "r.lastpurchaseprice"),
    ACCOUNT("incomeAccount", "r.incomeaccount"),
    ACCOUNT("expenseAccount", "r.expenseaccount"),
    ACCOUNT("assetAccount", "r.assetaccount"),
    NUMBER("totalQuantityOnHand", "r.totalquantityonhand"),
    BOOL("isInactive", "r.isinactive"),
};

#define TRANSACTION(name, type, fields, lists)                                  \
    {                                                                           \
        name, "\"transaction\" r", "r.type = '" type "'", "r.externalid", true, \
            fields, COUNT(fields), lists, COUNT(lists)                          \
    }
#define LISTED(name, table, where, fields)                                          \
    {                                                                               \
        name, "\"" table "\" r", where, NULL, false, fields, COUNT(fields), NULL, 0 \
    }

static const struct record_type types[] = {
    TRANSACTION("invoice", "CustInvc", invoice, item_list),
    TRANSACTION("vendorBill", "VendBill", vendor_bill, bill_lists),
    TRANSACTION("customerPayment", "CustPymt", customer_payment, apply_list),
    TRANSACTION("vendorPayment", "VendPymt", vendor_payment, apply_list),
    TRANSACTION("journalEntry", "Journal", journal_entry, journal_list),
    TRANSACTION("purchaseOrder", "PurchOrd", purchase_order, item_list),
    TRANSACTION("salesOrder", "SalesOrd", sales_order, item_list),
    {"customer", "customer r", "1", "r.externalid", false, customer, COUNT(customer),
     NULL, 0},
    LISTED("vendor", "vendor", "1", vendor),
    LISTED("employee", "employee", "1", employee),
    LISTED("account", "account", "1", account),
    LISTED("subsidiary", "subsidiary", "1", subsidiary),
    LISTED("currency", "currency", "1", currency),
    LISTED("accountingPeriod", "accountingperiod", "1", period),
    LISTED("department", "department", "1", named),
    LISTED("classification", "classification", "1", named),
    LISTED("location", "location", "1", named),
    LISTED("term", "term", "1", term),
    LISTED("inventoryItem", "item", "r.itemtype = 'InvtPart'", item),
    LISTED("serviceSaleItem", "item", "r.itemtype = 'Service'", item),
    LISTED("nonInventorySaleItem", "item", "r.itemtype = 'NonInvtPart'", item),
    LISTED("assemblyItem", "item", "r.itemtype = 'Assembly'", item),
    LISTED("otherChargeSaleItem", "item", "r.itemtype = 'OthCharge'", item),
};

const struct record_type *record_type_find(struct slice name)
{
    for (size_t i = 0; i < COUNT(types); i++) {
        if (slice_eq_nocase(name, slice_str(types[i].name))) {
            return &types[i];
        }
    }
    return NULL;
}
