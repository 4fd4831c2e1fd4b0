/* SPDX-License-Identifier: Apache-2.0 */
/* Renames, nests and types what was given. */
#include "connectors/netsuite/body.h"

#include "base/jwriter.h"
#include "connectors/netsuite/errors.h"

#define BODY_BYTES_MAX ((size_t)1024 * 1024)
#define NUMBER_BYTES_MAX 40
#define SEGMENTS_MAX 4
#define NAME_MAX_BYTES 64

struct member {
    struct slice argument;
    struct slice to[SEGMENTS_MAX]; /* a member in a member in ... */
    size_t depth;
    bool number;                  /* a JSON number, from a number or from its text */
    const struct member *members; /* of the elements of a list; NULL: no list */
    size_t member_count;
};

struct body_plan {
    const struct member *members;
    size_t member_count;
    struct slice sublists;
};

/* ---- Compiling ---- */

struct compiler {
    struct arena *arena;
    struct schema_problem *problem;
};

static enum err refuse(struct compiler *compiler, struct slice pointer,
                       struct slice message)
{
    *compiler->problem =
        (struct schema_problem){.pointer = pointer, .message = message};
    return ERR_UNPROCESSABLE;
}

static struct slice at(struct compiler *compiler, struct slice pointer,
                       struct slice name)
{
    return arena_printf(compiler->arena, "%.*s/%.*s", SLICE_ARG(pointer),
                        SLICE_ARG(name));
}

static bool is_segment(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return name.len > 0 && name.len <= NAME_MAX_BYTES;
}

/* "entity.id" to its two members. */
static bool read_place(struct slice text, struct member *member)
{
    struct slice rest = text;
    ptrdiff_t dot = 0;

    while (dot >= 0) {
        dot = slice_find(rest, '.');
        struct slice one = dot < 0 ? rest : slice_of(rest.ptr, (size_t)dot);
        if (member->depth == SEGMENTS_MAX || !is_segment(one)) {
            return false;
        }
        member->to[member->depth++] = one;
        rest = dot < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)dot + 1);
    }
    return true;
}

static enum err read_members(struct compiler *compiler, struct slice pointer,
                             const struct jval *spec, bool nested,
                             const struct member **out);

static enum err read_as(struct compiler *compiler, struct slice pointer,
                        const struct jval *as, struct member *member)
{
    if (as != NULL && !slice_is(jval_text(as), "number") &&
        !slice_is(jval_text(as), "text")) {
        return refuse(compiler, at(compiler, pointer, SLICE("as")),
                      SLICE("as is text or number."));
    }
    member->number = slice_is(jval_text(as), "number");
    return ERR_OK;
}

static enum err read_member(struct compiler *compiler, struct slice pointer,
                            const struct jmember *spec, bool nested,
                            struct member *member)
{
    const struct jval *members = jval_get(&spec->value, "members");
    size_t known = 1;

    *member = (struct member){.argument = spec->name};
    if (!read_place(jval_text(jval_get(&spec->value, "to")), member)) {
        return refuse(compiler, at(compiler, pointer, SLICE("to")),
                      SLICE("to is a place in the record, such as entity.id."));
    }
    known += members != NULL || jval_get(&spec->value, "as") != NULL ? 1 : 0;
    if (spec->value.count != known) {
        return refuse(compiler, pointer,
                      SLICE("Beside to there may be as, or members."));
    }
    if (members == NULL) {
        return read_as(compiler, pointer, jval_get(&spec->value, "as"), member);
    }
    if (nested) {
        return refuse(compiler, pointer, SLICE("A line has no lines of its own."));
    }
    member->member_count = members->count;
    return read_members(compiler, at(compiler, pointer, SLICE("members")), members,
                        true, &member->members);
}

static enum err read_members(struct compiler *compiler, struct slice pointer,
                             const struct jval *spec, bool nested,
                             const struct member **out)
{
    enum err err = ERR_OK;

    if (!jval_is(spec, JVAL_OBJECT) || spec->count == 0) {
        return refuse(compiler, pointer,
                      SLICE("This is an object of argument: place."));
    }
    struct member *members = arena_array(compiler->arena, spec->count, sizeof *members);
    for (size_t i = 0; err == ERR_OK && i < spec->count; i++) {
        const struct jmember *one = &spec->members[i];
        err = read_member(compiler, at(compiler, pointer, one->name), one, nested,
                          &members[i]);
    }
    *out = members;
    return err;
}

static const struct argument *find_argument(const struct tool *tool, struct slice name)
{
    for (size_t i = 0; i < tool->argument_count; i++) {
        if (slice_eq(tool->arguments[i].name, name)) {
            return &tool->arguments[i];
        }
    }
    return NULL;
}

static bool has_member(const struct body_plan *plan, struct slice argument)
{
    for (size_t i = 0; i < plan->member_count; i++) {
        if (slice_eq(plan->members[i].argument, argument)) {
            return true;
        }
    }
    return false;
}

/* What is taken has to be sent, and what can be sent has to be taken. */
static enum err check_arguments(struct compiler *compiler, const struct tool *tool,
                                const struct body_plan *plan)
{
    for (size_t i = 0; i < plan->member_count; i++) {
        const struct argument *argument =
            find_argument(tool, plan->members[i].argument);
        if (argument == NULL || argument->place != ARGUMENT_BODY) {
            return refuse(compiler,
                          at(compiler, SLICE("/body"), plan->members[i].argument),
                          SLICE("The method's documentation has no body argument of "
                                "this name."));
        }
    }
    for (size_t i = 0; i < tool->argument_count; i++) {
        if (!has_member(plan, tool->arguments[i].name)) {
            return refuse(compiler, SLICE("/body"),
                          arena_printf(compiler->arena,
                                       "The argument %.*s is documented, but has no "
                                       "place in the body.",
                                       SLICE_ARG(tool->arguments[i].name)));
        }
    }
    return ERR_OK;
}

static struct slice list_sublists(struct arena *arena, const struct body_plan *plan)
{
    struct slice list = SLICE_EMPTY;

    for (size_t i = 0; i < plan->member_count; i++) {
        const struct member *member = &plan->members[i];
        if (member->members != NULL) {
            list = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(list),
                                list.len > 0 ? "," : "", SLICE_ARG(member->to[0]));
        }
    }
    return list;
}

enum err body_compile(struct arena *arena, const struct jval *spec,
                      const struct tool *tool, const struct body_plan **plan,
                      struct schema_problem *problem)
{
    struct compiler compiler = {arena, problem};
    struct body_plan *made = arena_alloc(arena, sizeof *made);
    enum err err = read_members(&compiler, SLICE("/body"), spec, false, &made->members);

    if (err != ERR_OK) {
        return err;
    }
    made->member_count = spec->count;
    made->sublists = list_sublists(arena, made);
    *plan = made;
    return check_arguments(&compiler, tool, made);
}

struct slice body_sublists(const struct body_plan *plan)
{
    return plan->sublists;
}

/* ---- Writing ---- */

/* One object on its way from arguments to members. */
struct writing {
    struct op *op;
    struct slice pointer; /* of the arguments' object, without the first '/' */
    const struct jval *given;
    struct jval *out;
};

static bool reject(const struct writing *here, struct slice argument,
                   const char *message)
{
    errors_argument(here->op,
                    arena_printf(here->op->arena, "%.*s%.*s", SLICE_ARG(here->pointer),
                                 SLICE_ARG(argument)),
                    slice_str(message));
    return false;
}

/* -?(0|[1-9][0-9]*)([.][0-9]+)?: a JSON number that nobody can read in two ways. */
static bool is_plain_number(struct slice text)
{
    size_t i = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    size_t whole = i;

    while (i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9') {
        i++;
    }
    if (i == whole || (text.ptr[whole] == '0' && i > whole + 1) ||
        text.len > NUMBER_BYTES_MAX) {
        return false;
    }
    if (i == text.len) {
        return true;
    }
    size_t fraction = i + 1;
    for (i = fraction; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
    }
    return text.ptr[fraction - 1] == '.' && i > fraction;
}

/* `value` at member->to of `out`, next to what stands there already. */
static void put(struct arena *arena, struct jval *out, const struct member *member,
                const struct jval *value)
{
    struct jval *object = out;

    for (size_t i = 0; i + 1 < member->depth; i++) {
        if (!jval_is(jval_member(object, member->to[i]), JVAL_OBJECT)) {
            jval_set(arena, object, member->to[i], jval_new_object(arena, 4));
        }
        for (size_t n = 0; n < object->count; n++) {
            if (slice_eq(object->members[n].name, member->to[i])) {
                object = &object->members[n].value;
                break;
            }
        }
    }
    jval_set(arena, object, member->to[member->depth - 1], value);
}

static bool write_scalar(struct writing *here, const struct member *member,
                         const struct jval *given)
{
    struct jval value = *given;

    if (member->number) {
        if ((given->type != JVAL_NUMBER && given->type != JVAL_STRING) ||
            !is_plain_number(given->text)) {
            return reject(here, member->argument,
                          "A number is at most 40 digits such as 1250.00, without "
                          "exponent, separators and leading zeros.");
        }
        value.type = JVAL_NUMBER;
    } else if (given->type != JVAL_STRING) {
        return reject(here, member->argument, "This has to be text.");
    }
    put(here->op->arena, here->out, member, &value);
    return true;
}

static bool write_members(struct writing *here, const struct member *members,
                          size_t count);

static bool write_list(struct writing *here, const struct member *member,
                       const struct jval *given)
{
    struct arena *arena = here->op->arena;

    if (given->type != JVAL_ARRAY) {
        return reject(here, member->argument, "This is a list.");
    }
    struct jval *elements = jval_new_array(arena, given->count + 1);
    for (size_t i = 0; i < given->count; i++) {
        struct writing element = {
            .op = here->op,
            .pointer = arena_printf(arena, "%.*s%.*s/%zu/", SLICE_ARG(here->pointer),
                                    SLICE_ARG(member->argument), i),
            .given = &given->items[i],
            .out = jval_new_object(arena, member->member_count + 1)};
        if (!write_members(&element, member->members, member->member_count)) {
            return false;
        }
        jval_push(arena, elements, element.out);
    }
    put(arena, here->out, member, elements);
    return true;
}

static bool is_known(const struct member *members, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(members[i].argument, name)) {
            return true;
        }
    }
    return false;
}

static bool write_members(struct writing *here, const struct member *members,
                          size_t count)
{
    if (here->given->type != JVAL_OBJECT) {
        return reject(here, SLICE_EMPTY, "This is an object.");
    }
    /* The schema lets nothing else in; a documentation that names more than the plan
     * knows is not to be passed over. */
    for (size_t i = 0; i < here->given->count; i++) {
        struct slice name = here->given->members[i].name;
        if (!is_known(members, count, name)) {
            return reject(here, name, "This server does not know how to send this.");
        }
    }
    for (size_t i = 0; i < count; i++) {
        const struct jval *given = jval_member(here->given, members[i].argument);
        if (given == NULL || given->type == JVAL_NULL) {
            continue;
        }
        if (!(members[i].members != NULL ? write_list(here, &members[i], given)
                                         : write_scalar(here, &members[i], given))) {
            return false;
        }
    }
    return true;
}

bool body_write(struct op *op, const struct body_plan *plan, const struct jval *given,
                struct slice *out)
{
    struct writing head = {.op = op,
                           .pointer = SLICE_EMPTY,
                           .given = given,
                           .out = jval_new_object(op->arena, plan->member_count + 1)};

    if (!write_members(&head, plan->members, plan->member_count)) {
        return false;
    }
    if (jwriter_text(op->arena, head.out, BODY_BYTES_MAX, out) != ERR_OK) {
        op->fault = (struct fault){
            .err = ERR_TOO_LARGE,
            .message = SLICE("The arguments make a larger request than is sent."),
            .hint = SLICE("Split them over several documents.")};
        return false;
    }
    return true;
}
