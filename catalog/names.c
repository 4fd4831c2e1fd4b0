/* SPDX-License-Identifier: Apache-2.0 */
/* Method names, what kind they are, and the tool names made of them. */
#include "catalog/catalog_private.h"

enum method_kind names_kind(struct slice method)
{
    static const struct {
        const char *name;
        enum method_kind kind;
    } kinds[] = {
        {"list", METHOD_LIST},     {"get", METHOD_GET},       {"create", METHOD_CREATE},
        {"update", METHOD_UPDATE}, {"delete", METHOD_DELETE},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (slice_is(method, kinds[i].name)) {
            return kinds[i].kind;
        }
    }
    return METHOD_CUSTOM;
}

bool names_is_tool(struct slice name)
{
    if (name.len == 0 || name.len > LIMIT_TOOL_NAME) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.ptr[i];

        if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') &&
            byte != '_') {
            return false;
        }
    }
    return true;
}

struct slice names_tool(struct arena *arena, struct slice integration,
                        struct slice resource, struct slice singular,
                        struct slice method)
{
    switch (names_kind(method)) {
    case METHOD_LIST:
        return arena_printf(arena, "list_all_%.*s_%.*s", SLICE_ARG(integration),
                            SLICE_ARG(resource));
    case METHOD_GET:
        return arena_printf(arena, "get_single_%.*s_%.*s_by_id", SLICE_ARG(integration),
                            SLICE_ARG(singular));
    case METHOD_CREATE:
        return arena_printf(arena, "create_a_%.*s_%.*s", SLICE_ARG(integration),
                            SLICE_ARG(singular));
    case METHOD_UPDATE:
        return arena_printf(arena, "update_a_%.*s_%.*s_by_id", SLICE_ARG(integration),
                            SLICE_ARG(singular));
    case METHOD_DELETE:
        return arena_printf(arena, "delete_a_%.*s_%.*s_by_id", SLICE_ARG(integration),
                            SLICE_ARG(singular));
    case METHOD_CUSTOM:
        break;
    }
    return arena_printf(arena, "%.*s_%.*s_%.*s", SLICE_ARG(integration),
                        SLICE_ARG(resource), SLICE_ARG(method));
}
