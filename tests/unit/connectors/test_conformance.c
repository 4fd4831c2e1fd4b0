/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts: what is refused when the catalog loads, and how they play. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "connectors/conformance/conformance.h"

#define CONTENT "\"content\":[{\"type\":\"text\",\"text\":\"x\"}]"
#define FORM                                                                        \
    "{\"request\":{\"method\":\"elicitation/create\",\"params\":{\"requestedSchema" \
    "\":{\"type\":\"object\",\"required\":[\"ok\"]}}}}"

static struct jval *json(struct arena *arena, const char *text)
{
    struct jval *value = NULL;
    assert_int_equal(jval_parse(arena, slice_str(text), &value, NULL), ERR_OK);
    return value;
}

static const struct tool content_tool = {.name = {"t", 1}, .answers_content = true};
static const struct tool record_tool = {.name = {"t", 1}};
static const struct tool starting_tool = {.name = {"t", 1}, .poll_tool = {"p", 1}};
static const struct tool asking_tool = {.name = {"p", 1}, .polls = true};

static void assert_refused(const struct tool *tool, const char *upstream,
                           const char *pointer, const char *says)
{
    struct arena *arena = arena_new();
    struct schema_problem problem = {SLICE_EMPTY, SLICE_EMPTY};
    const void *plan = NULL;
    assert_int_equal(conformance_connector.compile(arena, json(arena, upstream), tool,
                                                   &plan, &problem),
                     ERR_UNPROCESSABLE);
    const char *message = arena_copy(arena, problem.message);
    if (!slice_is(problem.pointer, pointer) || strstr(message, says) == NULL) {
        fail_msg("%s: %.*s: %s", upstream, SLICE_ARG(problem.pointer), message);
    }
    arena_free(arena);
}

static void test_mistakes_of_a_script_are_named(void **state)
{
    (void)state;
    assert_refused(NULL, "{" CONTENT "}", "", "no login");
    assert_refused(&content_tool, "{}", "/content", "goes together");
    assert_refused(&record_tool, "{" CONTENT "}", "/content", "goes together");
    assert_refused(&record_tool, "{}", "", "nothing that it answers");
    assert_refused(&content_tool, "{" CONTENT ",\"contents\":[]}", "/contents",
                   "not known");
    assert_refused(&content_tool, "{\"content\":{}}", "/content", "must be an array");
    assert_refused(&content_tool, "{\"content\":[5]}", "/content/0",
                   "must be an object");
    assert_refused(&content_tool, "{" CONTENT ",\"error\":\"bad_request\"}", "/error",
                   "name of a tool error");
    assert_refused(&content_tool, "{\"content\":[{\"text\":\"a {/args/x}\"}]}",
                   "/content/0/text", "a hole is");
    assert_refused(&content_tool, "{\"content\":[{\"text\":\"a {/arguments/x\"}]}",
                   "/content/0/text", "a hole is");
    assert_refused(&content_tool, "{" CONTENT ",\"steps\":[{\"progress\":1}]}",
                   "/steps/0/wait_ms", "is required");
    assert_refused(&content_tool,
                   "{" CONTENT ",\"steps\":[{\"progress\":1,\"wait_ms\":1001}]}",
                   "/steps/0/wait_ms", "at most 1000");
    assert_refused(&content_tool,
                   "{" CONTENT ",\"rounds\":[{\"k\":{\"request\":{\"method\":\"tools/"
                   "list\",\"params\":{}}}}]}",
                   "/rounds/0/k/request/method", "must be one of");
    assert_refused(&content_tool,
                   "{" CONTENT ",\"rounds\":[{\"k\":{\"request\":{\"method\":"
                   "\"elicitation/create\",\"params\":{}}}}]}",
                   "/rounds/0/k/request/params/requestedSchema", "a form needs one");
    assert_refused(
        &content_tool,
        "{" CONTENT ",\"rounds\":[{\"k\":{\"request\":{\"method\":"
        "\"elicitation/create\",\"params\":{\"requestedSchema\":{\"typ\":1}}}"
        "}}]}",
        "/rounds/0/k/request/params/requestedSchema/typ", "not supported");
    assert_refused(&content_tool,
                   "{" CONTENT ",\"rounds\":[{\"a\":" FORM "},{\"b\":" FORM "}]}",
                   "/state", "more than one round");
    assert_refused(&starting_tool, "{}", "/job", "goes together");
    assert_refused(&asking_tool,
                   "{\"job\":{\"running\":1,\"retry_after_s\":1,\"record\":{}}}",
                   "/job", "goes together");
}

/* ---- Playing ---- */

struct stage {
    struct arena *arena;
    const void *plan;
    struct op op;
};

static struct stage stage_new(const struct tool *tool, const char *upstream,
                              const char *arguments)
{
    struct stage stage = {.arena = arena_new()};
    struct schema_problem problem;
    assert_int_equal(conformance_connector.compile(stage.arena,
                                                   json(stage.arena, upstream), tool,
                                                   &stage.plan, &problem),
                     ERR_OK);
    stage.op = (struct op){.arena = stage.arena,
                           .tool = tool,
                           .query = json(stage.arena, arguments),
                           .input = {.capabilities = jval_new_object(stage.arena, 0)}};
    return stage;
}

static void test_holes_are_filled_with_texts_and_json(void **state)
{
    static const struct {
        const char *text, *filled;
    } cases[] = {
        {"no hole", "no hole"},
        {"{", "{"},
        {"{}", "{}"},
        {"{/arguments/a}", "one"},
        {"<{/arguments/a}{/arguments/a}>", "<oneone>"},
        {"{/arguments/b}", "[1.50,{\\\"c\\\":null}]"},
        {"{/arguments/b/0}", "1.50"},
        {"{/arguments/b/1/c}", "null"},
        {"{/arguments/b/2}.", "."},
        {"{/arguments/b/x}.", "."},
        {"{/arguments/a/x}.", "."},
        {"{/arguments/none}.", "."},
        {"{/responses/none}.", "."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena = arena_new();
        struct slice upstream =
            arena_printf(arena, "{\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}",
                         cases[i].text);
        struct stage s = stage_new(&content_tool, upstream.ptr,
                                   "{\"a\":\"one\",\"b\":[1.50,{\"c\":null}]}");
        assert_int_equal(conformance_connector.begin(&s.op, s.plan), CONNECTOR_DONE);
        struct slice quoted = arena_printf(arena, "\"%s\"", cases[i].filled);
        assert_true(jval_equal(jval_get(&s.op.result.content->items[0], "text"),
                               json(arena, quoted.ptr)));
        arena_free(s.arena);
        arena_free(arena);
    }
}

static void test_steps_are_told_one_after_the_other(void **state)
{
    struct stage s = stage_new(&content_tool,
                               "{" CONTENT ",\"steps\":["
                               "{\"progress\":0,\"total\":2,\"wait_ms\":50},"
                               "{\"progress\":2,\"message\":\"m\",\"wait_ms\":0}]}",
                               "{}");
    (void)state;
    assert_int_equal(conformance_connector.begin(&s.op, s.plan), CONNECTOR_WAIT);
    assert_int_equal(s.op.wait_ms, 50);
    assert_int_equal(s.op.progress.done, 0);
    assert_int_equal(s.op.progress.total, 2);
    assert_int_equal(conformance_connector.resume(&s.op, s.plan), CONNECTOR_WAIT);
    assert_int_equal(s.op.wait_ms, 0);
    assert_int_equal(s.op.progress.done, 2);
    assert_int_equal(s.op.progress.total, 0);
    assert_true(slice_is(s.op.progress.message, "m"));
    assert_int_equal(conformance_connector.resume(&s.op, s.plan), CONNECTOR_DONE);
    assert_non_null(s.op.result.content);
    arena_free(s.arena);
}

static void test_a_job_runs_as_often_as_its_script_says(void **state)
{
    struct stage s = stage_new(&starting_tool,
                               "{\"job\":{\"running\":2,\"retry_after_s\":7,\"record\":"
                               "{\"text\":\"{/arguments/a}\"}}}",
                               "{\"a\":\"one\"}");
    (void)state;
    assert_int_equal(conformance_connector.begin(&s.op, s.plan), CONNECTOR_DONE);
    assert_int_equal(s.op.result.job.status, OP_JOB_ACCEPTED);
    struct slice words = s.op.result.job.words;
    static const enum op_job_status then[] = {OP_JOB_RUNNING, OP_JOB_RUNNING,
                                              OP_JOB_COMPLETE};
    for (size_t i = 0; i < sizeof then / sizeof then[0]; i++) {
        struct stage asked = stage_new(&asking_tool, "{}", "{}");
        asked.op.arena = s.arena;
        asked.op.job = words;
        assert_int_equal(conformance_connector.begin(&asked.op, asked.plan),
                         CONNECTOR_DONE);
        assert_int_equal(asked.op.result.job.status, then[i]);
        if (then[i] == OP_JOB_RUNNING) {
            assert_int_equal(asked.op.result.job.retry_after_s, 7);
            words = asked.op.result.job.words;
        } else {
            assert_true(slice_is(
                jval_text(jval_get(&asked.op.result.records->items[0], "text")),
                "one"));
        }
        arena_free(asked.arena);
    }
    arena_free(s.arena);
}

static void test_an_empty_connection_is_the_only_one(void **state)
{
    static const char *const wrong[] = {"{\"a\":1}", "[]", "null", "\"x\""};
    struct arena *arena = arena_new();
    struct op_target target;
    struct fault fault = {.err = ERR_OK};
    (void)state;
    assert_int_equal(
        conformance_connector.connect(arena, arena, json(arena, "{}"), &target, &fault),
        ERR_OK);
    assert_int_equal(target.origin_count, 0);
    assert_true(slice_is(target.lane, "conformance:built-in"));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(conformance_connector.connect(
                             arena, arena, json(arena, wrong[i]), &target, &fault),
                         ERR_UNPROCESSABLE);
        assert_true(slice_is(fault.details[0].pointer, "/connection"));
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes_of_a_script_are_named),
        cmocka_unit_test(test_holes_are_filled_with_texts_and_json),
        cmocka_unit_test(test_steps_are_told_one_after_the_other),
        cmocka_unit_test(test_a_job_runs_as_often_as_its_script_says),
        cmocka_unit_test(test_an_empty_connection_is_the_only_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
