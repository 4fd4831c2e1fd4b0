/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas: the keywords we know, what each of them asks of its value, and where in the
 * node it goes. What is not in the table at the end is refused.
 */
#include "catalog/schema_private.h"

#include <stdlib.h>

#include "base/map.h"

static bool refuse_spot(const struct schema_spot *spot, const char *message)
{
    return schema_refuse(spot->compiler, spot->trail, slice_str(message));
}

/* ---- Keywords ---- */

static bool on_ignored(struct schema_spot *spot, const struct jval *value)
{
    (void)spot;
    (void)value;
    return true;
}

static bool on_dialect(struct schema_spot *spot, const struct jval *value)
{
    if (!slice_is(jval_text(value), "https://json-schema.org/draft/2020-12/schema")) {
        return refuse_spot(spot, "only JSON Schema 2020-12 is understood: "
                                 "https://json-schema.org/draft/2020-12/schema");
    }
    return true;
}

static unsigned type_bit(struct slice name)
{
    static const struct {
        const char *name;
        unsigned bit;
    } types[] = {
        {"null", TYPE_NULL},       {"boolean", TYPE_BOOLEAN}, {"number", TYPE_NUMBER},
        {"integer", TYPE_INTEGER}, {"string", TYPE_STRING},   {"array", TYPE_ARRAY},
        {"object", TYPE_OBJECT},
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (slice_is(name, types[i].name)) {
            return types[i].bit;
        }
    }
    return 0;
}

static bool on_type(struct schema_spot *spot, const struct jval *value)
{
    const struct jval *names = value;
    size_t count = 1;

    if (value->type == JVAL_ARRAY) {
        names = value->items;
        count = value->count;
    }
    for (size_t i = 0; i < count; i++) {
        unsigned bit = type_bit(jval_text(&names[i]));

        if (bit == 0) {
            return refuse_spot(spot,
                               "has to be null, boolean, integer, number, string, "
                               "array or object");
        }
        spot->node->types |= bit;
    }
    return count > 0 ? true : refuse_spot(spot, "has to name a type");
}

static bool on_const(struct schema_spot *spot, const struct jval *value)
{
    spot->node->constant = value;
    return true;
}

static bool on_enum(struct schema_spot *spot, const struct jval *value)
{
    if (value->type != JVAL_ARRAY) {
        return refuse_spot(spot, "has to be an array of the allowed values");
    }
    spot->node->choices = value;
    return true;
}

/* Keywords that store a number: which member of the node they go to. */
static bool store_number(struct schema_spot *spot, const struct jval *value,
                         const struct jval **target)
{
    if (value->type != JVAL_NUMBER) {
        return refuse_spot(spot, "has to be a number");
    }
    *target = value;
    return true;
}

static bool on_minimum(struct schema_spot *spot, const struct jval *value)
{
    return store_number(spot, value, &spot->node->minimum);
}

static bool on_maximum(struct schema_spot *spot, const struct jval *value)
{
    return store_number(spot, value, &spot->node->maximum);
}

static bool on_exclusive_minimum(struct schema_spot *spot, const struct jval *value)
{
    return store_number(spot, value, &spot->node->exclusive_minimum);
}

static bool on_exclusive_maximum(struct schema_spot *spot, const struct jval *value)
{
    return store_number(spot, value, &spot->node->exclusive_maximum);
}

static bool on_multiple_of(struct schema_spot *spot, const struct jval *value)
{
    if (value->type != JVAL_NUMBER || !number_is_divisor(value->text)) {
        return refuse_spot(spot, "has to be a number above 0 with at most 18 digits");
    }
    spot->node->multiple_of = value;
    return true;
}

static bool store_size(struct schema_spot *spot, const struct jval *value,
                       size_t *target)
{
    struct slice text;
    struct decimal number;
    unsigned long long size;

    if (value->type != JVAL_NUMBER || !decimal_parse(value->text, &number) ||
        number.negative || !decimal_is_integer(&number)) {
        return refuse_spot(spot, "has to be a whole number, at least 0");
    }
    if (!decimal_plain(spot->compiler->arena, &number, &text) ||
        !slice_to_u64(text, &size)) {
        return refuse_spot(spot, "is too large");
    }
    *target = (size_t)size;
    return true;
}

static bool on_min_length(struct schema_spot *spot, const struct jval *value)
{
    return store_size(spot, value, &spot->node->min_length);
}

static bool on_max_length(struct schema_spot *spot, const struct jval *value)
{
    return store_size(spot, value, &spot->node->max_length);
}

static bool on_min_items(struct schema_spot *spot, const struct jval *value)
{
    return store_size(spot, value, &spot->node->min_items);
}

static bool on_max_items(struct schema_spot *spot, const struct jval *value)
{
    return store_size(spot, value, &spot->node->max_items);
}

static bool on_min_properties(struct schema_spot *spot, const struct jval *value)
{
    return store_size(spot, value, &spot->node->min_properties);
}

static bool on_max_properties(struct schema_spot *spot, const struct jval *value)
{
    return store_size(spot, value, &spot->node->max_properties);
}

static bool on_unique_items(struct schema_spot *spot, const struct jval *value)
{
    if (value->type != JVAL_TRUE && value->type != JVAL_FALSE) {
        return refuse_spot(spot, "has to be true or false");
    }
    spot->node->unique_items = value->type == JVAL_TRUE;
    return true;
}

static bool on_pattern(struct schema_spot *spot, const struct jval *value)
{
    struct slice message;

    if (value->type != JVAL_STRING) {
        return refuse_spot(spot, "has to be text");
    }
    spot->node->pattern_text = value;
    if (!pattern_compile(spot->compiler->arena, value->text, &spot->node->pattern,
                         &message)) {
        return schema_refuse(spot->compiler, spot->trail, message);
    }
    return true;
}

static bool on_format(struct schema_spot *spot, const struct jval *value)
{
    if (value->type != JVAL_STRING) {
        return refuse_spot(spot, "has to be text");
    }
    if (slice_is(value->text, "date")) {
        spot->node->format = FORMAT_DATE;
    } else if (slice_is(value->text, "date-time")) {
        spot->node->format = FORMAT_DATE_TIME;
    }
    return true;
}

static bool on_required(struct schema_spot *spot, const struct jval *value)
{
    bool ok = value->type == JVAL_ARRAY;

    for (size_t i = 0; ok && i < value->count; i++) {
        ok = value->items[i].type == JVAL_STRING;
    }
    if (!ok) {
        return refuse_spot(spot, "has to be an array of member names");
    }
    spot->node->required = value;
    return true;
}

/* ---- Keywords that hold schemas ---- */

static bool compile_one(struct schema_spot *spot, const struct jval *value,
                        struct schema **out)
{
    return schema_compile_node(spot->compiler, value, spot->trail, spot->depth + 1,
                               out);
}

static bool on_items(struct schema_spot *spot, const struct jval *value)
{
    return compile_one(spot, value, &spot->node->items);
}

static bool on_additional(struct schema_spot *spot, const struct jval *value)
{
    return compile_one(spot, value, &spot->node->additional);
}

static bool on_property_names(struct schema_spot *spot, const struct jval *value)
{
    return compile_one(spot, value, &spot->node->property_names);
}

static bool on_not(struct schema_spot *spot, const struct jval *value)
{
    return compile_one(spot, value, &spot->node->negated);
}

static bool on_if(struct schema_spot *spot, const struct jval *value)
{
    return compile_one(spot, value, &spot->node->condition);
}

static bool on_then(struct schema_spot *spot, const struct jval *value)
{
    return compile_one(spot, value, &spot->node->then);
}

static bool on_else(struct schema_spot *spot, const struct jval *value)
{
    return compile_one(spot, value, &spot->node->otherwise);
}

static bool compile_set(struct schema_spot *spot, const struct jval *value,
                        struct schema_set *set)
{
    if (value->type != JVAL_ARRAY || value->count == 0) {
        return refuse_spot(spot, "has to be an array of schemas, at least one");
    }
    set->items =
        arena_array(spot->compiler->arena, value->count, sizeof(struct schema *));
    set->count = value->count;
    for (size_t i = 0; i < value->count; i++) {
        struct trail element = {.parent = spot->trail, .index = i};

        if (!schema_compile_node(spot->compiler, &value->items[i], &element,
                                 spot->depth + 1, &set->items[i])) {
            return false;
        }
    }
    return true;
}

static bool on_all_of(struct schema_spot *spot, const struct jval *value)
{
    return compile_set(spot, value, &spot->node->all);
}

static bool on_any_of(struct schema_spot *spot, const struct jval *value)
{
    return compile_set(spot, value, &spot->node->any);
}

static bool on_one_of(struct schema_spot *spot, const struct jval *value)
{
    return compile_set(spot, value, &spot->node->one);
}

static int by_name(const void *a, const void *b)
{
    const struct schema_property *left = a;
    const struct schema_property *right = b;

    return slice_cmp(left->name, right->name);
}

static bool compile_map(struct schema_spot *spot, const struct jval *value,
                        struct schema_property **out)
{
    struct schema_property *list;

    if (value->type != JVAL_OBJECT) {
        return refuse_spot(spot, "has to be an object of schemas");
    }
    list = arena_array(spot->compiler->arena, value->count, sizeof *list);
    for (size_t i = 0; i < value->count; i++) {
        struct trail member = {.parent = spot->trail, .name = value->members[i].name};
        struct schema *schema;

        if (!schema_compile_node(spot->compiler, &value->members[i].value, &member,
                                 spot->depth + 1, &schema)) {
            return false;
        }
        list[i] = (struct schema_property){value->members[i].name, schema};
    }
    if (value->count > 1) {
        qsort(list, value->count, sizeof *list, by_name);
    }
    *out = list;
    return true;
}

static bool on_properties(struct schema_spot *spot, const struct jval *value)
{
    spot->node->property_count = value->type == JVAL_OBJECT ? value->count : 0;
    return compile_map(spot, value, &spot->node->properties);
}

static bool on_defs(struct schema_spot *spot, const struct jval *value)
{
    struct schema_property *unused;

    return compile_map(spot, value, &unused);
}

static bool on_anchor(struct schema_spot *spot, const struct jval *value)
{
    if (value->type != JVAL_STRING || value->text.len == 0) {
        return refuse_spot(spot, "has to be a name");
    }
    if (map_put(spot->compiler->anchors, value->text, spot->node) != NULL) {
        return refuse_spot(spot, "this anchor is declared twice");
    }
    return true;
}

static bool on_ref(struct schema_spot *spot, const struct jval *value)
{
    struct schema_reference *reference;

    if (value->type != JVAL_STRING || !slice_starts(value->text, SLICE("#"))) {
        return refuse_spot(spot, "only references inside this schema are followed: "
                                 "#, #/$defs/name or #anchor");
    }
    reference = arena_alloc(spot->compiler->arena, sizeof *reference);
    reference->from = spot->node;
    reference->target = slice_from(value->text, 1);
    reference->next = spot->compiler->references;
    spot->compiler->references = reference;
    return true;
}

/* A property of the root and nowhere deeper: that is where headers are compared. */
static bool on_mcp_header(struct schema_spot *spot, const struct jval *value)
{
    const struct trail *property = spot->trail->parent;
    const struct trail *keyword = property != NULL ? property->parent : NULL;

    if (value->type != JVAL_STRING) {
        return refuse_spot(spot, "has to be the name of a header");
    }
    if (keyword == NULL || keyword->parent != NULL ||
        !slice_is(keyword->name, "properties")) {
        return refuse_spot(spot, "only an argument itself is mirrored in a header");
    }
    return true;
}

static const struct {
    const char *name;
    bool (*apply)(struct schema_spot *spot, const struct jval *value);
} keywords[] = {
    {"$anchor", on_anchor},
    {"$comment", on_ignored},
    {"$defs", on_defs},
    {"$ref", on_ref},
    {"$schema", on_dialect},
    {"additionalProperties", on_additional},
    {"allOf", on_all_of},
    {"anyOf", on_any_of},
    {"const", on_const},
    {"default", on_ignored},
    {"deprecated", on_ignored},
    {"description", on_ignored},
    {"else", on_else},
    {"enum", on_enum},
    {"examples", on_ignored},
    {"exclusiveMaximum", on_exclusive_maximum},
    {"exclusiveMinimum", on_exclusive_minimum},
    {"format", on_format},
    {"if", on_if},
    {"items", on_items},
    {"maxItems", on_max_items},
    {"maxLength", on_max_length},
    {"maxProperties", on_max_properties},
    {"maximum", on_maximum},
    {"minItems", on_min_items},
    {"minLength", on_min_length},
    {"minProperties", on_min_properties},
    {"minimum", on_minimum},
    {"multipleOf", on_multiple_of},
    {"not", on_not},
    {"oneOf", on_one_of},
    {"pattern", on_pattern},
    {"properties", on_properties},
    {"propertyNames", on_property_names},
    {"readOnly", on_ignored},
    {"required", on_required},
    {"then", on_then},
    {"title", on_ignored},
    {"type", on_type},
    {"uniqueItems", on_unique_items},
    {"writeOnly", on_ignored},
    {"x-mcp-header", on_mcp_header},
};

/* ---- Entry ---- */

bool schema_keyword(struct schema_spot *spot, const struct jmember *member)
{
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
        if (slice_is(member->name, keywords[i].name)) {
            return keywords[i].apply(spot, &member->value);
        }
    }
    return schema_refuse(spot->compiler, spot->trail,
                         arena_printf(spot->compiler->arena,
                                      "the keyword \"%.*s\" is not supported",
                                      SLICE_ARG(member->name)));
}
