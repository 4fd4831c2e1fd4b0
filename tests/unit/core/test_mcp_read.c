/* SPDX-License-Identifier: Apache-2.0 */
/* The validation ladder, rung by rung, and the two eras on one URL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/limits.h"
#include "core/mcp_read.h"

#define META                                                                 \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"

struct rung {
    const char *body, *version, *method, *name;
    enum err err;
    int http_status;
    const char *says; /* contained in the message */
};

static struct mcp_headers headers_of(const struct rung *rung)
{
    return (struct mcp_headers){
        .version = slice_str(rung->version),
        .method = slice_str(rung->method),
        .name = slice_str(rung->name),
        .has_version = rung->version != NULL,
        .has_method = rung->method != NULL,
        .has_name = rung->name != NULL,
    };
}

static enum err read_rung(const struct rung *rung, struct arena *arena,
                          struct mcp_message *out, struct mcp_refusal *refusal)
{
    struct jval *body = NULL;
    struct mcp_headers headers = headers_of(rung);
    assert_int_equal(jval_parse(arena, slice_str(rung->body), &body, NULL), ERR_OK);
    return mcp_read(&headers, body, arena, out, refusal);
}

static void test_each_rung_answers_with_its_own_status_and_code(void **state)
{
    static const struct rung rungs[] = {
        {"5", NULL, NULL, NULL, ERR_BAD_REQUEST, 400, "object"},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", NULL, NULL, NULL,
         ERR_BAD_REQUEST, 400, "id must be"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", NULL, NULL, NULL,
         ERR_BAD_REQUEST, 400, "id must be"},
        {"{\"id\":1,\"method\":\"ping\"}", NULL, NULL, NULL, ERR_BAD_REQUEST, 400,
         "jsonrpc"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1}", NULL, NULL, NULL, ERR_BAD_REQUEST, 400,
         "method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", "2026-07-28", NULL, NULL,
         ERR_BAD_REQUEST, 400, "responses"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}", "2026-07-28",
         "tools/list", NULL, ERR_INVALID_ARGUMENTS, 400, "protocolVersion"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
         "list\",\"params\":{\"_meta\":{"
         "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}}",
         "2026-07-28", "tools/list", NULL, ERR_INVALID_ARGUMENTS, 400,
         "clientCapabilities"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" META
         "}}",
         NULL, "tools/list", NULL, ERR_HEADER_MISMATCH, 400, "MCP-Protocol-Version"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" META
         "}}",
         "2025-11-25", "tools/list", NULL, ERR_HEADER_MISMATCH, 400, "does not match"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" META
         "}}",
         "2026-07-28", NULL, NULL, ERR_HEADER_MISMATCH, 400, "Mcp-Method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" META
         "}}",
         "2026-07-28", "tools/call", NULL, ERR_HEADER_MISMATCH, 400, "Mcp-Method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
         "call\",\"params\":{\"name\":\"a\"," META "}}",
         "2026-07-28", "tools/call", NULL, ERR_HEADER_MISMATCH, 400, "Mcp-Name"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
         "call\",\"params\":{\"name\":\"a\"," META "}}",
         "2026-07-28", "tools/call", "b", ERR_HEADER_MISMATCH, 400, "Mcp-Name"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
         "call\",\"params\":{\"name\":\"a\"," META "}}",
         "2026-07-28", "tools/call", "=?base64?YQ?=", ERR_HEADER_MISMATCH, 400,
         "decoded"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}", "2026-07-28", NULL,
         NULL, ERR_HEADER_MISMATCH, 400, "initialize"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", "1999-01-01", NULL, NULL,
         ERR_BAD_REQUEST, 400, "Unsupported"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":[]}", NULL, NULL,
         NULL, ERR_INVALID_ARGUMENTS, 200, "params"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rungs / sizeof rungs[0]; i++) {
        struct arena *arena = arena_new();
        struct mcp_message message;
        struct mcp_refusal refusal;
        enum err err = read_rung(&rungs[i], arena, &message, &refusal);
        if (err != rungs[i].err || refusal.http_status != rungs[i].http_status) {
            fail_msg("rung %zu: err %d, HTTP %d", i, (int)err, refusal.http_status);
        }
        struct slice said = arena_slice(arena, refusal.message);
        if (strstr(said.ptr, rungs[i].says) == NULL) {
            fail_msg("rung %zu says %s", i, said.ptr);
        }
        arena_free(arena);
    }
}

static void test_an_unknown_modern_version_names_what_is_supported(void **state)
{
    (void)state;
    struct rung rung = {
        "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"tools/list\",\"params\":{"
        "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2027-01-01\","
        "\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
        "2027-01-01",
        "tools/list",
        NULL,
        ERR_VERSION,
        400,
        ""};
    struct arena *arena = arena_new();
    struct mcp_message message;
    struct mcp_refusal refusal;

    assert_int_equal(read_rung(&rung, arena, &message, &refusal), ERR_VERSION);

    assert_true(slice_is(
        refusal.data, "{\"supported\":[\"2026-07-28\"],\"requested\":\"2027-01-01\"}"));
    assert_true(slice_is(refusal.id->text, "8"));
    arena_free(arena);
}

static void test_a_bare_request_is_legacy(void **state)
{
    (void)state;
    struct rung rung = {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}",
                        NULL,
                        NULL,
                        NULL,
                        ERR_OK,
                        200,
                        ""};
    struct arena *arena = arena_new();
    struct mcp_message message;
    struct mcp_refusal refusal;

    assert_int_equal(read_rung(&rung, arena, &message, &refusal), ERR_OK);

    assert_int_equal(message.version, MCP_2025_03_26);
    assert_int_equal(message.kind, MCP_REQUEST);
    arena_free(arena);
}

static void test_legacy_requests_may_carry_mirror_headers_unchecked(void **state)
{
    (void)state;
    struct rung rung = {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}",
                        NULL,
                        "something",
                        "else",
                        ERR_OK,
                        200,
                        ""};
    struct arena *arena = arena_new();
    struct mcp_message message;
    struct mcp_refusal refusal;

    assert_int_equal(read_rung(&rung, arena, &message, &refusal), ERR_OK);

    assert_false(mcp_is_modern(&message));
    arena_free(arena);
}

static void test_initialize_inside_a_modern_envelope_is_modern(void **state)
{
    (void)state;
    struct rung rung = {
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{" META
        "}}",
        "2026-07-28",
        "initialize",
        NULL,
        ERR_OK,
        200,
        ""};
    struct arena *arena = arena_new();
    struct mcp_message message;
    struct mcp_refusal refusal;

    assert_int_equal(read_rung(&rung, arena, &message, &refusal), ERR_OK);

    assert_true(mcp_is_modern(&message)); /* whose dispatcher has no such method: 404 */
    arena_free(arena);
}

static void test_a_base64_name_is_decoded_before_it_is_compared(void **state)
{
    (void)state;
    struct rung rung = {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
                        "call\",\"params\":{\"name\":\"\u00e6\"," META "}}",
                        "2026-07-28",
                        "tools/call",
                        "=?base64?w6Y=?=",
                        ERR_OK,
                        200,
                        ""};
    struct arena *arena = arena_new();
    struct mcp_message message;
    struct mcp_refusal refusal;

    assert_int_equal(read_rung(&rung, arena, &message, &refusal), ERR_OK);
    arena_free(arena);
}

static void test_ids_keep_their_type_and_digits(void **state)
{
    (void)state;
    static const char *const ids[] = {"0", "-7", "9223372036854775808", "\"probe-1\""};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct arena *arena = arena_new();
        struct slice body = arena_printf(
            arena, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\"}", ids[i]);
        struct rung rung = {body.ptr, NULL, NULL, NULL, ERR_OK, 200, ""};
        struct mcp_message message;
        struct mcp_refusal refusal;

        assert_int_equal(read_rung(&rung, arena, &message, &refusal), ERR_OK);

        bool text = ids[i][0] == '"';
        assert_int_equal(message.id->type, text ? JVAL_STRING : JVAL_NUMBER);
        assert_true(slice_is(message.id->text, text ? "probe-1" : ids[i]));
        arena_free(arena);
    }
}

static void test_ids_and_progress_tokens_have_a_ceiling(void **state)
{
    (void)state;
    struct mcp_message message;
    struct mcp_refusal refusal;
    for (size_t over = 0; over < 2; over++) {
        struct arena *arena = arena_new();
        char digits[LIMIT_RPC_ID_BYTES + 2] = {0};
        memset(digits, '7', LIMIT_RPC_ID_BYTES + over);
        struct slice with_id = arena_printf(
            arena, "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"ping\"}", digits);
        struct slice with_token =
            arena_printf(arena,
                         "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":"
                         "{\"_meta\":{\"progressToken\":\"%s\"}}}",
                         digits);
        struct rung id_rung = {with_id.ptr, NULL, NULL, NULL, ERR_OK, 200, ""};
        struct rung token_rung = {with_token.ptr, NULL, NULL, NULL, ERR_OK, 200, ""};

        assert_int_equal(read_rung(&id_rung, arena, &message, &refusal),
                         over == 0 ? ERR_OK : ERR_BAD_REQUEST);
        assert_int_equal(refusal.id == NULL, over == 1);
        assert_int_equal(read_rung(&token_rung, arena, &message, &refusal), ERR_OK);
        assert_int_equal(message.progress_token == NULL, over == 1);
        arena_free(arena);
    }
}

static enum err check_batch(const char *body, const char *version)
{
    struct arena *arena = arena_new();
    struct rung rung = {body, version, NULL, NULL, ERR_OK, 0, ""};
    struct mcp_headers headers = headers_of(&rung);
    struct mcp_refusal refusal;
    struct jval *json = NULL;
    assert_int_equal(jval_parse(arena, slice_str(body), &json, NULL), ERR_OK);
    enum err err = mcp_check_batch(&headers, json, &refusal);
    arena_free(arena);
    return err;
}

static void test_batches_belong_to_one_old_revision(void **state)
{
    (void)state;
    const char *one = "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]";
    assert_int_equal(check_batch(one, NULL), ERR_OK);
    assert_int_equal(check_batch(one, "2025-03-26"), ERR_OK);
    assert_int_equal(check_batch(one, "2025-06-18"), ERR_BAD_REQUEST);
    assert_int_equal(check_batch(one, "2026-07-28"), ERR_BAD_REQUEST);
    assert_int_equal(check_batch("[]", NULL), ERR_BAD_REQUEST);
    assert_int_equal(check_batch("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\","
                                 "\"params\":{" META "}}]",
                                 NULL),
                     ERR_BAD_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_rung_answers_with_its_own_status_and_code),
        cmocka_unit_test(test_an_unknown_modern_version_names_what_is_supported),
        cmocka_unit_test(test_a_bare_request_is_legacy),
        cmocka_unit_test(test_legacy_requests_may_carry_mirror_headers_unchecked),
        cmocka_unit_test(test_initialize_inside_a_modern_envelope_is_modern),
        cmocka_unit_test(test_a_base64_name_is_decoded_before_it_is_compared),
        cmocka_unit_test(test_ids_keep_their_type_and_digits),
        cmocka_unit_test(test_ids_and_progress_tokens_have_a_ceiling),
        cmocka_unit_test(test_batches_belong_to_one_old_revision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
