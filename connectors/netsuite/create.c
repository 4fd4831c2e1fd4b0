/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creates a record, once. What that takes:
 *
 *   resolve    arguments that NetSuite wants as internal ids (a currency) are looked up
 *   write      the record, with an external id, always
 *   read back  GET of the new id: NetSuite answers a write with 204 and nothing else
 *   look up    of an external id that is taken: whose is it?
 *
 * 1. An external id that the caller gave goes into a POST: NetSuite refuses one that is
 *    taken. PUT would change the record that has it, which may be somebody else's.
 * 2. Without one, it is made of the call's request id, 130 random bits that no record
 *    can have yet. Then PUT eid: is safe, and whatever repeats it on the way makes no
 *    second record and no second lines (?replace). Equal calls stay two records: they
 *    have two request ids.
 * 3. Whoever loses the answer is told the external id. A second call that gives it is
 *    of the first kind, so it cannot make a second record either.
 * 4. Once NetSuite has said that a record is there, nothing that goes wrong afterwards
 *    is told as a failure: the caller would write again.
 */
#include "connectors/netsuite/create.h"

#include "base/buf.h"
#include "connectors/netsuite/body.h"
#include "connectors/netsuite/create_private.h"
#include "connectors/netsuite/errors.h"
#include "connectors/netsuite/hosts.h"
#include "connectors/netsuite/rest_private.h"

#define HINT_BYTES_MAX 2048

enum phase { RESOLVING, WRITING, READING_BACK, LOOKING_UP };

struct creation {
    enum phase phase;
    struct jval *given;       /* the arguments, resolved ones replaced */
    struct slice external_id; /* the caller's, or ours */
    bool is_ours;
    size_t resolved;      /* of plan->resolves */
    struct op query;      /* what resolves the next one */
    struct slice id;      /* of the new record; empty: not known */
    struct fault refusal; /* what is answered after looking up */
};

/* ---- Words about it ---- */

/* The documentation's "lookup" with the external id in it. */
static struct slice lookup_hint(const struct op *op, const struct creation *run)
{
    struct slice mark = SLICE("{external_id}");
    struct slice rest = op->tool->lookup;
    struct buf text;

    if (rest.len == 0) {
        rest = SLICE("Look for the external id {external_id} before sending it again.");
    }
    buf_init(&text, HINT_BYTES_MAX);
    while (rest.len > 0) {
        bool here = slice_starts(rest, mark);
        buf_append(&text, here ? run->external_id : slice_of(rest.ptr, 1));
        rest = slice_from(rest, here ? mark.len : 1);
    }
    struct slice hint = arena_slice(op->arena, buf_slice(&text));
    buf_free(&text);
    return hint;
}

static enum connector_step unknown(struct op *op, const struct creation *run)
{
    op->fault.err = ERR_OUTCOME_UNKNOWN;
    op->fault.message = SLICE_EMPTY;
    op->fault.hint = lookup_hint(op, run);
    return CONNECTOR_FAILED;
}

/* It is there, and that is all we could learn. */
static enum connector_step done_unread(struct op *op, const struct creation *run)
{
    struct op_message *message = arena_alloc(op->arena, sizeof *message);
    struct jval *record = jval_new_object(op->arena, 2);

    jval_set(op->arena, record, SLICE("id"), jval_new_string(op->arena, run->id));
    jval_set(op->arena, record, SLICE("externalId"),
             jval_new_string(op->arena, run->external_id));
    op->fault = (struct fault){.err = ERR_OK};
    rest_done(op, record);
    *message = (struct op_message){
        .severity = SLICE("warning"),
        .code = SLICE("not_read_back"),
        .text = SLICE("The record was saved, but could not be read back: only id and "
                      "external_id are known here. Do not create it again; read it "
                      "with the get tool.")};
    op->result.messages = message;
    op->result.message_count = 1;
    return CONNECTOR_DONE;
}

/* ---- Write ---- */

static struct jval *copy_without(struct arena *arena, const struct jval *object,
                                 struct slice name)
{
    struct jval *copy = jval_new_object(arena, object->count + 1);

    for (size_t i = 0; i < object->count; i++) {
        if (!slice_eq(object->members[i].name, name)) {
            jval_set(arena, copy, object->members[i].name, &object->members[i].value);
        }
    }
    return copy;
}

static struct slice write_url(struct op *op, const struct create_plan *plan,
                              const struct creation *run)
{
    const struct hosts *hosts = op->target->private_data;
    struct slice base =
        arena_printf(op->arena, "%.*s/services/rest/record/v1/%.*s",
                     SLICE_ARG(hosts->suitetalk), SLICE_ARG(plan->read.record));
    struct slice sublists = body_sublists(plan->body);

    if (!run->is_ours) {
        return base;
    }
    return arena_printf(op->arena, "%.*s/eid:%.*s%s%.*s", SLICE_ARG(base),
                        SLICE_ARG(run->external_id),
                        sublists.len > 0 ? "?replace=" : "", SLICE_ARG(sublists));
}

static enum connector_step write(struct op *op, const struct create_plan *plan,
                                 struct creation *run)
{
    static const struct op_field fields[] = {
        {{"Accept", 6}, {"application/json", 16}},
        {{"Content-Type", 12}, {"application/json", 16}},
        /* A misspelt member is refused: by default NetSuite drops it. */
        {{"X-NetSuite-PropertyNameValidation", 33}, {"Error", 5}},
        {{"X-NetSuite-PropertyValueValidation", 34}, {"Error", 5}},
    };
    struct slice body;

    if (!body_write(op, plan->body, run->given, &body)) {
        return CONNECTOR_FAILED;
    }
    run->phase = WRITING;
    op->request = (struct op_request){
        .method = run->is_ours ? SLICE("PUT") : SLICE("POST"),
        .url = write_url(op, plan, run),
        .fields = fields,
        .field_count = sizeof fields / sizeof fields[0],
        .body = body,
        .has_body = true,
        .is_write = true,
    };
    return CONNECTOR_SEND;
}

/* ---- Resolve ---- */

/* Goes on with the next argument that is there, or to the write. */
static enum connector_step resolve(struct op *op, const struct create_plan *plan,
                                   struct creation *run)
{
    while (run->resolved < plan->resolve_count) {
        const struct create_resolve *next = &plan->resolves[run->resolved];
        const struct jval *value = jval_member(run->given, next->argument);
        if (!jval_is(value, JVAL_STRING)) {
            run->resolved++;
            continue;
        }
        struct jval *query = jval_new_object(op->arena, 1);
        jval_set(op->arena, query, next->argument, value);
        run->query = *op;
        run->query.query = query;
        return suiteql_begin_for(op, &run->query, next->query);
    }
    return write(op, plan, run);
}

static enum connector_step take_resolved(struct op *op, const struct create_plan *plan,
                                         struct creation *run,
                                         const struct op_response *response)
{
    const struct create_resolve *resolving = &plan->resolves[run->resolved];
    struct op *query = &run->query;

    if (suiteql_on_response_for(op, query, resolving->query, response) !=
        CONNECTOR_DONE) {
        return CONNECTOR_FAILED;
    }
    const struct jval *rows = query->result.records;
    const struct jval *id = rows->count == 1 ? jval_get(&rows->items[0], "id") : NULL;
    if (rows->count != 1) {
        return errors_argument(op, resolving->argument,
                               rows->count == 0
                                   ? SLICE("The account has nothing of this name.")
                                   : SLICE("The account has several of this name."));
    }
    if (!rest_is_internal_id(jval_text(id))) {
        return errors_malformed(op, response, SLICE("The ERP's row has no id."));
    }
    jval_set(op->arena, run->given, resolving->argument, id);
    run->resolved++;
    return resolve(op, plan, run);
}

/* ---- Begin ---- */

static bool choose_external_id(struct op *op, const struct create_plan *plan,
                               struct creation *run)
{
    const struct jval *given = jval_member(op->body, plan->external_id);
    struct slice prefix = SLICE("req_");

    if (given != NULL && given->type != JVAL_NULL) {
        run->external_id = jval_text(given);
        if (!rest_is_external_id(run->external_id)) {
            errors_argument(op, plan->external_id,
                            SLICE("An external id is 1 to 60 letters, digits, _ and "
                                  "-."));
            return false;
        }
        return true;
    }
    REQUIRE(slice_starts(op->request_id, prefix));
    run->is_ours = true;
    run->external_id = arena_printf(op->arena, "sluice-%.*s",
                                    SLICE_ARG(slice_from(op->request_id, prefix.len)));
    REQUIRE(rest_is_external_id(run->external_id));
    return true;
}

enum connector_step create_begin(struct op *op, const struct create_plan *plan)
{
    struct creation *run = arena_alloc(op->arena, sizeof *run);

    op->private_data = run;
    run->id = SLICE_EMPTY;
    if (!choose_external_id(op, plan, run)) {
        return CONNECTOR_FAILED;
    }
    /* In a PUT the URL says it. */
    run->given = copy_without(op->arena, op->body,
                              run->is_ours ? plan->external_id : SLICE_EMPTY);
    return resolve(op, plan, run);
}

/* ---- The answer to the write ---- */

/* ".../invoice/1042" names the new record; anything else does not. */
static struct slice id_of_location(const struct create_plan *plan,
                                   const struct op_response *response)
{
    struct slice url = SLICE_EMPTY, record = plan->read.record;

    for (size_t i = 0; i < response->field_count; i++) {
        if (slice_is(response->fields[i].name, "location")) {
            url = slice_trim(response->fields[i].value);
        }
    }
    size_t end = url.len;
    while (end > 0 && url.ptr[end - 1] != '/') {
        end--;
    }
    struct slice id = slice_from(url, end);
    if (!rest_is_internal_id(id) || end < record.len + 2 ||
        url.ptr[end - record.len - 2] != '/' ||
        !slice_eq_nocase(slice_of(url.ptr + end - record.len - 1, record.len),
                         record)) {
        return SLICE_EMPTY;
    }
    return id;
}

static struct slice eid_key(const struct op *op, const struct creation *run)
{
    return arena_printf(op->arena, "eid:%.*s", SLICE_ARG(run->external_id));
}

static enum connector_step refused(struct op *op, const struct create_plan *plan,
                                   struct creation *run,
                                   const struct op_response *response)
{
    bool redirect = response->status >= 300 && response->status <= 399;

    /* Something broke, perhaps after the record was saved. */
    if (response->status >= 500 ||
        (op->fault.err == ERR_UPSTREAM_MALFORMED && !redirect)) {
        return unknown(op, run);
    }
    if (op->fault.err != ERR_CONFLICT || run->is_ours) {
        return CONNECTOR_FAILED;
    }
    run->refusal = op->fault;
    run->phase = LOOKING_UP;
    rest_get(op, &plan->read, eid_key(op, run));
    return CONNECTOR_SEND;
}

static enum connector_step take_written(struct op *op, const struct create_plan *plan,
                                        struct creation *run,
                                        const struct op_response *response)
{
    bool success = response->status >= 200 && response->status <= 299;

    if (!success || response->body.len > 0) {
        /* A body that holds an error, in a 200 too, is one; any other says nothing. */
        bool failed = errors_read_answer(op, response) == NULL;
        if (!success || (failed && op->fault.err != ERR_UPSTREAM_MALFORMED)) {
            return refused(op, plan, run, response);
        }
    }
    op->fault = (struct fault){.err = ERR_OK};
    run->id = arena_slice(op->arena, id_of_location(plan, response));
    run->phase = READING_BACK;
    rest_get(op, &plan->read, run->id.len > 0 ? run->id : eid_key(op, run));
    return CONNECTOR_SEND;
}

/* ---- Afterwards ---- */

static enum connector_step unread(struct op *op, const struct creation *run)
{
    return run->id.len > 0 ? done_unread(op, run) : unknown(op, run);
}

static enum connector_step take_read_back(struct op *op, const struct create_plan *plan,
                                          const struct creation *run,
                                          const struct op_response *response)
{
    const struct jval *record = rest_take(op, &plan->read, response);

    op->login_refused = record == NULL && op->fault.err == ERR_NEEDS_REAUTH;
    return record != NULL ? rest_done(op, record) : unread(op, run);
}

/* The refusal again, with whose id it is where that could be read. */
static enum connector_step take_looked_up(struct op *op, const struct create_plan *plan,
                                          const struct creation *run,
                                          const struct op_response *response)
{
    const struct jval *record = rest_take(op, &plan->read, response);
    struct slice number = jval_text(jval_get(record, "tranId"));

    op->login_refused = record == NULL && op->fault.err == ERR_NEEDS_REAUTH;
    op->fault = run->refusal;
    if (record != NULL) {
        op->fault.hint = arena_printf(
            op->arena,
            "external_id %.*s belongs to the record with id %.*s%s%.*s. If that is the "
            "one you meant to create, it is there already: read it with the get tool. "
            "If not, call again with another external_id.",
            SLICE_ARG(run->external_id), SLICE_ARG(jval_text(jval_get(record, "id"))),
            number.len > 0 ? ", number " : "", SLICE_ARG(number));
    }
    return CONNECTOR_FAILED;
}

enum connector_step create_on_response(struct op *op, const struct create_plan *plan,
                                       const struct op_response *response)
{
    struct creation *run = op->private_data;

    switch (run->phase) {
    case RESOLVING:
        return take_resolved(op, plan, run, response);
    case WRITING:
        return take_written(op, plan, run, response);
    case LOOKING_UP:
        return take_looked_up(op, plan, run, response);
    case READING_BACK:
        break;
    }
    return take_read_back(op, plan, run, response);
}

enum connector_step create_lost(struct op *op, const struct create_plan *plan)
{
    const struct creation *run = op->private_data;

    (void)plan;
    switch (run->phase) {
    case WRITING:
        return op->fault.err == ERR_OUTCOME_UNKNOWN ? unknown(op, run)
                                                    : CONNECTOR_FAILED;
    case READING_BACK:
        return unread(op, run);
    case LOOKING_UP:
        op->fault = run->refusal;
        break;
    case RESOLVING:
        break;
    }
    return CONNECTOR_FAILED;
}
