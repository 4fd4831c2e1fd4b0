/* SPDX-License-Identifier: Apache-2.0 */
/* A recursive descent over the decoded text; depth is bounded, values are always bound. */
#include "mocks/sap/filter.h"

#include <string.h>

#define DEPTH 40

struct parser {
    struct clause *clause;
    const struct entity_set *set;
    struct slice rest;
    struct arena *arena;
    int depth;
};

void clause_init(struct clause *clause)
{
    buf_init(&clause->sql, 64 * 1024);
    clause->bind_count = 0;
    clause->problem = SLICE_EMPTY;
}

void clause_free(struct clause *clause)
{
    buf_free(&clause->sql);
}

static bool fail(struct parser *parser, const char *message, struct slice what)
{
    if (parser->clause->problem.len == 0) {
        parser->clause->problem =
            arena_printf(parser->arena, "%s '%.*s'", message,
                         (int)(what.len < 60 ? what.len : 60), what.ptr);
    }
    return false;
}

struct slice filter_stored(const struct property *property, struct slice value)
{
    if (!(property->traits & TRAIT_ALPHA)) {
        return value;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9') {
            return value;
        }
    }
    while (value.len > 1 && value.ptr[0] == '0') {
        value = slice_from(value, 1);
    }
    return value;
}

/* ---- Words ---- */

static void skip_blanks(struct parser *parser)
{
    while (parser->rest.len > 0 && parser->rest.ptr[0] == ' ') {
        parser->rest = slice_from(parser->rest, 1);
    }
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_';
}

static struct slice peek_word(struct parser *parser)
{
    skip_blanks(parser);
    size_t len = 0;
    while (len < parser->rest.len && is_name(parser->rest.ptr[len])) {
        len++;
    }
    return slice_of(parser->rest.ptr, len);
}

static bool take_word(struct parser *parser, const char *word)
{
    struct slice next = peek_word(parser);
    if (!slice_is(next, word)) {
        return false;
    }
    parser->rest = slice_from(parser->rest, next.len);
    return true;
}

static bool take_char(struct parser *parser, char c)
{
    skip_blanks(parser);
    if (parser->rest.len == 0 || parser->rest.ptr[0] != c) {
        return false;
    }
    parser->rest = slice_from(parser->rest, 1);
    return true;
}

/* ---- Literals ---- */

enum literal_kind { LITERAL_STRING, LITERAL_NUMBER, LITERAL_DATE, LITERAL_BOOLEAN };

struct literal {
    enum literal_kind kind;
    struct slice text;
};

static bool quoted(struct parser *parser, struct slice *out)
{
    char *text = arena_alloc(parser->arena, parser->rest.len + 1);
    size_t len = 0;
    if (!take_char(parser, '\'')) {
        return fail(parser, "A quote is needed at", parser->rest);
    }
    for (size_t i = 0; i < parser->rest.len; i++) {
        char c = parser->rest.ptr[i];
        if (c != '\'') {
            text[len++] = c;
        } else if (i + 1 < parser->rest.len && parser->rest.ptr[i + 1] == '\'') {
            text[len++] = c;
            i++;
        } else {
            parser->rest = slice_from(parser->rest, i + 1);
            *out = slice_of(text, len);
            return true;
        }
    }
    return fail(parser, "A literal does not end at", parser->rest);
}

static bool number(struct parser *parser, struct literal *out)
{
    size_t len = 0;
    bool digits = false;
    while (len < parser->rest.len) {
        char c = parser->rest.ptr[len];
        bool digit = c >= '0' && c <= '9';
        if (!digit && c != '.' && !(c == '-' && len == 0)) {
            break;
        }
        digits = digits || digit;
        len++;
    }
    if (!digits) {
        return fail(parser, "A literal is needed at", parser->rest);
    }
    out->kind = LITERAL_NUMBER;
    out->text = slice_of(parser->rest.ptr, len);
    parser->rest = slice_from(parser->rest, len);
    if (parser->rest.len > 0 && strchr("MmDdFfLl", parser->rest.ptr[0]) != NULL) {
        parser->rest = slice_from(parser->rest, 1);
    }
    return true;
}

static bool literal(struct parser *parser, struct literal *out)
{
    skip_blanks(parser);
    if (parser->rest.len > 0 && parser->rest.ptr[0] == '\'') {
        out->kind = LITERAL_STRING;
        return quoted(parser, &out->text);
    }
    if (take_word(parser, "datetime")) {
        out->kind = LITERAL_DATE;
        if (!quoted(parser, &out->text)) {
            return false;
        }
        if (out->text.len < 16 || out->text.ptr[10] != 'T') {
            return fail(parser, "Malformed datetime literal", out->text);
        }
        out->text.len = 10;
        return true;
    }
    out->kind = LITERAL_BOOLEAN;
    if (take_word(parser, "true")) {
        out->text = SLICE("1");
        return true;
    }
    if (take_word(parser, "false")) {
        out->text = SLICE("0");
        return true;
    }
    return number(parser, out);
}

static bool bind(struct parser *parser, struct slice value)
{
    struct clause *clause = parser->clause;
    if (clause->bind_count == FILTER_BINDS) {
        return fail(parser, "Too many values at", parser->rest);
    }
    clause->binds[clause->bind_count++] = value;
    buf_printf(&clause->sql, "?%d", clause->bind_count);
    return true;
}

/* ---- Comparisons ---- */

static const struct property *property_of(struct parser *parser)
{
    struct slice name = peek_word(parser);
    const struct property *property = model_property(parser->set, name);
    if (property == NULL) {
        fail(parser, "Property not found in the entity type:", name);
        return NULL;
    }
    parser->rest = slice_from(parser->rest, name.len);
    return property;
}

static bool types_fit(const struct property *property, const struct literal *value)
{
    static const enum literal_kind wanted[] = {[EDM_STRING] = LITERAL_STRING,
                                               [EDM_DECIMAL] = LITERAL_NUMBER,
                                               [EDM_DATE] = LITERAL_DATE,
                                               [EDM_BOOLEAN] = LITERAL_BOOLEAN};
    return wanted[property->type] == value->kind;
}

static const char *take_operator(struct parser *parser)
{
    static const char *const words[][2] = {{"eq", "="},  {"ne", "<>"}, {"gt", ">"},
                                           {"ge", ">="}, {"lt", "<"},  {"le", "<="}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (take_word(parser, words[i][0])) {
            return words[i][1];
        }
    }
    return NULL;
}

static bool comparison(struct parser *parser)
{
    struct literal value;
    const struct property *property = property_of(parser);
    if (property == NULL) {
        return false;
    }
    const char *operator= take_operator(parser);
    if (operator== NULL || !literal(parser, &value)) {
        return fail(parser, "A comparison is needed at", parser->rest);
    }
    if (!types_fit(property, &value)) {
        return fail(parser, "The literal does not have the type of",
                    slice_str(property->name));
    }
    bool decimal = property->type == EDM_DECIMAL;
    buf_printf(&parser->clause->sql,
               decimal ? "CAST(\"%s\" AS NUMERIC) %s CAST(" : "\"%s\" %s ",
               property->name, operator);
    if (!bind(parser, filter_stored(property, value.text))) {
        return false;
    }
    return !decimal || buf_append(&parser->clause->sql, SLICE(" AS NUMERIC)"));
}

/* substringof('x',F), startswith(F,'x'), endswith(F,'x'), each with an optional "eq true". */
static bool text_function(struct parser *parser, const char *name)
{
    struct literal value = {LITERAL_STRING, SLICE_EMPTY};
    const struct property *property = NULL;
    bool value_first = strcmp(name, "substringof") == 0;
    if (!take_char(parser, '(') || (value_first && !literal(parser, &value)) ||
        (value_first && !take_char(parser, ','))) {
        return fail(parser, "Malformed function at", parser->rest);
    }
    property = property_of(parser);
    if (property == NULL || (!value_first && !take_char(parser, ',')) ||
        (!value_first && !literal(parser, &value)) || !take_char(parser, ')') ||
        value.kind != LITERAL_STRING || property->type != EDM_STRING) {
        return fail(parser, "Malformed function at", parser->rest);
    }
    struct buf *sql = &parser->clause->sql;
    if (value_first) {
        buf_printf(sql, "instr(\"%s\",", property->name);
        bind(parser, value.text);
        buf_append(sql, SLICE(") > 0"));
    } else if (strcmp(name, "startswith") == 0) {
        buf_printf(sql, "substr(\"%s\",1,length(", property->name);
        bind(parser, value.text);
        buf_printf(sql, ")) = ?%d", parser->clause->bind_count);
    } else {
        buf_printf(sql, "substr(\"%s\",-length(", property->name);
        bind(parser, value.text);
        buf_printf(sql, ")) = ?%d", parser->clause->bind_count);
    }
    if (take_word(parser, "eq")) {
        return take_word(parser, "true") ||
               fail(parser, "true is needed at", parser->rest);
    }
    return true;
}

static bool expression(struct parser *parser);

static bool unary(struct parser *parser)
{
    static const char *const functions[] = {"substringof", "startswith", "endswith"};
    struct buf *sql = &parser->clause->sql;
    if (take_word(parser, "not")) {
        buf_append(sql, SLICE("NOT ("));
        return unary(parser) && buf_append(sql, SLICE(")"));
    }
    if (take_char(parser, '(')) {
        buf_append(sql, SLICE("("));
        return expression(parser) &&
               (take_char(parser, ')') ||
                fail(parser, "')' is needed at", parser->rest)) &&
               buf_append(sql, SLICE(")"));
    }
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (take_word(parser, functions[i])) {
            return text_function(parser, functions[i]);
        }
    }
    return comparison(parser);
}

static bool conjunction(struct parser *parser)
{
    if (!unary(parser)) {
        return false;
    }
    while (take_word(parser, "and")) {
        buf_append(&parser->clause->sql, SLICE(" AND "));
        if (!unary(parser)) {
            return false;
        }
    }
    return true;
}

static bool expression(struct parser *parser)
{
    if (++parser->depth > DEPTH) {
        return fail(parser, "Nested too deep at", parser->rest);
    }
    if (!conjunction(parser)) {
        return false;
    }
    while (take_word(parser, "or")) {
        buf_append(&parser->clause->sql, SLICE(" OR "));
        if (!conjunction(parser)) {
            return false;
        }
    }
    parser->depth--;
    return true;
}

bool filter_parse(struct clause *clause, const struct entity_set *set,
                  struct slice text, struct arena *arena)
{
    struct parser parser = {clause, set, text, arena, 0};
    buf_append(&clause->sql, SLICE("("));
    if (!expression(&parser)) {
        return false;
    }
    skip_blanks(&parser);
    if (parser.rest.len > 0) {
        return fail(&parser, "Unexpected at", parser.rest);
    }
    return buf_append(&clause->sql, SLICE(")"));
}

/* ---- Keys ---- */

static bool key_part(struct parser *parser, const struct property *property)
{
    struct slice value = SLICE_EMPTY;
    if (!quoted(parser, &value)) {
        return false;
    }
    buf_printf(&parser->clause->sql,
               "%s\"%s\" = ", parser->clause->bind_count > 0 ? " AND " : "",
               property->name);
    return bind(parser, filter_stored(property, value));
}

bool filter_key(struct clause *clause, const struct entity_set *set, struct slice text,
                struct arena *arena)
{
    struct parser parser = {clause, set, text, arena, 0};
    int keys = 0;
    const struct property *first = NULL;
    for (size_t i = 0; i < set->property_count; i++) {
        if (set->properties[i].traits & TRAIT_KEY) {
            keys++;
            first = first != NULL ? first : &set->properties[i];
        }
    }
    if (keys == 1 && text.len > 0 && text.ptr[0] == '\'') {
        return key_part(&parser, first) &&
               (parser.rest.len == 0 || fail(&parser, "Unexpected at", parser.rest));
    }
    do {
        const struct property *property = property_of(&parser);
        if (property == NULL || !(property->traits & TRAIT_KEY) ||
            !take_char(&parser, '=') || !key_part(&parser, property)) {
            return fail(&parser, "Malformed key", text);
        }
        keys--;
    } while (take_char(&parser, ','));
    return (keys == 0 && parser.rest.len == 0) || fail(&parser, "Malformed key", text);
}
