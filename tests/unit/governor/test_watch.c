/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which lanes have changed since somebody asked.
 */
#include "tests/unit/governor/world.h"

#define LANES 5
#define STEPS 200000
#define EPOCH 10000 /* steps in which calls are quick, or slow */

/* The names that changed, in one text, each with a space behind it; lives in `arena`. */
static const char *changed(struct world *w, struct arena *arena)
{
    struct slice *ids, text = SLICE_EMPTY;
    size_t count;

    assert_true(governor_changed(w->governor, arena, &ids, &count));
    for (size_t i = 0; i < count; i++) {
        text = arena_printf(arena, "%.*s%.*s ", SLICE_ARG(text), SLICE_ARG(ids[i]));
    }
    return count > 0 ? text.ptr : "";
}

static void test_nothing_is_kept_while_nobody_watches(void **state)
{
    struct world *w = *state;
    struct arena *arena = arena_new();

    add(w, "a", "t", "lane", 1);
    ask(w, 0, "a");
    assert_string_equal(changed(w, arena), "");
    governor_watch(w->governor, true);
    assert_string_equal(changed(w, arena), "");
    finish(w, 0, GOVERNOR_ANSWERED);
    governor_watch(w->governor, false);
    assert_string_equal(changed(w, arena), "");
    governor_watch(w->governor, true);
    ask(w, 0, "a");
    assert_string_equal(changed(w, arena), "lane "); /* it is not taken for noted */
    finish_all(w);
    arena_free(arena);
}

static void test_a_lane_is_named_once_however_often_it_changed(void **state)
{
    struct world *w = *state;
    struct arena *arena = arena_new();

    add(w, "a", "t", "one", 1);
    add(w, "b", "t", "two", 1);
    governor_watch(w->governor, true);
    for (int i = 0; i < 5; i++) {
        ask(w, i, "a");
    }
    assert_string_equal(changed(w, arena), "one ");
    finish(w, 0, GOVERNOR_ANSWERED);
    ask(w, 10, "b");
    assert_string_equal(changed(w, arena), "one two ");
    assert_string_equal(changed(w, arena), "");
    finish_all(w);
    arena_free(arena);
}

static void test_a_lane_that_is_gone_is_named(void **state)
{
    struct world *w = *state;
    struct arena *arena = arena_new();
    struct governor_lane_view view;

    add(w, "a", "t", "one", 1);
    governor_watch(w->governor, true);
    add(w, "a", "t", "two", 1);
    assert_string_equal(changed(w, arena), "one two ");
    assert_false(governor_lane(w->governor, SLICE("one"), SLICE_EMPTY, w->now, &view));
    governor_account_remove(w->governor, SLICE("a"), w->now);
    assert_string_equal(changed(w, arena), "two ");
    arena_free(arena);
}

static void test_more_changes_than_anybody_reads_are_not_kept(void **state)
{
    struct world *w = *state;
    struct arena *arena = arena_new();
    struct slice *ids;
    size_t count;
    char id[1024];

    governor_watch(w->governor, true);
    for (int i = 0; i < 5000; i++) {
        memset(id, 'x', sizeof(id));
        memcpy(id, &i, sizeof(i));
        governor_lane_set(w->governor, slice_of(id, sizeof(id)), 1, w->now);
    }
    assert_false(governor_changed(w->governor, arena, &ids, &count));
    assert_in_range(count, 4000, 4096);
    add(w, "a", "t", "lane", 1);
    assert_string_equal(changed(w, arena), "lane ");
    arena_free(arena);
}

static void test_lanes_are_gone_through_by_name(void **state)
{
    struct world *w = *state;
    struct governor_lane_view view;

    add(w, "a", "t", "mm", 1);
    add(w, "b", "u", "aa", 1);
    add(w, "c", "t", "zz", 1);
    add(w, "d", "t", "zz", 1);
    assert_true(
        governor_lane_after(w->governor, SLICE_EMPTY, SLICE_EMPTY, w->now, &view));
    assert_true(slice_is(view.lane, "aa"));
    assert_true(
        governor_lane_after(w->governor, SLICE("b"), SLICE_EMPTY, w->now, &view));
    assert_true(slice_is(view.lane, "mm"));
    assert_false(
        governor_lane_after(w->governor, SLICE("zz"), SLICE_EMPTY, w->now, &view));

    assert_true(
        governor_lane_after(w->governor, SLICE_EMPTY, SLICE("t"), w->now, &view));
    assert_true(slice_is(view.lane, "mm"));
    assert_true(
        governor_lane_after(w->governor, SLICE("mm"), SLICE("t"), w->now, &view));
    assert_true(slice_is(view.lane, "zz"));
    assert_int_equal(view.accounts, 2);
    assert_false(
        governor_lane_after(w->governor, SLICE("zz"), SLICE("t"), w->now, &view));
    assert_false(
        governor_lane_after(w->governor, SLICE_EMPTY, SLICE("none"), w->now, &view));
}

/* ---- Whatever is shown of a lane, it does not change unnoticed ---- */

static uint64_t pick(uint64_t *random, uint64_t below)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (*random >> 11) % below;
}

static void random_call(struct world *w, uint64_t *random)
{
    static const char *const accounts[] = {"a", "b", "c"};
    int call = (int)pick(random, CALLS);
    struct governor_ticket *ticket = &w->calls[call];

    if (ticket->seat == NULL) {
        ask_as(w, call, accounts[pick(random, 3)],
               (enum governor_priority)pick(random, 2));
    } else if (ticket->decision == GOVERNOR_GRANTED) {
        finish(w, call,
               pick(random, 100) == 0 ? (enum governor_outcome)pick(random, 4)
                                      : GOVERNOR_ANSWERED);
    } else {
        governor_cancel(w->governor, ticket, w->now);
    }
}

/* `longest_us`: what passes at most at a time, so about how long calls take. */
static void random_step(struct world *w, uint64_t *random, uint64_t longest_us)
{
    static const char *const lanes[LANES] = {"v", "w", "x", "y", "z"};
    static const char *const accounts[] = {"a", "b", "c"};
    struct slice lane = slice_str(lanes[pick(random, LANES)]);
    const char *account = accounts[pick(random, 3)];

    if (pick(random, 20) == 0) {
        pass(w, (int64_t)pick(random, longest_us));
    }
    while (governor_next(w->governor) != NULL) {
    }
    switch (pick(random, 1000)) {
    case 0:
        add(w, account, pick(random, 2) == 0 ? "t" : "u", lanes[pick(random, LANES)],
            1 + (int)pick(random, 4));
        governor_account_pace(w->governor, slice_str(account), 2);
        break;
    case 1:
        governor_account_remove(w->governor, slice_str(account), w->now);
        break;
    case 2:
        governor_lane_set(w->governor, lane, (int)pick(random, 3), w->now);
        break;
    case 3:
        governor_lane_mode_set(w->governor, lane,
                               (enum governor_lane_mode)(pick(random, 6) % 5 % 3),
                               w->now);
        break;
    case 4:
        governor_tenant_set(w->governor, SLICE("t"), (int)pick(random, 3), w->now);
        break;
    case 5:
        governor_lane_kick(w->governor, lane, SLICE_EMPTY, w->now);
        break;
    default:
        random_call(w, random);
    }
    while (governor_next(w->governor) != NULL) {
    }
}

/* What passes with time alone is left out. */
static bool same(const struct governor_lane_view *a, const struct governor_lane_view *b)
{
    return a->ceiling == b->ceiling && a->effective == b->effective &&
           a->in_flight == b->in_flight && a->draining == b->draining &&
           a->queued == b->queued && a->accounts == b->accounts && a->mode == b->mode &&
           a->wait_p50_us == b->wait_p50_us && a->wait_p99_us == b->wait_p99_us &&
           a->throttled == b->throttled && a->is_slow == b->is_slow &&
           a->probing == b->probing && a->granted == b->granted &&
           a->refused_upstream == b->refused_upstream &&
           a->refused_full == b->refused_full && a->refused_late == b->refused_late &&
           a->expired == b->expired;
}

static void test_no_lane_changes_unnoticed(void **state)
{
    static const char *const lanes[LANES] = {"v", "w", "x", "y", "z"};
    struct world *w = *state;
    struct governor_lane_view before[LANES], now;
    bool was[LANES] = {false};
    uint64_t random = 20261121;
    int seen = 0, slow = 0;

    governor_watch(w->governor, true);
    for (int step = 0; step < STEPS; step++) {
        struct arena *arena = arena_new();
        const char *names;
        random_step(w, &random, step / EPOCH % 2 == 0 ? 200000 : 4000000);
        names = changed(w, arena);
        for (int i = 0; i < LANES; i++) {
            bool is = governor_lane(w->governor, slice_str(lanes[i]), SLICE_EMPTY,
                                    w->now, &now);
            if (is != was[i] || (is && !same(&now, &before[i]))) {
                assert_non_null(strstr(names, lanes[i]));
                seen++;
            }
            slow += is && now.is_slow ? 1 : 0;
            was[i] = is;
            before[i] = now;
        }
        arena_free(arena);
    }
    assert_in_range(seen, STEPS / 4, STEPS * 2);
    assert_true(slow > 0); /* ceilings that latency lowered were among them */
    finish_all(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(test_nothing_is_kept_while_nobody_watches),
        SENTENCE(test_a_lane_is_named_once_however_often_it_changed),
        SENTENCE(test_a_lane_that_is_gone_is_named),
        SENTENCE(test_more_changes_than_anybody_reads_are_not_kept),
        SENTENCE(test_lanes_are_gone_through_by_name),
        SENTENCE(test_no_lane_changes_unnoticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
