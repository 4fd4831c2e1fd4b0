/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a lane does after its upstream refused, or became slow: how many calls at once it takes the
 * upstream for, and when it tries more.
 *
 * Limit: a refusal halves the limit, or the number of calls at once at which it was
 * refused if that is less, and keeps that number in mind. The limit then rises by a
 * sixteenth of the ceiling (at least 1) a second up to one below that number, stays there
 * until half a minute has passed without a refusal, and then rises on to the ceiling,
 * where all this is forgotten. So a limit that is new is found within seconds, tried
 * again now and then and not all the time, and left as soon as it is gone. A single call
 * that was refused says nothing of a number: others use the same pool. A ceiling that is
 * lowered for a while, by the operator or by a login on trial, unlearns nothing.
 *
 * Pause: the n-th refusal in a row (n from 0) is followed by silence for a random time in
 * (0, d], d = base * 2^n up to a maximum, and for no less than the upstream asked. Then
 * one call goes as a probe, however many are still under way, the next only when it is
 * answered, or has not been refused for as long as the last refusal took and a second at
 * least: most refusals come at once, those of an ERP in deep overload after a long wait;
 * answers may take minutes. What is under way goes on.
 *
 * Answers that became slow lower the limit as well (pace.c says when), by a quarter, without a
 * pause; from there it rises as after a refusal, but each step waits for a sign that the present
 * number is not too much.
 *
 * Calls that were under way when the upstream refused belong to the same step, whatever
 * becomes of them: their refusals halve nothing and lengthen no step, their answers end
 * none. An answer to a call granted later does. The sequence of grants and refusals, not
 * the clock, says which came first.
 */
#include "governor/governor_private.h"

#include <stdlib.h>

#define REFUSALS_MAX 62
#define RISE_US INT64_C(1000000)
#define RISES 16 /* as many take a limit from nothing to the ceiling */
#define PROBE_US INT64_C(1000000)
#define PROBE_MOST_US INT64_C(60000000)
#define FORGET_US INT64_C(30000000)

static bool due_before(const void *a, const void *b)
{
    const struct throttle *one = ((const struct lane *)a)->throttle;
    const struct throttle *other = ((const struct lane *)b)->throttle;

    if (one->until_us != other->until_us) {
        return one->until_us < other->until_us;
    }
    return one->refused_at < other->refused_at;
}

static size_t *due_at(void *item)
{
    struct lane *lane = item;
    return &lane->throttle->index;
}

static const struct heap_kind by_due = {due_before, due_at};

static int64_t later(const struct governor *governor, int64_t us)
{
    return us < INT64_MAX - governor->now_us ? governor->now_us + us : INT64_MAX;
}

bool throttle_is_shut(const struct throttle *throttle)
{
    return throttle->phase == THROTTLE_PAUSED || throttle->phase == THROTTLE_PROBED;
}

static void enter(struct governor *governor, struct lane *lane,
                  enum throttle_phase phase, int64_t until_us)
{
    lane->throttle->phase = phase;
    lane->throttle->until_us = until_us;
    heap_fix(&governor->throttled, &by_due, lane);
    lane_settle(lane);
    lane_changed(governor, lane);
}

static struct throttle *throttle_get(struct governor *governor, struct lane *lane)
{
    struct throttle *throttle = lane->throttle;

    if (throttle != NULL) {
        return throttle;
    }
    throttle = governor_alloc(sizeof(*throttle));
    throttle->phase = THROTTLE_OPEN;
    throttle->limit = lane_ceiling(lane);
    throttle->until_us = INT64_MAX;
    lane->throttle = throttle;
    heap_push(&governor->throttled, &by_due, lane);
    return throttle;
}

void throttle_free(struct governor *governor, struct lane *lane)
{
    if (lane->throttle == NULL) {
        return;
    }
    heap_remove(&governor->throttled, &by_due, lane);
    free(lane->throttle);
    lane->throttle = NULL;
    lane_settle(lane);
    lane_changed(governor, lane);
}

static int64_t pause_length(struct governor *governor, int step)
{
    int64_t length = governor->options.backoff_base_us;
    int64_t most = governor->options.backoff_max_us;

    for (int i = 1; i < step && length < most; i++) {
        length = length > most / 2 ? most : length * 2;
    }
    return 1 + (int64_t)(governor_random(governor) % (uint64_t)length);
}

static int at_least_one(int number)
{
    return number > 1 ? number : 1;
}

/* `level`: how many were at the upstream. That is what still holds a slot: refusals come
 * back before answers do, so of a burst the last refusal finds those that were let in,
 * and itself. */
static void lower(struct governor *governor, struct throttle *throttle, int level,
                  bool is_new_step)
{
    if (is_new_step) {
        throttle->refusals += throttle->refusals < REFUSALS_MAX ? 1 : 0;
        throttle->refused_at = ++governor->sequence;
        throttle->since_us = governor->now_us;
        throttle->is_slow = false;
        throttle->limit =
            at_least_one((throttle->limit < level ? throttle->limit : level) / 2);
    }
    if (level > 1 &&
        (is_new_step || throttle->refused == 0 || level < throttle->refused)) {
        throttle->refused = level;
    }
    if (throttle->refused > 0 && throttle->limit >= throttle->refused) {
        throttle->limit = throttle->refused - 1;
    }
    throttle->forget_us = later(governor, FORGET_US);
}

void throttle_refused(struct governor *governor, struct lane *lane,
                      const struct governor_ticket *ticket, int64_t retry_after_us)
{
    struct throttle *throttle = throttle_get(governor, lane);
    bool is_new_step = ticket->order > throttle->refused_at;
    int64_t pause_us = 0, until_us;
    int64_t took_us = governor->now_us - ticket->granted_us;

    throttle->probe_us = took_us < PROBE_US        ? PROBE_US
                         : took_us > PROBE_MOST_US ? PROBE_MOST_US
                                                   : took_us;
    lower(governor, throttle, lane_under_way(lane), is_new_step);
    if (is_new_step || throttle->phase != THROTTLE_PAUSED) {
        pause_us = pause_length(governor, throttle->refusals);
    }
    if (retry_after_us > RETRY_AFTER_MAX_US) {
        retry_after_us = RETRY_AFTER_MAX_US;
    }
    until_us = later(governor, retry_after_us > pause_us ? retry_after_us : pause_us);
    if (throttle->phase == THROTTLE_PAUSED && throttle->until_us > until_us) {
        until_us = throttle->until_us;
    }
    enter(governor, lane, THROTTLE_PAUSED, until_us);
}

/* Its answers take too long with so many under way. */
void throttle_slowed(struct governor *governor, struct lane *lane, int level)
{
    struct throttle *throttle = throttle_get(governor, lane);
    int most = throttle->limit < level ? throttle->limit : level;

    throttle->limit = at_least_one(most - most / 4);
    if (most > 1 && throttle->limit == most) {
        throttle->limit--;
    }
    throttle->since_us = governor->now_us;
    throttle->is_slow = true;
    enter(governor, lane, THROTTLE_OPEN, later(governor, RISE_US));
}

/* A granted call has ended otherwise than by a refusal. */
void throttle_ended(struct governor *governor, struct lane *lane,
                    const struct governor_ticket *ticket, enum governor_outcome outcome)
{
    struct throttle *throttle = lane->throttle;
    bool was_probe;

    if (throttle == NULL || ticket->order <= throttle->refused_at) {
        return;
    }
    was_probe = throttle->phase == THROTTLE_PROBED && ticket->order == throttle->probe;
    if (outcome == GOVERNOR_ANSWERED) {
        throttle->refusals = 0;
    }
    if (was_probe && outcome == GOVERNOR_ANSWERED) {
        enter(governor, lane, THROTTLE_OPEN, later(governor, RISE_US));
    } else if (was_probe) {
        enter(governor, lane, THROTTLE_PROBING, INT64_MAX);
    }
}

/* A call was granted. */
void throttle_took(struct governor *governor, struct lane *lane,
                   const struct governor_ticket *ticket)
{
    if (lane->throttle != NULL && lane->throttle->phase == THROTTLE_PROBING) {
        lane->throttle->probe = ticket->order;
        enter(governor, lane, THROTTLE_PROBED,
              later(governor, lane->throttle->probe_us));
    }
}

static void rise(struct governor *governor, struct lane *lane)
{
    struct throttle *throttle = lane->throttle;
    int ceiling = lane_ceiling(lane), top;
    int64_t next_us = later(governor, RISE_US);

    if (governor->now_us >= throttle->forget_us) {
        throttle->refused = 0;
    }
    if (throttle->is_slow && !pace_may_rise(governor, lane)) {
        enter(governor, lane, THROTTLE_OPEN, next_us);
        return;
    }
    top = throttle->refused > 0 ? throttle->refused - 1 : ceiling;
    if (throttle->limit < top) {
        throttle->limit += at_least_one(ceiling / RISES);
        throttle->limit = throttle->limit < top ? throttle->limit : top;
    }
    if (throttle->refused == 0 && throttle->limit >= ceiling) {
        throttle_free(governor, lane);
        return;
    }
    if (throttle->limit == top && throttle->forget_us > next_us) {
        next_us = throttle->forget_us;
    }
    enter(governor, lane, THROTTLE_OPEN, next_us);
}

/* The phase of the lane that is due first is over. */
void throttle_due(struct governor *governor, struct lane *lane)
{
    switch (lane->throttle->phase) {
    case THROTTLE_PAUSED:
        enter(governor, lane, THROTTLE_PROBING, INT64_MAX);
        break;
    case THROTTLE_PROBED:
        enter(governor, lane, THROTTLE_OPEN, later(governor, RISE_US));
        break;
    case THROTTLE_OPEN:
        rise(governor, lane);
        break;
    case THROTTLE_PROBING:
        break;
    }
    gates_dispatch(governor, (struct gate *const[]){&lane->gate}, 1);
}

/* Lends the lane whose phase is over first, or NULL. */
struct lane *throttle_next(const struct governor *governor)
{
    return heap_top(&governor->throttled);
}
