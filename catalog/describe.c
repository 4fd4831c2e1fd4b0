/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tools/list shows of a tool: input schema and annotations, and how much that is.
 * The output schema is a matter of its own: describe_output.c.
 */
#include "catalog/catalog_private.h"

#include "base/jwriter.h"

struct slice describe_text(struct arena *arena, const struct jval *value)
{
    struct slice text = SLICE_EMPTY;

    REQUIRE(jwriter_text(arena, value, DESCRIPTION_BYTES, &text) == ERR_OK);
    return text;
}

/* ---- Input ---- */

/* A literal of this file. */
static struct jval *literal(struct arena *arena, struct slice json)
{
    struct jval *value = NULL;

    REQUIRE(jval_parse(arena, json, &value, NULL) == ERR_OK);
    return value;
}

static void add_paging(struct arena *arena, const struct tool *tool,
                       struct jval *properties)
{
    struct slice limit = arena_printf(
        arena,
        "{\"description\":\"How many records one page holds, 1 to 200.\",\"anyOf\":["
        "{\"type\":\"integer\",\"minimum\":1,\"maximum\":200},"
        "{\"type\":\"string\",\"pattern\":\"^([1-9][0-9]?|1[0-9]{2}|200)$\"}],"
        "\"default\":%zu}",
        tool->integration->default_limit);

    jval_set(arena, properties, SLICE("limit"), literal(arena, limit));
    jval_set(
        arena, properties, SLICE("next_cursor"),
        literal(arena, SLICE("{\"type\":\"string\",\"minLength\":1,\"maxLength\":4096,"
                             "\"description\":\"Where the next page starts, out of the "
                             "answer before. Always send back exactly the cursor value "
                             "you received without decoding, modifying, or parsing "
                             "it.\"}")));
}

/* The property without what is ours alone. */
static struct jval *shown_property(struct arena *arena, const struct jval *property)
{
    struct jval *copy = jval_new_object(arena, property->count);

    for (size_t i = 0; i < property->count; i++) {
        if (!slice_is(property->members[i].name, "x-path")) {
            jval_set(arena, copy, property->members[i].name,
                     &property->members[i].value);
        }
    }
    return copy;
}

static struct jval *all_properties(struct arena *arena, const struct tool *tool,
                                   const struct jval *input)
{
    static const char *const places[] = {"path", "query", "body"};
    struct jval *properties = jval_new_object(arena, tool->argument_count);

    if (arguments_have_id(tool)) {
        jval_set(arena, properties, SLICE("id"),
                 literal(arena,
                         SLICE("{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,"
                               "\"description\":\"The record's id, as a list of the "
                               "resource returned it.\"}")));
    }
    for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
        const struct jval *place = jval_get(input, places[p]);

        for (size_t i = 0; place != NULL && i < place->count; i++) {
            const struct jmember *member = &place->members[i];

            jval_set(arena, properties, member->name,
                     shown_property(arena, &member->value));
        }
    }
    if (tool->pages) {
        add_paging(arena, tool, properties);
    }
    if (tool->polls) {
        jval_set(arena, properties, SLICE("poll_id"),
                 literal(arena, SLICE("{\"type\":\"string\",\"minLength\":1,"
                                      "\"maxLength\":8192,\"description\":\"The "
                                      "poll_id of the answer before, unchanged.\"}")));
    }
    return properties;
}

static struct jval *all_required(struct arena *arena, const struct tool *tool,
                                 const struct jval *input)
{
    const struct jval *declared = jval_get(input, "required");
    struct jval *required = jval_new_array(arena, 4);

    if (arguments_have_id(tool)) {
        jval_push(arena, required, jval_new_string(arena, SLICE("id")));
    }
    if (tool->polls) {
        jval_push(arena, required, jval_new_string(arena, SLICE("poll_id")));
    }
    for (size_t i = 0; declared != NULL && i < declared->count; i++) {
        jval_push(arena, required, &declared->items[i]);
    }
    return required;
}

struct jval *describe_input(struct arena *arena, const struct tool *tool,
                            const struct jval *input)
{
    static const char *const at_root[] = {"$schema", "$defs", "allOf", "anyOf", "oneOf",
                                          "not",     "if",    "then",  "else"};
    struct jval *schema = jval_new_object(arena, 8);
    struct jval *properties = all_properties(arena, tool, input);
    struct jval *required = all_required(arena, tool, input);

    jval_set(arena, schema, SLICE("type"), jval_new_string(arena, SLICE("object")));
    for (size_t i = 0; i < sizeof at_root / sizeof at_root[0]; i++) {
        const struct jval *value = jval_get(input, at_root[i]);

        if (value != NULL) {
            jval_set(arena, schema, slice_str(at_root[i]), value);
        }
    }
    if (properties->count > 0) {
        jval_set(arena, schema, SLICE("properties"), properties);
    }
    if (required->count > 0) {
        jval_set(arena, schema, SLICE("required"), required);
    }
    jval_set(arena, schema, SLICE("additionalProperties"), jval_new_bool(arena, false));
    return schema;
}

/* ---- Annotations ---- */

struct hints {
    bool read_only, destructive, idempotent;
};

static struct hints hints_of(const struct tool *tool)
{
    switch (tool->kind) {
    case METHOD_LIST:
    case METHOD_GET:
        return (struct hints){.read_only = true, .idempotent = true};
    case METHOD_CREATE:
        return (struct hints){.read_only = false};
    case METHOD_UPDATE:
    case METHOD_DELETE:
        return (struct hints){.destructive = true, .idempotent = true};
    case METHOD_CUSTOM:
        break;
    }
    return tool->writes ? (struct hints){.destructive = true}
                        : (struct hints){.read_only = true, .idempotent = true};
}

static const char *bool_text(bool value)
{
    return value ? "true" : "false";
}

/* All four, always: what is left out is taken for the worst case. */
struct slice describe_annotations(struct arena *arena, const struct tool *tool)
{
    struct hints hints = hints_of(tool);

    return arena_printf(arena,
                        "{\"readOnlyHint\":%s,\"destructiveHint\":%s,"
                        "\"idempotentHint\":%s,\"openWorldHint\":%s}",
                        bool_text(hints.read_only), bool_text(hints.destructive),
                        bool_text(hints.idempotent),
                        bool_text(!tool->integration->closed_world));
}

/* The tool object as it stands in a tools/list answer, with its comma. */
size_t describe_bytes(const struct tool *tool)
{
    struct jwriter writer;
    struct buf out;
    size_t bytes;

    buf_init(&out, DESCRIPTION_BYTES);
    jwriter_init(&writer, &out);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "name", tool->name);
    jwriter_member_string(&writer, "title", tool->title);
    jwriter_member_string(&writer, "description", tool->description);
    jwriter_key(&writer, SLICE("inputSchema"));
    jwriter_raw(&writer, tool->input_schema);
    if (tool->output_schema.len > 0) {
        jwriter_key(&writer, SLICE("outputSchema"));
        jwriter_raw(&writer, tool->output_schema);
    }
    jwriter_key(&writer, SLICE("annotations"));
    jwriter_raw(&writer, tool->annotations);
    jwriter_object_end(&writer);
    bytes = out.len + 1;
    buf_free(&out);
    return bytes;
}
