/* SPDX-License-Identifier: Apache-2.0 */
/* Which lanes have changed, for whoever shows them; nothing is kept while nobody does. */
#include "governor/governor_private.h"

#define CHANGED_BYTES ((size_t)4 * 1024 * 1024)

void governor_watch(struct governor *governor, bool watches)
{
    struct arena *arena = arena_new();
    struct slice *ids;
    size_t count;

    (void)governor_changed(governor, arena, &ids, &count);
    arena_free(arena);
    buf_free(&governor->changed);
    buf_init(&governor->changed, CHANGED_BYTES);
    governor->is_watched = watches;
}

void lane_note(struct governor *governor, struct lane *lane)
{
    struct slice id = tree_id(&lane->node);
    uint32_t bytes = lane->node.id_bytes;
    struct buf *changed = &governor->changed;

    if (changed->ceiling - changed->len < sizeof(bytes) + id.len) {
        governor->has_lost_changes = true;
        return;
    }
    buf_append(changed, slice_of((const char *)&bytes, sizeof(bytes)));
    buf_append(changed, id);
    governor->changed_count++;
    lane->gate.is_noted = true;
}

bool governor_changed(struct governor *governor, struct arena *arena,
                      struct slice **ids, size_t *count)
{
    struct slice rest = buf_slice(&governor->changed);
    bool is_whole = !governor->has_lost_changes;
    uint32_t bytes;

    *count = governor->changed_count;
    *ids = arena_array(arena, *count + 1, sizeof(**ids));
    for (size_t i = 0; i < *count; i++) {
        struct lane *lane;
        memcpy(&bytes, rest.ptr, sizeof(bytes));
        rest = slice_from(rest, sizeof(bytes));
        (*ids)[i] = arena_slice(arena, slice_of(rest.ptr, bytes));
        rest = slice_from(rest, bytes);
        lane = lane_find(governor, (*ids)[i]);
        if (lane != NULL) {
            lane->gate.is_noted = false;
        }
    }
    buf_clear(&governor->changed);
    governor->has_lost_changes = false;
    governor->changed_count = 0;
    return is_whole;
}
