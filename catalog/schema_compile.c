/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas: JSON to nodes. One pass makes a node per subschema through the table of
 * keywords (schema_keywords.c), a second one follows $ref, a third makes sure that no
 * schema applies to one place without end.
 */
#include "catalog/schema_private.h"

#include "base/map.h"
#include "base/text.h"

bool schema_refuse(struct schema_compiler *c, const struct trail *trail,
                   struct slice message)
{
    c->problem->pointer = trail_pointer(c->arena, trail);
    c->problem->message = message;
    return false;
}

/* ---- Nodes ---- */

/* Nodes are found by where their JSON is. */
static struct slice node_key(const struct jval *const *json)
{
    return slice_of((const char *)json, sizeof(const struct jval *));
}

static struct schema *new_node(struct schema_compiler *c, const struct jval *json,
                               const struct trail *trail)
{
    struct schema *node = arena_alloc(c->arena, sizeof *node);

    node->json = json;
    node->pointer = trail_pointer(c->arena, trail);
    node->max_length = SIZE_MAX;
    node->max_items = SIZE_MAX;
    node->max_properties = SIZE_MAX;
    node->never = json->type == JVAL_FALSE;
    if (c->first == NULL) {
        c->first = node;
    } else {
        c->last->next = node;
    }
    c->last = node;
    map_put(c->nodes, node_key(&json), node);
    return node;
}

bool schema_compile_node(struct schema_compiler *c, const struct jval *json,
                         const struct trail *trail, unsigned depth, struct schema **out)
{
    if (json->type != JVAL_OBJECT && json->type != JVAL_TRUE &&
        json->type != JVAL_FALSE) {
        return schema_refuse(c, trail, SLICE("a schema is an object, true or false"));
    }
    if (depth > LIMIT_SCHEMA_DEPTH) {
        return schema_refuse(c, trail, SLICE("schemas are nested too deeply"));
    }
    if (++c->node_count > LIMIT_SCHEMA_NODES) {
        return schema_refuse(c, trail, SLICE("there are too many schemas in one"));
    }
    *out = new_node(c, json, trail);
    if (json->type != JVAL_OBJECT) {
        return true;
    }
    for (size_t i = 0; i < json->count; i++) {
        struct trail keyword = {.parent = trail, .name = json->members[i].name};
        struct schema_spot spot = {c, *out, &keyword, depth};

        if (!schema_keyword(&spot, &json->members[i])) {
            return false;
        }
    }
    return true;
}

/* ---- References ---- */

static struct schema *resolve(struct schema_compiler *c, struct slice target)
{
    const struct jval *json;
    struct slice pointer;

    if (target.len > 0 && target.ptr[0] != '/') {
        return map_get(c->anchors, target);
    }
    if (!text_unpercent(c->arena, target, &pointer)) {
        return NULL;
    }
    json = pointer_find(c->arena, c->root, pointer);
    return json == NULL ? NULL : map_get(c->nodes, node_key(&json));
}

static bool refuse_node(struct schema_compiler *c, const struct schema *node,
                        const char *message)
{
    c->problem->pointer = node->pointer;
    c->problem->message = slice_str(message);
    return false;
}

static bool resolve_all(struct schema_compiler *c)
{
    for (struct schema_reference *it = c->references; it != NULL; it = it->next) {
        it->from->ref = resolve(c, it->target);
        if (it->from->ref == NULL) {
            it->from->pointer =
                pointer_member(c->arena, it->from->pointer, SLICE("$ref"));
            return refuse_node(c, it->from,
                               "there is no schema at the place this names");
        }
    }
    return true;
}

/* ---- Endless application ---- */

static bool measure(struct schema_compiler *c, struct schema *node, unsigned level);

static bool measure_child(struct schema_compiler *c, struct schema *node,
                          struct schema *child, unsigned level)
{
    if (child == NULL) {
        return true;
    }
    if (!measure(c, child, level + 1)) {
        return false;
    }
    if (child->in_place_depth >= node->in_place_depth) {
        node->in_place_depth = child->in_place_depth + 1;
    }
    return true;
}

static bool measure_set(struct schema_compiler *c, struct schema *node,
                        const struct schema_set *set, unsigned level)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!measure_child(c, node, set->items[i], level)) {
            return false;
        }
    }
    return true;
}

/* How many schemas apply to one place below each other, references included. */
static bool measure(struct schema_compiler *c, struct schema *node, unsigned level)
{
    bool ok;

    if (node->visiting) {
        return refuse_node(c, node, "this schema refers to itself without end");
    }
    if (node->in_place_depth == 0) {
        if (level > LIMIT_SCHEMA_DEPTH) { /* also what bounds this recursion */
            return refuse_node(c, node, "too many schemas apply to one place");
        }
        node->visiting = true;
        node->in_place_depth = 1;
        ok = measure_child(c, node, node->ref, level) &&
             measure_set(c, node, &node->all, level) &&
             measure_set(c, node, &node->any, level) &&
             measure_set(c, node, &node->one, level) &&
             measure_child(c, node, node->negated, level) &&
             measure_child(c, node, node->condition, level) &&
             measure_child(c, node, node->then, level) &&
             measure_child(c, node, node->otherwise, level);
        node->visiting = false;
        if (!ok) {
            return false;
        }
    }
    return node->in_place_depth <= LIMIT_SCHEMA_DEPTH
               ? true
               : refuse_node(c, node, "too many schemas apply to one place");
}

static bool measure_all(struct schema_compiler *c)
{
    for (struct schema *node = c->first; node != NULL; node = node->next) {
        if (!measure(c, node, 0)) {
            return false;
        }
    }
    return true;
}

/* ---- Entry ---- */

enum err schema_compile(struct arena *arena, const struct jval *json,
                        struct schema **out, struct schema_problem *problem)
{
    struct schema_compiler c = {.arena = arena, .root = json, .problem = problem};
    bool ok;

    c.nodes = map_new();
    c.anchors = map_new();
    ok = schema_compile_node(&c, json, NULL, 0, out) && resolve_all(&c) &&
         measure_all(&c);
    map_free(c.anchors);
    map_free(c.nodes);
    return ok ? ERR_OK : ERR_UNPROCESSABLE;
}
