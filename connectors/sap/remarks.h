/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what SAP says in words: of an error, or on a success (header sap-message).
 * Owns: nothing: texts live in the arena handed in. Threads: any. Errors: false for
 * what is not in one of SAP's forms. Start reading at: struct sap_remarks.
 */
#ifndef SLUICE_CONNECTORS_SAP_REMARKS_H
#define SLUICE_CONNECTORS_SAP_REMARKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/jval.h"
#include "base/slice.h"

#define SAP_REMARKS_MAX 9
#define SAP_MESSAGE_MAX 500
#define SAP_CODE_MAX 100

struct sap_remark {
    struct slice severity, code, text; /* cleaned, see sap_clean */
};

struct sap_remarks {
    struct sap_remark list[SAP_REMARKS_MAX]; /* the first is the leading one */
    size_t count;
    struct slice transaction; /* what SAP's support asks for */
};

/* text_clean, without blanks at its ends. */
struct slice sap_clean(struct arena *arena, struct slice text, size_t max);

/* Room for one more, emptied; NULL when there are enough. */
struct sap_remark *sap_remarks_add(struct sap_remarks *remarks);

/* {"error":{...}} of OData V2 and {"fault":{...}} of API Management. */
bool sap_json_error(struct arena *arena, const struct jval *body,
                    struct sap_remarks *out);

/* The value of a sap-message header, JSON or XML. */
bool sap_message_header(struct arena *arena, struct slice value,
                        struct sap_remarks *out);

#endif
