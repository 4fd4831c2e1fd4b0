/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the catalog says of a method, compiled: which entity set, which
 * properties, which arguments become what. Owns: nothing: plans live in the catalog's
 * arena. Threads: read-only after load. Errors: ERR_UNPROCESSABLE with a pointer into
 * "upstream". Start reading at: struct sap_plan. The form of "upstream" is in README.md.
 */
#ifndef SLUICE_CONNECTORS_SAP_PLAN_H
#define SLUICE_CONNECTORS_SAP_PLAN_H

#include "base/arena.h"
#include "base/error.h"
#include "base/jval.h"
#include "catalog/tool.h"
#include "connectors/sap/derive.h"
#include "connectors/sap/literal.h"

enum sap_action { SAP_SAMPLE, SAP_LIST, SAP_GET, SAP_CREATE };

struct sap_property {
    struct slice name;
    struct edm type;
};

/* One value of an enum or a boolean and the condition it stands for, encoded. */
struct sap_choice {
    struct slice value, clause;
};

struct sap_filter {
    struct slice argument;
    struct slice before, after; /* around the literal, encoded */
    struct edm type;
    const struct sap_choice *choices; /* instead of a literal */
    size_t choice_count;
};

/* One argument's place in the body of a create. */
struct sap_member {
    struct slice argument; /* empty: nobody gives it, `fallback` is sent always */
    struct slice property;
    struct slice inside; /* a navigation of the element whose single child holds it */
    struct slice each;   /* fills the property in every element of that navigation */
    struct edm type;
    const struct jval *fallback;      /* when the argument is not there; or NULL */
    bool is_list;                     /* the property is a navigation with elements */
    bool wrapped;                     /* {"results":[...]} around them */
    const struct sap_member *members; /* of each element */
    size_t member_count;
};

struct sap_plan {
    enum sap_action action;
    struct slice root; /* the service, no slash behind */
    struct slice path; /* the entity set */
    struct slice set;  /* its last segment */
    const struct sap_property *keys;
    size_t key_count;
    struct slice shape; /* "$select=...&$expand=...", encoded; or empty */
    struct slice where; /* a fixed condition, encoded; or empty */
    struct slice order; /* encoded; or empty */
    const struct sap_filter *filters;
    size_t filter_count;
    const struct sap_member *members;
    size_t member_count;
    const struct derive *derived;
    size_t derived_count;
};

MUST_USE enum err sap_plan_compile(struct arena *arena, const struct jval *upstream,
                                   const struct tool *tool, const struct sap_plan **out,
                                   struct schema_problem *problem);

#endif
