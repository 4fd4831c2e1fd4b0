/* SPDX-License-Identifier: Apache-2.0 */
/* Purchase orders, suppliers and supplier invoices, as far as finance agents meet them. */
#include "mocks/sap/model.h"

#define S(name, length, traits)             \
    {                                       \
        name, EDM_STRING, length, 0, traits \
    }
#define D(name, digits, scale, traits)           \
    {                                            \
        name, EDM_DECIMAL, digits, scale, traits \
    }
#define DAY(name, traits)            \
    {                                \
        name, EDM_DATE, 0, 0, traits \
    }
#define FLAG(name, traits)              \
    {                                   \
        name, EDM_BOOLEAN, 0, 0, traits \
    }
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct property order_properties[] = {
    S("PurchaseOrder", 10, TRAIT_KEY | TRAIT_ALPHA),
    S("CompanyCode", 4, TRAIT_CREATABLE),
    S("PurchaseOrderType", 4, TRAIT_CREATABLE),
    S("PurchasingDocumentDeletionCode", 1, 0),
    S("PurchasingProcessingStatus", 2, 0),
    S("CreatedByUser", 12, 0),
    DAY("CreationDate", 0),
    S("Supplier", 10, TRAIT_ALPHA | TRAIT_CREATABLE),
    S("Language", 2, TRAIT_CREATABLE),
    S("PaymentTerms", 4, TRAIT_CREATABLE),
    S("PurchasingOrganization", 4, TRAIT_CREATABLE),
    S("PurchasingGroup", 3, TRAIT_CREATABLE),
    DAY("PurchaseOrderDate", TRAIT_CREATABLE),
    S("DocumentCurrency", 5, TRAIT_CREATABLE),
    S("ExchangeRate", 12, TRAIT_CREATABLE),
    S("CorrespncExternalReference", 12, TRAIT_CREATABLE),
    S("CorrespncInternalReference", 12, TRAIT_CREATABLE),
    S("IncotermsClassification", 3, TRAIT_CREATABLE),
    S("InvoicingParty", 10, TRAIT_ALPHA | TRAIT_CREATABLE),
    FLAG("ReleaseIsNotCompleted", 0),
    FLAG("PurchasingCompletenessStatus", 0),
};
static const struct navigation order_navigations[] = {
    {"to_PurchaseOrderItem", "A_PurchaseOrderItem"}};

static const struct property order_item_properties[] = {
    S("PurchaseOrder", 10, TRAIT_KEY | TRAIT_ALPHA),
    S("PurchaseOrderItem", 5, TRAIT_KEY | TRAIT_ALPHA | TRAIT_CREATABLE),
    S("PurchasingDocumentDeletionCode", 1, 0),
    S("PurchaseOrderItemText", 40, TRAIT_CREATABLE),
    S("Plant", 4, TRAIT_CREATABLE),
    S("StorageLocation", 4, TRAIT_CREATABLE),
    S("MaterialGroup", 9, TRAIT_CREATABLE),
    D("OrderQuantity", 13, 3, TRAIT_CREATABLE),
    S("PurchaseOrderQuantityUnit", 3, TRAIT_CREATABLE),
    S("OrderPriceUnit", 3, TRAIT_CREATABLE),
    S("DocumentCurrency", 5, TRAIT_CREATABLE),
    D("NetPriceAmount", 12, 3, TRAIT_CREATABLE),
    D("NetPriceQuantity", 5, 0, TRAIT_CREATABLE),
    S("TaxCode", 2, TRAIT_CREATABLE),
    S("AccountAssignmentCategory", 1, TRAIT_CREATABLE),
    FLAG("IsCompletelyDelivered", TRAIT_CREATABLE),
    FLAG("IsFinallyInvoiced", TRAIT_CREATABLE),
    FLAG("IsReturnsItem", TRAIT_CREATABLE),
    FLAG("GoodsReceiptIsExpected", TRAIT_CREATABLE),
    FLAG("InvoiceIsExpected", TRAIT_CREATABLE),
    S("Material", 40, TRAIT_ALPHA | TRAIT_CREATABLE),
    S("PurchaseRequisition", 10, TRAIT_CREATABLE),
};

static const struct property schedule_properties[] = {
    S("PurchasingDocument", 10, TRAIT_KEY | TRAIT_ALPHA),
    S("PurchasingDocumentItem", 5, TRAIT_KEY | TRAIT_ALPHA),
    S("ScheduleLine", 4, TRAIT_KEY | TRAIT_ALPHA),
    DAY("ScheduleLineDeliveryDate", TRAIT_CREATABLE),
    D("ScheduleLineOrderQuantity", 13, 3, TRAIT_CREATABLE),
};

static const struct property supplier_properties[] = {
    S("Supplier", 10, TRAIT_KEY | TRAIT_ALPHA),
    S("AlternativePayeeAccountNumber", 10, 0),
    S("AuthorizationGroup", 4, 0),
    S("CreatedByUser", 12, 0),
    DAY("CreationDate", 0),
    S("Customer", 10, TRAIT_ALPHA),
    FLAG("PaymentIsBlockedForSupplier", 0),
    FLAG("PostingIsBlocked", 0),
    FLAG("PurchasingIsBlocked", 0),
    S("SupplierAccountGroup", 4, 0),
    S("SupplierFullName", 220, 0),
    S("SupplierName", 80, 0),
    S("VATRegistration", 20, 0),
    FLAG("DeletionIndicator", 0),
    S("TaxNumber1", 16, 0),
    S("TaxNumber2", 11, 0),
    S("SupplierCorporateGroup", 10, 0),
};
static const struct navigation supplier_navigations[] = {
    {"to_SupplierCompany", "A_SupplierCompany"},
    {"to_SupplierPurchasingOrg", "A_SupplierPurchasingOrg"}};

static const struct property supplier_company_properties[] = {
    S("Supplier", 10, TRAIT_KEY | TRAIT_ALPHA),
    S("CompanyCode", 4, TRAIT_KEY),
    S("PaymentTerms", 4, 0),
    S("PaymentBlockingReason", 1, 0),
    S("ReconciliationAccount", 10, TRAIT_ALPHA),
    S("Currency", 5, 0),
    FLAG("SupplierIsBlockedForPosting", 0),
    FLAG("DeletionIndicator", 0),
};
static const struct property supplier_purchasing_properties[] = {
    S("Supplier", 10, TRAIT_KEY | TRAIT_ALPHA),
    S("PurchasingOrganization", 4, TRAIT_KEY),
    S("PurchaseOrderCurrency", 5, 0),
    S("PaymentTerms", 4, 0),
    S("SupplierPhoneNumber", 16, 0),
};

static const struct property invoice_properties[] = {
    S("SupplierInvoice", 10, TRAIT_KEY | TRAIT_ALPHA),
    S("FiscalYear", 4, TRAIT_KEY),
    S("CompanyCode", 4, 0),
    DAY("DocumentDate", 0),
    DAY("PostingDate", 0),
    DAY("CreationDate", 0),
    S("SupplierInvoiceIDByInvcgParty", 16, 0),
    S("InvoicingParty", 10, TRAIT_ALPHA),
    S("DocumentCurrency", 5, 0),
    D("InvoiceGrossAmount", 14, 3, 0),
    D("UnplannedDeliveryCost", 14, 3, 0),
    S("DocumentHeaderText", 25, 0),
    S("PaymentTerms", 4, 0),
    DAY("DueCalculationBaseDate", 0),
    D("CashDiscount1Percent", 5, 3, 0),
    D("CashDiscount1Days", 3, 0, 0),
    D("CashDiscount2Days", 3, 0, 0),
    D("NetPaymentDays", 3, 0, 0),
    S("PaymentBlockingReason", 1, 0),
    S("AccountingDocumentType", 2, 0),
    S("SupplierInvoiceStatus", 1, 0),
    S("SupplierInvoiceIsCreditMemo", 1, 0),
    S("PaymentReference", 30, 0),
    S("AssignmentReference", 18, 0),
    S("ReverseDocument", 10, 0),
    S("ReverseDocumentFiscalYear", 4, 0),
    FLAG("IsReversal", 0),
    FLAG("IsReversed", 0),
};
static const struct navigation invoice_navigations[] = {
    {"to_SuplrInvcItemPurOrdRef", "A_SuplrInvcItemPurOrdRef"},
    {"to_SupplierInvoiceItemGLAcct", "A_SupplierInvoiceItemGLAcct"}};

static const struct property invoice_item_properties[] = {
    S("SupplierInvoice", 10, TRAIT_KEY | TRAIT_ALPHA),
    S("FiscalYear", 4, TRAIT_KEY),
    S("SupplierInvoiceItem", 6, TRAIT_KEY | TRAIT_ALPHA),
    S("PurchaseOrder", 10, TRAIT_ALPHA),
    S("PurchaseOrderItem", 5, TRAIT_ALPHA),
    S("Plant", 4, 0),
    S("TaxCode", 2, 0),
    S("DocumentCurrency", 5, 0),
    D("SupplierInvoiceItemAmount", 14, 3, 0),
    S("PurchaseOrderQuantityUnit", 3, 0),
    D("QuantityInPurchaseOrderUnit", 13, 3, 0),
    S("SupplierInvoiceItemText", 50, 0),
    S("PurchaseOrderItemMaterial", 40, TRAIT_ALPHA),
};
static const struct property invoice_account_properties[] = {
    S("SupplierInvoice", 10, TRAIT_KEY | TRAIT_ALPHA),
    S("FiscalYear", 4, TRAIT_KEY),
    S("SupplierInvoiceItem", 4, TRAIT_KEY | TRAIT_ALPHA),
    S("CompanyCode", 4, 0),
    S("CostCenter", 10, TRAIT_ALPHA),
    S("GLAccount", 10, TRAIT_ALPHA),
    S("DocumentCurrency", 5, 0),
    D("SupplierInvoiceItemAmount", 14, 3, 0),
    S("TaxCode", 2, 0),
    S("DebitCreditCode", 1, 0),
    S("SupplierInvoiceItemText", 50, 0),
};

#define SET(variable, name, properties)         \
    static const struct entity_set variable = { \
        name, name "Type", properties, COUNT(properties), NULL, 0}
#define SET_WITH(variable, name, properties, navigations)                      \
    static const struct entity_set variable = {name,        name "Type",       \
                                               properties,  COUNT(properties), \
                                               navigations, COUNT(navigations)}

SET_WITH(orders, "A_PurchaseOrder", order_properties, order_navigations);
SET(order_items, "A_PurchaseOrderItem", order_item_properties);
SET(schedule_lines, "A_PurchaseOrderScheduleLine", schedule_properties);
SET_WITH(suppliers, "A_Supplier", supplier_properties, supplier_navigations);
SET(supplier_companies, "A_SupplierCompany", supplier_company_properties);
SET(supplier_purchasing, "A_SupplierPurchasingOrg", supplier_purchasing_properties);
SET_WITH(invoices, "A_SupplierInvoice", invoice_properties, invoice_navigations);
SET(invoice_items, "A_SuplrInvcItemPurOrdRef", invoice_item_properties);
SET(invoice_accounts, "A_SupplierInvoiceItemGLAcct", invoice_account_properties);

static const struct entity_set *const order_sets[] = {&orders, &order_items,
                                                      &schedule_lines};
static const struct entity_set *const partner_sets[] = {&suppliers, &supplier_companies,
                                                        &supplier_purchasing};
static const struct entity_set *const invoice_sets[] = {&invoices, &invoice_items,
                                                        &invoice_accounts};

static const struct service services[] = {
    {"API_PURCHASEORDER_PROCESS_SRV", order_sets, COUNT(order_sets)},
    {"API_BUSINESS_PARTNER", partner_sets, COUNT(partner_sets)},
    {"API_SUPPLIERINVOICE_PROCESS_SRV", invoice_sets, COUNT(invoice_sets)},
};

const struct service *model_service(struct slice name)
{
    for (size_t i = 0; i < COUNT(services); i++) {
        if (slice_is(name, services[i].name)) {
            return &services[i];
        }
    }
    return NULL;
}

const struct entity_set *model_set(const struct service *service, struct slice name)
{
    for (size_t i = 0; i < service->set_count; i++) {
        if (slice_is(name, service->sets[i]->name)) {
            return service->sets[i];
        }
    }
    return NULL;
}

const struct property *model_property(const struct entity_set *set, struct slice name)
{
    for (size_t i = 0; i < set->property_count; i++) {
        if (slice_is(name, set->properties[i].name)) {
            return &set->properties[i];
        }
    }
    return NULL;
}

const struct navigation *model_navigation(const struct entity_set *set,
                                          struct slice name)
{
    for (size_t i = 0; i < set->navigation_count; i++) {
        if (slice_is(name, set->navigations[i].name)) {
            return &set->navigations[i];
        }
    }
    return NULL;
}

const struct entity_set *model_set_at(size_t n)
{
    for (size_t i = 0; i < COUNT(services); i++) {
        if (n < services[i].set_count) {
            return services[i].sets[n];
        }
        n -= services[i].set_count;
    }
    return NULL;
}
