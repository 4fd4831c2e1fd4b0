/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a catalog in a folder of its own, for tests to write, break and load.
 * Owns: the folder, removed by fixture_free; the catalog that was loaded from it.
 * Threads: one.  Errors: failed assertions.
 * Start reading at: fixture_new.
 */
#ifndef SLUICE_TESTS_CATALOG_FIXTURE_H
#define SLUICE_TESTS_CATALOG_FIXTURE_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/jval.h"
#include "catalog/catalog.h"

struct fixture {
    char folder[64];
    struct arena *arena;
    struct catalog *catalog;
    struct catalog_problem problem;
};

#define FIXTURE_INTEGRATION                                                     \
    "{\"integration\":\"demo\",\"title\":\"Demo ERP\",\"instructions\":\"Read " \
    "first.\","                                                                 \
    "\"limits\":{\"ceiling\":5,\"upstream_max_ms\":900000},\"auth_schemes\":["  \
    "\"none\"]}"

#define FIXTURE_RESOURCE                                                               \
    "{\"resource\":\"orders\",\"singular\":\"order\",\"title\":\"Orders\","            \
    "\"tags\":[\"sales\"],\"methods\":{\"list\":{\"tags\":[\"bulk\"],\"upstream\":{}}" \
    ","                                                                                \
    "\"get\":{\"upstream\":{}},\"create\":{\"upstream\":{}},"                          \
    "\"update\":{\"upstream\":{}},\"delete\":{\"upstream\":{}},"                       \
    "\"approve\":{\"writes\":true,\"upstream\":{}},"                                   \
    "\"count\":{\"writes\":false,\"upstream\":{}}}}"

#define FIXTURE_DOCUMENTATION                                                       \
    "{\"resource\":\"orders\",\"fields\":{\"header\":["                             \
    "{\"name\":\"id\",\"type\":\"string\",\"class\":\"public\",\"from\":[\"id\"]}," \
    "{\"name\":\"total\",\"type\":\"string\",\"class\":\"business\","               \
    "\"from\":[\"total\"],\"convert\":\"decimal\",\"description\":\"Decimal "       \
    "text.\"}]},"                                                                   \
    "\"methods\":{"                                                                 \
    "\"list\":{\"title\":\"List orders\",\"description\":\"Lists orders.\","        \
    "\"input\":{\"query\":{\"status\":{\"type\":\"string\",\"enum\":[\"open\","     \
    "\"closed\"]},\"since\":{\"type\":\"string\",\"format\":\"date\"}}},"           \
    "\"output\":[\"header\"]},"                                                     \
    "\"get\":{\"title\":\"Get an order\",\"description\":\"Reads one.\","           \
    "\"output\":[\"header\"]},"                                                     \
    "\"create\":{\"title\":\"Create\",\"description\":\"Makes one.\",\"input\":{"   \
    "\"query\":{\"dry_run\":{\"type\":\"boolean\"}},\"body\":{"                     \
    "\"customer\":{\"type\":\"string\",\"x-path\":\"header.customer.id\"},"         \
    "\"quantity\":{\"type\":\"integer\",\"minimum\":1,"                             \
    "\"x-path\":\"item.items[0].quantity\"},"                                       \
    "\"unit\":{\"type\":\"string\",\"x-path\":\"item.items[0].unit\"},"             \
    "\"memo\":{\"type\":\"string\"}},\"required\":[\"customer\"]},"                 \
    "\"output\":[\"header\"]},"                                                     \
    "\"update\":{\"title\":\"Update\",\"description\":\"Changes one.\",\"input\":{" \
    "\"body\":{\"memo\":{\"type\":\"string\"}}},\"output\":[\"header\"]},"          \
    "\"delete\":{\"title\":\"Delete\",\"description\":\"Removes one.\"},"           \
    "\"approve\":{\"title\":\"Approve\",\"description\":\"Approves one.\"},"        \
    "\"count\":{\"title\":\"Count\",\"description\":\"Counts them.\"}}}"

static inline void fixture_write(struct fixture *fixture, const char *name,
                                 const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
    for (char *slash = strchr(path + strlen(fixture->folder) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* A folder with a catalog that is right. */
static inline struct fixture *fixture_new(void)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/sluice-catalog-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->arena = arena_new();
    fixture_write(fixture, "demo/integration.json", FIXTURE_INTEGRATION);
    fixture_write(fixture, "demo/resources/orders.json", FIXTURE_RESOURCE);
    fixture_write(fixture, "demo/documentation/orders.json", FIXTURE_DOCUMENTATION);
    return fixture;
}

static inline void fixture_remove(const char *path)
{
    DIR *folder = opendir(path);

    for (struct dirent *entry = folder != NULL ? readdir(folder) : NULL; entry != NULL;
         entry = readdir(folder)) {
        char inner[512];

        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
            fixture_remove(inner);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    (void)remove(path);
}

static inline void fixture_free(struct fixture *fixture)
{
    fixture_remove(fixture->folder);
    catalog_free(fixture->catalog);
    arena_free(fixture->arena);
    free(fixture);
}

static inline enum err fixture_try(struct fixture *fixture,
                                   const struct catalog_compiler *compiler)
{
    return catalog_load(fixture->folder, compiler, NULL, &fixture->catalog,
                        fixture->arena, &fixture->problem);
}

/* Loads, and says why not. */
static inline const struct integration *fixture_load(struct fixture *fixture)
{
    if (fixture_try(fixture, NULL) != ERR_OK) {
        print_message("%.*s %.*s: %.*s\n", SLICE_ARG(fixture->problem.file),
                      SLICE_ARG(fixture->problem.pointer),
                      SLICE_ARG(fixture->problem.message));
        fail();
    }
    return catalog_integration_at(fixture->catalog, 0);
}

static inline const struct tool *fixture_tool(struct fixture *fixture, const char *name)
{
    const struct tool *tool = catalog_tool(
        catalog_integration(fixture->catalog, SLICE("demo")), slice_str(name));

    assert_non_null(tool);
    return tool;
}

/* JSON with ' for ", so that tests can be read. */
static inline struct jval *fixture_json(struct fixture *fixture, const char *text)
{
    char *copy = arena_copy(fixture->arena, slice_str(text));
    struct jval *value = NULL;

    for (char *at = copy; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    assert_int_equal(jval_parse(fixture->arena, slice_str(copy), &value, NULL), ERR_OK);
    return value;
}

/* The file's text with one part replaced by another; the part has to be there. */
static inline void fixture_replace(struct fixture *fixture, const char *name,
                                   const char *text, const char *part, const char *by)
{
    const char *at = strstr(text, part);
    struct slice changed;

    assert_non_null(at);
    changed = arena_printf(fixture->arena, "%.*s%s%s", (int)(at - text), text, by,
                           at + strlen(part));
    fixture_write(fixture, name, changed.ptr);
}

#define assert_slice(actual, expected)                                      \
    do {                                                                    \
        struct slice seen_ = (actual);                                      \
                                                                            \
        if (!slice_is(seen_, expected)) {                                   \
            fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARG(seen_), expected); \
        }                                                                   \
    } while (0)

static inline bool fixture_contains(struct slice text, const char *part)
{
    size_t len = strlen(part);

    for (size_t i = 0; i + len <= text.len; i++) {
        if (memcmp(text.ptr + i, part, len) == 0) {
            return true;
        }
    }
    return false;
}

/* `file` is the end of the problem's path, `message` a part of its sentence. */
static inline void assert_problem(struct fixture *fixture, const char *file,
                                  const char *pointer, const char *message)
{
    struct slice seen = fixture->problem.file;

    if (seen.len < strlen(file) ||
        !slice_is(slice_from(seen, seen.len - strlen(file)), file)) {
        fail_msg("the problem is in \"%.*s\", not in \"%s\" (%.*s: %.*s)",
                 SLICE_ARG(seen), file, SLICE_ARG(fixture->problem.pointer),
                 SLICE_ARG(fixture->problem.message));
    }
    assert_slice(fixture->problem.pointer, pointer);
    if (!fixture_contains(fixture->problem.message, message)) {
        fail_msg("\"%.*s\" does not say \"%s\"", SLICE_ARG(fixture->problem.message),
                 message);
    }
}

#endif
