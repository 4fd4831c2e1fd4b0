/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET {suitetalk}/services/rest/record/v1/{record}/{id}. An id is the record's internal
 * id or "eid:" and an external id; both go into the path as they are, so only
 * characters that need no encoding there are taken: what is signed is what is sent.
 */
#include "connectors/netsuite/rest.h"

#include <ctype.h>

#include "connectors/netsuite/errors.h"
#include "connectors/netsuite/hosts.h"

#define RECORD_NAME_MAX 64
#define INTERNAL_ID_DIGITS 18
#define EXTERNAL_ID_MAX 60

struct rest_plan {
    struct slice record; /* invoice, vendorBill, customrecord_... */
    bool expand;         /* sublists with their lines */
};

static enum err refuse(struct schema_problem *problem, struct slice pointer,
                       struct slice message)
{
    *problem = (struct schema_problem){.pointer = pointer, .message = message};
    return ERR_UNPROCESSABLE;
}

static bool is_record_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c >= 0x80 || (!isalpha(c) && !(i > 0 && (isdigit(c) || c == '_')))) {
            return false;
        }
    }
    return name.len > 0 && name.len <= RECORD_NAME_MAX;
}

static enum err check_tool(const struct tool *tool, struct schema_problem *problem)
{
    if (tool == NULL || tool->kind != METHOD_GET) {
        return refuse(problem, SLICE("/service"),
                      SLICE("The record service serves get methods."));
    }
    for (size_t i = 0; i < tool->argument_count; i++) {
        if (tool->arguments[i].place != ARGUMENT_PATH ||
            !slice_is(tool->arguments[i].name, "id")) {
            return refuse(problem, SLICE("/service"),
                          SLICE("A record is read by id: the documentation names an "
                                "argument that would be ignored."));
        }
    }
    return ERR_OK;
}

static enum err check_members(struct arena *arena, const struct jval *upstream,
                              struct schema_problem *problem)
{
    for (size_t i = 0; i < upstream->count; i++) {
        struct slice name = upstream->members[i].name;
        if (!slice_is(name, "service") && !slice_is(name, "record") &&
            !slice_is(name, "expand")) {
            return refuse(problem, arena_printf(arena, "/%.*s", SLICE_ARG(name)),
                          SLICE("There is no such member here."));
        }
    }
    return ERR_OK;
}

enum err rest_compile(struct arena *arena, const struct jval *upstream,
                      const struct tool *tool, const struct rest_plan **plan,
                      struct schema_problem *problem)
{
    struct rest_plan *made = arena_alloc(arena, sizeof *made);
    const struct jval *expand = jval_get(upstream, "expand");
    enum err err = check_members(arena, upstream, problem);

    if (err == ERR_OK) {
        err = check_tool(tool, problem);
    }
    if (err != ERR_OK) {
        return err;
    }
    made->record = jval_text(jval_get(upstream, "record"));
    if (!is_record_name(made->record)) {
        return refuse(
            problem, SLICE("/record"),
            SLICE("record is a record type of NetSuite, such as vendorBill."));
    }
    if (expand != NULL && expand->type != JVAL_TRUE && expand->type != JVAL_FALSE) {
        return refuse(problem, SLICE("/expand"), SLICE("expand is true or false."));
    }
    made->expand = jval_is(expand, JVAL_TRUE);
    *plan = made;
    return ERR_OK;
}

static bool is_internal_id(struct slice id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] < '0' || id.ptr[i] > '9') {
            return false;
        }
    }
    return id.len > 0 && id.len <= INTERNAL_ID_DIGITS;
}

static bool is_external_id(struct slice id)
{
    struct slice name = slice_from(id, 4);

    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c >= 0x80 || (!isalnum(c) && c != '_' && c != '-')) {
            return false;
        }
    }
    return slice_starts(id, SLICE("eid:")) && name.len > 0 &&
           name.len <= EXTERNAL_ID_MAX;
}

enum connector_step rest_begin(struct op *op, const struct rest_plan *plan)
{
    static const struct op_field fields[] = {{{"Accept", 6}, {"application/json", 16}}};
    const struct hosts *hosts = op->target->private_data;
    struct slice id = jval_text(jval_get(op->path, "id"));

    if (!is_internal_id(id) && !is_external_id(id)) {
        return errors_argument(
            op, SLICE("id"),
            SLICE("An id is the digits of a NetSuite internal id, or "
                  "eid: and an external id of letters, digits, _ and "
                  "-."));
    }
    op->request = (struct op_request){
        .method = SLICE("GET"),
        .url =
            arena_printf(op->arena, "%.*s/services/rest/record/v1/%.*s/%.*s%s",
                         SLICE_ARG(hosts->suitetalk), SLICE_ARG(plan->record),
                         SLICE_ARG(id), plan->expand ? "?expandSubResources=true" : ""),
        .fields = fields,
        .field_count = sizeof fields / sizeof fields[0],
    };
    return CONNECTOR_SEND;
}

enum connector_step rest_on_response(struct op *op, const struct op_response *response)
{
    const struct jval *record = errors_read_answer(op, response);

    if (record == NULL) {
        return CONNECTOR_FAILED;
    }
    if (!jval_is(jval_get(record, "id"), JVAL_STRING)) {
        return errors_malformed(op, response,
                                SLICE("The ERP answered with something that is no "
                                      "record."));
    }
    struct jval *records = jval_new_array(op->arena, 1);
    jval_push(op->arena, records, record);
    op->result = (struct op_result){.records = records, .next_page = SLICE_EMPTY};
    return CONNECTOR_DONE;
}
