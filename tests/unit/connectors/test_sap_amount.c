/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts that SAP leaves to its clients: exact, rounded half up, to the currency. */
#include "tests/unit/connectors/sap_world.h"

#include <stdlib.h>

#include "connectors/sap/amount.h"

static void assert_product(struct arena *arena, const char *quantity, const char *price,
                           unsigned per, const char *currency, const char *wanted)
{
    struct amount amount;

    assert_true(amount_product(slice_str(quantity), slice_str(price), per,
                               amount_decimals(slice_str(currency)), &amount));
    assert_slice(amount_text(arena, &amount), wanted);
}

static void test_products_are_rounded_half_away_from_zero(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    assert_product(arena, "10", "12.50", 1, "EUR", "125.00");
    assert_product(arena, "3", "0.335", 1, "EUR", "1.01"); /* 1.005 */
    assert_product(arena, "3", "0.334", 1, "EUR", "1.00"); /* 1.002 */
    assert_product(arena, "-3", "0.335", 1, "EUR", "-1.01");
    assert_product(arena, "1", "1.005", 1, "EUR", "1.01"); /* binary would say 1.00 */
    assert_product(arena, "1", "10", 3, "EUR", "3.33");
    assert_product(arena, "2", "10", 3, "EUR", "6.67");
    assert_product(arena, "1.000", "0.004", 1, "EUR", "0.00");
    assert_product(arena, "-1.000", "0.004", 1, "EUR", "0.00");
    assert_product(arena, "7", "99.999", 100, "EUR", "7.00");
    assert_product(arena, "0", "5", 1, "EUR", "0.00");
    arena_free(arena);
}

static void test_currencies_have_their_own_decimals(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    assert_product(arena, "3", "100.50", 1, "JPY", "302");
    assert_product(arena, "1", "0.5", 1, "KRW", "1");
    assert_product(arena, "1", "0.4", 1, "XPF", "0");
    assert_product(arena, "1", "0.0005", 1, "KWD", "0.001");
    assert_product(arena, "1", "2.5", 1, "TND", "2.500");
    assert_product(arena, "1", "2.5", 1, "", "2.50");
    assert_product(arena, "1", "2.5", 1, "EUROS", "2.50");
    arena_free(arena);
}

static void test_the_largest_numbers_of_a_field_are_exact(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    assert_product(arena, "9999999999.999", "999999999.999", 1, "EUR",
                   "9999999999989000000.00");
    assert_product(arena, "123456789012345678901234567890",
                   "987654321098765432109876543210", 1, "JPY",
                   "121932631137021795226185032733622923332237463801111263526900");
    assert_product(arena, "0.00000000000000000000000000001", "1", 1, "EUR", "0.00");
    assert_product(arena, "999999999999999999999999999999", "1", 999999999, "EUR",
                   "1000000001000000001000.00");
    arena_free(arena);
}

static void test_what_is_no_decimal_is_no_amount(void **state)
{
    static const char *const texts[] = {"",
                                        "-",
                                        ".",
                                        ".5",
                                        "5.",
                                        "1e3",
                                        "1,5",
                                        "+1",
                                        " 1",
                                        "1.2.3",
                                        "--1",
                                        "0x10",
                                        "1234567890123456789012345678901"};
    struct amount amount;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (amount_parse(slice_str(texts[i]), &amount)) {
            fail_msg("read: %s", texts[i]);
        }
    }
    assert_false(amount_product(SLICE("1"), SLICE("1"), 0, 2, &amount));
    assert_false(amount_product(SLICE("1"), SLICE("1"), 1000000000, 2, &amount));
    assert_false(amount_product(SLICE("x"), SLICE("1"), 1, 2, &amount));
}

/* Every sum is checked against whole numbers that a long can hold. */
static void test_sums_of_both_signs_agree_with_integers(void **state)
{
    struct arena *arena = arena_new();
    struct amount total = {.decimals = 2};
    long long cents = 0;
    unsigned seed = 7;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        seed = seed * 1103515245U + 12345U;
        long long next = (long long)(seed >> 8) - (1LL << 23);
        char text[32], wanted[32];
        struct amount part;

        snprintf(text, sizeof text, "%s%lld.%02lld", next < 0 ? "-" : "",
                 llabs(next) / 100, llabs(next) % 100);
        assert_true(amount_parse(slice_str(text), &part));
        assert_true(amount_add(&total, &part));
        cents += next;
        snprintf(wanted, sizeof wanted, "%s%lld.%02lld", cents < 0 ? "-" : "",
                 llabs(cents) / 100, llabs(cents) % 100);
        assert_slice(amount_text(arena, &total), wanted);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products_are_rounded_half_away_from_zero),
        cmocka_unit_test(test_currencies_have_their_own_decimals),
        cmocka_unit_test(test_the_largest_numbers_of_a_field_are_exact),
        cmocka_unit_test(test_what_is_no_decimal_is_no_amount),
        cmocka_unit_test(test_sums_of_both_signs_agree_with_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
