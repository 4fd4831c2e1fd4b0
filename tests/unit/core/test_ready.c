/* SPDX-License-Identifier: Apache-2.0 */
/* Whether all workers are ready, and which are not. */
#include "core/ready.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FINE                           \
    {                                  \
        200, SLICE("{\"ready\":true}") \
    }
#define STORELESS                                           \
    {                                                       \
        503, SLICE("{\"ready\":false,\"cause\":\"store\"}") \
    }
#define SILENT       \
    {                \
        0, SLICE("") \
    }

static void check(const struct ready_part *parts, int count, int status,
                  const char *body)
{
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(ready_answer(parts, count, &out), status);
    assert_int_equal(out.len, strlen(body));
    assert_memory_equal(out.ptr, body, out.len);
    buf_free(&out);
}

static void test_all_alike_say_it_once(void **state)
{
    (void)state;
    const struct ready_part two[] = {FINE, FINE}, none[] = {STORELESS, STORELESS},
                            mute[] = {SILENT, SILENT};
    check(two, 1, 200, "{\"ready\":true}");
    check(two, 2, 200, "{\"ready\":true}");
    check(none, 2, 503, "{\"ready\":false,\"cause\":\"store\"}");
    check(mute, 2, 503, "{\"ready\":false,\"cause\":\"silent\"}");
}

static void test_one_that_is_not_ready_is_named(void **state)
{
    (void)state;
    const struct ready_part last[] = {FINE, FINE, STORELESS}, mute[] = {SILENT, FINE};
    check(last, 3, 503,
          "{\"ready\":false,\"workers\":[{\"worker\":0,\"ready\":true},"
          "{\"worker\":1,\"ready\":true},"
          "{\"worker\":2,\"ready\":false,\"cause\":\"store\"}]}");
    check(mute, 2, 503,
          "{\"ready\":false,\"workers\":["
          "{\"worker\":0,\"ready\":false,\"cause\":\"silent\"},"
          "{\"worker\":1,\"ready\":true}]}");
}

static void test_what_they_say_otherwise_is_shown_of_each(void **state)
{
    (void)state;
    const struct ready_part parts[] = {
        {200, SLICE("{\"ready\":true,\"coordination\":\"open\",\"cause\":\"\"}")},
        {200, SLICE("{\"ready\":true,\"coordination\":\"grace\",\"cause\":\"\"}")}};
    check(parts, 2, 200,
          "{\"ready\":true,\"workers\":[{\"worker\":0,\"ready\":true,"
          "\"coordination\":\"open\",\"cause\":\"\"},{\"worker\":1,\"ready\":true,"
          "\"coordination\":\"grace\",\"cause\":\"\"}]}");
}

static void test_what_is_no_json_is_left_out(void **state)
{
    (void)state;
    const struct ready_part parts[] = {FINE, {500, SLICE("oh")}};
    check(
        parts, 2, 503,
        "{\"ready\":false,\"workers\":[{\"worker\":0,\"ready\":true},{\"worker\":1}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_alike_say_it_once),
        cmocka_unit_test(test_one_that_is_not_ready_is_named),
        cmocka_unit_test(test_what_they_say_otherwise_is_shown_of_each),
        cmocka_unit_test(test_what_is_no_json_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
