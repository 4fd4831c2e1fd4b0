/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: one SAP system's address: how it is reached, where it is, which client.
 * Owns: nothing: everything lives in the arena handed in. Threads: any. Errors:
 * ERR_UNPROCESSABLE with a detail for each wrong member of the connection. Start
 * reading at: sap_connect.
 */
#ifndef SLUICE_CONNECTORS_SAP_CONNECTION_H
#define SLUICE_CONNECTORS_SAP_CONNECTION_H

#include "base/arena.h"
#include "base/error.h"
#include "base/jval.h"
#include "catalog/tool.h"

/* What op_target.private_data points to. */
struct sap_system {
    struct slice origin; /* scheme://host[:port], no slash behind */
    struct slice base;   /* that, and the path of an API proxy where there is one */
    struct slice client; /* three digits; empty: the system's own default */
};

/*
 * Reads {route, base_url, sap_client?, ...}. "direct" is S/4HANA Cloud, or any system
 * reachable as it is; "on_premise" an ABAP system, whose client has to be named;
 * "connectivity" one behind SAP Cloud Connector, by its virtual host, with location_id;
 * "destination" one that the destination service describes, which has to agree that it is
 * at base_url; "api_management" one behind API proxies, with a path in base_url and the
 * field for their key in api_key_header. Borrows `connection`; `out` lends from `arena`,
 * its `connection` and the faults from `scratch`.
 */
MUST_USE enum err sap_connect(struct arena *arena, struct arena *scratch,
                              const struct jval *connection, struct op_target *out,
                              struct fault *fault);

#endif
