/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET {suitetalk}/services/rest/record/v1/{record}/{id}. An id is the record's internal
 * id or "eid:" and an external id; both go into the path as they are, so only
 * characters that need no encoding there are taken: what is signed is what is sent.
 *
 * Where the plan has a query too, it is the second of two exchanges under one slot, by
 * the record's internal id: who reads by external id gets the same.
 */
#include "connectors/netsuite/rest.h"

#include <ctype.h>

#include "connectors/netsuite/errors.h"
#include "connectors/netsuite/hosts.h"
#include "connectors/netsuite/rest_private.h"

#define INTERNAL_ID_DIGITS 18
#define EXTERNAL_ID_MAX 60

struct reading {
    struct jval *record; /* NULL: it is still awaited */
    struct op query;     /* what runs plan->with */
};

bool rest_is_internal_id(struct slice id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] < '0' || id.ptr[i] > '9') {
            return false;
        }
    }
    return id.len > 0 && id.len <= INTERNAL_ID_DIGITS;
}

bool rest_is_external_id(struct slice id)
{
    for (size_t i = 0; i < id.len; i++) {
        unsigned char c = (unsigned char)id.ptr[i];
        if (c >= 0x80 || (!isalnum(c) && c != '_' && c != '-')) {
            return false;
        }
    }
    return id.len > 0 && id.len <= EXTERNAL_ID_MAX;
}

static bool is_key(struct slice id)
{
    struct slice prefix = SLICE("eid:");

    return rest_is_internal_id(id) || (slice_starts(id, prefix) &&
                                       rest_is_external_id(slice_from(id, prefix.len)));
}

/* ---- The request ---- */

void rest_get(struct op *op, const struct rest_plan *plan, struct slice key)
{
    static const struct op_field fields[] = {{{"Accept", 6}, {"application/json", 16}}};
    const struct hosts *hosts = op->target->private_data;

    op->request = (struct op_request){
        .method = SLICE("GET"),
        .url = arena_printf(op->arena, "%.*s/services/rest/record/v1/%.*s/%.*s%s",
                            SLICE_ARG(hosts->suitetalk), SLICE_ARG(plan->record),
                            SLICE_ARG(key),
                            plan->expand ? "?expandSubResources=true" : ""),
        .fields = fields,
        .field_count = sizeof fields / sizeof fields[0],
    };
}

enum connector_step rest_begin(struct op *op, const struct rest_plan *plan)
{
    struct slice id = jval_text(jval_get(op->path, "id"));

    if (!is_key(id)) {
        return errors_argument(
            op, SLICE("id"),
            SLICE("An id is the digits of a NetSuite internal id, or "
                  "eid: and an external id of letters, digits, _ and "
                  "-."));
    }
    op->private_data = arena_alloc(op->arena, sizeof(struct reading));
    rest_get(op, plan, id);
    return CONNECTOR_SEND;
}

/* ---- The answer ---- */

/* A sublist that is not expanded, or that the form does not have, adds no lines. */
static void add_concat(struct op *op, const struct rest_concat *concat,
                       struct jval *record)
{
    struct jval *all = jval_new_array(op->arena, 4);

    for (size_t i = 0; i < concat->sublist_count; i++) {
        const struct jval *lines =
            jval_get(jval_member(record, concat->sublists[i]), "items");
        for (size_t n = 0; jval_is(lines, JVAL_ARRAY) && n < lines->count; n++) {
            jval_push(op->arena, all, &lines->items[n]);
        }
    }
    jval_set(op->arena, record, concat->name, all);
}

struct jval *rest_take(struct op *op, const struct rest_plan *plan,
                       const struct op_response *response)
{
    const struct jval *answer = errors_read_answer(op, response);

    if (answer == NULL) {
        return NULL;
    }
    if (!jval_is(jval_get(answer, "id"), JVAL_STRING)) {
        errors_malformed(op, response,
                         SLICE("The ERP answered with something that is no record."));
        return NULL;
    }
    struct jval *record = jval_new_object(op->arena, answer->count + 4);
    for (size_t i = 0; i < answer->count; i++) {
        jval_set(op->arena, record, answer->members[i].name, &answer->members[i].value);
    }
    for (size_t i = 0; i < plan->concat_count; i++) {
        add_concat(op, &plan->concats[i], record);
    }
    return record;
}

enum connector_step rest_done(struct op *op, const struct jval *record)
{
    struct jval *records = jval_new_array(op->arena, 1);

    jval_push(op->arena, records, record);
    op->result = (struct op_result){.records = records, .next_page = SLICE_EMPTY};
    return CONNECTOR_DONE;
}

/* ---- What the record service leaves out ---- */

static enum connector_step ask_more(struct op *op, const struct rest_plan *plan,
                                    struct reading *reading)
{
    struct jval *path = jval_new_object(op->arena, 1);

    jval_set(op->arena, path, SLICE("id"), jval_get(reading->record, "id"));
    reading->query = *op;
    reading->query.path = path;
    return suiteql_begin_for(op, &reading->query, plan->with);
}

static enum connector_step take_more(struct op *op, const struct rest_plan *plan,
                                     struct reading *reading,
                                     const struct op_response *response)
{
    struct op *query = &reading->query;

    if (suiteql_on_response_for(op, query, plan->with, response) != CONNECTOR_DONE) {
        return CONNECTOR_FAILED;
    }
    const struct jval *row = &query->result.records->items[0];
    for (size_t i = 0; i < row->count; i++) {
        const struct jmember *column = &row->members[i];
        if (!slice_is(column->name, "links")) {
            jval_set(op->arena, reading->record, column->name, &column->value);
        }
    }
    return rest_done(op, reading->record);
}

enum connector_step rest_on_response(struct op *op, const struct rest_plan *plan,
                                     const struct op_response *response)
{
    struct reading *reading = op->private_data;

    if (reading->record != NULL) {
        return take_more(op, plan, reading, response);
    }
    reading->record = rest_take(op, plan, response);
    if (reading->record == NULL) {
        return CONNECTOR_FAILED;
    }
    return plan->with != NULL ? ask_more(op, plan, reading)
                              : rest_done(op, reading->record);
}
