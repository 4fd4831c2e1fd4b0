/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entry table of the NetSuite connector: which service a method's "upstream" names
 * decides who compiles and runs it.
 */
#include "connectors/netsuite/netsuite.h"

#include "connectors/netsuite/create.h"
#include "connectors/netsuite/free_query.h"
#include "connectors/netsuite/hosts.h"
#include "connectors/netsuite/rest.h"
#include "connectors/netsuite/soap.h"
#include "connectors/netsuite/suiteql.h"

struct plan {
    const struct suiteql_plan *suiteql; /* exactly one of these */
    const struct rest_plan *rest;
    const struct create_plan *create;
    const struct free_query_plan *free_query;
    const struct soap_plan *soap;
};

static enum err compile(struct arena *arena, const struct jval *upstream,
                        const struct tool *tool, const void **plan,
                        struct schema_problem *problem)
{
    struct plan *made = arena_alloc(arena, sizeof *made);
    struct slice service = jval_text(jval_get(upstream, "service"));
    enum err err;

    if (slice_is(service, "suiteql")) {
        err = suiteql_compile(arena, upstream, tool, &made->suiteql, problem);
    } else if (slice_is(service, "record")) {
        err = tool != NULL && tool->kind == METHOD_CREATE
                  ? create_compile(arena, upstream, tool, &made->create, problem)
                  : rest_compile(arena, upstream, tool, &made->rest, problem);
    } else if (slice_is(service, "free_suiteql")) {
        err = free_query_compile(arena, upstream, tool, &made->free_query, problem);
    } else if (slice_is(service, "soap")) {
        err = soap_compile(arena, upstream, tool, &made->soap, problem);
    } else {
        *problem = (struct schema_problem){
            .pointer = SLICE("/service"),
            .message = SLICE("service is suiteql, record, free_suiteql or soap.")};
        err = ERR_UNPROCESSABLE;
    }
    *plan = err == ERR_OK ? made : NULL;
    return err;
}

static enum connector_step begin(struct op *op, const void *plan)
{
    const struct plan *made = plan;

    if (made->create != NULL) {
        return create_begin(op, made->create);
    }
    if (made->free_query != NULL) {
        return free_query_begin(op, made->free_query);
    }
    if (made->soap != NULL) {
        return soap_begin(op, made->soap);
    }
    return made->suiteql != NULL ? suiteql_begin(op, made->suiteql)
                                 : rest_begin(op, made->rest);
}

static enum connector_step on_response(struct op *op, const void *plan,
                                       const struct op_response *response)
{
    const struct plan *made = plan;

    if (made->create != NULL) {
        return create_on_response(op, made->create, response);
    }
    if (made->free_query != NULL) {
        return free_query_on_response(op, made->free_query, response);
    }
    if (made->soap != NULL) {
        return soap_on_response(op, made->soap, response);
    }
    return made->suiteql != NULL ? suiteql_on_response(op, made->suiteql, response)
                                 : rest_on_response(op, made->rest, response);
}

static enum connector_step lost(struct op *op, const void *plan)
{
    const struct plan *made = plan;

    return made->create != NULL ? create_lost(op, made->create) : CONNECTOR_FAILED;
}

const struct connector netsuite_connector = {
    .name = "netsuite",
    .connect = hosts_connect,
    .compile = compile,
    .begin = begin,
    .on_response = on_response,
    .lost = lost,
};
