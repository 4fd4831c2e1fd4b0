/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the catalog in force: seen anew when its files change, while those who work with the
 * old one keep it. Owns: the catalog in force (one hold), the load under way.
 * Threads: the loop's; a load runs on the pool and touches nothing of ours.
 * Errors: a broken file is logged, and what was in force stays.
 * Start reading at: catalogs_look.
 */
#ifndef SLUICE_CORE_CATALOGS_H
#define SLUICE_CORE_CATALOGS_H

#include <stdint.h>

#include "base/list.h"
#include "catalog/catalog.h"
#include "catalog/watch.h"
#include "core/gateway.h"
#include "store/store.h"

struct catalogs;

/* Where catalogs come from: kept. */
struct catalogs_source {
    const char *directory;
    const struct catalog_compiler *compiler; /* used on the pool's threads too */
};

/* Takes `first`, and `watch`, which saw it being loaded. */
struct catalogs *catalogs_new(struct gateway *gateway,
                              const struct catalogs_source *source,
                              struct catalog *first, struct catalog_watch *watch);
void catalogs_free(struct catalogs *catalogs); /* accepts NULL */

/* Lends what is in force until the loop's next turn. */
const struct catalog *catalogs_current(const struct catalogs *catalogs);
/* Counts up when what a catalogs_for has answered may not hold any more. */
uint64_t catalogs_epoch(const struct catalogs *catalogs);

/* Overrides of an environment have changed: what was answered may not hold any more. */
void catalogs_changed(struct catalogs *catalogs);

/*
 * What an account is served from: the catalog in force, with the overrides of its environment and
 * its own over it, if there are any. Holds *out: drop it with catalog_free. ERR_NOT_FOUND: its
 * integration is not in force.
 */
MUST_USE enum err catalogs_for(struct catalogs *catalogs,
                               const struct store_account *account,
                               struct catalog **out);

/* What a layer of overrides would come to. `overrides` is a layer that override_check has passed.
 * ERR_UNPROCESSABLE with a pointer into it, when a tool that it names would be none. */
MUST_USE enum err catalogs_try(struct catalogs *catalogs, struct slice integration,
                               struct slice environment, const struct jval *overrides,
                               struct arena *arena, struct schema_problem *problem);

/* Embedded in the object of who waits. */
struct catalogs_wait {
    struct list link;
    void (*on_ready)(void *ctx);
    void *ctx;
};

/*
 * Whether what is in force is what the files say now (or would, were they not broken). If not,
 * they are being loaded, and on_ready comes once that is settled, never before this returned.
 */
bool catalogs_look(struct catalogs *catalogs, struct catalogs_wait *wait);
/* The same for those who do not wait, and at most once a second. */
void catalogs_glance(struct catalogs *catalogs);

/* For /metrics. */
struct catalogs_counts {
    uint64_t loaded, failed; /* since the start */
    bool is_refused;         /* what lies there now is broken */
    uint64_t misfits;        /* tools left out because their overrides fit no more */
};
struct catalogs_counts catalogs_count(const struct catalogs *catalogs);

#endif
