/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the real SAP catalog of the source tree, one account and ops on it, for
 * tests. Owns: arenas, catalog and session, freed by sap_world_free. Threads: one.
 * Errors: failed assertions. Start reading at: sap_world_new, sap_world_op.
 */
#ifndef SLUICE_TESTS_CONNECTORS_SAP_WORLD_H
#define SLUICE_TESTS_CONNECTORS_SAP_WORLD_H

#include "tests/unit/connectors/world.h"

#define SAP_ORIGIN "https://my300000-api.s4hana.cloud.sap"
#define SAP_ORDERS "/sap/opu/odata/sap/API_PURCHASEORDER_PROCESS_SRV"
#define SAP_BILLS "/sap/opu/odata/sap/API_SUPPLIERINVOICE_PROCESS_SRV"
#define SAP_PARTNERS "/sap/opu/odata/sap/API_BUSINESS_PARTNER"

struct sap_world {
    struct arena *arena;
    struct catalog *catalog;
    const struct integration *integration;
    const struct connector *connector;
    struct op_target target;
    struct op_session *session;
};

static inline struct sap_world sap_world_new(void)
{
    static const struct catalog_compiler compiler = {.compile = connector_compile};
    struct sap_world world = {.arena = arena_new()};
    struct catalog_problem problem = {.file = SLICE_EMPTY};
    struct fault fault = {.err = ERR_OK};

    if (catalog_load("connectors", &compiler, NULL, &world.catalog, world.arena,
                     &problem) != ERR_OK) {
        fail_msg("%.*s %.*s: %.*s", SLICE_ARG(problem.file), SLICE_ARG(problem.pointer),
                 SLICE_ARG(problem.message));
    }
    world.integration = catalog_integration(world.catalog, SLICE("sap"));
    world.connector = connector_find(SLICE("sap"));
    assert_non_null(world.integration);
    assert_non_null(world.connector);
    struct arena *scratch = arena_new();
    assert_int_equal(
        world.connector->connect(world.arena, scratch,
                                 world_json(scratch, "{\"route\":\"on_premise\","
                                                     "\"base_url\":\"" SAP_ORIGIN
                                                     "\",\"sap_client\":\"100\"}"),
                                 &world.target, &fault),
        ERR_OK);
    arena_free(scratch); /* an account has nothing of it either */
    world.target.connection = NULL;
    world.session = world.connector->session_new();
    return world;
}

static inline void sap_world_free(struct sap_world *world)
{
    world->connector->session_free(world->session);
    catalog_free(world->catalog);
    arena_free(world->arena);
}

/* An op of the tool with these arguments, split as the catalog does it. */
static inline struct op sap_world_op(const struct sap_world *world, const char *tool,
                                     const char *arguments)
{
    const struct tool *found = catalog_tool(world->integration, slice_str(tool));
    struct fault fault = {.err = ERR_OK};
    struct split split;

    assert_non_null(found);
    if (split_arguments(found, world_json(world->arena, arguments), world->arena,
                        &split, &fault) != ERR_OK) {
        fail_msg("%s: %.*s: %.*s", tool, SLICE_ARG(fault.details[0].pointer),
                 SLICE_ARG(fault.details[0].message));
    }
    return (struct op){.arena = world->arena,
                       .integration = world->integration,
                       .tool = found,
                       .target = &world->target,
                       .path = split.path,
                       .query = split.query,
                       .body = split.body,
                       .limit = split.limit,
                       .page = SLICE_EMPTY,
                       .session = world->session};
}

static inline enum connector_step sap_world_begin(const struct sap_world *world,
                                                  struct op *op)
{
    return world->connector->begin(op, op->tool->plan);
}

/* `extra` may be an empty field. */
static inline enum connector_step
sap_world_answer_with(const struct sap_world *world, struct op *op, int status,
                      const char *type, const char *body, struct op_field extra)
{
    struct op_field fields[] = {{SLICE("content-type"), slice_str(type)}, extra};
    struct op_response response = {
        .status = status, .fields = fields, .field_count = 2, .body = slice_str(body)};

    return world->connector->on_response(op, op->tool->plan, &response);
}

static inline enum connector_step sap_world_answer(const struct sap_world *world,
                                                   struct op *op, int status,
                                                   const char *type, const char *body)
{
    return sap_world_answer_with(world, op, status, type, body,
                                 (struct op_field){SLICE("x"), SLICE("y")});
}

/* The value of a field of the request; empty when it is not there. */
static inline struct slice sap_world_field(const struct op *op, const char *name)
{
    for (size_t i = 0; i < op->request.field_count; i++) {
        if (slice_is(op->request.fields[i].name, name)) {
            return op->request.fields[i].value;
        }
    }
    return SLICE_EMPTY;
}

/* One record of the result, mapped as an answer shows it. */
static inline const struct jval *sap_world_record(const struct op *op, size_t at)
{
    size_t fallbacks = 0;

    assert_true(at < op->result.records->count);
    return &field_map(op->tool->fields, op->tool->field_count, op->result.records,
                      op->arena, &fallbacks)
                ->items[at];
}

#define SAP_JSON "application/json;charset=utf-8"

#define assert_contains(text, part)                                                 \
    do {                                                                            \
        struct slice seen = (text), wanted = slice_str(part);                       \
        size_t found = 0;                                                           \
        while (found + wanted.len <= seen.len &&                                    \
               memcmp(seen.ptr + found, wanted.ptr, wanted.len) != 0) {             \
            found++;                                                                \
        }                                                                           \
        if (found + wanted.len > seen.len) {                                        \
            fail_msg("\"%.*s\" does not hold \"%s\"", SLICE_ARG(seen), wanted.ptr); \
        }                                                                           \
    } while (0)

#endif
