/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tool at a time: the platform's texts as a JSON object, the layers merged into it, and a
 * tool built of what came out. What is merged lies in a scratch arena; the tool keeps copies.
 */
#include "catalog/override.h"

#include "base/jmerge.h"
#include "catalog/catalog_private.h"

#define TEXT_BYTES 8000 /* as a documentation record's */

/* ---- Form and names ---- */

struct reader {
    struct arena *arena;
    const struct catalog *catalog;
    const struct integration *integration; /* NULL: any */
    struct schema_problem *problem;
};

static enum err refuse(struct reader *r, struct slice pointer, const char *message)
{
    r->problem->pointer = pointer;
    r->problem->message = slice_str(message);
    return ERR_UNPROCESSABLE;
}

static bool has_tool(const struct reader *r, struct slice name)
{
    const struct integration *integration = catalog_integration_at(r->catalog, 0);

    if (r->integration != NULL) {
        return catalog_tool(r->integration, name) != NULL;
    }
    for (size_t n = 1; integration != NULL; n++) {
        if (catalog_tool(integration, name) != NULL) {
            return true;
        }
        integration = catalog_integration_at(r->catalog, n);
    }
    return false;
}

static bool has_integration(const struct reader *r, struct slice name)
{
    return r->integration != NULL ? slice_eq(r->integration->name, name)
                                  : catalog_integration(r->catalog, name) != NULL;
}

static bool is_text(const struct jval *value)
{
    return value->type == JVAL_STRING && value->text.len > 0 &&
           value->text.len <= TEXT_BYTES;
}

/* null takes out what a lower layer said. */
static enum err check_instructions(struct reader *r, const struct jval *instructions)
{
    struct slice place = SLICE("/instructions");

    if (instructions->type != JVAL_OBJECT) {
        return refuse(r, place,
                      "has to be an object: a text for an integration's name");
    }
    for (size_t i = 0; i < instructions->count; i++) {
        const struct jmember *member = &instructions->members[i];
        struct slice pointer = pointer_member(r->arena, place, member->name);

        if (!has_integration(r, member->name)) {
            return refuse(r, pointer, "there is no such integration here");
        }
        if (member->value.type != JVAL_NULL && !is_text(&member->value)) {
            return refuse(r, pointer,
                          "has to be a text of 1 to 8000 bytes, or null for none");
        }
    }
    return ERR_OK;
}

static enum err check_part(struct reader *r, struct slice place,
                           const struct jmember *part)
{
    struct slice pointer = pointer_member(r->arena, place, part->name);
    const struct jval *value = &part->value;

    if (slice_is(part->name, "description")) {
        return is_text(value)
                   ? ERR_OK
                   : refuse(r, pointer, "has to be a text of 1 to 8000 bytes");
    }
    if (slice_is(part->name, "instructions")) {
        return value->type == JVAL_NULL || is_text(value)
                   ? ERR_OK
                   : refuse(r, pointer,
                            "has to be a text of 1 to 8000 bytes, or null for none");
    }
    if (slice_is(part->name, "schema")) {
        return value->type == JVAL_OBJECT
                   ? ERR_OK
                   : refuse(r, pointer, "has to be a merge patch: an object");
    }
    return refuse(r, pointer,
                  "description, instructions and schema are what an override may have");
}

static enum err check_tool(struct reader *r, const struct jmember *tool)
{
    struct slice place = pointer_member(r->arena, SLICE("/tools"), tool->name);
    enum err err = ERR_OK;

    if (!has_tool(r, tool->name)) {
        return refuse(r, place, "there is no tool of that name here");
    }
    if (tool->value.type != JVAL_OBJECT) {
        return refuse(r, place,
                      "has to be an object; a server's filters take a tool away");
    }
    for (size_t i = 0; err == ERR_OK && i < tool->value.count; i++) {
        err = check_part(r, place, &tool->value.members[i]);
    }
    return err;
}

static enum err check_tools(struct reader *r, const struct jval *tools)
{
    enum err err = ERR_OK;

    if (tools->type != JVAL_OBJECT) {
        return refuse(r, SLICE("/tools"),
                      "has to be an object: an override for a tool's name");
    }
    for (size_t i = 0; err == ERR_OK && i < tools->count; i++) {
        err = check_tool(r, &tools->members[i]);
    }
    return err;
}

enum err override_check(const struct catalog *catalog,
                        const struct integration *integration, const struct jval *layer,
                        struct arena *arena, struct schema_problem *problem)
{
    struct reader r = {arena, catalog, integration, problem};
    enum err err = ERR_OK;

    if (layer->type != JVAL_OBJECT) {
        return refuse(&r, SLICE_EMPTY, "has to be an object");
    }
    for (size_t i = 0; err == ERR_OK && i < layer->count; i++) {
        const struct jmember *member = &layer->members[i];

        if (slice_is(member->name, "instructions")) {
            err = check_instructions(&r, &member->value);
        } else if (slice_is(member->name, "tools")) {
            err = check_tools(&r, &member->value);
        } else {
            err = refuse(&r, pointer_member(arena, SLICE_EMPTY, member->name),
                         "instructions and tools are the members it may have");
        }
    }
    return err;
}

/* ---- One tool ---- */

struct maker {
    struct arena *arena;   /* the new catalog's */
    struct arena *scratch; /* of one tool */
    const struct jval *const *layers;
    size_t count;
    struct schema_problem problem; /* in scratch; pointer below the tool's place */
};

static bool misfit(struct maker *m, struct slice pointer, struct slice message)
{
    m->problem = (struct schema_problem){pointer, message};
    return false;
}

static struct slice below_schema(struct maker *m, struct slice pointer)
{
    return arena_printf(m->scratch, "/schema%.*s", SLICE_ARG(pointer));
}

static const struct argument *argument_of(const struct tool *tool, struct slice name)
{
    for (size_t i = 0; i < tool->argument_count; i++) {
        if (slice_eq(tool->arguments[i].name, name)) {
            return &tool->arguments[i];
        }
    }
    return NULL;
}

static bool lists_name(const struct jval *names, struct slice name)
{
    for (size_t i = 0; names != NULL && i < names->count; i++) {
        if (slice_eq(jval_text(&names->items[i]), name)) {
            return true;
        }
    }
    return false;
}

/* Each property is an argument that has a place upstream. */
static bool check_properties(struct maker *m, const struct tool *tool,
                             const struct jval *schema)
{
    const struct jval *properties = jval_get(schema, "properties");

    if (properties != NULL && properties->type != JVAL_OBJECT) {
        return misfit(m, SLICE("/schema/properties"), SLICE("has to be an object"));
    }
    for (size_t i = 0; properties != NULL && i < properties->count; i++) {
        const struct jmember *property = &properties->members[i];
        struct slice pointer =
            pointer_member(m->scratch, SLICE("/schema/properties"), property->name);

        if (argument_of(tool, property->name) == NULL) {
            return misfit(m, pointer, SLICE("the tool has no such argument"));
        }
        if (property->value.type != JVAL_OBJECT) {
            return misfit(m, pointer, SLICE("has to be an object"));
        }
    }
    return true;
}

/* What the mapping to the ERP needs stays: arguments that are required, and paging. */
static bool check_needed(struct maker *m, const struct tool *tool,
                         const struct jval *before, const struct jval *after)
{
    const struct jval *required = jval_get(before, "required");
    const struct jval *properties = jval_get(after, "properties");

    for (size_t i = 0; required != NULL && i < required->count; i++) {
        struct slice name = required->items[i].text;

        if (jval_member(properties, name) == NULL) {
            return misfit(m,
                          pointer_member(m->scratch, SLICE("/schema/properties"), name),
                          SLICE("this argument is required and cannot be taken out"));
        }
        if (!lists_name(jval_get(after, "required"), name)) {
            return misfit(m, SLICE("/schema/required"),
                          arena_printf(m->scratch, "\"%.*s\" has to stay in it",
                                       SLICE_ARG(name)));
        }
    }
    for (size_t i = 0; i < tool->argument_count; i++) {
        struct slice name = tool->arguments[i].name;
        const struct jval *now = jval_member(properties, name);

        if (tool->arguments[i].place == ARGUMENT_PAGING &&
            (now == NULL ||
             !jval_equal(now, jval_member(jval_get(before, "properties"), name)))) {
            return misfit(m,
                          pointer_member(m->scratch, SLICE("/schema/properties"), name),
                          SLICE("paging is the server's own"));
        }
    }
    return true;
}

static bool check_required(struct maker *m, const struct jval *schema)
{
    const struct jval *required = jval_get(schema, "required");

    for (size_t i = 0; jval_is(required, JVAL_ARRAY) && i < required->count; i++) {
        if (jval_member(jval_get(schema, "properties"),
                        jval_text(&required->items[i])) == NULL) {
            return misfit(m, pointer_index(m->scratch, SLICE("/schema/required"), i),
                          SLICE("there is no such argument"));
        }
    }
    return true;
}

static bool check_root(struct maker *m, const struct jval *before,
                       const struct jval *after)
{
    static const char *const fixed[] = {"type", "additionalProperties", "$schema"};

    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        const struct jval *was = jval_get(before, fixed[i]);
        const struct jval *is = jval_get(after, fixed[i]);

        if ((was == NULL) != (is == NULL) || (was != NULL && !jval_equal(was, is))) {
            return misfit(m, arena_printf(m->scratch, "/schema/%s", fixed[i]),
                          SLICE("cannot be overridden"));
        }
    }
    return true;
}

/* The merged schema, compiled for the tool; the platform's becomes its floor. */
static bool narrow(struct maker *m, struct tool *tool, const struct jval *before,
                   const struct jval *after)
{
    struct schema_problem problem = {SLICE_EMPTY, SLICE_EMPTY};
    struct schema *schema = NULL;
    struct jval *own = NULL;

    if (jval_equal(before, after)) {
        return true;
    }
    if (!check_root(m, before, after) || !check_properties(m, tool, after) ||
        !check_needed(m, tool, before, after) || !check_required(m, after)) {
        return false;
    }
    struct slice text = describe_text(m->arena, after);
    REQUIRE(jval_parse(m->arena, text, &own, NULL) == ERR_OK);
    if (schema_compile(m->arena, own, &schema, &problem) != ERR_OK) {
        return misfit(m, below_schema(m, problem.pointer), problem.message);
    }
    tool->floor = tool->input;
    tool->input = schema;
    tool->input_schema = text;
    return true;
}

/* {"description":…,"schema":…} with every layer's part for the tool merged in. */
static struct jval *merge_layers(struct maker *m, const struct tool *tool,
                                 struct jval *platform, bool *is_touched)
{
    struct jval *merged = platform;

    *is_touched = false;
    for (size_t i = 0; i < m->count; i++) {
        const struct jval *part =
            jval_member(jval_get(m->layers[i], "tools"), tool->name);

        if (jval_is(part, JVAL_OBJECT)) {
            merged = jmerge(m->scratch, merged, part);
            *is_touched = true;
        }
    }
    return merged;
}

static struct slice with_more(struct arena *arena, struct slice text, struct slice more)
{
    return more.len == 0
               ? arena_slice(arena, text)
               : arena_printf(arena, "%.*s\n\n%.*s", SLICE_ARG(text), SLICE_ARG(more));
}

/* NULL when what was merged is no tool. */
static struct tool *make_tool(struct maker *m, const struct tool *platform)
{
    struct jval *before = NULL, *whole = jval_new_object(m->scratch, 2);
    bool is_touched = false;

    REQUIRE(jval_parse(m->scratch, platform->input_schema, &before, NULL) == ERR_OK);
    jval_set(m->scratch, whole, SLICE("description"),
             jval_new_string(m->scratch, platform->description));
    jval_set(m->scratch, whole, SLICE("schema"), before);
    const struct jval *merged = merge_layers(m, platform, whole, &is_touched);
    struct tool *tool = arena_alloc(m->arena, sizeof *tool);
    *tool = *platform;
    if (!is_touched) {
        return tool;
    }
    struct slice description = jval_text(jval_get(merged, "description"));
    const struct jval *schema = jval_get(merged, "schema");
    if (description.len == 0) {
        misfit(m, SLICE("/description"), SLICE("a tool needs one"));
        return NULL;
    }
    if (!jval_is(schema, JVAL_OBJECT)) {
        misfit(m, SLICE("/schema"), SLICE("a tool needs one"));
        return NULL;
    }
    if (!narrow(m, tool, before, schema)) {
        return NULL;
    }
    tool->description =
        with_more(m->arena, description, jval_text(jval_get(merged, "instructions")));
    tool->list_bytes = describe_bytes(tool);
    return tool;
}

/* ---- All of them ---- */

static struct slice more_instructions(const struct maker *m, struct slice integration)
{
    struct slice more = SLICE_EMPTY;

    for (size_t i = 0; i < m->count; i++) {
        const struct jval *said =
            jval_member(jval_get(m->layers[i], "instructions"), integration);

        if (said != NULL) {
            more = jval_text(said); /* null: none */
        }
    }
    return more;
}

static void make_tools(struct maker *m, const struct integration *from,
                       struct integration *to, override_misfit_fn on_misfit, void *ctx)
{
    struct tool **tools =
        arena_array(m->arena, from->tool_count, sizeof(struct tool *));

    to->tool_count = 0;
    for (size_t i = 0; i < from->tool_count; i++) {
        m->scratch = arena_new();
        struct tool *tool = make_tool(m, from->tools[i]);

        if (tool != NULL) {
            tool->integration = to;
            tools[to->tool_count++] = tool;
        } else {
            struct slice place =
                pointer_member(m->scratch, SLICE("/tools"), from->tools[i]->name);
            struct override_misfit told = {from->tools[i]->name,
                                           arena_printf(m->scratch, "%.*s%.*s",
                                                        SLICE_ARG(place),
                                                        SLICE_ARG(m->problem.pointer)),
                                           m->problem.message};
            on_misfit(ctx, &told);
        }
        arena_free(m->scratch);
    }
    to->tools = tools;
}

struct catalog *catalog_override(struct catalog *base,
                                 const struct integration *integration,
                                 const struct jval *const *layers, size_t count,
                                 override_misfit_fn on_misfit, void *ctx)
{
    struct arena *arena = arena_new();
    struct catalog *catalog = arena_alloc(arena, sizeof *catalog);
    struct integration *own = arena_alloc(arena, sizeof *own);
    struct maker maker = {.arena = arena, .layers = layers, .count = count};

    *own = *integration;
    own->platform = integration;
    own->instructions = with_more(arena, integration->instructions,
                                  more_instructions(&maker, integration->name));
    *catalog = (struct catalog){.arena = arena,
                                .holders = 1,
                                .base = catalog_hold(base),
                                .integrations = own,
                                .count = 1};
    make_tools(&maker, integration, own, on_misfit, ctx);
    return catalog;
}
