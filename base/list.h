/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: an intrusive doubly linked ring: an object's state is the list it is on.
 * Owns: nothing; the links live inside the objects.
 * Threads: one owner at a time.  Errors: none.
 * Start reading at: list_push.
 */
#ifndef SLUICE_BASE_LIST_H
#define SLUICE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *list)
{
    list->next = list->prev = list;
}

static inline bool list_empty(const struct list *list)
{
    return list->next == list;
}

static inline void list_push(struct list *head, struct list *node) /* at the end */
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* Leaves the node on a ring of its own, so a second removal is harmless. */
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

#define LIST_ENTRY(node, type, member) \
    ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Safe against removal of the current node. */
#define LIST_FOREACH_SAFE(node, after, head)                                    \
    for (struct list *node = (head)->next, *after = node->next; node != (head); \
         node = after, after = node->next)

#define LIST_FOREACH(node, head) \
    for (struct list *node = (head)->next; node != (head); node = node->next)

#endif
