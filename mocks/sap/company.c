/* SPDX-License-Identifier: Apache-2.0 */
/* The same seed and day give the same company. */
#include "mocks/sap/company.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "mocks/common/random.h"
#include "mocks/sap/model.h"

#define SUPPLIERS 45
#define ORDERS 320
#define INVOICES 310

struct company {
    sqlite3 *db;
    uint64_t seed;
    int64_t today;
    char today_text[11];
};

static const struct material materials[] = {
    {"TG11", "Trading good 11", "EA", "L001", "12.50"},
    {"TG12", "Trading good 12", "EA", "L001", "7.333"},
    {"TG20", "Schraube M8 × 40", "EA", "L002", "0.075"},
    {"RM13", "Raw material 13", "KG", "L003", "199.99"},
    {"SV01", "Wartung, je Stunde", "H", "L004", "85.00"},
};

static const struct {
    const char *name, *company_code, *currency;
} organizations[] = {{"1010", "1010", "EUR"}, {"1710", "1710", "USD"}};

static const char *const names[] = {"Müller & Söhne GmbH", "Domestic US Supplier 1",
                                    "O'Hara Trading Ltd",  "東京精機株式会社",
                                    "Hansen A/S",          "Łódź Metal S.A.",
                                    "Café “Le Coin”",      "Smith, Jones; & Co",
                                    "Inlandslieferant DE", "Ångström AB",
                                    "100% Bio & Co.",      "Grüße aus Köln OHG",
                                    "Ελληνικά Χάλυβα",     "Пример Поставщик",
                                    "Supplier <One>"};

const struct material *company_material(struct slice name)
{
    for (size_t i = 0; i < sizeof materials / sizeof materials[0]; i++) {
        if (slice_eq_nocase(name, slice_str(materials[i].name))) {
            return &materials[i];
        }
    }
    return NULL;
}

bool company_organization(struct slice name, const char **company_code,
                          const char **currency)
{
    for (size_t i = 0; i < sizeof organizations / sizeof organizations[0]; i++) {
        if (slice_is(name, organizations[i].name)) {
            *company_code = organizations[i].company_code;
            *currency = organizations[i].currency;
            return true;
        }
    }
    return false;
}

sqlite3 *company_database(struct company *company)
{
    return company->db;
}

const char *company_today(const struct company *company)
{
    return company->today_text;
}

static void run(struct company *company, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(company->db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fprintf(stderr, "mock-sap: %s\n", why != NULL ? why : sql);
        abort();
    }
}

static void make_tables(struct company *company)
{
    for (size_t n = 0;; n++) {
        const struct entity_set *set = model_set_at(n);
        if (set == NULL) {
            return;
        }
        char *sql = sqlite3_mprintf("CREATE TABLE \"%w\" (", set->name);
        char *keys = NULL;
        for (size_t i = 0; i < set->property_count; i++) {
            const struct property *property = &set->properties[i];
            char *more = sqlite3_mprintf("%s\"%w\" TEXT,", sql, property->name);
            sqlite3_free(sql);
            sql = more;
            if (property->traits & TRAIT_KEY) {
                char *joined = sqlite3_mprintf("%s%s\"%w\"", keys ? keys : "",
                                               keys ? "," : "", property->name);
                sqlite3_free(keys);
                keys = joined;
            }
        }
        char *whole = sqlite3_mprintf("%sPRIMARY KEY (%s))", sql, keys);
        REQUIRE(whole != NULL);
        run(company, whole);
        sqlite3_free(whole);
        sqlite3_free(keys);
        sqlite3_free(sql);
    }
}

/* Runs one INSERT whose ? are bound to the texts; NULL stays NULL. */
static void insert(struct company *company, const char *sql, const char *const *values,
                   int count)
{
    sqlite3_stmt *stmt = NULL;
    REQUIRE(sqlite3_prepare_v2(company->db, sql, -1, &stmt, NULL) == SQLITE_OK);
    for (int i = 0; i < count; i++) {
        sqlite3_bind_text(stmt, i + 1, values[i], -1, SQLITE_TRANSIENT);
    }
    REQUIRE(sqlite3_step(stmt) == SQLITE_DONE);
    sqlite3_finalize(stmt);
}

static void day_text(struct company *company, int64_t day, char out[11])
{
    sqlite3_stmt *stmt = NULL;
    REQUIRE(sqlite3_prepare_v2(company->db, "SELECT date(?1 * 86400, 'unixepoch')", -1,
                               &stmt, NULL) == SQLITE_OK);
    sqlite3_bind_int64(stmt, 1, day);
    REQUIRE(sqlite3_step(stmt) == SQLITE_ROW);
    snprintf(out, 11, "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
}

static const char *number_text(char out[16], long long number)
{
    snprintf(out, 16, "%lld", number);
    return out;
}

static void seed_suppliers(struct company *company, struct prng *prng)
{
    for (int i = 0; i < SUPPLIERS; i++) {
        char id[16], name[120], vat[24], day[11], phone[24];
        number_text(id, 17300000 + i);
        snprintf(name, sizeof name, "%s%s",
                 names[(size_t)i % (sizeof names / sizeof names[0])],
                 i < 15 ? "" : (i < 30 ? " II" : " III"));
        snprintf(vat, sizeof vat, "DE%09lld", (long long)prng_below(prng, 999999999));
        snprintf(phone, sizeof phone, "+49 30 %06lld",
                 (long long)prng_below(prng, 999999));
        day_text(company, company->today - prng_between(prng, 400, 2000), day);
        const char *row[] = {id,    name, name, vat, day, i % 11 == 10 ? "1" : "0",
                             "SUPL"};
        insert(company,
               "INSERT INTO "
               "A_Supplier(Supplier,SupplierName,SupplierFullName,VATRegistration,"
               "CreationDate,PostingIsBlocked,SupplierAccountGroup,CreatedByUser,"
               "PaymentIsBlockedForSupplier,PurchasingIsBlocked,DeletionIndicator) "
               "VALUES(?,?,?,?,?,?,?,'CB9980000010','0','0','0')",
               row, 7);
        const char *company_row[] = {id, i % 2 ? "1710" : "1010",
                                     i % 3 ? "0004" : "0001"};
        insert(company,
               "INSERT INTO A_SupplierCompany(Supplier,CompanyCode,PaymentTerms,"
               "ReconciliationAccount,SupplierIsBlockedForPosting,DeletionIndicator) "
               "VALUES(?,?,?,'21100000','0','0')",
               company_row, 3);
        const char *purchasing_row[] = {id, i % 2 ? "1710" : "1010",
                                        i % 2 ? "USD" : "EUR", i % 3 ? "0004" : "0001",
                                        phone};
        insert(
            company,
            "INSERT INTO A_SupplierPurchasingOrg(Supplier,PurchasingOrganization,"
            "PurchaseOrderCurrency,PaymentTerms,SupplierPhoneNumber) VALUES(?,?,?,?,?)",
            purchasing_row, 5);
    }
}

static void seed_order_items(struct company *company, struct prng *prng,
                             const char *order, const char *currency, const char *plant,
                             const char *closed)
{
    int count = (int)prng_between(prng, 1, 4);
    for (int i = 0; i < count; i++) {
        const struct material *material = &materials[prng_below(
            prng, (int64_t)(sizeof materials / sizeof materials[0]))];
        char item[16], quantity[24];
        number_text(item, 10LL * (i + 1));
        snprintf(quantity, sizeof quantity, "%lld.%03lld",
                 (long long)prng_between(prng, 1, 500),
                 (long long)(prng_percent(prng, 20) ? 500 : 0));
        const char *row[] = {
            order,          item,           material->text, plant,    material->group,
            quantity,       material->unit, material->unit, currency, material->price,
            material->name, closed,         closed};
        insert(
            company,
            "INSERT INTO A_PurchaseOrderItem(PurchaseOrder,PurchaseOrderItem,"
            "PurchaseOrderItemText,Plant,MaterialGroup,OrderQuantity,"
            "PurchaseOrderQuantityUnit,OrderPriceUnit,DocumentCurrency,NetPriceAmount,"
            "Material,NetPriceQuantity,TaxCode,IsReturnsItem,GoodsReceiptIsExpected,"
            "InvoiceIsExpected,IsCompletelyDelivered,IsFinallyInvoiced) "
            "VALUES(?,?,?,?,?,?,?,?,?,?,?,'1','V1','0','1','1',?,?)",
            row, 13);
    }
}

static void seed_orders(struct company *company, struct prng *prng)
{
    for (int i = 0; i < ORDERS; i++) {
        const char *organization = i % 2 ? "1710" : "1010";
        const char *currency = i % 10 == 7 ? "JPY" : (i % 2 ? "USD" : "EUR");
        char id[16], supplier[16], day[11], reference[16];
        number_text(id, 4500000000LL + i);
        number_text(supplier, 17300000 + prng_below(prng, SUPPLIERS));
        day_text(company, company->today - prng_between(prng, 0, 700), day);
        snprintf(reference, sizeof reference, "REF-%04d", i);
        const char *row[] = {id,
                             organization,
                             i % 29 == 28 ? "L" : "",
                             i % 7 == 6 ? "03" : "05",
                             day,
                             supplier,
                             organization,
                             day,
                             currency,
                             reference,
                             i % 13 == 12 ? "1" : "0"};
        insert(
            company,
            "INSERT INTO A_PurchaseOrder(PurchaseOrder,CompanyCode,"
            "PurchasingDocumentDeletionCode,PurchasingProcessingStatus,CreationDate,"
            "Supplier,"
            "PurchasingOrganization,PurchaseOrderDate,DocumentCurrency,"
            "CorrespncExternalReference,ReleaseIsNotCompleted,PurchaseOrderType,"
            "PurchasingGroup,CreatedByUser,Language,PaymentTerms,"
            "PurchasingCompletenessStatus) "
            "VALUES(?,?,?,?,?,?,?,?,?,?,?,'NB','001','CB9980000010','EN','0004','1')",
            row, 11);
        seed_order_items(company, prng, id, currency, organization,
                         i % 5 == 4 ? "1" : "0");
    }
}

static void seed_invoices(struct company *company, struct prng *prng)
{
    for (int i = 0; i < INVOICES; i++) {
        char id[16], supplier[16], day[11], amount[24], reference[24], order[16];
        long long cents = (long long)prng_between(prng, 1000, 9000000);
        number_text(id, 5105600000LL + i);
        number_text(supplier, 17300000 + prng_below(prng, SUPPLIERS));
        number_text(order, 4500000000LL + prng_below(prng, ORDERS));
        day_text(company, company->today - prng_between(prng, 0, 360), day);
        const char *currency = i % 10 == 7 ? "JPY" : (i % 2 ? "USD" : "EUR");
        if (i % 10 == 7) {
            snprintf(amount, sizeof amount, "%lld", cents);
        } else {
            snprintf(amount, sizeof amount, "%lld.%02lld", cents / 100, cents % 100);
        }
        snprintf(reference, sizeof reference, "RE-%06d", i);
        char year[5] = {day[0], day[1], day[2], day[3], '\0'};
        const char *row[] = {id,
                             year,
                             i % 2 ? "1710" : "1010",
                             day,
                             day,
                             day,
                             reference,
                             supplier,
                             currency,
                             amount,
                             i % 9 == 8 ? "A" : "",
                             i % 17 == 16 ? "A" : "5",
                             i % 23 == 22 ? "X" : "",
                             day,
                             i % 31 == 30 ? "5105699999" : "",
                             i % 31 == 30 ? "1" : "0"};
        insert(
            company,
            "INSERT INTO A_SupplierInvoice(SupplierInvoice,FiscalYear,CompanyCode,"
            "DocumentDate,PostingDate,CreationDate,SupplierInvoiceIDByInvcgParty,"
            "InvoicingParty,DocumentCurrency,InvoiceGrossAmount,PaymentBlockingReason,"
            "SupplierInvoiceStatus,SupplierInvoiceIsCreditMemo,DueCalculationBaseDate,"
            "ReverseDocument,IsReversed,NetPaymentDays,CashDiscount1Days,"
            "CashDiscount2Days,"
            "CashDiscount1Percent,AccountingDocumentType,PaymentTerms,"
            "DocumentHeaderText,"
            "UnplannedDeliveryCost,IsReversal) "
            "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,'30','14','0','2.000','RE','0004',"
            "'Rechnung','0.00','0')",
            row, 16);
        const char *item[] = {id, year, order, amount, currency};
        insert(company,
               "INSERT INTO "
               "A_SuplrInvcItemPurOrdRef(SupplierInvoice,FiscalYear,PurchaseOrder,"
               "SupplierInvoiceItemAmount,DocumentCurrency,SupplierInvoiceItem,"
               "PurchaseOrderItem,Plant,TaxCode,PurchaseOrderQuantityUnit,"
               "QuantityInPurchaseOrderUnit,SupplierInvoiceItemText,"
               "PurchaseOrderItemMaterial) "
               "VALUES(?,?,?,?,?,'1','10','1010','V1','EA','1.000','Lieferung','TG11')",
               item, 5);
    }
}

void company_reset(struct company *company)
{
    struct prng prng = {company->seed};
    if (company->db != NULL) {
        sqlite3_close(company->db);
    }
    REQUIRE(sqlite3_open(":memory:", &company->db) == SQLITE_OK);
    run(company, "PRAGMA case_sensitive_like = ON");
    day_text(company, company->today, company->today_text);
    run(company, "BEGIN");
    make_tables(company);
    seed_suppliers(company, &prng);
    seed_orders(company, &prng);
    seed_invoices(company, &prng);
    run(company, "COMMIT");
}

struct company *company_new(uint64_t seed, int64_t today)
{
    struct company *company = calloc(1, sizeof *company);
    REQUIRE(company != NULL);
    company->seed = seed;
    company->today = today;
    company_reset(company);
    return company;
}

void company_free(struct company *company)
{
    sqlite3_close(company->db);
    free(company);
}
