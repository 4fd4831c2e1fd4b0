/* SPDX-License-Identifier: Apache-2.0 */
/* The log: its lines are JSON, and nothing but checked words and numbers gets into
 * them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/jval.h"
#include "base/log.h"

#define TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct fixture {
    struct clock_fake time;
    struct clock clock;
    struct log log;
    atomic_ullong dropped;
    struct arena *arena;
    int read_fd;
    char text[4096];
};

static void set_up(struct fixture *f)
{
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    f->time = (struct clock_fake){0, 1795167000123};
    f->clock = clock_from_fake(&f->time);
    atomic_init(&f->dropped, 0);
    f->log = (struct log){
        .fd = fds[1], .level = LOG_DEBUG, .clock = &f->clock, .dropped = &f->dropped};
    f->read_fd = fds[0];
    f->arena = arena_new();
}

static void tear_down(struct fixture *f)
{
    (void)close(f->read_fd);
    (void)close(f->log.fd);
    arena_free(f->arena);
}

/* What was written since the last look. */
static struct slice written(struct fixture *f)
{
    ssize_t got = read(f->read_fd, f->text, sizeof(f->text));
    return slice_of(f->text, got > 0 ? (size_t)got : 0);
}

static const struct jval *parsed(struct fixture *f, struct slice line)
{
    struct jval *value = NULL;

    assert_true(line.len > 0 && line.ptr[line.len - 1] == '\n');
    assert_int_equal(
        jval_parse(f->arena, slice_of(line.ptr, line.len - 1), &value, NULL), ERR_OK);
    return value;
}

static void test_a_page_is_written_as_one_piece(void **state)
{
    struct fixture f;
    struct log_page page = {0};
    (void)state;
    set_up(&f);

    log_keep(&f.log, &page, LOG_INFO, "one", LOG_INT(count, 1));
    log_keep(&f.log, &page, LOG_INFO, "two", LOG_INT(count, 2));
    assert_int_equal(written(&f).len, 0);
    log_flush(&f.log, &page);
    struct slice both = arena_slice(f.arena, written(&f));
    log_event(&f.log, LOG_INFO, "one", LOG_INT(count, 1));
    log_event(&f.log, LOG_INFO, "two", LOG_INT(count, 2));

    assert_true(slice_eq(both, written(&f)));
    log_flush(&f.log, &page);
    assert_int_equal(written(&f).len, 0);
    f.log.level = LOG_WARN;
    log_keep(&f.log, &page, LOG_INFO, "three", LOG_INT(count, 3));
    assert_int_equal(page.len, 0);
    tear_down(&f);
}

static void test_a_full_page_is_written_before_it_goes_on(void **state)
{
    struct fixture f;
    struct log_page page = {0};
    unsigned seen = 0, kept = 0;
    (void)state;
    set_up(&f);

    while (seen == 0) {
        struct slice text;
        log_keep(&f.log, &page, LOG_INFO, "line", LOG_INT(count, kept));
        kept++;
        for (text = written(&f); text.len > 0; seen++) {
            size_t end = (size_t)slice_find(text, '\n') + 1;
            long long count = -1;
            const struct jval *line = parsed(&f, slice_of(text.ptr, end));
            assert_true(jval_int64(jval_get(line, "count"), &count) && count == seen);
            text = slice_from(text, end);
        }
    }
    assert_int_equal(seen, kept - 1);
    assert_int_equal(page.lines, 1);
    tear_down(&f);
}

static void test_lost_lines_of_a_page_are_counted(void **state)
{
    struct fixture f;
    struct log_page page = {0};
    (void)state;
    set_up(&f);

    log_keep(&f.log, &page, LOG_INFO, "one", LOG_INT(count, 1));
    log_keep(&f.log, &page, LOG_INFO, "two", LOG_INT(count, 2));
    struct log broken = f.log;
    broken.fd = -1;
    log_flush(&broken, &page);

    assert_int_equal(atomic_load(&f.dropped), 2);
    assert_int_equal(page.len, 0);
    tear_down(&f);
}

static void test_a_line_carries_time_level_event_and_fields(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);

    log_event(&f.log, LOG_WARN, "call_done", LOG_INT(duration_us, 1234),
              LOG_WORD(outcome, "ok"), LOG_ID(account, SLICE("acc_2a:b.c-D")),
              LOG_PATH(file, SLICE("catalog/x-1_~.json")), LOG_INT(signal, INT64_MIN));

    struct slice line = written(&f);
    assert_true(slice_is(line,
                         "{\"time\":\"2026-11-20T09:30:00.123Z\",\"level\":\"warn\","
                         "\"event\":\"call_done\",\"duration_us\":1234,"
                         "\"outcome\":\"ok\",\"account\":\"acc_2a:b.c-D\","
                         "\"file\":\"catalog/x-1_~.json\","
                         "\"signal\":-9223372036854775808}\n"));
    (void)parsed(&f, line);
    tear_down(&f);
}

static void test_ids_with_foreign_characters_or_tokens_do_not_come_out(void **state)
{
    static const char *const hostile[] = {
        "MARKER invoice 42",
        "MARKER\"",
        "MARKER\\",
        "MARKER\n{}",
        "MARKER/x",
        "M\xc3\xa4RKER",
        "MARKER@x.example",
        "MARKER=1",
        "MARKER,2",
        "MARKER\x7f",
        "MARKER?",
        TOKEN,
        "",
        ("mcp/" TOKEN),
        "MARKER_MARKER_MARKER_MARKER_MARKER_MARKER_MARKER_x"};
    struct fixture f;
    (void)state;
    set_up(&f);

    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        log_event(&f.log, LOG_INFO, "probe", LOG_ID(tool, slice_str(hostile[i])),
                  LOG_NAME(reason, hostile[i]));
        const struct jval *line = parsed(&f, written(&f));
        assert_true(slice_is(jval_text(jval_get(line, "tool")), "?"));
        assert_true(slice_is(jval_text(jval_get(line, "reason")), "?"));
    }
    tear_down(&f);
}

static void test_a_path_lets_no_url_token_out(void **state)
{
    static const char *const hostile[] = {("/mcp/" TOKEN), TOKEN,   "a b",       "a\"b",
                                          "a\nb",          "x?y=1", "/\xc3\xa4", "a:b"};
    struct fixture f;
    char longest[300];
    (void)state;
    set_up(&f);

    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        log_event(&f.log, LOG_INFO, "probe", LOG_PATH(file, slice_str(hostile[i])));
        assert_true(
            slice_is(jval_text(jval_get(parsed(&f, written(&f)), "file")), "?"));
    }
    memset(longest, 'p', sizeof(longest));
    log_event(&f.log, LOG_INFO, "probe", LOG_PATH(file, slice_of(longest, 255)));
    assert_int_equal(jval_text(jval_get(parsed(&f, written(&f)), "file")).len, 255);
    log_event(&f.log, LOG_INFO, "probe", LOG_PATH(file, slice_of(longest, 256)));
    assert_int_equal(jval_text(jval_get(parsed(&f, written(&f)), "file")).len, 1);
    tear_down(&f);
}

static void test_lines_below_the_level_are_dropped(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);
    f.log.level = LOG_WARN;

    log_event(&f.log, LOG_INFO, "quiet", LOG_INT(count, 1));
    assert_int_equal(written(&f).len, 0);
    log_event(&f.log, LOG_ERROR, "loud", LOG_INT(count, 1));
    assert_true(written(&f).len > 0);
    tear_down(&f);
}

static void test_a_line_never_passes_its_ceiling_and_stays_json(void **state)
{
    struct fixture f;
    struct log_field fields[LOG_KEY_COUNT + 1];
    char text[255];
    (void)state;
    set_up(&f);
    memset(text, 'v', sizeof(text));
    memset(fields, 0, sizeof(fields));

    for (size_t len = 1; len <= sizeof(text); len++) {
        for (int i = 0; i < LOG_KEY_COUNT; i++) {
            fields[i] = (struct log_field){LOG_KIND_PATH, (enum log_key)i, 0,
                                           slice_of(text, len)};
        }
        log_write(&f.log, LOG_INFO, "many", fields);
        struct slice line = written(&f);
        assert_true(line.len <= 2048);
        assert_true(len < 100 || line.len > 1700);
        (void)parsed(&f, line);
    }
    tear_down(&f);
}

static void test_a_line_that_cannot_be_written_is_counted(void **state)
{
    struct fixture f;
    struct log closed;
    (void)state;
    set_up(&f);
    closed = f.log;
    closed.fd = -1;

    log_event(&closed, LOG_INFO, "lost", LOG_INT(count, 1));
    assert_int_equal(atomic_load(&f.dropped), 1);
    closed.dropped = NULL;
    log_event(&closed, LOG_INFO, "lost", LOG_INT(count, 1));
    log_event(&f.log, LOG_INFO, "kept", LOG_INT(count, 1));
    assert_int_equal(atomic_load(&f.dropped), 1);
    tear_down(&f);
}

static void test_level_words_are_read_exactly(void **state)
{
    enum log_level level = LOG_ERROR;
    (void)state;

    assert_true(log_level_parse(SLICE("debug"), &level));
    assert_int_equal(level, LOG_DEBUG);
    assert_true(log_level_parse(SLICE("warn"), &level));
    assert_int_equal(level, LOG_WARN);
    assert_false(log_level_parse(SLICE("warning"), &level));
    assert_false(log_level_parse(SLICE("INFO"), &level));
    assert_false(log_level_parse(SLICE_EMPTY, &level));
    assert_int_equal(level, LOG_WARN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_carries_time_level_event_and_fields),
        cmocka_unit_test(test_a_page_is_written_as_one_piece),
        cmocka_unit_test(test_a_full_page_is_written_before_it_goes_on),
        cmocka_unit_test(test_lost_lines_of_a_page_are_counted),
        cmocka_unit_test(test_ids_with_foreign_characters_or_tokens_do_not_come_out),
        cmocka_unit_test(test_a_path_lets_no_url_token_out),
        cmocka_unit_test(test_lines_below_the_level_are_dropped),
        cmocka_unit_test(test_a_line_never_passes_its_ceiling_and_stays_json),
        cmocka_unit_test(test_a_line_that_cannot_be_written_is_counted),
        cmocka_unit_test(test_level_words_are_read_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
