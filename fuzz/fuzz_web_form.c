/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what a browser sends of a form: what is read is read in one way only, and
 * written once more it is the same fields. */
#include "fuzz/input.h"

#include "base/text.h"
#include "core/web_form.h"

static void check_fields(const struct web_form *form, size_t bytes)
{
    size_t total = 0;

    REQUIRE(form->count <= LIMIT_FORM_FIELDS);
    for (size_t i = 0; i < form->count; i++) {
        const struct web_form_field *field = &form->fields[i];
        REQUIRE(text_is_utf8(field->name) && text_is_utf8(field->value));
        REQUIRE(slice_find(field->name, '\0') < 0 &&
                slice_find(field->value, '\0') < 0);
        REQUIRE(slice_eq(web_form_get(form, field->name), field->value));
        total += field->name.len + field->value.len;
        for (size_t j = 0; j < i; j++) {
            REQUIRE(!slice_eq(form->fields[j].name, field->name));
        }
    }
    REQUIRE(total <= bytes);
}

/* With everything escaped that may be. */
static struct slice write_again(struct arena *arena, const struct web_form *form)
{
    struct slice text = SLICE_EMPTY;

    for (size_t i = 0; i < form->count; i++) {
        struct slice name = text_percent_arena(arena, form->fields[i].name);
        struct slice value = text_percent_arena(arena, form->fields[i].value);
        text = arena_printf(arena, "%.*s%s%.*s=%.*s", SLICE_ARG(text), i > 0 ? "&" : "",
                            SLICE_ARG(name), SLICE_ARG(value));
    }
    return text;
}

static void check_same(const struct web_form *a, const struct web_form *b)
{
    REQUIRE(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        REQUIRE(slice_eq(a->fields[i].name, b->fields[i].name));
        REQUIRE(slice_eq(a->fields[i].value, b->fields[i].value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size);
    struct arena *arena = arena_new();
    struct web_form form, again;

    if (web_form_read(arena, input, &form)) {
        check_fields(&form, size);
        struct slice written = write_again(arena, &form);
        REQUIRE(web_form_read(arena, written, &again));
        check_same(&form, &again);
        if (form.count > 0) { /* no name may be said twice, however it is spelt */
            struct slice twice = arena_printf(arena, "%.*s&%.*s", SLICE_ARG(written),
                                              SLICE_ARG(written));
            REQUIRE(!web_form_read(arena, twice, &again));
        }
    }
    arena_free(arena);
    return 0;
}
