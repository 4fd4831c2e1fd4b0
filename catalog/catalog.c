/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog: folders to integrations, and looking things up in them. */
#include "catalog/catalog_private.h"

#include <stdlib.h>

#include "base/map.h"

/* ---- Looking up ---- */

static int by_integration(const void *key, const void *element)
{
    const struct slice *name = key;
    const struct integration *integration = element;

    return slice_cmp(*name, integration->name);
}

const struct integration *catalog_integration(const struct catalog *catalog,
                                              struct slice name)
{
    if (catalog->count == 0) {
        return NULL;
    }
    return bsearch(&name, catalog->integrations, catalog->count,
                   sizeof *catalog->integrations, by_integration);
}

const struct integration *catalog_integration_at(const struct catalog *catalog,
                                                 size_t n)
{
    return n < catalog->count ? &catalog->integrations[n] : NULL;
}

static int by_tool(const void *key, const void *element)
{
    const struct slice *name = key;
    const struct tool *const *tool = element;

    return slice_cmp(*name, (*tool)->name);
}

const struct tool *catalog_tool(const struct integration *integration,
                                struct slice name)
{
    struct tool *const *found;

    if (integration->tool_count == 0) {
        return NULL;
    }
    found = bsearch(&name, integration->tools, integration->tool_count,
                    sizeof(struct tool *), by_tool);
    return found != NULL ? *found : NULL;
}

/* ---- Loading ---- */

/* The folders of one integration. */
struct folder {
    struct slice path, resources, documentation;
};

static struct slice join(struct arena *arena, struct slice folder, struct slice name)
{
    return arena_printf(arena, "%.*s/%.*s", SLICE_ARG(folder), SLICE_ARG(name));
}

static struct slice json_file(struct arena *arena, struct slice folder,
                              struct slice name)
{
    return arena_printf(arena, "%.*s/%.*s.json", SLICE_ARG(folder), SLICE_ARG(name));
}

static bool find_folder(struct loader *loader, struct slice directory,
                        struct slice name, struct folder *out)
{
    struct slice path = join(loader->arena, directory, name);
    struct slice deeper = join(loader->arena, path, SLICE("catalog"));

    if (loader_exists(loader, join(loader->arena, deeper, SLICE("integration.json")))) {
        path = deeper;
    } else if (!loader_exists(loader,
                              join(loader->arena, path, SLICE("integration.json")))) {
        return false;
    }
    out->path = path;
    out->resources = join(loader->arena, path, SLICE("resources"));
    out->documentation = join(loader->arena, path, SLICE("documentation"));
    return true;
}

/* The file's own name for what it is about has to be its file name. */
static enum err check_stem(struct loader *loader, const struct jval *json,
                           struct slice path, struct slice stem)
{
    if (slice_eq(jval_text(jval_get(json, "resource")), stem)) {
        return ERR_OK;
    }
    return loader_fail(loader, ERR_UNPROCESSABLE, path, SLICE("/resource"),
                       arena_printf(loader->arena, "must be the file's name, \"%.*s\"",
                                    SLICE_ARG(stem)));
}

static void note_undocumented(struct loader *loader, const struct resource_files *files,
                              struct slice resource, struct integration *integration)
{
    const struct jval *methods = jval_get(files->resource, "methods");
    const struct jval *texts = jval_get(files->documentation, "methods");
    size_t count = integration->undocumented_count;
    struct undocumented *list =
        arena_array(loader->arena, count + methods->count, sizeof *list);

    if (count > 0) {
        memcpy(list, integration->undocumented, count * sizeof *list);
    }
    for (size_t i = 0; i < methods->count; i++) {
        if (jval_member(texts, methods->members[i].name) == NULL) {
            list[count++] = (struct undocumented){resource, methods->members[i].name};
        }
    }
    integration->undocumented = list;
    integration->undocumented_count = count;
}

/* A resource without documentation has no tools, but its file must be right all the
 * same. */
static enum err load_resource(struct loader *loader, const struct folder *folder,
                              struct slice stem, struct integration *integration,
                              struct tool_list *list)
{
    struct resource_files files = {
        .path = json_file(loader->arena, folder->resources, stem)};
    enum err err = loader_read(loader, FILE_RESOURCE, files.path, &files.resource);

    files.documentation_path = json_file(loader->arena, folder->documentation, stem);
    if (err == ERR_OK) {
        err = check_stem(loader, files.resource, files.path, stem);
    }
    if (err != ERR_OK) {
        return err;
    }
    if (!loader_exists(loader, files.documentation_path)) {
        note_undocumented(loader, &files, stem, integration);
        return ERR_OK;
    }
    err = loader_read(loader, FILE_DOCUMENTATION, files.documentation_path,
                      &files.documentation);
    if (err == ERR_OK) {
        err = check_stem(loader, files.documentation, files.documentation_path, stem);
    }
    if (err == ERR_OK) {
        note_undocumented(loader, &files, stem, integration);
        err = tools_load(loader, integration, &files, list);
    }
    return err;
}

static enum err load_resources(struct loader *loader, const struct folder *folder,
                               struct integration *integration, struct tool_list *list)
{
    struct slice *names;
    size_t count;
    enum err err;

    if (!loader_exists(loader, folder->resources)) {
        return ERR_OK;
    }
    err = loader_names(loader, folder->resources, ".json", &names, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        err = load_resource(loader, folder, names[i], integration, list);
    }
    return err;
}

/* Documentation of nothing is a mistake somebody wants to hear of. */
static enum err check_documentation(struct loader *loader, const struct folder *folder)
{
    struct slice *names;
    size_t count;
    enum err err;

    if (!loader_exists(loader, folder->documentation)) {
        return ERR_OK;
    }
    err = loader_names(loader, folder->documentation, ".json", &names, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        if (!loader_exists(loader,
                           json_file(loader->arena, folder->resources, names[i]))) {
            err = loader_fail(loader, ERR_UNPROCESSABLE,
                              json_file(loader->arena, folder->documentation, names[i]),
                              SLICE("/resource"), SLICE("there is no such resource"));
        }
    }
    return err;
}

static int by_tool_name(const void *a, const void *b)
{
    const struct tool *const *left = a;
    const struct tool *const *right = b;

    return slice_cmp((*left)->name, (*right)->name);
}

static enum err load_integration(struct loader *loader, const struct folder *folder,
                                 struct slice name, struct integration *out)
{
    struct tool_list list = {.names = map_new()};
    enum err err = integration_load(
        loader, join(loader->arena, folder->path, SLICE("integration.json")), name,
        out);

    if (err == ERR_OK) {
        err = load_resources(loader, folder, out, &list);
    }
    if (err == ERR_OK) {
        err = check_documentation(loader, folder);
    }
    map_free(list.names);
    if (list.count > 1) {
        qsort(list.items, list.count, sizeof(struct tool *), by_tool_name);
    }
    out->tools = list.items;
    out->tool_count = list.count;
    return err;
}

static bool is_served(const struct loader *loader, struct slice name)
{
    const struct catalog_compiler *compiler = loader->compiler;

    return compiler == NULL || compiler->serves == NULL ||
           compiler->serves(compiler->ctx, name);
}

static enum err load_all(struct loader *loader, struct slice directory,
                         struct catalog *catalog)
{
    struct slice *names;
    size_t count;
    enum err err = loader_names(loader, directory, "", &names, &count);

    if (err != ERR_OK) {
        return err;
    }
    /* Tools keep their integration's address, so the table has its final size at once.
     */
    catalog->integrations =
        arena_array(loader->arena, count, sizeof *catalog->integrations);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        struct folder folder;

        if (!is_served(loader, names[i])) {
            continue;
        }
        if (find_folder(loader, directory, names[i], &folder)) {
            err = load_integration(loader, &folder, names[i],
                                   &catalog->integrations[catalog->count++]);
        }
    }
    if (err == ERR_OK && catalog->count == 0) {
        return loader_fail(loader, ERR_NOT_FOUND, directory, SLICE_EMPTY,
                           SLICE("no folder in it holds an integration.json"));
    }
    return err;
}

enum err catalog_load(const char *directory, const struct catalog_compiler *compiler,
                      struct catalog_watch *watch, struct catalog **out,
                      struct arena *arena, struct catalog_problem *problem)
{
    struct arena *own = arena_new();
    struct catalog *catalog = arena_alloc(own, sizeof *catalog);
    struct loader loader = {.arena = own,
                            .compiler = compiler,
                            .watch = watch,
                            .problem_arena = arena,
                            .problem = problem};
    enum err err = loader_schemas(&loader);

    catalog->arena = own;
    catalog->holders = 1;
    if (err == ERR_OK) {
        err = load_all(&loader, slice_str(directory), catalog);
    }
    if (err != ERR_OK) {
        catalog_free(catalog);
        return err;
    }
    *out = catalog;
    return ERR_OK;
}

struct catalog *catalog_hold(struct catalog *catalog)
{
    catalog->holders++;
    return catalog;
}

void catalog_free(struct catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    catalog->holders--;
    if (catalog->holders == 0) {
        catalog_free(catalog->base); /* one below, and nothing below that */
        arena_free(catalog->arena);
    }
}
