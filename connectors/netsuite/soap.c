/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST {suitetalk}/services/NetSuitePort_2025_2, the last version there will be. What signs
 * puts its tokenPassport into the header; NetSuite answers with the whole list at once, so a
 * page is a part of it. An error of a record comes inside a 200, everything else is a fault.
 */
#include "connectors/netsuite/soap.h"

#include <ctype.h>

#include "connectors/netsuite/errors.h"
#include "connectors/netsuite/hosts.h"
#include "connectors/netsuite/paging.h"
#include "connectors/netsuite/soap_answer.h"

#define VERSION "2025_2"
#define NAME_MAX_BYTES 48
#define HEAD                                                                      \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope "                \
    "xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" "                \
    "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "                    \
    "xmlns:platformMsgs=\"urn:messages_" VERSION                                  \
    ".platform.webservices.netsuite.com\" xmlns:platformCore=\"urn:core_" VERSION \
    ".platform.webservices.netsuite.com\"><soapenv:Header>"

struct soap_plan {
    struct slice operation, record_type, attribute, argument, otherwise, items;
};

/* ---- The plan ---- */

/* Goes into XML and a header field as it is. */
static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c >= 0x80 || (!isalnum(c) && c != '_')) {
            return false;
        }
    }
    return name.len > 0 && name.len <= NAME_MAX_BYTES;
}

enum err soap_compile(struct arena *arena, const struct jval *upstream,
                      const struct tool *tool, const struct soap_plan **plan,
                      struct schema_problem *problem)
{
    struct soap_plan *made = arena_alloc(arena, sizeof *made);
    const struct {
        const char *name;
        struct slice *out;
    } names[] = {
        {"operation", &made->operation}, {"record_type", &made->record_type},
        {"attribute", &made->attribute}, {"argument", &made->argument},
        {"default", &made->otherwise},   {"items", &made->items},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        *names[i].out = jval_text(jval_get(upstream, names[i].name));
        if (!is_name(*names[i].out)) {
            *problem = (struct schema_problem){
                .pointer = arena_printf(arena, "/%s", names[i].name),
                .message = SLICE("A name of letters, digits and _ is needed.")};
            return ERR_UNPROCESSABLE;
        }
    }
    if (tool == NULL || tool->kind != METHOD_LIST || tool->scheme.len == 0) {
        *problem = (struct schema_problem){
            .pointer = SLICE("/scheme"),
            .message = SLICE("SOAP serves lists, and names the scheme that signs.")};
        return ERR_UNPROCESSABLE;
    }
    *plan = made;
    return ERR_OK;
}

/* ---- The request ---- */

enum connector_step soap_begin(struct op *op, const struct soap_plan *plan)
{
    const struct hosts *hosts = op->target->private_data;
    const struct jval *argument = jval_member(op->query, plan->argument);
    struct slice value = argument != NULL ? jval_text(argument) : plan->otherwise;
    struct op_field *fields = arena_array(op->arena, 2, sizeof *fields);
    size_t row;

    if (!is_name(value)) {
        return errors_argument(op, plan->argument,
                               SLICE("A name of letters, digits and _ is needed."));
    }
    if (!paging_parse(op->page, &row)) {
        return errors_argument(op, SLICE("next_cursor"),
                               SLICE("This cursor is of another list."));
    }
    fields[0] =
        (struct op_field){SLICE("Content-Type"), SLICE("text/xml; charset=utf-8")};
    fields[1] = (struct op_field){
        SLICE("SOAPAction"),
        arena_printf(op->arena, "\"%.*s\"", SLICE_ARG(plan->operation))};
    op->request = (struct op_request){
        .method = SLICE("POST"),
        .url = arena_printf(op->arena, "%.*s/services/NetSuitePort_" VERSION,
                            SLICE_ARG(hosts->suitetalk)),
        .fields = fields,
        .field_count = 2,
        .body = arena_printf(
            op->arena,
            HEAD "</soapenv:Header><soapenv:Body><platformMsgs:%.*s>"
                 "<platformMsgs:record xsi:type=\"platformCore:%.*s\" %.*s=\"%.*s\"/>"
                 "</platformMsgs:%.*s></soapenv:Body></soapenv:Envelope>",
            SLICE_ARG(plan->operation), SLICE_ARG(plan->record_type),
            SLICE_ARG(plan->attribute), SLICE_ARG(value), SLICE_ARG(plan->operation)),
        .has_body = true,
        .passport_at = sizeof HEAD - 1,
    };
    return CONNECTOR_SEND;
}

/* ---- The answer ---- */

static enum connector_step take_page(struct op *op, const struct jval *items)
{
    struct jval *records = jval_new_array(op->arena, op->limit);
    size_t row = 0;

    op->result = (struct op_result){.records = records, .next_page = SLICE_EMPTY};
    (void)paging_parse(op->page, &row);
    for (; row < items->count && records->count < op->limit; row++) {
        jval_push(op->arena, records, &items->items[row]);
    }
    if (row < items->count) {
        op->result.next_page = paging_text(op->arena, row);
    }
    return CONNECTOR_DONE;
}

enum connector_step soap_on_response(struct op *op, const struct soap_plan *plan,
                                     const struct op_response *response)
{
    struct soap_answer answer;
    bool read = soap_answer_read(op->arena, response->body, plan->items, &answer);
    struct errors_soap said = {answer.fault, answer.code, answer.message};

    if (response->status >= 400 || (read && answer.is_fault)) {
        return errors_soap(op, response, read ? &said : NULL);
    }
    if (response->status != 200 || !read || !answer.has_status) {
        return errors_malformed(op, response,
                                SLICE("The ERP's answer is no SOAP answer."));
    }
    return answer.succeeded ? take_page(op, answer.items)
                            : errors_soap(op, response, &said);
}
