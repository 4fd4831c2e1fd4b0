/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments from outside against a fixed tool: they are taken and parted, or refused
 * with faults that point into them. Two readings of one text are one canonical text.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "catalog/catalog.h"

static const char integration_json[] =
    "{\"integration\":\"demo\",\"title\":\"D\",\"auth_schemes\":[\"none\"],"
    "\"limits\":{\"ceiling\":1,\"upstream_max_ms\":1000}}";

static const char resource_json[] =
    "{\"resource\":\"orders\",\"singular\":\"order\",\"title\":\"O\",\"methods\":{"
    "\"list\":{\"upstream\":{}},\"update\":{\"upstream\":{}}}}";

static const char documentation_json[] =
    "{\"resource\":\"orders\",\"fields\":{},\"methods\":{\"list\":{\"title\":\"L\","
    "\"description\":\"D\",\"input\":{\"query\":{"
    "\"status\":{\"type\":\"string\",\"enum\":[\"open\",\"paid\"]},"
    "\"since\":{\"type\":\"string\",\"format\":\"date\"},"
    "\"at\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"least\":{\"type\":\"number\",\"exclusiveMinimum\":0,\"multipleOf\":0.01}}}},"
    "\"update\":{\"title\":\"U\",\"description\":\"D\",\"input\":{\"body\":{"
    "\"memo\":{\"type\":\"string\",\"maxLength\":8,\"pattern\":\"^(a|b+|[^\\\\d])*$\","
    "\"x-path\":\"header.memo\"},"
    "\"price\":{\"anyOf\":[{\"type\":\"number\"},{\"type\":\"string\"}],"
    "\"x-path\":\"item.items[1].price\"},"
    "\"items\":{\"type\":\"array\",\"maxItems\":9,\"uniqueItems\":true,\"items\":{"
    "\"type\":\"object\",\"required\":[\"n\"],\"additionalProperties\":false,"
    "\"properties\":{\"n\":{\"type\":\"integer\"},\"sub\":{\"title\":\"any\"}}}}}}}}}";

struct file {
    const char *name, *text;
};

static const char *const folders[] = {"", "/demo", "/demo/resources",
                                      "/demo/documentation"};
static const struct file files[] = {
    {"/demo/integration.json", integration_json},
    {"/demo/resources/orders.json", resource_json},
    {"/demo/documentation/orders.json", documentation_json},
};

#define FOLDERS (sizeof folders / sizeof folders[0])
#define FILES (sizeof files / sizeof files[0])

static void path_of(char *out, size_t size, const char *root, const char *name)
{
    int len = snprintf(out, size, "%s%s", root, name);

    REQUIRE(len > 0 && (size_t)len < size);
}

static void write_files(const char *root)
{
    char path[256];

    for (size_t i = 1; i < FOLDERS; i++) {
        path_of(path, sizeof path, root, folders[i]);
        REQUIRE(mkdir(path, 0700) == 0);
    }
    for (size_t i = 0; i < FILES; i++) {
        FILE *file;

        path_of(path, sizeof path, root, files[i].name);
        file = fopen(path, "we");
        REQUIRE(file != NULL);
        REQUIRE(fputs(files[i].text, file) >= 0);
        REQUIRE(fclose(file) == 0);
    }
}

static void remove_files(const char *root)
{
    char path[256];

    for (size_t i = 0; i < FILES; i++) {
        path_of(path, sizeof path, root, files[i].name);
        (void)unlink(path);
    }
    for (size_t i = FOLDERS; i > 0; i--) {
        path_of(path, sizeof path, root, folders[i - 1]);
        (void)rmdir(path);
    }
}

/* Lives as long as the fuzzer. */
static struct catalog *load(void)
{
    struct arena *arena = arena_new();
    struct catalog_problem problem;
    struct catalog *catalog = NULL;
    char root[] = "/tmp/sluice-fuzz-XXXXXX";

    REQUIRE(mkdtemp(root) != NULL);
    write_files(root);
    if (catalog_load(root, NULL, NULL, &catalog, arena, &problem) != ERR_OK) {
        fprintf(stderr, "%.*s %.*s: %.*s\n", SLICE_ARG(problem.file),
                SLICE_ARG(problem.pointer), SLICE_ARG(problem.message));
        abort();
    }
    remove_files(root);
    arena_free(arena);
    return catalog;
}

static void check_fault(const struct fault *fault)
{
    REQUIRE(fault->err == ERR_INVALID_ARGUMENTS);
    REQUIRE(fault->detail_count >= 1 && fault->detail_count <= LIMIT_FAULT_DETAILS);
    for (size_t i = 0; i < fault->detail_count; i++) {
        struct slice pointer = fault->details[i].pointer;

        REQUIRE(pointer.len == 0 || pointer.ptr[0] == '/');
        REQUIRE(fault->details[i].message.len > 0);
    }
}

static void try_tool(const struct tool *tool, const struct jval *arguments,
                     struct arena *arena)
{
    struct split one = {0}, two = {0};
    struct fault fault = {0};

    if (split_arguments(tool, arguments, arena, &one, &fault) != ERR_OK) {
        check_fault(&fault);
        return;
    }
    REQUIRE(split_arguments(tool, arguments, arena, &two, &fault) == ERR_OK);
    REQUIRE(slice_eq(split_canonical(&one, arena), split_canonical(&two, arena)));
    REQUIRE((tool->pages) == (one.limit >= 1 && one.limit <= LIMIT_PAGE));
    REQUIRE(tool->pages || jval_get(one.path, "id") != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct catalog *catalog;
    const struct integration *demo;
    struct jval *arguments = NULL;
    struct arena *arena;

    if (catalog == NULL) {
        catalog = load();
    }
    demo = catalog_integration_at(catalog, 0);
    arena = arena_new();
    if (jval_parse(arena, slice_of((const char *)data, size), &arguments, NULL) ==
        ERR_OK) {
        for (size_t i = 0; i < demo->tool_count; i++) {
            try_tool(demo->tools[i], arguments, arena);
        }
    }
    arena_free(arena);
    return 0;
}
