/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the real catalog of the source tree, one account and ops on them, for tests.
 * Owns: arenas and catalog, freed by world_free.
 * Threads: one.  Errors: failed assertions.
 * Start reading at: world_new, world_op.
 */
#ifndef SLUICE_TESTS_CONNECTORS_WORLD_H
#define SLUICE_TESTS_CONNECTORS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/jval.h"
#include "catalog/catalog.h"
#include "connectors/connector.h"

struct world {
    struct arena *arena;
    struct catalog *catalog;
    const struct integration *integration;
    const struct connector *connector;
    struct op_target target;
};

static inline struct jval *world_json(struct arena *arena, const char *text)
{
    struct jval *value = NULL;

    assert_int_equal(jval_parse(arena, slice_str(text), &value, NULL), ERR_OK);
    return value;
}

static inline struct world world_new(void)
{
    static const struct catalog_compiler compiler = {.compile = connector_compile};
    struct world world = {.arena = arena_new()};
    struct catalog_problem problem = {.file = SLICE_EMPTY};
    struct fault fault = {.err = ERR_OK};

    enum err err = catalog_load("connectors", &compiler, NULL, &world.catalog,
                                world.arena, &problem);
    if (err != ERR_OK) {
        fail_msg("%.*s %.*s: %.*s", SLICE_ARG(problem.file), SLICE_ARG(problem.pointer),
                 SLICE_ARG(problem.message));
    }
    world.integration = catalog_integration(world.catalog, SLICE("netsuite"));
    assert_non_null(world.integration);
    world.connector = connector_find(SLICE("netsuite"));
    assert_non_null(world.connector);
    struct arena *scratch = arena_new();
    assert_int_equal(world.connector->connect(
                         world.arena, scratch,
                         world_json(scratch, "{\"account_id\":\"tstdrv1234567\"}"),
                         &world.target, &fault),
                     ERR_OK);
    arena_free(scratch); /* an account has nothing of it either */
    world.target.connection = NULL;
    return world;
}

static inline void world_free(struct world *world)
{
    catalog_free(world->catalog);
    arena_free(world->arena);
}

/* An op of the tool with the object as its query arguments; `id` may be NULL. */
static inline struct op world_op(const struct world *world, struct arena *arena,
                                 const char *tool, const struct jval *query,
                                 const char *id, size_t limit)
{
    const struct tool *found = catalog_tool(world->integration, slice_str(tool));
    struct jval *path = jval_new_object(arena, 1);
    const struct jval *none = jval_new_object(arena, 1);

    assert_non_null(found);
    if (id != NULL) {
        jval_set(arena, path, SLICE("id"), jval_new_string(arena, slice_str(id)));
    }
    return (struct op){.arena = arena,
                       .integration = world->integration,
                       .tool = found,
                       .target = &world->target,
                       .path = path,
                       .query = query != NULL ? query : none,
                       .body = none,
                       .limit = limit,
                       .page = SLICE_EMPTY};
}

static inline enum connector_step world_answer(const struct world *world, struct op *op,
                                               int status, const char *type,
                                               const char *body)
{
    struct op_field fields[] = {
        {SLICE("content-type"), slice_str(type)},
        {SLICE("x-netsuite-jobid"), SLICE("d3b07384-0001")},
        {SLICE("x-n-operationid"), SLICE("operation-7")},
    };
    struct op_response response = {
        .status = status, .fields = fields, .field_count = 3, .body = slice_str(body)};

    return world->connector->on_response(op, op->tool->plan, &response);
}

static inline const struct jval *world_body(const struct op *op)
{
    struct jval *body = NULL;

    assert_true(op->request.has_body);
    assert_int_equal(jval_parse(op->arena, op->request.body, &body, NULL), ERR_OK);
    return body;
}

#define WORLD_COLLECTION "application/vnd.oracle.resource+json; type=collection"
#define WORLD_SINGULAR "application/vnd.oracle.resource+json; type=singular"
#define WORLD_ERROR "application/vnd.oracle.resource+json; type=error"

#define assert_slice(value, text)                                             \
    do {                                                                      \
        struct slice seen = (value);                                          \
        if (!slice_is(seen, (text))) {                                        \
            fail_msg("saw \"%.*s\", wanted \"%s\"", SLICE_ARG(seen), (text)); \
        }                                                                     \
    } while (0)

#endif
