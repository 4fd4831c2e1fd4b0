/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the conformance connector, for the registry: tools without an upstream that
 * MCP test suites and client tests ask for. Owns: nothing. Threads: any. Errors: see
 * connectors/connector.h. Start reading at: conformance.c; what each tool does stands
 * in catalog/resources.
 */
#ifndef SLUICE_CONNECTORS_CONFORMANCE_CONFORMANCE_H
#define SLUICE_CONNECTORS_CONFORMANCE_CONFORMANCE_H

#include "connectors/connector.h"

extern const struct connector conformance_connector;

#endif
