/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What URL tokens led to, so that a call does not search the file for what the last one found.
 * An entry holds for one stamp of url_reach: whoever changes or deletes a server or a token, the
 * server itself or a command beside it, changes the stamp in the same transaction (step 13 of
 * schema.c), and with it all entries are of no more use. Other writes leave them. An entry is
 * judged by the clock each time, as the search would. Only tokens that live are kept: that a new
 * one comes, changes no entry, and dead ones cost the same whatever is wrong with them: a search.
 *
 * Hashes are spread evenly already: their first bytes name the set of places where one may be. Of
 * 10,000 one in 270 finds its set full of others; with sets of two it was one in eight.
 */
#include <stdlib.h>

#include "base/ahead.h"
#include "base/slab.h"
#include "store/store_private.h"

#define FOUND_PLACES ((size_t)32 * 1024)
#define SET_PLACES 8
#define FOUND_TEXT_BYTES 512 /* of one server; more is searched for each time */
#define USUAL_TEXT_BYTES 128
#define HASH_BYTES 32

struct entry {
    char hash[HASH_BYTES];
    size_t bytes;              /* of the whole */
    int64_t stamp;             /* url_reach's, when the file was searched */
    struct found_server found; /* its texts lie behind it */
    char texts[];
};

/* The mark is another part of the hash: a look-up does not read what others have in the set. */
struct place {
    uint64_t mark;
    struct entry *entry;
};

struct found_servers {
    struct place places[FOUND_PLACES]; /* a set is two cache lines */
    struct slab *slab;                 /* the entries */
};

struct found_servers *found_new(void)
{
    size_t bytes =
        (sizeof(struct found_servers) + AHEAD_LINE - 1) / AHEAD_LINE * AHEAD_LINE;
    struct found_servers *servers = aligned_alloc(AHEAD_LINE, bytes);
    REQUIRE(servers != NULL);
    memset(servers, 0, bytes);
    servers->slab = slab_new();
    return servers;
}

static void clear(struct found_servers *servers, struct place *place)
{
    if (place->entry != NULL) {
        slab_give(servers->slab, place->entry, place->entry->bytes);
    }
    *place = (struct place){0};
}

void found_free(struct found_servers *servers)
{
    if (servers == NULL) {
        return;
    }
    for (size_t i = 0; i < FOUND_PLACES; i++) {
        clear(servers, &servers->places[i]);
    }
    slab_free(servers->slab);
    free(servers);
}

static uint64_t part_of(struct slice hash, size_t at)
{
    uint64_t part = 0;

    REQUIRE(hash.len == HASH_BYTES);
    memcpy(&part, hash.ptr + at, sizeof part);
    return part;
}

static struct place *set_of(struct found_servers *servers, struct slice hash)
{
    size_t set = part_of(hash, 0) % (FOUND_PLACES / SET_PLACES);

    return &servers->places[set * SET_PLACES];
}

static uint64_t mark_of(struct slice hash)
{
    return part_of(hash, sizeof(uint64_t));
}

/* NULL when it is not kept. */
static struct place *place_of(struct place *set, struct slice hash)
{
    uint64_t mark = mark_of(hash);

    for (size_t i = 0; i < SET_PLACES; i++) {
        if (set[i].entry == NULL || set[i].mark != mark) {
            continue;
        }
        ahead_fetch(set[i].entry, sizeof *set[i].entry + USUAL_TEXT_BYTES);
        if (memcmp(set[i].entry->hash, hash.ptr, HASH_BYTES) == 0) {
            return &set[i];
        }
    }
    return NULL;
}

bool found_get(struct found_servers *servers, int64_t stamp, struct slice hash,
               int64_t now_ms, struct arena *arena, struct store_server *out)
{
    const struct place *place = place_of(set_of(servers, hash), hash);
    const struct entry *entry = place != NULL ? place->entry : NULL;

    if (entry == NULL || entry->stamp != stamp ||
        (entry->found.ends_ms != 0 && entry->found.ends_ms <= now_ms)) {
        return false;
    }
    *out = entry->found.server;
    out->id = arena_slice(arena, out->id);
    out->account = arena_slice(arena, out->account);
    out->name = arena_slice(arena, out->name);
    out->config = arena_slice(arena, out->config);
    return true;
}

static char *keep_text(char *at, struct slice *text)
{
    char *end = at + text->len;

    slice_copy(at, *text);
    *text = slice_of(at, text->len);
    return end;
}

/* Its own place again, else one that is of no use any more, else the first. */
static struct place *place_for(struct place *set, int64_t stamp, struct slice hash)
{
    struct place *place = place_of(set, hash);

    for (size_t i = 0; place == NULL && i < SET_PLACES; i++) {
        bool is_free = set[i].entry == NULL || set[i].entry->stamp != stamp;
        place = is_free ? &set[i] : NULL;
    }
    return place != NULL ? place : set;
}

void found_put(struct found_servers *servers, int64_t stamp, struct slice hash,
               const struct found_server *found)
{
    const struct store_server *server = &found->server;
    size_t text_bytes =
        server->id.len + server->account.len + server->name.len + server->config.len;
    size_t bytes = sizeof(struct entry) + text_bytes;
    struct place *place = place_for(set_of(servers, hash), stamp, hash);

    if (text_bytes > FOUND_TEXT_BYTES) {
        return;
    }
    clear(servers, place);
    struct entry *entry = slab_take(servers->slab, bytes);
    memcpy(entry->hash, hash.ptr, HASH_BYTES);
    entry->bytes = bytes;
    entry->stamp = stamp;
    entry->found = *found;
    char *at = keep_text(entry->texts, &entry->found.server.id);
    at = keep_text(at, &entry->found.server.account);
    at = keep_text(at, &entry->found.server.name);
    keep_text(at, &entry->found.server.config);
    *place = (struct place){mark_of(hash), entry};
}
