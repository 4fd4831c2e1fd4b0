/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any JSON as the overrides of an environment and of an account, parted by a zero byte. A layer is
 * refused with a place and a sentence. What comes out, of refused ones too, is the platform's tools
 * with other texts, less those that are told as misfits; what it takes, the platform takes.
 */
#include "fuzz/catalog_fixture.h"

#include "base/limits.h"
#include "catalog/override.h"

struct seen {
    const struct integration *platform;
    size_t misfits;
};

static void on_misfit(void *ctx, const struct override_misfit *misfit)
{
    struct seen *seen = ctx;

    REQUIRE(catalog_tool(seen->platform, misfit->tool) != NULL);
    REQUIRE(misfit->message.len > 0 && slice_starts(misfit->pointer, SLICE("/tools/")));
    seen->misfits++;
}

static void try_check(const struct fixture *fixture, const struct jval *layer,
                      struct arena *arena)
{
    struct schema_problem problem = {SLICE_EMPTY, SLICE_EMPTY};

    if (override_check(fixture->catalog, fixture->integration, layer, arena,
                       &problem) != ERR_OK) {
        REQUIRE(problem.message.len > 0);
        REQUIRE(problem.pointer.len == 0 || problem.pointer.ptr[0] == '/');
    }
}

/* Arguments that some schemas take and others do not. */
static void check_floor(struct arena *arena, const struct tool *tool,
                        const struct tool *platform)
{
    static const char *const some[] = {"{}", "{\"text\":\"a\"}", "{\"region\":\"eu\"}",
                                       "{\"text\":1,\"more\":[]}"};

    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        const struct jval *arguments = fixture_json(arena, some[i]);
        struct split split = {0}, of_platform = {0};
        struct fault fault = {0};

        if (split_arguments(tool, arguments, arena, &split, &fault) == ERR_OK) {
            REQUIRE(split_arguments(platform, arguments, arena, &of_platform, &fault) ==
                    ERR_OK);
        }
    }
}

static void check_tool(struct arena *arena, const struct tool *tool,
                       const struct tool *platform)
{
    struct jval *schema = NULL;

    REQUIRE(platform != NULL && platform->kind == tool->kind);
    REQUIRE(platform->writes == tool->writes && platform->opt_in == tool->opt_in);
    REQUIRE(tool->description.len > 0 && text_is_utf8(tool->description));
    REQUIRE(jval_parse(arena, tool->input_schema, &schema, NULL) == ERR_OK);
    REQUIRE(jval_is(schema, JVAL_OBJECT));
    check_floor(arena, tool, platform);
}

static void try_layers(const struct fixture *fixture, struct arena *arena,
                       const struct jval *const *layers)
{
    struct seen seen = {.platform = fixture->integration};
    struct catalog *catalog = catalog_override(fixture->catalog, fixture->integration,
                                               layers, 2, on_misfit, &seen);
    const struct integration *made = catalog_integration_at(catalog, 0);

    REQUIRE(made != NULL && catalog_integration_at(catalog, 1) == NULL);
    REQUIRE(made->tool_count + seen.misfits == fixture->integration->tool_count);
    for (size_t i = 0; i < made->tool_count; i++) {
        check_tool(arena, made->tools[i],
                   catalog_tool(fixture->integration, made->tools[i]->name));
    }
    catalog_free(catalog);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fixture fixture;
    struct slice rest = input_of(data, size), environment = input_text(&rest);
    struct arena *arena = arena_new();
    struct jval *one = NULL, *two = NULL;

    if (fixture.connector == NULL) {
        fixture_load(&fixture, SLICE("conformance"), "{}");
    }
    if (jval_parse(arena, environment, &one, NULL) == ERR_OK &&
        jval_parse(arena, rest.len > 0 ? rest : SLICE("{}"), &two, NULL) == ERR_OK) {
        const struct jval *const layers[] = {one, two};
        try_check(&fixture, one, arena);
        try_check(&fixture, two, arena);
        try_layers(&fixture, arena, layers);
    }
    arena_free(arena);
    return 0;
}
