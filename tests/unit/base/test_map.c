/* SPDX-License-Identifier: Apache-2.0 */
/* Maps: against a plain array over many random steps, and their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/map.h"
#include "tests/unit/base/freed_memory.h"

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

#define TEXT_BYTES 80

/* Some fit into a place of the table, some do not, and some fill it to the last byte. */
static struct slice key_of(char out[TEXT_BYTES], unsigned number)
{
    static const char prefix[] = "a-prefix-that-makes-some-keys-longer-than-a-place";
    int len = snprintf(out, TEXT_BYTES, "%.*skey-%u", (int)(number % sizeof(prefix)),
                       prefix, number);
    return slice_of(out, (size_t)len);
}

static void test_a_million_random_steps_agree_with_an_array(void **state)
{
    struct map *map = map_new();
    int values[KEYS];
    bool held[KEYS] = {false};
    size_t count = 0;
    uint64_t dice = 42;
    char text[TEXT_BYTES];
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
    char text[TEXT_BYTES];
    unsigned number = *(unsigned *)value;

    assert_true(slice_eq(key, key_of(text, number)));
    seen[number]++;
}

static void test_each_visits_every_entry_once(void **state)
{
    struct map *map = map_new();
    unsigned numbers[1000], seen[1000] = {0};
    char text[TEXT_BYTES];
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

static void keep_place(void *ctx, struct slice key, void *value)
{
    const char **places = ctx;
    places[*(size_t *)value] = key.ptr;
}

/* Keys name logins: neither a removal nor a table that was outgrown leaves them behind. */
static void test_keys_are_wiped(void **state)
{
    struct map *map = map_new();
    size_t numbers[100];
    const char *first[2], *later[100];
    char text[TEXT_BYTES];
    const struct slice keys[] = {
        SLICE("map-marker-0b77"),
        SLICE("map-marker-0b77-in-a-key-that-has-memory-of-its-own")};
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        numbers[i] = i;
        assert_null(map_put(map, keys[i], &numbers[i]));
    }
    map_each(map, keep_place, first);
    for (size_t i = 2; i < 100; i++) {
        numbers[i] = i;
        assert_null(map_put(map, key_of(text, (unsigned)i), &numbers[i]));
    }
    map_each(map, keep_place, later);
    assert_ptr_not_equal(first[0], later[0]);
    assert_false(memory_holds((uintptr_t)first[0], keys[0].len, "map-marker-0b77"));
    for (size_t i = 0; i < 2; i++) {
        assert_true(memory_holds((uintptr_t)later[i], keys[i].len, "map-marker-0b77"));
        assert_ptr_equal(map_remove(map, keys[i]), &numbers[i]);
        assert_false(memory_holds((uintptr_t)later[i], keys[i].len, "map-marker-0b77"));
    }
    map_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_returns_what_was_there_before),
        cmocka_unit_test(test_keys_are_copied_and_may_be_empty_or_hold_nul),
        cmocka_unit_test(test_a_million_random_steps_agree_with_an_array),
        cmocka_unit_test(test_each_visits_every_entry_once),
        cmocka_unit_test(test_keys_are_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
