/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only list of connectors. A new ERP is one line in it.
 */
#include "connectors/connector.h"

#include "connectors/conformance/conformance.h"
#include "connectors/netsuite/netsuite.h"
#include "connectors/sap/sap.h"
#include "connectors/xml.h"

void connectors_memory_begin(void)
{
    xml_memory_begin();
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

enum err connector_compile(void *ctx, struct slice integration, struct arena *arena,
                           const struct jval *upstream, const struct tool *tool,
                           const void **plan, struct schema_problem *problem)
{
    const struct connector *connector = connector_find(integration);

    (void)ctx;
    return connector != NULL ? connector->compile(arena, upstream, tool, plan, problem)
                             : ERR_NOT_FOUND;
}
