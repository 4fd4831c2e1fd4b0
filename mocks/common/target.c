/* SPDX-License-Identifier: Apache-2.0 */
#include "mocks/common/target.h"

static size_t mark(struct slice text)
{
    size_t at = 0;
    while (at < text.len && text.ptr[at] != '/' && text.ptr[at] != '?') {
        at++;
    }
    return at;
}

struct target target_split(struct slice text)
{
    struct target target = {SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY};
    size_t colon = mark(text);
    struct slice rest = slice_from(text, colon);
    if (colon > 1 && text.ptr[colon - 1] == ':' && slice_starts(rest, SLICE("//"))) {
        target.scheme = slice_of(text.ptr, colon - 1);
        rest = slice_from(rest, 2);
        target.authority = slice_of(rest.ptr, mark(rest));
        text = slice_from(rest, target.authority.len);
    }
    ptrdiff_t question = slice_find(text, '?');
    target.path = question < 0 ? text : slice_of(text.ptr, (size_t)question);
    target.query = question < 0 ? SLICE_EMPTY : slice_from(text, (size_t)question + 1);
    return target;
}
