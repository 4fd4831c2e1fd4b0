/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 7396 on any two values, parted by a zero byte: a patch twice is the patch once,
 * what it says is there afterwards, and what it leaves out has not changed. */
#include "fuzz/input.h"

#include "base/jmerge.h"

static void check_members(const struct jval *target, const struct jval *patch,
                          const struct jval *merged)
{
    REQUIRE(merged->type == JVAL_OBJECT);
    for (size_t i = 0; i < patch->count; i++) {
        const struct jmember *member = &patch->members[i];
        const struct jval *now = jval_member(merged, member->name);
        REQUIRE((now == NULL) == (member->value.type == JVAL_NULL));
        if (now != NULL && member->value.type != JVAL_OBJECT) {
            REQUIRE(jval_equal(now, &member->value));
        }
    }
    for (size_t i = 0; target->type == JVAL_OBJECT && i < target->count; i++) {
        const struct jmember *member = &target->members[i];
        if (jval_member(patch, member->name) == NULL) {
            REQUIRE(jval_equal(jval_member(merged, member->name), &member->value));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size), text = input_text(&input);
    struct arena *arena = arena_new();
    struct jval *target = NULL, *patch = NULL;

    if (jval_parse(arena, text, &target, NULL) == ERR_OK &&
        jval_parse(arena, input, &patch, NULL) == ERR_OK) {
        const struct jval *merged = jmerge(arena, target, patch);
        REQUIRE(jval_equal(jmerge(arena, merged, patch), merged));
        if (patch->type == JVAL_OBJECT) {
            check_members(target, patch, merged);
        } else {
            REQUIRE(jval_equal(merged, patch));
        }
    }
    arena_free(arena);
    return 0;
}
