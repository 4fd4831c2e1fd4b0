/* SPDX-License-Identifier: Apache-2.0 */
/* Pages under NetSuite's rule that an offset is a multiple of the limit. */
#include "tests/unit/connectors/world.h"

#include "base/limits.h"
#include "connectors/netsuite/paging.h"

static void test_a_steady_limit_asks_for_exactly_its_rows(void **state)
{
    (void)state;
    for (size_t limit = 1; limit <= 200; limit++) {
        for (size_t page = 0; page < 50; page++) {
            struct paging_window window = paging_window(page * limit, limit);
            assert_int_equal(window.limit, limit);
            assert_int_equal(window.offset, page * limit);
            assert_int_equal(window.skip, 0);
            assert_int_equal(window.take, limit);
        }
    }
}

static void test_every_window_is_legal_and_begins_at_the_wanted_row(void **state)
{
    (void)state;
    for (size_t row = 0; row < PAGING_OFFSET_END; row += 1 + row / 97) {
        for (size_t want = 1; want <= 200; want++) {
            struct paging_window window = paging_window(row, want);
            assert_true(window.limit >= 1 && window.limit <= PAGING_ROWS_MAX);
            assert_int_equal(window.offset % window.limit, 0);
            assert_int_equal(window.offset + window.skip, row);
            assert_int_equal(window.take, want);
            assert_true(window.skip + window.take <= window.limit);
        }
    }
}

/* A window that holds the largest page holds a smaller one from the same row. */
static void test_there_is_a_window_for_every_row(void **state)
{
    (void)state;
    for (size_t row = 0; row < PAGING_OFFSET_END; row++) {
        assert_true(paging_window(row, LIMIT_PAGE).limit <= PAGING_ROWS_MAX);
    }
    assert_int_equal(paging_window(0, PAGING_ROWS_MAX).limit, PAGING_ROWS_MAX);
}

/* Reads a table of `rows` rows with the limits in turn; each row has to come once, in
 * order. */
static void walk(size_t rows, const size_t *limits, size_t limit_count)
{
    size_t row = 0, seen = 0;
    bool more = true;

    for (size_t turn = 0; more; turn++) {
        size_t want = limits[turn % limit_count], taken;
        struct paging_window window = paging_window(row, want);
        size_t left = window.offset < rows ? rows - window.offset : 0;
        size_t got = left < window.limit ? left : window.limit;

        assert_int_equal(window.offset + window.skip, seen);
        more = paging_next(&window, got, window.offset + got < rows, &taken, &row);
        assert_true(taken <= want);
        seen += taken;
        assert_true(turn < 100000);
    }
    assert_int_equal(seen, rows);
}

static void test_no_row_repeats_or_is_lost_when_the_limit_changes(void **state)
{
    static const size_t limits[][4] = {{25, 25, 25, 25}, {25, 10, 25, 10},
                                       {200, 3, 7, 1},   {1, 200, 199, 2},
                                       {13, 17, 19, 23}, {100, 99, 98, 97}};

    (void)state;
    for (size_t rows = 0; rows < 2000; rows += rows < 60 ? 1 : 111) {
        for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
            walk(rows, limits[i], 4);
        }
    }
}

static void test_rows_that_vanish_end_the_list_without_repeating(void **state)
{
    struct paging_window window = paging_window(25, 10);
    size_t taken, next;

    (void)state;
    assert_true(window.skip > 0);
    assert_false(paging_next(&window, 0, false, &taken, &next));
    assert_int_equal(taken, 0);
    assert_true(paging_next(&window, window.skip, true, &taken, &next));
    assert_int_equal(taken, 0);
    assert_true(next > 25);
}

static void test_only_our_own_page_text_is_read(void **state)
{
    static const char *const foreign[] = {
        "25",         "offset",    "offset=",   "offset=-1",          "offset= 25",
        "offset=25 ", "offset=2x", "Offset=25", "offset=99999999999", "limit=25"};
    struct arena *arena = arena_new();
    size_t row = 7;

    (void)state;
    assert_true(paging_parse(SLICE_EMPTY, &row));
    assert_int_equal(row, 0);
    assert_true(paging_parse(paging_text(arena, 1234), &row));
    assert_int_equal(row, 1234);
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        assert_false(paging_parse(slice_str(foreign[i]), &row));
    }
    arena_free(arena);
}

/* ---- The same through the connector ---- */

static const char *rows_json(struct arena *arena, size_t from, size_t count, bool more)
{
    struct slice text = SLICE_EMPTY;

    for (size_t i = 0; i < count; i++) {
        text = arena_printf(arena, "%.*s%s{\"links\":[],\"id\":\"%zu\"}",
                            SLICE_ARG(text), i > 0 ? "," : "", from + i);
    }
    return arena_printf(arena, "{\"count\":%zu,\"hasMore\":%s,\"items\":[%.*s]}", count,
                        more ? "true" : "false", SLICE_ARG(text))
        .ptr;
}

static void test_a_changed_limit_fetches_a_wider_window_and_cuts_it(void **state)
{
    struct world world = world_new();
    struct op op =
        world_op(&world, world.arena, "list_all_netsuite_invoices", NULL, NULL, 10);

    (void)state;
    op.page = SLICE("offset=25");
    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
    assert_slice(op.request.url, "https://tstdrv1234567.suitetalk.api.netsuite.com"
                                 "/services/rest/query/v1/suiteql?limit=12&offset=24");

    assert_int_equal(world_answer(&world, &op, 200, WORLD_COLLECTION,
                                  rows_json(world.arena, 24, 12, false)),
                     CONNECTOR_DONE);
    assert_int_equal(op.result.records->count, 10);
    assert_slice(jval_text(jval_get(&op.result.records->items[0], "id")), "25");
    assert_slice(jval_text(jval_get(&op.result.records->items[9], "id")), "34");
    assert_slice(op.result.next_page, "offset=35");
    world_free(&world);
}

static void test_the_last_page_has_no_next(void **state)
{
    struct world world = world_new();
    struct op op =
        world_op(&world, world.arena, "list_all_netsuite_invoices", NULL, NULL, 25);

    (void)state;
    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
    assert_int_equal(world_answer(&world, &op, 200, WORLD_COLLECTION,
                                  rows_json(world.arena, 0, 25, false)),
                     CONNECTOR_DONE);
    assert_int_equal(op.result.records->count, 25);
    assert_int_equal(op.result.next_page.len, 0);
    world_free(&world);
}

static void test_the_hundred_thousandth_row_is_the_end_and_said(void **state)
{
    struct world world = world_new();
    struct op op =
        world_op(&world, world.arena, "list_all_netsuite_invoices", NULL, NULL, 25);

    (void)state;
    op.page = SLICE("offset=100000");
    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_FAILED);
    assert_int_equal(op.fault.err, ERR_TOO_LARGE);
    assert_true(op.fault.hint.len > 0);
    world_free(&world);
}

static void test_a_foreign_page_text_is_a_wrong_cursor(void **state)
{
    struct world world = world_new();
    struct op op =
        world_op(&world, world.arena, "list_all_netsuite_invoices", NULL, NULL, 25);

    (void)state;
    op.page = SLICE("25");
    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_FAILED);
    assert_int_equal(op.fault.err, ERR_INVALID_ARGUMENTS);
    assert_slice(op.fault.details[0].pointer, "/next_cursor");
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_steady_limit_asks_for_exactly_its_rows),
        cmocka_unit_test(test_every_window_is_legal_and_begins_at_the_wanted_row),
        cmocka_unit_test(test_there_is_a_window_for_every_row),
        cmocka_unit_test(test_no_row_repeats_or_is_lost_when_the_limit_changes),
        cmocka_unit_test(test_rows_that_vanish_end_the_list_without_repeating),
        cmocka_unit_test(test_only_our_own_page_text_is_read),
        cmocka_unit_test(test_a_changed_limit_fetches_a_wider_window_and_cuts_it),
        cmocka_unit_test(test_the_last_page_has_no_next),
        cmocka_unit_test(test_the_hundred_thousandth_row_is_the_end_and_said),
        cmocka_unit_test(test_a_foreign_page_text_is_a_wrong_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
