/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NetSuite reports trouble in several shapes (REST error bodies with details, a code
 * beside them, RESTlet errors, HTML pages of whatever stands in front). All of them are
 * brought to a code and a message here; the catalog's rules then say which of our words
 * that is.
 *
 * Upstream text is payload: it goes into the fault, for the caller, and nowhere else.
 */
#include "connectors/netsuite/errors.h"

#include "base/buf.h"
#include "base/text.h"
#include "catalog/catalog.h"

#define MESSAGE_MAX 500
#define CODE_MAX 100
#define REQUEST_ID_MAX 128
#define DETAILS_MAX 8
/* Of all messages in a row, before they are cut. */
#define JOINED_MAX ((size_t)(DETAILS_MAX + 1) * (MESSAGE_MAX + CODE_MAX + 8))
#define RETRY_AFTER_MAX_S 3600

/* One thing NetSuite complained about. */
struct complaint {
    struct slice code, message;
};

struct complaints {
    struct complaint list[DETAILS_MAX + 1];
    size_t count;
    int status; /* of the body, where it has one; else of the answer */
};

static struct slice response_field(const struct op_response *response, const char *name)
{
    for (size_t i = 0; i < response->field_count; i++) {
        if (slice_is(response->fields[i].name, name)) {
            return slice_trim(response->fields[i].value);
        }
    }
    return SLICE_EMPTY;
}

/* application/json and every application/...+json, whatever parameters follow. */
static bool is_json(const struct op_response *response)
{
    struct slice type = response_field(response, "content-type");
    ptrdiff_t end = slice_find(type, ';');

    type = slice_trim(slice_of(type.ptr, end < 0 ? type.len : (size_t)end));
    if (slice_eq_nocase(type, SLICE("application/json"))) {
        return true;
    }
    struct slice prefix = SLICE("application/"), suffix = SLICE("+json");
    return type.len > prefix.len + suffix.len &&
           slice_eq_nocase(slice_of(type.ptr, prefix.len), prefix) &&
           slice_eq_nocase(slice_from(type, type.len - suffix.len), suffix);
}

/* ---- The shapes of error bodies ---- */

/* "You have entered an Invalid Field Value 9 [item.items[0].item]": where, if it is
 * said. */
static struct slice detail_message(struct arena *arena, const struct jval *detail)
{
    static const char *const places[] = {"o:errorPath", "o:errorQueryParam",
                                         "o:errorHeader", "o:errorUrl"};
    struct slice message =
        text_clean(arena, jval_text(jval_get(detail, "detail")), MESSAGE_MAX);

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct slice place = jval_text(jval_get(detail, places[i]));
        if (place.len > 0) {
            place = text_clean(arena, place, CODE_MAX);
            return arena_printf(arena, "%.*s [%.*s]", SLICE_ARG(message),
                                SLICE_ARG(place));
        }
    }
    return message;
}

static void add_complaint(struct complaints *complaints, struct arena *arena,
                          struct slice code, struct slice message)
{
    if (complaints->count < DETAILS_MAX + 1 && (code.len > 0 || message.len > 0)) {
        complaints->list[complaints->count++] = (struct complaint){
            .code = text_clean(arena, code, CODE_MAX), .message = message};
    }
}

/*
 * {"title","status","o:errorDetails":[{"detail","o:errorCode"}],"o:errorCode"?} of REST
 * and
 * {"error":{"code","message"}} of RESTlets. The details come before the code beside
 * them: the latter says only USER_ERROR where the former names the concurrency limit.
 */
static void read_complaints(struct complaints *complaints, struct arena *arena,
                            const struct jval *body)
{
    const struct jval *details = jval_get(body, "o:errorDetails");
    const struct jval *error = jval_get(body, "error");
    long long status;

    for (size_t i = 0;
         jval_is(details, JVAL_ARRAY) && i < details->count && i < DETAILS_MAX; i++) {
        const struct jval *detail = &details->items[i];
        add_complaint(complaints, arena, jval_text(jval_get(detail, "o:errorCode")),
                      detail_message(arena, detail));
    }
    if (error != NULL) {
        add_complaint(
            complaints, arena, jval_text(jval_get(error, "code")),
            text_clean(arena, jval_text(jval_get(error, "message")), MESSAGE_MAX));
    }
    if (details != NULL || jval_get(body, "o:errorCode") != NULL) {
        /* The title adds nothing where a detail has spoken. */
        struct slice title =
            complaints->count > 0
                ? SLICE_EMPTY
                : text_clean(arena, jval_text(jval_get(body, "title")), MESSAGE_MAX);
        add_complaint(complaints, arena, jval_text(jval_get(body, "o:errorCode")),
                      title);
        if (jval_int64(jval_get(body, "status"), &status) && status >= 400 &&
            status <= 599) {
            complaints->status = (int)status;
        }
    }
}

/* ---- What it means ---- */

static enum err default_of(int status)
{
    return status >= 500 ? ERR_UPSTREAM_UNAVAILABLE : ERR_VALIDATION_FAILED;
}

/* The first complaint that a rule knows decides; without one, the status does. */
static enum err classify(const struct op *op, const struct complaints *complaints,
                         size_t *chosen, struct slice *hint)
{
    for (size_t i = 0; i < complaints->count; i++) {
        const struct complaint *complaint = &complaints->list[i];
        *hint = SLICE_EMPTY;
        enum err err = catalog_classify(op->integration, complaints->status,
                                        complaint->code, complaint->message, hint);
        if (err != default_of(complaints->status) || hint->len > 0) {
            *chosen = i;
            return err;
        }
    }
    *chosen = 0;
    *hint = SLICE_EMPTY;
    return catalog_classify(
        op->integration, complaints->status,
        complaints->count > 0 ? complaints->list[0].code : SLICE_EMPTY,
        complaints->count > 0 ? complaints->list[0].message : SLICE_EMPTY, hint);
}

/* All messages in order: an order refused for two lines names both. */
static struct slice join_messages(struct arena *arena,
                                  const struct complaints *complaints)
{
    struct buf text;

    buf_init(&text, JOINED_MAX);
    for (size_t i = 0; i < complaints->count; i++) {
        if (complaints->list[i].message.len > 0) {
            buf_append(&text, text.len > 0 ? SLICE("; ") : SLICE_EMPTY);
            buf_append(&text, complaints->list[i].message);
        }
    }
    struct slice joined = text_clean(arena, buf_slice(&text), MESSAGE_MAX);
    buf_free(&text);
    return joined;
}

static void note_upstream(struct op *op, const struct op_response *response)
{
    struct slice id = response_field(response, "x-netsuite-jobid");

    if (id.len == 0) {
        id = response_field(response, "x-n-operationid");
    }
    op->fault.upstream.status = response->status;
    op->fault.upstream.request_id = text_visible(op->arena, id, REQUEST_ID_MAX);
}

static void note_load(struct op *op, const struct op_response *response)
{
    unsigned long long seconds;

    op->rate_limited = true;
    /* Whole seconds only; NetSuite itself sends none, what stands in front of it may.
     */
    if (slice_to_u64(response_field(response, "retry-after"), &seconds)) {
        op->retry_after_s =
            seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : (long)seconds;
        op->fault.retry_after_s = op->retry_after_s;
    }
}

static void fail_by_rules(struct op *op, const struct op_response *response,
                          const struct complaints *complaints, bool readable)
{
    size_t chosen;
    struct slice hint;
    enum err err = classify(op, complaints, &chosen, &hint);

    if (!readable && err == ERR_VALIDATION_FAILED) {
        /* A page that no rule knows says nothing about the content we sent. */
        errors_malformed(op, response,
                         SLICE("The ERP refused the request with something that is not "
                               "its error format."));
        op->fault.hint = SLICE("Check the account's base_urls: this address may not be "
                               "NetSuite's REST service.");
        return;
    }
    op->fault = (struct fault){.err = err, .hint = hint};
    note_upstream(op, response);
    if (complaints->count > 0) {
        op->fault.upstream.code = complaints->list[chosen].code;
        op->fault.upstream.message = join_messages(op->arena, complaints);
    }
    if (err == ERR_RATE_LIMITED) {
        note_load(op, response);
    }
}

const struct jval *errors_read_answer(struct op *op, const struct op_response *response)
{
    struct complaints complaints = {.status = response->status};
    struct jval *body = NULL;
    bool success = response->status >= 200 && response->status <= 299;
    bool parsed = is_json(response) &&
                  jval_parse(op->arena, response->body, &body, NULL) == ERR_OK;

    if (parsed) {
        read_complaints(&complaints, op->arena, body);
    }
    if (success && parsed && complaints.count == 0) {
        return body;
    }
    if (success && complaints.count > 0 && complaints.status == response->status) {
        complaints.status =
            400; /* an error inside a 200 that names no status of its own */
    }
    if (response->status >= 400 || complaints.count > 0) {
        fail_by_rules(op, response, &complaints, parsed);
    } else if (!success) {
        errors_malformed(op, response, SLICE("The ERP answered with a redirect."));
        op->fault.hint = SLICE("The account id or its base_urls point to another data "
                               "centre; take the hosts from Setup > Company > Company "
                               "Information > Company URLs.");
    } else {
        errors_malformed(op, response,
                         is_json(response)
                             ? SLICE("The ERP's answer is not valid JSON.")
                             : SLICE("The ERP answered with something else than JSON, "
                                     "such as a page for people."));
    }
    return NULL;
}

enum connector_step errors_soap(struct op *op, const struct op_response *response,
                                const struct errors_soap *said)
{
    struct complaints complaints = {.status = response->status};

    if (response->status < 400) {
        complaints.status = 400; /* an error of a record, inside a 200 */
    }
    if (said != NULL) {
        add_complaint(&complaints, op->arena, said->code,
                      text_clean(op->arena, said->message, MESSAGE_MAX));
        add_complaint(&complaints, op->arena, said->fault, SLICE_EMPTY);
    }
    fail_by_rules(op, response, &complaints, said != NULL);
    return CONNECTOR_FAILED;
}

enum connector_step errors_malformed(struct op *op, const struct op_response *response,
                                     struct slice message)
{
    op->fault = (struct fault){.err = ERR_UPSTREAM_MALFORMED, .message = message};
    note_upstream(op, response);
    return CONNECTOR_FAILED;
}

enum connector_step errors_argument(struct op *op, struct slice argument,
                                    struct slice message)
{
    struct fault_detail *detail = arena_alloc(op->arena, sizeof *detail);

    *detail = (struct fault_detail){
        .pointer = arena_printf(op->arena, "/%.*s", SLICE_ARG(argument)),
        .message = message};
    op->fault = (struct fault){
        .err = ERR_INVALID_ARGUMENTS, .details = detail, .detail_count = 1};
    return CONNECTOR_FAILED;
}
