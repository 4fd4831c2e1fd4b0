/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two servers, their lender.c and Redis's lease.lua as they stand, in every order of everything that
 * can happen on a grid of half a lease: what docs/lease-model.md calls the search of the code.
 * check.py compiles it, with a fault planted or without.
 *
 *   shares SCRIPT STORE SEATS CEILING CUTS CRASHES RESTARTS LATE ORPHANS
 *
 * Beside its 64 bit hash nothing is kept of a state that was seen.
 */
#include "tests/model/shares.h"

#include "base/require.h"

struct bounds bounds;
struct world w;
bool is_above, is_told;

struct list_of {
    char *bytes;
    size_t count, room, size;
};

static void push(struct list_of *list, const void *one)
{
    if (list->count == list->room) {
        list->room = list->room == 0 ? 4096 : 2 * list->room;
        list->bytes = realloc(list->bytes, list->room * list->size);
        REQUIRE(list->bytes != NULL);
    }
    memcpy(list->bytes + list->count * list->size, one, list->size);
    list->count++;
}

static uint64_t *seen;
static size_t seen_room = 1 << 20, seen_count;

static bool is_new_state(uint64_t hash)
{
    if (2 * seen_count > seen_room) {
        uint64_t *old = seen;
        size_t old_room = seen_room;
        seen_room *= 2;
        seen_count = 0;
        seen = calloc(seen_room, sizeof *seen);
        REQUIRE(seen != NULL);
        for (size_t k = 0; k < old_room; k++) {
            if (old[k] != 0) {
                (void)is_new_state(old[k]);
            }
        }
        free(old);
    }
    size_t at = hash & (seen_room - 1);
    while (seen[at] != 0 && seen[at] != hash) {
        at = (at + 1) & (seen_room - 1);
    }
    if (seen[at] == hash) {
        return false;
    }
    seen[at] = hash;
    seen_count++;
    return true;
}

static void begin_world(void)
{
    memset(&w, 0, sizeof w);
    w.redis.seats = (num)bounds.seats;
    for (int i = 0; i < NODES; i++) {
        begin_life(i);
    }
    normalize();
}

struct origin {
    uint32_t parent;
    unsigned char event, node;
};

static void tell_story(const struct list_of *origins, size_t last)
{
    size_t steps[4096], count = 0;
    for (; last != 0;
         last = ((const struct origin *)(void *)origins->bytes)[last].parent) {
        steps[count++] = last;
    }
    begin_world();
    is_told = true;
    while (count > 0) {
        const struct origin *origin =
            &((const struct origin *)(void *)origins->bytes)[steps[--count]];
        printf("server %d: %s\n", origin->node, events[origin->event]);
        happen(origin->event, origin->node);
        normalize();
    }
}

/* The number of the state in which there is a call too many; 0: there is none. */
static size_t search(struct list_of *origins)
{
    struct list_of queues[2] = {{.size = sizeof w}, {.size = sizeof w}};
    size_t first = 0; /* number of the first state in the queue */
    begin_world();
    (void)is_new_state(hash_of(&w, sizeof w));
    push(&queues[0], &w);
    push(origins, &(struct origin){0});
    for (int turn = 0; queues[turn].count > 0; turn = !turn) {
        struct list_of *now = &queues[turn], *next = &queues[!turn];
        next->count = 0;
        for (size_t k = 0; k < now->count; k++) {
            for (int what = 0; what < EVENTS * NODES; what++) {
                int event = what / NODES, i = what % NODES;
                memcpy(&w, now->bytes + k * sizeof w, sizeof w);
                if (!can(event, i)) {
                    continue;
                }
                happen(event, i);
                normalize();
                if (!is_new_state(hash_of(&w, sizeof w)) && !is_above) {
                    continue;
                }
                push(next, &w);
                push(origins, &(struct origin){(uint32_t)(first + k),
                                               (unsigned char)event, (unsigned char)i});
                if (is_above) {
                    return origins->count - 1;
                }
            }
        }
        first += now->count;
    }
    return 0;
}

static int number(const char *text)
{
    unsigned long long value = 0;
    REQUIRE(slice_to_u64(slice_str(text), &value) && value < 100);
    return (int)value;
}

int main(int argc, char **argv)
{
    struct list_of origins = {.size = sizeof(struct origin)};
    REQUIRE(argc == 10);
    bounds = (struct bounds){number(argv[3]),    number(argv[4]), number(argv[5]),
                             number(argv[6]),    number(argv[7]), number(argv[8]),
                             number(argv[9]) > 0};
    seen = calloc(seen_room, sizeof *seen);
    REQUIRE(seen != NULL);
    redis_new(argv[1], argv[2]);
    lenders_new();
    size_t found = search(&origins);
    printf("%zu states, %s\n", origins.count,
           found > 0 ? "above the ceiling" : "none is above");
    if (found > 0) {
        tell_story(&origins, found);
    }
    return found > 0;
}
