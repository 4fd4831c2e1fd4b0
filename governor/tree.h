/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: records found and listed by id, in byte order, for 32 bytes each.
 * Owns: nothing; the nodes live inside the records.
 * Threads: one owner at a time.  Errors: none.
 * Start reading at: tree_insert. Private to governor/.
 *
 * A treap: random weights keep it flat whatever ids outsiders choose. Lanes and tenants
 * are looked up for settings and views only, never on the way of a call; base/map would
 * be quicker there, and costs three times the memory.
 */
#ifndef SLUICE_GOVERNOR_TREE_H
#define SLUICE_GOVERNOR_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct tree_node {
    struct tree_node *left, *right;
    const char *id;
    uint32_t id_bytes;
    uint32_t weight; /* random; a parent's is at least its children's */
};

struct tree {
    struct tree_node *root;
    size_t count;
};

static inline struct slice tree_id(const struct tree_node *node)
{
    return slice_of(node->id, node->id_bytes);
}

/* Lends the node, or NULL. */
struct tree_node *tree_find(const struct tree *tree, struct slice id);
/* Lends the first node behind `id`, whether that is in the tree or not, or NULL. */
struct tree_node *tree_after(const struct tree *tree, struct slice id);
/* Keeps `node`, its id and weight set, until tree_remove; the id is not in the tree
 * yet. */
void tree_insert(struct tree *tree, struct tree_node *node);
/* `node` is in the tree. */
void tree_remove(struct tree *tree, struct tree_node *node);
/* Visits every node in the order of ids; fn must not change the tree. */
void tree_each(const struct tree *tree, void (*fn)(void *ctx, struct tree_node *node),
               void *ctx);

#endif
