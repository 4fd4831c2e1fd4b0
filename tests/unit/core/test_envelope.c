/* SPDX-License-Identifier: Apache-2.0 */
/* The one shape of every answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/envelope.h"

static struct jval *parse(struct arena *arena, struct slice text)
{
    struct jval *value = NULL;
    assert_int_equal(jval_parse(arena, text, &value, NULL), ERR_OK);
    return value;
}

static void write_sample(struct jtwice *out, struct arena *arena, size_t filler)
{
    char *text = arena_alloc(arena, filler + 1);
    memset(text, 'x', filler);
    struct jval *data = jval_new_array(arena, 1);
    struct jval *row = jval_new_object(arena, 1);
    jval_set(arena, row, SLICE("id"), jval_new_string(arena, slice_of(text, filler)));
    jval_push(arena, data, row);
    struct envelope envelope = {
        .resource = SLICE("invoices"),
        .method = SLICE("list"),
        .integration = SLICE("netsuite"),
        .request_id = SLICE("req_1"),
        .wall_ms = 0,
        .pages = true,
        .limit = 25,
        .next_cursor = SLICE_EMPTY,
        .data = data,
    };
    envelope_write_data(out, &envelope);
}

static void test_the_estimate_counts_the_text_it_stands_in(void **state)
{
    (void)state;
    for (size_t filler = 0; filler < 50000; filler += filler < 200 ? 1 : 997) {
        struct arena *arena = arena_new();
        struct jtwice out;
        jtwice_init(&out, 1024 * 1024, 1024 * 1024);

        write_sample(&out, arena, filler);

        struct jval *envelope = parse(arena, buf_slice(&out.plain));
        long long estimate = 0;
        assert_true(jval_int64(jval_get(jval_get(envelope, "_meta"), "token_estimate"),
                               &estimate));
        assert_int_equal(estimate, (out.plain.len + 3) / 4);
        jtwice_free(&out);
        arena_free(arena);
    }
}

static void test_every_member_is_there_also_when_nothing_pages(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct jtwice out;
    jtwice_init(&out, 4096, 8192);
    struct envelope envelope = {.resource = SLICE("invoices"),
                                .method = SLICE("get"),
                                .integration = SLICE("netsuite"),
                                .request_id = SLICE("req_1"),
                                .data = jval_new_array(arena, 0)};

    envelope_write_data(&out, &envelope);

    struct jval *value = parse(arena, buf_slice(&out.plain));
    const struct jval *pagination = jval_get(value, "pagination");
    assert_true(jval_is(jval_get(pagination, "next_cursor"), JVAL_NULL));
    assert_true(jval_is(jval_get(pagination, "has_more"), JVAL_FALSE));
    assert_true(jval_is(jval_get(pagination, "limit"), JVAL_NULL));
    assert_true(jval_is(jval_get(value, "data"), JVAL_ARRAY));
    assert_true(
        slice_is(jval_text(jval_get(value, "timestamp")), "1970-01-01T00:00:00Z"));
    jtwice_free(&out);
    arena_free(arena);
}

static void test_a_code_outside_the_closed_list_leaves_as_internal(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct buf out;
    buf_init(&out, 4096);
    struct fault fault = {.err = ERR_IO, .message = SLICE("/var/lib/secret path")};

    envelope_write_error(&out, &fault, SLICE("req_1"), NULL, NULL);

    struct jval *value = parse(arena, buf_slice(&out));
    const struct jval *error = jval_get(value, "error");
    assert_true(slice_is(jval_text(jval_get(error, "code")), "internal"));
    assert_false(
        slice_is(jval_text(jval_get(error, "message")), "/var/lib/secret path"));
    buf_free(&out);
    arena_free(arena);
}

static void test_account_busy_carries_its_counts(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct buf out;
    buf_init(&out, 4096);
    struct fault fault = {.err = ERR_ACCOUNT_BUSY, .retry_after_s = 3};
    struct governor_view view = {.limit = 5, .in_flight = 5, .queue_depth = 32};

    envelope_write_error(&out, &fault, SLICE("req_1"), &view, NULL);

    struct jval *value = parse(arena, buf_slice(&out));
    const struct jval *error = jval_get(value, "error");
    long long number = 0;
    assert_true(jval_int64(jval_get(error, "retry_after_seconds"), &number) &&
                number == 3);
    assert_true(jval_int64(jval_get(error, "ceiling"), &number) && number == 5);
    assert_true(jval_int64(jval_get(error, "queue_depth"), &number) && number == 32);
    buf_free(&out);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_estimate_counts_the_text_it_stands_in),
        cmocka_unit_test(test_every_member_is_there_also_when_nothing_pages),
        cmocka_unit_test(test_a_code_outside_the_closed_list_leaves_as_internal),
        cmocka_unit_test(test_account_busy_carries_its_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
