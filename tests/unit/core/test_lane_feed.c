/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader of lane events is sent, over a governor of its own and a clock that is a number. */
#include "core/lane_feed.h"

#include <string.h>

#include "tests/unit/governor/world.h"

#define OUT_BYTES ((size_t)8 * 1024 * 1024)
#define PAD_BYTES 1000 /* of each lane: some thirty go in a turn */
#define MANY 100

struct reader {
    struct world *w;
    struct lane_feed *feed;
    struct arena *arena;
    size_t line_bytes;     /* of a lane's line */
    const char *elsewhere; /* a lane another worker shows */
    bool goes_on;          /* the last turn said so */
};

static bool shows(void *ctx, struct slice lane)
{
    const struct reader *reader = ctx;
    return reader->elsewhere == NULL || !slice_is(lane, reader->elsewhere);
}

static void write_lane(void *ctx, struct arena *arena,
                       const struct governor_lane_view *lane, bool has_line,
                       struct buf *json)
{
    const struct reader *reader = ctx;
    size_t pad = has_line ? reader->line_bytes : 0;
    char *line = arena_alloc(arena, pad + 1);
    memset(line, 'x', pad);
    buf_printf(json, "{\"id\":\"%.*s\",\"calls\":%d,\"queue\":\"%s\"}",
               SLICE_ARG(lane->lane), lane->in_flight + lane->queued, line);
}

static struct reader open_reader(struct world *w)
{
    governor_watch(w->governor, true);
    return (struct reader){.w = w, .arena = arena_new()};
}

static void begin(struct reader *reader, const char *tenant)
{
    const struct lane_feed_parts parts = {
        .governor = reader->w->governor,
        .tenant = slice_str(tenant),
        .worker = 1,
        .workers = 3,
        .shows = shows,
        .write = write_lane,
        .ctx = reader,
    };
    reader->feed = lane_feed_new(&parts);
}

static void end(struct reader *reader)
{
    lane_feed_free(reader->feed);
    arena_free(reader->arena);
    finish_all(reader->w);
}

/* "one=2 " of a lane with two calls, "-one " of one that is gone, "ready:1/3 ". */
static void add_word(struct buf *words, const char *kind, const char *data)
{
    char id[64];
    int calls = 0, workers = 0;
    if (strcmp(kind, "lane") == 0) {
        assert_int_equal(sscanf(data, "{\"id\":\"%63[^\"]\",\"calls\":%d", id, &calls),
                         2);
        buf_printf(words, "%s=%d ", id, calls);
    } else if (strcmp(kind, "gone") == 0) {
        assert_int_equal(sscanf(data, "{\"id\":\"%63[^\"]\"}", id), 1);
        buf_printf(words, "-%s ", id);
    } else {
        assert_string_equal(kind, "ready");
        assert_int_equal(
            sscanf(data, "{\"worker\":%d,\"workers\":%d}", &calls, &workers), 2);
        buf_printf(words, "ready:%d/%d ", calls, workers);
    }
}

/* One turn, with what has changed since the last tick (`ticks`), as words. */
static const char *turn(struct reader *reader, bool ticks, size_t unsent)
{
    struct slice *ids = NULL;
    size_t count = 0;
    struct buf out, words;
    buf_init(&out, OUT_BYTES);
    buf_init(&words, OUT_BYTES);
    if (ticks) {
        assert_true(governor_changed(reader->w->governor, reader->arena, &ids, &count));
    }
    reader->goes_on =
        lane_feed_next(reader->feed, ids, count, unsent, reader->w->now, &out);
    assert_false(buf_full(&out));
    for (char *at = out.ptr; at != NULL && *at != '\0';) {
        char kind[16];
        int used = 0;
        assert_int_equal(sscanf(at, "event: %15[a-z]\ndata: %n", kind, &used), 1);
        char *data = at + used, *stop = strstr(data, "\n\n");
        assert_non_null(stop);
        *stop = '\0';
        add_word(&words, kind, data);
        at = stop + 2;
    }
    const char *text =
        arena_printf(reader->arena, "%.*s", SLICE_ARG(buf_slice(&words))).ptr;
    buf_free(&out);
    buf_free(&words);
    return text;
}

/* Turn by turn until the walk is over. */
static const char *walk(struct reader *reader)
{
    struct slice all = SLICE_EMPTY;
    do {
        const char *words = turn(reader, false, 0);
        all = arena_printf(reader->arena, "%.*s%s", SLICE_ARG(all), words);
    } while (reader->goes_on);
    assert_false(lane_feed_is_walking(reader->feed));
    return all.ptr;
}

static void add_many(struct world *w)
{
    for (int i = 0; i < MANY; i++) {
        char id[8], lane[8];
        snprintf(id, sizeof id, "a%02d", i);
        snprintf(lane, sizeof lane, "l%02d", i);
        add(w, id, "t", lane, 1);
    }
}

static size_t count_of(const char *words, const char *word)
{
    size_t count = 0;
    for (const char *at = strstr(words, word); at != NULL; at = strstr(at + 1, word)) {
        count++;
    }
    return count;
}

static void test_every_lane_then_ready_then_what_changes(void **state)
{
    struct world *w = *state;
    struct reader reader = open_reader(w);
    add(w, "b", "t", "two", 1);
    add(w, "a", "t", "one", 1);
    ask(w, 0, "a");
    begin(&reader, "");
    assert_string_equal(walk(&reader), "one=1 two=0 ready:1/3 ");
    turn(&reader, true, 0);
    assert_string_equal(turn(&reader, true, 0), "");
    ask(w, 1, "b");
    ask(w, 2, "b");
    assert_string_equal(turn(&reader, true, 0), "two=2 "); /* once, as it stands then */
    assert_string_equal(turn(&reader, true, 0), "");
    end(&reader);
}

static void test_a_change_in_the_walk_is_told_once_with_its_end(void **state)
{
    struct world *w = *state;
    struct reader reader = open_reader(w);
    reader.line_bytes = PAD_BYTES;
    add_many(w);
    begin(&reader, "");
    const char *first = turn(&reader, true, 0);
    assert_true(reader.goes_on);
    assert_int_equal(count_of(first, "l05=0 "), 1);
    assert_int_equal(count_of(first, "l90="), 0);
    ask(w, 0, "a05");
    ask(w, 1, "a90");
    const char *second = turn(&reader, true, 0);
    assert_int_equal(count_of(second, "l05=1 "), 1); /* the walk has been there */
    assert_int_equal(count_of(second, "l90="), 0);   /* and comes by here */
    const char *rest = walk(&reader);
    assert_int_equal(count_of(rest, "l90=1 "), 1);
    assert_int_equal(count_of(rest, "ready:"), 1);
    assert_string_equal(turn(&reader, true, 0), "");
    end(&reader);
}

static void test_who_is_behind_misses_steps_and_gets_the_state(void **state)
{
    struct world *w = *state;
    struct reader reader = open_reader(w);
    add(w, "a", "t", "one", 5);
    add(w, "b", "t", "two", 5);
    begin(&reader, "");
    walk(&reader);
    turn(&reader, true, 0);
    for (int i = 0; i < 3; i++) {
        ask(w, i, "a");
        assert_string_equal(turn(&reader, true, LANE_FEED_BEHIND_BYTES), "");
        assert_false(reader.goes_on); /* the next tick looks again */
    }
    assert_string_equal(turn(&reader, true, LANE_FEED_BEHIND_BYTES - 1), "one=3 ");
    assert_string_equal(turn(&reader, true, 0), "two=0 "); /* no second "ready" */
    assert_false(reader.goes_on);
    assert_string_equal(turn(&reader, true, 0), "");
    end(&reader);
}

static void test_nothing_is_begun_for_who_reads_nothing(void **state)
{
    struct world *w = *state;
    struct reader reader = open_reader(w);
    add(w, "a", "t", "one", 1);
    begin(&reader, "");
    assert_string_equal(turn(&reader, true, LANE_FEED_BEHIND_BYTES), "");
    assert_true(lane_feed_is_walking(reader.feed));
    assert_string_equal(walk(&reader), "one=0 ready:1/3 ");
    end(&reader);
}

static void test_a_lane_that_is_gone_is_named_also_to_who_is_behind(void **state)
{
    struct world *w = *state;
    struct reader reader = open_reader(w);
    add(w, "a", "t", "one", 1);
    begin(&reader, "");
    walk(&reader);
    governor_account_remove(w->governor, SLICE("a"), w->now);
    assert_string_equal(turn(&reader, true, LANE_FEED_BEHIND_BYTES), "-one ");
    assert_string_equal(turn(&reader, true, 0), "");
    end(&reader);
}

static void test_a_tenant_is_told_what_is_new_to_it(void **state)
{
    struct world *w = *state;
    struct reader reader = open_reader(w);
    add(w, "a", "mine", "shared", 5);
    add(w, "b", "theirs", "shared", 5);
    add(w, "c", "theirs", "private", 5);
    begin(&reader, "mine");
    assert_string_equal(walk(&reader), "shared=0 ready:1/3 ");
    turn(&reader, true, 0);
    ask(w, 0, "b");
    ask(w, 1, "c");
    assert_string_equal(turn(&reader, true, 0), "");
    ask(w, 2, "a");
    assert_string_equal(turn(&reader, true, 0), "shared=1 ");
    finish(w, 1, GOVERNOR_ANSWERED);
    governor_account_remove(w->governor, SLICE("c"), w->now);
    assert_string_equal(turn(&reader, true, 0), ""); /* never its business */
    finish(w, 2, GOVERNOR_ANSWERED);
    governor_account_remove(w->governor, SLICE("a"), w->now);
    assert_string_equal(turn(&reader, true, 0), "-shared "); /* for it */
    end(&reader);
}

static void test_a_lane_too_large_for_an_event_comes_without_its_line(void **state)
{
    struct world *w = *state;
    struct reader reader = open_reader(w);
    reader.line_bytes = LANE_FEED_EVENT_BYTES;
    add(w, "a", "t", "one", 1);
    add(w, "b", "t", "two", 1);
    begin(&reader, "");
    assert_string_equal(walk(&reader), "one=0 two=0 ready:1/3 ");
    end(&reader);
}

static void test_what_another_worker_shows_is_left_to_it(void **state)
{
    struct world *w = *state;
    struct reader reader = open_reader(w);
    reader.elsewhere = "one";
    add(w, "a", "t", "one", 1);
    add(w, "b", "t", "two", 1);
    begin(&reader, "");
    assert_string_equal(walk(&reader), "two=0 ready:1/3 ");
    turn(&reader, true, 0);
    ask(w, 0, "a");
    ask(w, 1, "b");
    assert_string_equal(turn(&reader, true, 0), "two=1 ");
    finish(w, 0, GOVERNOR_ANSWERED);
    governor_account_remove(w->governor, SLICE("a"), w->now);
    assert_string_equal(turn(&reader, true, 0), "");
    end(&reader);
}

#define FEED_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FEED_TEST(test_every_lane_then_ready_then_what_changes),
        FEED_TEST(test_a_change_in_the_walk_is_told_once_with_its_end),
        FEED_TEST(test_who_is_behind_misses_steps_and_gets_the_state),
        FEED_TEST(test_nothing_is_begun_for_who_reads_nothing),
        FEED_TEST(test_a_lane_that_is_gone_is_named_also_to_who_is_behind),
        FEED_TEST(test_a_tenant_is_told_what_is_new_to_it),
        FEED_TEST(test_a_lane_too_large_for_an_event_comes_without_its_line),
        FEED_TEST(test_what_another_worker_shows_is_left_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
