/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renames and types what was given: SAP takes a decimal as a string and a day as
 * /Date(ms)/, and refuses what looks more natural.
 */
#include "connectors/sap/body.h"

#include "base/jwriter.h"
#include "connectors/sap/errors.h"

#define BODY_BYTES_MAX ((size_t)1024 * 1024)

/* One object on its way from arguments to properties. */
struct writing {
    struct op *op;
    struct slice pointer; /* of the arguments' object */
    const struct jval *given;
    struct jval *out;
};

static bool write_members(struct writing *here, const struct sap_member *members,
                          size_t count);

static struct slice pointer_to(const struct writing *here, struct slice argument)
{
    return arena_printf(here->op->arena, "%.*s/%.*s", SLICE_ARG(here->pointer),
                        SLICE_ARG(argument));
}

static bool refuse(const struct writing *here, struct slice argument,
                   const char *message)
{
    sap_errors_argument(here->op, pointer_to(here, argument), slice_str(message));
    return false;
}

/* {"results":[...]} or the bare array; SAP takes either, services differ in which they
 * document. */
static struct jval wrap(struct arena *arena, const struct sap_member *member,
                        const struct jval *elements)
{
    if (!member->wrapped) {
        return *elements;
    }
    struct jval *object = jval_new_object(arena, 1);
    jval_set(arena, object, SLICE("results"), elements);
    return *object;
}

static bool write_list(struct writing *here, const struct sap_member *member,
                       const struct jval *given)
{
    struct arena *arena = here->op->arena;
    struct slice pointer = pointer_to(here, member->argument);

    if (given->type != JVAL_ARRAY) {
        return refuse(here, member->argument, "This is a list.");
    }
    struct jval *elements = jval_new_array(arena, given->count + 1);
    for (size_t i = 0; i < given->count; i++) {
        struct writing element = {
            .op = here->op,
            .pointer = arena_printf(arena, "%.*s/%zu", SLICE_ARG(pointer), i),
            .given = &given->items[i],
            .out = jval_new_object(arena, member->member_count + 1)};
        if (!write_members(&element, member->members, member->member_count)) {
            return false;
        }
        jval_push(arena, elements, element.out);
    }
    struct jval value = wrap(arena, member, elements);
    jval_set(arena, here->out, member->property, &value);
    return true;
}

/* A property of the only child of a navigation: {"results":[{"Property":value}]}. */
static void put_inside(struct writing *here, const struct sap_member *member,
                       const struct jval *value)
{
    struct arena *arena = here->op->arena;
    const struct jval *there =
        jval_get(jval_member(here->out, member->inside), "results");
    struct jval *child = jval_new_object(arena, 2);
    struct jval *elements = jval_new_array(arena, 1);
    struct jval *object = jval_new_object(arena, 1);

    if (there != NULL) {
        *child = *there->items; /* another member put it there */
    }
    jval_set(arena, child, member->property, value);
    jval_push(arena, elements, child);
    jval_set(arena, object, SLICE("results"), elements);
    jval_set(arena, here->out, member->inside, object);
}

static bool write_scalar(struct writing *here, const struct sap_member *member,
                         const struct jval *given)
{
    struct jval value;
    const char *wrong = edm_json(here->op->arena, &member->type, given, &value);

    if (wrong != NULL) {
        return refuse(here, member->argument, wrong);
    }
    if (member->inside.len > 0) {
        put_inside(here, member, &value);
    } else {
        jval_set(here->op->arena, here->out, member->property, &value);
    }
    return true;
}

/* Elements that say something of their own keep it. */
static bool write_each(struct writing *here, const struct sap_member *member,
                       const struct jval *given)
{
    const struct jval *list = jval_member(here->out, member->each);
    const struct jval *wrapped = jval_get(list, "results");
    const struct jval *elements = wrapped != NULL ? wrapped : list;
    struct jval value;
    const char *wrong = edm_json(here->op->arena, &member->type, given, &value);

    if (wrong != NULL) {
        return refuse(here, member->argument, wrong);
    }
    for (size_t i = 0; jval_is(elements, JVAL_ARRAY) && i < elements->count; i++) {
        struct jval *element = &elements->items[i];
        if (jval_member(element, member->property) == NULL) {
            jval_set(here->op->arena, element, member->property, &value);
        }
    }
    return true;
}

static bool is_known(const struct sap_member *members, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(members[i].argument, name)) {
            return true;
        }
    }
    return false;
}

static bool write_given(struct writing *here, const struct sap_member *member,
                        const struct jval *given)
{
    return member->is_list ? write_list(here, member, given)
                           : write_scalar(here, member, given);
}

static bool write_members(struct writing *here, const struct sap_member *members,
                          size_t count)
{
    if (here->given->type != JVAL_OBJECT) {
        sap_errors_argument(here->op, here->pointer, SLICE("This is an object."));
        return false;
    }
    /* The schema lets nothing else in; a documentation that names more than the plan
     * knows is not to be passed over. */
    for (size_t i = 0; i < here->given->count; i++) {
        if (!is_known(members, count, here->given->members[i].name)) {
            return refuse(here, here->given->members[i].name,
                          "This server does not know how to send this.");
        }
    }
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < count; i++) {
            const struct sap_member *member = &members[i];
            const struct jval *given = jval_member(here->given, member->argument);
            bool last = member->each.len > 0; /* its elements have to be there */
            given =
                given != NULL && given->type != JVAL_NULL ? given : member->fallback;
            if (given == NULL || last != (round == 1)) {
                continue;
            }
            if (!(last ? write_each(here, member, given)
                       : write_given(here, member, given))) {
                return false;
            }
        }
    }
    return true;
}

bool sap_body_write(struct op *op, const struct sap_plan *plan, struct slice *out)
{
    struct writing head = {.op = op,
                           .pointer = SLICE_EMPTY,
                           .given = op->body,
                           .out = jval_new_object(op->arena, plan->member_count + 1)};

    if (!write_members(&head, plan->members, plan->member_count)) {
        return false;
    }
    if (jwriter_text(op->arena, head.out, BODY_BYTES_MAX, out) != ERR_OK) {
        op->fault = (struct fault){
            .err = ERR_TOO_LARGE,
            .message = SLICE("The arguments make a larger request than SAP takes."),
            .hint = SLICE("Split them over several documents.")};
        return false;
    }
    return true;
}
