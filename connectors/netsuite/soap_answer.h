/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: reads an answer of SuiteTalk SOAP: a fault, a status, or elements as JSON objects.
 * Owns: nothing: all is copied into the arena handed in. Threads: any. Errors: false for
 * everything that is no such document. Start reading at: soap_answer_read. What no document
 * may hold: connectors/xml.h.
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_SOAP_ANSWER_H
#define SLUICE_CONNECTORS_NETSUITE_SOAP_ANSWER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/jval.h"
#include "base/slice.h"

#define SOAP_ITEMS_MAX 10000
#define SOAP_TEXT_MAX 4000 /* of one value; longer ones are cut */

struct soap_answer {
    bool is_fault;
    struct slice fault; /* the element in detail: invalidCredentialsFault */
    bool has_status, succeeded;
    struct slice code, message; /* of the fault, or of the status' first detail */
    struct jval *items; /* JVAL_ARRAY of objects: attributes and texts of children */
};

/* `item`: the local name of the elements that become objects. */
bool soap_answer_read(struct arena *arena, struct slice text, struct slice item,
                      struct soap_answer *out);

#endif
