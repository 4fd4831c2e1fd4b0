/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a hash map from bytes to a pointer; keys are copied.
 * Owns: its keys and table; values are kept, never freed.
 * Threads: one owner at a time.  Errors: out of memory aborts.
 * Start reading at: map_put. Seeded from the system, so outsiders cannot choose collisions.
 */
#ifndef SLUICE_BASE_MAP_H
#define SLUICE_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct map;

struct map *map_new(void);
void map_free(struct map *map); /* accepts NULL */

/* Returns the value that was there before, or NULL. `value` is not NULL. */
void *map_put(struct map *map, struct slice key, void *value);
void *map_get(const struct map *map, struct slice key);
/* Returns the value taken out, or NULL. */
void *map_remove(struct map *map, struct slice key);
size_t map_count(const struct map *map);

/* Visits every entry; fn must not change the map. */
void map_each(const struct map *map,
              void (*fn)(void *ctx, struct slice key, void *value), void *ctx);

#endif
