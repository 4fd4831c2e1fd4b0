/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: an output field record: where a value stands in an upstream record, how it
 * is converted, what it means: mapping, output schema and documentation in one. Owns:
 * compiled fields live in the catalog's arena. Threads: read-only after load. Errors:
 * field_map reports a value that cannot be converted as a fallback, never as a failure.
 * Start reading at: field_map.
 */
#ifndef SLUICE_CATALOG_FIELD_H
#define SLUICE_CATALOG_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/jval.h"
#include "base/slice.h"

enum field_type { FIELD_STRING, FIELD_INTEGER, FIELD_BOOLEAN, FIELD_ARRAY };

enum field_class {
    FIELD_PUBLIC,
    FIELD_BUSINESS,
    FIELD_PERSONAL,
    FIELD_BANK,
    FIELD_FREE_TEXT
};

enum field_convert {
    FIELD_AS_IS,
    FIELD_DECIMAL,        /* number or text -> exact decimal text */
    FIELD_NEGATE_DECIMAL, /* the same with the sign turned; no "-0" */
    FIELD_TO_INTEGER,
    FIELD_DATE,     /* -> YYYY-MM-DD */
    FIELD_DATETIME, /* -> RFC 3339 UTC */
    FIELD_BOOL,     /* true false "T" "F" "true" "false" "Y" "N" "X" "" "1" "0" */
    FIELD_SAP_DATE  /* /Date(ms)/ and /Date(ms+0000)/ -> YYYY-MM-DD */
};

struct field_path; /* members, [] , [n], [?key='value'] */

struct field_map_entry {
    struct slice from, to;
};

struct field {
    struct slice name, description;
    enum field_type type;
    enum field_class sensitivity;
    enum field_convert convert;
    struct field_path *const *paths; /* the first that exists wins */
    size_t path_count;
    const struct jval *fallback; /* "default"; NULL: none, the field is null then */
    const struct field_map_entry *map; /* of values; applied before the converter */
    size_t map_count;
    const struct jval
        *map_other; /* what an unlisted value becomes; NULL: stays as it is */
    const struct field *fields; /* of FIELD_ARRAY: of each element */
    size_t field_count;
};

/*
 * An array of records out of an array of upstream records: every field is there, null
 * when there is nothing. Counts the uses of defaults and of values that could not be
 * converted in `fallbacks`.
 */
struct jval *field_map(const struct field *fields, size_t count,
                       const struct jval *records, struct arena *arena,
                       size_t *fallbacks);

#endif
