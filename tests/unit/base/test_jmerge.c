/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Merge Patch: the examples of RFC 7396, and what they leave open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/jmerge.h"
#include "base/jwriter.h"

static const struct jval *parse(struct arena *arena, const char *text)
{
    struct jval *value = NULL;

    assert_int_equal(jval_parse(arena, slice_str(text), &value, NULL), ERR_OK);
    return value;
}

static struct slice text_of(struct arena *arena, const struct jval *value)
{
    struct jwriter writer;
    struct buf out;

    buf_init(&out, 1024 * 1024);
    jwriter_init(&writer, &out);
    jwriter_value(&writer, value);
    struct slice text = arena_slice(arena, buf_slice(&out));
    buf_free(&out);
    return text;
}

static void check(const char *target, const char *patch, const char *wanted)
{
    struct arena *arena = arena_new();
    const struct jval *before = target != NULL ? parse(arena, target) : NULL;
    const struct jval *change = parse(arena, patch);
    struct slice was = before != NULL ? text_of(arena, before) : SLICE_EMPTY;
    struct slice said = text_of(arena, change);
    struct slice got = text_of(arena, jmerge(arena, before, change));

    if (!slice_eq(got, slice_str(wanted))) {
        fail_msg("%s + %s: %.*s", target, patch, SLICE_ARG(got));
    }
    if (before != NULL) {
        assert_true(slice_eq(text_of(arena, before), was));
    }
    assert_true(slice_eq(text_of(arena, change), said));
    arena_free(arena);
}

/* RFC 7396 appendix A, in its order. */
static void test_the_rfcs_examples(void **state)
{
    (void)state;
    check("{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}");
    check("{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}");
    check("{\"a\":\"b\"}", "{\"a\":null}", "{}");
    check("{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}");
    check("{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}");
    check("{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}");
    check("{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
          "{\"a\":{\"b\":\"d\"}}");
    check("{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}");
    check("[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]");
    check("{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]");
    check("{\"a\":\"foo\"}", "null", "null");
    check("{\"a\":\"foo\"}", "\"bar\"", "\"bar\"");
    check("{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}");
    check("[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}");
    check("{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}");
}

static void test_nothing_there_takes_the_patch_without_its_nulls(void **state)
{
    (void)state;
    check(NULL, "{\"a\":{\"b\":null,\"c\":[null,1.50]},\"d\":null}",
          "{\"a\":{\"c\":[null,1.50]}}");
    check(NULL, "{}", "{}");
    check(NULL, "7", "7");
}

static void test_the_targets_order_stays_and_new_members_follow(void **state)
{
    (void)state;
    check("{\"z\":1,\"m\":2,\"a\":3}", "{\"n\":4,\"a\":{\"x\":5},\"z\":6}",
          "{\"z\":6,\"m\":2,\"a\":{\"x\":5},\"n\":4}");
}

static void test_many_members_take_no_time(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const size_t count = 50000;
    struct jval *target = jval_new_object(arena, count);
    struct jval *patch = jval_new_object(arena, count);

    for (size_t i = 0; i < count; i++) {
        struct slice name = arena_printf(arena, "m%zu", i);
        struct jval value = {.type = JVAL_TRUE};

        target->members[target->count++] = (struct jmember){name, value};
        value.type = i % 2 == 0 ? JVAL_NULL : JVAL_FALSE;
        patch->members[patch->count++] = (struct jmember){name, value};
    }
    struct jval *merged = jmerge(arena, target, patch);
    assert_int_equal(merged->count, count / 2);
    for (size_t i = 0; i < merged->count; i++) {
        assert_int_equal(merged->members[i].value.type, JVAL_FALSE);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rfcs_examples),
        cmocka_unit_test(test_nothing_there_takes_the_patch_without_its_nulls),
        cmocka_unit_test(test_the_targets_order_stays_and_new_members_follow),
        cmocka_unit_test(test_many_members_take_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
