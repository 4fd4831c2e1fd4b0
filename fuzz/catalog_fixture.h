/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the catalog of the source tree, and an account of one integration, for
 * targets that answer as its ERP would. Owns: all of it, for ever: loaded at the first
 * input, and read-only from then on. Threads: one. Errors: the program ends and says
 * why. Start reading at: fixture_load. Runs from the root of the source tree.
 */
#ifndef SLUICE_FUZZ_CATALOG_FIXTURE_H
#define SLUICE_FUZZ_CATALOG_FIXTURE_H

#include "fuzz/input.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "catalog/catalog.h"
#include "connectors/connector.h"

struct fixture {
    struct catalog *catalog;
    const struct connector *connector; /* NULL: not loaded yet */
    const struct integration *integration;
    struct op_target target;
};

static inline struct jval *fixture_json(struct arena *arena, const char *text)
{
    struct jval *value = NULL;

    REQUIRE(jval_parse(arena, slice_str(text), &value, NULL) == ERR_OK);
    return value;
}

static inline void fixture_load(struct fixture *out, struct slice integration,
                                const char *connection)
{
    static const struct catalog_compiler compiler = {.compile = connector_compile};
    struct arena *arena = arena_new(); /* lives as long as the program */
    struct catalog_problem problem;
    struct catalog *catalog = NULL;
    struct fault fault;

    if (catalog_load("connectors", &compiler, NULL, &catalog, arena, &problem) !=
        ERR_OK) {
        fprintf(stderr, "%.*s %.*s: %.*s (run me from the root of the source tree)\n",
                SLICE_ARG(problem.file), SLICE_ARG(problem.pointer),
                SLICE_ARG(problem.message));
        abort();
    }
    out->catalog = catalog;
    out->integration = catalog_integration(catalog, integration);
    out->connector = connector_find(integration);
    REQUIRE(out->integration != NULL && out->connector != NULL);
    REQUIRE(out->connector->connect(arena, arena, fixture_json(arena, connection),
                                    &out->target, &fault) == ERR_OK);
}

/* What the ERP said is passed on: whole characters, none that control, a ceiling. */
static inline void fixture_check_text(struct slice text, size_t max)
{
    REQUIRE(text.len <= max);
    REQUIRE(text_is_utf8(text));
    for (size_t i = 0; i < text.len; i++) {
        REQUIRE((unsigned char)text.ptr[i] >= 0x20);
    }
}

static inline void fixture_check_fault(const struct op *op)
{
    REQUIRE(err_is_tool_code(op->fault.err));
    REQUIRE(op->result.records == NULL);
    /* A write may end unknown where its reading back met the limit. */
    REQUIRE(op->rate_limited == (op->fault.err == ERR_RATE_LIMITED) ||
            (op->tool->writes && op->fault.err == ERR_OUTCOME_UNKNOWN));
    REQUIRE(op->retry_after_s >= 0 && op->retry_after_s <= 3600);
    fixture_check_text(op->fault.upstream.message, 500);
    fixture_check_text(op->fault.upstream.code, 100);
    fixture_check_text(op->fault.upstream.request_id, 128);
}

static inline void fixture_check_result(const struct op *op)
{
    size_t fallbacks = 0;

    REQUIRE(jval_is(op->result.records, JVAL_ARRAY));
    REQUIRE(op->limit == 0 ? op->result.records->count == 1
                           : op->result.records->count <= op->limit);
    for (size_t i = 0; i < op->result.message_count; i++) {
        fixture_check_text(op->result.messages[i].text, 500);
        fixture_check_text(op->result.messages[i].severity, 100);
        fixture_check_text(op->result.messages[i].code, 100);
    }
    if (op->tool->as_sent) {
        for (size_t i = 0; i < op->result.records->count; i++) {
            REQUIRE(op->result.records->items[i].type == JVAL_OBJECT);
        }
        return;
    }
    const struct jval *records = field_map(op->tool->fields, op->tool->field_count,
                                           op->result.records, op->arena, &fallbacks);
    REQUIRE(records->count == op->result.records->count);
    for (size_t i = 0; i < records->count; i++) {
        REQUIRE(records->items[i].count == op->tool->field_count);
    }
}

/* What goes into a request has to stay one: a URL of one piece, fields of one line. */
static inline void fixture_check_request(const struct op *op, size_t url_bytes)
{
    REQUIRE(op->request.url.len > 0 && op->request.url.len <= url_bytes);
    for (size_t i = 0; i < op->request.url.len; i++) {
        REQUIRE(op->request.url.ptr[i] > 0x20 && op->request.url.ptr[i] < 0x7f);
    }
    for (size_t i = 0; i < op->request.field_count; i++) {
        struct slice value = op->request.fields[i].value;
        for (size_t n = 0; n < value.len; n++) {
            REQUIRE(value.ptr[n] >= 0x20 && value.ptr[n] < 0x7f);
        }
    }
}

#endif
