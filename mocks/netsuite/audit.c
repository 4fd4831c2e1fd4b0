/* SPDX-License-Identifier: Apache-2.0 */
/* The Login Audit Trail, as counts. */
#include "mocks/netsuite/audit.h"

static const char *const names[] = {
#define AUDIT_NAME(name) #name,
    AUDIT_MAP(AUDIT_NAME)
#undef AUDIT_NAME
};

json_t *audit_json(const struct audit *audit)
{
    json_t *object = json_object();
    for (int i = AUDIT_OK + 1; i < AUDIT_COUNT; i++) {
        if (audit->counts[i] > 0) {
            json_object_set_new(object, names[i], json_integer(audit->counts[i]));
        }
    }
    return object;
}
