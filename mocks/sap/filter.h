/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: $filter, keys and $orderby of OData V2 as SQL with bound values.
 * Owns: nothing; results live in the arena.
 * Threads: any.
 * Errors: a sentence for the 400 that answers.
 * Start reading at: filter_parse. Grammar: or, and, not, parentheses, eq ne gt ge lt le,
 *         substringof, startswith, endswith; a literal must be of its property's type.
 */
#ifndef SLUICE_MOCKS_SAP_FILTER_H
#define SLUICE_MOCKS_SAP_FILTER_H

#include "base/arena.h"
#include "base/buf.h"
#include "mocks/sap/model.h"

#define FILTER_BINDS 200

struct clause {
    struct buf sql;
    struct slice binds[FILTER_BINDS];
    int bind_count;
    struct slice problem; /* empty: none */
};

void clause_init(struct clause *clause);
void clause_free(struct clause *clause);

/* `text` is decoded. False: clause->problem. */
bool filter_parse(struct clause *clause, const struct entity_set *set,
                  struct slice text, struct arena *arena);
/* "'1'" or "A='1',B='2'" of A_Set(…): all keys, in any order. */
bool filter_key(struct clause *clause, const struct entity_set *set, struct slice text,
                struct arena *arena);

/* The value as it is stored: digits of an alpha property without leading zeros. */
struct slice filter_stored(const struct property *property, struct slice value);

#endif
