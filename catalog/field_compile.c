/* SPDX-License-Identifier: Apache-2.0 */
/* Field records: JSON to what field_map runs. The file's schema was checked before. */
#include "catalog/catalog_private.h"

#define FIELD_DEPTH 4

struct compiler {
    struct arena *arena;
    struct schema_problem *problem;
    unsigned depth;
};

static enum err refuse(struct compiler *c, struct slice pointer, struct slice message)
{
    c->problem->pointer = pointer;
    c->problem->message = message;
    return ERR_UNPROCESSABLE;
}

struct word {
    const char *name;
    int value;
};

static const struct word types[] = {
    {"string", FIELD_STRING},
    {"integer", FIELD_INTEGER},
    {"boolean", FIELD_BOOLEAN},
    {"array", FIELD_ARRAY},
    {NULL, 0},
};

static const struct word classes[] = {
    {"public", FIELD_PUBLIC},       {"business", FIELD_BUSINESS},
    {"personal", FIELD_PERSONAL},   {"bank", FIELD_BANK},
    {"free_text", FIELD_FREE_TEXT}, {NULL, 0},
};

static const struct word converters[] = {
    {"decimal", FIELD_DECIMAL},    {"negate_decimal", FIELD_NEGATE_DECIMAL},
    {"integer", FIELD_TO_INTEGER}, {"date", FIELD_DATE},
    {"datetime", FIELD_DATETIME},  {"bool", FIELD_BOOL},
    {"sap_date", FIELD_SAP_DATE},  {NULL, 0},
};

static bool word_find(const struct word *words, struct slice name, int *out)
{
    for (; words->name != NULL; words++) {
        if (slice_is(name, words->name)) {
            *out = words->value;
            return true;
        }
    }
    return false;
}

/* ---- One member each ---- */

static enum err read_word(struct compiler *c, const struct jval *json,
                          struct slice pointer, const char *member,
                          const struct word *words, int *out)
{
    const struct jval *value = jval_get(json, member);

    if (value == NULL || word_find(words, jval_text(value), out)) {
        return ERR_OK;
    }
    return refuse(c, pointer_member(c->arena, pointer, slice_str(member)),
                  arena_printf(c->arena, "this %s does not exist", member));
}

static enum err read_paths(struct compiler *c, const struct jval *from,
                           struct slice pointer, struct field *out)
{
    struct field_path **paths =
        arena_array(c->arena, from->count, sizeof(struct field_path *));

    for (size_t i = 0; i < from->count; i++) {
        struct slice message;

        if (!field_path_compile(c->arena, jval_text(&from->items[i]), &paths[i],
                                &message)) {
            return refuse(c, pointer_index(c->arena, pointer, i), message);
        }
    }
    out->paths = paths;
    out->path_count = from->count;
    return ERR_OK;
}

static void read_map(struct compiler *c, const struct jval *map, struct field *out)
{
    struct field_map_entry *entries =
        arena_array(c->arena, map->count, sizeof *entries);

    for (size_t i = 0; i < map->count; i++) {
        entries[i].from = map->members[i].name;
        entries[i].to = jval_text(&map->members[i].value);
    }
    out->map = entries;
    out->map_count = map->count;
}

static enum field_type type_made_by(enum field_convert convert)
{
    switch (convert) {
    case FIELD_TO_INTEGER:
        return FIELD_INTEGER;
    case FIELD_BOOL:
        return FIELD_BOOLEAN;
    case FIELD_AS_IS:
    case FIELD_DECIMAL:
    case FIELD_NEGATE_DECIMAL:
    case FIELD_DATE:
    case FIELD_DATETIME:
    case FIELD_SAP_DATE:
        break;
    }
    return FIELD_STRING;
}

/* A type without a converter has a natural one. */
static enum err settle_convert(struct compiler *c, struct slice pointer,
                               struct field *out)
{
    if (out->convert == FIELD_AS_IS) {
        if (out->type == FIELD_INTEGER) {
            out->convert = FIELD_TO_INTEGER;
        } else if (out->type == FIELD_BOOLEAN) {
            out->convert = FIELD_BOOL;
        }
        return ERR_OK;
    }
    if (type_made_by(out->convert) != out->type) {
        return refuse(c, pointer_member(c->arena, pointer, SLICE("convert")),
                      SLICE("this converter makes another type than the field's"));
    }
    return ERR_OK;
}

/* "default" and "map_other" stand in the answer as they are. */
static enum err check_literal(struct compiler *c, const struct field *field,
                              const struct jval *value, struct slice pointer)
{
    bool fits = value == NULL || value->type == JVAL_NULL;

    switch (field->type) {
    case FIELD_STRING:
        fits = fits || value->type == JVAL_STRING;
        break;
    case FIELD_INTEGER: {
        long long unused;

        fits = fits || jval_int64(value, &unused);
        break;
    }
    case FIELD_BOOLEAN:
        fits = fits || value->type == JVAL_TRUE || value->type == JVAL_FALSE;
        break;
    case FIELD_ARRAY:
        fits = fits || (value->type == JVAL_ARRAY && value->count == 0);
        break;
    }
    return fits ? ERR_OK : refuse(c, pointer, SLICE("is not of the field's type"));
}

static enum err read_elements(struct compiler *c, const struct jval *json,
                              struct slice pointer, struct field *out);

static enum err read_words(struct compiler *c, const struct jval *json,
                           struct slice pointer, struct field *out)
{
    int type = FIELD_STRING, sensitivity = FIELD_BUSINESS, convert = FIELD_AS_IS;
    enum err err = read_word(c, json, pointer, "type", types, &type);

    if (err == ERR_OK) {
        err = read_word(c, json, pointer, "class", classes, &sensitivity);
    }
    if (err == ERR_OK) {
        err = read_word(c, json, pointer, "convert", converters, &convert);
    }
    out->type = (enum field_type)type;
    out->sensitivity = (enum field_class)sensitivity;
    out->convert = (enum field_convert)convert;
    return err == ERR_OK ? settle_convert(c, pointer, out) : err;
}

static enum err read_literals(struct compiler *c, const struct jval *json,
                              struct slice pointer, struct field *out)
{
    enum err err;

    out->fallback = jval_get(json, "default");
    out->map_other = jval_get(json, "map_other");
    err = check_literal(c, out, out->fallback,
                        pointer_member(c->arena, pointer, SLICE("default")));
    if (err != ERR_OK) {
        return err;
    }
    return check_literal(c, out, out->map_other,
                         pointer_member(c->arena, pointer, SLICE("map_other")));
}

static enum err read_field(struct compiler *c, const struct jval *json,
                           struct slice pointer, struct field *out)
{
    const struct jval *from = jval_get(json, "from"), *map = jval_get(json, "map");
    enum err err;

    out->name = jval_text(jval_get(json, "name"));
    out->description = jval_text(jval_get(json, "description"));
    err = read_words(c, json, pointer, out);
    if (err == ERR_OK && from != NULL) {
        err =
            read_paths(c, from, pointer_member(c->arena, pointer, SLICE("from")), out);
    }
    if (err == ERR_OK) {
        err = read_literals(c, json, pointer, out);
    }
    if (err != ERR_OK) {
        return err;
    }
    if (map != NULL) {
        read_map(c, map, out);
    }
    return read_elements(c, json, pointer, out);
}

static enum err read_fields(struct compiler *c, const struct jval *json,
                            struct slice pointer, struct field **out)
{
    struct field *fields = arena_array(c->arena, json->count, sizeof *fields);

    for (size_t i = 0; i < json->count; i++) {
        struct slice place = pointer_index(c->arena, pointer, i);
        enum err err = read_field(c, &json->items[i], place, &fields[i]);

        for (size_t j = 0; err == ERR_OK && j < i; j++) {
            if (slice_eq(fields[i].name, fields[j].name)) {
                err = refuse(c, pointer_member(c->arena, place, SLICE("name")),
                             SLICE("there is another field of that name"));
            }
        }
        if (err != ERR_OK) {
            return err;
        }
    }
    *out = fields;
    return ERR_OK;
}

static enum err read_elements(struct compiler *c, const struct jval *json,
                              struct slice pointer, struct field *out)
{
    const struct jval *elements = jval_get(json, "fields");
    struct slice place = pointer_member(c->arena, pointer, SLICE("fields"));
    struct field *fields = NULL;
    enum err err;

    if ((elements != NULL) != (out->type == FIELD_ARRAY)) {
        return refuse(c, place, SLICE("an array has fields, and nothing else has"));
    }
    if (elements == NULL) {
        return ERR_OK;
    }
    if (c->depth == FIELD_DEPTH) {
        return refuse(c, place, SLICE("arrays are nested more than four deep"));
    }
    c->depth++;
    err = read_fields(c, elements, place, &fields);
    c->depth--;
    out->fields = fields;
    out->field_count = elements->count;
    return err;
}

enum err field_compile(struct arena *arena, const struct jval *json, struct field **out,
                       size_t *count, struct schema_problem *problem)
{
    struct compiler c = {.arena = arena, .problem = problem};

    *count = json->count;
    return read_fields(&c, json, SLICE_EMPTY, out);
}
