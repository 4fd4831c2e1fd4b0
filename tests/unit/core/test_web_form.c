/* SPDX-License-Identifier: Apache-2.0 */
/* What a browser sends is read in one way or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/web_form.h"

static bool reads(struct arena *arena, const char *encoded)
{
    struct web_form form;
    return web_form_read(arena, slice_str(encoded), &form);
}

static void test_fields_are_decoded(void **state)
{
    struct arena *arena = arena_new();
    struct web_form form;
    (void)state;
    assert_true(web_form_read(arena, SLICE("a=1+2%2B&b.c=%C3%B8&&empty=&bare"), &form));
    assert_int_equal(form.count, 4);
    assert_true(slice_is(web_form_get(&form, SLICE("a")), "1 2+"));
    assert_true(slice_is(web_form_get(&form, SLICE("b.c")), "\xC3\xB8"));
    assert_int_equal(web_form_get(&form, SLICE("empty")).len, 0);
    assert_int_equal(web_form_get(&form, SLICE("none")).len, 0);
    arena_free(arena);
}

static void test_what_can_be_read_in_two_ways_is_refused(void **state)
{
    static const char *const wrong[] = {"a=1&a=2", "a=1&%61=2", "a=%",   "a=%4",
                                        "a=%zz",   "a=%00",     "%00=a", "a=%ff"};
    struct arena *arena = arena_new();
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(reads(arena, wrong[i]));
    }
    arena_free(arena);
}

static void test_there_is_a_ceiling(void **state)
{
    struct arena *arena = arena_new();
    struct slice form = SLICE_EMPTY;
    struct web_form read;
    (void)state;
    for (int i = 0; i < LIMIT_FORM_FIELDS; i++) {
        form = arena_printf(arena, "%.*s%d=x&", SLICE_ARG(form), i);
    }
    assert_true(web_form_read(arena, form, &read));
    form = arena_printf(arena, "%.*sone=more", SLICE_ARG(form));
    assert_false(web_form_read(arena, form, &read));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_decoded),
        cmocka_unit_test(test_what_can_be_read_in_two_ways_is_refused),
        cmocka_unit_test(test_there_is_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
