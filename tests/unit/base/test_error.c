/* SPDX-License-Identifier: Apache-2.0 */
/* The error table: complete, without two rows of one code, with the closed list of
 * tools. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void test_every_row_is_filled(void **state)
{
    (void)state;

    for (int i = ERR_OK + 1; i < ERR_COUNT; i++) {
        enum err err = (enum err)i;
        assert_true(strlen(err_code(err)) > 0);
        assert_true(strlen(err_sentence(err)) > 10);
        assert_int_equal(err_sentence(err)[strlen(err_sentence(err)) - 1], '.');
        assert_in_range(err_http_status(err), 400, 599);
        assert_true(err_rpc_code(err) <= -32000);
    }
    assert_string_equal(err_code(ERR_OK), "ok");
}

static void test_no_wire_code_stands_twice(void **state)
{
    (void)state;

    for (int i = 0; i < ERR_COUNT; i++) {
        for (int k = i + 1; k < ERR_COUNT; k++) {
            assert_string_not_equal(err_code((enum err)i), err_code((enum err)k));
        }
    }
}

static void test_tools_answer_with_the_closed_list_only(void **state)
{
    static const char *const closed[] = {
        "invalid_arguments",  "not_found",       "permission_denied",
        "needs_reauth",       "conflict",        "validation_failed",
        "rate_limited",       "account_busy",    "upstream_unavailable",
        "upstream_malformed", "outcome_unknown", "too_large",
        "policy_denied",      "internal"};
    size_t count = 0;
    (void)state;

    for (int i = 0; i < ERR_COUNT; i++) {
        bool listed = false;
        for (size_t k = 0; k < sizeof(closed) / sizeof(closed[0]); k++) {
            listed = listed || strcmp(closed[k], err_code((enum err)i)) == 0;
        }
        assert_int_equal(err_is_tool_code((enum err)i), listed);
        count += listed;
    }
    assert_int_equal(count, sizeof(closed) / sizeof(closed[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_filled),
        cmocka_unit_test(test_no_wire_code_stands_twice),
        cmocka_unit_test(test_tools_answer_with_the_closed_list_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
