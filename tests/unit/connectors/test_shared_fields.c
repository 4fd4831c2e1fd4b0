/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One shape for all ERPs: a resource that several integrations have returns the same
 * fields everywhere, of the same types, in the same order, and begins with those that
 * the product promises.
 */
#include "tests/unit/connectors/sap_world.h"

struct promise {
    const char *resource;
    const char *fields[16]; /* NULL behind the last one; "x?" is a boolean */
};

static const struct promise promises[] = {
    {"invoices",
     {"id", "number", "external_id", "party_id", "party_name", "status", "currency",
      "total", "amount_due", "date", "due_date", "reference", "memo", NULL}},
    {"vendor_bills",
     {"id", "number", "external_id", "party_id", "party_name", "status", "currency",
      "total", "amount_due", "date", "due_date", "reference", "memo", NULL}},
    {"purchase_orders",
     {"id", "number", "external_id", "party_id", "party_name", "status", "currency",
      "total", "date", "memo", NULL}},
    {"sales_orders",
     {"id", "number", "external_id", "party_id", "party_name", "status", "currency",
      "total", "date", "memo", NULL}},
    {"customers",
     {"id", "number", "name", "email", "phone", "currency", "terms", "tax_id",
      "is_inactive?", NULL}},
    {"vendors",
     {"id", "number", "name", "email", "phone", "currency", "terms", "tax_id",
      "is_inactive?", NULL}},
    {"accounts", {"id", "number", "name", "type", "currency", "is_inactive?", NULL}},
    {"journal_entries",
     {"id", "number", "date", "period", "currency", "status", "memo", "reversal_date",
      NULL}},
};

static const struct promise *promise_of(const struct tool *tool)
{
    for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++) {
        if (slice_is(tool->resource, promises[i].resource)) {
            return &promises[i];
        }
    }
    return NULL;
}

static void assert_promised(const struct tool *tool, const struct promise *promise)
{
    for (size_t i = 0; promise->fields[i] != NULL; i++) {
        struct slice name = slice_str(promise->fields[i]);
        enum field_type type = FIELD_STRING;

        if (name.ptr[name.len - 1] == '?') {
            type = FIELD_BOOLEAN;
            name.len--;
        }
        if (i >= tool->field_count || !slice_eq(tool->fields[i].name, name) ||
            tool->fields[i].type != type) {
            fail_msg("%.*s: field %zu is not %.*s", SLICE_ARG(tool->name), i,
                     SLICE_ARG(name));
        }
    }
}

static void test_every_tool_returns_what_is_promised_of_its_resource(void **state)
{
    struct sap_world world = sap_world_new();
    const struct integration *integration;
    size_t seen = 0;

    (void)state;
    for (size_t i = 0; (integration = catalog_integration_at(world.catalog, i)) != NULL;
         i++) {
        for (size_t n = 0; n < integration->tool_count; n++) {
            const struct tool *tool = integration->tools[n];
            const struct promise *promise = promise_of(tool);

            if (promise != NULL && tool->kind != METHOD_DELETE) {
                assert_promised(tool, promise);
                seen++;
            }
        }
    }
    assert_true(seen >= 14);
    sap_world_free(&world);
}

static void assert_same_fields(const struct tool *a, const struct tool *b)
{
    if (a->field_count != b->field_count) {
        fail_msg("%.*s has %zu fields, %.*s has %zu", SLICE_ARG(a->name),
                 a->field_count, SLICE_ARG(b->name), b->field_count);
    }
    for (size_t i = 0; i < a->field_count; i++) {
        if (!slice_eq(a->fields[i].name, b->fields[i].name) ||
            a->fields[i].type != b->fields[i].type ||
            a->fields[i].sensitivity != b->fields[i].sensitivity) {
            fail_msg("%.*s and %.*s differ in field %.*s", SLICE_ARG(a->name),
                     SLICE_ARG(b->name), SLICE_ARG(a->fields[i].name));
        }
    }
}

static void test_shared_resources_have_the_same_fields_in_every_erp(void **state)
{
    struct sap_world world = sap_world_new();
    const struct integration *a, *b;
    size_t compared = 0;

    (void)state;
    for (size_t i = 0; (a = catalog_integration_at(world.catalog, i)) != NULL; i++) {
        for (size_t j = i + 1; (b = catalog_integration_at(world.catalog, j)) != NULL;
             j++) {
            for (size_t n = 0; n < a->tool_count; n++) {
                for (size_t m = 0; m < b->tool_count; m++) {
                    const struct tool *left = a->tools[n], *right = b->tools[m];

                    if (slice_eq(left->resource, right->resource) &&
                        slice_eq(left->method, right->method)) {
                        assert_same_fields(left, right);
                        compared++;
                    }
                }
            }
        }
    }
    assert_true(compared >= 1); /* vendor_bills.list */
    sap_world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_tool_returns_what_is_promised_of_its_resource),
        cmocka_unit_test(test_shared_resources_have_the_same_fields_in_every_erp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
