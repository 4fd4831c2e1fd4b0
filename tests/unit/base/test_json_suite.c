/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON parsing suite where it is present, and a set of its kind that always is. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/jval.h"
#include "base/limits.h"

#define SUITE "../shared/reference/json-test-suite/test_parsing"

/* Accepted by the suite and refused here on purpose: NUL in a string, duplicate names.
 */
static const char *const stricter[] = {
    "y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json",
    "y_object_escaped_null_in_key.json", "y_string_null_escape.json"};

static const char *const good[] = {"[]",
                                   "{}",
                                   " [ ] ",
                                   "\t{\n}\r",
                                   "0",
                                   "-0",
                                   "1e5",
                                   "1E+5",
                                   "-1.5e-3",
                                   "\"\"",
                                   "true",
                                   "null",
                                   "[1,[2,{\"a\":[]}],\"\\ud834\\udd1e\"]",
                                   "{\"\":0,\"a\":{\"a\":0}}",
                                   "\"\\u0061\\/\\\"\"",
                                   "\"\x7f\"",
                                   "[0.10, 123456789012345678901234567890]"};

static const char *const bad[] = {"",
                                  " ",
                                  "[",
                                  "]",
                                  "{",
                                  "}",
                                  "[1,]",
                                  "[,1]",
                                  "[1 2]",
                                  "{\"a\"}",
                                  "{\"a\":}",
                                  "{\"a\":1,}",
                                  "{a:1}",
                                  "{'a':1}",
                                  "{\"a\" 1}",
                                  "[1}",
                                  "{\"a\":1]",
                                  "01",
                                  "-01",
                                  "-",
                                  "+1",
                                  ".5",
                                  "1.",
                                  "1e",
                                  "1e+",
                                  "0x1",
                                  "1.5.5",
                                  "NaN",
                                  "Infinity",
                                  "-Infinity",
                                  "True",
                                  "nul",
                                  "nulll",
                                  "truefalse",
                                  "\"",
                                  "\"\\\"",
                                  "\"\\x\"",
                                  "\"\\u12\"",
                                  "\"\\u12g4\"",
                                  "\"\\ud800\"",
                                  "\"\\udc00\"",
                                  "\"\\ud800\\u0041\"",
                                  "\"\\u0000\"",
                                  "\"\n\"",
                                  "\"\t\"",
                                  "[1]x",
                                  "1 1",
                                  "{\"a\":1,\"a\":2}",
                                  "{\"a\":1,\"\\u0061\":2}",
                                  "\xef\xbb\xbf[]",
                                  "[\xc3]",
                                  "\"\xff\"",
                                  "\"\xed\xa0\x80\"",
                                  "\"\xc0\xaf\"",
                                  "[1]//",
                                  "[1]/**/",
                                  "\f[]",
                                  "\xc2\xa0[]",
                                  "[1,,2]",
                                  "[\"a\",\n4\n,1,1",
                                  "{\"a\":\"b\"}#",
                                  "\"\\",
                                  "\"\\u",
                                  "\"\\ud834\\u",
                                  "\"a"};

static enum err parse(struct slice text)
{
    struct arena *arena = arena_new();
    struct jval *value = NULL;
    size_t offset = 0;

    enum err err = jval_parse(arena, text, &value, &offset);
    assert_true(offset <= text.len);
    arena_free(arena);
    return err;
}

static void test_small_cases_in_the_tree(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (parse(slice_str(good[i])) != ERR_OK) {
            fail_msg("refused: %s", good[i]);
        }
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse(slice_str(bad[i])) != ERR_PARSE) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
    assert_int_equal(parse(slice_of("[1\0]", 4)), ERR_PARSE);
    assert_int_equal(parse(slice_of("[1]\0", 4)), ERR_PARSE);
    assert_int_equal(parse(slice_of("\"a\0b\"", 5)), ERR_PARSE);
    assert_int_equal(parse(slice_of("\0", 1)), ERR_PARSE);
}

static bool is_stricter(const char *name)
{
    for (size_t i = 0; i < sizeof(stricter) / sizeof(stricter[0]); i++) {
        if (strcmp(name, stricter[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The file's text as an exact heap block, so that a read past its end is seen. */
static struct slice load(const char *name)
{
    char path[512];

    (void)snprintf(path, sizeof(path), SUITE "/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long bytes = ftell(file);
    assert_true(bytes >= 0);
    rewind(file);
    char *text = malloc((size_t)bytes);
    assert_true(text != NULL || bytes == 0);
    assert_int_equal(fread(text, 1, (size_t)bytes, file), bytes);
    (void)fclose(file);
    return (struct slice){text, (size_t)bytes};
}

/* 'y' to be accepted, 'n' to be refused, 'i' free. */
static char wanted(const char *name)
{
    return is_stricter(name) ? 'n' : name[0];
}

static void test_the_parsing_suite(void **state)
{
    DIR *folder = opendir(SUITE);
    size_t files = 0, free_choice = 0;
    (void)state;

    if (folder == NULL) {
        print_message("skipped: the JSON parsing suite is not at " SUITE "\n");
        skip();
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        struct slice text = load(entry->d_name);
        bool accepted = parse(slice_of(text.ptr, text.len)) == ERR_OK;
        char want = wanted(entry->d_name);
        free((void *)(uintptr_t)text.ptr);
        if ((want == 'y' && !accepted) || (want == 'n' && accepted)) {
            fail_msg("%s: %s", accepted ? "accepted" : "refused", entry->d_name);
        }
        files++;
        free_choice += want == 'i';
    }
    (void)closedir(folder);
    print_message(
        "%zu files, of which %zu may go either way; refused on purpose: %zu\n", files,
        free_choice, sizeof(stricter) / sizeof(stricter[0]));
    assert_true(files > 300);
}

/* The suite's one file that is generated for its size. */
static void test_fifty_thousand_open_arrays_with_objects(void **state)
{
    static const char unit[] = "[{\"\":";
    size_t bytes = sizeof(unit) - 1;
    char *text = malloc(bytes * 50000 + 1);
    (void)state;
    assert_non_null(text);

    for (size_t i = 0; i < 50000; i++) {
        memcpy(text + i * bytes, unit, bytes);
    }
    text[bytes * 50000] = '\n';

    assert_int_equal(parse(slice_of(text, bytes * 50000 + 1)), ERR_TOO_LARGE);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_cases_in_the_tree),
        cmocka_unit_test(test_the_parsing_suite),
        cmocka_unit_test(test_fifty_thousand_open_arrays_with_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
