/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what people are asked for, in their words: labels and help for the fields of
 * connections and schemes. Owns: nothing: constant tables. Threads: any. Errors: none: a
 * field that has no words here is shown by its name. Start reading at: connect_field_of.
 */
#ifndef SLUICE_CORE_CONNECT_FIELDS_H
#define SLUICE_CORE_CONNECT_FIELDS_H

#include "auth/outbound.h"

struct connect_choice {
    const char *value, *label;
};

struct connect_field {
    const char *name;                     /* of the JSON member */
    const char *label;                    /* NULL: the name */
    const char *help;                     /* NULL: none */
    const struct connect_choice *choices; /* ends with a NULL value; NULL: free text */
    size_t usual; /* how many characters the ERP's own values have; 0: it varies */
    bool optional;
    const char *route; /* asked only of schemes for that route; NULL: of all */
    bool visible; /* shown to whoever types it, though it is sealed once it is stored */
};

/* What an integration's connection is made of; NULL and 0: nothing is asked. */
const struct connect_field *connect_connection_fields(struct slice integration,
                                                      size_t *count);
/* The words for a scheme's field. */
struct connect_field connect_field_of(const struct outbound_scheme *scheme,
                                      const struct outbound_field *field);
/* A scheme as a choice: "Access token (TBA)", and what it needs. */
struct connect_way {
    const char *scheme, *label, *help;
};
struct connect_way connect_way_of(const struct outbound_scheme *scheme);
/* What the ERP's user allows by it, for the page before they are sent there. */
const char *connect_allows(struct slice integration);

#endif
