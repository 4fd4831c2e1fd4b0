/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: reads the small XML documents that SAP's gateway answers with although JSON
 * was asked for. Owns: nothing: texts are copied into the arena handed in. Threads: any.
 * Errors: false for everything that is not such a document. Start reading at:
 * sap_xml_remarks. What no document may hold: connectors/xml.h.
 */
#ifndef SLUICE_CONNECTORS_SAP_XML_H
#define SLUICE_CONNECTORS_SAP_XML_H

#include <stdbool.h>

#include "base/arena.h"
#include "connectors/sap/remarks.h"

/* <error> and <notification>. */
bool sap_xml_remarks(struct arena *arena, struct slice text, struct sap_remarks *out);

#endif
