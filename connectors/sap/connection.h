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
    struct slice client; /* three digits; empty: the system's own default */
};

/*
 * Reads {route, base_url, sap_client?, ...}. Served here are "direct" (S/4HANA Cloud,
 * or any system reachable as it is) and "on_premise" (an ABAP system, whose client has
 * to be named). Borrows `connection`; `out` lends from `arena`.
 */
MUST_USE enum err sap_connect(struct arena *arena, struct arena *scratch,
                              const struct jval *connection, struct op_target *out,
                              struct fault *fault);

#endif
