/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Catalog files: bytes to values. Every file is read whole under a ceiling, must be
 * strict JSON, and must fit the published schema of its kind, so what later reads it
 * may rely on that.
 */
#include "catalog/catalog_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "catalog/schema_texts.h"

enum err loader_fail(struct loader *loader, enum err err, struct slice file,
                     struct slice pointer, struct slice message)
{
    loader->problem->file = arena_slice(loader->problem_arena, file);
    loader->problem->pointer = arena_slice(loader->problem_arena, pointer);
    loader->problem->message = arena_slice(loader->problem_arena, message);
    return err;
}

static enum err fail_system(struct loader *loader, struct slice path, int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return loader_fail(loader, ERR_NOT_FOUND, path, SLICE_EMPTY,
                           SLICE("there is no such file or folder"));
    case EACCES:
    case EPERM:
        return loader_fail(loader, ERR_IO, path, SLICE_EMPTY,
                           SLICE("this user may not read it"));
    default:
        return loader_fail(loader, ERR_IO, path, SLICE_EMPTY,
                           SLICE("it cannot be read"));
    }
}

/* ---- Schemas of the files ---- */

struct schema_text {
    const unsigned char *bytes;
    const size_t *count;
    const char *name;
};

/* Our own texts: a failure here is a mistake of the build, and still says where. */
static enum err compile_text(struct loader *loader, const struct schema_text *text,
                             struct schema **out, const struct jval **json)
{
    struct slice bytes = slice_of((const char *)text->bytes, *text->count);
    struct schema_problem problem = {SLICE_EMPTY, SLICE("it is not JSON")};
    struct jval *value = NULL;

    if (jval_parse(loader->arena, bytes, &value, NULL) != ERR_OK ||
        schema_compile(loader->arena, value, out, &problem) != ERR_OK) {
        return loader_fail(loader, ERR_INTERNAL, slice_str(text->name), problem.pointer,
                           problem.message);
    }
    *json = value;
    return ERR_OK;
}

enum err loader_schemas(struct loader *loader)
{
    static const struct schema_text texts[FILE_KINDS] = {
        [FILE_INTEGRATION] = {schema_text_integration, &schema_text_integration_len,
                              "integration.schema.json"},
        [FILE_RESOURCE] = {schema_text_resource, &schema_text_resource_len,
                           "resource.schema.json"},
        [FILE_DOCUMENTATION] = {schema_text_documentation,
                                &schema_text_documentation_len,
                                "documentation.schema.json"},
    };
    static const struct schema_text envelope = {
        schema_text_envelope, &schema_text_envelope_len, "envelope.schema.json"};
    struct schema *unused;
    enum err err = compile_text(loader, &envelope, &unused, &loader->envelope);

    for (size_t i = 0; err == ERR_OK && i < FILE_KINDS; i++) {
        const struct jval *json;

        err = compile_text(loader, &texts[i], &loader->schemas[i], &json);
    }
    return err;
}

/* ---- One file ---- */

static enum err read_bytes(struct loader *loader, struct slice path, struct buf *out)
{
    char *name = arena_copy(loader->arena, path);
    FILE *file = fopen(name, "rbe");
    bool failed;

    if (file == NULL) {
        return fail_system(loader, path, errno);
    }
    for (;;) {
        char *room = buf_reserve(out, 4096);
        size_t got;

        if (room == NULL) {
            fclose(file);
            return loader_fail(
                loader, ERR_TOO_LARGE, path, SLICE_EMPTY,
                SLICE("it is larger than a catalog file may be (4 MiB)"));
        }
        got = fread(room, 1, 4096, file);
        if (got == 0) {
            break;
        }
        buf_commit(out, got);
    }
    failed = ferror(file) != 0;
    fclose(file);
    return failed ? fail_system(loader, path, EIO) : ERR_OK;
}

/* jansson says best what is wrong with a text, and where; the value itself is made by
 * the data-plane parser, which keeps numbers as they are. */
static enum err check_syntax(struct loader *loader, struct slice path,
                             struct slice text)
{
    json_error_t error;
    json_t *json;

    if (memchr(text.ptr, 0, text.len) != NULL) {
        return loader_fail(loader, ERR_PARSE, path, SLICE_EMPTY,
                           SLICE("it holds a NUL byte"));
    }
    json = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        return loader_fail(
            loader, ERR_PARSE, path, SLICE_EMPTY,
            arena_printf(loader->arena, "line %d: %s", error.line, error.text));
    }
    json_decref(json);
    return ERR_OK;
}

static enum err parse(struct loader *loader, struct slice path, struct slice text,
                      struct jval **out)
{
    enum err err = check_syntax(loader, path, text);
    size_t offset = 0;

    if (err != ERR_OK) {
        return err;
    }
    if (jval_parse(loader->arena, text, out, &offset) != ERR_OK) {
        return loader_fail(
            loader, ERR_PARSE, path, SLICE_EMPTY,
            arena_printf(loader->arena, "byte %zu: it is not strict JSON", offset));
    }
    return ERR_OK;
}

enum err loader_read(struct loader *loader, enum catalog_file kind, struct slice path,
                     const struct jval **out)
{
    struct fault_detail detail = {SLICE_EMPTY, SLICE_EMPTY};
    struct jval *json = NULL;
    size_t count = 0;
    struct buf text;
    enum err err;

    buf_init(&text, LIMIT_CATALOG_FILE_BYTES);
    catalog_watch_note(loader->watch, path);
    err = read_bytes(loader, path, &text);
    if (err == ERR_OK) {
        catalog_watch_read(loader->watch, path, buf_slice(&text));
        err = parse(loader, path, buf_slice(&text), &json);
    }
    buf_free(&text);
    if (err != ERR_OK) {
        return err;
    }
    if (!schema_check(loader->schemas[kind], json, loader->arena, &detail, 1, &count)) {
        return loader_fail(loader, ERR_UNPROCESSABLE, path, detail.pointer,
                           detail.message);
    }
    *out = json;
    return ERR_OK;
}

bool loader_exists(struct loader *loader, struct slice path)
{
    catalog_watch_note(loader->watch, path);
    return access(arena_copy(loader->arena, path), F_OK) == 0;
}

/* ---- One folder ---- */

static int by_bytes(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static bool ends_with(struct slice text, struct slice suffix)
{
    return text.len > suffix.len &&
           slice_eq(slice_from(text, text.len - suffix.len), suffix);
}

/* Doubles the list when it is full. */
static struct slice *make_room(struct arena *arena, struct slice *names, size_t count)
{
    struct slice *more;

    if (count == 0 || (count & (count - 1)) != 0) { /* room is a power of two */
        return count == 0 ? arena_array(arena, 1, sizeof *names) : names;
    }
    more = arena_array(arena, count * 2, sizeof *names);
    memcpy(more, names, count * sizeof *names);
    return more;
}

/* Not opendir: a descriptor whose number was a socket's a moment ago is a new one for the race
 * detector only when it sees it being opened. */
static DIR *open_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

    if (folder == NULL && fd >= 0) {
        close(fd);
    }
    return folder;
}

enum err loader_names(struct loader *loader, struct slice path, const char *suffix,
                      struct slice **names, size_t *count)
{
    struct slice end = slice_str(suffix);
    const struct dirent *entry;
    DIR *folder;

    *names = NULL;
    *count = 0;
    catalog_watch_note(loader->watch, path);
    folder = open_folder(arena_copy(loader->arena, path));
    if (folder == NULL) {
        return fail_system(loader, path, errno);
    }
    for (entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        struct slice name = slice_str(entry->d_name);

        if (name.ptr[0] == '.' || !ends_with(name, end)) {
            continue;
        }
        name.len -= end.len;
        *names = make_room(loader->arena, *names, *count);
        (*names)[(*count)++] = arena_slice(loader->arena, name);
    }
    closedir(folder);
    if (*count > 1) {
        qsort(*names, *count, sizeof **names, by_bytes);
    }
    return ERR_OK;
}
