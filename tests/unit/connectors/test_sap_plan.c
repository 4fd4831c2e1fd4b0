/* SPDX-License-Identifier: Apache-2.0 */
/* What a catalog may say of a SAP method, and where it is wrong when it may not. */
#include "tests/unit/connectors/sap_world.h"

#define PLACE "\"service\":\"/sap/opu/odata/sap/X\",\"entity_set\":\"A_Supplier\""
#define TYPES                                                                      \
    "\"properties\":{\"Supplier\":\"String(10)\",\"SupplierName\":\"String(80)\"," \
    "\"VATRegistration\":\"String(20)\",\"CreationDate\":\"DateTime\"}"
#define FILTERS                                                                      \
    "\"filters\":{\"name_contains\":{\"property\":\"SupplierName\",\"op\":"          \
    "\"contains\"},"                                                                 \
    "\"tax_id\":{\"property\":\"VATRegistration\",\"op\":\"eq\"},\"created_from\":{" \
    "\"property\":\"CreationDate\",\"op\":\"ge\"},\"is_inactive\":{\"values\":{"     \
    "\"true\":\"A eq true\",\"false\":\"A eq false\"}}}"
#define SELECT "\"select\":[\"Supplier\"]"
#define ORDER "\"order_by\":\"Supplier\""
#define LIST "{" PLACE "," TYPES "," SELECT "," FILTERS "," ORDER "}"

struct broken {
    const char *part, *by, *pointer;
};

static struct slice replaced(struct arena *arena, const char *text, const char *part,
                             const char *by)
{
    const char *found = strstr(text, part);

    if (found == NULL) {
        fail_msg("%s is not in %s", part, text);
    }
    return arena_printf(arena, "%.*s%s%s", (int)(found - text), text, by,
                        found + strlen(part));
}

static enum err compile_for(const struct sap_world *world, const char *tool,
                            const char *upstream, struct schema_problem *problem)
{
    const void *plan = NULL;
    const struct tool *found =
        tool != NULL ? catalog_tool(world->integration, slice_str(tool)) : NULL;
    enum err err = world->connector->compile(
        world->arena, world_json(world->arena, upstream), found, &plan, problem);

    assert_true((plan != NULL) == (err == ERR_OK));
    return err;
}

static void assert_broken(const char *tool, const char *right,
                          const struct broken *cases, size_t count)
{
    struct sap_world world = sap_world_new();
    struct schema_problem problem;

    if (compile_for(&world, tool, right, &problem) != ERR_OK) {
        fail_msg("%.*s: %.*s", SLICE_ARG(problem.pointer), SLICE_ARG(problem.message));
    }
    for (size_t i = 0; i < count; i++) {
        struct slice text = replaced(world.arena, right, cases[i].part, cases[i].by);

        problem = (struct schema_problem){SLICE_EMPTY, SLICE_EMPTY};
        if (compile_for(&world, tool, text.ptr, &problem) != ERR_UNPROCESSABLE) {
            fail_msg("compiled: %s", text.ptr);
        }
        if (!slice_is(problem.pointer, cases[i].pointer)) {
            fail_msg("%s: %.*s (%.*s)", text.ptr, SLICE_ARG(problem.pointer),
                     SLICE_ARG(problem.message));
        }
        assert_true(problem.message.len > 0);
    }
    sap_world_free(&world);
}

#define ASSERT_BROKEN(tool, right, cases) \
    assert_broken(tool, right, cases, sizeof(cases) / sizeof(cases)[0])

static void test_mistakes_in_a_list_are_named(void **state)
{
    static const struct broken cases[] = {
        {"/sap/opu", "sap/opu", "/service"},
        {"/sap/opu", "/sap/../opu", "/service"},
        {"/sap/opu", "/sap//opu", "/service"},
        {"sap/X", "sap/X?a", "/service"},
        {"sap/X", "sap/X/", "/service"},
        {"sap/X", "sap/%58", "/service"},
        {"A_Supplier", "A/B", "/entity_set"},
        {"A_Supplier", "1A", "/entity_set"},
        {SELECT, "\"select\":[]", "/select"},
        {SELECT, "\"select\":\"*\"", "/select"},
        {SELECT, "\"select\":[\"A\",\"*\"]", "/select/1"},
        {SELECT, "\"select\":[\"to_X/A\"]", "/select/0"},
        {SELECT, "\"select\":[\"A\"],\"expand\":[\"to X\"]", "/expand/0"},
        {SELECT, "\"select\":[\"A\"],\"where\":\"A eq 'x\"", "/where"},
        {SELECT, "\"select\":[\"A\"],\"where\":\"A) or (B\"", "/where"},
        {SELECT, "\"select\":[\"A\"],\"where\":\"\"", "/where"},
        {SELECT, "\"select\":[\"A\"],\"key\":[\"A\"]", "/key"},
        {SELECT, "\"select\":[\"A\"],\"body\":{}", "/body"},
        {SELECT, "\"select\":[\"A\"],\"derive\":{}", "/derive"},
        {ORDER, "\"order_by\":\"\"", "/order_by"},
        {ORDER, "\"order_by\":\"A desc,B;C\"", "/order_by"},
        {"," ORDER, "", "/order_by"},
        {"\"op\":\"eq\"", "\"op\":\"in\"", "/filters/tax_id/op"},
        {"\"op\":\"ge\"", "\"op\":\"contains\"", "/filters/created_from/op"},
        {"\"property\":\"VATRegistration\"", "\"property\":\"V eq 1\"",
         "/filters/tax_id/property"},
        {"\"property\":\"VATRegistration\"", "\"property\":\"Untyped\"",
         "/filters/tax_id/property"},
        {"\"String(20)\"", "\"Text\"", "/properties/VATRegistration"},
        {"\"op\":\"eq\"", "\"op\":\"eq\",\"sql\":\"x\"", "/filters/tax_id/sql"},
        {"\"tax_id\":{", "\"vat_id\":{", "/filters/vat_id"},
        {"\"A eq true\"", "\"A eq 'true\"", "/filters/is_inactive/values/true"},
        {"{\"true\":\"A eq true\",\"false\":\"A eq false\"}", "{}",
         "/filters/is_inactive/values"},
        {FILTERS, "\"filters\":[]", "/filters"},
        /* an argument that nothing reads */
        {"\"tax_id\":{\"property\":\"VATRegistration\",\"op\":\"eq\"},", "", ""},
    };

    (void)state;
    ASSERT_BROKEN("list_all_sap_vendors", LIST, cases);
}

static void test_mistakes_in_a_get_are_named(void **state)
{
    static const char right[] =
        "{" PLACE "," TYPES ",\"key\":[\"Supplier\"]," SELECT "}";
    static const struct broken cases[] = {
        {"\"key\":[\"Supplier\"],", "", "/key"},
        {"\"key\":[\"Supplier\"]", "\"key\":[]", "/key"},
        {"\"key\":[\"Supplier\"]", "\"key\":[\"Other\"]", "/key"},
        {"\"key\":[\"Supplier\"]", "\"key\":[\"SupplierName\"]", "/select"},
        {"\"key\":[\"Supplier\"]",
         "\"key\":[\"Supplier\",\"Supplier\",\"Supplier\",\"Supplier\",\"Supplier\"]",
         "/key"},
        {SELECT, SELECT "," ORDER, "/order_by"},
    };

    (void)state;
    ASSERT_BROKEN("get_single_sap_vendor_by_id", right, cases);
}

static void test_mistakes_in_a_create_are_named(void **state)
{
#define ITEMS                                                                \
    "\"items\":{\"property\":\"to_Item\",\"form\":\"results\",\"members\":{" \
    "\"quantity\":{"                                                         \
    "\"property\":\"Quantity\"}}}"
#define MEMBER(name) "\"" name "\":{\"property\":\"A\"}"
    static const char right[] =
        "{" PLACE ",\"properties\":{\"A\":\"String\",\"Supplier\":\"String(10)\","
        "\"Type\":\"String(4)\",\"to_Item/Quantity\":\"Decimal(13,3)\",\"to_Item/"
        "Plant\":"
        "\"String(4)\"},\"body\":{\"supplier\":{\"property\":\"Supplier\"},\"order_"
        "type\":"
        "{\"property\":\"Type\",\"default\":\"NB\"},\"plant\":{\"property\":\"Plant\","
        "\"each\":\"to_Item\"}," ITEMS
        "," MEMBER("purchasing_org") "," MEMBER("purchasing_group") "," MEMBER(
            "company"
            "_code") "," MEMBER("document_currency") "," MEMBER("date") "," MEMBER("ext"
                                                                                   "ern"
                                                                                   "al_"
                                                                                   "id") "},"
                                                                                         "\"fixed"
                                                                                         "\":{"
                                                                                         "\"A\":"
                                                                                         "\"x\"}}";
    static const struct broken cases[] = {
        {"\"supplier\":{", "\"vendor\":{", "/body/vendor"},
        {"\"property\":\"Supplier\"", "\"property\":\"Supp lier\"",
         "/body/supplier/property"},
        {"\"property\":\"Supplier\"", "\"property\":\"Untyped\"", "/body/supplier"},
        {"\"property\":\"Supplier\"", "\"property\":\"Supplier\",\"x\":1",
         "/body/supplier/x"},
        {"\"default\":\"NB\"", "\"default\":\"TOOLONG\"", "/body/order_type/default"},
        {"\"default\":\"NB\"", "\"default\":7", "/body/order_type/default"},
        {"\"form\":\"results\"", "\"form\":\"list\"", "/body/items/form"},
        {"\"property\":\"Quantity\"", "\"property\":\"Untyped\"",
         "/body/items/members/quantity"},
        {"\"each\":\"to_Item\"", "\"each\":\"to_Item\",\"in\":\"to_Item\"",
         "/body/plant"},
        {"\"each\":\"to_Item\"", "\"each\":\"to Item\"", "/body/plant"},
        {"\"fixed\":{\"A\":\"x\"}", "\"fixed\":{\"Untyped\":\"x\"}", "/fixed/Untyped"},
        {"\"fixed\":{\"A\":\"x\"}", "\"fixed\":{\"Supplier\":\"01234567890\"}",
         "/fixed/Supplier/default"},
        {"\"fixed\":{\"A\":\"x\"}", "\"fixed\":[]", "/fixed"},
        {"," MEMBER("external_id"), "", ""},
    };

    (void)state;
    ASSERT_BROKEN("create_a_sap_purchase_order", right, cases);
}

static void test_mistakes_in_what_is_derived_are_named(void **state)
{
#define DERIVED(text) "\"derive\":[" text "]"
    static const char right[] =
        "{" PLACE "," TYPES ",\"key\":[\"Supplier\"]," SELECT
        "," DERIVED("{\"name\":\"_id\",\"join\":[\"A\",\"B\"]}") "}";
#define CASE(text, pointer)                                                          \
    {                                                                                \
        DERIVED("{\"name\":\"_id\",\"join\":[\"A\",\"B\"]}"), DERIVED(text), pointer \
    }
    static const struct broken cases[] = {
        CASE("{}", "/derive/0"),
        CASE("{\"name\":\"_x\"}", "/derive/0"),
        CASE("{\"join\":[\"A\"]}", "/derive/0/name"),
        CASE("{\"name\":\"_x y\",\"join\":[\"A\"]}", "/derive/0/name"),
        CASE("{\"name\":\"_x\",\"join\":[]}", "/derive/0/join"),
        CASE("{\"name\":\"_x\",\"join\":[\"A B\"]}", "/derive/0/join/0"),
        CASE("{\"name\":\"_x\",\"join\":[\"A\"],\"per\":\"B\"}", "/derive/0/per"),
        CASE("{\"name\":\"_x\",\"product\":[\"A\"],\"currency\":\"C\"}",
             "/derive/0/product"),
        CASE("{\"name\":\"_x\",\"product\":[\"A\",\"B\"]}", "/derive/0/currency"),
        CASE("{\"name\":\"_x\",\"product\":[\"A\",\"B\"],\"currency\":\"C\",\"same\":["
             "\"D\"]}",
             "/derive/0/same"),
        CASE("{\"name\":\"_x\",\"product\":[\"A\",\"B\"],\"currency\":\"C\","
             "\"negative_when\":{}}",
             "/derive/0/negative_when"),
        CASE("{\"name\":\"_x\",\"product\":[\"A\",\"B\"],\"currency\":\"C\","
             "\"negative_when\":{\"A\":\"x\"}}",
             "/derive/0/negative_when/A"),
        CASE("{\"name\":\"_x\",\"product\":[\"A\",\"B\"],\"currency\":\"C\","
             "\"negative_when\":{\"A\":[true]}}",
             "/derive/0/negative_when/A"),
        CASE("{\"name\":\"_x\",\"sum\":\"_a\",\"currency\":\"C\"}", "/derive/0/of"),
        CASE("{\"name\":\"_x\",\"rules\":[],\"otherwise\":\"o\"}", "/derive/0/rules"),
        CASE("{\"name\":\"_x\",\"rules\":[{\"is\":\"a\",\"when\":{\"A\":[\"x\"]}}]}",
             "/derive/0/otherwise"),
        CASE(
            "{\"name\":\"_x\",\"otherwise\":\"o\",\"rules\":[{\"when\":{\"A\":[\"x\"]}}"
            "]}",
            "/derive/0/rules/0/is"),
        CASE("{\"name\":\"_x\",\"otherwise\":\"o\",\"rules\":[{\"is\":\"a\",\"every\":"
             "\"to_I\"}]}",
             "/derive/0/rules/0/any"),
        CASE("{\"name\":\"_x\",\"otherwise\":\"o\",\"rules\":[{\"is\":\"a\",\"any\":[{"
             "\"A\":[\"x\"]}]}]}",
             "/derive/0/rules/0/every"),
        CASE("{\"name\":\"_x\",\"date\":\"D\"}", "/derive/0/plus_days"),
        CASE("{\"name\":\"_x\",\"signed\":7}", "/derive/0/signed"),
        CASE("{\"name\":\"_x\",\"concat\":\"A\"}", "/derive/0/concat"),
        CASE("7", "/derive/0"),
    };

    (void)state;
    ASSERT_BROKEN("get_single_sap_vendor_by_id", right, cases);
}

static void test_the_check_of_a_connection_takes_no_more_than_it_needs(void **state)
{
    static const char right[] = "{" PLACE "," SELECT "}";
    static const struct broken cases[] = {
        {SELECT, SELECT "," ORDER, "/order_by"},
        {SELECT, SELECT ",\"filters\":{}", "/filters"},
        {"," SELECT, "", "/select"},
    };

    (void)state;
    ASSERT_BROKEN(NULL, right, cases);
}

/* ---- The shipped catalog ---- */

static const struct jval *input_of(const struct sap_world *world,
                                   const struct tool *tool)
{
    struct jval *schema = NULL;

    assert_int_equal(jval_parse(world->arena, tool->input_schema, &schema, NULL),
                     ERR_OK);
    return jval_get(schema, "properties");
}

/* Every value that a documented enum allows has its condition, and no other has one. */
static void test_choices_of_the_catalog_are_those_of_its_documentation(void **state)
{
    struct sap_world world = sap_world_new();
    size_t checked = 0;

    (void)state;
    for (size_t i = 0; i < world.integration->tool_count; i++) {
        const struct tool *tool = world.integration->tools[i];
        const struct jval *filters = jval_get(tool->upstream, "filters");
        const struct jval *properties = input_of(&world, tool);
        for (size_t f = 0; filters != NULL && f < filters->count; f++) {
            const struct jval *values = jval_get(&filters->members[f].value, "values");
            const struct jval *property =
                jval_member(properties, filters->members[f].name);
            const struct jval *allowed = jval_get(property, "enum");
            assert_non_null(property);
            if (values == NULL) {
                assert_null(allowed);
                continue;
            }
            checked++;
            assert_int_equal(values->count, allowed != NULL ? allowed->count : 2);
            for (size_t v = 0; v < values->count; v++) {
                bool found =
                    allowed == NULL && (slice_is(values->members[v].name, "true") ||
                                        slice_is(values->members[v].name, "false"));
                for (size_t a = 0; allowed != NULL && a < allowed->count; a++) {
                    found = found || slice_eq(jval_text(&allowed->items[a]),
                                              values->members[v].name);
                }
                assert_true(found);
            }
        }
    }
    assert_true(checked >= 5);
    sap_world_free(&world);
}

/* What may be said of an item is sent, and what is sent may be said. */
static void test_items_take_what_their_documentation_names(void **state)
{
    struct sap_world world = sap_world_new();
    size_t checked = 0;

    (void)state;
    for (size_t i = 0; i < world.integration->tool_count; i++) {
        const struct tool *tool = world.integration->tools[i];
        const struct jval *body = jval_get(tool->upstream, "body");
        for (size_t b = 0; body != NULL && b < body->count; b++) {
            const struct jval *members = jval_get(&body->members[b].value, "members");
            const struct jval *argument =
                jval_member(input_of(&world, tool), body->members[b].name);
            const struct jval *named =
                jval_get(jval_get(argument, "items"), "properties");
            assert_true((members == NULL) == (named == NULL));
            for (size_t m = 0; members != NULL && m < members->count; m++) {
                assert_int_equal(members->count, named->count);
                assert_non_null(jval_member(named, members->members[m].name));
                checked++;
            }
        }
    }
    assert_true(checked >= 8);
    sap_world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes_in_a_list_are_named),
        cmocka_unit_test(test_mistakes_in_a_get_are_named),
        cmocka_unit_test(test_mistakes_in_a_create_are_named),
        cmocka_unit_test(test_mistakes_in_what_is_derived_are_named),
        cmocka_unit_test(test_the_check_of_a_connection_takes_no_more_than_it_needs),
        cmocka_unit_test(test_choices_of_the_catalog_are_those_of_its_documentation),
        cmocka_unit_test(test_items_take_what_their_documentation_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
