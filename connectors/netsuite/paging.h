/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: which request fetches the rows a caller wants next, under NetSuite's rule
 * that the offset is a multiple of the limit. Owns: nothing.  Threads: any. Errors:
 * paging_parse returns false for text it did not write. Start reading at:
 * paging_window.
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_PAGING_H
#define SLUICE_CONNECTORS_NETSUITE_PAGING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"

#define PAGING_ROWS_MAX 1000     /* rows NetSuite gives in one answer */
#define PAGING_OFFSET_END 100000 /* rows it gives of one query altogether */

/* A request and the part of its rows that is ours. */
struct paging_window {
    size_t limit, offset; /* of the request; offset is a multiple of limit */
    size_t skip;          /* rows at the start that the caller has had */
    size_t take;          /* at most so many after them */
};

/*
 * Where rows row, row+1, ... row+want-1 can be had. `want` is 1..LIMIT_PAGE for any row before
 * PAGING_OFFSET_END (a test looks at each), and up to PAGING_ROWS_MAX for row 0.
 */
struct paging_window paging_window(size_t row, size_t want);

/* "offset=25": the first row of the page. An empty text is the first page. */
bool paging_parse(struct slice page, size_t *row);
struct slice paging_text(struct arena *arena, size_t row);

/*
 * The first row of the page after this answer of `rows` rows; false when it was the
 * last. `taken` receives how many of the rows go to the caller.
 */
bool paging_next(const struct paging_window *window, size_t rows, bool has_more,
                 size_t *taken, size_t *next);

#endif
