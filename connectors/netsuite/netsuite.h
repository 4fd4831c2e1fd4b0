/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the NetSuite connector, for the registry.
 * Owns: nothing.  Threads: any.  Errors: see connectors/connector.h.
 * Start reading at: netsuite.c, then suiteql.c (lists) and rest.c (single records).
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_NETSUITE_H
#define SLUICE_CONNECTORS_NETSUITE_NETSUITE_H

#include "connectors/connector.h"

extern const struct connector netsuite_connector;

#endif
