/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles what a method reads: the entity set, its key, what is selected, how
 * arguments narrow a list. All that is constant is encoded here, once; only literals
 * join it later.
 */
#include "connectors/sap/plan.h"

#include <ctype.h>

#include "base/buf.h"
#include "base/text.h"
#include "connectors/sap/compiler.h"

#define URL_PART_MAX 4096
#define SERVICE_MAX 200
#define KEYS_MAX 4

/* ---- Text of ours that stands in a URL ---- */

/* Conditions and lists of names: what their syntax needs stays readable. */
static struct slice encode(struct arena *arena, struct slice text)
{
    struct buf out;

    buf_init(&out, (size_t)3 * URL_PART_MAX);
    for (size_t i = 0; i < text.len; i++) {
        if (strchr("'(),/", text.ptr[i]) != NULL && text.ptr[i] != '\0') {
            buf_append_byte(&out, text.ptr[i]);
        } else {
            text_percent(&out, slice_of(text.ptr + i, 1));
        }
    }
    struct slice result = arena_slice(arena, buf_slice(&out));
    buf_free(&out);
    return result;
}

/* A condition is whole by itself: put in parentheses, it cannot reach outside. */
static bool is_condition(struct slice text)
{
    bool quoted = false;
    size_t open = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c < 0x20 || c > 0x7e) {
            return false;
        }
        if (c == '\'') {
            quoted = !quoted;
        } else if (!quoted && c == '(') {
            open++;
        } else if (!quoted && c == ')' && open-- == 0) {
            return false;
        }
    }
    return text.len > 0 && text.len <= URL_PART_MAX && !quoted && open == 0;
}

static enum err read_condition(struct sap_compiler *compiler, struct slice pointer,
                               const struct jval *text, struct slice *out)
{
    if (!is_condition(jval_text(text))) {
        return sap_refuse(compiler, pointer,
                          "A condition is a $filter of printable characters whose "
                          "quotes and parentheses are closed.");
    }
    *out = encode(compiler->arena, text->text);
    return ERR_OK;
}

/* ---- Where ---- */

static bool is_service(struct slice path)
{
    char before = '\0';

    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        bool plain = c < 0x80 && (isalnum(c) || c == '_');
        bool joint = c == '/' || c == '.' || c == ';' || c == '=';
        if ((!plain && !joint) || (joint && (before == '/' || before == '.'))) {
            return false;
        }
        before = (char)c;
    }
    return path.len > 1 && path.len <= SERVICE_MAX && path.ptr[0] == '/' &&
           before != '/';
}

static enum err read_place(struct sap_compiler *compiler, struct sap_plan *plan)
{
    plan->root = jval_text(jval_get(compiler->upstream, "service"));
    plan->set = jval_text(jval_get(compiler->upstream, "entity_set"));
    if (!is_service(plan->root)) {
        return sap_refuse(compiler, SLICE("/service"),
                          "service is the path of an OData V2 service, such as "
                          "/sap/opu/odata/sap/API_PRODUCT_SRV.");
    }
    if (!sap_is_name(plan->set)) {
        return sap_refuse(compiler, SLICE("/entity_set"),
                          "entity_set is the name of one, such as A_Product.");
    }
    plan->path = sap_at(compiler, plan->root, plan->set);
    return ERR_OK;
}

/* ---- The key ---- */

static enum err read_key(struct sap_compiler *compiler, struct sap_plan *plan)
{
    size_t count = 0;
    const struct slice *names =
        sap_names(compiler, SLICE("/key"), jval_get(compiler->upstream, "key"), &count);

    if (names == NULL) {
        return ERR_UNPROCESSABLE;
    }
    if (count > KEYS_MAX) {
        return sap_refuse(compiler, SLICE("/key"),
                          "A key has at most four properties.");
    }
    struct sap_property *keys = arena_array(compiler->arena, count, sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        keys[i].name = names[i];
        enum err err = sap_type_of(compiler, SLICE("/key"), names[i], &keys[i].type);
        if (err != ERR_OK) {
            return err;
        }
    }
    plan->keys = keys;
    plan->key_count = count;
    return ERR_OK;
}

/* ---- What is read ---- */

static bool is_among(struct slice name, const struct slice *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(name, list[i])) {
            return true;
        }
    }
    return false;
}

static struct slice joined(struct sap_compiler *compiler, const char *option,
                           const struct slice *names, size_t count)
{
    struct slice text = slice_str(option);

    for (size_t i = 0; i < count; i++) {
        text = arena_printf(compiler->arena, "%.*s%s%.*s", SLICE_ARG(text),
                            i > 0 ? "," : "", SLICE_ARG(names[i]));
    }
    return text;
}

/* What an expansion brings has to be selected by name too, or nothing of it comes. */
static enum err check_expanded(struct sap_compiler *compiler,
                               const struct slice *selected, size_t selected_count,
                               const struct slice *expanded, size_t expanded_count)
{
    for (size_t i = 0; i < selected_count; i++) {
        struct slice head = selected[i];
        for (size_t at = head.len; at-- > 0;) {
            if (head.ptr[at] == '/') {
                head.len = at;
                break;
            }
        }
        if (head.len < selected[i].len && !is_among(head, expanded, expanded_count)) {
            return sap_refuse(
                compiler, arena_printf(compiler->arena, "/select/%zu", i),
                "This belongs to a navigation that expand does not name.");
        }
    }
    return ERR_OK;
}

static enum err read_shape(struct sap_compiler *compiler, struct sap_plan *plan)
{
    const struct jval *expand = jval_get(compiler->upstream, "expand");
    const struct slice *selected, *expanded = NULL;
    size_t selected_count = 0, expanded_count = 0;

    selected = sap_names(compiler, SLICE("/select"),
                         jval_get(compiler->upstream, "select"), &selected_count);
    if (selected == NULL) {
        return ERR_UNPROCESSABLE;
    }
    if (expand != NULL) {
        expanded = sap_names(compiler, SLICE("/expand"), expand, &expanded_count);
        if (expanded == NULL) {
            return ERR_UNPROCESSABLE;
        }
    }
    for (size_t i = 0; i < plan->key_count; i++) {
        if (!is_among(plan->keys[i].name, selected, selected_count)) {
            return sap_refuse(compiler, SLICE("/select"),
                              "select has to name the properties of the key.");
        }
    }
    plan->shape = joined(compiler, "$select=", selected, selected_count);
    if (expand != NULL) {
        struct slice option = joined(compiler, "&$expand=", expanded, expanded_count);
        plan->shape = arena_printf(compiler->arena, "%.*s%.*s", SLICE_ARG(plan->shape),
                                   SLICE_ARG(option));
    }
    return check_expanded(compiler, selected, selected_count, expanded, expanded_count);
}

/* ---- Filters ---- */

static const struct operation {
    const char *name, *before, *between, *after;
} operations[] = {
    {"eq", "", " eq ", ""},
    {"ne", "", " ne ", ""},
    {"gt", "", " gt ", ""},
    {"ge", "", " ge ", ""},
    {"lt", "", " lt ", ""},
    {"le", "", " le ", ""},
    /* V2 has the text first here and the property first below. */
    {"contains", "substringof(", NULL, ") eq true"},
    {"startswith", "startswith(", ",", ") eq true"},
    {"endswith", "endswith(", ",", ") eq true"},
};

static const struct operation *find_operation(struct slice name)
{
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (slice_is(name, operations[i].name)) {
            return &operations[i];
        }
    }
    return NULL;
}

static void surround(struct sap_compiler *compiler, const struct operation *operation,
                     struct slice property, struct sap_filter *filter)
{
    struct arena *arena = compiler->arena;

    if (operation->between == NULL) {
        filter->before = slice_str(operation->before);
        filter->after =
            arena_printf(arena, ",%.*s%s", SLICE_ARG(property), operation->after);
    } else {
        filter->before = arena_printf(arena, "%s%.*s%s", operation->before,
                                      SLICE_ARG(property), operation->between);
        filter->after = slice_str(operation->after);
    }
    filter->before = encode(arena, filter->before);
    filter->after = encode(arena, filter->after);
}

static enum err read_compared(struct sap_compiler *compiler, struct slice pointer,
                              const struct jval *spec, struct sap_filter *filter)
{
    static const char *const known[] = {"property", "op", NULL};
    struct slice property = jval_text(jval_get(spec, "property"));
    const struct operation *operation = find_operation(jval_text(jval_get(spec, "op")));
    struct slice at = sap_at(compiler, pointer, SLICE("property"));

    enum err err = sap_only(compiler, pointer, spec, known);
    if (err != ERR_OK) {
        return err;
    }
    if (!sap_is_path(property)) {
        return sap_refuse(compiler, at, "This is no name of a property.");
    }
    if (operation == NULL) {
        return sap_refuse(compiler, sap_at(compiler, pointer, SLICE("op")),
                          "op is eq, ne, gt, ge, lt, le, contains, startswith or "
                          "endswith.");
    }
    err = sap_type_of(compiler, at, property, &filter->type);
    if (err != ERR_OK) {
        return err;
    }
    if (operation->after[0] != '\0' && filter->type.kind != EDM_STRING) {
        return sap_refuse(compiler, sap_at(compiler, pointer, SLICE("op")),
                          "Only a String can be searched in.");
    }
    surround(compiler, operation, property, filter);
    return ERR_OK;
}

static enum err read_choices(struct sap_compiler *compiler, struct slice pointer,
                             const struct jval *spec, struct sap_filter *filter)
{
    static const char *const known[] = {"values", NULL};
    const struct jval *values = jval_get(spec, "values");
    struct slice at = sap_at(compiler, pointer, SLICE("values"));
    enum err err = sap_only(compiler, pointer, spec, known);

    if (err != ERR_OK) {
        return err;
    }
    if (!jval_is(values, JVAL_OBJECT) || values->count == 0) {
        return sap_refuse(compiler, at,
                          "values is an object of argument value: condition.");
    }
    struct sap_choice *choices =
        arena_array(compiler->arena, values->count, sizeof *choices);
    for (size_t i = 0; err == ERR_OK && i < values->count; i++) {
        choices[i].value = values->members[i].name;
        err = read_condition(compiler, sap_at(compiler, at, choices[i].value),
                             &values->members[i].value, &choices[i].clause);
    }
    filter->choices = choices;
    filter->choice_count = values->count;
    return err;
}

static enum err read_filter(struct sap_compiler *compiler, const struct jmember *member,
                            struct sap_filter *filter)
{
    struct slice pointer = sap_at(compiler, SLICE("/filters"), member->name);
    const struct argument *argument = sap_argument(compiler, member->name);

    if (argument == NULL || argument->place != ARGUMENT_QUERY) {
        return sap_refuse(compiler, pointer,
                          "The method's documentation has no query argument of this "
                          "name.");
    }
    filter->argument = member->name;
    return jval_get(&member->value, "values") != NULL
               ? read_choices(compiler, pointer, &member->value, filter)
               : read_compared(compiler, pointer, &member->value, filter);
}

static enum err read_filters(struct sap_compiler *compiler, struct sap_plan *plan)
{
    const struct jval *filters = jval_get(compiler->upstream, "filters");
    const struct jval *where = jval_get(compiler->upstream, "where");
    enum err err = ERR_OK;

    if (where != NULL) {
        err = read_condition(compiler, SLICE("/where"), where, &plan->where);
    }
    if (err != ERR_OK || filters == NULL) {
        return err;
    }
    if (filters->type != JVAL_OBJECT) {
        return sap_refuse(compiler, SLICE("/filters"),
                          "filters is an object of argument: filter.");
    }
    struct sap_filter *list =
        arena_array(compiler->arena, filters->count + 1, sizeof *list);
    for (size_t i = 0; err == ERR_OK && i < filters->count; i++) {
        err = read_filter(compiler, &filters->members[i], &list[i]);
    }
    plan->filters = list;
    plan->filter_count = filters->count;
    return err;
}

/* "A,B desc": without an order that tells all rows apart, pages overlap. */
static enum err read_order(struct sap_compiler *compiler, struct sap_plan *plan)
{
    struct slice text = jval_text(jval_get(compiler->upstream, "order_by"));
    struct slice rest = text, down = SLICE(" desc");

    while (rest.len > 0) {
        ptrdiff_t comma = slice_find(rest, ',');
        struct slice part = comma < 0 ? rest : slice_of(rest.ptr, (size_t)comma);
        rest = comma < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)comma + 1);
        if (part.len > down.len &&
            slice_eq(slice_from(part, part.len - down.len), down)) {
            part.len -= down.len;
        }
        if (!sap_is_path(part)) {
            text = SLICE_EMPTY;
        }
    }
    if (text.len == 0) {
        return sap_refuse(compiler, SLICE("/order_by"),
                          "A list needs an order_by that tells all rows apart, such as "
                          "\"CreationDate desc,PurchaseOrder\", or its pages overlap.");
    }
    plan->order = encode(compiler->arena, text);
    return ERR_OK;
}

/* ---- One action each ---- */

/* An argument that nothing reads would be taken and silently ignored. */
static enum err check_used(struct sap_compiler *compiler, const struct sap_plan *plan)
{
    const struct tool *tool = compiler->tool;

    for (size_t i = 0; tool != NULL && i < tool->argument_count; i++) {
        const struct argument *argument = &tool->arguments[i];
        bool used = argument->place == ARGUMENT_PAGING ||
                    (plan->key_count > 0 && slice_is(argument->name, "id"));
        for (size_t n = 0; n < plan->filter_count; n++) {
            used = used || slice_eq(plan->filters[n].argument, argument->name);
        }
        for (size_t n = 0; n < plan->member_count; n++) {
            used = used || (argument->place == ARGUMENT_BODY &&
                            slice_eq(plan->members[n].argument, argument->name));
        }
        if (!used) {
            return sap_refuse(compiler, SLICE_EMPTY,
                              arena_printf(compiler->arena,
                                           "The argument %.*s is documented, but "
                                           "nothing uses it.",
                                           SLICE_ARG(argument->name))
                                  .ptr);
        }
    }
    return ERR_OK;
}

static enum err compile_read(struct sap_compiler *compiler, struct sap_plan *plan)
{
    static const char *const list[] = {
        "service", "entity_set", "properties", "select", "expand",
        "where",   "filters",    "order_by",   "derive", NULL};
    static const char *const get[] = {"service", "entity_set", "properties", "key",
                                      "select",  "expand",     "derive",     NULL};
    static const char *const sample[] = {"service", "entity_set", "select", NULL};
    const char *const *known = plan->action == SAP_LIST  ? list
                               : plan->action == SAP_GET ? get
                                                         : sample;
    enum err err = sap_only(compiler, SLICE_EMPTY, compiler->upstream, known);

    if (err == ERR_OK && plan->action == SAP_GET) {
        err = read_key(compiler, plan);
    }
    if (err == ERR_OK) {
        err = read_shape(compiler, plan);
    }
    if (err == ERR_OK) {
        err = read_filters(compiler, plan);
    }
    if (err == ERR_OK && plan->action == SAP_LIST) {
        err = read_order(compiler, plan);
    }
    return err;
}

static enum err compile_create(struct sap_compiler *compiler, struct sap_plan *plan)
{
    static const char *const known[] = {"service", "entity_set", "properties", "body",
                                        "fixed",   "derive",     NULL};
    enum err err = sap_only(compiler, SLICE_EMPTY, compiler->upstream, known);

    return err == ERR_OK ? sap_body_compile(compiler, plan) : err;
}

static bool action_of(const struct tool *tool, enum sap_action *out)
{
    if (tool == NULL) {
        *out = SAP_SAMPLE;
        return true;
    }
    switch (tool->kind) {
    case METHOD_LIST:
        *out = SAP_LIST;
        return true;
    case METHOD_GET:
        *out = SAP_GET;
        return true;
    case METHOD_CREATE:
        *out = SAP_CREATE;
        return true;
    case METHOD_UPDATE:
    case METHOD_DELETE:
    case METHOD_CUSTOM:
        break;
    }
    return false;
}

enum err sap_plan_compile(struct arena *arena, const struct jval *upstream,
                          const struct tool *tool, const struct sap_plan **out,
                          struct schema_problem *problem)
{
    struct sap_compiler compiler = {
        .arena = arena, .upstream = upstream, .tool = tool, .problem = problem};
    struct sap_plan *plan = arena_alloc(arena, sizeof *plan);

    *out = NULL;
    if (!action_of(tool, &plan->action)) {
        return sap_refuse(&compiler, SLICE_EMPTY,
                          "SAP methods are list, get and create.");
    }
    enum err err = read_place(&compiler, plan);
    if (err == ERR_OK) {
        err = plan->action == SAP_CREATE ? compile_create(&compiler, plan)
                                         : compile_read(&compiler, plan);
    }
    if (err == ERR_OK) {
        err = check_used(&compiler, plan);
    }
    if (err == ERR_OK) {
        err = sap_derive_compile(&compiler, plan);
    }
    *out = err == ERR_OK ? plan : NULL;
    return err;
}
