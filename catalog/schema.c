/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas: values against nodes. Each rule is a function of its own; a fault names the
 * rule and what is allowed, never the value. A schema that offers alternatives is tried
 * silently first, then the alternative that was probably meant is run aloud.
 */
#include "catalog/schema_private.h"

#include <stdlib.h>

#include "base/timefmt.h"

/* Steps of one check: what a value within the limits of base/limits.h needs, many
 * times. */
#define CHECK_STEPS (4U * 1024 * 1024)
/* Schemas below each other, in place or inward: what keeps the stack bounded. */
#define CHECK_DEPTH 512

struct budget {
    unsigned steps, depth; /* left; once one is gone, nothing fits any more */
    bool spent;
};

struct checker {
    struct arena *arena;
    struct fault_detail *details; /* NULL: a silent try */
    size_t max, count;
    struct budget *budget;
};

static bool check(struct checker *c, const struct schema *schema,
                  const struct jval *value, const struct trail *trail);

/* ---- Faults ---- */

static bool is_heard(const struct checker *c)
{
    return c->details != NULL && c->count < c->max;
}

/* Always false, so that a rule can end with it. */
static bool fault(struct checker *c, const struct trail *trail, struct slice message)
{
    if (is_heard(c)) {
        c->details[c->count].pointer = trail_pointer(c->arena, trail);
        c->details[c->count].message = message;
        c->count++;
    }
    return false;
}

static bool fault_text(struct checker *c, const struct trail *trail,
                       const char *message)
{
    return fault(c, trail, slice_str(message));
}

/* "must be at least 1": a sentence that ends with something of the schema's. */
static bool fault_with(struct checker *c, const struct trail *trail, const char *rule,
                       struct slice allowed)
{
    if (!is_heard(c)) {
        return false;
    }
    return fault(c, trail, arena_printf(c->arena, "%s %.*s", rule, SLICE_ARG(allowed)));
}

static bool fault_size(struct checker *c, const struct trail *trail, const char *rule,
                       size_t size, const char *unit)
{
    if (!is_heard(c)) {
        return false;
    }
    return fault(
        c, trail,
        arena_printf(c->arena, "%s %zu %s%s", rule, size, unit, size == 1 ? "" : "s"));
}

/* ---- Types ---- */

static unsigned types_of(const struct jval *value)
{
    switch (value->type) {
    case JVAL_NULL:
        return TYPE_NULL;
    case JVAL_FALSE:
    case JVAL_TRUE:
        return TYPE_BOOLEAN;
    case JVAL_NUMBER:
        return number_is_integer(value->text) ? TYPE_NUMBER | TYPE_INTEGER
                                              : TYPE_NUMBER;
    case JVAL_STRING:
        return TYPE_STRING;
    case JVAL_ARRAY:
        return TYPE_ARRAY;
    case JVAL_OBJECT:
        return TYPE_OBJECT;
    }
    return 0;
}

static bool check_type(struct checker *c, const struct schema *schema,
                       const struct jval *value, const struct trail *trail)
{
    if (schema->types == 0 || (schema->types & types_of(value)) != 0) {
        return true;
    }
    if (!is_heard(c)) {
        return false;
    }
    return fault_with(c, trail, "must be", message_types(c->arena, schema->types));
}

/* ---- Fixed values ---- */

static bool check_fixed(struct checker *c, const struct schema *schema,
                        const struct jval *value, const struct trail *trail)
{
    if (schema->constant != NULL && !jval_equal(schema->constant, value)) {
        struct jval list = {.type = JVAL_ARRAY, .count = 1};
        struct jval item = *schema->constant;

        list.items = &item;
        return is_heard(c)
                   ? fault_with(c, trail, "must be", message_choices(c->arena, &list))
                   : false;
    }
    if (schema->choices == NULL) {
        return true;
    }
    for (size_t i = 0; i < schema->choices->count; i++) {
        if (jval_equal(&schema->choices->items[i], value)) {
            return true;
        }
    }
    return is_heard(c) ? fault_with(c, trail, "must be one of",
                                    message_choices(c->arena, schema->choices))
                       : false;
}

/* ---- Numbers ---- */

static bool check_number(struct checker *c, const struct schema *schema,
                         const struct jval *value, const struct trail *trail)
{
    struct slice text = value->text;

    if (schema->minimum != NULL && jval_number_cmp(text, schema->minimum->text) < 0) {
        return fault_with(c, trail, "must be at least", schema->minimum->text);
    }
    if (schema->maximum != NULL && jval_number_cmp(text, schema->maximum->text) > 0) {
        return fault_with(c, trail, "must be at most", schema->maximum->text);
    }
    if (schema->exclusive_minimum != NULL &&
        jval_number_cmp(text, schema->exclusive_minimum->text) <= 0) {
        return fault_with(c, trail, "must be above", schema->exclusive_minimum->text);
    }
    if (schema->exclusive_maximum != NULL &&
        jval_number_cmp(text, schema->exclusive_maximum->text) >= 0) {
        return fault_with(c, trail, "must be below", schema->exclusive_maximum->text);
    }
    if (schema->multiple_of != NULL &&
        !number_is_multiple(text, schema->multiple_of->text)) {
        return fault_with(c, trail, "must be a multiple of", schema->multiple_of->text);
    }
    return true;
}

/* ---- Text ---- */

static size_t code_points(struct slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.ptr[i] & 0xC0U) != 0x80U;
    }
    return count;
}

static bool check_format(struct checker *c, enum schema_format format,
                         struct slice text, const struct trail *trail)
{
    int64_t unused;

    switch (format) {
    case FORMAT_NONE:
        return true;
    case FORMAT_DATE:
        return timefmt_is_date(text)
                   ? true
                   : fault_text(c, trail, "must be a date that exists, as YYYY-MM-DD");
    case FORMAT_DATE_TIME:
        break;
    }
    return timefmt_parse(text, &unused)
               ? true
               : fault_text(c, trail,
                            "must be a time as in RFC 3339: 2026-01-31T09:30:00Z");
}

static bool check_string(struct checker *c, const struct schema *schema,
                         const struct jval *value, const struct trail *trail)
{
    struct slice text = value->text;
    bool measured = schema->min_length > 0 || schema->max_length != SIZE_MAX;
    size_t length = measured ? code_points(text) : 0;

    if (length < schema->min_length) {
        return fault_size(c, trail, "must have at least", schema->min_length,
                          "character");
    }
    if (length > schema->max_length) {
        return fault_size(c, trail, "must have at most", schema->max_length,
                          "character");
    }
    if (schema->pattern != NULL && !pattern_matches(schema->pattern, text)) {
        return fault_with(c, trail, "must match the pattern",
                          schema->pattern_text->text);
    }
    return check_format(c, schema->format, text, trail);
}

/* ---- Arrays ---- */

static int by_text(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* Sorted canonical texts: never quadratic, however many items an outsider sends. */
static bool has_twins(struct arena *arena, const struct jval *array)
{
    struct slice *texts = arena_array(arena, array->count, sizeof *texts);

    for (size_t i = 0; i < array->count; i++) {
        texts[i] = canonical_text(arena, &array->items[i]);
    }
    if (array->count > 1) {
        qsort(texts, array->count, sizeof *texts, by_text);
    }
    for (size_t i = 1; i < array->count; i++) {
        if (slice_eq(texts[i - 1], texts[i])) {
            return true;
        }
    }
    return false;
}

static bool check_array(struct checker *c, const struct schema *schema,
                        const struct jval *value, const struct trail *trail)
{
    bool ok = true;

    if (value->count < schema->min_items) {
        return fault_size(c, trail, "must have at least", schema->min_items, "item");
    }
    if (value->count > schema->max_items) {
        return fault_size(c, trail, "must have at most", schema->max_items, "item");
    }
    if (schema->unique_items && has_twins(c->arena, value)) {
        ok = fault_text(c, trail, "must not hold the same item twice");
    }
    for (size_t i = 0; schema->items != NULL && i < value->count; i++) {
        struct trail element = {.parent = trail, .index = i};

        ok = check(c, schema->items, &value->items[i], &element) && ok;
    }
    return ok;
}

/* ---- Objects ---- */

static int by_name(const void *key, const void *element)
{
    const struct slice *name = key;
    const struct schema_property *property = element;

    return slice_cmp(*name, property->name);
}

static const struct schema_property *find_property(const struct schema *schema,
                                                   struct slice name)
{
    if (schema->property_count == 0) {
        return NULL;
    }
    return bsearch(&name, schema->properties, schema->property_count,
                   sizeof *schema->properties, by_name);
}

static bool fault_unknown(struct checker *c, const struct schema *schema,
                          const struct trail *trail)
{
    return is_heard(c) ? fault(c, trail, message_unknown(c->arena, schema)) : false;
}

static bool check_name(struct checker *c, const struct schema *schema,
                       struct slice name, const struct trail *trail)
{
    struct jval value = {.type = JVAL_STRING, .text = name};

    return schema->property_names == NULL ||
           check(c, schema->property_names, &value, trail);
}

static bool check_member(struct checker *c, const struct schema *schema,
                         const struct jmember *member, const struct trail *parent)
{
    struct trail trail = {.parent = parent, .name = member->name};
    const struct schema_property *property = find_property(schema, member->name);
    bool ok = check_name(c, schema, member->name, &trail);

    if (property != NULL) {
        return check(c, property->schema, &member->value, &trail) && ok;
    }
    if (schema->additional == NULL) {
        return ok;
    }
    if (schema->additional->never) {
        return fault_unknown(c, schema, &trail);
    }
    return check(c, schema->additional, &member->value, &trail) && ok;
}

static bool check_required(struct checker *c, const struct schema *schema,
                           const struct jval *value, const struct trail *trail)
{
    bool ok = true;

    for (size_t i = 0; schema->required != NULL && i < schema->required->count; i++) {
        struct trail missing = {.parent = trail,
                                .name = schema->required->items[i].text};

        if (jval_member(value, missing.name) == NULL) {
            ok = fault_text(c, &missing, "is required");
        }
    }
    return ok;
}

static bool check_object(struct checker *c, const struct schema *schema,
                         const struct jval *value, const struct trail *trail)
{
    bool ok = true;

    if (value->count < schema->min_properties) {
        return fault_size(c, trail, "must have at least", schema->min_properties,
                          "member");
    }
    if (value->count > schema->max_properties) {
        return fault_size(c, trail, "must have at most", schema->max_properties,
                          "member");
    }
    for (size_t i = 0; i < value->count; i++) {
        ok = check_member(c, schema, &value->members[i], trail) && ok;
    }
    return check_required(c, schema, value, trail) && ok;
}

/* ---- Schemas about the same value ---- */

static bool fits(struct checker *c, const struct schema *schema,
                 const struct jval *value, const struct trail *trail)
{
    struct checker silent = {.arena = c->arena, .budget = c->budget};

    return check(&silent, schema, value, trail);
}

/* The types a schema says it takes, also through a reference. */
static unsigned accepted_types(const struct schema *schema)
{
    while (schema->types == 0 && schema->ref != NULL) {
        schema = schema->ref;
    }
    return schema->types;
}

/* None fits: the only alternative for the value's type is the one that was meant. */
static bool fault_alternatives(struct checker *c, const struct schema_set *set,
                               const struct jval *value, const struct trail *trail)
{
    const struct schema *meant = NULL;
    unsigned types = 0, of_value = types_of(value);
    size_t candidates = 0;

    if (!is_heard(c)) {
        return false;
    }
    for (size_t i = 0; i < set->count; i++) {
        unsigned accepted = accepted_types(set->items[i]);

        types |= accepted == 0 ? ~0U : accepted;
        if (accepted == 0 || (accepted & of_value) != 0) {
            candidates++;
            meant = set->items[i];
        }
    }
    if (candidates == 1) {
        return check(c, meant, value, trail);
    }
    if (candidates == 0) {
        return fault_with(c, trail, "must be", message_types(c->arena, types));
    }
    return fault_size(c, trail, "must fit one of", set->count, "allowed form");
}

static bool check_any(struct checker *c, const struct schema *schema,
                      const struct jval *value, const struct trail *trail)
{
    for (size_t i = 0; i < schema->any.count; i++) {
        if (fits(c, schema->any.items[i], value, trail)) {
            return true;
        }
    }
    return schema->any.count == 0 || fault_alternatives(c, &schema->any, value, trail);
}

static bool check_one(struct checker *c, const struct schema *schema,
                      const struct jval *value, const struct trail *trail)
{
    size_t count = 0;

    for (size_t i = 0; i < schema->one.count; i++) {
        count += fits(c, schema->one.items[i], value, trail);
    }
    if (schema->one.count == 0 || count == 1) {
        return true;
    }
    if (count > 1) {
        return fault_text(c, trail,
                          "must fit exactly one of the allowed forms, and fits "
                          "several");
    }
    return fault_alternatives(c, &schema->one, value, trail);
}

static bool check_condition(struct checker *c, const struct schema *schema,
                            const struct jval *value, const struct trail *trail)
{
    const struct schema *next;

    if (schema->condition == NULL) {
        return true;
    }
    next = fits(c, schema->condition, value, trail) ? schema->then : schema->otherwise;
    return next == NULL || check(c, next, value, trail);
}

static bool check_in_place(struct checker *c, const struct schema *schema,
                           const struct jval *value, const struct trail *trail)
{
    bool ok = schema->ref == NULL || check(c, schema->ref, value, trail);

    for (size_t i = 0; i < schema->all.count; i++) {
        ok = check(c, schema->all.items[i], value, trail) && ok;
    }
    ok = check_any(c, schema, value, trail) && ok;
    ok = check_one(c, schema, value, trail) && ok;
    if (schema->negated != NULL && fits(c, schema->negated, value, trail)) {
        ok = fault_text(c, trail, "is a form that is not allowed");
    }
    return check_condition(c, schema, value, trail) && ok;
}

/* ---- Entry ---- */

static bool check_content(struct checker *c, const struct schema *schema,
                          const struct jval *value, const struct trail *trail)
{
    switch (value->type) {
    case JVAL_NUMBER:
        return check_number(c, schema, value, trail);
    case JVAL_STRING:
        return check_string(c, schema, value, trail);
    case JVAL_ARRAY:
        return check_array(c, schema, value, trail);
    case JVAL_OBJECT:
        return check_object(c, schema, value, trail);
    case JVAL_NULL:
    case JVAL_FALSE:
    case JVAL_TRUE:
        break;
    }
    return true;
}

static bool check_within(struct checker *c, const struct schema *schema,
                         const struct jval *value, const struct trail *trail)
{
    bool content;

    if (schema->never) {
        return fault_text(c, trail, "is not allowed");
    }
    /* A value of the wrong type or outside the list would only break more rules. */
    if (!check_type(c, schema, value, trail) || !check_fixed(c, schema, value, trail)) {
        return false;
    }
    content = check_content(c, schema, value, trail);
    return check_in_place(c, schema, value, trail) && content;
}

static bool check(struct checker *c, const struct schema *schema,
                  const struct jval *value, const struct trail *trail)
{
    bool ok;

    if (c->budget->steps == 0 || c->budget->depth == 0) {
        c->budget->spent = true;
    }
    if (c->budget->spent) {
        return false;
    }
    c->budget->steps--;
    c->budget->depth--;
    ok = check_within(c, schema, value, trail);
    c->budget->depth++;
    return ok;
}

bool schema_check(const struct schema *schema, const struct jval *value,
                  struct arena *arena, struct fault_detail *details, size_t max,
                  size_t *count)
{
    struct budget budget = {.steps = CHECK_STEPS, .depth = CHECK_DEPTH};
    struct checker c = {arena, details, max, 0, &budget};
    bool ok = check(&c, schema, value, NULL);

    if (budget.spent) { /* a "not" may have turned the refusal around */
        c.count = 0;
        ok = fault_text(&c, NULL, "is too much work to check; send less, or less deep");
    }
    *count = c.count;
    return ok;
}
