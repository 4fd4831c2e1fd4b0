/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles "body" and "fixed" of a create: which argument becomes which property, also
 * inside the elements of a navigation, where the argument's names are ours and the
 * properties SAP's.
 */
#include "connectors/sap/compiler.h"

#define DEPTH_MAX 3

struct body {
    struct sap_compiler *compiler;
    unsigned depth;
};

static enum err read_members(struct body *body, struct slice pointer,
                             const struct jval *specs, struct slice prefix,
                             const struct sap_member **out, size_t *count);

/* "to_Item/" and "Plant": what "properties" calls it. */
static struct slice type_path(struct sap_compiler *compiler, struct slice prefix,
                              const struct sap_member *member)
{
    struct slice in = member->each.len > 0 ? member->each : member->inside;

    return arena_printf(compiler->arena, "%.*s%.*s%s%.*s", SLICE_ARG(prefix),
                        SLICE_ARG(in), in.len > 0 ? "/" : "",
                        SLICE_ARG(member->property));
}

/* A default is checked now: it is sent when somebody buys something. */
static enum err check_fallback(struct sap_compiler *compiler, struct slice pointer,
                               const struct sap_member *member)
{
    struct jval ignored;
    const char *wrong =
        member->fallback != NULL
            ? edm_json(compiler->arena, &member->type, member->fallback, &ignored)
            : NULL;

    return wrong == NULL
               ? ERR_OK
               : sap_refuse(compiler, sap_at(compiler, pointer, SLICE("default")),
                            wrong);
}

static enum err read_list(struct body *body, struct slice pointer,
                          const struct jval *spec, struct slice prefix,
                          struct sap_member *member)
{
    static const char *const known[] = {"property", "form", "members", NULL};
    struct sap_compiler *compiler = body->compiler;
    struct slice form = jval_text(jval_get(spec, "form"));
    enum err err = sap_only(compiler, pointer, spec, known);

    if (err != ERR_OK) {
        return err;
    }
    if (!slice_is(form, "results") && !slice_is(form, "array")) {
        return sap_refuse(compiler, sap_at(compiler, pointer, SLICE("form")),
                          "form is results ({\"results\":[...]}) or array.");
    }
    if (body->depth == DEPTH_MAX) {
        return sap_refuse(compiler, pointer, "Navigations are nested too deep.");
    }
    member->is_list = true;
    member->wrapped = slice_is(form, "results");
    body->depth++;
    err = read_members(body, sap_at(compiler, pointer, SLICE("members")),
                       jval_get(spec, "members"),
                       arena_printf(compiler->arena, "%.*s%.*s/", SLICE_ARG(prefix),
                                    SLICE_ARG(member->property)),
                       &member->members, &member->member_count);
    body->depth--;
    return err;
}

static enum err read_scalar(struct body *body, struct slice pointer,
                            const struct jval *spec, struct slice prefix,
                            struct sap_member *member)
{
    static const char *const known[] = {"property", "in", "each", "default", NULL};
    struct sap_compiler *compiler = body->compiler;
    enum err err = sap_only(compiler, pointer, spec, known);

    if (err != ERR_OK) {
        return err;
    }
    member->inside = jval_text(jval_get(spec, "in"));
    member->each = jval_text(jval_get(spec, "each"));
    member->fallback = jval_get(spec, "default");
    if ((member->inside.len > 0 && !sap_is_name(member->inside)) ||
        (member->each.len > 0 && !sap_is_name(member->each)) ||
        (member->inside.len > 0 && member->each.len > 0)) {
        return sap_refuse(compiler, pointer, "in, or each, names one navigation.");
    }
    err = sap_type_of(compiler, pointer, type_path(compiler, prefix, member),
                      &member->type);
    return err == ERR_OK ? check_fallback(compiler, pointer, member) : err;
}

static enum err read_member(struct body *body, struct slice pointer,
                            const struct jmember *spec, struct slice prefix,
                            struct sap_member *member)
{
    struct slice at = sap_at(body->compiler, pointer, spec->name);

    *member =
        (struct sap_member){.argument = spec->name,
                            .property = jval_text(jval_get(&spec->value, "property"))};
    if (!sap_is_name(member->property)) {
        return sap_refuse(body->compiler, sap_at(body->compiler, at, SLICE("property")),
                          "property is the name of one.");
    }
    return jval_get(&spec->value, "members") != NULL
               ? read_list(body, at, &spec->value, prefix, member)
               : read_scalar(body, at, &spec->value, prefix, member);
}

static enum err read_members(struct body *body, struct slice pointer,
                             const struct jval *specs, struct slice prefix,
                             const struct sap_member **out, size_t *count)
{
    enum err err = ERR_OK;

    if (!jval_is(specs, JVAL_OBJECT) || specs->count == 0) {
        return sap_refuse(body->compiler, pointer,
                          "This is an object of argument: property.");
    }
    struct sap_member *members =
        arena_array(body->compiler->arena, specs->count, sizeof *members);
    for (size_t i = 0; err == ERR_OK && i < specs->count; i++) {
        err = read_member(body, pointer, &specs->members[i], prefix, &members[i]);
    }
    *out = members;
    *count = specs->count;
    return err;
}

/* A member of the body that no argument fills would never be sent. */
static enum err check_arguments(struct sap_compiler *compiler,
                                const struct sap_plan *plan)
{
    for (size_t i = 0; i < plan->member_count; i++) {
        const struct argument *argument =
            sap_argument(compiler, plan->members[i].argument);
        if (argument == NULL || argument->place != ARGUMENT_BODY) {
            return sap_refuse(
                compiler, sap_at(compiler, SLICE("/body"), plan->members[i].argument),
                "The method's documentation has no body argument of this name.");
        }
    }
    return ERR_OK;
}

/* "fixed": property: value, sent always. */
static enum err add_fixed(struct sap_compiler *compiler, struct sap_plan *plan)
{
    const struct jval *fixed = jval_get(compiler->upstream, "fixed");
    size_t count = plan->member_count;

    if (fixed == NULL) {
        return ERR_OK;
    }
    if (fixed->type != JVAL_OBJECT) {
        return sap_refuse(compiler, SLICE("/fixed"),
                          "fixed is an object of property: value.");
    }
    struct sap_member *all =
        arena_array(compiler->arena, count + fixed->count, sizeof *all);
    memcpy(all, plan->members, count * sizeof *all);
    for (size_t i = 0; i < fixed->count; i++) {
        struct slice at = sap_at(compiler, SLICE("/fixed"), fixed->members[i].name);
        struct sap_member *member = &all[count + i];
        *member = (struct sap_member){.argument = SLICE_EMPTY,
                                      .property = fixed->members[i].name,
                                      .fallback = &fixed->members[i].value};
        enum err err = sap_is_name(member->property)
                           ? sap_type_of(compiler, at, member->property, &member->type)
                           : sap_refuse(compiler, at, "This is no name of a property.");
        if (err == ERR_OK) {
            err = check_fallback(compiler, at, member);
        }
        if (err != ERR_OK) {
            return err;
        }
    }
    plan->members = all;
    plan->member_count = count + fixed->count;
    return ERR_OK;
}

enum err sap_body_compile(struct sap_compiler *compiler, struct sap_plan *plan)
{
    struct body body = {.compiler = compiler};
    enum err err =
        read_members(&body, SLICE("/body"), jval_get(compiler->upstream, "body"),
                     SLICE_EMPTY, &plan->members, &plan->member_count);

    if (err == ERR_OK) {
        err = check_arguments(compiler, plan);
    }
    return err == ERR_OK ? add_fixed(compiler, plan) : err;
}
