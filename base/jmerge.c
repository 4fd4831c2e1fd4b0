/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both objects may be as large as a body is, so members are looked up in a map. The depth is
 * the parser's: what was parsed is not deeper than LIMIT_JSON_DEPTH.
 */
#include "base/jmerge.h"

#include "base/map.h"

static struct map *members_of(const struct jval *object)
{
    struct map *map = map_new();

    for (size_t i = 0; object != NULL && i < object->count; i++) {
        map_put(map, object->members[i].name, &object->members[i].value);
    }
    return map;
}

/* The names are told apart already, so nothing is searched as jval_set would. */
static void append(struct jval *object, struct slice name, const struct jval *value)
{
    object->members[object->count++] = (struct jmember){name, *value};
}

/* What stays of the target, in its order. */
static void keep_members(struct arena *arena, const struct jval *target,
                         const struct jval *patch, struct jval *out)
{
    struct map *changes = members_of(patch);

    for (size_t i = 0; i < target->count; i++) {
        const struct jmember *member = &target->members[i];
        const struct jval *change = map_get(changes, member->name);

        if (change == NULL) {
            append(out, member->name, &member->value);
        } else if (change->type != JVAL_NULL) {
            append(out, member->name, jmerge(arena, &member->value, change));
        }
    }
    map_free(changes);
}

/* What the patch brings that was not there. */
static void add_members(struct arena *arena, const struct jval *target,
                        const struct jval *patch, struct jval *out)
{
    struct map *known = members_of(target);

    for (size_t i = 0; i < patch->count; i++) {
        const struct jmember *member = &patch->members[i];

        if (member->value.type != JVAL_NULL && map_get(known, member->name) == NULL) {
            append(out, member->name, jmerge(arena, NULL, &member->value));
        }
    }
    map_free(known);
}

/* Recursion: as deep as the patch is. */
struct jval *jmerge(struct arena *arena, const struct jval *target,
                    const struct jval *patch)
{
    if (patch->type != JVAL_OBJECT) {
        struct jval *copy = arena_alloc(arena, sizeof *copy);

        *copy = *patch;
        return copy;
    }
    if (!jval_is(target, JVAL_OBJECT)) {
        target = NULL;
    }
    struct jval *out =
        jval_new_object(arena, patch->count + (target != NULL ? target->count : 0));
    if (target != NULL) {
        keep_members(arena, target, patch, out);
    }
    add_members(arena, target, patch, out);
    return out;
}
