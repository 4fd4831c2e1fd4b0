/* SPDX-License-Identifier: Apache-2.0 */
/* Catalog data meets connector code. */
#include "cli/catalogs.h"

#include <stdio.h>

#include "cli/command.h"
#include "connectors/connector.h"

/* A folder that no connector belongs to is read as well: its error says so. */
static bool serves(void *ctx, struct slice integration)
{
    const struct catalogs_choice *choice = ctx;
    const struct config_list *enabled = choice->enabled;
    const struct connector *connector = connector_find(integration);
    if (connector == NULL || !connector->opt_in || enabled == NULL) {
        return true;
    }
    for (size_t i = 0; i < enabled->count; i++) {
        if (slice_eq(enabled->items[i], integration)) {
            return true;
        }
    }
    return false;
}

struct catalog_compiler catalogs_compiler(struct catalogs_choice *choice)
{
    return (struct catalog_compiler){connector_compile, choice, serves};
}

int catalogs_load(struct slice directory, const struct catalog_compiler *compiler,
                  struct catalog_watch *watch, struct arena *arena,
                  struct catalog **out)
{
    struct catalog_problem problem = {SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY};
    struct slice path = arena_slice(arena, directory);
    if (catalog_load(path.ptr, compiler, watch, out, arena, &problem) == ERR_OK) {
        return 0;
    }
    return command_fail("catalog: %.*s%s%.*s: %.*s", SLICE_ARG(problem.file),
                        problem.pointer.len > 0 ? " at " : "",
                        SLICE_ARG(problem.pointer), SLICE_ARG(problem.message));
}

/* What no account can have is counted and not listed. */
static void list_tools(const struct integration *integration, bool is_served)
{
    printf("%.*s: %zu tools%s\n", SLICE_ARG(integration->name), integration->tool_count,
           is_served ? "" : ", off: not in integrations.enable");
    for (size_t i = 0; is_served && i < integration->tool_count; i++) {
        const struct tool *tool = integration->tools[i];
        printf("  %-48.*s %6zu bytes\n", SLICE_ARG(tool->name), tool->list_bytes);
    }
}

int command_catalog(struct arena *arena, const struct config *config,
                    const struct command_line *line)
{
    struct catalog *catalog = NULL;
    if (line->word_count < 1 || !slice_is(line->words[0], "check") ||
        line->word_count > 2) {
        command_fail("usage: sluice catalog check [DIR]");
        return 2;
    }
    struct catalogs_choice everything = {NULL}, served = {&config->enabled};
    struct catalog_compiler compiler = catalogs_compiler(&everything);
    int code =
        catalogs_load(line->word_count == 2 ? line->words[1] : config->catalog_dir,
                      &compiler, NULL, arena, &catalog);
    for (size_t n = 0; code == 0; n++) {
        const struct integration *integration = catalog_integration_at(catalog, n);
        if (integration == NULL) {
            break;
        }
        list_tools(integration, serves(&served, integration->name));
    }
    catalog_free(catalog);
    return code;
}
