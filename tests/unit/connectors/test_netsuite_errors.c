/* SPDX-License-Identifier: Apache-2.0 */
/* What NetSuite's refusals become. Bodies have the shapes that were recorded on the
 * wire. */
#include "tests/unit/connectors/world.h"

#define RFC9110 "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.5."
#define RFC2616 "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec10.4."
/* title, status and one detail, as the REST services write them */
#define REST(section, title, status, detail, code, more)                      \
    "{\"type\":\"" section "\",\"title\":\"" title "\",\"status\":" status    \
    ",\"o:errorDetails\":[{\"detail\":\"" detail "\",\"o:errorCode\":\"" code \
    "\"" more "}]}"

struct refusal {
    int status;
    const char *type, *body;
    enum err err;
    const char *code, *message;
};

static const struct refusal refusals[] = {
    {401, WORLD_ERROR,
     REST(RFC9110 "2", "Unauthorized", "401",
          "Invalid login attempt. For more details, see the Login Audit Trail in the "
          "NetSuite UI at Setup > Users/Roles > User Management > View Login Audit "
          "Trail.",
          "INVALID_LOGIN", ""),
     ERR_NEEDS_REAUTH, "INVALID_LOGIN",
     "Invalid login attempt. For more details, see the Login Audit Trail in the "
     "NetSuite UI at Setup > Users/Roles > User Management > View Login Audit Trail."},
    {401, "application/json",
     "{\"error\":{\"code\":\"INVALID_LOGIN_ATTEMPT\",\"message\":\"Invalid login "
     "attempt.\"}}",
     ERR_NEEDS_REAUTH, "INVALID_LOGIN_ATTEMPT", "Invalid login attempt."},
    {401, "text/html", "<html>login</html>", ERR_NEEDS_REAUTH, "", ""},
    {400, WORLD_ERROR,
     REST(RFC9110 "1", "Bad Request", "400",
          "Error while accessing a resource. Transaction type specified is incorrect.",
          "USER_ERROR", ""),
     ERR_NOT_FOUND, "USER_ERROR",
     "Error while accessing a resource. Transaction type specified is incorrect."},
    {404, WORLD_ERROR,
     REST(RFC9110 "5", "Not Found", "404",
          "The record instance does not exist. Provide a valid record instance ID.",
          "NONEXISTENT_ID", ""),
     ERR_NOT_FOUND, "NONEXISTENT_ID",
     "The record instance does not exist. Provide a valid record instance ID."},
    {404, WORLD_ERROR,
     REST(RFC9110 "5", "Not Found", "404", "Record type 'file' does not exist.",
          "NONEXISTENT_ID", ",\"o:errorUrl\":\"/services/rest/record/v1/file\""),
     ERR_PERMISSION_DENIED, "NONEXISTENT_ID",
     "Record type 'file' does not exist. [/services/rest/record/v1/file]"},
    {400, WORLD_ERROR,
     REST(
         RFC2616 "1", "Bad Request", "400",
         "Invalid search query. Detailed unprocessed description follows. Search error "
         "occurred: Record 'customer' was not found.",
         "INVALID_PARAMETER", ",\"o:errorQueryParam\":\"q\""),
     ERR_PERMISSION_DENIED, "INVALID_PARAMETER",
     "Invalid search query. Detailed unprocessed description follows. Search error "
     "occurred: Record 'customer' was not found. [q]"},
    {400, WORLD_ERROR,
     REST(
         RFC2616 "1", "Bad Request", "400",
         "Invalid search query. Detailed unprocessed description follows. Search error "
         "occurred: Unknown identifier 'x'. Available identifiers are: "
         "{transaction=transaction}.",
         "INVALID_PARAMETER", ",\"o:errorQueryParam\":\"q\""),
     ERR_VALIDATION_FAILED, "INVALID_PARAMETER",
     "Invalid search query. Detailed unprocessed description follows. Search error "
     "occurred: Unknown identifier 'x'. Available identifiers are: "
     "{transaction=transaction}. [q]"},
    {400, WORLD_ERROR,
     REST(RFC9110 "1", "Bad Request", "400",
          "Error while accessing a resource. You have entered an Invalid Field Value "
          "9999 "
          "for the following field: item",
          "INVALID_CONTENT", ",\"o:errorPath\":\"item.items[0].item\""),
     ERR_VALIDATION_FAILED, "INVALID_CONTENT",
     "Error while accessing a resource. You have entered an Invalid Field Value 9999 "
     "for "
     "the following field: item [item.items[0].item]"},
    {400, WORLD_ERROR,
     REST(RFC9110 "1", "Bad Request", "400",
          "Your current role does not have permission to perform this action.",
          "USER_ERROR", ""),
     ERR_PERMISSION_DENIED, "USER_ERROR",
     "Your current role does not have permission to perform this action."},
    {403, WORLD_ERROR,
     REST(RFC2616 "4", "Forbidden", "403", "Permission Violation",
          "INSUFFICIENT_PERMISSION", ""),
     ERR_PERMISSION_DENIED, "INSUFFICIENT_PERMISSION", "Permission Violation"},
    {400, WORLD_ERROR,
     REST(RFC9110 "1", "Bad Request", "400",
          "Error while accessing a resource. This entity already exists.", "USER_ERROR",
          ""),
     ERR_CONFLICT, "USER_ERROR",
     "Error while accessing a resource. This entity already exists."},
    {400, WORLD_ERROR,
     REST(RFC9110 "1", "Conflict", "400", "The idempotency key was used.",
          "IDEMPOTENCY_ERROR", ""),
     ERR_CONFLICT, "IDEMPOTENCY_ERROR", "The idempotency key was used."},
    {500, WORLD_ERROR,
     REST(RFC2616 "x", "Internal Server Error", "500",
          "An unexpected error occurred. Error ID: mfrk9k2j1", "UNEXPECTED_ERROR", ""),
     ERR_UPSTREAM_UNAVAILABLE, "UNEXPECTED_ERROR",
     "An unexpected error occurred. Error ID: mfrk9k2j1"},
    {503, "text/html; charset=utf-8", "<html><h1>Scheduled maintenance</h1></html>",
     ERR_UPSTREAM_UNAVAILABLE, "", ""},
    {503, "text/html", "", ERR_UPSTREAM_UNAVAILABLE, "", ""},
    {404, "text/html", "<html>Page not found</html>", ERR_UPSTREAM_MALFORMED, "", ""},
    {400, "application/json", "{\"error\":", ERR_UPSTREAM_MALFORMED, "", ""},
    {302, "text/html", "moved", ERR_UPSTREAM_MALFORMED, "", ""},
    {204, "application/json", "", ERR_UPSTREAM_MALFORMED, "", ""},
    {200, "text/html", "<html>{\"items\":[],\"hasMore\":false}</html>",
     ERR_UPSTREAM_MALFORMED, "", ""},
    {200, "text/xml", "<soapenv:Envelope/>", ERR_UPSTREAM_MALFORMED, "", ""},
    {200, "", "{\"items\":[],\"hasMore\":false}", ERR_UPSTREAM_MALFORMED, "", ""},
    {200, "application/jsonp", "{\"items\":[],\"hasMore\":false}",
     ERR_UPSTREAM_MALFORMED, "", ""},
    {200, "application/json", "{\"items\":[],\"hasMore\":false}x",
     ERR_UPSTREAM_MALFORMED, "", ""},
    /* an error inside a success */
    {200, "application/json",
     "{\"error\":{\"code\":\"RCRD_DSNT_EXIST\",\"message\":\"That record does not "
     "exist.\"}}",
     ERR_NOT_FOUND, "RCRD_DSNT_EXIST", "That record does not exist."},
    {200, WORLD_ERROR,
     REST(RFC9110 "2", "Unauthorized", "401", "Invalid login attempt.", "INVALID_LOGIN",
          ""),
     ERR_NEEDS_REAUTH, "INVALID_LOGIN", "Invalid login attempt."},
};

static const struct refusal loads[] = {
    /* as Oracle's help prints it: another code beside the details */
    {429, WORLD_ERROR,
     "{\"type\":\"" RFC2616 "1\",\"title\":\"Bad Request\",\"status\":429,"
     "\"o:errorDetails\":[{\"detail\":\"Concurrent request limit exceeded. Request "
     "blocked.\",\"o:errorCode\":\"CONCURRENCY_LIMIT_EXCEEDED\"}],"
     "\"o:errorCode\":\"USER_ERROR\"}",
     ERR_RATE_LIMITED, "CONCURRENCY_LIMIT_EXCEEDED",
     "Concurrent request limit exceeded. Request blocked."},
    {400, WORLD_ERROR,
     "{\"title\":\"Bad "
     "Request\",\"status\":400,\"o:errorDetails\":[{\"detail\":\"No.\","
     "\"o:errorCode\":\"USER_ERROR\"}],\"o:errorCode\":\"CONCURRENCY_LIMIT_EXCEEDED\"}",
     ERR_RATE_LIMITED, "CONCURRENCY_LIMIT_EXCEEDED", "No."},
    {400, "application/json; charset=UTF-8",
     "{\"error\":{\"code\":\"SSS_REQUEST_LIMIT_EXCEEDED\",\"message\":\"Request Limit "
     "Exceeded!\"}}",
     ERR_RATE_LIMITED, "SSS_REQUEST_LIMIT_EXCEEDED", "Request Limit Exceeded!"},
    {429, "text/plain", "slow down", ERR_RATE_LIMITED, "", ""},
};

static void expect(const struct world *world, const struct refusal *refusal)
{
    struct arena *arena = arena_new();
    struct op op = world_op(world, arena, "list_all_netsuite_invoices", NULL, NULL, 25);

    assert_int_equal(world->connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
    assert_int_equal(
        world_answer(world, &op, refusal->status, refusal->type, refusal->body),
        CONNECTOR_FAILED);
    if (op.fault.err != refusal->err) {
        fail_msg("%d %s became %s", refusal->status, refusal->body,
                 err_code(op.fault.err));
    }
    assert_slice(op.fault.upstream.code, refusal->code);
    assert_slice(op.fault.upstream.message, refusal->message);
    assert_int_equal(op.fault.upstream.status, refusal->status);
    assert_slice(op.fault.upstream.request_id, "d3b07384-0001");
    assert_true(op.rate_limited == (refusal->err == ERR_RATE_LIMITED));
    assert_true(err_is_tool_code(op.fault.err));
    assert_null(op.result.records);
    arena_free(arena);
}

static void test_each_refusal_becomes_one_of_our_words(void **state)
{
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        expect(&world, &refusals[i]);
    }
    world_free(&world);
}

static void test_every_shape_of_the_concurrency_refusal_is_known(void **state)
{
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        expect(&world, &loads[i]);
    }
    world_free(&world);
}

static struct op answer_with(const struct world *world, int status,
                             const struct op_field *fields, size_t count,
                             struct slice body)
{
    struct op op =
        world_op(world, world->arena, "list_all_netsuite_invoices", NULL, NULL, 25);
    struct op_response response = {
        .status = status, .fields = fields, .field_count = count, .body = body};

    assert_int_equal(world->connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
    assert_int_equal(world->connector->on_response(&op, op.tool->plan, &response),
                     CONNECTOR_FAILED);
    return op;
}

static void test_retry_after_is_taken_in_seconds_and_capped(void **state)
{
    static const struct {
        struct slice value;
        long seconds;
    } cases[] = {
        {{"7", 1}, 7},
        {{" 30 ", 4}, 30},
        {{"999999999", 9}, 3600},
        {{"-1", 2}, 0},
        {{"1.5", 3}, 0},
        {{"Fri, 20 Nov 2026 09:30:00 GMT", 29}, 0},
        {{"99999999999999999999999", 23}, 0},
    };
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op_field field = {SLICE("retry-after"), cases[i].value};
        struct op op = answer_with(&world, 429, &field, 1, SLICE_EMPTY);
        assert_true(op.rate_limited);
        assert_int_equal(op.retry_after_s, cases[i].seconds);
        assert_int_equal(op.fault.retry_after_s, cases[i].seconds);
    }
    world_free(&world);
}

static void test_a_cause_is_named_where_netsuite_names_one(void **state)
{
    struct world world = world_new();
    struct op_field type = {SLICE("content-type"), SLICE("application/json")};
    struct op op = answer_with(&world, 401, NULL, 0, SLICE_EMPTY);

    (void)state;
    assert_int_equal(op.fault.hint.len, 0); /* the scheme has the probable ones */
    op = answer_with(
        &world, 401, &type, 1,
        SLICE("{\"error\":{\"code\":\"TWO_FA_REQD\",\"message\":\"Second factor\"}}"));
    assert_int_equal(op.fault.err, ERR_NEEDS_REAUTH);
    assert_true(slice_find(op.fault.hint, '.') > 0);
    assert_non_null(strstr(arena_copy(world.arena, op.fault.hint), "second factor"));
    world_free(&world);
}

static void test_all_details_are_told_and_the_known_one_decides(void **state)
{
    struct world world = world_new();
    struct op_field type = {SLICE("content-type"), SLICE("application/json")};
    struct op op = answer_with(
        &world, 400, &type, 1,
        SLICE("{\"status\":400,\"title\":\"Bad Request\",\"o:errorDetails\":["
              "{\"detail\":\"One.\",\"o:errorCode\":\"USER_ERROR\"},"
              "{\"detail\":\"Two.\",\"o:errorCode\":\"RCRD_HAS_BEEN_CHANGED\"}]}"));

    (void)state;
    assert_int_equal(op.fault.err, ERR_CONFLICT);
    assert_slice(op.fault.upstream.code, "RCRD_HAS_BEEN_CHANGED");
    assert_slice(op.fault.upstream.message, "One.; Two.");
    world_free(&world);
}

static void test_upstream_text_is_cut_and_without_control_characters(void **state)
{
    struct world world = world_new();
    struct op_field type = {SLICE("content-type"), SLICE("application/json")};
    char body[4000];
    char *end = body;

    (void)state;
    /* A NUL is refused by the parser; the rest has to be made harmless. */
    struct op refused = answer_with(&world, 400, &type, 1,
                                    SLICE("{\"error\":{\"code\":\"A\",\"message\":"
                                          "\"\\u0000\"}}"));
    assert_int_equal(refused.fault.err, ERR_UPSTREAM_MALFORMED);

    end += snprintf(end, 200,
                    "{\"error\":{\"code\":\"A\\nB\",\"message\":\"x\\u001b[31m"
                    "\\u0085\\u007f\\r\\n");
    for (size_t i = 0; i < 300; i++) {
        memcpy(end, "\xe2\x82\xac", 3);
        end += 3;
    }
    memcpy(end, "\"}}", 4);
    struct op op = answer_with(&world, 400, &type, 1, slice_str(body));
    struct slice message = op.fault.upstream.message;
    assert_slice(op.fault.upstream.code, "A B");
    assert_true(message.len <= 500 && message.len > 490);
    assert_memory_equal(message.ptr, "x [31m    \xe2\x82\xac", 13);
    /* Cut between two characters. */
    assert_memory_equal(message.ptr + message.len - 3, "\xe2\x82\xac", 3);
    world_free(&world);
}

static void test_the_request_id_is_either_header_and_plain_text(void **state)
{
    struct world world = world_new();
    struct op_field operation = {SLICE("x-n-operationid"), SLICE("op-\x01 \x7f\xff"
                                                                 "1")};
    struct op op = answer_with(&world, 500, &operation, 1, SLICE_EMPTY);

    (void)state;
    assert_slice(op.fault.upstream.request_id, "op-1");
    op = answer_with(&world, 500, NULL, 0, SLICE_EMPTY);
    assert_int_equal(op.fault.upstream.request_id.len, 0);

    char long_id[300];
    memset(long_id, 'a', sizeof long_id);
    struct op_field job = {SLICE("x-netsuite-jobid"), {long_id, sizeof long_id}};
    op = answer_with(&world, 500, &job, 1, SLICE_EMPTY);
    assert_int_equal(op.fault.upstream.request_id.len, 128);
    world_free(&world);
}

static void test_a_flood_of_details_is_read_up_to_a_ceiling(void **state)
{
    struct world world = world_new();
    struct op_field type = {SLICE("content-type"), SLICE("application/json")};
    struct slice body = SLICE("{\"o:errorDetails\":[");

    (void)state;
    for (size_t i = 0; i < 50; i++) {
        body = arena_printf(world.arena, "%.*s%s{\"detail\":\"d%zu\"}", SLICE_ARG(body),
                            i > 0 ? "," : "", i);
    }
    body = arena_printf(world.arena, "%.*s]}", SLICE_ARG(body));
    struct op op = answer_with(&world, 422, &type, 1, body);
    assert_int_equal(op.fault.err, ERR_VALIDATION_FAILED);
    assert_slice(op.fault.upstream.message, "d0; d1; d2; d3; d4; d5; d6; d7");
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_refusal_becomes_one_of_our_words),
        cmocka_unit_test(test_every_shape_of_the_concurrency_refusal_is_known),
        cmocka_unit_test(test_retry_after_is_taken_in_seconds_and_capped),
        cmocka_unit_test(test_a_cause_is_named_where_netsuite_names_one),
        cmocka_unit_test(test_all_details_are_told_and_the_known_one_decides),
        cmocka_unit_test(test_upstream_text_is_cut_and_without_control_characters),
        cmocka_unit_test(test_the_request_id_is_either_header_and_plain_text),
        cmocka_unit_test(test_a_flood_of_details_is_read_up_to_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
