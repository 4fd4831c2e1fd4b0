/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/members.h"

enum err members_only(struct arena *arena, struct slice pointer,
                      const struct jval *object, const char *const *names,
                      struct schema_problem *problem)
{
    for (size_t i = 0; i < object->count; i++) {
        struct slice member = object->members[i].name;
        const char *const *name = names;
        while (*name != NULL && !slice_is(member, *name)) {
            name++;
        }
        if (*name == NULL) {
            problem->pointer =
                arena_printf(arena, "%.*s/%.*s", SLICE_ARG(pointer), SLICE_ARG(member));
            problem->message = SLICE("There is no such member here.");
            return ERR_UNPROCESSABLE;
        }
    }
    return ERR_OK;
}
