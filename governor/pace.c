/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An upstream that is overloaded without refusing answers more slowly. Whether it does is held
 * against its own past, as TCP Vegas and Envoy's gradient do, and not against a number of
 * anybody's:
 *
 * Like with like: calls are told apart by kind, and looked at PACE_CALLS at a time. Of such a
 * group the median counts, so that one slow call, or a few, are nothing. A kind's floor is the
 * least mean of FLOOR_GROUPS medians in a sliding window of an hour: the least of single medians
 * would be luck, and the luckier the more calls there are.
 *
 * Slow: GROUPS groups in a row, of whatever kinds, had medians of `factor` times their floors
 * and at least SLOW_US more. Then the lane's limit is lowered by a quarter of what was under way.
 * Calls from before do not count towards the next judgement.
 *
 * A trial: fewer calls at once are worth it only if they are answered sooner. If the next judgement
 * finds them no less slow, the number of calls was not what made them so: it is another question, or
 * others' load. Then nothing is judged for REST_US, and the limit rises again. So what is lowered for
 * nothing is a quarter, for as long as a judgement takes, every two minutes until the floor has
 * left its window.
 *
 * The limit rises by a step when so many groups in a row were not slow since it was changed last,
 * or when half a minute has brought no group at all.
 */
#include "governor/governor_private.h"

#include <stdlib.h>

#define HALF_WINDOW_US INT64_C(1800000000)
#define KIND_IDLE_US INT64_C(60000000) /* then another kind may have its place */
#define GROUPS 4
#define FLOOR_GROUPS 8
#define SLOW_US 50000
#define HELPED_PERCENT 90 /* of the slowness before: less was won by fewer calls */
#define REST_US INT64_C(120000000)
#define NO_NEWS_US INT64_C(30000000)

static struct pace_kind *kind_get(struct pace *pace, uint32_t kind, int64_t now_us)
{
    struct pace_kind *oldest = &pace->kinds[0];

    for (int i = 0; i < PACE_KINDS; i++) {
        struct pace_kind *one = &pace->kinds[i];
        if (one->used_us > 0 && one->kind == kind) {
            return one;
        }
        if (one->used_us < oldest->used_us) {
            oldest = one;
        }
    }
    if (oldest->used_us > 0 && now_us - oldest->used_us < KIND_IDLE_US) {
        return NULL; /* so many kinds at once: the others say enough */
    }
    *oldest = (struct pace_kind){.kind = kind, .half_since_us = now_us};
    return oldest;
}

static int by_length(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

    return one < other ? -1 : one > other;
}

static uint32_t take_median(struct pace_kind *kind)
{
    qsort(kind->us, PACE_CALLS, sizeof(kind->us[0]), by_length);
    kind->count = 0;
    return kind->us[PACE_CALLS / 2 - 1];
}

static uint32_t lesser(uint32_t a, uint32_t b) /* 0: there is none */
{
    return b == 0 || (a > 0 && a < b) ? a : b;
}

static void slide(struct pace_kind *kind, int64_t now_us)
{
    int64_t age_us = now_us - kind->half_since_us;

    if (age_us >= HALF_WINDOW_US) {
        kind->floor_us[1] = age_us >= 2 * HALF_WINDOW_US ? 0 : kind->floor_us[0];
        kind->floor_us[0] = 0;
        kind->half_since_us = now_us;
    }
}

/* The floor without this median; 0: there is none yet. Until it is one of whole means, it is that of
 * the groups so far. */
static uint32_t floor_of(struct pace_kind *kind, uint32_t median, int64_t now_us)
{
    uint32_t before;

    slide(kind, now_us);
    before = lesser(kind->floor_us[0], kind->floor_us[1]);
    if (before == 0 && kind->groups > 0) {
        before = (uint32_t)(kind->sum_us / (uint64_t)kind->groups);
    }
    kind->sum_us += median;
    kind->groups++;
    if (kind->groups == FLOOR_GROUPS) {
        kind->floor_us[0] =
            lesser(kind->floor_us[0], (uint32_t)(kind->sum_us / FLOOR_GROUPS));
        kind->sum_us = 0;
        kind->groups = 0;
    }
    return before;
}

/* Groups that were begun before the limit was lowered are of another time. */
static void begin_anew(struct pace *pace)
{
    for (int i = 0; i < PACE_KINDS; i++) {
        pace->kinds[i].count = 0;
    }
    pace->slow = pace->ratio = pace->peak = 0;
    pace->fair = 0;
}

static void judge(struct governor *governor, struct lane *lane, struct pace *pace)
{
    int ratio = pace->ratio / pace->slow, peak = pace->peak;
    bool is_trial_over = pace->last_ratio > 0;

    begin_anew(pace);
    if (is_trial_over && ratio > pace->last_ratio * HELPED_PERCENT / 100) {
        pace->rests_until_us = governor->now_us + REST_US;
        pace->last_ratio = 0;
        return;
    }
    if (peak < 2 ||
        (lane->throttle != NULL && lane->throttle->phase != THROTTLE_OPEN)) {
        return;
    }
    pace->last_ratio = ratio;
    pace->changed_us = pace->news_us = governor->now_us;
    throttle_slowed(governor, lane, peak);
}

static void add_group(struct governor *governor, struct lane *lane, struct pace *pace,
                      uint32_t median, uint32_t floor, int factor)
{
    uint64_t percent = floor > 0 ? (uint64_t)median * 100 / floor : 100;

    pace->news_us = governor->now_us;
    if (percent < (uint64_t)factor * 100 || median - floor < SLOW_US ||
        governor->now_us < pace->rests_until_us) {
        pace->slow = pace->ratio = pace->peak = 0;
        pace->fair++;
        pace->last_ratio = 0; /* it has helped */
        return;
    }
    pace->slow++;
    pace->fair = 0;
    pace->ratio += percent < 100000 ? (int)percent : 100000;
    if (pace->slow == GROUPS) {
        judge(governor, lane, pace);
    }
}

/* A call of the account was answered; its slot is not free yet. */
void pace_answered(struct governor *governor, const struct governor_seat *seat,
                   const struct governor_ticket *ticket)
{
    struct lane *lane = seat->lane;
    int64_t took_us = governor->now_us - ticket->granted_us;
    struct pace *pace = lane_pace(lane);
    struct pace_kind *kind;
    int level = lane_under_way(lane);
    uint32_t median;

    if (seat->pace_factor == 0) {
        return;
    }
    if (pace == NULL) {
        pace = lane_past(lane)->pace = governor_alloc(sizeof(*pace));
    }
    if (level > lane->gate.ceiling) {
        pace->changed_us = governor->now_us; /* still more than the limit */
    }
    kind = kind_get(pace, ticket->kind, governor->now_us);
    if (kind == NULL || ticket->granted_us < pace->changed_us) {
        return;
    }
    kind->used_us = governor->now_us;
    kind->us[kind->count] = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX;
    kind->count++;
    pace->peak = level > pace->peak ? level : pace->peak;
    if (kind->count == PACE_CALLS) {
        median = take_median(kind);
        add_group(governor, lane, pace, median,
                  floor_of(kind, median, governor->now_us), seat->pace_factor);
    }
}

/* Whether the limit may rise by a step, after answers that were slow. */
bool pace_may_rise(struct governor *governor, struct lane *lane)
{
    struct pace *pace = lane_pace(lane);

    if (pace != NULL && pace->fair < GROUPS &&
        governor->now_us >= pace->rests_until_us &&
        governor->now_us - pace->news_us < NO_NEWS_US) {
        return false;
    }
    if (pace != NULL) {
        pace->fair = 0;
        pace->changed_us = pace->news_us = governor->now_us;
    }
    return true;
}
