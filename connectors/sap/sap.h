/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the SAP connector, for the registry.
 * Owns: nothing.  Threads: any.  Errors: see connectors/connector.h.
 * Start reading at: sap.c, then plan.c (what a method is) and csrf.c (how writes go out).
 */
#ifndef SLUICE_CONNECTORS_SAP_SAP_H
#define SLUICE_CONNECTORS_SAP_SAP_H

#include "connectors/connector.h"

extern const struct connector sap_connector;

#endif
