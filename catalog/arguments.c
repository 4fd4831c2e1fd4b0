/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of a tool: which there are, where each one goes, and the schema that
 * checks them. Pointers in problems start at the documentation's "input".
 */
#include "catalog/catalog_private.h"

#include <stdlib.h>

struct place_name {
    const char *name;
    enum argument_place place;
};

static const struct place_name places[] = {
    {"path", ARGUMENT_PATH}, {"query", ARGUMENT_QUERY}, {"body", ARGUMENT_BODY}};

#define PLACES (sizeof places / sizeof places[0])
#define ADDED_ARGUMENTS 3 /* id; limit, next_cursor; poll_id */

struct reader {
    struct arena *arena;
    struct tool *tool;
    struct argument *list;
    size_t count;
    struct schema_problem *problem;
};

static enum err refuse(struct reader *r, struct slice pointer, struct slice message)
{
    r->problem->pointer = pointer;
    r->problem->message = message;
    return ERR_UNPROCESSABLE;
}

static struct slice argument_pointer(struct arena *arena,
                                     const struct argument *argument)
{
    for (size_t i = 0; i < PLACES; i++) {
        if (places[i].place == argument->place) {
            return arena_printf(arena, "/%s/%.*s", places[i].name,
                                SLICE_ARG(argument->name));
        }
    }
    return SLICE_EMPTY; /* paging: stands in no file */
}

bool arguments_have_id(const struct tool *tool)
{
    return tool->kind == METHOD_GET || tool->kind == METHOD_UPDATE ||
           tool->kind == METHOD_DELETE;
}

static bool is_added(const struct tool *tool, struct slice name)
{
    if (tool->pages) {
        return slice_is(name, "limit") || slice_is(name, "next_cursor");
    }
    if (tool->polls) {
        return slice_is(name, "poll_id");
    }
    return arguments_have_id(tool) && slice_is(name, "id");
}

/* ---- Places in the body ---- */

static bool is_fixed(const struct field_path *path)
{
    for (size_t i = 0; i < path->count; i++) {
        if (path->steps[i].kind != PATH_MEMBER &&
            (i == 0 || path->steps[i].kind != PATH_INDEX)) {
            return false;
        }
    }
    return true;
}

/* A member of the argument's own name, unless x-path says otherwise. */
static enum err read_target(struct reader *r, const struct jval *property,
                            struct argument *argument)
{
    const struct jval *text = jval_get(property, "x-path");
    struct slice pointer =
        pointer_member(r->arena, argument_pointer(r->arena, argument), SLICE("x-path"));
    struct field_path *path = NULL;
    struct slice message;

    if (argument->place != ARGUMENT_BODY) {
        return text == NULL
                   ? ERR_OK
                   : refuse(r, pointer, SLICE("only a body argument has a place"));
    }
    if (!field_path_compile(r->arena, text != NULL ? text->text : argument->name, &path,
                            &message)) {
        return refuse(r, pointer, message);
    }
    if (!is_fixed(path)) {
        return refuse(r, pointer,
                      SLICE("a place is made of members and [n], a member first"));
    }
    argument->target = path;
    return ERR_OK;
}

/* ---- Headers ---- */

/* What clients drop a whole tool for is refused here: a type that has no one text, and a
 * header that two arguments share. */
static enum err read_header(struct reader *r, const struct jval *property,
                            struct argument *argument)
{
    const struct jval *header = jval_get(property, "x-mcp-header");
    struct slice type = jval_text(jval_get(property, "type"));
    struct slice pointer = pointer_member(
        r->arena, argument_pointer(r->arena, argument), SLICE("x-mcp-header"));

    if (header == NULL) {
        return ERR_OK;
    }
    if (!slice_is(type, "string") && !slice_is(type, "integer") &&
        !slice_is(type, "boolean")) {
        return refuse(r, pointer,
                      SLICE("only a string, an integer or a boolean has one"));
    }
    for (size_t i = 0; i < r->count; i++) {
        if (slice_eq_nocase(r->list[i].header, header->text)) {
            return refuse(r, pointer,
                          arena_printf(r->arena, "\"%.*s\" has the same header",
                                       SLICE_ARG(r->list[i].name)));
        }
    }
    argument->header = header->text;
    return ERR_OK;
}

/* ---- Each argument ---- */

static enum err check_argument(struct reader *r, const struct argument *argument)
{
    struct slice pointer = argument_pointer(r->arena, argument);

    if (is_added(r->tool, argument->name)) {
        return refuse(r, pointer,
                      SLICE("every tool of this kind has this argument anyway"));
    }
    for (size_t i = 0; i < r->count; i++) {
        const struct argument *other = &r->list[i];

        if (slice_eq(other->name, argument->name)) {
            return refuse(r, pointer, SLICE("this argument is declared in two places"));
        }
        if (argument->target != NULL && other->target != NULL &&
            field_path_overlaps(argument->target, other->target)) {
            return refuse(r, pointer,
                          arena_printf(r->arena,
                                       "goes to the same place in the body as \"%.*s\"",
                                       SLICE_ARG(other->name)));
        }
    }
    return ERR_OK;
}

static enum err read_argument(struct reader *r, const struct jmember *member,
                              enum argument_place place)
{
    struct argument argument = {.name = member->name, .place = place};
    enum err err = read_target(r, &member->value, &argument);

    if (err == ERR_OK) {
        err = read_header(r, &member->value, &argument);
    }
    if (err == ERR_OK) {
        err = check_argument(r, &argument);
    }
    if (err == ERR_OK) {
        r->list[r->count++] = argument;
    }
    return err;
}

static void add(struct reader *r, struct slice name, enum argument_place place)
{
    r->list[r->count++] = (struct argument){.name = name, .place = place};
}

static void add_own(struct reader *r)
{
    if (r->tool->pages) {
        add(r, SLICE("limit"), ARGUMENT_PAGING);
        add(r, SLICE("next_cursor"), ARGUMENT_PAGING);
    } else if (r->tool->polls) {
        add(r, SLICE("poll_id"), ARGUMENT_POLL);
    } else if (arguments_have_id(r->tool)) {
        add(r, SLICE("id"), ARGUMENT_PATH);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct argument *left = a;
    const struct argument *right = b;

    return slice_cmp(left->name, right->name);
}

static size_t count_properties(const struct jval *input)
{
    size_t count = 0;

    for (size_t i = 0; i < PLACES; i++) {
        const struct jval *properties = jval_get(input, places[i].name);

        count += properties != NULL ? properties->count : 0;
    }
    return count;
}

static enum err read_all(struct reader *r, const struct jval *input)
{
    r->list = arena_array(r->arena, count_properties(input) + ADDED_ARGUMENTS,
                          sizeof *r->list);
    for (size_t p = 0; p < PLACES; p++) {
        const struct jval *properties = jval_get(input, places[p].name);

        for (size_t i = 0; properties != NULL && i < properties->count; i++) {
            enum err err = read_argument(r, &properties->members[i], places[p].place);

            if (err != ERR_OK) {
                return err;
            }
        }
    }
    add_own(r);
    if (r->count > 1) {
        qsort(r->list, r->count, sizeof *r->list, by_name);
    }
    r->tool->arguments = r->list;
    r->tool->argument_count = r->count;
    return ERR_OK;
}

/* ---- The schema ---- */

static const struct argument *find(const struct reader *r, struct slice name)
{
    for (size_t i = 0; i < r->count; i++) {
        if (slice_eq(r->list[i].name, name)) {
            return &r->list[i];
        }
    }
    return NULL;
}

static enum err check_required(struct reader *r, const struct jval *input)
{
    const struct jval *required = jval_get(input, "required");

    for (size_t i = 0; required != NULL && i < required->count; i++) {
        if (find(r, required->items[i].text) == NULL) {
            return refuse(r, pointer_index(r->arena, SLICE("/required"), i),
                          SLICE("there is no such argument"));
        }
    }
    return ERR_OK;
}

/* "/properties/status/enum" of the schema stands at "/query/status/enum" in the file.
 */
static struct slice pointer_in_file(struct reader *r, struct slice pointer)
{
    struct slice rest = slice_from(pointer, sizeof "/properties/" - 1);
    ptrdiff_t slash = slice_find(rest, '/');
    struct slice name = slash < 0 ? rest : slice_of(rest.ptr, (size_t)slash);
    const struct argument *argument;

    if (!slice_starts(pointer, SLICE("/properties/"))) {
        return pointer;
    }
    argument = find(r, name);
    if (argument == NULL) {
        return pointer;
    }
    return arena_printf(r->arena, "%.*s%.*s",
                        SLICE_ARG(argument_pointer(r->arena, argument)),
                        SLICE_ARG(slice_from(rest, name.len)));
}

static enum err compile_schema(struct reader *r, const struct jval *input)
{
    struct jval *json = describe_input(r->arena, r->tool, input);
    struct schema *schema = NULL;
    enum err err = schema_compile(r->arena, json, &schema, r->problem);

    if (err != ERR_OK) {
        r->problem->pointer = pointer_in_file(r, r->problem->pointer);
        return err;
    }
    r->tool->input = schema;
    r->tool->input_schema = describe_text(r->arena, json);
    return ERR_OK;
}

enum err arguments_read(struct arena *arena, struct tool *tool,
                        const struct jval *input, struct schema_problem *problem)
{
    struct reader r = {.arena = arena, .tool = tool, .problem = problem};
    enum err err = read_all(&r, input);

    if (err == ERR_OK) {
        err = check_required(&r, input);
    }
    return err == ERR_OK ? compile_schema(&r, input) : err;
}
