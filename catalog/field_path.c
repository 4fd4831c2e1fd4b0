/* SPDX-License-Identifier: Apache-2.0 */
/* Paths into records: a.b, items[], items[0], lines[?type='tax'].amount, "odd name".x
 */
#include "catalog/catalog_private.h"

struct reader {
    struct slice in;
    size_t at;
    const char *refusal;
};

static bool refuse(struct reader *r, const char *why)
{
    r->refusal = why;
    return false;
}

static char peek(const struct reader *r)
{
    return r->at < r->in.len ? r->in.ptr[r->at] : '\0';
}

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' || byte == '@' ||
           byte == '$';
}

/* Up to the closing quote; there is no escape inside. */
static bool read_quoted(struct reader *r, char quote, struct slice *out)
{
    struct slice rest = slice_from(r->in, r->at + 1);
    ptrdiff_t end = slice_find(rest, quote);

    if (end < 0) {
        return refuse(r, "a quote is not closed");
    }
    *out = slice_of(rest.ptr, (size_t)end);
    r->at += (size_t)end + 2;
    return true;
}

static bool read_name(struct reader *r, struct slice *out)
{
    size_t start = r->at;

    if (peek(r) == '"') {
        return read_quoted(r, '"', out);
    }
    while (is_name_byte(peek(r))) {
        r->at++;
    }
    *out = slice_of(r->in.ptr + start, r->at - start);
    return out->len > 0 ? true : refuse(r, "a member name is missing");
}

static bool expect(struct reader *r, char byte)
{
    if (peek(r) != byte) {
        return refuse(r, "[] holds nothing, a number or ?member='text'");
    }
    r->at++;
    return true;
}

static bool read_index(struct reader *r, struct path_step *step)
{
    size_t start = r->at;
    unsigned long long index;

    while (peek(r) >= '0' && peek(r) <= '9') {
        r->at++;
    }
    if (r->at == start) {
        return expect(r, '0');
    }
    if (!slice_to_u64(slice_of(r->in.ptr + start, r->at - start), &index) ||
        index > PATH_INDEX_MAX) {
        return refuse(r, "an index is a number from 0 to 99");
    }
    step->kind = PATH_INDEX;
    step->index = (size_t)index;
    return expect(r, ']');
}

static bool read_bracket(struct reader *r, struct path_step *step)
{
    r->at++;
    if (peek(r) == ']') {
        r->at++;
        step->kind = PATH_ALL;
        return true;
    }
    if (peek(r) != '?') {
        return read_index(r, step);
    }
    r->at++;
    step->kind = PATH_WHERE;
    if (!read_name(r, &step->name) || !expect(r, '=')) {
        return false;
    }
    if (peek(r) != '\'') {
        return expect(r, '\'');
    }
    return read_quoted(r, '\'', &step->value) && expect(r, ']');
}

static bool read_step(struct reader *r, struct path_step *step, bool first)
{
    if (peek(r) == '[') {
        return read_bracket(r, step);
    }
    if (!first) {
        if (peek(r) != '.') {
            return refuse(r, "members are separated by a dot");
        }
        r->at++;
    }
    step->kind = PATH_MEMBER;
    return read_name(r, &step->name);
}

bool field_path_compile(struct arena *arena, struct slice text, struct field_path **out,
                        struct slice *message)
{
    struct field_path *path = arena_alloc(arena, sizeof *path);
    struct path_step *steps = arena_array(arena, PATH_STEPS, sizeof *steps);
    struct reader r = {.in = text};

    do {
        if (path->count == PATH_STEPS) {
            refuse(&r, "it has more than 16 steps");
            break;
        }
        if (!read_step(&r, &steps[path->count], path->count == 0)) {
            break;
        }
        path->count++;
    } while (r.at < text.len);
    if (r.refusal != NULL) {
        *message = arena_printf(arena, "the path cannot be read: %s (byte %zu)",
                                r.refusal, r.at);
        return false;
    }
    path->steps = steps;
    *out = path;
    return true;
}

/* ---- Reading ---- */

/* With an arena every value is pushed; without one the first ends the walk. */
struct walk {
    const struct field_path *path;
    struct arena *arena;
    struct jval *found;
    const struct jval *first;
};

/* Whether the walk is over. */
static bool walk_from(struct walk *walk, size_t at, const struct jval *value);

static bool found_one(struct walk *walk, const struct jval *value)
{
    if (value->type == JVAL_NULL) {
        return false;
    }
    if (walk->arena != NULL) {
        jval_push(walk->arena, walk->found, value);
        return false;
    }
    walk->first = value;
    return true;
}

static bool is_selected(const struct path_step *step, const struct jval *element)
{
    const struct jval *member;

    if (step->kind == PATH_ALL) {
        return true;
    }
    member = jval_member(element, step->name);
    return member != NULL &&
           (member->type == JVAL_STRING || member->type == JVAL_NUMBER) &&
           slice_eq(member->text, step->value);
}

static bool walk_elements(struct walk *walk, size_t at, const struct jval *value)
{
    const struct path_step *step = &walk->path->steps[at];

    for (size_t i = 0; value->type == JVAL_ARRAY && i < value->count; i++) {
        if (is_selected(step, &value->items[i]) &&
            walk_from(walk, at + 1, &value->items[i])) {
            return true;
        }
    }
    return false;
}

static bool walk_from(struct walk *walk, size_t at, const struct jval *value)
{
    const struct path_step *step;

    if (at == walk->path->count) {
        return found_one(walk, value);
    }
    step = &walk->path->steps[at];
    switch (step->kind) {
    case PATH_MEMBER:
        value = jval_member(value, step->name);
        return value != NULL && walk_from(walk, at + 1, value);
    case PATH_INDEX:
        return value->type == JVAL_ARRAY && step->index < value->count &&
               walk_from(walk, at + 1, &value->items[step->index]);
    case PATH_ALL:
    case PATH_WHERE:
        break;
    }
    return walk_elements(walk, at, value);
}

static bool begins_with_member(const struct field_path *path)
{
    return path->count > 0 && path->steps[0].kind == PATH_MEMBER;
}

size_t field_path_place(const struct field_path *path, const struct jval *record,
                        size_t near)
{
    return begins_with_member(path) ? jval_place(record, path->steps[0].name, near)
                                    : SIZE_MAX;
}

const struct jval *field_path_first(const struct field_path *path,
                                    const struct jval *record, size_t place)
{
    struct walk walk = {.path = path};

    if (!begins_with_member(path)) {
        walk_from(&walk, 0, record);
        return walk.first;
    }
    if (place == SIZE_MAX) {
        return NULL;
    }
    const struct jval *value = &record->members[place].value;
    if (path->count == 1) {
        return value->type == JVAL_NULL ? NULL : value;
    }
    walk_from(&walk, 1, value);
    return walk.first;
}

void field_path_all(const struct field_path *path, const struct jval *record,
                    struct arena *arena, struct jval *found)
{
    struct walk walk = {.path = path, .arena = arena, .found = found};

    walk_from(&walk, 0, record);
}

/* ---- Writing ---- */

static bool same_step(const struct path_step *a, const struct path_step *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    return a->kind == PATH_INDEX ? a->index == b->index : slice_eq(a->name, b->name);
}

bool field_path_overlaps(const struct field_path *a, const struct field_path *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (!same_step(&a->steps[i], &b->steps[i])) {
            /* A place cannot be an object for one and an array for the other. */
            return a->steps[i].kind != b->steps[i].kind;
        }
    }
    return true;
}

/* The slot of a step inside `parent`, null when it is new. */
static struct jval *slot(struct arena *arena, struct jval *parent,
                         const struct path_step *step)
{
    struct jval *nothing = jval_new_null(arena);

    if (step->kind == PATH_INDEX) {
        while (parent->count <= step->index) {
            jval_push(arena, parent, nothing);
        }
        return &parent->items[step->index];
    }
    if (jval_member(parent, step->name) == NULL) {
        jval_set(arena, parent, step->name, nothing);
    }
    for (size_t i = 0; i < parent->count; i++) {
        if (slice_eq(parent->members[i].name, step->name)) {
            return &parent->members[i].value;
        }
    }
    REQUIRE(false); /* it was set above */
    return nothing;
}

void field_path_put(const struct field_path *path, struct arena *arena,
                    struct jval *object, const struct jval *value)
{
    struct jval *at = object;

    for (size_t i = 0; i < path->count; i++) {
        const struct path_step *step = &path->steps[i];

        REQUIRE(step->kind == PATH_MEMBER || step->kind == PATH_INDEX);
        if (at->type == JVAL_NULL) {
            *at = step->kind == PATH_INDEX ? *jval_new_array(arena, 1)
                                           : *jval_new_object(arena, 4);
        }
        at = slot(arena, at, step);
    }
    *at = *value;
}
