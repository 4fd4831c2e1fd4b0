/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: values as OData V2 writes them: in a URL (keys, $filter) and in a JSON body.
 * Owns: nothing: results live in the arena handed in. Threads: any. Errors: a sentence
 * saying what the value has to look like, or NULL. Start reading at: edm_url. A value
 * stays a value: whatever it holds, it cannot end its literal and go on as syntax.
 */
#ifndef SLUICE_CONNECTORS_SAP_LITERAL_H
#define SLUICE_CONNECTORS_SAP_LITERAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/jval.h"

enum edm_kind {
    EDM_STRING,
    EDM_DATETIME, /* without a zone; a day is its midnight */
    EDM_DATETIMEOFFSET,
    EDM_TIME,
    EDM_GUID,
    EDM_DECIMAL,
    EDM_INT64,
    EDM_INT32,
    EDM_INT16,
    EDM_BYTE,
    EDM_SBYTE,
    EDM_DOUBLE,
    EDM_SINGLE,
    EDM_BOOLEAN,
    EDM_BINARY,
    EDM_KINDS
};

struct edm {
    enum edm_kind kind;
    unsigned size;  /* String: most characters; Decimal: digits in all; 0: any */
    unsigned scale; /* Decimal: digits behind the point, when `size` is set */
    bool upper;     /* String: SAP keeps it in upper case */
};

/* "String", "String(10)", "String(10) upper", "Decimal(13,3)", "DateTime", ... */
bool edm_parse(struct slice text, struct edm *out);

/*
 * Arguments are text (numbers and booleans may come as such): dates YYYY-MM-DD, times
 * HH:MM:SS, date-times ISO 8601, binaries base64, decimals plain digits. Text goes out
 * as it came, exactly.
 */

/* Percent-encoded, ready for a key or a $filter. */
const char *edm_url(struct arena *arena, const struct edm *type,
                    const struct jval *value, struct slice *out);

/* For a JSON body: decimals and 64-bit integers are strings there, dates /Date(ms)/. */
const char *edm_json(struct arena *arena, const struct edm *type,
                     const struct jval *value, struct jval *out);

#endif
