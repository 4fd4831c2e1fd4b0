/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page is remembered as the number of its first row, nothing else, so a caller may
 * change `limit` between two pages. Where that row is no multiple of the new limit, a
 * wider request that begins earlier and covers the rows is sent, and the rows already
 * given are cut off: none comes twice, none is left out.
 */
#include "connectors/netsuite/paging.h"

#include "base/require.h"

static const char page_prefix[] = "offset=";

struct paging_window paging_window(size_t row, size_t want)
{
    size_t limit = want;

    REQUIRE(want >= 1);
    while (row % limit + want > limit) {
        limit++;
    }
    REQUIRE(limit <= PAGING_ROWS_MAX);
    return (struct paging_window){
        .limit = limit, .offset = row - row % limit, .skip = row % limit, .take = want};
}

bool paging_parse(struct slice page, size_t *row)
{
    unsigned long long number;
    struct slice prefix = slice_of(page_prefix, sizeof page_prefix - 1);

    if (page.len == 0) {
        *row = 0;
        return true;
    }
    if (!slice_starts(page, prefix) ||
        !slice_to_u64(slice_from(page, prefix.len), &number) ||
        number > 10ULL * PAGING_OFFSET_END) {
        return false;
    }
    *row = (size_t)number;
    return true;
}

struct slice paging_text(struct arena *arena, size_t row)
{
    return arena_printf(arena, "%s%zu", page_prefix, row);
}

bool paging_next(const struct paging_window *window, size_t rows, bool has_more,
                 size_t *taken, size_t *next)
{
    size_t ours = rows > window->skip ? rows - window->skip : 0;

    *taken = ours < window->take ? ours : window->take;
    if (*taken < ours) {
        *next = window->offset + window->skip + *taken;
        return true;
    }
    /* The window is used up, even if it came back shorter than it was asked for. */
    *next = window->offset + window->limit;
    return has_more;
}
