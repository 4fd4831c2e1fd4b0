/* SPDX-License-Identifier: Apache-2.0 */
/* Maps: against a plain array over many random steps, and their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/map.h"

#define KEYS 500

static void test_put_returns_what_was_there_before(void **state)
{
    struct map *map = map_new();
    int a = 0, b = 0;
    (void)state;

    assert_null(map_put(map, SLICE("key"), &a));
    assert_ptr_equal(map_put(map, SLICE("key"), &b), &a);
    assert_ptr_equal(map_get(map, SLICE("key")), &b);
    assert_int_equal(map_count(map), 1);
    assert_ptr_equal(map_remove(map, SLICE("key")), &b);
    assert_null(map_remove(map, SLICE("key")));
    assert_null(map_get(map, SLICE("key")));
    map_free(map);
}

static void test_keys_are_copied_and_may_be_empty_or_hold_nul(void **state)
{
    struct map *map = map_new();
    char key[] = "first";
    int a = 0, b = 0, c = 0;
    (void)state;

    (void)map_put(map, slice_str(key), &a);
    memcpy(key, "other", 5);
    (void)map_put(map, SLICE_EMPTY, &b);
    (void)map_put(map, slice_of("a\0b", 3), &c);

    assert_ptr_equal(map_get(map, SLICE("first")), &a);
    assert_ptr_equal(map_get(map, SLICE_EMPTY), &b);
    assert_ptr_equal(map_get(map, slice_of("a\0b", 3)), &c);
    assert_null(map_get(map, slice_of("a\0c", 3)));
    assert_null(map_get(map, SLICE("a")));
    map_free(map);
}

static struct slice key_of(char out[40], unsigned number)
{
    int len = snprintf(out, 40, "%.*skey-%u", (int)(number % 20),
                       "prefix-of-a-long-key", number);
    return slice_of(out, (size_t)len);
}

static void test_a_million_random_steps_agree_with_an_array(void **state)
{
    struct map *map = map_new();
    int values[KEYS];
    bool held[KEYS] = {false};
    size_t count = 0;
    uint64_t dice = 42;
    char text[40];
    (void)state;

    for (int step = 0; step < 1000000; step++) {
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        unsigned number = (unsigned)(dice >> 33) % KEYS;
        struct slice key = key_of(text, number);
        void *expected = held[number] ? &values[number] : NULL;
        switch ((dice >> 60) % 3) {
        case 0:
            assert_ptr_equal(map_put(map, key, &values[number]), expected);
            count += !held[number];
            held[number] = true;
            break;
        case 1:
            assert_ptr_equal(map_remove(map, key), expected);
            count -= held[number];
            held[number] = false;
            break;
        default:
            assert_ptr_equal(map_get(map, key), expected);
        }
        assert_int_equal(map_count(map), count);
    }
    map_free(map);
}

static void on_entry(void *ctx, struct slice key, void *value)
{
    unsigned *seen = ctx;
    char text[40];
    unsigned number = *(unsigned *)value;

    assert_true(slice_eq(key, key_of(text, number)));
    seen[number]++;
}

static void test_each_visits_every_entry_once(void **state)
{
    struct map *map = map_new();
    unsigned numbers[1000], seen[1000] = {0};
    char text[40];
    (void)state;

    for (unsigned i = 0; i < 1000; i++) {
        numbers[i] = i;
        assert_null(map_put(map, key_of(text, i), &numbers[i]));
    }
    map_each(map, on_entry, seen);

    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(seen[i], 1);
    }
    map_free(map);
    map_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_returns_what_was_there_before),
        cmocka_unit_test(test_keys_are_copied_and_may_be_empty_or_hold_nul),
        cmocka_unit_test(test_a_million_random_steps_agree_with_an_array),
        cmocka_unit_test(test_each_visits_every_entry_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
