/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trouble comes as OData's JSON, as the same in XML although JSON was asked for, as
 * plain text, as HTML of the web server or of a login page, and as JSON of API
 * Management. All of them are brought to a code and a message here; the catalog's rules
 * then say which of our words that is.
 *
 * Upstream text is payload: it goes into the fault, for the caller, and nowhere else.
 * HTML is for people: none of it goes anywhere, it tends to name internal hosts.
 */
#include "connectors/sap/errors.h"

#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/timefmt.h"
#include "catalog/catalog.h"
#include "connectors/sap/remarks.h"
#include "connectors/sap/xml.h"

#define REQUEST_ID_MAX 128
#define RETRY_AFTER_MAX_S 300
/* Of all messages in a row, before they are cut. */
#define JOINED_MAX ((size_t)SAP_REMARKS_MAX * (SAP_MESSAGE_MAX + 8))

enum body_kind { BODY_EMPTY, BODY_JSON, BODY_XML, BODY_HTML, BODY_TEXT };

/* An answer that is no success, taken apart. */
struct refusal {
    enum body_kind kind;
    int status; /* what the rules are asked with */
    bool readable;
    struct sap_remarks remarks;
};

struct slice sap_response_field(const struct op_response *response, const char *name)
{
    for (size_t i = 0; i < response->field_count; i++) {
        if (slice_is(response->fields[i].name, name)) {
            return slice_trim(response->fields[i].value);
        }
    }
    return SLICE_EMPTY;
}

/* ---- What kind of body ---- */

static struct slice without_blanks(struct slice text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]) != NULL &&
           text.ptr[0] != '\0') {
        text = slice_from(text, 1);
    }
    return text;
}

/* The first byte decides before the content type, which proxies get wrong. */
static enum body_kind kind_of(const struct op_response *response)
{
    struct slice type = sap_response_field(response, "content-type");
    struct slice body = without_blanks(response->body);

    if (body.len == 0) {
        return BODY_EMPTY;
    }
    if (slice_starts_nocase(type, SLICE("text/html")) ||
        slice_starts_nocase(body, SLICE("<!doctype html")) ||
        slice_starts_nocase(body, SLICE("<html"))) {
        return BODY_HTML;
    }
    if (body.ptr[0] == '{' || slice_starts_nocase(type, SLICE("application/json"))) {
        return BODY_JSON;
    }
    if (body.ptr[0] == '<' || slice_contains_nocase(type, SLICE("xml"))) {
        return BODY_XML;
    }
    return BODY_TEXT;
}

/* ---- Small parts of a fault ---- */

static void note_upstream(struct op *op, const struct op_response *response,
                          struct slice transaction)
{
    static const char *const ids[] = {"sap-request-id", "x-request-id",
                                      "x-correlation-id", "x-correlationid"};

    for (size_t i = 0; transaction.len == 0 && i < sizeof ids / sizeof ids[0]; i++) {
        transaction = sap_response_field(response, ids[i]);
    }
    op->fault.upstream.status = response->status;
    op->fault.upstream.request_id =
        text_visible(op->arena, transaction, REQUEST_ID_MAX);
}

/* Seconds, or a date, measured from the answer's own: no clock is needed for it. */
static unsigned long long retry_after(const struct op_response *response)
{
    struct slice text = sap_response_field(response, "retry-after");
    unsigned long long seconds = 0;
    int64_t then, now;

    if (!slice_to_u64(text, &seconds) && timefmt_parse_http(text, &then) &&
        timefmt_parse_http(sap_response_field(response, "date"), &now) && then > now) {
        seconds = (unsigned long long)(then - now + 999) / 1000;
    }
    return seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : seconds;
}

static void note_load(struct op *op, const struct op_response *response)
{
    op->rate_limited = true;
    op->retry_after_s = (long)retry_after(response);
    op->fault.retry_after_s = op->retry_after_s;
}

/* A business error's last detail tends to repeat the leading message. */
static bool is_repeated(const struct sap_remarks *remarks, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (slice_eq(remarks->list[i].text, remarks->list[at].text)) {
            return true;
        }
    }
    return false;
}

static struct slice join_messages(struct arena *arena,
                                  const struct sap_remarks *remarks)
{
    struct buf text;

    buf_init(&text, JOINED_MAX);
    for (size_t i = 0; i < remarks->count; i++) {
        if (remarks->list[i].text.len > 0 && !is_repeated(remarks, i)) {
            buf_append(&text, text.len > 0 ? SLICE("; ") : SLICE_EMPTY);
            buf_append(&text, remarks->list[i].text);
        }
    }
    struct slice joined = sap_clean(arena, buf_slice(&text), SAP_MESSAGE_MAX);
    buf_free(&text);
    return joined;
}

/* ---- Reading a refusal ---- */

/* Text that is not UTF-8 is cut where it stops being that; markup is not let through. */
static bool read_text(struct arena *arena, struct slice body, struct sap_remarks *out)
{
    struct slice text = slice_of(body.ptr, text_utf8_prefix(body));
    struct sap_remark *remark = NULL;

    if (text.len > 0 && slice_find(text, '<') < 0) {
        remark = sap_remarks_add(out);
    }
    if (remark != NULL) {
        remark->text = sap_clean(arena, text, SAP_MESSAGE_MAX);
    }
    return remark != NULL;
}

static void read_refusal(struct op *op, const struct op_response *response,
                         const struct jval *json, struct refusal *out)
{
    out->kind = kind_of(response);
    out->status = response->status;
    switch (out->kind) {
    case BODY_JSON:
        out->readable = sap_json_error(op->arena, json, &out->remarks);
        break;
    case BODY_XML:
        out->readable = sap_xml_remarks(op->arena, response->body, &out->remarks);
        break;
    case BODY_TEXT:
        out->readable = read_text(op->arena, response->body, &out->remarks);
        break;
    case BODY_HTML:
    case BODY_EMPTY:
        break;
    }
}

/* ---- What it means ---- */

/* The first remark that a rule knows decides; without one, the status does. */
static enum err classify(const struct op *op, const struct refusal *refusal,
                         size_t *chosen, struct slice *hint)
{
    struct slice none = SLICE_EMPTY;
    enum err plain = catalog_classify(op->integration, refusal->status, SLICE_EMPTY,
                                      SLICE_EMPTY, &none);

    *chosen = 0;
    for (size_t i = 0; i < refusal->remarks.count; i++) {
        const struct sap_remark *remark = &refusal->remarks.list[i];
        *hint = SLICE_EMPTY;
        enum err err = catalog_classify(op->integration, refusal->status, remark->code,
                                        remark->text, hint);
        if (err != plain || !slice_eq(*hint, none)) {
            *chosen = i;
            return err;
        }
    }
    *hint = none;
    return plain;
}

static void unknown_outcome(struct op *op, struct slice message)
{
    struct slice lookup = op->tool != NULL ? op->tool->lookup : SLICE_EMPTY;

    op->fault.err = ERR_OUTCOME_UNKNOWN;
    op->fault.message = message;
    op->fault.hint =
        lookup.len > 0 ? lookup : SLICE("Look the record up before sending it again.");
}

/* Nobody says what SAP did: a gateway gave up waiting, or a program broke off. A 501 or
 * 503 came before the work; any other 5xx has to be in one of SAP's forms to be
 * believed, since proxies have numbers and words of their own for a lost answer. */
static bool is_undecided(const struct op *op, const struct refusal *refusal)
{
    int status = refusal->status;
    bool is_formed = refusal->readable && refusal->kind != BODY_TEXT;

    if (!op->request.is_write) {
        return false;
    }
    return status == 408 || status == 502 || status == 504 ||
           (status >= 500 && status != 501 && status != 503 && !is_formed);
}

static void fail_by_rules(struct op *op, const struct op_response *response,
                          const struct refusal *refusal)
{
    size_t chosen;
    struct slice hint;
    enum err err = classify(op, refusal, &chosen, &hint);

    op->fault = (struct fault){.err = err, .hint = hint};
    note_upstream(op, response, refusal->remarks.transaction);
    if (refusal->remarks.count > 0) {
        op->fault.upstream.code = refusal->remarks.list[chosen].code;
        op->fault.upstream.message = join_messages(op->arena, &refusal->remarks);
    }
    if (is_undecided(op, refusal)) {
        unknown_outcome(op, SLICE("The write was sent, and what stands in front of SAP "
                                  "gave up on it: it may or may not have happened."));
        return;
    }
    if (!refusal->readable && err == ERR_VALIDATION_FAILED) {
        /* A page that no rule knows says nothing about the content we sent. */
        op->fault.err = ERR_UPSTREAM_MALFORMED;
        op->fault.message = SLICE("SAP refused the request with something that is not "
                                  "its error format.");
        op->fault.hint =
            SLICE("Check the account's base_url (for S/4HANA Cloud the host with -api) "
                  "and that the service is activated there.");
    }
    if (err == ERR_RATE_LIMITED) {
        note_load(op, response);
    }
}

/* ---- A 2xx that is no success ---- */

static void fail_unreadable(struct op *op, const struct op_response *response)
{
    bool is_login = kind_of(response) == BODY_HTML && response->status == 200;

    op->fault = (struct fault){.err = ERR_UPSTREAM_MALFORMED};
    note_upstream(op, response, SLICE_EMPTY);
    if (is_login) {
        op->fault.err = ERR_NEEDS_REAUTH;
        op->fault.message =
            SLICE("SAP answered with a page for people, such as a login page.");
        op->fault.hint =
            SLICE("Either the credentials are not accepted for this service, or the "
                  "account's base_url is the host of the user interface: for S/4HANA "
                  "Cloud the API host is the one with -api in its name.");
    } else if (op->request.is_write) {
        unknown_outcome(op,
                        SLICE("SAP took the write, but its answer cannot be read."));
    } else {
        op->fault.message = SLICE("SAP's answer is not valid JSON.");
    }
}

static void fail_redirect(struct op *op, const struct op_response *response)
{
    op->fault = (struct fault){
        .err = ERR_UPSTREAM_MALFORMED,
        .message = SLICE("SAP answered with a redirect, most likely to a login page."),
        .hint = SLICE("Check the account's base_url: for S/4HANA Cloud the API host is "
                      "the one with -api in its name.")};
    note_upstream(op, response, SLICE_EMPTY);
}

const struct jval *sap_errors_read(struct op *op, const struct op_response *response)
{
    struct refusal refusal = {.kind = BODY_EMPTY};
    struct jval *json = NULL;
    bool success = response->status >= 200 && response->status <= 299;

    if (kind_of(response) == BODY_JSON &&
        jval_parse(op->arena, response->body, &json, NULL) != ERR_OK) {
        json = NULL;
    }
    if (response->status >= 400) {
        read_refusal(op, response, json, &refusal);
        fail_by_rules(op, response, &refusal);
        return NULL;
    }
    if (!success) {
        fail_redirect(op, response);
        return NULL;
    }
    if (json == NULL) {
        fail_unreadable(op, response);
        return NULL;
    }
    if (sap_json_error(op->arena, json, &refusal.remarks)) {
        refusal.kind = BODY_JSON;
        refusal.readable = true;
        refusal.status = 400; /* an error inside a 200 names no status of its own */
        fail_by_rules(op, response, &refusal);
        return NULL;
    }
    return json;
}

enum connector_step sap_errors_malformed(struct op *op,
                                         const struct op_response *response,
                                         struct slice message)
{
    op->fault = (struct fault){.err = ERR_UPSTREAM_MALFORMED, .message = message};
    note_upstream(op, response, SLICE_EMPTY);
    if (op->request.is_write) {
        unknown_outcome(op,
                        SLICE("SAP took the write, but its answer cannot be read."));
    }
    return CONNECTOR_FAILED;
}

enum connector_step sap_errors_argument(struct op *op, struct slice pointer,
                                        struct slice message)
{
    struct fault_detail *detail = arena_alloc(op->arena, sizeof *detail);

    *detail = (struct fault_detail){.pointer = pointer, .message = message};
    op->fault = (struct fault){
        .err = ERR_INVALID_ARGUMENTS, .details = detail, .detail_count = 1};
    return CONNECTOR_FAILED;
}
