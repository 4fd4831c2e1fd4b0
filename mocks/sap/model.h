/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the mock's services offer: entity sets, properties, keys, navigation.
 * Owns: nothing; static tables.
 * Threads: any.
 * Errors: none.
 * Start reading at: the tables in model.c. Every entity set is a table of the same name and
 *         columns in the database; names, types and lengths are facts of SAP's published APIs.
 */
#ifndef SLUICE_MOCKS_SAP_MODEL_H
#define SLUICE_MOCKS_SAP_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum edm { EDM_STRING, EDM_DECIMAL, EDM_DATE, EDM_BOOLEAN };

enum trait {
    TRAIT_KEY = 1,
    TRAIT_ALPHA = 2, /* digits are kept without leading zeros and accepted with them */
    TRAIT_CREATABLE = 4 /* may stand in the body of a create */
};

struct property {
    const char *name;
    enum edm type;
    int length, scale; /* characters; digits and decimals */
    int traits;
};

struct navigation {
    const char *name, *target; /* joined over the columns that are keys of the parent */
};

struct entity_set {
    const char *name, *type;
    const struct property *properties;
    size_t property_count;
    const struct navigation *navigations;
    size_t navigation_count;
};

struct service {
    const char *name; /* below /sap/opu/odata/sap/ */
    const struct entity_set *const *sets;
    size_t set_count;
};

const struct service *model_service(struct slice name);
const struct entity_set *model_set(const struct service *service, struct slice name);
const struct property *model_property(const struct entity_set *set, struct slice name);
const struct navigation *model_navigation(const struct entity_set *set,
                                          struct slice name);
/* The n-th entity set of all services, or NULL: for making the tables. */
const struct entity_set *model_set_at(size_t n);

#endif
