/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A resource and its documentation to tools. Where the two files do not fit each other,
 * or an argument does not fit its schema, the error names the file, the place and what
 * is wrong.
 */
#include "catalog/catalog_private.h"

#include <stdlib.h>

struct builder {
    struct loader *loader;
    struct arena *arena; /* the loader's */
    const struct resource_files *files;
    const struct jval *method, *text; /* of the resource; of the documentation */
    struct slice place;               /* "/methods/list", in both files */
    struct tool *tool;
};

/* ---- Faults, each in the file it stands in ---- */

static enum err refuse(struct builder *b, struct slice pointer, struct slice message)
{
    return loader_fail(b->loader, ERR_UNPROCESSABLE, b->files->path, pointer, message);
}

static enum err refuse_text(struct builder *b, struct slice pointer,
                            struct slice message)
{
    return loader_fail(b->loader, ERR_UNPROCESSABLE, b->files->documentation_path,
                       pointer, message);
}

/* "/methods/list" and "input/query" to one pointer. */
static struct slice below(struct builder *b, const char *rest)
{
    return arena_printf(b->arena, "%.*s/%s", SLICE_ARG(b->place), rest);
}

/* ---- Who the tool is ---- */

/* The name that a method of the resource has as a tool. */
static struct slice tool_name(struct builder *b, const struct integration *integration,
                              struct slice method)
{
    const struct jval *resource = b->files->resource;
    const struct jval *spec = jval_member(jval_get(resource, "methods"), method);
    struct slice name = jval_text(jval_get(spec, "tool"));

    return name.len > 0 ? name
                        : names_tool(b->arena, integration->name, b->tool->resource,
                                     jval_text(jval_get(resource, "singular")), method);
}

static enum err read_name(struct builder *b, const struct integration *integration,
                          struct slice method)
{
    struct tool *tool = b->tool;
    const struct jval *resource = b->files->resource;

    tool->integration = integration;
    tool->resource = jval_text(jval_get(resource, "resource"));
    tool->method = method;
    tool->kind = names_kind(method);
    tool->name = tool_name(b, integration, method);
    if (!names_is_tool(tool->name)) {
        return refuse(
            b, b->place,
            arena_printf(b->arena,
                         "makes the tool name \"%.*s\", which is longer than 64 "
                         "characters or not of a-z, 0-9 and _",
                         SLICE_ARG(tool->name)));
    }
    return ERR_OK;
}

static enum err read_effects(struct builder *b)
{
    const struct jval *writes = jval_get(b->method, "writes");
    const struct jval *pages = jval_get(b->method, "pages");
    struct tool *tool = b->tool;

    if (writes != NULL && tool->kind != METHOD_CUSTOM) {
        return refuse(b, below(b, "writes"),
                      SLICE("only a custom method says whether it writes"));
    }
    if (tool->kind == METHOD_CUSTOM && writes == NULL) {
        return refuse(b, below(b, "writes"), SLICE("is required of a custom method"));
    }
    tool->writes = tool->kind == METHOD_CREATE || tool->kind == METHOD_UPDATE ||
                   tool->kind == METHOD_DELETE || jval_is(writes, JVAL_TRUE);
    tool->critical = jval_is(jval_get(b->method, "critical"), JVAL_TRUE);
    tool->opt_in = jval_is(jval_get(b->method, "opt_in"), JVAL_TRUE);
    tool->as_sent = jval_is(jval_get(b->text, "as_sent"), JVAL_TRUE);
    tool->pages = tool->kind == METHOD_LIST || jval_is(pages, JVAL_TRUE);
    if (pages != NULL && tool->kind != METHOD_CUSTOM) {
        return refuse(b, below(b, "pages"),
                      SLICE("only a custom method says whether it pages"));
    }
    if (tool->as_sent && jval_get(b->text, "output") != NULL) {
        return refuse_text(b, below(b, "as_sent"),
                           SLICE("a method has fields, or returns what was sent"));
    }
    return ERR_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static size_t count_of(const struct jval *value)
{
    return value != NULL ? value->count : 0;
}

static void read_tags(struct builder *b)
{
    const struct jval *lists[] = {jval_get(b->files->resource, "tags"),
                                  jval_get(b->method, "tags")};
    struct slice *tags =
        arena_array(b->arena, count_of(lists[0]) + count_of(lists[1]), sizeof *tags);
    size_t count = 0, kept = 0;

    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        for (size_t i = 0; i < count_of(lists[l]); i++) {
            tags[count++] = lists[l]->items[i].text;
        }
    }
    if (count > 1) {
        qsort(tags, count, sizeof *tags, by_bytes);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !slice_eq(tags[kept - 1], tags[i])) {
            tags[kept++] = tags[i];
        }
    }
    b->tool->tags = tags;
    b->tool->tag_count = kept;
}

/* ---- Long work ---- */

static enum err read_poll(struct builder *b, const struct integration *integration)
{
    struct slice with = jval_text(jval_get(b->method, "poll_with"));
    const struct jval *other =
        jval_member(jval_get(b->files->resource, "methods"), with);
    struct tool *tool = b->tool;

    tool->polls = jval_is(jval_get(b->method, "polls"), JVAL_TRUE);
    if (tool->polls && (tool->kind != METHOD_CUSTOM || tool->writes || with.len > 0)) {
        return refuse(b, below(b, "polls"),
                      SLICE("is for a custom method that reads, and starts no work"));
    }
    if (with.len == 0) {
        return ERR_OK;
    }
    if (!jval_is(jval_get(other, "polls"), JVAL_TRUE) ||
        jval_member(jval_get(b->files->documentation, "methods"), with) == NULL) {
        return refuse(b, below(b, "poll_with"),
                      SLICE("has to name a documented method that polls"));
    }
    tool->poll_tool = tool_name(b, integration, with);
    return ERR_OK;
}

/* ---- What it takes ---- */

static enum err read_input(struct builder *b)
{
    struct schema_problem problem = {SLICE_EMPTY, SLICE_EMPTY};
    enum err err =
        arguments_read(b->arena, b->tool, jval_get(b->text, "input"), &problem);

    if (err == ERR_OK) {
        return ERR_OK;
    }
    return refuse_text(b,
                       arena_printf(b->arena, "%.*s/input%.*s", SLICE_ARG(b->place),
                                    SLICE_ARG(problem.pointer)),
                       problem.message);
}

/* ---- What it returns ---- */

static bool has_field(const struct field *fields, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(fields[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* Appends a set to the tool's fields. */
static enum err add_fields(struct builder *b, const struct field *set, size_t count,
                           struct slice pointer)
{
    struct tool *tool = b->tool;
    struct field *all = arena_array(b->arena, tool->field_count + count, sizeof *all);

    for (size_t i = 0; i < tool->field_count; i++) {
        all[i] = tool->fields[i];
    }
    for (size_t i = 0; i < count; i++) {
        if (has_field(tool->fields, tool->field_count, set[i].name)) {
            return refuse_text(b, pointer,
                               arena_printf(b->arena,
                                            "brings the field \"%.*s\" a second time",
                                            SLICE_ARG(set[i].name)));
        }
        all[tool->field_count + i] = set[i];
    }
    tool->fields = all;
    tool->field_count += count;
    return ERR_OK;
}

static enum err read_set(struct builder *b, struct slice name, struct slice pointer)
{
    const struct jval *sets = jval_get(b->files->documentation, "fields");
    const struct jval *set = jval_member(sets, name);
    struct schema_problem problem = {SLICE_EMPTY, SLICE_EMPTY};
    struct field *fields = NULL;
    size_t count = 0;

    if (set == NULL) {
        return refuse_text(b, pointer, SLICE("\"fields\" has no set of that name"));
    }
    if (field_compile(b->arena, set, &fields, &count, &problem) != ERR_OK) {
        struct slice place = pointer_member(b->arena, SLICE("/fields"), name);

        return refuse_text(b,
                           arena_printf(b->arena, "%.*s%.*s", SLICE_ARG(place),
                                        SLICE_ARG(problem.pointer)),
                           problem.message);
    }
    return add_fields(b, fields, count, pointer);
}

/* What a delete returns unless its documentation says more. */
static enum err add_id(struct builder *b)
{
    struct field *id = arena_alloc(b->arena, sizeof *id);
    struct field_path **paths = arena_array(b->arena, 1, sizeof(struct field_path *));
    struct slice message;

    REQUIRE(field_path_compile(b->arena, SLICE("id"), &paths[0], &message));
    id->name = SLICE("id");
    id->description = SLICE("The id of the record that was deleted.");
    id->sensitivity = FIELD_PUBLIC;
    id->paths = paths;
    id->path_count = 1;
    return add_fields(b, id, 1, SLICE_EMPTY);
}

static enum err read_output(struct builder *b)
{
    const struct jval *output = jval_get(b->text, "output");

    b->tool->answers_content =
        slice_is(jval_text(jval_get(b->method, "answer")), "content");
    if (b->tool->answers_content) {
        return output == NULL ? ERR_OK
                              : refuse_text(b, below(b, "output"),
                                            SLICE("a method that answers content has "
                                                  "no output fields"));
    }
    if (output == NULL && b->tool->kind == METHOD_DELETE) {
        return add_id(b);
    }
    for (size_t i = 0; i < count_of(output); i++) {
        struct slice pointer =
            arena_printf(b->arena, "%.*s/output/%zu", SLICE_ARG(b->place), i);
        enum err err = read_set(b, output->items[i].text, pointer);

        if (err != ERR_OK) {
            return err;
        }
    }
    return ERR_OK;
}

/* ---- How it is done ---- */

static enum err compile_plan(struct builder *b)
{
    const struct catalog_compiler *compiler = b->loader->compiler;
    struct schema_problem problem = {SLICE_EMPTY, SLICE_EMPTY};
    struct tool *tool = b->tool;
    enum err err;

    tool->upstream = jval_get(b->method, "upstream");
    tool->scheme = jval_text(jval_get(tool->upstream, "scheme"));
    if (compiler == NULL) {
        return ERR_OK;
    }
    err = compiler->compile(compiler->ctx, tool->integration->name, b->arena,
                            tool->upstream, tool, &tool->plan, &problem);
    if (err == ERR_OK) {
        return ERR_OK;
    }
    if (err == ERR_NOT_FOUND) {
        return refuse(b, b->place, SLICE("this program has no connector for it"));
    }
    return refuse(b,
                  arena_printf(b->arena, "%.*s/upstream%.*s", SLICE_ARG(b->place),
                               SLICE_ARG(problem.pointer)),
                  problem.message);
}

/* ---- All of it ---- */

/* Only a write can lose its answer and leave a question behind. */
static enum err check_lookup(struct builder *b)
{
    if (jval_get(b->text, "lookup") != NULL && !b->tool->writes) {
        return refuse_text(b, below(b, "lookup"),
                           SLICE("only a method that writes has something to look up"));
    }
    return ERR_OK;
}

static void read_texts(struct builder *b)
{
    struct tool *tool = b->tool;

    tool->title = jval_text(jval_get(b->text, "title"));
    tool->description = jval_text(jval_get(b->text, "description"));
    tool->lookup = jval_text(jval_get(b->text, "lookup"));
    if (!tool->answers_content) {
        tool->output_schema = describe_output(b->arena, tool, b->loader->envelope);
    }
    tool->annotations = describe_annotations(b->arena, tool);
    tool->list_bytes = describe_bytes(tool);
}

static enum err build(struct builder *b, const struct integration *integration,
                      struct slice method)
{
    enum err err = read_name(b, integration, method);

    if (err == ERR_OK) {
        err = read_effects(b);
    }
    if (err == ERR_OK) {
        err = check_lookup(b);
    }
    if (err == ERR_OK) {
        err = read_poll(b, integration);
    }
    if (err == ERR_OK) {
        b->tool->client_needs = jval_get(b->method, "client_capabilities");
        read_tags(b);
        err = read_input(b);
    }
    if (err == ERR_OK) {
        err = read_output(b);
    }
    if (err == ERR_OK) {
        err = compile_plan(b);
    }
    if (err == ERR_OK) {
        read_texts(b);
    }
    return err;
}

static enum err append(struct builder *b, struct tool_list *list)
{
    if (map_put(list->names, b->tool->name, b->tool) != NULL) {
        return refuse(b, b->place,
                      arena_printf(b->arena,
                                   "another method makes the tool name \"%.*s\" too",
                                   SLICE_ARG(b->tool->name)));
    }
    if (list->count == list->capacity) {
        struct tool **old = list->items;

        list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        list->items = arena_array(b->arena, list->capacity, sizeof(struct tool *));
        if (list->count > 0) {
            memcpy(list->items, old, list->count * sizeof(struct tool *));
        }
    }
    list->items[list->count++] = b->tool;
    return ERR_OK;
}

static enum err load_method(struct loader *loader,
                            const struct integration *integration,
                            const struct resource_files *files,
                            const struct jmember *text, struct tool_list *list)
{
    struct builder b = {.loader = loader, .arena = loader->arena, .files = files};
    enum err err;

    b.place = pointer_member(b.arena, SLICE("/methods"), text->name);
    b.method = jval_member(jval_get(files->resource, "methods"), text->name);
    b.text = &text->value;
    if (b.method == NULL) {
        return refuse_text(&b, b.place, SLICE("the resource has no such method"));
    }
    b.tool = arena_alloc(b.arena, sizeof *b.tool);
    err = build(&b, integration, text->name);
    return err == ERR_OK ? append(&b, list) : err;
}

/* No documentation, no tool: so it is the documentation's methods that are gone
 * through. */
enum err tools_load(struct loader *loader, const struct integration *integration,
                    const struct resource_files *files, struct tool_list *list)
{
    const struct jval *methods = jval_get(files->documentation, "methods");

    for (size_t i = 0; i < methods->count; i++) {
        enum err err =
            load_method(loader, integration, files, &methods->members[i], list);

        if (err != ERR_OK) {
            return err;
        }
    }
    return ERR_OK;
}
