/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: members that SAP's services leave out and that follow from those they send:
 * an order's total, a state, a composite id. Owns: nothing: results join the record, in
 * the arena handed in. Threads: any. Errors: what cannot be known becomes null, never a
 * guess. Start reading at: sap_derive. What is derived is data, see README.md.
 */
#ifndef SLUICE_CONNECTORS_SAP_DERIVE_H
#define SLUICE_CONNECTORS_SAP_DERIVE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/jval.h"
#include "base/slice.h"

enum derive_kind {
    DERIVE_JOIN,    /* texts with '-' between: the id of a composite key */
    DERIVE_PRODUCT, /* quantity * price / per, rounded to the currency */
    DERIVE_SUM,     /* of a member over the elements of a navigation */
    DERIVE_CHOICE,  /* the first rule that fits */
    DERIVE_DUE,     /* a date and the first number of days that is not zero */
    DERIVE_SIGN,    /* an amount, negative on a condition */
    DERIVE_CONCAT   /* the elements of several navigations in a row */
};

struct derive_term {
    struct slice property;
    const struct slice *values; /* one of them; "" is nothing there */
    size_t value_count;
};

/* All terms hold; without terms it never does. */
struct derive_condition {
    const struct derive_term *terms;
    size_t term_count;
};

struct derive_rule {
    struct slice is;
    struct derive_condition when;       /* of the record; or */
    struct slice every;                 /* each element of this navigation */
    const struct derive_condition *any; /* fits one of these */
    size_t any_count;
};

struct derive {
    struct slice name;
    struct slice in; /* a navigation: in each of its elements; empty: in the record */
    enum derive_kind kind;
    const struct slice *sources; /* JOIN, PRODUCT: 2; DUE: days; CONCAT: navigations */
    size_t source_count;
    struct slice of;   /* SUM: the navigation; DUE: the date; SIGN: the amount */
    struct slice what; /* SUM: the member */
    struct slice per, currency;
    const struct slice *same; /* PRODUCT: two properties that have to agree; or NULL */
    struct derive_condition except;        /* SUM: elements left out */
    struct derive_condition negative_when; /* PRODUCT, SIGN */
    const struct derive_rule *rules;
    size_t rule_count;
    struct slice otherwise;
};

/*
 * A copy of an entity as SAP sent it, without what is only OData: __metadata and
 * deferred links gone, {"results":[...]} become arrays, empty text (SAP's "nothing")
 * null. Keeps the texts of `entity`.
 */
struct jval *sap_normalise(struct arena *arena, const struct jval *entity);

/* Adds the members to a normalised record, in order: a later one may use an earlier. */
void sap_derive(struct arena *arena, const struct derive *list, size_t count,
                struct jval *record);

#endif
