/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: one NetSuite account's address: its canonical id and the three hosts that
 * follow from it, or the origins an operator names instead. Owns: nothing: everything
 * lives in the arena handed in. Threads: any. Errors: ERR_UNPROCESSABLE with a detail
 * for each wrong member of the connection. Start reading at: hosts_connect.
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_HOSTS_H
#define SLUICE_CONNECTORS_NETSUITE_HOSTS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/jval.h"
#include "catalog/tool.h"

/* What op_target.private_data points to. Origins are scheme://host[:port], no slash
 * behind. */
struct hosts {
    /* Upper case, '_' before a sandbox suffix: also the realm. */
    struct slice account_id;
    struct slice suitetalk; /* REST record, query, system and token services; SOAP */
    struct slice restlets;
    struct slice app; /* consent pages; no credential of ours goes there */
};

/*
 * Reads {account_id, base_urls?:{suitetalk?, restlets?, app?}}. The account id may come
 * in the form of the user interface (123456_SB1) or of the host names (123456-sb1).
 * Borrows `connection`; `out` lends from `arena`.
 */
MUST_USE enum err hosts_connect(struct arena *arena, struct arena *scratch,
                                const struct jval *connection, struct op_target *out,
                                struct fault *fault);

#endif
