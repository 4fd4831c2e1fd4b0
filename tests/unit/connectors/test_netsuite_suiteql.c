/* SPDX-License-Identifier: Apache-2.0 */
/* SuiteQL methods: which bytes are sent, which rows come back. */
#include "tests/unit/connectors/world.h"

/* ---- Requests ---- */

static void test_a_list_sends_the_query_that_netsuite_wants(void **state)
{
    struct world world = world_new();
    const struct jval *query = world_json(
        world.arena, "{\"min_amount_due\":\"1000.00\",\"overdue\":true,"
                     "\"party_id\":\"107\",\"date_from\":\"2026-01-01\",\"currency\":"
                     "\"EUR\"}");
    struct op op =
        world_op(&world, world.arena, "list_all_netsuite_invoices", query, NULL, 25);

    (void)state;
    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_SEND);

    assert_slice(op.request.method, "POST");
    assert_slice(op.request.url, "https://tstdrv1234567.suitetalk.api.netsuite.com"
                                 "/services/rest/query/v1/suiteql?limit=25&offset=0");
    assert_false(op.request.is_write);
    assert_int_equal(op.request.field_count, 3);
    assert_slice(op.request.fields[0].name, "Accept");
    assert_slice(op.request.fields[0].value, "application/json");
    assert_slice(op.request.fields[1].name, "Content-Type");
    assert_slice(op.request.fields[1].value, "application/json");
    assert_slice(op.request.fields[2].name, "Prefer");
    assert_slice(op.request.fields[2].value, "transient");
    assert_slice(
        op.request.body,
        "{\"params\":[\"107\",\"2026-01-01\",\"1000.00\",\"EUR\",\"EUR\"],\"q\":\""
        "SELECT t.id AS id, t.tranid AS tranid, t.externalid AS externalid, "
        "TO_CHAR(t.trandate, 'YYYY-MM-DD') AS trandate, TO_CHAR(t.duedate, "
        "'YYYY-MM-DD') "
        "AS duedate, t.entity AS entity, BUILTIN.DF(t.entity) AS entityname, "
        "BUILTIN.CF(t.status) AS status, t.approvalstatus AS approvalstatus, "
        "BUILTIN.DF(t.currency) AS currency, t.foreigntotal AS foreigntotal, "
        "t.foreignamountunpaid AS foreignamountunpaid, t.otherrefnum AS otherrefnum, "
        "t.memo AS memo FROM transaction t WHERE (t.type = 'CustInvc') AND "
        "(t.entity = ?) AND (t.trandate >= TO_DATE(?, 'YYYY-MM-DD')) AND "
        "(BUILTIN.CF(t.status) IN ('CustInvc:A') AND t.duedate < TRUNC(SYSDATE)) AND "
        "(t.foreignamountunpaid >= TO_NUMBER(?)) AND (t.currency IN (SELECT c.id FROM "
        "currency c WHERE c.symbol = ? OR c.name = ?)) ORDER BY t.id\"}");
    world_free(&world);
}

static void test_a_query_without_conditions_has_no_where_and_no_params(void **state)
{
    struct world world = world_new();
    struct op op =
        world_op(&world, world.arena, "list_all_netsuite_customers", NULL, NULL, 25);

    (void)state;
    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
    assert_null(jval_get(world_body(&op), "params"));
    assert_null(strstr(jval_text(jval_get(world_body(&op), "q")).ptr, "WHERE"));

    op = world_op(&world, world.arena, "list_all_netsuite_customers",
                  world_json(world.arena, "{\"is_inactive\":false}"), NULL, 25);
    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
    assert_non_null(
        strstr(jval_text(jval_get(world_body(&op), "q")).ptr,
               " FROM customer c WHERE (c.isinactive = 'F') ORDER BY c.id"));
    world_free(&world);
}

static void test_a_search_text_is_escaped_and_bound_three_times(void **state)
{
    struct world world = world_new();
    struct op op =
        world_op(&world, world.arena, "list_all_netsuite_customers",
                 world_json(world.arena, "{\"name\":\"50%_a\\\\b'\"}"), NULL, 25);

    (void)state;
    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
    const struct jval *params = jval_get(world_body(&op), "params");
    assert_int_equal(params->count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_slice(jval_text(&params->items[i]), "%50\\%\\_a\\\\b'%");
    }
    world_free(&world);
}

static void test_the_check_of_a_connection_reads_no_row(void **state)
{
    struct world world = world_new();
    const struct jval *none = jval_new_object(world.arena, 1);
    struct op op = {.arena = world.arena,
                    .integration = world.integration,
                    .target = &world.target,
                    .path = none,
                    .query = none,
                    .body = none,
                    .page = SLICE_EMPTY};

    (void)state;
    assert_non_null(world.integration->verify_plan);
    assert_int_equal(world.connector->begin(&op, world.integration->verify_plan),
                     CONNECTOR_SEND);
    assert_slice(op.request.body,
                 "{\"q\":\"SELECT t.id AS id FROM transaction t WHERE (t.id = 0)\"}");
    assert_non_null(strstr(op.request.url.ptr, "?limit=1&offset=0"));

    struct op_field type = {SLICE("content-type"), SLICE("application/json")};
    struct op_response response = {
        .status = 200,
        .fields = &type,
        .field_count = 1,
        .body = SLICE("{\"links\":[],\"count\":0,\"hasMore\":false,\"items\":[],"
                      "\"offset\":0,\"totalResults\":0}")};
    assert_int_equal(
        world.connector->on_response(&op, world.integration->verify_plan, &response),
        CONNECTOR_DONE);
    assert_int_equal(op.result.records->count, 0);
    world_free(&world);
}

/* ---- Hostile values ---- */

/* A generator of its own, so that a failure can be run again. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct slice hostile(struct arena *arena, uint64_t *state)
{
    static const char *const pieces[] = {"'",
                                         "''",
                                         "\"",
                                         "\\",
                                         "%",
                                         "_",
                                         "?",
                                         ":1",
                                         ";",
                                         "--",
                                         "/*",
                                         "*/",
                                         ")",
                                         "(",
                                         " OR 1=1",
                                         " UNION SELECT id FROM employee",
                                         "' OR 'a'='a",
                                         "x' || (SELECT 1) || '",
                                         "\n",
                                         "\r\n",
                                         "\t",
                                         "\x01",
                                         "\xc3\xa6",
                                         "\xe2\x80\xae",
                                         "\xf0\x9f\x92\xb8",
                                         "\xef\xbf\xbf",
                                         "{\"q\":",
                                         "\",\"q\":\"DROP",
                                         "NULL",
                                         "BUILTIN.DF(t.id)",
                                         "0",
                                         "9",
                                         "2026-01-01",
                                         "-",
                                         ".",
                                         "e",
                                         "A",
                                         "z",
                                         " ",
                                         "\\u0027",
                                         "&#39;",
                                         "TO_DATE(?)"};
    struct slice text = SLICE_EMPTY;
    size_t count = next_random(state) % 12;

    for (size_t i = 0; i < count; i++) {
        const char *piece =
            pieces[next_random(state) % (sizeof pieces / sizeof pieces[0])];
        text = arena_printf(arena, "%.*s%s", SLICE_ARG(text), piece);
    }
    return text;
}

static struct slice like_of(struct arena *arena, struct slice text)
{
    struct slice out = SLICE("%");

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        out = arena_printf(arena, "%.*s%s%c", SLICE_ARG(out),
                           c == '%' || c == '_' || c == '\\' ? "\\" : "", c);
    }
    return arena_printf(arena, "%.*s%%", SLICE_ARG(out));
}

/* A value that the filter takes, so that its query is the one all others must equal. */
static const char *harmless(struct slice bind)
{
    return slice_is(bind, "id")        ? "\"1\""
           : slice_is(bind, "date")    ? "\"2026-01-31\""
           : slice_is(bind, "decimal") ? "\"1.50\""
                                       : "\"a\"";
}

static struct slice query_text(struct op *op)
{
    return jval_text(jval_get(world_body(op), "q"));
}

/* An op with the value as its argument, wherever that goes. */
static struct op attacked(const struct world *world, struct arena *arena,
                          const struct tool *tool, const struct jval *arguments)
{
    struct op op = world_op(world, arena, tool->name.ptr, arguments, NULL, 25);

    if (tool->kind == METHOD_GET) {
        op.path = arguments;
    }
    return op;
}

/* 1,000 values into one argument, past the schema. True when at least one was sent. */
static bool attack(const struct world *world, const struct tool *tool,
                   const struct jmember *filter, uint64_t *seed)
{
    const struct jval *values = jval_get(&filter->value, "values");
    struct slice bind = jval_text(jval_get(&filter->value, "bind"));
    struct arena *base = arena_new();
    struct slice wanted = SLICE_EMPTY;
    bool sent = false;

    if (values == NULL) {
        struct jval *query = jval_new_object(base, 1);
        jval_set(base, query, filter->name, world_json(base, harmless(bind)));
        struct op op = attacked(world, base, tool, query);
        assert_int_equal(world->connector->begin(&op, tool->plan), CONNECTOR_SEND);
        wanted = query_text(&op);
    }
    for (size_t i = 0; i < 1000; i++) {
        struct arena *arena = arena_new();
        struct jval *query = jval_new_object(arena, 1);
        struct slice text = hostile(arena, seed);
        jval_set(arena, query, filter->name, jval_new_string(arena, text));
        struct op op = attacked(world, arena, tool, query);
        enum connector_step step = world->connector->begin(&op, tool->plan);

        if (step == CONNECTOR_FAILED) {
            assert_int_equal(op.fault.err, ERR_INVALID_ARGUMENTS);
            assert_true(
                slice_eq(op.fault.details[0].pointer,
                         arena_printf(arena, "/%.*s", SLICE_ARG(filter->name))));
        } else {
            const struct jval *params = jval_get(world_body(&op), "params");
            struct slice expected =
                slice_is(bind, "like") ? like_of(arena, text) : text;
            long long times = 1;
            sent = true;
            assert_null(values);
            assert_true(slice_eq(query_text(&op), wanted));
            jval_int64(jval_get(&filter->value, "times"), &times);
            assert_int_equal(params->count, (size_t)times);
            for (size_t p = 0; p < params->count; p++) {
                assert_true(slice_eq(jval_text(&params->items[p]), expected));
            }
        }
        arena_free(arena);
    }
    arena_free(base);
    return sent;
}

static void test_no_value_changes_the_text_of_a_query(void **state)
{
    struct world world = world_new();
    uint64_t seed = 0x9e3779b97f4a7c15u;
    size_t arguments = 0, sent = 0;

    (void)state;
    for (size_t i = 0; i < world.integration->tool_count; i++) {
        const struct tool *tool = world.integration->tools[i];
        const struct jval *filters = jval_get(tool->upstream, "filters");
        for (size_t f = 0; filters != NULL && f < filters->count; f++) {
            sent += attack(&world, tool, &filters->members[f], &seed) ? 1 : 0;
            arguments++;
        }
    }
    /* invoices, bills, customers, vendors, accounts (and one of them), journals */
    assert_int_equal(arguments, 13 + 13 + 6 + 5 + 9 + 1 + 11);
    /* The text arguments of all lists went out, and more may have by chance. */
    assert_true(sent >= 3 + 3 + 5 + 4 + 5 + 4);
    world_free(&world);
}

static void test_a_value_of_the_wrong_kind_never_leaves(void **state)
{
    static const struct {
        const char *query, *pointer;
    } cases[] = {
        {"{\"party_id\":\"1 OR 1=1\"}", "/party_id"},
        {"{\"party_id\":\"\"}", "/party_id"},
        {"{\"party_id\":-1}", "/party_id"},
        {"{\"party_id\":\"1234567890123456789\"}", "/party_id"},
        {"{\"date_from\":\"2026-02-30\"}", "/date_from"},
        {"{\"date_from\":20260101}", "/date_from"},
        {"{\"min_amount_due\":\"1e3\"}", "/min_amount_due"},
        {"{\"min_amount_due\":1e3}", "/min_amount_due"},
        {"{\"min_amount_due\":\"1,000.00\"}", "/min_amount_due"},
        {"{\"min_amount_due\":\"1.\"}", "/min_amount_due"},
        {"{\"min_amount_due\":\".5\"}", "/min_amount_due"},
        {"{\"min_amount_due\":\"--5\"}", "/min_amount_due"},
        {"{\"status\":\"voided\"}", "/status"},
        {"{\"status\":true}", "/status"},
        {"{\"overdue\":\"perhaps\"}", "/overdue"},
        {"{\"number\":12}", "/number"},
        {"{\"number\":[\"a\"]}", "/number"},
        {"{\"number\":null}", "/number"},
    };

    (void)state;
    struct world world = world_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op = world_op(&world, world.arena, "list_all_netsuite_invoices",
                                world_json(world.arena, cases[i].query), NULL, 25);
        if (world.connector->begin(&op, op.tool->plan) != CONNECTOR_FAILED) {
            fail_msg("sent: %s", cases[i].query);
        }
        assert_int_equal(op.fault.err, ERR_INVALID_ARGUMENTS);
        assert_int_equal(op.fault.detail_count, 1);
        assert_slice(op.fault.details[0].pointer, cases[i].pointer);
    }
    world_free(&world);
}

static void test_arguments_beyond_the_ceiling_are_refused(void **state)
{
    struct world world = world_new();
    char *text = arena_alloc(world.arena, 600 * 1024);
    struct jval *query = jval_new_object(world.arena, 1);

    (void)state;
    memset(text, 'a', 600 * 1024);
    jval_set(world.arena, query, SLICE("number"),
             jval_new_string(world.arena, slice_of(text, 600 * 1024)));
    struct op op =
        world_op(&world, world.arena, "list_all_netsuite_invoices", query, NULL, 25);
    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_FAILED);
    assert_int_equal(op.fault.err, ERR_TOO_LARGE);
    world_free(&world);
}

/* ---- Answers ---- */

static void test_rows_become_records_with_exact_amounts(void **state)
{
    struct world world = world_new();
    struct op op =
        world_op(&world, world.arena, "list_all_netsuite_invoices", NULL, NULL, 1);
    size_t fallbacks = 0;

    (void)state;
    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
    assert_int_equal(
        world_answer(
            &world, &op, 200, WORLD_COLLECTION,
            "{\"links\":[],\"count\":1,\"hasMore\":true,\"items\":[{\"links\":[],"
            "\"currency\":\"US Dollar\",\"duedate\":\"2026-10-31\","
            "\"entity\":\"107\",\"entityname\":\"Hansen A/S\","
            "\"foreignamountunpaid\":100.10,"
            "\"foreigntotal\":\"12345678901234567.89\",\"id\":\"1042\","
            "\"status\":\"CustInvc:A\",\"trandate\":\"2026-10-01\","
            "\"tranid\":\"INV-1042\"}],\"offset\":0,\"totalResults\":2}"),
        CONNECTOR_DONE);
    assert_int_equal(op.result.records->count, 1);
    assert_slice(op.result.next_page, "offset=1");

    const struct jval *record = &field_map(op.tool->fields, op.tool->field_count,
                                           op.result.records, world.arena, &fallbacks)
                                     ->items[0];
    static const char *const expected[][2] = {
        {"id", "1042"},           {"number", "INV-1042"},
        {"party_id", "107"},      {"party_name", "Hansen A/S"},
        {"status", "open"},       {"currency", "USD"},
        {"date", "2026-10-01"},   {"due_date", "2026-10-31"},
        {"amount_due", "100.10"}, {"total", "12345678901234567.89"}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_slice(jval_text(jval_get(record, expected[i][0])), expected[i][1]);
    }
    assert_true(jval_is(jval_get(record, "memo"), JVAL_NULL));
    assert_true(jval_is(jval_get(record, "external_id"), JVAL_NULL));
    assert_true(jval_is(jval_get(record, "reference"), JVAL_NULL));
    assert_int_equal(fallbacks, 0);
    world_free(&world);
}

static void test_customer_flags_become_booleans(void **state)
{
    struct world world = world_new();
    struct op op =
        world_op(&world, world.arena, "list_all_netsuite_customers", NULL, NULL, 25);
    size_t fallbacks = 0;

    (void)state;
    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
    assert_int_equal(world_answer(&world, &op, 200, WORLD_COLLECTION,
                                  "{\"hasMore\":false,\"items\":[{\"id\":\"8\","
                                  "\"entityid\":\"C-8\",\"companyname\":\"HMRC\","
                                  "\"isinactive\":\"F\",\"currency\":\"GBP\"}]}"),
                     CONNECTOR_DONE);
    const struct jval *record = &field_map(op.tool->fields, op.tool->field_count,
                                           op.result.records, world.arena, &fallbacks)
                                     ->items[0];
    assert_slice(jval_text(jval_get(record, "name")), "HMRC");
    assert_slice(jval_text(jval_get(record, "currency")), "GBP");
    assert_true(jval_is(jval_get(record, "is_inactive"), JVAL_FALSE));
    assert_true(jval_is(jval_get(record, "tax_id"), JVAL_NULL));
    world_free(&world);
}

static void test_an_answer_without_rows_is_malformed_not_empty(void **state)
{
    static const char *const bodies[] = {"{}",
                                         "[]",
                                         "\"rows\"",
                                         "{\"items\":{},\"hasMore\":false}",
                                         "{\"items\":[\"a\"],\"hasMore\":false}",
                                         "{\"items\":[null],\"hasMore\":false}",
                                         "{\"items\":[]}",
                                         "{\"items\":[],\"hasMore\":\"false\"}",
                                         "{\"items\":[",
                                         ""};

    (void)state;
    struct world world = world_new();
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct op op =
            world_op(&world, world.arena, "list_all_netsuite_invoices", NULL, NULL, 25);
        assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
        assert_int_equal(world_answer(&world, &op, 200, "application/json", bodies[i]),
                         CONNECTOR_FAILED);
        assert_int_equal(op.fault.err, ERR_UPSTREAM_MALFORMED);
        assert_int_equal(op.fault.upstream.status, 200);
    }
    world_free(&world);
}

/* A method that is no list: one row wanted, or all of them. */
static enum connector_step answer_once(struct arena *arena, const struct world *world,
                                       enum method_kind kind, const char *body,
                                       struct op *op)
{
    static const struct argument id[] = {{.name = {"id", 2}, .place = ARGUMENT_PATH}};
    struct tool *tool = arena_alloc(arena, sizeof *tool);
    struct schema_problem problem;
    const void *plan = NULL;
    struct jval *path = jval_new_object(arena, 1);

    *tool = (struct tool){.kind = kind, .arguments = id, .argument_count = 1};
    assert_int_equal(
        world->connector->compile(
            arena,
            world_json(arena,
                       "{\"service\":\"suiteql\",\"from\":\"term t\",\"select\":{"
                       "\"id\":\"t.id\"},\"filters\":{\"id\":{\"sql\":\"t.id = ?\","
                       "\"bind\":\"id\"}},\"rows\":2}"),
            tool, &plan, &problem),
        ERR_OK);
    jval_set(arena, path, SLICE("id"), jval_new_string(arena, SLICE("7")));
    tool->plan = plan;
    *op = (struct op){.arena = arena,
                      .integration = world->integration,
                      .tool = tool,
                      .target = &world->target,
                      .path = path,
                      .query = jval_new_object(arena, 1),
                      .body = jval_new_object(arena, 1),
                      .page = SLICE_EMPTY};
    assert_int_equal(world->connector->begin(op, plan), CONNECTOR_SEND);
    assert_slice(op->request.body,
                 "{\"params\":[\"7\"],\"q\":\"SELECT t.id AS id FROM term t WHERE "
                 "(t.id = ?)\"}");
    return world_answer(world, op, 200, WORLD_COLLECTION, body);
}

static void test_one_row_by_id_is_found_or_not_found(void **state)
{
    struct world world = world_new();
    struct op op;

    (void)state;
    assert_int_equal(answer_once(world.arena, &world, METHOD_GET,
                                 "{\"hasMore\":false,\"items\":[{\"id\":\"7\"}]}", &op),
                     CONNECTOR_DONE);
    assert_int_equal(op.result.records->count, 1);
    assert_int_equal(op.result.next_page.len, 0);
    assert_int_equal(answer_once(world.arena, &world, METHOD_GET,
                                 "{\"hasMore\":false,\"items\":[]}", &op),
                     CONNECTOR_FAILED);
    assert_int_equal(op.fault.err, ERR_NOT_FOUND);
    world_free(&world);
}

static void test_a_tool_that_does_not_page_never_cuts_in_silence(void **state)
{
    struct world world = world_new();
    struct op op;

    (void)state;
    assert_int_equal(answer_once(world.arena, &world, METHOD_CUSTOM,
                                 "{\"hasMore\":true,\"items\":[{\"id\":\"1\"},{\"id\":"
                                 "\"2\"}]}",
                                 &op),
                     CONNECTOR_FAILED);
    assert_int_equal(op.fault.err, ERR_TOO_LARGE);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_sends_the_query_that_netsuite_wants),
        cmocka_unit_test(test_a_query_without_conditions_has_no_where_and_no_params),
        cmocka_unit_test(test_a_search_text_is_escaped_and_bound_three_times),
        cmocka_unit_test(test_the_check_of_a_connection_reads_no_row),
        cmocka_unit_test(test_no_value_changes_the_text_of_a_query),
        cmocka_unit_test(test_a_value_of_the_wrong_kind_never_leaves),
        cmocka_unit_test(test_arguments_beyond_the_ceiling_are_refused),
        cmocka_unit_test(test_rows_become_records_with_exact_amounts),
        cmocka_unit_test(test_customer_flags_become_booleans),
        cmocka_unit_test(test_an_answer_without_rows_is_malformed_not_empty),
        cmocka_unit_test(test_one_row_by_id_is_found_or_not_found),
        cmocka_unit_test(test_a_tool_that_does_not_page_never_cuts_in_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
