/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an MCP server shows of its account's tools: method, tag and tool lists, and-ed.
 * A list that names nothing there is refused when it is set, not found out by an empty
 * tools/list.
 */
#include "catalog/catalog_private.h"

#include <stdlib.h>

#define KIND_READ 1U
#define KIND_WRITE 2U
#define KIND_CUSTOM 4U

struct name_list {
    struct slice *items; /* sorted */
    size_t count;
    bool given;
};

struct filter {
    unsigned kinds; /* of methods: read, write, custom */
    struct name_list methods, tags, tools;
};

/* ---- Asking ---- */

static int by_bytes(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static bool holds(const struct name_list *list, struct slice name)
{
    return list->count > 0 && bsearch(&name, list->items, list->count,
                                      sizeof *list->items, by_bytes) != NULL;
}

static unsigned kind_bit(enum method_kind kind)
{
    switch (kind) {
    case METHOD_LIST:
    case METHOD_GET:
        return KIND_READ;
    case METHOD_CREATE:
    case METHOD_UPDATE:
    case METHOD_DELETE:
        return KIND_WRITE;
    case METHOD_CUSTOM:
        break;
    }
    return KIND_CUSTOM;
}

static bool methods_allow(const struct filter *filter, const struct tool *tool)
{
    return !filter->methods.given || (filter->kinds & kind_bit(tool->kind)) != 0 ||
           holds(&filter->methods, tool->method);
}

static bool tags_allow(const struct filter *filter, const struct tool *tool)
{
    for (size_t i = 0; filter->tags.given && i < tool->tag_count; i++) {
        if (holds(&filter->tags, tool->tags[i])) {
            return true;
        }
    }
    return !filter->tags.given;
}

static bool tools_allow(const struct filter *filter, const struct tool *tool)
{
    return !filter->tools.given || holds(&filter->tools, tool->name);
}

/* A kind or a tag is not enough for a tool that wants to be asked for. */
static bool opted_in(const struct filter *filter, const struct tool *tool)
{
    return !tool->opt_in || holds(&filter->methods, tool->method) ||
           holds(&filter->tools, tool->name);
}

static bool shows(const struct filter *filter, const struct tool *tool)
{
    return opted_in(filter, tool) && methods_allow(filter, tool) &&
           tags_allow(filter, tool) && tools_allow(filter, tool);
}

/* Who may start long work may ask how it goes. */
static bool follows_shown(const struct filter *filter, const struct tool *tool)
{
    const struct integration *integration = tool->integration;

    for (size_t i = 0; tool->polls && i < integration->tool_count; i++) {
        const struct tool *starter = integration->tools[i];

        if (slice_eq(starter->poll_tool, tool->name) && shows(filter, starter)) {
            return true;
        }
    }
    return false;
}

bool filter_allows(const struct filter *filter, const struct tool *tool)
{
    return shows(filter, tool) || follows_shown(filter, tool);
}

/* ---- Setting ---- */

struct builder {
    struct arena *arena;
    const struct integration *integration;
    struct schema_problem *problem;
};

static enum err refuse(struct builder *b, struct slice pointer, struct slice message)
{
    b->problem->pointer = arena_slice(b->arena, pointer);
    b->problem->message = message;
    return ERR_UNPROCESSABLE;
}

static enum err refuse_item(struct builder *b, const char *member, size_t index,
                            const char *message)
{
    return refuse(b, arena_printf(b->arena, "/%s/%zu", member, index),
                  slice_str(message));
}

static enum err read_list(struct builder *b, const struct jval *config,
                          const char *member, struct name_list *out)
{
    const struct jval *value = jval_get(config, member);

    if (value == NULL || value->type == JVAL_NULL) {
        return ERR_OK;
    }
    if (value->type != JVAL_ARRAY) {
        return refuse(b, arena_printf(b->arena, "/%s", member),
                      SLICE("has to be an array of names"));
    }
    out->given = true;
    out->items = arena_array(b->arena, value->count, sizeof *out->items);
    for (size_t i = 0; i < value->count; i++) {
        if (value->items[i].type != JVAL_STRING || value->items[i].text.len == 0) {
            return refuse_item(b, member, i, "has to be a name");
        }
        out->items[out->count++] = arena_slice(b->arena, value->items[i].text);
    }
    return ERR_OK;
}

static bool has_method(const struct integration *integration, struct slice name)
{
    for (size_t i = 0; i < integration->tool_count; i++) {
        if (slice_eq(integration->tools[i]->method, name)) {
            return true;
        }
    }
    return false;
}

static unsigned kind_word(struct slice name)
{
    if (slice_is(name, "read")) {
        return KIND_READ;
    }
    if (slice_is(name, "write")) {
        return KIND_WRITE;
    }
    return slice_is(name, "custom") ? KIND_CUSTOM : 0;
}

/* The five methods that have a kind are words of their own, even where no tool has
 * them. */
static enum err settle_methods(struct builder *b, struct filter *filter)
{
    for (size_t i = 0; i < filter->methods.count; i++) {
        struct slice name = filter->methods.items[i];
        unsigned bit = kind_word(name);

        filter->kinds |= bit;
        if (b->integration != NULL && bit == 0 && names_kind(name) == METHOD_CUSTOM &&
            !has_method(b->integration, name)) {
            return refuse_item(b, "methods", i,
                               "is neither read, write nor custom, and no tool of this "
                               "integration has a method of that name");
        }
    }
    return ERR_OK;
}

static enum err settle_tools(struct builder *b, const struct filter *filter)
{
    for (size_t i = 0; b->integration != NULL && i < filter->tools.count; i++) {
        if (catalog_tool(b->integration, filter->tools.items[i]) == NULL) {
            return refuse_item(b, "tools", i,
                               "no tool of this integration has that name");
        }
    }
    return ERR_OK;
}

static void sort(struct name_list *list)
{
    if (list->count > 1) {
        qsort(list->items, list->count, sizeof *list->items, by_bytes);
    }
}

typedef bool (*allows_fn)(const struct filter *filter, const struct tool *tool);

static bool leaves_any(struct builder *b, const struct filter *filter, allows_fn allows)
{
    for (size_t i = 0; i < b->integration->tool_count; i++) {
        const struct tool *tool = b->integration->tools[i];
        if (opted_in(filter, tool) && allows(filter, tool)) {
            return true;
        }
    }
    return false;
}

static enum err check_leavings(struct builder *b, const struct filter *filter)
{
    const struct {
        const char *member;
        bool given;
        allows_fn allows;
    } parts[] = {
        {"methods", filter->methods.given, methods_allow},
        {"tags", filter->tags.given, tags_allow},
        {"tools", filter->tools.given, tools_allow},
    };
    struct slice given = SLICE_EMPTY;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!parts[i].given) {
            continue;
        }
        if (!leaves_any(b, filter, parts[i].allows)) {
            return refuse(b, arena_printf(b->arena, "/%s", parts[i].member),
                          SLICE("this filter leaves no tool of this integration"));
        }
        given = arena_printf(b->arena, "%.*s%s%s", SLICE_ARG(given),
                             given.len > 0 ? " and " : "", parts[i].member);
    }
    if (given.len > 0 && !leaves_any(b, filter, filter_allows)) {
        return refuse(
            b, SLICE_EMPTY,
            arena_printf(b->arena, "%.*s together leave no tool", SLICE_ARG(given)));
    }
    return ERR_OK;
}

enum err filter_compile(struct arena *arena, const struct integration *integration,
                        const struct jval *config, struct filter **out,
                        struct schema_problem *problem)
{
    struct builder b = {arena, integration, problem};
    struct filter *filter = arena_alloc(arena, sizeof *filter);
    enum err err = read_list(&b, config, "methods", &filter->methods);

    if (err == ERR_OK) {
        err = read_list(&b, config, "tags", &filter->tags);
    }
    if (err == ERR_OK) {
        err = read_list(&b, config, "tools", &filter->tools);
    }
    if (err == ERR_OK) {
        err = settle_methods(&b, filter);
    }
    if (err == ERR_OK) {
        err = settle_tools(&b, filter);
    }
    if (err != ERR_OK) {
        return err;
    }
    sort(&filter->methods);
    sort(&filter->tags);
    sort(&filter->tools);
    *out = filter;
    return integration != NULL ? check_leavings(&b, filter) : ERR_OK;
}
