/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages: whatever page size a service has and however it reads $top behind a link of
 * its own, every row comes once and in order.
 */
#include "tests/unit/connectors/sap_world.h"

#include <stdlib.h>

#include "connectors/sap/paging.h"

/* ---- A service ---- */

enum reading {
    TOP_OF_ALL,    /* $top counts the rows of all answers behind one link */
    TOP_OF_ANSWER, /* $top counts the rows of one answer */
};

struct service {
    size_t rows, cap; /* cap 0: it never cuts */
    enum reading reading;
};

struct answer {
    size_t first, count;
    bool linked;
    char link[200];
};

/* $skiptoken=from,given: where to go on, how many of the window were given. */
static struct answer ask(const struct service *service, size_t from, size_t top,
                         size_t given)
{
    struct answer answer = {.first = from};
    size_t wanted = service->reading == TOP_OF_ALL ? top - given : top;
    size_t there = from < service->rows ? service->rows - from : 0;
    size_t full = there < wanted ? there : wanted;

    answer.count = service->cap > 0 && full > service->cap ? service->cap : full;
    answer.linked = answer.count < full;
    snprintf(answer.link, sizeof answer.link,
             "https://internal:44300/srv/Set?$top=%zu&$skiptoken=%zu,%zu", top,
             from + answer.count, given + answer.count);
    return answer;
}

static struct answer ask_page(const struct service *service,
                              const struct sap_page *page, size_t limit)
{
    char query[200];
    const char *token;
    char *end;

    if (page->query.len == 0) {
        return ask(service, page->row, limit + 1, 0);
    }
    snprintf(query, sizeof query, "%.*s", SLICE_ARG(page->query));
    assert_memory_equal(query, "$top=", 5);
    token = strstr(query, "$skiptoken=");
    assert_non_null(token);
    size_t from = strtoul(token + 11, &end, 10);
    return ask(service, from, strtoul(query + 5, NULL, 10), strtoul(end + 1, NULL, 10));
}

/* Reads all pages, with limits that change, and counts. */
static void assert_all_rows_once(const struct service *service, const size_t *limits,
                                 size_t limit_count)
{
    struct arena *arena = arena_new();
    struct slice text = SLICE_EMPTY;
    size_t seen = 0, pages = 0;
    bool more = true;

    while (more) {
        struct sap_page page, next;
        struct slice query = SLICE_EMPTY;
        size_t limit = limits[pages % limit_count];

        assert_true(sap_page_parse(text, &page));
        struct answer answer = ask_page(service, &page, limit);
        if (answer.linked) {
            assert_true(sap_page_link(arena, slice_str(answer.link), SLICE("/srv/Set"),
                                      SLICE("Set"), &query));
        }
        size_t take = sap_page_turn(&page, limit, answer.count,
                                    answer.linked ? &query : NULL, &next, &more);
        if (answer.first != seen || take > limit || take > answer.count ||
            (more && take == 0)) {
            fail_msg("rows %zu cap %zu reading %d limit %zu: page %zu begins at %zu, "
                     "not %zu, and gives %zu",
                     service->rows, service->cap, (int)service->reading, limit, pages,
                     answer.first, seen, take);
        }
        seen += take;
        text = more ? sap_page_text(arena, &next) : SLICE_EMPTY;
        assert_true(++pages < 1000);
    }
    if (seen != service->rows) {
        fail_msg("rows %zu cap %zu reading %d: %zu came", service->rows, service->cap,
                 (int)service->reading, seen);
    }
    arena_free(arena);
}

static void test_every_row_comes_once_whatever_the_service_does(void **state)
{
    static const size_t limits[][3] = {{1, 1, 1},    {2, 2, 2},  {5, 5, 5},
                                       {10, 10, 10}, {25, 3, 8}, {4, 20, 1}};

    (void)state;
    for (size_t rows = 0; rows <= 42; rows++) {
        for (size_t cap = 0; cap <= 12; cap++) {
            for (int reading = TOP_OF_ALL; reading <= TOP_OF_ANSWER; reading++) {
                const struct service service = {rows, cap, (enum reading)reading};
                for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
                    assert_all_rows_once(&service, limits[i], 3);
                }
            }
        }
    }
}

static void test_a_service_that_ignores_top_loses_nothing(void **state)
{
    struct sap_page page = {.row = 10, .query = SLICE_EMPTY}, next;
    bool more = false;

    (void)state;
    assert_int_equal(sap_page_turn(&page, 5, 100, NULL, &next, &more), 5);
    assert_true(more);
    assert_int_equal(next.row, 15);
    assert_int_equal(next.query.len, 0);
}

/* ---- Links ---- */

static void test_a_link_is_used_by_path_and_query_only(void **state)
{
    static const struct {
        const char *link, *query;
    } cases[] = {
        {"https://erp.example/srv/Set?$skiptoken=1", "$skiptoken=1"},
        {"http://internal-host:8000/srv/Set?$skiptoken=1", "$skiptoken=1"},
        {"https://evil.example/srv/Set?$skiptoken=1", "$skiptoken=1"},
        {"/srv/Set?$skiptoken=1", "$skiptoken=1"},
        {"Set?$skiptoken=1", "$skiptoken=1"},
        {"Set?$filter=A eq 'x y'&$skiptoken=%27a%27",
         "$filter=A%20eq%20'x%20y'&$skiptoken=%27a%27"},
        {"Set?a=\"<>#\x01\xc3\xa6", "a=%22%3C%3E%23%01%C3%A6"},
        {"Set?next=http://a/b", "next=http://a/b"},
    };
    static const char *const elsewhere[] = {
        "",
        "https://erp.example/srv/Set",
        "https://erp.example/srv/Other?$skiptoken=1",
        "https://erp.example/other/srv/Set?$skiptoken=1",
        "/srv/Set/?$skiptoken=1",
        "/srv/../srv/Set?$skiptoken=1",
        "//srv/Set?$skiptoken=1",
        "https://erp.example?$skiptoken=1",
        "Set('1')?$skiptoken=1",
    };
    struct arena *arena = arena_new();
    struct slice query;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (!sap_page_link(arena, slice_str(cases[i].link), SLICE("/srv/Set"),
                           SLICE("Set"), &query)) {
            fail_msg("refused: %s", cases[i].link);
        }
        assert_slice(query, cases[i].query);
    }
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        if (sap_page_link(arena, slice_str(elsewhere[i]), SLICE("/srv/Set"),
                          SLICE("Set"), &query)) {
            fail_msg("followed: %s", elsewhere[i]);
        }
    }
    arena_free(arena);
}

static void test_a_link_too_long_to_keep_is_replaced_by_our_own_skip(void **state)
{
    struct arena *arena = arena_new();
    char *link = arena_alloc(arena, 4000);
    struct sap_page page = {.row = 10, .query = SLICE_EMPTY}, next;
    struct slice query;
    bool more = false;

    (void)state;
    memset(link, 'x', 3999);
    memcpy(link, "Set?", 4);
    assert_true(sap_page_link(arena, slice_of(link, 3999), SLICE("/srv/Set"),
                              SLICE("Set"), &query));
    assert_int_equal(query.len, 0);

    assert_int_equal(sap_page_turn(&page, 20, 7, &query, &next, &more), 7);

    assert_true(more);
    assert_slice(sap_page_text(arena, &next), "skip=17");
    arena_free(arena);
}

static void test_what_is_no_page_is_refused(void **state)
{
    static const char *const texts[] = {
        "skip",       "skip=",     "skip=-1",       "skip=1x",
        "next=",      "next=1",    "next=1,2",      "next=1,2,",
        "next=x,2,q", "offset=25", "next=1,1001,q", "skip=1000000001"};
    struct sap_page page;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (sap_page_parse(slice_str(texts[i]), &page)) {
            fail_msg("read: %s", texts[i]);
        }
    }
    assert_true(sap_page_parse(SLICE("next=50,51,$skiptoken=a,b"), &page));
    assert_int_equal(page.row, 50);
    assert_int_equal(page.left, 51);
    assert_slice(page.query, "$skiptoken=a,b");
}

/* ---- The connector ---- */

static void test_a_list_goes_on_by_skip_or_by_the_services_link(void **state)
{
    struct sap_world world = sap_world_new();
    struct op op = sap_world_op(&world, "list_all_sap_vendors", "{\"limit\":2}");

    (void)state;
    assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_SEND);
    assert_int_equal(sap_world_answer(&world, &op, 200, SAP_JSON,
                                      "{\"d\":{\"results\":[{\"Supplier\":\"1\"},"
                                      "{\"Supplier\":\"2\"},{\"Supplier\":\"3\"}]}}"),
                     CONNECTOR_DONE);
    assert_int_equal(op.result.records->count, 2);
    assert_slice(op.result.next_page, "skip=2");

    struct op second = sap_world_op(&world, "list_all_sap_vendors", "{\"limit\":4}");
    second.page = op.result.next_page;
    assert_int_equal(sap_world_begin(&world, &second), CONNECTOR_SEND);
    assert_contains(second.request.url, "&$top=5&$skip=2");
    assert_int_equal(
        sap_world_answer(&world, &second, 200, SAP_JSON,
                         "{\"d\":{\"results\":[{\"Supplier\":\"3\"},{\"Supplier\":"
                         "\"4\"}],\"__next\":\"https://10.0.0.1" SAP_PARTNERS
                         "/A_Supplier?$top=5&$skiptoken='4'\"}}"),
        CONNECTOR_DONE);
    assert_int_equal(second.result.records->count, 2);
    assert_slice(second.result.next_page, "next=4,3,$top=5&$skiptoken='4'");

    struct op third = sap_world_op(&world, "list_all_sap_vendors", "{\"limit\":4}");
    third.page = second.result.next_page;
    assert_int_equal(sap_world_begin(&world, &third), CONNECTOR_SEND);
    assert_slice(third.request.url,
                 SAP_ORIGIN SAP_PARTNERS "/A_Supplier?$top=5&$skiptoken='4'");
    assert_int_equal(sap_world_answer(&world, &third, 200, SAP_JSON,
                                      "{\"d\":{\"results\":[{\"Supplier\":\"5\"}]}}"),
                     CONNECTOR_DONE);
    assert_int_equal(third.result.next_page.len, 0);
    sap_world_free(&world);
}

static void test_a_link_to_another_list_is_not_followed(void **state)
{
    struct sap_world world = sap_world_new();
    struct op op = sap_world_op(&world, "list_all_sap_vendors", "{}");

    (void)state;
    assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_SEND);
    assert_int_equal(
        sap_world_answer(&world, &op, 200, SAP_JSON,
                         "{\"d\":{\"results\":[],\"__next\":\"https://x/other?$a\"}}"),
        CONNECTOR_FAILED);
    assert_int_equal(op.fault.err, ERR_UPSTREAM_MALFORMED);
    sap_world_free(&world);
}

/* Whoever followed it would ask the same for ever. */
static void test_a_link_that_leads_nowhere_new_is_no_next_page(void **state)
{
    static const char again[] = "next=25,3,$skiptoken=1";
    struct sap_world world = sap_world_new();
    struct op op = sap_world_op(&world, "list_all_sap_vendors", "{}");

    (void)state;
    op.page = slice_str(again);
    assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_SEND);
    assert_int_equal(sap_world_answer(&world, &op, 200, SAP_JSON,
                                      "{\"d\":{\"results\":[],\"__next\":"
                                      "\"A_Supplier?$skiptoken=1\"}}"),
                     CONNECTOR_FAILED);
    assert_int_equal(op.fault.err, ERR_UPSTREAM_MALFORMED);

    /* A link too long to be kept is answered by rows of our own counting: without rows
     * there is nothing to count. */
    char *body = arena_alloc(world.arena, 4096);
    int head = snprintf(body, 4096, "{\"d\":{\"results\":[],\"__next\":\"A_Supplier?");
    memset(body + head, 'x', 3000);
    memcpy(body + head + 3000, "\"}}", 4);
    op = sap_world_op(&world, "list_all_sap_vendors", "{}");
    assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_SEND);
    assert_int_equal(sap_world_answer(&world, &op, 200, SAP_JSON, body),
                     CONNECTOR_FAILED);
    assert_int_equal(op.fault.err, ERR_UPSTREAM_MALFORMED);

    /* An empty page whose link goes on is one. */
    op = sap_world_op(&world, "list_all_sap_vendors", "{}");
    op.page = slice_str(again);
    assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_SEND);
    assert_int_equal(sap_world_answer(&world, &op, 200, SAP_JSON,
                                      "{\"d\":{\"results\":[],\"__next\":"
                                      "\"A_Supplier?$skiptoken=2\"}}"),
                     CONNECTOR_DONE);
    assert_slice(op.result.next_page, "next=25,3,$skiptoken=2");
    sap_world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_comes_once_whatever_the_service_does),
        cmocka_unit_test(test_a_service_that_ignores_top_loses_nothing),
        cmocka_unit_test(test_a_link_is_used_by_path_and_query_only),
        cmocka_unit_test(test_a_link_too_long_to_keep_is_replaced_by_our_own_skip),
        cmocka_unit_test(test_what_is_no_page_is_refused),
        cmocka_unit_test(test_a_list_goes_on_by_skip_or_by_the_services_link),
        cmocka_unit_test(test_a_link_to_another_list_is_not_followed),
        cmocka_unit_test(test_a_link_that_leads_nowhere_new_is_no_next_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
