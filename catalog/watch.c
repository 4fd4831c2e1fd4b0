/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stamps of files. No notifications of the kernel: those do not come from network file systems
 * and mounted volumes, and a catalog is some thirty files.
 */
#include "catalog/watch.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/map.h"

#define NS_PER_S INT64_C(1000000000)
/* File systems stamp by a clock that ticks: two changes within a tick look the same. Those that
 * keep whole seconds show it by having no fraction. */
#define FINE_TICK_NS (NS_PER_S / 10)
#define COARSE_TICK_NS (2 * NS_PER_S)

struct stamp {
    bool exists;
    dev_t device;
    ino_t inode;
    off_t bytes;
    int64_t modified_ns, changed_ns;
};

struct entry {
    struct entry *next;
    const char *path;
    struct stamp stamp;
};

struct catalog_watch {
    struct arena *arena;
    struct map *known; /* paths */
    struct entry *entries;
    uint64_t digest;
    bool too_young; /* a stamp was no older than its clock's tick */
};

struct catalog_watch *catalog_watch_new(void)
{
    struct arena *arena = arena_new();
    struct catalog_watch *watch = arena_alloc(arena, sizeof *watch);

    watch->arena = arena;
    watch->known = map_new();
    return watch;
}

void catalog_watch_free(struct catalog_watch *watch)
{
    if (watch != NULL) {
        map_free(watch->known);
        arena_free(watch->arena);
    }
}

static int64_t ns_of(struct timespec time)
{
    return (int64_t)time.tv_sec * NS_PER_S + time.tv_nsec;
}

static struct stamp stamp_of(const char *path)
{
    struct stamp stamp = {.exists = false};
    struct stat info;

    if (stat(path, &info) == 0) {
        stamp.exists = true;
        stamp.device = info.st_dev;
        stamp.inode = info.st_ino;
        stamp.bytes = info.st_size;
        stamp.modified_ns = ns_of(info.st_mtim);
        stamp.changed_ns = ns_of(info.st_ctim);
    }
    return stamp;
}

static bool is_too_young(const struct stamp *stamp)
{
    bool fine = stamp->modified_ns % NS_PER_S != 0 || stamp->changed_ns % NS_PER_S != 0;
    int64_t tick_ns = fine ? FINE_TICK_NS : COARSE_TICK_NS;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age_ns = ns_of(now) - stamp->changed_ns;
    return stamp->exists && age_ns < tick_ns && age_ns > -tick_ns;
}

void catalog_watch_note(struct catalog_watch *watch, struct slice path)
{
    if (watch == NULL || map_get(watch->known, path) != NULL) {
        return;
    }
    struct entry *entry = arena_alloc(watch->arena, sizeof *entry);
    entry->path = arena_copy(watch->arena, path);
    entry->stamp = stamp_of(entry->path);
    entry->next = watch->entries;
    watch->entries = entry;
    watch->too_young = watch->too_young || is_too_young(&entry->stamp);
    map_put(watch->known, path, entry);
}

static uint64_t mix(uint64_t digest, struct slice bytes)
{
    return hash_more(digest, bytes) ^ bytes.len;
}

void catalog_watch_read(struct catalog_watch *watch, struct slice path,
                        struct slice bytes)
{
    if (watch != NULL) {
        watch->digest = mix(mix(watch->digest ^ HASH_START, path), bytes);
    }
}

static bool equal(const struct stamp *a, const struct stamp *b)
{
    return a->exists == b->exists && a->device == b->device && a->inode == b->inode &&
           a->bytes == b->bytes && a->modified_ns == b->modified_ns &&
           a->changed_ns == b->changed_ns;
}

bool catalog_watch_changed(const struct catalog_watch *watch)
{
    if (watch->too_young) {
        return true;
    }
    for (const struct entry *entry = watch->entries; entry != NULL;
         entry = entry->next) {
        struct stamp now = stamp_of(entry->path);

        if (!equal(&now, &entry->stamp)) {
            return true;
        }
    }
    return false;
}

uint64_t catalog_watch_digest(const struct catalog_watch *watch)
{
    return watch->digest;
}
