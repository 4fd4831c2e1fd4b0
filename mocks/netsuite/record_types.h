/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the record types of the REST record service as data: members, sublists,
 * sources. Owns: nothing: constant tables. Threads: any.  Errors: none. Start reading
 * at: struct record_type.
 */
#ifndef SLUICE_MOCKS_NETSUITE_RECORD_TYPES_H
#define SLUICE_MOCKS_NETSUITE_RECORD_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum record_kind {
    RECORD_TEXT,
    RECORD_NUMBER, /* the database's digits, unquoted */
    RECORD_BOOL,   /* from 'T' and 'F' */
    RECORD_DATE,
    RECORD_TIME,
    RECORD_REF, /* {"links":[self],"id","refName"}; `target` is the record it points to
                 */
    RECORD_ENUM /* {"links":[],"id","refName"}; `display` gives the refName */
};

struct record_field {
    const char *name;
    enum record_kind kind;
    const char *value;   /* SQL over the type's source */
    const char *display; /* SQL of the refName; NULL for other kinds */
    const char *target;
};

struct record_sublist {
    const char *name;
    const char *source; /* SQL behind FROM; ?1 is the record's id */
    const char *line;   /* SQL of the line's number */
    const struct record_field *fields;
    size_t field_count;
};

struct record_type {
    const char *name;
    const char *source;     /* SQL behind FROM; the id column is r.id */
    const char *where;      /* SQL that narrows it */
    const char *externalid; /* SQL of the external id; NULL: has none */
    bool transaction;
    const struct record_field *fields;
    size_t field_count;
    const struct record_sublist *sublists;
    size_t sublist_count;
};

/* NULL: no such record type. Names are case sensitive in their first letter only in
 * practice; here they are compared without case, as NetSuite does. */
const struct record_type *record_type_find(struct slice name);

#endif
