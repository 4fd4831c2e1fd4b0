/* SPDX-License-Identifier: Apache-2.0 */
/* Small things that every part of an "upstream" object is read with. */
#include "connectors/sap/compiler.h"

#include <ctype.h>

#include "catalog/members.h"

#define NAME_BYTES_MAX 128
#define NAMES_MAX 64

enum err sap_refuse(struct sap_compiler *compiler, struct slice pointer,
                    const char *message)
{
    *compiler->problem = (struct schema_problem){
        .pointer = pointer,
        .message = arena_slice(compiler->arena, slice_str(message))};
    return ERR_UNPROCESSABLE;
}

struct slice sap_at(struct sap_compiler *compiler, struct slice pointer,
                    struct slice name)
{
    return arena_printf(compiler->arena, "%.*s/%.*s", SLICE_ARG(pointer),
                        SLICE_ARG(name));
}

enum err sap_only(struct sap_compiler *compiler, struct slice pointer,
                  const struct jval *object, const char *const *names)
{
    if (!jval_is(object, JVAL_OBJECT)) {
        return sap_refuse(compiler, pointer, "This has to be an object.");
    }
    return members_only(compiler->arena, pointer, object, names, compiler->problem);
}

bool sap_is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c >= 0x80 || (!isalpha(c) && c != '_' && !(i > 0 && isdigit(c)))) {
            return false;
        }
    }
    return name.len > 0 && name.len <= NAME_BYTES_MAX;
}

bool sap_is_path(struct slice path)
{
    ptrdiff_t slash = slice_find(path, '/');

    while (slash >= 0) {
        if (!sap_is_name(slice_of(path.ptr, (size_t)slash))) {
            return false;
        }
        path = slice_from(path, (size_t)slash + 1);
        slash = slice_find(path, '/');
    }
    return sap_is_name(path);
}

const struct slice *sap_names(struct sap_compiler *compiler, struct slice pointer,
                              const struct jval *list, size_t *count)
{
    if (!jval_is(list, JVAL_ARRAY) || list->count == 0 || list->count > NAMES_MAX) {
        sap_refuse(compiler, pointer, "This is a list of property names.");
        return NULL;
    }
    struct slice *names = arena_array(compiler->arena, list->count, sizeof *names);
    for (size_t i = 0; i < list->count; i++) {
        names[i] = jval_text(&list->items[i]);
        if (!sap_is_path(names[i])) {
            sap_refuse(compiler,
                       arena_printf(compiler->arena, "%.*s/%zu", SLICE_ARG(pointer), i),
                       "This is no name of a property: letters, digits and _.");
            return NULL;
        }
    }
    *count = list->count;
    return names;
}

enum err sap_type_of(struct sap_compiler *compiler, struct slice pointer,
                     struct slice path, struct edm *out)
{
    const struct jval *types = jval_get(compiler->upstream, "properties");
    const struct jval *type = jval_member(types, path);

    if (type == NULL) {
        return sap_refuse(compiler, pointer,
                          "\"properties\" does not say which type this has.");
    }
    if (!edm_parse(jval_text(type), out)) {
        return sap_refuse(
            compiler, sap_at(compiler, SLICE("/properties"), path),
            "A type is that of the service's metadata without Edm, such "
            "as DateTime, Decimal(13,3), String(10) or String(10) upper.");
    }
    return ERR_OK;
}

const struct argument *sap_argument(const struct sap_compiler *compiler,
                                    struct slice name)
{
    const struct tool *tool = compiler->tool;

    for (size_t i = 0; tool != NULL && i < tool->argument_count; i++) {
        if (slice_eq(tool->arguments[i].name, name)) {
            return &tool->arguments[i];
        }
    }
    return NULL;
}
