/* SPDX-License-Identifier: Apache-2.0 */
/* One argument object, checked and parted into what goes to path, query and body. */
#include "catalog/catalog_private.h"

#include <stdlib.h>

static int by_name(const void *key, const void *element)
{
    const struct slice *name = key;
    const struct argument *argument = element;

    return slice_cmp(*name, argument->name);
}

static const struct argument *find_argument(const struct tool *tool, struct slice name)
{
    if (tool->argument_count == 0) {
        return NULL;
    }
    return bsearch(&name, tool->arguments, tool->argument_count,
                   sizeof *tool->arguments, by_name);
}

/* An integer or its text; the schema has seen to the range. */
static size_t read_limit(struct arena *arena, const struct jval *value)
{
    struct decimal number;
    struct slice text;
    unsigned long long limit = 0;

    REQUIRE(decimal_parse(value->text, &number) &&
            decimal_plain(arena, &number, &text) && slice_to_u64(text, &limit));
    REQUIRE(limit >= 1 && limit <= LIMIT_PAGE);
    return (size_t)limit;
}

static void place(const struct argument *argument, const struct jval *value,
                  struct arena *arena, struct split *out)
{
    switch (argument->place) {
    case ARGUMENT_PATH:
        jval_set(arena, out->path, argument->name, value);
        return;
    case ARGUMENT_QUERY:
        jval_set(arena, out->query, argument->name, value);
        return;
    case ARGUMENT_BODY:
        field_path_put(argument->target, arena, out->body, value);
        return;
    case ARGUMENT_POLL:
        out->poll_id = value->text;
        return;
    case ARGUMENT_PAGING:
        break;
    }
    if (slice_is(argument->name, "limit")) {
        out->limit = read_limit(arena, value);
    } else {
        out->cursor = value->text;
    }
}

static enum err check(const struct tool *tool, const struct jval *arguments,
                      struct arena *arena, struct fault *fault)
{
    struct fault_detail *details =
        arena_array(arena, LIMIT_FAULT_DETAILS, sizeof *details);
    size_t count = 0;

    if (schema_check(tool->input, arguments, arena, details, LIMIT_FAULT_DETAILS,
                     &count) &&
        (tool->floor == NULL || schema_check(tool->floor, arguments, arena, details,
                                             LIMIT_FAULT_DETAILS, &count))) {
        return ERR_OK;
    }
    fault->err = ERR_INVALID_ARGUMENTS;
    fault->details = details;
    fault->detail_count = count;
    fault->hint =
        SLICE("Correct the arguments named in details and call again; nothing "
              "was sent to the ERP.");
    return ERR_INVALID_ARGUMENTS;
}

enum err split_arguments(const struct tool *tool, const struct jval *arguments,
                         struct arena *arena, struct split *out, struct fault *fault)
{
    enum err err;

    if (arguments == NULL) {
        arguments = jval_new_object(arena, 0);
    }
    err = check(tool, arguments, arena, fault);
    if (err != ERR_OK) {
        return err;
    }
    out->path = jval_new_object(arena, 1);
    out->query = jval_new_object(arena, arguments->count);
    out->body = jval_new_object(arena, arguments->count);
    out->limit = tool->pages ? tool->integration->default_limit : 0;
    out->cursor = SLICE_EMPTY;
    out->poll_id = SLICE_EMPTY;
    for (size_t i = 0; i < arguments->count; i++) {
        const struct argument *argument =
            find_argument(tool, arguments->members[i].name);

        REQUIRE(argument != NULL); /* the schema knows exactly these */
        place(argument, &arguments->members[i].value, arena, out);
    }
    return ERR_OK;
}

struct slice split_canonical(const struct split *split, struct arena *arena)
{
    struct jval *all = jval_new_object(arena, 3);

    jval_set(arena, all, SLICE("body"), split->body);
    jval_set(arena, all, SLICE("path"), split->path);
    jval_set(arena, all, SLICE("query"), split->query);
    return canonical_text(arena, all);
}
