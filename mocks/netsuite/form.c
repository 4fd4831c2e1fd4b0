/* SPDX-License-Identifier: Apache-2.0 */
/* application/x-www-form-urlencoded. */
#include "mocks/netsuite/form.h"

#include "mocks/common/percent.h"

static ptrdiff_t find(const struct form *form, struct slice name)
{
    for (size_t i = 0; i < form->count; i++) {
        if (slice_eq(form->params[i].name, name)) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

static bool add(struct arena *arena, struct form *form, struct slice pair)
{
    ptrdiff_t equals = slice_find(pair, '=');
    struct slice name = equals < 0 ? pair : slice_of(pair.ptr, (size_t)equals);
    struct slice value =
        equals < 0 ? SLICE_EMPTY : slice_from(pair, (size_t)equals + 1);
    name = percent_decode(arena, name, PLUS_IS_SPACE);
    if (form->count == FORM_MAX_PARAMS || find(form, name) >= 0) {
        return false;
    }
    form->params[form->count].name = name;
    form->params[form->count].value = percent_decode(arena, value, PLUS_IS_SPACE);
    form->count++;
    return true;
}

bool form_read(struct arena *arena, struct slice text, struct form *out)
{
    out->count = 0;
    if (text.len > FORM_MAX_BYTES) {
        return false;
    }
    while (text.len > 0) {
        ptrdiff_t end = slice_find(text, '&');
        struct slice pair = end < 0 ? text : slice_of(text.ptr, (size_t)end);
        text = end < 0 ? SLICE_EMPTY : slice_from(text, (size_t)end + 1);
        if (pair.len > 0 && !add(arena, out, pair)) {
            return false;
        }
    }
    return true;
}

struct slice form_get(const struct form *form, const char *name)
{
    ptrdiff_t at = find(form, slice_str(name));
    return at < 0 ? SLICE_EMPTY : form->params[at].value;
}

bool form_has(const struct form *form, const char *name)
{
    return find(form, slice_str(name)) >= 0;
}
