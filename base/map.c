/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing with linear probing; a removal closes the gap, so there are no
 * tombstones. The table has a power of two of places and is at most three quarters
 * full. The hash is SipHash-1-3 under a random key. A place is one cache line, with the key in it
 * if that is as short as our ids: a look-up among many reads one line.
 */
#include "base/map.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/require.h"
#include "base/secret.h"

#define FIRST_PLACES 16

#define NEAR_BYTES 40

struct entry {
    uint64_t hash;
    void *value; /* NULL: a free place */
    size_t key_bytes;
    union {
        char near[NEAR_BYTES];
        char *far; /* longer keys */
    } key;
};
_Static_assert(sizeof(struct entry) == 64, "a cache line");

struct map {
    struct entry *entries;
    size_t places; /* a power of two */
    size_t count;
    uint64_t seed[2];
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static uint64_t hash_key(const struct map *map, struct slice key)
{
    uint64_t v[4] = {
        map->seed[0] ^ 0x736f6d6570736575u, map->seed[1] ^ 0x646f72616e646f6du,
        map->seed[0] ^ 0x6c7967656e657261u, map->seed[1] ^ 0x7465646279746573u};
    uint64_t word;
    size_t at = 0;

    for (; key.len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, key.ptr + at, sizeof(word));
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    memcpy(&word, key.ptr + at, key.len - at);
    word ^= (uint64_t)key.len << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) {
        sip_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static struct entry *entries_new(size_t places)
{
    size_t bytes = places * sizeof(struct entry);
    struct entry *entries = aligned_alloc(sizeof(*entries), bytes);

    REQUIRE(entries != NULL);
    return memset(entries, 0, bytes);
}

static void entries_free(struct entry *entries, size_t places)
{
    wipe(entries, places * sizeof(*entries));
    free(entries);
}

struct map *map_new(void)
{
    struct map *map = calloc(1, sizeof(*map));

    REQUIRE(map != NULL);
    map->entries = entries_new(FIRST_PLACES);
    map->places = FIRST_PLACES;
    random_bytes(map->seed, sizeof(map->seed));
    return map;
}

static struct slice key_of(const struct entry *entry)
{
    bool is_near = entry->key_bytes <= NEAR_BYTES;

    return slice_of(is_near ? entry->key.near : entry->key.far, entry->key_bytes);
}

static void key_put(struct entry *entry, struct slice key)
{
    char *copy = entry->key.near;

    if (key.len > NEAR_BYTES) {
        copy = entry->key.far = memory_alloc(key.len);
    }
    entry->key_bytes = key.len;
    slice_copy(copy, key);
}

static void key_free(struct entry *entry)
{
    if (entry->key_bytes > NEAR_BYTES) {
        memory_free(entry->key.far);
    }
}

void map_free(struct map *map)
{
    if (map == NULL) {
        return;
    }
    for (size_t i = 0; i < map->places; i++) {
        key_free(&map->entries[i]);
    }
    entries_free(map->entries, map->places);
    free(map);
}

/* The key's place, or the free place where it would go. */
static struct entry *place_of(const struct map *map, struct slice key, uint64_t hash)
{
    size_t at = (size_t)hash & (map->places - 1);

    for (;;) {
        struct entry *entry = &map->entries[at];
        if (entry->value == NULL ||
            (entry->hash == hash && slice_eq(key_of(entry), key))) {
            return entry;
        }
        at = (at + 1) & (map->places - 1);
    }
}

static void grow(struct map *map)
{
    struct entry *old = map->entries;
    size_t places = map->places;

    map->entries = entries_new(places * 2);
    map->places = places * 2;
    for (size_t i = 0; i < places; i++) {
        if (old[i].value != NULL) {
            *place_of(map, key_of(&old[i]), old[i].hash) = old[i];
        }
    }
    entries_free(old, places);
}

void *map_put(struct map *map, struct slice key, void *value)
{
    REQUIRE(value != NULL);
    uint64_t hash = hash_key(map, key);
    struct entry *entry = place_of(map, key, hash);

    if (entry->value != NULL) {
        void *before = entry->value;
        entry->value = value;
        return before;
    }
    if ((map->count + 1) * 4 > map->places * 3) {
        grow(map);
        entry = place_of(map, key, hash);
    }
    *entry = (struct entry){.hash = hash, .value = value};
    key_put(entry, key);
    map->count++;
    return NULL;
}

void *map_get(const struct map *map, struct slice key)
{
    return place_of(map, key, hash_key(map, key))->value;
}

/* Moves later entries of the same run into the gap, as long as that is nearer to their
 * home. */
static void close_gap(struct map *map, size_t gap)
{
    size_t mask = map->places - 1;

    for (size_t at = (gap + 1) & mask; map->entries[at].value != NULL;
         at = (at + 1) & mask) {
        size_t home = (size_t)map->entries[at].hash & mask;
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            map->entries[gap] = map->entries[at];
            gap = at;
        }
    }
    map->entries[gap] = (struct entry){0};
}

void *map_remove(struct map *map, struct slice key)
{
    struct entry *entry = place_of(map, key, hash_key(map, key));

    void *value = entry->value;

    if (value == NULL) {
        return NULL;
    }
    key_free(entry);
    close_gap(map, (size_t)(entry - map->entries));
    map->count--;
    return value;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

void map_each(const struct map *map,
              void (*fn)(void *ctx, struct slice key, void *value), void *ctx)
{
    for (size_t i = 0; i < map->places; i++) {
        const struct entry *entry = &map->entries[i];
        if (entry->value != NULL) {
            fn(ctx, key_of(entry), entry->value);
        }
    }
}
