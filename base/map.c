/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing with linear probing; a removal closes the gap, so there are no
 * tombstones. The table has a power of two of places and is at most three quarters
 * full. The hash is SipHash-1-3 under a random key.
 */
#include "base/map.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/require.h"
#include "base/secret.h"

#define FIRST_PLACES 16

struct entry {
    uint64_t hash;
    char *key; /* NULL: a free place */
    size_t key_bytes;
    void *value;
};

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
    struct entry *entries = calloc(places, sizeof(*entries));

    REQUIRE(entries != NULL);
    return entries;
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

static void key_free(struct entry *entry)
{
    wipe(entry->key, entry->key_bytes);
    free(entry->key);
}

void map_free(struct map *map)
{
    if (map == NULL) {
        return;
    }
    for (size_t i = 0; i < map->places; i++) {
        if (map->entries[i].key != NULL) {
            key_free(&map->entries[i]);
        }
    }
    free(map->entries);
    free(map);
}

/* The key's place, or the free place where it would go. */
static struct entry *place_of(const struct map *map, struct slice key, uint64_t hash)
{
    size_t at = (size_t)hash & (map->places - 1);

    for (;;) {
        struct entry *entry = &map->entries[at];
        if (entry->key == NULL) {
            return entry;
        }
        if (entry->hash == hash &&
            slice_eq(slice_of(entry->key, entry->key_bytes), key)) {
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
        if (old[i].key != NULL) {
            *place_of(map, slice_of(old[i].key, old[i].key_bytes), old[i].hash) =
                old[i];
        }
    }
    free(old);
}

void *map_put(struct map *map, struct slice key, void *value)
{
    REQUIRE(value != NULL);
    uint64_t hash = hash_key(map, key);
    struct entry *entry = place_of(map, key, hash);

    if (entry->key != NULL) {
        void *before = entry->value;
        entry->value = value;
        return before;
    }
    if ((map->count + 1) * 4 > map->places * 3) {
        grow(map);
        entry = place_of(map, key, hash);
    }
    char *copy = malloc(key.len + 1);
    REQUIRE(copy != NULL);
    slice_copy(copy, key);
    copy[key.len] = '\0';
    *entry = (struct entry){hash, copy, key.len, value};
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

    for (size_t at = (gap + 1) & mask; map->entries[at].key != NULL;
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

    if (entry->key == NULL) {
        return NULL;
    }
    void *value = entry->value;
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
        if (entry->key != NULL) {
            fn(ctx, slice_of(entry->key, entry->key_bytes), entry->value);
        }
    }
}
