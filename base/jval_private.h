/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what jval.c and jval_parse.c share: members in the order of their names.
 * Owns: nothing.  Threads: any.  Errors: none.
 * Start reading at: jval_sorted.
 */
#ifndef SLUICE_BASE_JVAL_PRIVATE_H
#define SLUICE_BASE_JVAL_PRIVATE_H

#include "base/jval.h"

/* Up to here comparing each with each is cheaper than sorting; beyond, an outsider
 * could make it quadratic. */
#define JVAL_FEW_MEMBERS 32

/* Pointers to the members, ordered by name. The caller frees the array. */
const struct jmember **jval_sorted(const struct jmember *members, size_t count);

#endif
