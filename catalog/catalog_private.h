/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the files of this folder share and nobody else may see.
 * Owns: nothing: everything lives in the arena that was handed in.
 * Threads: any, on arenas of their own.
 * Errors: each function says.
 * Start reading at: struct loader.
 */
#ifndef SLUICE_CATALOG_PRIVATE_H
#define SLUICE_CATALOG_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/jval.h"
#include "base/limits.h"
#include "base/map.h"
#include "catalog/catalog.h"
#include "catalog/tool.h"
#include "catalog/watch.h"

/* ---- catalog.c, override.c ---- */

struct catalog {
    struct arena *arena;
    int holders;
    struct catalog *base;             /* what it lies over, held; or NULL */
    struct integration *integrations; /* sorted by name */
    size_t count;
};

/* ---- pointer.c: JSON Pointer, RFC 6901 ---- */

/* Where a walk stands: links on the walkers' stacks, from the leaf to the root. */
struct trail {
    const struct trail *parent;
    struct slice name; /* a member; ptr NULL: an element */
    size_t index;
};

/* The pointer of a place. One that would grow too long ends at an ancestor. */
struct slice trail_pointer(struct arena *arena, const struct trail *trail);

/* "/a~1b" for parent "" and name "a/b". */
struct slice pointer_member(struct arena *arena, struct slice parent,
                            struct slice name);
struct slice pointer_index(struct arena *arena, struct slice parent, size_t index);

/* The value a pointer names, or NULL. */
const struct jval *pointer_find(struct arena *arena, const struct jval *root,
                                struct slice pointer);

/* ---- decimal.c: exact decimals ---- */

/* Value = digits * 10^exponent; no leading or trailing zero digits; zero has none. */
struct decimal {
    bool negative;
    size_t count;
    int64_t exponent; /* clamped: beyond 10^15 nothing here tells numbers apart */
    char digits[LIMIT_NUMBER_BYTES];
};

/* [+-] digits [. digits] [e[+-]digits], a digit somewhere; false for anything else. */
bool decimal_parse(struct slice text, struct decimal *out);
bool decimal_is_integer(const struct decimal *value);

/* Plain text without exponent; false when that would take more than DECIMAL_PLAIN. */
#define DECIMAL_PLAIN 128
bool decimal_plain(struct arena *arena, const struct decimal *value, struct slice *out);

/* digits["e"exponent], equal for equal values: 1, 1.0 and 10e-1 are "1". */
void decimal_canonical(const struct decimal *value, struct buf *out);

/* ---- canonical.c ---- */

/* JSON text with sorted members and canonical numbers: equal for equal values. */
struct slice canonical_text(struct arena *arena, const struct jval *value);

/* ---- field_path.c: where a value stands ---- */

enum path_step_kind { PATH_MEMBER, PATH_ALL, PATH_INDEX, PATH_WHERE };

struct path_step {
    enum path_step_kind kind;
    struct slice name;  /* PATH_MEMBER; PATH_WHERE: the member that is compared */
    struct slice value; /* PATH_WHERE */
    size_t index;       /* PATH_INDEX */
};

struct field_path {
    const struct path_step *steps;
    size_t count;
};

#define PATH_STEPS 16
#define PATH_INDEX_MAX 99

/* False with a sentence in `message`. */
bool field_path_compile(struct arena *arena, struct slice text, struct field_path **out,
                        struct slice *message);
/*
 * The first value there that is not null, or NULL. `place`: where the path's first member stands
 * in the record (jval_place), or SIZE_MAX; not looked at when the path begins otherwise.
 */
const struct jval *field_path_first(const struct field_path *path,
                                    const struct jval *record, size_t place);
/* That place; `near` is a guess. */
size_t field_path_place(const struct field_path *path, const struct jval *record,
                        size_t near);
/* Every value there that is not null, pushed to `found`. */
void field_path_all(const struct field_path *path, const struct jval *record,
                    struct arena *arena, struct jval *found);
/* Whether one of the two places is, or lies inside, the other. */
bool field_path_overlaps(const struct field_path *a, const struct field_path *b);
/* Puts `value` at the place, making objects and arrays on the way. Members and [n]
 * only. */
void field_path_put(const struct field_path *path, struct arena *arena,
                    struct jval *object, const struct jval *value);

/* ---- field_compile.c ---- */

/* `json`: an array of field records. Keeps it. ERR_UNPROCESSABLE with pointer into it.
 */
MUST_USE enum err field_compile(struct arena *arena, const struct jval *json,
                                struct field **out, size_t *count,
                                struct schema_problem *problem);

/* ---- names.c ---- */

enum method_kind names_kind(struct slice method);
bool names_is_tool(struct slice name);
struct slice names_tool(struct arena *arena, struct slice integration,
                        struct slice resource, struct slice singular,
                        struct slice method);

/* ---- arguments.c ---- */

/* Arguments, input schema and its text. ERR_UNPROCESSABLE with pointer into `input`,
 * which may be NULL. */
MUST_USE enum err arguments_read(struct arena *arena, struct tool *tool,
                                 const struct jval *input,
                                 struct schema_problem *problem);
bool arguments_have_id(const struct tool *tool);

/* ---- describe.c, describe_output.c: what tools/list shows ---- */

/* Escapes lengthen a text at most sixfold, and all text comes from files with a
 * ceiling. */
#define DESCRIPTION_BYTES ((size_t)8 * LIMIT_CATALOG_FILE_BYTES)

/* The whole input schema, as a value. `input` is the documentation's member. */
struct jval *describe_input(struct arena *arena, const struct tool *tool,
                            const struct jval *input);
/* `envelope`: schema/envelope.schema.json, whose "record" is replaced. */
struct slice describe_output(struct arena *arena, const struct tool *tool,
                             const struct jval *envelope);
struct slice describe_annotations(struct arena *arena, const struct tool *tool);
struct slice describe_text(struct arena *arena, const struct jval *value);
size_t describe_bytes(const struct tool *tool);

/* ---- files.c: bytes to values ---- */

enum catalog_file { FILE_INTEGRATION, FILE_RESOURCE, FILE_DOCUMENTATION, FILE_KINDS };

struct loader {
    struct arena *arena; /* the catalog's */
    const struct catalog_compiler *compiler;
    struct catalog_watch *watch; /* may be NULL */
    struct schema *schemas[FILE_KINDS];
    const struct jval *envelope; /* of every answer; becomes output schemas */
    struct arena *problem_arena;
    struct catalog_problem *problem;
};

/* Fills the problem with copies and returns `err`. */
enum err loader_fail(struct loader *loader, enum err err, struct slice file,
                     struct slice pointer, struct slice message);

MUST_USE enum err loader_schemas(struct loader *loader);

/* One file, checked against the schema of its kind. */
MUST_USE enum err loader_read(struct loader *loader, enum catalog_file kind,
                              struct slice path, const struct jval **out);

/* Names of the folder's entries that end in `suffix`, without it, sorted; dot files
 * left out. ERR_NOT_FOUND: no such folder. */
MUST_USE enum err loader_names(struct loader *loader, struct slice path,
                               const char *suffix, struct slice **names, size_t *count);
bool loader_exists(struct loader *loader, struct slice path);

/* ---- integration.c, tools.c: values to records ---- */

struct error_rule {
    const int *statuses;
    size_t status_count; /* 0: any */
    struct slice code;   /* empty: any */
    struct slice message_contains;
    enum err is;
    struct slice hint;
};

/* integration.json at `path` into `out`, all but the tools. */
MUST_USE enum err integration_load(struct loader *loader, struct slice path,
                                   struct slice name, struct integration *out);

/* One resource with its documentation. Appends to the list. */
struct tool_list {
    struct tool **items;
    size_t count, capacity;
    struct map *names; /* tool names that are taken */
};

struct resource_files {
    struct slice path, documentation_path;
    const struct jval *resource, *documentation;
};

MUST_USE enum err tools_load(struct loader *loader,
                             const struct integration *integration,
                             const struct resource_files *files,
                             struct tool_list *list);

#endif
