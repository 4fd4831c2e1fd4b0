/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a compiled schema as its compiler and its checker see it.
 * Owns: nothing: nodes live in the arena of schema_compile.
 * Threads: read-only once compiled.
 * Errors: pattern_compile says in a sentence what it refuses.
 * Start reading at: struct schema.
 */
#ifndef SLUICE_CATALOG_SCHEMA_PRIVATE_H
#define SLUICE_CATALOG_SCHEMA_PRIVATE_H

#include <stdint.h>

#include "catalog/catalog_private.h"
#include "catalog/schema.h"

/* Bits of schema.types; TYPE_INTEGER alone means a number without fraction. */
#define TYPE_NULL 1U
#define TYPE_BOOLEAN 2U
#define TYPE_NUMBER 4U
#define TYPE_INTEGER 8U
#define TYPE_STRING 16U
#define TYPE_ARRAY 32U
#define TYPE_OBJECT 64U

enum schema_format { FORMAT_NONE, FORMAT_DATE, FORMAT_DATE_TIME };

struct schema_pattern;

struct schema_property {
    struct slice name;
    const struct schema *schema;
};

struct schema_set {
    struct schema **items;
    size_t count;
};

struct schema {
    const struct jval *json;
    bool never;     /* the schema false */
    unsigned types; /* 0: any */
    enum schema_format format;
    bool unique_items;
    const struct jval *constant, *choices;
    const struct jval *minimum, *maximum, *exclusive_minimum, *exclusive_maximum;
    const struct jval *multiple_of;
    size_t min_length, max_length, min_items, max_items; /* SIZE_MAX: no maximum */
    size_t min_properties, max_properties;
    const struct jval *pattern_text;
    struct schema_pattern *pattern;
    struct schema_property *properties; /* sorted by name */
    size_t property_count;
    const struct jval *required; /* an array of text */
    struct schema *additional, *property_names, *items;
    struct schema_set all, any, one;
    struct schema *negated, *condition, *then, *otherwise, *ref;
    /* While compiling: the order, where it stood, how deep it applies to one place. */
    struct schema *next;
    struct slice pointer;
    unsigned in_place_depth; /* 0: not known yet */
    bool visiting;
};

/* ---- schema_compile.c ---- */

struct schema_reference {
    struct schema *from;
    struct slice target;
    struct schema_reference *next;
};

struct schema_compiler {
    struct arena *arena;
    const struct jval *root;
    struct schema_problem *problem;
    struct map *nodes;   /* address of a jval -> its schema */
    struct map *anchors; /* name -> schema */
    struct schema_reference *references;
    struct schema *first, *last; /* nodes in the order of the text */
    size_t node_count;
};

struct schema_spot {
    struct schema_compiler *compiler;
    struct schema *node;
    const struct trail *trail; /* of the keyword */
    unsigned depth;
};

/* Always false, with the problem filled. */
bool schema_refuse(struct schema_compiler *c, const struct trail *trail,
                   struct slice message);
bool schema_compile_node(struct schema_compiler *c, const struct jval *json,
                         const struct trail *trail, unsigned depth,
                         struct schema **out);

/* ---- schema_keywords.c ---- */

/* One member of a schema into its node. */
bool schema_keyword(struct schema_spot *spot, const struct jmember *member);

/* ---- schema_pattern.c ---- */

/*
 * Compiles an ECMA-262 pattern of the subset that means the same everywhere. The
 * pattern is freed with the arena. False with a sentence in `message`.
 */
bool pattern_compile(struct arena *arena, struct slice text,
                     struct schema_pattern **out, struct slice *message);
/* False too when the text is too much work for the pattern. */
bool pattern_matches(const struct schema_pattern *pattern, struct slice text);

/* ---- schema_message.c ---- */

struct slice message_types(struct arena *arena, unsigned types);
struct slice message_choices(struct arena *arena, const struct jval *choices);
struct slice message_unknown(struct arena *arena, const struct schema *schema);

/* ---- schema_number.c ---- */

bool number_is_integer(struct slice text);
/* A divisor that number_is_multiple can take. */
bool number_is_divisor(struct slice text);
bool number_is_multiple(struct slice text, struct slice divisor);

#endif
