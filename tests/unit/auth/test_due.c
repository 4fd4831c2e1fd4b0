/* SPDX-License-Identifier: Apache-2.0 */
/* The soonest comes first, whatever was put in, moved and taken out before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/due.h"

#define ENTRIES 300
#define STEPS 20000

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void assert_first_is_least(const struct due_heap *heap, const struct due *dues)
{
    const struct due *first = due_first(heap);
    size_t count = 0;

    for (size_t i = 0; i < ENTRIES; i++) {
        if (dues[i].place > 0) {
            count++;
            assert_non_null(first);
            assert_true(first->at_ms <= dues[i].at_ms);
        }
    }
    assert_true((first == NULL) == (count == 0));
}

static void test_the_first_is_the_soonest_through_any_changes(void **state)
{
    struct due_heap *heap = due_heap_new();
    struct due dues[ENTRIES] = {{0, 0}};
    uint32_t seed = 7;
    (void)state;

    for (int step = 0; step < STEPS; step++) {
        struct due *due = &dues[next(&seed) % ENTRIES];
        if (next(&seed) % 3 == 0) {
            due_clear(heap, due);
        } else {
            due_set(heap, due, (int64_t)(next(&seed) % 1000));
        }
        if (step % 50 == 0) {
            assert_first_is_least(heap, dues);
        }
    }
    int64_t last = -1;
    for (struct due *first = due_first(heap); first != NULL; first = due_first(heap)) {
        assert_true(first->at_ms >= last);
        last = first->at_ms;
        due_clear(heap, first);
        due_clear(heap, first); /* twice is fine */
    }
    assert_first_is_least(heap, dues); /* none is left out */
    due_heap_free(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_is_the_soonest_through_any_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
