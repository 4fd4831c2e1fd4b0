/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deep insert of a purchase order. Decimals are JSON strings, as SAP Gateway wants them: a JSON
 * number is refused, so no amount is ever read as a double here.
 */
#include "mocks/sap/orders.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "mocks/sap/answers.h"
#include "mocks/sap/filter.h"

#define CODE_FACET "/IWCOR/CX_DS_EDM_FACET_ERROR/005056A509B11EE1B9A8FEC11C21578E"
#define NAVIGATION "to_PurchaseOrderItem"
#define SCHEDULE "to_ScheduleLine"
#define ITEMS 200

struct creation {
    struct company *company;
    const struct reading *reading;
    struct response *response;
    const struct entity_set *items;
    char order[16];
    const char *company_code, *currency, *organization;
    bool price_from_material;
};

static bool refuse(struct creation *creation, const char *code, const char *format,
                   struct slice what)
{
    struct slice shown = slice_of(what.ptr, what.len < 60 ? what.len : 60);
    char text[300];
    snprintf(text, sizeof text, "%s%.*s", format, SLICE_ARG(shown));
    answer_error(creation->response, 400, code, slice_str(text));
    return false;
}

/* ---- Typed members ---- */

static bool is_decimal(struct slice text, const struct property *property)
{
    int digits = 0, decimals = 0;
    bool point = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && !point) {
            point = true;
        } else if (c >= '0' && c <= '9') {
            digits++;
            decimals += point;
        } else if (c != '-' || i > 0) {
            return false;
        }
    }
    return digits > 0 && digits <= property->length && decimals <= property->scale;
}

/* "/Date(1795132800000)/" -> "2026-11-20" */
static bool read_date(sqlite3 *db, struct slice text, char out[11])
{
    long long ms = 0;
    char close[3] = "";
    char copy[40];
    if (text.len >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (sscanf(copy, "/Date(%lld%2s", &ms, close) != 2 || strcmp(close, ")/") != 0) {
        return false;
    }
    sqlite3_stmt *stmt = NULL;
    REQUIRE(sqlite3_prepare_v2(db, "SELECT date(?1, 'unixepoch')", -1, &stmt, NULL) ==
            SQLITE_OK);
    sqlite3_bind_int64(stmt, 1, ms / 1000);
    bool ok = sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0) != NULL;
    if (ok) {
        snprintf(out, 11, "%s", (const char *)sqlite3_column_text(stmt, 0));
    }
    sqlite3_finalize(stmt);
    return ok;
}

/* The member as it is stored, in the arena; false after a 400. */
static bool read_value(struct creation *creation, const struct property *property,
                       const json_t *value, struct slice *out)
{
    struct slice text = slice_of(json_string_value(value), json_string_length(value));
    char day[11];
    if (property->type == EDM_BOOLEAN) {
        *out = json_is_true(value) ? SLICE("1") : SLICE("0");
        return json_is_boolean(value) ||
               refuse(creation, CODE_FACET, "Invalid value for property ",
                      slice_str(property->name));
    }
    if (!json_is_string(value)) {
        return refuse(creation, CODE_FACET, "Failed to read property ",
                      slice_str(property->name));
    }
    bool ok = property->type == EDM_DECIMAL ? is_decimal(text, property)
              : property->type == EDM_DATE ? read_date(creation->reading->db, text, day)
                                           : text.len <= (size_t)property->length;
    if (!ok) {
        return refuse(creation, CODE_FACET, "Invalid value for property ",
                      slice_str(property->name));
    }
    struct slice stored =
        property->type == EDM_DATE ? slice_of(day, 10) : filter_stored(property, text);
    *out = arena_slice(creation->reading->arena, stored);
    return true;
}

/* ---- One row ---- */

struct values {
    struct slice texts[64];
    bool given[64];
};

static bool read_members(struct creation *creation, const struct entity_set *set,
                         json_t *object, struct values *out)
{
    const char *name = NULL;
    json_t *value = NULL;
    memset(out, 0, sizeof *out);
    json_object_foreach (object, name, value) {
        const struct property *property = model_property(set, slice_str(name));
        if (strcmp(name, NAVIGATION) == 0 || strcmp(name, SCHEDULE) == 0 ||
            json_is_null(value)) {
            continue;
        }
        if (property == NULL || !(property->traits & TRAIT_CREATABLE)) {
            return refuse(creation, CODE_FACET,
                          "Property is invalid: ", slice_str(name));
        }
        size_t at = (size_t)(property - set->properties);
        if (!read_value(creation, property, value, &out->texts[at])) {
            return false;
        }
        out->given[at] = true;
    }
    return true;
}

static struct slice *place(const struct entity_set *set, struct values *values,
                           const char *name)
{
    return &values->texts[model_property(set, slice_str(name)) - set->properties];
}

static struct slice value_of(const struct entity_set *set, struct values *values,
                             const char *name)
{
    return *place(set, values, name);
}

static void default_to(const struct entity_set *set, struct values *values,
                       const char *name, const char *text)
{
    struct slice *at = place(set, values, name);
    if (at->len == 0) {
        *at = slice_str(text);
    }
}

static void insert_row(struct creation *creation, const struct entity_set *set,
                       const struct values *values)
{
    struct buf sql;
    sqlite3_stmt *stmt = NULL;
    buf_init(&sql, 16 * 1024);
    buf_printf(&sql, "INSERT INTO \"%s\" VALUES (", set->name);
    for (size_t i = 0; i < set->property_count; i++) {
        buf_printf(&sql, "%s?%zu", i > 0 ? "," : "", i + 1);
    }
    buf_append_byte(&sql, ')');
    sqlite3 *db = creation->reading->db;
    REQUIRE(sqlite3_prepare_v2(db, sql.ptr, (int)sql.len, &stmt, NULL) == SQLITE_OK);
    for (size_t i = 0; i < set->property_count; i++) {
        if (values->texts[i].len > 0 || set->properties[i].type == EDM_STRING) {
            sqlite3_bind_text(stmt, (int)i + 1,
                              values->texts[i].ptr != NULL ? values->texts[i].ptr : "",
                              (int)values->texts[i].len, SQLITE_TRANSIENT);
        }
    }
    REQUIRE(sqlite3_step(stmt) == SQLITE_DONE);
    sqlite3_finalize(stmt);
    buf_free(&sql);
}

static bool row_exists(sqlite3 *db, const char *sql, struct slice value)
{
    sqlite3_stmt *stmt = NULL;
    REQUIRE(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK);
    sqlite3_bind_text(stmt, 1, value.ptr, (int)value.len, SQLITE_TRANSIENT);
    bool exists = sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);
    return exists;
}

/* ---- Items ---- */

static bool is_positive(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= '1' && text.ptr[i] <= '9') {
            return text.ptr[0] != '-';
        }
    }
    return false;
}

static bool fill_item(struct creation *creation, struct values *values, size_t index)
{
    const struct entity_set *set = creation->items;
    struct slice material_name = value_of(set, values, "Material");
    const struct material *material = company_material(material_name);
    char number[16];
    if (material == NULL) {
        return refuse(creation, "M3/305", "Material does not exist: ", material_name);
    }
    if (!is_positive(value_of(set, values, "OrderQuantity"))) {
        return refuse(creation, "06/026", "Enter a quantity: ", SLICE(""));
    }
    snprintf(number, sizeof number, "%zu", 10 * (index + 1));
    struct arena *arena = creation->reading->arena;
    *place(set, values, "PurchaseOrder") = slice_str(creation->order);
    *place(set, values, "PurchaseOrderItem") = arena_slice(arena, slice_str(number));
    *place(set, values, "Material") = slice_str(material->name);
    default_to(set, values, "PurchaseOrderItemText", material->text);
    default_to(set, values, "Plant", creation->company_code);
    default_to(set, values, "MaterialGroup", material->group);
    default_to(set, values, "PurchaseOrderQuantityUnit", material->unit);
    default_to(set, values, "OrderPriceUnit", material->unit);
    *place(set, values, "DocumentCurrency") = slice_str(creation->currency);
    if (value_of(set, values, "NetPriceAmount").len == 0) {
        creation->price_from_material = true;
    }
    default_to(set, values, "NetPriceAmount", material->price);
    default_to(set, values, "NetPriceQuantity", "1");
    default_to(set, values, "TaxCode", "V1");
    default_to(set, values, "IsReturnsItem", "0");
    default_to(set, values, "GoodsReceiptIsExpected", "1");
    default_to(set, values, "InvoiceIsExpected", "1");
    default_to(set, values, "IsCompletelyDelivered", "0");
    default_to(set, values, "IsFinallyInvoiced", "0");
    if (!slice_is(value_of(set, values, "Plant"), "1010") &&
        !slice_is(value_of(set, values, "Plant"), "1710")) {
        return refuse(creation, "ME/083",
                      "Enter Plant: ", value_of(set, values, "Plant"));
    }
    return true;
}

/* The bare array and the {"results":[…]} form are both taken. */
static json_t *children_of(json_t *parent, const char *navigation)
{
    json_t *list = json_object_get(parent, navigation);
    return json_is_object(list) ? json_object_get(list, "results") : list;
}

static bool create_schedule(struct creation *creation, json_t *item,
                            struct slice number)
{
    const struct entity_set *set =
        model_set(creation->reading->service, SLICE("A_PurchaseOrderScheduleLine"));
    size_t index = 0;
    json_t *line = NULL;
    json_array_foreach (children_of(item, SCHEDULE), index, line) {
        struct values values;
        char text[24];
        if (!read_members(creation, set, line, &values)) {
            return false;
        }
        snprintf(text, sizeof text, "%zu", index + 1);
        *place(set, &values, "PurchasingDocument") = slice_str(creation->order);
        *place(set, &values, "PurchasingDocumentItem") = number;
        *place(set, &values, "ScheduleLine") = slice_str(text);
        insert_row(creation, set, &values);
    }
    return true;
}

static bool create_items(struct creation *creation, json_t *root)
{
    size_t index = 0;
    json_t *item = NULL;
    json_t *list = children_of(root, NAVIGATION);
    if (json_array_size(list) == 0 || json_array_size(list) > ITEMS) {
        return refuse(creation, "ME/062", "Document contains no items: ", SLICE(""));
    }
    json_array_foreach (list, index, item) {
        struct values values;
        if (!read_members(creation, creation->items, item, &values) ||
            !fill_item(creation, &values, index)) {
            return false;
        }
        insert_row(creation, creation->items, &values);
        struct slice number = value_of(creation->items, &values, "PurchaseOrderItem");
        if (!create_schedule(creation, item, number)) {
            return false;
        }
    }
    return true;
}

/* ---- The header ---- */

static bool fill_header(struct creation *creation, struct values *values)
{
    const struct entity_set *set = creation->reading->set;
    sqlite3 *db = creation->reading->db;
    struct slice supplier = value_of(set, values, "Supplier");
    struct slice organization = value_of(set, values, "PurchasingOrganization");
    if (supplier.len == 0) {
        return refuse(creation, "ME/083", "Enter Supplier", SLICE(""));
    }
    if (!row_exists(db, "SELECT 1 FROM A_Supplier WHERE Supplier = ?1", supplier)) {
        return refuse(creation, "06/317", "Supplier does not exist: ", supplier);
    }
    if (row_exists(
            db,
            "SELECT 1 FROM A_Supplier WHERE Supplier = ?1 AND PostingIsBlocked = '1'",
            supplier)) {
        return refuse(creation, "06/280", "Supplier is blocked: ", supplier);
    }
    if (!company_organization(organization, &creation->company_code,
                              &creation->currency)) {
        return refuse(creation, "ME/083", "Enter Purch. Organization: ", organization);
    }
    default_to(set, values, "CompanyCode", creation->company_code);
    default_to(set, values, "DocumentCurrency", creation->currency);
    struct slice currency = value_of(set, values, "DocumentCurrency");
    creation->currency = arena_copy(creation->reading->arena, currency);
    default_to(set, values, "PurchaseOrderType", "NB");
    default_to(set, values, "PurchasingGroup", "001");
    default_to(set, values, "PaymentTerms", "0004");
    default_to(set, values, "Language", "EN");
    const char *today = company_today(creation->company);
    default_to(set, values, "PurchaseOrderDate", today);
    *place(set, values, "PurchaseOrder") = slice_str(creation->order);
    *place(set, values, "CreationDate") = slice_str(today);
    *place(set, values, "CreatedByUser") = SLICE("CB9980000010");
    *place(set, values, "PurchasingProcessingStatus") = SLICE("02");
    *place(set, values, "ReleaseIsNotCompleted") = SLICE("0");
    *place(set, values, "PurchasingCompletenessStatus") = SLICE("1");
    return true;
}

static void next_number(struct creation *creation)
{
    sqlite3_stmt *stmt = NULL;
    REQUIRE(sqlite3_prepare_v2(creation->reading->db,
                               "SELECT MAX(CAST(PurchaseOrder AS INTEGER)) + 1 FROM "
                               "A_PurchaseOrder",
                               -1, &stmt, NULL) == SQLITE_OK);
    REQUIRE(sqlite3_step(stmt) == SQLITE_ROW);
    snprintf(creation->order, sizeof creation->order, "%lld",
             (long long)sqlite3_column_int64(stmt, 0));
    sqlite3_finalize(stmt);
}

static bool create(struct creation *creation, json_t *root)
{
    struct values values;
    next_number(creation);
    if (!read_members(creation, creation->reading->set, root, &values) ||
        !fill_header(creation, &values)) {
        return false;
    }
    insert_row(creation, creation->reading->set, &values);
    return create_items(creation, root);
}

static void answer_created(struct creation *creation)
{
    struct clause key;
    struct response *response = creation->response;
    struct arena *arena = creation->reading->arena;
    struct slice text = arena_printf(arena, "'%s'", creation->order);
    clause_init(&key);
    REQUIRE(filter_key(&key, creation->reading->set, text, arena));
    response_reset(response, 201);
    response_field(response, "content-type", "application/json;charset=utf-8");
    response_field(response, "dataserviceversion", "2.0");
    response_field(response, "location", "%.*s/A_PurchaseOrder('%s')",
                   SLICE_ARG(creation->reading->base), creation->order);
    if (creation->price_from_material) {
        response_field(
            response, "sap-message",
            "{\"code\":\"06/207\",\"message\":\"Net price was taken from the "
            "material master\",\"severity\":\"warning\",\"target\":\"\","
            "\"details\":[]}");
    }
    REQUIRE(query_entity(creation->reading, &key, NAVIGATION, &response->body));
    clause_free(&key);
}

bool orders_create(struct company *company, const struct reading *reading,
                   struct slice body, struct response *response)
{
    json_error_t error;
    sqlite3 *db = reading->db;
    json_t *root = memchr(body.ptr, 0, body.len) == NULL
                       ? json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, &error)
                       : NULL;
    struct creation creation = {
        .company = company,
        .reading = reading,
        .response = response,
        .items = model_set(reading->service, SLICE("A_PurchaseOrderItem")),
    };
    if (!json_is_object(root)) {
        json_decref(root);
        return refuse(&creation, "005056A509B11EE1B9A8FEC11C21578E",
                      "Error while parsing a JSON document", SLICE(""));
    }
    REQUIRE(sqlite3_exec(db, "SAVEPOINT creation", NULL, NULL, NULL) == SQLITE_OK);
    bool created = create(&creation, root);
    if (!created) {
        REQUIRE(sqlite3_exec(db, "ROLLBACK TO creation", NULL, NULL, NULL) ==
                SQLITE_OK);
    }
    REQUIRE(sqlite3_exec(db, "RELEASE creation", NULL, NULL, NULL) == SQLITE_OK);
    if (created) {
        answer_created(&creation);
    }
    json_decref(root);
    return created;
}
