/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only list of connectors. A new ERP is one line in it.
 */
#include "connectors/connector.h"

#include "connectors/conformance/conformance.h"
#include "connectors/netsuite/netsuite.h"
#include "connectors/sap/sap.h"

void connectors_memory_begin(void)
{
    sap_memory_begin();
}

const struct connector *connector_find(struct slice name)
{
    static const struct connector *const connectors[] = {
        &netsuite_connector, &sap_connector, &conformance_connector};

    for (size_t i = 0; i < sizeof connectors / sizeof connectors[0]; i++) {
        if (slice_is(name, connectors[i]->name)) {
            return connectors[i];
        }
    }
    return NULL;
}
