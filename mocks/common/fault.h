/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: faults ordered over the control port, taken in the order they came.
 * Owns: the faults that wait.
 * Threads: one owner at a time.
 * Errors: an order that makes no sense is refused with a sentence.
 * Start reading at: fault_order.
 */
#ifndef SLUICE_MOCKS_COMMON_FAULT_H
#define SLUICE_MOCKS_COMMON_FAULT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/slice.h"

enum fault_kind {
    FAULT_STATUS,
    FAULT_RESET,
    FAULT_TRUNCATE,
    FAULT_HTML,
    FAULT_SLOW_DRIP,
    FAULT_MALFORMED,
    FAULT_AFTER_COMMIT_DROP,
    FAULT_EXPIRE_TOKENS
};

struct fault_field {
    struct slice name, value;
};

/* One fault as it hits one request. */
struct fault {
    enum fault_kind kind;
    int status; /* 0: the kind's own */
    bool has_body;
    struct slice body;
    struct fault_field *fields;
    size_t field_count;
    int delay_ms;
};

struct fault_list {
    struct list orders;
    size_t count;
};

void fault_list_init(struct fault_list *list);
void fault_list_clear(struct fault_list *list);

/* Borrows `order`. False: the sentence in `*why` (a literal) says what is wrong. */
bool fault_order(struct fault_list *list, const json_t *order, const char **why);

/* The first order that matches; one of its times is used up. NULL: none. The fault is
 * copied into `arena`. */
struct fault *fault_take(struct fault_list *list, struct slice method,
                         struct slice path, struct arena *arena);

#endif
