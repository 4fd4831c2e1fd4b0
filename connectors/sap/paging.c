/* SPDX-License-Identifier: Apache-2.0 */
/*
 * We ask for one row more than a page holds; when it comes, there is a next page, which
 * begins at it. That needs only $top and $skip.
 *
 * A service may cut its answers shorter and give a link instead. The link is followed,
 * but it still carries our $top, and services differ in whether that counts the rows of
 * one answer or of all answers behind one link. So we count: the rows asked for by the
 * first request are a window; as long as it is not used up, the link goes on, and where
 * it ends we go on with $skip. No row is lost or repeated under either reading.
 */
#include "connectors/sap/paging.h"

#include "base/buf.h"
#include "base/text.h"

/* A cursor holds the page, sealed, and tools take cursors of 4096 characters. */
#define QUERY_BYTES_MAX 2600
#define ROW_MAX 1000000000ULL
#define LEFT_MAX 1000ULL

static bool take_number(struct slice *text, unsigned long long max, size_t *out)
{
    ptrdiff_t comma = slice_find(*text, ',');
    unsigned long long number;

    if (comma < 0 || !slice_to_u64(slice_of(text->ptr, (size_t)comma), &number) ||
        number > max) {
        return false;
    }
    *out = (size_t)number;
    *text = slice_from(*text, (size_t)comma + 1);
    return true;
}

bool sap_page_parse(struct slice text, struct sap_page *out)
{
    struct slice skip = SLICE("skip="), next = SLICE("next=");
    unsigned long long row = 0;

    *out = (struct sap_page){.query = SLICE_EMPTY};
    if (text.len == 0) {
        return true;
    }
    if (slice_starts(text, skip)) {
        bool right = slice_to_u64(slice_from(text, skip.len), &row) && row <= ROW_MAX;
        out->row = (size_t)row;
        return right;
    }
    if (!slice_starts(text, next)) {
        return false;
    }
    text = slice_from(text, next.len);
    if (!take_number(&text, ROW_MAX, &out->row) ||
        !take_number(&text, LEFT_MAX, &out->left)) {
        return false;
    }
    out->query = text;
    return text.len > 0 && text.len <= QUERY_BYTES_MAX;
}

struct slice sap_page_text(struct arena *arena, const struct sap_page *page)
{
    if (page->query.len == 0) {
        return arena_printf(arena, "skip=%zu", page->row);
    }
    return arena_printf(arena, "next=%zu,%zu,%.*s", page->row, page->left,
                        SLICE_ARG(page->query));
}

/* What no URL holds as it is, encoded; '%' stays, the service encoded already. */
static struct slice fit_for_url(struct arena *arena, struct slice query)
{
    struct buf out;

    buf_init(&out, QUERY_BYTES_MAX);
    for (size_t i = 0; i < query.len; i++) {
        char c = query.ptr[i];
        if (c > 0x20 && c < 0x7f && strchr("\"<>\\^`{|}#", c) == NULL) {
            buf_append_byte(&out, c);
        } else {
            text_percent(&out, slice_of(&c, 1));
        }
    }
    struct slice result =
        buf_full(&out) ? SLICE_EMPTY : arena_slice(arena, buf_slice(&out));
    buf_free(&out);
    return result;
}

/* Without scheme and authority. */
static struct slice local_part(struct slice link)
{
    for (size_t i = 0; i + 2 < link.len && link.ptr[i] != '?'; i++) {
        if (memcmp(link.ptr + i, "://", 3) == 0) {
            struct slice rest = slice_from(link, i + 3);
            ptrdiff_t slash = slice_find(rest, '/');
            return slash < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)slash);
        }
    }
    return link;
}

bool sap_page_link(struct arena *arena, struct slice link, struct slice path,
                   struct slice set, struct slice *query)
{
    struct slice local = local_part(link);
    ptrdiff_t mark = slice_find(local, '?');

    if (mark < 0) {
        return false;
    }
    struct slice place = slice_of(local.ptr, (size_t)mark);
    if (!slice_eq(place, path) && !slice_eq(place, set)) {
        return false;
    }
    *query = fit_for_url(arena, slice_from(local, (size_t)mark + 1));
    return true;
}

size_t sap_page_turn(const struct sap_page *page, size_t limit, size_t rows,
                     const struct slice *query, struct sap_page *next, bool *more)
{
    size_t window = page->query.len > 0 ? page->left : limit + 1;
    size_t left = window > rows ? window - rows : 0;
    size_t take = rows < limit ? rows : limit;

    *next = (struct sap_page){.row = page->row + take, .query = SLICE_EMPTY};
    if (rows > limit) {
        *more = true;
        return take;
    }
    if (query != NULL) {
        *more = true;
        /* A window of one row more is only the question whether there is one. */
        if (left >= 2 && query->len > 0) {
            next->left = left;
            next->query = *query;
        }
        return take;
    }
    /* No link. Where the window is used up its last row is the one more. */
    *more = page->query.len > 0 && left == 0 && rows > 1;
    if (*more) {
        next->row--;
        return take - 1;
    }
    return take;
}
