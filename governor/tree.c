/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A treap without recursion but for the visit, whose depth is logarithmic in
 * expectation.
 */
#include "governor/tree.h"

#include "base/require.h"

struct tree_node *tree_find(const struct tree *tree, struct slice id)
{
    struct tree_node *node = tree->root;

    while (node != NULL) {
        int order = slice_cmp(id, tree_id(node));
        if (order == 0) {
            return node;
        }
        node = order < 0 ? node->left : node->right;
    }
    return NULL;
}

struct tree_node *tree_after(const struct tree *tree, struct slice id)
{
    struct tree_node *node = tree->root, *found = NULL;

    while (node != NULL) {
        if (slice_cmp(tree_id(node), id) > 0) {
            found = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return found;
}

/* Parts a subtree into the nodes before and after `id`. */
static void split(struct tree_node *node, struct slice id, struct tree_node **before,
                  struct tree_node **after)
{
    while (node != NULL) {
        if (slice_cmp(tree_id(node), id) < 0) {
            *before = node;
            before = &node->right;
            node = node->right;
        } else {
            *after = node;
            after = &node->left;
            node = node->left;
        }
    }
    *before = NULL;
    *after = NULL;
}

void tree_insert(struct tree *tree, struct tree_node *node)
{
    struct slice id = tree_id(node);
    struct tree_node **link = &tree->root;

    while (*link != NULL && (*link)->weight >= node->weight) {
        link = slice_cmp(id, tree_id(*link)) < 0 ? &(*link)->left : &(*link)->right;
    }
    split(*link, id, &node->left, &node->right);
    *link = node;
    tree->count++;
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
    struct slice id = tree_id(node);
    struct tree_node **link = &tree->root;
    struct tree_node *left = node->left, *right = node->right;

    while (*link != node) {
        REQUIRE(*link != NULL);
        link = slice_cmp(id, tree_id(*link)) < 0 ? &(*link)->left : &(*link)->right;
    }
    while (left != NULL && right != NULL) {
        if (left->weight >= right->weight) {
            *link = left;
            link = &left->right;
            left = left->right;
        } else {
            *link = right;
            link = &right->left;
            right = right->left;
        }
    }
    *link = left != NULL ? left : right;
    tree->count--;
}

static void visit(struct tree_node *node, void (*fn)(void *ctx, struct tree_node *node),
                  void *ctx)
{
    while (node != NULL) {
        visit(node->left, fn, ctx);
        fn(ctx, node);
        node = node->right;
    }
}

void tree_each(const struct tree *tree, void (*fn)(void *ctx, struct tree_node *node),
               void *ctx)
{
    visit(tree->root, fn, ctx);
}
