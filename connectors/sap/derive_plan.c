/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles "derive": the members that follow from others. */
#include "connectors/sap/compiler.h"

#define VALUES_MAX 32

struct reader {
    struct sap_compiler *compiler;
    const struct jval *spec;
    struct slice pointer;
    struct derive *out;
};

static enum err refuse(struct reader *r, const char *member, const char *message)
{
    return sap_refuse(r->compiler, sap_at(r->compiler, r->pointer, slice_str(member)),
                      message);
}

/* A name, or none where it may be left out. */
static enum err read_name(struct reader *r, const char *member, bool needed,
                          struct slice *out)
{
    const struct jval *value = jval_get(r->spec, member);

    *out = jval_text(value);
    return (value == NULL && !needed) || sap_is_name(*out)
               ? ERR_OK
               : refuse(r, member, "This is the name of a property or navigation.");
}

static enum err read_sources(struct reader *r, const char *member, size_t least,
                             size_t most)
{
    struct slice at = sap_at(r->compiler, r->pointer, slice_str(member));

    r->out->sources =
        sap_names(r->compiler, at, jval_get(r->spec, member), &r->out->source_count);
    if (r->out->sources == NULL) {
        return ERR_UNPROCESSABLE;
    }
    return r->out->source_count >= least && r->out->source_count <= most
               ? ERR_OK
               : refuse(r, member, "These are too many names, or too few.");
}

/* ---- Conditions: {"Property":["a","b"], ...} ---- */

static enum err read_values(struct sap_compiler *compiler, struct slice pointer,
                            const struct jval *list, struct derive_term *term)
{
    if (!jval_is(list, JVAL_ARRAY) || list->count == 0 || list->count > VALUES_MAX) {
        return sap_refuse(compiler, pointer, "This is a list of texts.");
    }
    struct slice *values = arena_array(compiler->arena, list->count, sizeof *values);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].type != JVAL_STRING) {
            return sap_refuse(compiler, pointer, "This is a list of texts.");
        }
        values[i] = list->items[i].text;
    }
    term->values = values;
    term->value_count = list->count;
    return ERR_OK;
}

static enum err read_condition(struct sap_compiler *compiler, struct slice pointer,
                               const struct jval *json, struct derive_condition *out)
{
    enum err err = ERR_OK;

    if (!jval_is(json, JVAL_OBJECT) || json->count == 0) {
        return sap_refuse(compiler, pointer,
                          "A condition is an object of property: list of texts.");
    }
    struct derive_term *terms =
        arena_array(compiler->arena, json->count, sizeof *terms);
    for (size_t i = 0; err == ERR_OK && i < json->count; i++) {
        struct slice at = sap_at(compiler, pointer, json->members[i].name);
        terms[i].property = json->members[i].name;
        err = sap_is_name(terms[i].property)
                  ? read_values(compiler, at, &json->members[i].value, &terms[i])
                  : sap_refuse(compiler, at, "This is no name of a property.");
    }
    *out = (struct derive_condition){terms, json->count};
    return err;
}

static enum err read_optional(struct reader *r, const char *member,
                              struct derive_condition *out)
{
    const struct jval *json = jval_get(r->spec, member);

    return json == NULL
               ? ERR_OK
               : read_condition(r->compiler,
                                sap_at(r->compiler, r->pointer, slice_str(member)),
                                json, out);
}

/* ---- One kind each ---- */

static enum err read_join(struct reader *r)
{
    return read_sources(r, "join", 1, 4);
}

static enum err read_product(struct reader *r)
{
    const struct jval *same = jval_get(r->spec, "same");
    size_t count = 0;
    enum err err = read_sources(r, "product", 2, 2);

    if (err == ERR_OK) {
        err = read_name(r, "per", false, &r->out->per);
    }
    if (err == ERR_OK) {
        err = read_name(r, "currency", true, &r->out->currency);
    }
    if (err == ERR_OK) {
        err = read_optional(r, "negative_when", &r->out->negative_when);
    }
    if (err != ERR_OK || same == NULL) {
        return err;
    }
    r->out->same = sap_names(
        r->compiler, sap_at(r->compiler, r->pointer, SLICE("same")), same, &count);
    return r->out->same != NULL && count == 2
               ? ERR_OK
               : refuse(r, "same", "same names two properties.");
}

static enum err read_sum(struct reader *r)
{
    enum err err = read_name(r, "sum", true, &r->out->what);

    if (err == ERR_OK) {
        err = read_name(r, "of", true, &r->out->of);
    }
    if (err == ERR_OK) {
        err = read_name(r, "currency", true, &r->out->currency);
    }
    return err == ERR_OK ? read_optional(r, "except", &r->out->except) : err;
}

static enum err read_due(struct reader *r)
{
    enum err err = read_name(r, "date", true, &r->out->of);

    return err == ERR_OK ? read_sources(r, "plus_days", 1, 4) : err;
}

static enum err read_sign(struct reader *r)
{
    enum err err = read_name(r, "signed", true, &r->out->of);

    return err == ERR_OK ? read_optional(r, "negative_when", &r->out->negative_when)
                         : err;
}

static enum err read_concat(struct reader *r)
{
    return read_sources(r, "concat", 1, 8);
}

static enum err read_every(struct sap_compiler *compiler, struct slice pointer,
                           const struct jval *json, struct derive_rule *rule)
{
    const struct jval *any = jval_get(json, "any");
    struct slice at = sap_at(compiler, pointer, SLICE("any"));
    enum err err = ERR_OK;

    rule->every = jval_text(jval_get(json, "every"));
    if (!sap_is_name(rule->every)) {
        return sap_refuse(compiler, sap_at(compiler, pointer, SLICE("every")),
                          "every names a navigation.");
    }
    if (!jval_is(any, JVAL_ARRAY) || any->count == 0) {
        return sap_refuse(compiler, at, "any is a list of conditions.");
    }
    struct derive_condition *list =
        arena_array(compiler->arena, any->count, sizeof *list);
    for (size_t i = 0; err == ERR_OK && i < any->count; i++) {
        err = read_condition(
            compiler, arena_printf(compiler->arena, "%.*s/%zu", SLICE_ARG(at), i),
            &any->items[i], &list[i]);
    }
    rule->any = list;
    rule->any_count = any->count;
    return err;
}

static enum err read_rule(struct sap_compiler *compiler, struct slice pointer,
                          const struct jval *json, struct derive_rule *rule)
{
    static const char *const whens[] = {"is", "when", NULL};
    static const char *const everys[] = {"is", "every", "any", NULL};
    const struct jval *when = jval_get(json, "when");
    enum err err = sap_only(compiler, pointer, json, when != NULL ? whens : everys);

    if (err != ERR_OK) {
        return err;
    }
    rule->is = jval_text(jval_get(json, "is"));
    if (rule->is.len == 0) {
        return sap_refuse(compiler, sap_at(compiler, pointer, SLICE("is")),
                          "is says what the member becomes.");
    }
    return when != NULL
               ? read_condition(compiler, sap_at(compiler, pointer, SLICE("when")),
                                when, &rule->when)
               : read_every(compiler, pointer, json, rule);
}

static enum err read_choice(struct reader *r)
{
    const struct jval *rules = jval_get(r->spec, "rules");
    struct sap_compiler *compiler = r->compiler;
    enum err err = ERR_OK;

    r->out->otherwise = jval_text(jval_get(r->spec, "otherwise"));
    if (r->out->otherwise.len == 0) {
        return refuse(r, "otherwise", "This is what the member is when no rule fits.");
    }
    if (!jval_is(rules, JVAL_ARRAY) || rules->count == 0) {
        return refuse(r, "rules",
                      "rules is a list of rules, the first that fits wins.");
    }
    struct derive_rule *list = arena_array(compiler->arena, rules->count, sizeof *list);
    for (size_t i = 0; err == ERR_OK && i < rules->count; i++) {
        struct slice at =
            arena_printf(compiler->arena, "%.*s/rules/%zu", SLICE_ARG(r->pointer), i);
        err = read_rule(compiler, at, &rules->items[i], &list[i]);
    }
    r->out->rules = list;
    r->out->rule_count = rules->count;
    return err;
}

static const struct {
    const char *mark; /* the member that tells the kind */
    enum derive_kind kind;
    enum err (*read)(struct reader *r);
    const char *known[8];
} kinds[] = {
    {"join", DERIVE_JOIN, read_join, {"name", "in", "join", NULL}},
    {"product",
     DERIVE_PRODUCT,
     read_product,
     {"name", "in", "product", "per", "currency", "same", "negative_when", NULL}},
    {"sum", DERIVE_SUM, read_sum, {"name", "sum", "of", "currency", "except", NULL}},
    {"rules", DERIVE_CHOICE, read_choice, {"name", "in", "rules", "otherwise", NULL}},
    {"date", DERIVE_DUE, read_due, {"name", "in", "date", "plus_days", NULL}},
    {"signed", DERIVE_SIGN, read_sign, {"name", "in", "signed", "negative_when", NULL}},
    {"concat", DERIVE_CONCAT, read_concat, {"name", "concat", NULL}},
};

static enum err read_one(struct reader *r)
{
    size_t kind = 0;

    while (kind < sizeof kinds / sizeof kinds[0] &&
           jval_get(r->spec, kinds[kind].mark) == NULL) {
        kind++;
    }
    if (kind == sizeof kinds / sizeof kinds[0]) {
        return sap_refuse(r->compiler, r->pointer,
                          "This needs one of join, product, sum, rules, date, signed "
                          "and concat.");
    }
    enum err err = sap_only(r->compiler, r->pointer, r->spec, kinds[kind].known);
    if (err == ERR_OK) {
        err = read_name(r, "name", true, &r->out->name);
    }
    if (err == ERR_OK) {
        err = read_name(r, "in", false, &r->out->in);
    }
    if (err != ERR_OK) {
        return err;
    }
    r->out->kind = kinds[kind].kind;
    return kinds[kind].read(r);
}

enum err sap_derive_compile(struct sap_compiler *compiler, struct sap_plan *plan)
{
    const struct jval *list = jval_get(compiler->upstream, "derive");
    enum err err = ERR_OK;

    if (list == NULL) {
        return ERR_OK;
    }
    if (list->type != JVAL_ARRAY) {
        return sap_refuse(compiler, SLICE("/derive"), "derive is a list.");
    }
    struct derive *derived =
        arena_array(compiler->arena, list->count + 1, sizeof *derived);
    for (size_t i = 0; err == ERR_OK && i < list->count; i++) {
        struct reader r = {.compiler = compiler,
                           .spec = &list->items[i],
                           .pointer = arena_printf(compiler->arena, "/derive/%zu", i),
                           .out = &derived[i]};
        err = read_one(&r);
    }
    plan->derived = derived;
    plan->derived_count = list->count;
    return err;
}
