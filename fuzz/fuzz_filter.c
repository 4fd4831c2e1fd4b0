/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any JSON as the filters of an MCP server: refused with a place and a sentence, or it leaves
 * tools. What it shows, each list allows by a second reading; and set once, without a look at
 * the catalog, it shows the same.
 */
#include "fuzz/catalog_fixture.h"

static bool lists(const struct jval *config, const char *member, struct slice name)
{
    const struct jval *list = jval_get(config, member);

    for (size_t i = 0; jval_is(list, JVAL_ARRAY) && i < list->count; i++) {
        if (slice_eq(jval_text(&list->items[i]), name)) {
            return true;
        }
    }
    return false;
}

static bool is_given(const struct jval *config, const char *member)
{
    return jval_is(jval_get(config, member), JVAL_ARRAY);
}

static const char *kind_of(const struct tool *tool)
{
    if (tool->kind == METHOD_CUSTOM) {
        return "custom";
    }
    return tool->kind == METHOD_LIST || tool->kind == METHOD_GET ? "read" : "write";
}

static bool tags_show(const struct jval *config, const struct tool *tool)
{
    for (size_t i = 0; i < tool->tag_count; i++) {
        if (lists(config, "tags", tool->tags[i])) {
            return true;
        }
    }
    return !is_given(config, "tags");
}

static bool is_shown(const struct jval *config, const struct tool *tool)
{
    bool is_named =
        lists(config, "methods", tool->method) || lists(config, "tools", tool->name);

    return (!tool->opt_in || is_named) && tags_show(config, tool) &&
           (!is_given(config, "tools") || lists(config, "tools", tool->name)) &&
           (!is_given(config, "methods") || lists(config, "methods", tool->method) ||
            lists(config, "methods", slice_str(kind_of(tool))));
}

/* The tool that asks how long work goes is shown with the one that starts it. */
static bool is_shown_or_follows(const struct integration *integration,
                                const struct jval *config, const struct tool *tool)
{
    bool shown = is_shown(config, tool);

    for (size_t i = 0; tool->polls && i < integration->tool_count; i++) {
        shown = shown || (slice_eq(integration->tools[i]->poll_tool, tool->name) &&
                          is_shown(config, integration->tools[i]));
    }
    return shown;
}

static void try_filter(const struct integration *integration, struct arena *arena,
                       const struct jval *config)
{
    struct schema_problem problem = {SLICE_EMPTY, SLICE_EMPTY};
    struct filter *filter = NULL, *as_set = NULL;
    size_t shown = 0;

    if (filter_compile(arena, integration, config, &filter, &problem) != ERR_OK) {
        REQUIRE(problem.message.len > 0);
        REQUIRE(problem.pointer.len == 0 || problem.pointer.ptr[0] == '/');
        return;
    }
    REQUIRE(filter_compile(arena, NULL, config, &as_set, &problem) == ERR_OK);
    for (size_t i = 0; i < integration->tool_count; i++) {
        const struct tool *tool = integration->tools[i];
        bool allowed = filter_allows(filter, tool);
        REQUIRE(allowed == is_shown_or_follows(integration, config, tool));
        REQUIRE(allowed == filter_allows(as_set, tool));
        shown += allowed ? 1 : 0;
    }
    REQUIRE(shown > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fixture fixtures[2]; /* many tools; tools that start long work */
    struct arena *arena = arena_new();
    struct jval *config = NULL;

    if (fixtures[0].connector == NULL) {
        fixture_load(&fixtures[0], SLICE("netsuite"), "{\"account_id\":\"1234567\"}");
        fixture_load(&fixtures[1], SLICE("conformance"), "{}");
    }
    if (jval_parse(arena, input_of(data, size), &config, NULL) == ERR_OK &&
        config->type == JVAL_OBJECT) {
        try_filter(fixtures[0].integration, arena, config);
        try_filter(fixtures[1].integration, arena, config);
    }
    arena_free(arena);
    return 0;
}
