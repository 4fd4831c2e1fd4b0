/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A URL is made of parts that were encoded when the catalog was loaded and of literals
 * that cannot be anything but values; nothing else an argument holds reaches it.
 */
#include "connectors/sap/odata.h"

#include "base/buf.h"
#include "connectors/sap/connection.h"
#include "connectors/sap/errors.h"
#include "connectors/sap/remarks.h"

/* API Management takes 7 KB of URL, a Cloud Connector lines of 8192 bytes. */
#define URL_BYTES_MAX 7000
#define FIELDS_MAX 7
#define MESSAGES_MAX 8

/* ---- Requests ---- */

void sap_request(struct op *op, const char *method, struct slice url)
{
    const struct sap_system *system = op->target->private_data;

    op->request = (struct op_request){
        .method = slice_str(method),
        .url = url,
        .fields = arena_array(op->arena, FIELDS_MAX, sizeof(struct op_field))};
    /* Never $format: SAP refuses it on POST, and Accept does the same everywhere. */
    sap_request_field(op, "Accept", SLICE("application/json"));
    sap_request_field(op, "Accept-Language", SLICE("en"));
    if (system->client.len > 0) {
        sap_request_field(op, "sap-client", system->client);
    }
}

void sap_request_field(struct op *op, const char *name, struct slice value)
{
    struct op_request *request = &op->request;
    struct op_field *fields = arena_array(op->arena, FIELDS_MAX, sizeof *fields);

    REQUIRE(request->field_count < FIELDS_MAX);
    memcpy(fields, request->fields, request->field_count * sizeof *fields);
    fields[request->field_count++] = (struct op_field){slice_str(name), value};
    request->fields = fields;
}

struct slice sap_url(const struct op *op, struct slice path)
{
    const struct sap_system *system = op->target->private_data;

    return arena_printf(op->arena, "%.*s%.*s", SLICE_ARG(system->base),
                        SLICE_ARG(path));
}

/* ---- The key ---- */

/*
 * An id is the value of the key's only property, or those of all its properties with
 * '-' between: "5105600001-2026". The last parts are taken off the end, so that the
 * first may hold a '-'.
 */
static bool split_id(struct slice id, struct slice *parts, size_t count)
{
    for (size_t i = count; i-- > 1;) {
        size_t at = id.len;
        while (at > 0 && id.ptr[at - 1] != '-') {
            at--;
        }
        if (at == 0) {
            return false;
        }
        parts[i] = slice_from(id, at);
        id.len = at - 1;
        if (parts[i].len == 0) {
            return false;
        }
    }
    parts[0] = id;
    return id.len > 0;
}

static struct slice id_form(struct op *op, const struct sap_plan *plan)
{
    struct slice names = plan->keys[0].name;

    for (size_t i = 1; i < plan->key_count; i++) {
        names = arena_printf(op->arena, "%.*s-%.*s", SLICE_ARG(names),
                             SLICE_ARG(plan->keys[i].name));
    }
    return arena_printf(op->arena, "An id here has the form %.*s.", SLICE_ARG(names));
}

/* ('4500000001') or (SupplierInvoice='5105600001',FiscalYear='2026'). */
static bool append_key(struct op *op, const struct sap_plan *plan, struct buf *url)
{
    struct slice id = jval_text(jval_get(op->path, "id"));
    struct slice *parts = arena_array(op->arena, plan->key_count, sizeof *parts);

    if (!split_id(id, parts, plan->key_count)) {
        sap_errors_argument(op, SLICE("/id"), id_form(op, plan));
        return false;
    }
    buf_append_byte(url, '(');
    for (size_t i = 0; i < plan->key_count; i++) {
        const struct sap_property *key = &plan->keys[i];
        struct jval value = {.type = JVAL_STRING, .text = parts[i]};
        struct slice literal;
        const char *wrong = edm_url(op->arena, &key->type, &value, &literal);
        if (wrong != NULL) {
            sap_errors_argument(op, SLICE("/id"), slice_str(wrong));
            return false;
        }
        if (plan->key_count > 1) {
            buf_printf(url, "%s%.*s=", i > 0 ? "," : "", SLICE_ARG(key->name));
        }
        buf_append(url, literal);
    }
    buf_append_byte(url, ')');
    return true;
}

/* ---- Conditions ---- */

static void append_condition(struct buf *filter, struct slice before,
                             struct slice between, struct slice after)
{
    if (filter->len > 0) {
        buf_append(filter, SLICE("%20and%20"));
    }
    buf_append_byte(filter, '(');
    buf_append(filter, before);
    buf_append(filter, between);
    buf_append(filter, after);
    buf_append_byte(filter, ')');
}

static const struct sap_choice *choose(const struct sap_filter *filter,
                                       const struct jval *value)
{
    struct slice text = value->type == JVAL_TRUE    ? SLICE("true")
                        : value->type == JVAL_FALSE ? SLICE("false")
                                                    : jval_text(value);

    for (size_t i = 0; i < filter->choice_count; i++) {
        if (slice_eq(filter->choices[i].value, text)) {
            return &filter->choices[i];
        }
    }
    return NULL;
}

/* NULL, or what is wrong with the value. */
static const char *add_filter(struct op *op, const struct sap_filter *filter,
                              const struct jval *value, struct buf *out)
{
    struct slice literal;

    if (filter->choice_count > 0) {
        const struct sap_choice *choice = choose(filter, value);
        if (choice == NULL) {
            return "There is no such choice.";
        }
        append_condition(out, choice->clause, SLICE_EMPTY, SLICE_EMPTY);
        return NULL;
    }
    const char *wrong = edm_url(op->arena, &filter->type, value, &literal);
    if (wrong == NULL) {
        append_condition(out, filter->before, literal, filter->after);
    }
    return wrong;
}

static bool append_filters(struct op *op, const struct sap_plan *plan, struct buf *url)
{
    struct buf filter;
    bool right = true;

    buf_init(&filter, URL_BYTES_MAX);
    if (plan->where.len > 0) {
        append_condition(&filter, plan->where, SLICE_EMPTY, SLICE_EMPTY);
    }
    for (size_t i = 0; right && i < plan->filter_count; i++) {
        struct slice argument = plan->filters[i].argument;
        const struct jval *value = jval_member(op->query, argument);
        const char *wrong =
            value != NULL ? add_filter(op, &plan->filters[i], value, &filter) : NULL;
        if (wrong != NULL) {
            sap_errors_argument(op,
                                arena_printf(op->arena, "/%.*s", SLICE_ARG(argument)),
                                arena_slice(op->arena, slice_str(wrong)));
            right = false;
        }
    }
    if (right && filter.len > 0) {
        buf_append(url, SLICE("&$filter="));
        buf_append(url, buf_slice(&filter));
    }
    url->full = url->full || buf_full(&filter);
    buf_free(&filter);
    return right;
}

/* ---- Reading ---- */

static bool append_list(struct op *op, const struct sap_plan *plan,
                        const struct sap_page *page, struct buf *url)
{
    if (page->query.len > 0) {
        return buf_append_byte(url, '?') && buf_append(url, page->query);
    }
    buf_append_byte(url, '?');
    buf_append(url, plan->shape);
    if (!append_filters(op, plan, url)) {
        return false;
    }
    buf_append(url, SLICE("&$orderby="));
    buf_append(url, plan->order);
    buf_printf(url, "&$top=%zu", op->limit + 1);
    if (page->row > 0) {
        buf_printf(url, "&$skip=%zu", page->row);
    }
    return true;
}

/* False with op->fault filled; whether it fitted, the buffer tells. */
static bool append_all(struct op *op, const struct sap_plan *plan,
                       const struct sap_page *page, struct buf *url)
{
    buf_append(url, sap_url(op, plan->path));
    switch (plan->action) {
    case SAP_LIST:
        return append_list(op, plan, page, url);
    case SAP_GET:
        if (!append_key(op, plan, url)) {
            return false;
        }
        buf_printf(url, "?%.*s", SLICE_ARG(plan->shape));
        return true;
    case SAP_SAMPLE:
        buf_printf(url, "?%.*s&$top=1", SLICE_ARG(plan->shape));
        return true;
    case SAP_CREATE:
        break;
    }
    return true;
}

enum connector_step sap_read_begin(struct op *op, const struct sap_plan *plan)
{
    struct sap_run *run = op->private_data;
    struct buf url;

    if (!sap_page_parse(op->page, &run->page)) {
        return sap_errors_argument(op, SLICE("/next_cursor"),
                                   SLICE("This is not a cursor of this list."));
    }
    buf_init(&url, URL_BYTES_MAX);
    bool right = append_all(op, plan, &run->page, &url);
    if (right || buf_full(&url)) {
        sap_request(op, "GET", arena_slice(op->arena, buf_slice(&url)));
    }
    if (buf_full(&url)) {
        op->fault = (struct fault){
            .err = ERR_TOO_LARGE,
            .message = SLICE("The arguments make a longer address than SAP takes."),
            .hint = SLICE("Shorten the text arguments, or use fewer filters at once.")};
        right = false;
    }
    buf_free(&url);
    run->phase = SAP_READING;
    return right ? CONNECTOR_SEND : CONNECTOR_FAILED;
}

/* ---- Records ---- */

static const struct jval *finished(struct op *op, const struct sap_plan *plan,
                                   const struct jval *entity)
{
    struct jval *record = sap_normalise(op->arena, entity);

    sap_derive(op->arena, plan->derived, plan->derived_count, record);
    return record;
}

/* {"d":{"results":[...]}} and, of very old services, {"d":[...]}. */
static const struct jval *rows_of(const struct jval *answer)
{
    const struct jval *d = jval_get(answer, "d");
    const struct jval *rows = jval_is(d, JVAL_ARRAY) ? d : jval_get(d, "results");

    if (!jval_is(rows, JVAL_ARRAY)) {
        return NULL;
    }
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->items[i].type != JVAL_OBJECT) {
            return NULL;
        }
    }
    return rows;
}

/* An empty page whose link leads to itself, or is too long to be kept. */
static bool is_stuck(const struct sap_page *page, const struct sap_page *next)
{
    return next->row == page->row && slice_eq(next->query, page->query);
}

/* A gateway may put the path of its API proxy into links, or leave them as SAP made them. */
static bool follow(const struct op *op, const struct sap_plan *plan, struct slice link,
                   struct slice *query)
{
    const struct sap_system *system = op->target->private_data;
    struct slice proxy = slice_from(system->base, system->origin.len);
    struct slice path =
        arena_printf(op->arena, "%.*s%.*s", SLICE_ARG(proxy), SLICE_ARG(plan->path));

    return sap_page_link(op->arena, link, plan->path, plan->set, query) ||
           sap_page_link(op->arena, link, path, plan->set, query);
}

static enum connector_step take_list(struct op *op, const struct sap_plan *plan,
                                     const struct jval *answer,
                                     const struct op_response *response)
{
    const struct sap_run *run = op->private_data;
    const struct jval *rows = rows_of(answer);
    const struct jval *link = jval_get(jval_get(answer, "d"), "__next");
    struct slice query = SLICE_EMPTY;
    struct sap_page next;
    size_t limit = plan->action == SAP_SAMPLE ? 1 : op->limit;
    bool more = false;

    if (rows == NULL) {
        return sap_errors_malformed(op, response,
                                    SLICE("SAP's answer to a list has no rows in it."));
    }
    if (jval_is(link, JVAL_STRING) && !follow(op, plan, link->text, &query)) {
        return sap_errors_malformed(
            op, response,
            SLICE("SAP's link to the next page leads to something else than this "
                  "list."));
    }
    size_t take =
        sap_page_turn(&run->page, limit, rows->count,
                      jval_is(link, JVAL_STRING) ? &query : NULL, &next, &more);
    if (more && is_stuck(&run->page, &next)) {
        return sap_errors_malformed(
            op, response, SLICE("SAP's link to the next page leads to no other page."));
    }
    struct jval *records = jval_new_array(op->arena, take);
    for (size_t i = 0; i < take; i++) {
        jval_push(op->arena, records, finished(op, plan, &rows->items[i]));
    }
    op->result = (struct op_result){.records = records,
                                    .next_page = more ? sap_page_text(op->arena, &next)
                                                      : SLICE_EMPTY};
    return CONNECTOR_DONE;
}

/* One entity: what the answer is all about. */
static enum connector_step take_entity(struct op *op, const struct sap_plan *plan,
                                       const struct jval *answer,
                                       const struct op_response *response)
{
    const struct jval *entity = jval_get(answer, "d");
    struct jval *records = jval_new_array(op->arena, 1);

    if (!jval_is(entity, JVAL_OBJECT) || entity->count == 0 ||
        jval_get(entity, "results") != NULL) {
        return sap_errors_malformed(op, response,
                                    SLICE("SAP answered with something that is no "
                                          "entity."));
    }
    for (size_t i = 0; i < plan->key_count; i++) {
        if (jval_member(entity, plan->keys[i].name) == NULL) {
            return sap_errors_malformed(op, response,
                                        SLICE("SAP's entity has no key."));
        }
    }
    jval_push(op->arena, records, finished(op, plan, entity));
    op->result = (struct op_result){.records = records, .next_page = SLICE_EMPTY};
    return CONNECTOR_DONE;
}

/* A document may be saved with a warning: whoever asked for it has to hear it. */
static void take_messages(struct op *op, const struct op_response *response)
{
    struct sap_remarks remarks = {.count = 0};
    struct slice header = sap_response_field(response, "sap-message");

    if (!sap_message_header(op->arena, header, &remarks)) {
        return;
    }
    size_t count = remarks.count < MESSAGES_MAX ? remarks.count : MESSAGES_MAX;
    struct op_message *messages = arena_array(op->arena, count, sizeof *messages);
    for (size_t i = 0; i < count; i++) {
        messages[i] = (struct op_message){.severity = remarks.list[i].severity,
                                          .code = remarks.list[i].code,
                                          .text = remarks.list[i].text};
    }
    op->result.messages = messages;
    op->result.message_count = count;
}

enum connector_step sap_read_answer(struct op *op, const struct sap_plan *plan,
                                    const struct op_response *response)
{
    const struct jval *answer = sap_errors_read(op, response);

    if (answer == NULL) {
        return CONNECTOR_FAILED;
    }
    enum connector_step step = plan->action == SAP_GET
                                   ? take_entity(op, plan, answer, response)
                                   : take_list(op, plan, answer, response);
    if (step == CONNECTOR_DONE) {
        take_messages(op, response);
    }
    return step;
}

enum connector_step sap_write_answer(struct op *op, const struct sap_plan *plan,
                                     const struct op_response *response)
{
    const struct jval *answer = sap_errors_read(op, response);

    if (answer == NULL) {
        return CONNECTOR_FAILED;
    }
    enum connector_step step = take_entity(op, plan, answer, response);
    if (step == CONNECTOR_DONE) {
        take_messages(op, response);
    }
    return step;
}
