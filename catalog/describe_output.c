/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tools/list says a tool returns: records, an error, or the news that the work
 * goes on. All three, because clients validate errors too. They stand in
 * schema/envelope.schema.json; only the record is the tool's own.
 */
#include "catalog/catalog_private.h"

static void set(struct arena *arena, struct jval *object, const char *name,
                const struct jval *value)
{
    jval_set(arena, object, slice_str(name), value);
}

static struct jval *text(struct arena *arena, const char *literal)
{
    return jval_new_string(arena, slice_str(literal));
}

static struct jval *type_only(struct arena *arena, const char *type)
{
    struct jval *schema = jval_new_object(arena, 2);

    set(arena, schema, "type", text(arena, type));
    return schema;
}

static void add_choice(struct arena *arena, struct jval *choices,
                       const struct jval *choice)
{
    if (!jval_is(choice, JVAL_STRING)) {
        return;
    }
    for (size_t i = 0; i < choices->count; i++) {
        if (jval_equal(&choices->items[i], choice)) {
            return;
        }
    }
    jval_push(arena, choices, choice);
}

/* Every text a field with a closed map can have. */
static struct jval *choices_schema(struct arena *arena, const struct field *field)
{
    struct jval *schema = type_only(arena, "string");
    struct jval *choices = jval_new_array(arena, field->map_count + 2);

    for (size_t i = 0; i < field->map_count; i++) {
        add_choice(arena, choices, jval_new_string(arena, field->map[i].to));
    }
    add_choice(arena, choices, field->map_other);
    add_choice(arena, choices, field->fallback);
    set(arena, schema, "enum", choices);
    return schema;
}

static struct jval *record_schema(struct arena *arena, const struct field *fields,
                                  size_t count);

static struct jval *array_schema(struct arena *arena, const struct field *field)
{
    struct jval *schema = type_only(arena, "array");

    set(arena, schema, "items",
        record_schema(arena, field->fields, field->field_count));
    return schema;
}

/* Every field may be null: there may be nothing upstream. */
static struct jval *or_null(struct arena *arena, const struct jval *schema)
{
    struct jval *both = jval_new_array(arena, 2);
    struct jval *result = jval_new_object(arena, 2);

    jval_push(arena, both, schema);
    jval_push(arena, both, type_only(arena, "null"));
    set(arena, result, "anyOf", both);
    return result;
}

static struct jval *reference(struct arena *arena, const char *pointer)
{
    struct jval *schema = jval_new_object(arena, 2);

    set(arena, schema, "$ref", text(arena, pointer));
    return schema;
}

static bool has_closed_map(const struct field *field)
{
    return field->type == FIELD_STRING && field->convert == FIELD_AS_IS &&
           field->map_count > 0 && field->map_other != NULL;
}

static struct jval *field_schema(struct arena *arena, const struct field *field)
{
    if (has_closed_map(field)) {
        return or_null(arena, choices_schema(arena, field));
    }
    switch (field->type) {
    case FIELD_STRING:
        return reference(arena, "#/$defs/text");
    case FIELD_INTEGER:
        return reference(arena, "#/$defs/integer");
    case FIELD_BOOLEAN:
        return reference(arena, "#/$defs/boolean");
    case FIELD_ARRAY:
        break;
    }
    return or_null(arena, array_schema(arena, field));
}

static struct jval *record_schema(struct arena *arena, const struct field *fields,
                                  size_t count)
{
    struct jval *schema = type_only(arena, "object");
    struct jval *properties = jval_new_object(arena, count);

    for (size_t i = 0; i < count; i++) {
        struct jval *property = field_schema(arena, &fields[i]);

        if (fields[i].description.len > 0) {
            set(arena, property, "description",
                jval_new_string(arena, fields[i].description));
        }
        jval_set(arena, properties, fields[i].name, property);
    }
    set(arena, schema, "properties", properties);
    return schema;
}

/* Members of text, whatever their names. */
static struct jval *any_record(struct arena *arena)
{
    struct jval *schema = type_only(arena, "object");

    set(arena, schema, "additionalProperties", reference(arena, "#/$defs/text"));
    return schema;
}

/* What says something of the file only would cost every client for nothing. */
static bool is_shown(struct slice name)
{
    return slice_is(name, "type") || slice_is(name, "anyOf");
}

struct slice describe_output(struct arena *arena, const struct tool *tool,
                             const struct jval *envelope)
{
    const struct jval *shared = jval_get(envelope, "$defs");
    struct jval *schema = jval_new_object(arena, 3);
    struct jval *defs = jval_new_object(arena, shared->count);

    for (size_t i = 0; i < envelope->count; i++) {
        if (is_shown(envelope->members[i].name)) {
            jval_set(arena, schema, envelope->members[i].name,
                     &envelope->members[i].value);
        }
    }
    for (size_t i = 0; i < shared->count; i++) {
        jval_set(arena, defs, shared->members[i].name, &shared->members[i].value);
    }
    set(arena, defs, "record",
        tool->as_sent ? any_record(arena)
                      : record_schema(arena, tool->fields, tool->field_count));
    set(arena, schema, "$defs", defs);
    return describe_text(arena, schema);
}
