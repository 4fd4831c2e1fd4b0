/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves the server sealed and comes back: opened for the same binding, for as long as it
 * is good, unchanged; and which capability a question needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "core/ask.h"
#include "core/cursor.h"
#include "core/job.h"

#define HOUR_MS (60LL * 60 * 1000)
#define DAY_MS (24 * HOUR_MS)

struct world {
    struct arena *arena;
    struct keys *keys;
    struct vault *vault;
};

static int begin(void **state)
{
    static struct world world;
    struct slice problem;
    world.arena = arena_new();
    assert_int_equal(
        keys_parse(SLICE("{\"signing_key\":\"0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e"
                         "5f60718293a4b5c6d7e8f9\",\"vault_keys\":[{\"id\":\"k1\","
                         "\"key\":\"ffeeddccbbaa99887766554433221100ffeeddccbbaa9988776"
                         "6554433221100\"}]}"),
                   world.arena, &world.keys, &problem),
        ERR_OK);
    world.vault = vault_new(world.keys);
    *state = &world;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    vault_free(w->vault);
    keys_free(w->keys);
    arena_free(w->arena);
    return 0;
}

static const struct jval *json(struct world *w, const char *text)
{
    struct jval *value = NULL;
    assert_int_equal(jval_parse(w->arena, slice_str(text), &value, NULL), ERR_OK);
    return value;
}

static struct split split_of(struct world *w, const char *query)
{
    return (struct split){.path = jval_new_object(w->arena, 0),
                          .query = (struct jval *)(uintptr_t)json(w, query),
                          .body = jval_new_object(w->arena, 0)};
}

/* ---- Sealing ---- */

static void test_the_same_binding_opens_it_until_it_is_too_old(void **state)
{
    struct world *w = *state;
    struct split split = split_of(w, "{\"a\":1}");
    struct sealed_binding binding = {"p", SLICE("mcp_a"), SLICE("tool"), &split, 1000};
    struct slice text, words;
    assert_int_equal(
        sealed_put(w->vault, &binding, 500, SLICE("two words"), w->arena, &text),
        ERR_OK);
    const struct {
        int64_t now_ms;
        enum err err;
    } times[] = {
        {1000, ERR_OK}, {1499, ERR_OK}, {1500, ERR_TIMEOUT}, {9999, ERR_TIMEOUT}};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        binding.now_ms = times[i].now_ms;
        words = SLICE_EMPTY;
        assert_int_equal(sealed_open(w->vault, &binding, text, w->arena, &words),
                         times[i].err);
        assert_true(times[i].err != ERR_OK || slice_is(words, "two words"));
    }
}

static void test_any_other_binding_does_not(void **state)
{
    struct world *w = *state;
    struct split split = split_of(w, "{\"a\":1}"), other = split_of(w, "{\"a\":2}");
    struct split same = split_of(w, "{\"a\":1.0}");
    const struct sealed_binding right = {"p", SLICE("mcp_a"), SLICE("tool"), &split, 1};
    const struct sealed_binding wrong[] = {
        {"q", SLICE("mcp_a"), SLICE("tool"), &split, 1},
        {"p", SLICE("mcp_b"), SLICE("tool"), &split, 1},
        {"p", SLICE("mcp_a"), SLICE("tools"), &split, 1},
        {"p", SLICE("mcp_a"), SLICE("tool"), &other, 1},
        {"p", SLICE("mcp_a"), SLICE("tool"), NULL, 1},
        {"p", SLICE("mcp_at"), SLICE("ool"), &split, 1},
    };
    const struct sealed_binding equal = {"p", SLICE("mcp_a"), SLICE("tool"), &same, 1};
    struct slice text, words;
    assert_int_equal(sealed_put(w->vault, &right, 500, SLICE("x"), w->arena, &text),
                     ERR_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(sealed_open(w->vault, &wrong[i], text, w->arena, &words),
                         ERR_INVALID_ARGUMENTS);
    }
    assert_int_equal(sealed_open(w->vault, &equal, text, w->arena, &words), ERR_OK);
}

static void test_words_that_would_not_be_taken_back_are_not_sealed(void **state)
{
    struct world *w = *state;
    const struct sealed_binding binding = {"p", SLICE("mcp_a"), SLICE("tool"), NULL, 1};
    char *large = arena_alloc(w->arena, LIMIT_SEALED_BYTES);
    struct slice text, words;
    memset(large, 'x', LIMIT_SEALED_BYTES);
    for (size_t len = LIMIT_SEALED_BYTES / 2; len < LIMIT_SEALED_BYTES; len += 97) {
        enum err err =
            sealed_put(w->vault, &binding, 500, slice_of(large, len), w->arena, &text);
        assert_true(err == ERR_OK || err == ERR_TOO_LARGE);
        assert_int_equal(err == ERR_OK, text.len <= LIMIT_SEALED_BYTES);
        if (err == ERR_OK) {
            assert_int_equal(sealed_open(w->vault, &binding, text, w->arena, &words),
                             ERR_OK);
        }
    }
    assert_int_equal(sealed_put(w->vault, &binding, 500,
                                slice_of(large, LIMIT_SEALED_BYTES - 1), w->arena,
                                &text),
                     ERR_TOO_LARGE);
}

/* ---- Cursors, states, ids of long work ---- */

static void test_each_kind_says_what_is_wrong_and_how_long_it_is_good(void **state)
{
    struct world *w = *state;
    struct split split = split_of(w, "{}");
    struct sealed_binding cursor = {CURSOR_PURPOSE, SLICE("m"), SLICE("t"), &split, 0};
    struct sealed_binding ask = {ASK_PURPOSE, SLICE("m"), SLICE("t"), &split, 0};
    const struct tool starts = {.name = SLICE("start"), .poll_tool = SLICE("asks")};
    const struct tool asks = {.name = SLICE("asks"), .polls = true};
    struct sealed_binding started = job_binding(SLICE("m"), &starts, 0);
    struct sealed_binding asked = job_binding(SLICE("m"), &asks, DAY_MS - 1);
    struct slice page, question, job, words;
    struct fault fault = {.err = ERR_OK};
    assert_int_equal(cursor_seal(w->vault, &cursor, SLICE("p"), w->arena, &page),
                     ERR_OK);
    assert_int_equal(ask_seal(w->vault, &ask, SLICE("s"), w->arena, &question), ERR_OK);
    assert_int_equal(job_seal(w->vault, &started, SLICE("j"), w->arena, &job), ERR_OK);

    cursor.now_ms = DAY_MS - 1;
    ask.now_ms = HOUR_MS - 1;
    const struct jval *value = jval_new_string(w->arena, question);
    assert_int_equal(cursor_open(w->vault, &cursor, page, w->arena, &words, &fault),
                     ERR_OK);
    assert_int_equal(ask_open(w->vault, &ask, value, w->arena, &words, &fault), ERR_OK);
    assert_int_equal(job_open(w->vault, &asked, job, w->arena, &words, &fault), ERR_OK);
    assert_true(slice_is(words, "j"));

    cursor.now_ms++;
    ask.now_ms++;
    asked.now_ms++;
    assert_int_equal(cursor_open(w->vault, &cursor, page, w->arena, &words, &fault),
                     ERR_INVALID_ARGUMENTS);
    assert_true(slice_is(fault.details[0].message, "is older than 24 hours"));
    assert_int_equal(ask_open(w->vault, &ask, value, w->arena, &words, &fault),
                     ERR_UNPROCESSABLE);
    assert_int_equal(job_open(w->vault, &asked, job, w->arena, &words, &fault),
                     ERR_INVALID_ARGUMENTS);
    assert_true(slice_is(fault.message, "/poll_id: is older than 24 hours"));
    /* None of them is taken for another. */
    asked.now_ms = 0;
    assert_int_equal(job_open(w->vault, &asked, page, w->arena, &words, &fault),
                     ERR_INVALID_ARGUMENTS);
    assert_true(slice_is(fault.details[0].pointer, "/poll_id"));
}

static void test_the_instruction_names_the_tool_to_ask_with(void **state)
{
    struct world *w = *state;
    const struct tool starts = {.name = SLICE("start_x"), .poll_tool = SLICE("ask_x")};
    const struct tool asks = {.name = SLICE("ask_x"), .polls = true};
    struct slice said = job_instruction(&starts, w->arena);
    assert_non_null(strstr(said.ptr, "Do not call start_x again"));
    assert_non_null(strstr(said.ptr, "call ask_x with this poll_id"));
    assert_non_null(strstr(job_instruction(&asks, w->arena).ptr, "call ask_x"));
}

/* ---- Capabilities ---- */

static void test_what_a_question_needs_has_to_be_declared(void **state)
{
    struct world *w = *state;
    const char *const form =
        "{\"q\":{\"method\":\"elicitation/create\",\"params\":{}}}";
    const char *const url = "{\"q\":{\"method\":\"elicitation/create\","
                            "\"params\":{\"mode\":\"url\"}}}";
    const char *const sampling = "{\"q\":{\"method\":\"sampling/createMessage\"}}";
    const char *const roots = "{\"q\":{\"method\":\"roots/list\"}}";
    const struct {
        const char *questions, *declared, *missing; /* NULL: nothing */
    } cases[] = {
        {form, "{\"elicitation\":{}}", NULL},
        {form, "{\"elicitation\":{\"form\":{}}}", NULL},
        {form, "{\"elicitation\":{\"form\":{},\"url\":{}}}", NULL},
        {form, "{\"elicitation\":{\"url\":{}}}", "{\"elicitation\":{\"form\":{}}}"},
        {form, "{}", "{\"elicitation\":{\"form\":{}}}"},
        {form, "{\"elicitation\":true}", "{\"elicitation\":{\"form\":{}}}"},
        {url, "{\"elicitation\":{\"url\":{}}}", NULL},
        {url, "{\"elicitation\":{}}", "{\"elicitation\":{\"url\":{}}}"},
        {url, "{\"elicitation\":{\"url\":true}}", "{\"elicitation\":{\"url\":{}}}"},
        {sampling, "{\"sampling\":{\"tools\":{}}}", NULL},
        {sampling, "{\"elicitation\":{}}", "{\"sampling\":{}}"},
        {roots, "{\"roots\":{\"listChanged\":true}}", NULL},
        {roots, "{\"sampling\":{}}", "{\"roots\":{}}"},
        {"{}", "{}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct jval *missing = NULL;
        enum err err = ask_check(json(w, cases[i].questions),
                                 json(w, cases[i].declared), w->arena, &missing);
        assert_int_equal(err, cases[i].missing != NULL ? ERR_CAPABILITY : ERR_OK);
        assert_true(cases[i].missing == NULL
                        ? missing == NULL
                        : jval_equal(missing, json(w, cases[i].missing)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_the_same_binding_opens_it_until_it_is_too_old, begin, end),
        cmocka_unit_test_setup_teardown(test_any_other_binding_does_not, begin, end),
        cmocka_unit_test_setup_teardown(
            test_words_that_would_not_be_taken_back_are_not_sealed, begin, end),
        cmocka_unit_test_setup_teardown(
            test_each_kind_says_what_is_wrong_and_how_long_it_is_good, begin, end),
        cmocka_unit_test_setup_teardown(test_the_instruction_names_the_tool_to_ask_with,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_what_a_question_needs_has_to_be_declared,
                                        begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
