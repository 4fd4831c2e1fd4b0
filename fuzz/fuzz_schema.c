/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any JSON as a schema, up to a zero byte, and any JSON as an instance. A verdict does
 * not depend on how many faults may be named, and logic holds: what fits S fits
 * {"anyOf":[S]} and {"not":{"not":S}}.
 */
#include "fuzz/input.h"

#include "base/jwriter.h"
#include "base/limits.h"
#include "catalog/schema.h"

static bool holds_reference(const struct jval *value)
{
    for (size_t i = 0; value->type == JVAL_ARRAY && i < value->count; i++) {
        if (holds_reference(&value->items[i])) {
            return true;
        }
    }
    for (size_t i = 0; value->type == JVAL_OBJECT && i < value->count; i++) {
        if (slice_is(value->members[i].name, "$ref") ||
            holds_reference(&value->members[i].value)) {
            return true;
        }
    }
    return false;
}

static bool check(const struct schema *schema, const struct jval *instance,
                  struct arena *arena, size_t max)
{
    struct fault_detail details[LIMIT_FAULT_DETAILS];
    size_t count = 0;
    bool fits = schema_check(schema, instance, arena, details, max, &count);

    REQUIRE(count <= max && fits == (count == 0));
    for (size_t i = 0; i < count; i++) {
        REQUIRE(details[i].message.len > 0);
        REQUIRE(details[i].pointer.len == 0 || details[i].pointer.ptr[0] == '/');
    }
    return fits;
}

/* {name: inner}, or {name: [inner]} */
static struct jval *wrap(struct arena *arena, const char *name,
                         const struct jval *inner, bool in_array)
{
    struct jval *object = jval_new_object(arena, 1), *array = jval_new_array(arena, 1);

    jval_push(arena, array, inner);
    jval_set(arena, object, slice_str(name), in_array ? array : inner);
    return object;
}

/* Wrapped it is deeper, and its references lead elsewhere: then there is no telling. */
static void agrees(struct arena *arena, const struct jval *json,
                   const struct jval *instance, bool fits)
{
    struct schema_problem problem;
    struct schema *schema = NULL;

    if (schema_compile(arena, json, &schema, &problem) == ERR_OK) {
        REQUIRE(check(schema, instance, arena, 1) == fits);
    }
}

static void try_instance(struct arena *arena, const struct schema *schema,
                         const struct jval *json, const struct jval *instance)
{
    bool fits = check(schema, instance, arena, LIMIT_FAULT_DETAILS);

    REQUIRE(check(schema, instance, arena, 1) == fits);
    if (!holds_reference(json)) {
        agrees(arena, wrap(arena, "anyOf", json, true), instance, fits);
        agrees(arena, wrap(arena, "not", wrap(arena, "not", json, false), false),
               instance, fits);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size), text = input_text(&input);
    struct arena *arena = arena_new();
    struct jval *json = NULL, *instance = NULL;
    struct schema_problem problem = {SLICE_EMPTY, SLICE_EMPTY};
    struct schema *schema = NULL;

    if (jval_parse(arena, text, &json, NULL) == ERR_OK) {
        if (schema_compile(arena, json, &schema, &problem) != ERR_OK) {
            REQUIRE(problem.message.len > 0);
            REQUIRE(problem.pointer.len == 0 || problem.pointer.ptr[0] == '/');
        } else if (jval_parse(arena, input, &instance, NULL) == ERR_OK) {
            try_instance(arena, schema, json, instance);
        }
    }
    arena_free(arena);
    return 0;
}
