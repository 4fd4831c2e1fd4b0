/* SPDX-License-Identifier: Apache-2.0 */
/* Layers over the platform's tools: what they come to, and what is left out. */
#include "catalog/override.h"

#include "tests/unit/catalog/fixture.h"

#define LIST "list_all_demo_orders"
#define CREATE "create_a_demo_order"

struct bench {
    struct fixture *fixture;
    const struct integration *demo;
    struct catalog *over;
    const struct integration *made; /* demo, with the layers */
    int misfits;
    char pointer[256];
};

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);

    assert_non_null(bench);
    bench->fixture = fixture_new();
    bench->demo = fixture_load(bench->fixture);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;

    catalog_free(bench->over);
    fixture_free(bench->fixture);
    free(bench);
    return 0;
}

static void on_misfit(void *ctx, const struct override_misfit *misfit)
{
    struct bench *bench = ctx;

    bench->misfits++;
    snprintf(bench->pointer, sizeof bench->pointer, "%.*s", SLICE_ARG(misfit->pointer));
    assert_true(misfit->message.len > 0);
}

/* The layers' quotes are single ones. `upper` NULL: one layer. */
static void lay(struct bench *bench, const char *lower, const char *upper)
{
    const struct jval *layers[2] = {fixture_json(bench->fixture, lower)};
    size_t count = 1;

    if (upper != NULL) {
        layers[count++] = fixture_json(bench->fixture, upper);
    }
    catalog_free(bench->over);
    bench->misfits = 0;
    bench->pointer[0] = '\0';
    bench->over = catalog_override(bench->fixture->catalog, bench->demo, layers, count,
                                   on_misfit, bench);
    bench->made = catalog_integration(bench->over, SLICE("demo"));
    assert_non_null(bench->made);
}

static const struct tool *tool(const struct bench *bench, const char *name)
{
    return catalog_tool(bench->made, slice_str(name));
}

static enum err split(struct bench *bench, const char *name, const char *arguments)
{
    struct fault fault = {0};
    struct split out;

    return split_arguments(tool(bench, name), fixture_json(bench->fixture, arguments),
                           bench->fixture->arena, &out, &fault);
}

static void test_texts_of_two_layers(void **state)
{
    struct bench *bench = *state;

    lay(bench,
        "{'instructions':{'demo':'Low.'},'tools':{'" LIST
        "':{'description':'One.','instructions':'Two.'}}}",
        "{'tools':{'" LIST "':{'description':'Three.'}}}");
    assert_int_equal(bench->misfits, 0);
    assert_slice(tool(bench, LIST)->description, "Three.\n\nTwo.");
    assert_slice(bench->made->instructions, "Read first.\n\nLow.");
    assert_int_equal(bench->made->tool_count, bench->demo->tool_count);
    assert_ptr_equal(tool(bench, LIST)->input,
                     catalog_tool(bench->demo, SLICE(LIST))->input);
    assert_null(tool(bench, LIST)->floor);
    assert_true(tool(bench, LIST)->list_bytes !=
                catalog_tool(bench->demo, SLICE(LIST))->list_bytes);

    lay(bench, "{'instructions':{'demo':'Low.'}}", "{'instructions':{'demo':null}}");
    assert_slice(bench->made->instructions, "Read first.");
    assert_slice(tool(bench, LIST)->description, "Lists orders.");
}

static void test_a_schema_narrows_and_the_platforms_still_holds(void **state)
{
    struct bench *bench = *state;

    lay(bench,
        "{'tools':{'" LIST "':{'schema':{'properties':{'status':{'enum':['open','x']},"
        "'since':null},'required':['status']}}}}",
        NULL);
    assert_int_equal(bench->misfits, 0);
    assert_int_equal(split(bench, LIST, "{'status':'open'}"), ERR_OK);
    assert_int_equal(split(bench, LIST, "{'status':'closed'}"), ERR_INVALID_ARGUMENTS);
    assert_int_equal(split(bench, LIST, "{'status':'x'}"), ERR_INVALID_ARGUMENTS);
    assert_int_equal(split(bench, LIST, "{}"), ERR_INVALID_ARGUMENTS);
    assert_int_equal(split(bench, LIST, "{'status':'open','since':'2026-01-01'}"),
                     ERR_INVALID_ARGUMENTS);
    /* Where nothing is said, nothing changes. */
    assert_int_equal(split(bench, CREATE, "{'customer':'7'}"), ERR_OK);
}

static void
test_a_null_in_the_upper_layer_takes_out_what_the_lower_brought(void **state)
{
    struct bench *bench = *state;

    lay(bench,
        "{'tools':{'" LIST "':{'schema':{'properties':{'status':{'const':'open'}}}}}}",
        "{'tools':{'" LIST "':{'schema':{'properties':{'status':{'const':null}}}}}}");
    assert_int_equal(bench->misfits, 0);
    assert_int_equal(split(bench, LIST, "{'status':'closed'}"), ERR_OK);
    assert_null(tool(bench, LIST)->floor);
}

static void test_a_tool_that_is_none_is_left_out_alone(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *layer, *pointer;
    } cases[] = {
        {"{'tools':{'" CREATE "':{'schema':{'properties':{'customer':null}}}}}",
         "/tools/" CREATE "/schema/properties/customer"},
        {"{'tools':{'" CREATE "':{'schema':{'required':[]}}}}",
         "/tools/" CREATE "/schema/required"},
        {"{'tools':{'" CREATE "':{'schema':{'properties':{'memo':{'pattern':'('}}}}}}",
         "/tools/" CREATE "/schema/properties/memo/pattern"},
        {"{'tools':{'" CREATE
         "':{'schema':{'properties':{'more':{'type':'string'}}}}}}",
         "/tools/" CREATE "/schema/properties/more"},
        {"{'tools':{'" CREATE "':{'description':null}}}",
         "/tools/" CREATE "/description"},
        {"{'tools':{'" CREATE "':{'schema':null}}}", "/tools/" CREATE "/schema"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lay(bench, cases[i].layer, NULL);
        assert_int_equal(bench->misfits, 1);
        assert_string_equal(bench->pointer, cases[i].pointer);
        assert_null(tool(bench, CREATE));
        assert_non_null(tool(bench, LIST));
        assert_int_equal(bench->made->tool_count, bench->demo->tool_count - 1);
    }
}

static void test_it_holds_the_catalog_below(void **state)
{
    struct bench *bench = *state;

    lay(bench, "{'tools':{'" LIST "':{'description':'Mine.'}}}", NULL);
    catalog_free(bench->fixture->catalog);
    bench->fixture->catalog = NULL;
    assert_int_equal(split(bench, LIST, "{'status':'open'}"), ERR_OK);
    assert_slice(tool(bench, LIST)->fields[0].name, "id");
}

static void test_names_are_looked_up_where_they_may_stand(void **state)
{
    struct bench *bench = *state;
    struct schema_problem problem = {SLICE_EMPTY, SLICE_EMPTY};
    struct arena *arena = bench->fixture->arena;
    const struct catalog *catalog = bench->fixture->catalog;
    const struct jval *layer =
        fixture_json(bench->fixture, "{'tools':{'" LIST "':{'instructions':'x'}}}");

    assert_int_equal(override_check(catalog, bench->demo, layer, arena, &problem),
                     ERR_OK);
    assert_int_equal(override_check(catalog, NULL, layer, arena, &problem), ERR_OK);
    layer = fixture_json(bench->fixture, "{'tools':{'gone':{}}}");
    assert_int_equal(override_check(catalog, NULL, layer, arena, &problem),
                     ERR_UNPROCESSABLE);
    assert_slice(problem.pointer, "/tools/gone");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_texts_of_two_layers),
        TEST(test_a_schema_narrows_and_the_platforms_still_holds),
        TEST(test_a_null_in_the_upper_layer_takes_out_what_the_lower_brought),
        TEST(test_a_tool_that_is_none_is_left_out_alone),
        TEST(test_it_holds_the_catalog_below),
        TEST(test_names_are_looked_up_where_they_may_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
