/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lockout.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/require.h"

struct refusals {
    int count, unstored; /* unstored: of count */
    int64_t last_us, window_us;
};

struct lockout {
    struct map *logins;
    size_t tidy_at; /* so many: those that are over are forgotten first */
};

#define TIDY_LEAST 1024

struct lockout *lockout_new(void)
{
    struct lockout *lockout = calloc(1, sizeof *lockout);
    REQUIRE(lockout != NULL);
    lockout->logins = map_new();
    lockout->tidy_at = TIDY_LEAST;
    return lockout;
}

static void free_entry(void *ctx, struct slice key, void *value)
{
    (void)ctx;
    (void)key;
    free(value);
}

void lockout_free(struct lockout *lockout)
{
    if (lockout == NULL) {
        return;
    }
    map_each(lockout->logins, free_entry, NULL);
    map_free(lockout->logins);
    free(lockout);
}

bool lockout_is_empty(const struct lockout *lockout)
{
    return map_count(lockout->logins) == 0;
}

static bool is_over(const struct refusals *refusals, int64_t now_us)
{
    return now_us - refusals->last_us >= refusals->window_us;
}

int lockout_count(const struct lockout *lockout, struct slice login, int64_t now_us)
{
    const struct refusals *refusals = map_get(lockout->logins, login);
    return refusals != NULL && !is_over(refusals, now_us) ? refusals->count : 0;
}

int64_t lockout_left_us(const struct lockout *lockout, struct slice login,
                        int64_t now_us)
{
    const struct refusals *refusals = map_get(lockout->logins, login);
    return refusals != NULL && !is_over(refusals, now_us)
               ? refusals->last_us + refusals->window_us - now_us
               : 0;
}

struct tidying {
    struct map *kept;
    int64_t now_us;
};

static void keep_or_free(void *ctx, struct slice key, void *value)
{
    struct tidying *tidying = ctx;
    if (is_over(value, tidying->now_us)) {
        free(value);
    } else {
        map_put(tidying->kept, key, value);
    }
}

/* Whoever may create accounts may have many logins refused. */
static void tidy(struct lockout *lockout, int64_t now_us)
{
    struct tidying tidying = {map_new(), now_us};
    if (map_count(lockout->logins) >= lockout->tidy_at) {
        map_each(lockout->logins, keep_or_free, &tidying);
        map_free(lockout->logins);
        lockout->logins = tidying.kept;
        size_t twice = 2 * map_count(lockout->logins);
        lockout->tidy_at = twice > TIDY_LEAST ? twice : TIDY_LEAST;
    } else {
        map_free(tidying.kept);
    }
}

static struct refusals *entry_of(struct lockout *lockout, struct slice login,
                                 int64_t window_us, int64_t now_us)
{
    struct refusals *refusals = map_get(lockout->logins, login);
    if (refusals == NULL) {
        tidy(lockout, now_us);
        refusals = calloc(1, sizeof *refusals);
        REQUIRE(refusals != NULL);
        map_put(lockout->logins, login, refusals);
    } else if (is_over(refusals, now_us)) {
        refusals->count = refusals->unstored = 0;
    }
    refusals->last_us = now_us;
    refusals->window_us = window_us;
    return refusals;
}

int lockout_refused(struct lockout *lockout, struct slice login, int64_t window_us,
                    int64_t now_us)
{
    return ++entry_of(lockout, login, window_us, now_us)->count;
}

void lockout_unstored(struct lockout *lockout, struct slice login)
{
    struct refusals *refusals = map_get(lockout->logins, login);
    if (refusals != NULL) {
        refusals->unstored++;
    }
}

void lockout_stored(struct lockout *lockout, struct slice login)
{
    struct refusals *refusals = map_get(lockout->logins, login);
    if (refusals != NULL && refusals->unstored > 0) {
        refusals->unstored--;
    }
}

void lockout_learn(struct lockout *lockout, struct slice login, int count,
                   int64_t window_us, int64_t last_us)
{
    struct refusals *own = map_get(lockout->logins, login);
    bool is_ahead = own != NULL && own->unstored > 0 && !is_over(own, last_us);
    if (count == 0 && !is_ahead) {
        lockout_forgive(lockout, login);
        return;
    }
    if (!is_ahead || (count > 0 && last_us > own->last_us)) {
        own = entry_of(lockout, login, window_us, last_us);
    }
    own->count = own->unstored + count;
}

void lockout_stopped(struct lockout *lockout, struct slice login, int64_t now_us)
{
    struct refusals *refusals = entry_of(lockout, login, LOCKOUT_US, now_us);
    if (refusals->count < LOCKOUT_CALLS_MOST) {
        refusals->count = LOCKOUT_CALLS_MOST;
    }
}

bool lockout_worked(struct lockout *lockout, struct slice login, int64_t sent_us)
{
    const struct refusals *refusals = map_get(lockout->logins, login);
    if (refusals != NULL && refusals->last_us >= sent_us) {
        return false;
    }
    lockout_forgive(lockout, login);
    return true;
}

void lockout_forgive(struct lockout *lockout, struct slice login)
{
    free(map_remove(lockout->logins, login));
}
