/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SuiteTalk SOAP (Oracle help "Token-Based Authentication Details", "SOAP Fault Status
 * Codes", "get", "getServerTime", "getDataCenterUrls"). Record errors come inside a 200,
 * everything else is a fault with status 500.
 */
#include "mocks/netsuite/soap.h"

#include <stdio.h>

#include "mocks/netsuite/answers.h"
#include "mocks/netsuite/dates.h"
#include "mocks/netsuite/hosts.h"
#include "mocks/netsuite/record_types.h"
#include "mocks/netsuite/soap_read.h"

#define MAX_SQL ((size_t)64 * 1024)
#define NS(kind) "urn:" kind "_%s.platform.webservices.netsuite.com"

bool is_soap(struct http_exchange *x)
{
    char version[7];
    return soap_version(exchange_request(x)->path, version);
}

bool soap_is_discovery(struct http_exchange *x)
{
    return is_soap(x) && slice_is(soap_action(x), "getDataCenterUrls");
}

/* ---- envelopes ---- */

static void xml_text(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '<' || c == '>' || c == '&' || c == '"') {
            buf_printf(out, "&#%d;", c);
        } else if ((unsigned char)c >= ' ') {
            buf_append_byte(out, c);
        }
    }
}

static void begin(struct response *response, int status)
{
    response_plain(response, status, "text/xml; charset=utf-8", SLICE_EMPTY);
    buf_append(&response->body,
               SLICE("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope "
                     "xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" "
                     "xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" "
                     "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"));
}

static void end(struct response *response)
{
    buf_append(&response->body, SLICE("</soapenv:Body></soapenv:Envelope>\n"));
}

/* `element` NULL: the fault has no code of NetSuite's. */
static void fault(struct http_exchange *x, struct response *response, int status,
                  const char *element, const char *code, struct slice message)
{
    char version[7] = "2025_2";
    struct buf *out = &response->body;
    (void)soap_version(exchange_request(x)->path, version);
    begin(response, status);
    buf_append(out, SLICE("<soapenv:Body><soapenv:Fault><faultcode>"
                          "soapenv:Server.userException</faultcode><faultstring>"));
    xml_text(out, message);
    buf_append(out, SLICE("</faultstring><detail>"));
    if (element != NULL) {
        buf_printf(out,
                   "<platformFaults:%s xmlns:platformFaults=\"" NS(
                       "faults") "\"><platformFaults:code>%s</platformFaults:code>"
                                 "<platformFaults:message>",
                   element, version, code);
        xml_text(out, message);
        buf_printf(out, "</platformFaults:message></platformFaults:%s>", element);
    }
    buf_append(out, SLICE("<ns1:hostname xmlns:ns1=\"http://xml.apache.org/axis/\">"
                          "mock-netsuite</ns1:hostname></detail></soapenv:Fault>"));
    end(response);
}

static void fault_of_reading(struct http_exchange *x, enum soap_fault found,
                             struct response *response)
{
    static const char *const messages[] = {
        [SOAP_FINE] = "",
        [SOAP_NO_ACTION] = "no SOAPAction header!",
        [SOAP_NOT_XML] = ("org.xml.sax.SAXParseException: the request is not "
                          "well-formed XML without a document type, of at most 1 MiB."),
        [SOAP_NO_ENVELOPE] = "The request is not a SOAP 1.1 envelope with a body.",
    };
    if (found == SOAP_WRONG_VERSION) {
        fault(
            x, response, 500, "invalidVersionFault", "INVALID_WS_VERSION",
            SLICE("The namespace of the operation is not of the endpoint's version."));
        return;
    }
    fault(x, response, 500, NULL, NULL, slice_str(messages[found]));
}

static void start_answer(const struct soap_call *call, const char *account_id,
                         struct response *response)
{
    struct buf *out = &response->body;
    begin(response, 200);
    buf_printf(out,
               "<soapenv:Header><platformMsgs:documentInfo xmlns:platformMsgs=\"" NS(
                   "messages") "\"><platformMsgs:nsId>WEBSERVICES_%s</"
                               "platformMsgs:nsId></platformMsgs:documentInfo>"
                               "</soapenv:Header><soapenv:Body>",
               call->version, account_id);
}

/* ---- login ---- */

static void refuse(struct http_exchange *x, struct response *response,
                   const char *sentence)
{
    fault(x, response, 500, "invalidCredentialsFault", "USER_ERROR",
          slice_str(sentence));
}

static const char *verify(struct netsuite *netsuite, struct http_exchange *x,
                          const struct soap_call *call)
{
    enum audit_reason reason = AUDIT_OK;
    const char *account_id =
        oauth_verify_passport(netsuite->oauth, x, &call->token, &reason);
    if (account_id != NULL && !host_is_for(x, account_id)) {
        netsuite->audit.counts[AUDIT_AccountMismatch]++;
        return NULL;
    }
    return account_id;
}

const char *soap_login(struct netsuite *netsuite, struct http_exchange *x,
                       struct response *response)
{
    struct soap_call call;
    enum soap_fault found = soap_read(x, &call);
    const char *account_id = NULL;
    if (found != SOAP_FINE) {
        fault_of_reading(x, found, response);
    } else if (call.passport == PASSPORT_NONE) {
        fault(x, response, 500, "invalidSessionFault", "SESSION_TIMED_OUT",
              SLICE("Your connection has timed out.  Please log in again."));
    } else if (call.passport == PASSPORT_INCOMPLETE) {
        netsuite->audit.counts[AUDIT_MissingTokenPassportRequiredFields]++;
        refuse(x, response,
               "The request could not be understood by the server due to malformed "
               "syntax.");
    } else if (call.passport == PASSPORT_AMBIGUOUS) {
        refuse(x, response, "Ambiguous authentication");
    } else {
        account_id =
            call.passport == PASSPORT_TOKEN ? verify(netsuite, x, &call) : NULL;
        if (account_id == NULL) {
            refuse(x, response, "Invalid login attempt.");
        }
    }
    return account_id;
}

void soap_fail(struct http_exchange *x, int status, struct response *response)
{
    if (status == 401) {
        refuse(x, response, "Invalid login attempt.");
    } else if (status == 403) {
        fault(x, response, 500, "insufficientPermissionFault",
              "INSUFFICIENT_PERMISSION",
              SLICE("Permission Violation: You need a higher level of permission to "
                    "access this page."));
    } else if (status == 429) {
        fault(x, response, 500, "exceededConcurrentRequestLimitFault",
              "WS_REQUEST_BLOCKED",
              SLICE("SuiteTalk concurrent request limit exceeded. Request blocked."));
    } else {
        fault(x, response, status, "unexpectedErrorFault", "UNEXPECTED_ERROR",
              SLICE("An unexpected error occurred."));
    }
}

/* ---- operations ---- */

#define CORE " xmlns:platformCore=\"" NS("core") "\""
#define MESSAGES " xmlns=\"" NS("messages") "\""
#define SUCCESS "<platformCore:status isSuccess=\"true\"/>"

struct operation {
    struct netsuite *netsuite;
    struct http_exchange *x;
    const struct soap_call *call;
    struct buf *out;
};

static void status_error(struct buf *out, const char *code, const char *message)
{
    buf_printf(out,
               "<platformCore:status isSuccess=\"false\"><platformCore:statusDetail "
               "type=\"ERROR\"><platformCore:code>%s</platformCore:code>"
               "<platformCore:message>%s</platformCore:message>"
               "</platformCore:statusDetail></platformCore:status>",
               code, message);
}

static void get_server_time(struct operation *op)
{
    const char *version = op->call->version;
    int64_t now_ms = oauth_now_ms(op->netsuite->oauth);
    struct moment moment = {now_ms / 86400000, (int32_t)(now_ms / 1000 % 86400)};
    char text[DATES_TEXT_BYTES];
    REQUIRE(dates_to_char(moment, SLICE("YYYY-MM-DDTHH24:MI:SS"), text, sizeof text));
    buf_printf(op->out,
               "<getServerTimeResponse" MESSAGES
               "><platformCore:getServerTimeResult" CORE ">" SUCCESS
               "<platformCore:serverTime>%s.%03dZ</platformCore:serverTime>"
               "</platformCore:getServerTimeResult></getServerTimeResponse>",
               version, version, text, (int)(now_ms % 1000));
}

static bool account_known(const struct netsuite *netsuite, struct slice account_id)
{
    LIST_FOREACH (node, &netsuite->engine.gate.lanes) {
        const struct gate_lane *lane = LIST_ENTRY(node, struct gate_lane, node);
        if (slice_is(account_id, lane->name)) {
            return true;
        }
    }
    return false;
}

/* All families of hosts are here. */
static void get_data_center_urls(struct operation *op)
{
    const char *version = op->call->version;
    struct slice origin = answer_origin(op->x);
    struct buf *out = op->out;
    buf_printf(out,
               "<getDataCenterUrlsResponse" MESSAGES
               "><platformCore:getDataCenterUrlsResult" CORE ">",
               version, version);
    if (account_known(op->netsuite, op->call->account)) {
        static const char *const names[] = {"restDomain", "webservicesDomain",
                                            "systemDomain"};
        buf_append(out, SLICE(SUCCESS "<platformCore:dataCenterUrls>"));
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            buf_printf(out, "<platformCore:%s>", names[i]);
            xml_text(out, origin);
            buf_printf(out, "</platformCore:%s>", names[i]);
        }
        buf_append(out, SLICE("</platformCore:dataCenterUrls>"));
    } else {
        status_error(out, "INVALID_ACCT", "The account is not valid.");
    }
    buf_append(out, SLICE("</platformCore:getDataCenterUrlsResult>"
                          "</getDataCenterUrlsResponse>"));
}

/* Fields that mean the same in both interfaces. */
static void put_field(struct buf *out, const struct record_field *field,
                      struct slice value, struct slice display)
{
    if (value.len == 0 || slice_is(slice_str(field->name), "externalId")) {
        return;
    }
    if (field->kind == RECORD_REF) {
        buf_printf(out, "<listRel:%s internalId=\"", field->name);
        xml_text(out, value);
        buf_append(out, SLICE("\"><platformCore:name>"));
        xml_text(out, display);
        buf_printf(out, "</platformCore:name></listRel:%s>", field->name);
    } else if (field->kind == RECORD_TEXT || field->kind == RECORD_BOOL) {
        bool text = field->kind == RECORD_TEXT;
        buf_printf(out, "<listRel:%s>", field->name);
        xml_text(out, text                   ? value
                      : slice_is(value, "T") ? SLICE("true")
                                             : SLICE("false"));
        buf_printf(out, "</listRel:%s>", field->name);
    }
}

static struct slice column(sqlite3_stmt *stmt, int at)
{
    const unsigned char *text = sqlite3_column_text(stmt, at);
    return slice_of((const char *)text, (size_t)sqlite3_column_bytes(stmt, at));
}

/* NULL: the type has no external ids. */
static sqlite3_stmt *find_record(struct operation *op, const struct record_type *type)
{
    bool external = op->call->id.len == 0;
    struct slice key = external ? op->call->eid : op->call->id;
    if (external && type->externalid == NULL) {
        return NULL;
    }
    struct buf sql;
    buf_init(&sql, MAX_SQL);
    buf_append(&sql, SLICE("SELECT "));
    for (size_t i = 0; i < type->field_count; i++) {
        const struct record_field *field = &type->fields[i];
        buf_printf(&sql, "%s, %s, ", field->value,
                   field->display != NULL ? field->display : "NULL");
    }
    buf_printf(&sql, "r.id, %s FROM %s WHERE %s AND %s = ?1",
               type->externalid != NULL ? type->externalid : "NULL", type->source,
               type->where, external ? type->externalid : "r.id");
    REQUIRE(!buf_full(&sql));
    sqlite3_stmt *stmt = database_statement(op->netsuite->database, buf_slice(&sql));
    buf_free(&sql);
    sqlite3_bind_text(stmt, 1, key.ptr, (int)key.len, SQLITE_TRANSIENT);
    return stmt;
}

static void put_record(struct operation *op, const struct record_type *type,
                       sqlite3_stmt *stmt)
{
    struct buf *out = op->out;
    int last = (int)type->field_count * 2;
    bool customer = slice_is(slice_str(type->name), "customer");
    buf_append(out, SLICE(SUCCESS "<record internalId=\""));
    xml_text(out, column(stmt, last));
    if (column(stmt, last + 1).len > 0) {
        buf_append(out, SLICE("\" externalId=\""));
        xml_text(out, column(stmt, last + 1));
    }
    buf_printf(out,
               "\" xsi:type=\"listRel:%s\" "
               "xmlns:listRel=\"urn:relationships_%s.lists.webservices.netsuite.com\">",
               customer ? "Customer" : "Vendor", op->call->version);
    for (int i = 0; i < (int)type->field_count; i++) {
        put_field(out, &type->fields[i], column(stmt, i * 2), column(stmt, i * 2 + 1));
    }
    buf_append(out, SLICE("</record>"));
}

static void get(struct operation *op)
{
    const char *version = op->call->version;
    const struct record_type *type = record_type_find(op->call->type);
    sqlite3_stmt *stmt = type == NULL ? NULL : find_record(op, type);
    buf_printf(op->out, "<getResponse" MESSAGES "><readResponse" CORE ">", version,
               version);
    if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) {
        put_record(op, type, stmt);
    } else {
        status_error(op->out, "RCRD_DSNT_EXIST", "That record does not exist.");
    }
    if (stmt != NULL) {
        sqlite3_reset(stmt);
    }
    buf_append(op->out, SLICE("</readResponse></getResponse>"));
}

/* Customers, vendors and what else people search for; enough of them to page. */
static const struct saved_search {
    const char *type, *id, *script, *name;
} saved_searches[] = {
    {"transaction", "21", "customsearch_open_invoices", "Open invoices > 30 days"},
    {"transaction", "22", "customsearch_unapproved_bills", "Bills awaiting approval"},
    {"transaction", "37", "customsearch_month_end", "Month end & accruals"},
    {"customer", "40", "customsearch_credit_hold", "Customers on credit hold"},
};

static bool search_type_allowed(struct slice type)
{
    static const char *const types[] = {"transaction", "customer", "vendor", "account",
                                        "employee",    "item",     "job",    "contact"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (slice_is(type, types[i])) {
            return true;
        }
    }
    return false;
}

static void get_saved_search(struct operation *op)
{
    const char *version = op->call->version;
    size_t count = 0;
    for (size_t i = 0; i < sizeof saved_searches / sizeof *saved_searches; i++) {
        count += slice_is(op->call->search_type, saved_searches[i].type) ? 1 : 0;
    }
    buf_printf(op->out,
               "<getSavedSearchResponse" MESSAGES
               "><platformCore:getSavedSearchResult" CORE ">" SUCCESS
               "<platformCore:totalRecords>%zu</platformCore:totalRecords>"
               "<platformCore:recordRefList>",
               version, version, count);
    for (size_t i = 0; i < sizeof saved_searches / sizeof *saved_searches; i++) {
        const struct saved_search *search = &saved_searches[i];
        if (!slice_is(op->call->search_type, search->type)) {
            continue;
        }
        buf_printf(op->out,
                   "<platformCore:recordRef internalId=\"%s\" scriptId=\"%s\" "
                   "xsi:type=\"platformCore:CustomizationRef\"><platformCore:name>",
                   search->id, search->script);
        xml_text(op->out, slice_str(search->name));
        buf_append(op->out, SLICE("</platformCore:name></platformCore:recordRef>"));
    }
    buf_append(op->out,
               SLICE("</platformCore:recordRefList></platformCore:getSavedSearchResult>"
                     "</getSavedSearchResponse>"));
}

static const struct {
    const char *name;
    void (*run)(struct operation *op);
} operations[] = {
    {"getServerTime", get_server_time},
    {"getDataCenterUrls", get_data_center_urls},
    {"get", get},
    {"getSavedSearch", get_saved_search},
};

static bool type_allowed(struct slice type)
{
    return slice_is(type, "customer") || slice_is(type, "vendor");
}

static void run(struct operation *op, size_t at, struct response *response)
{
    const struct soap_call *call = op->call;
    if (operations[at].run == get && !type_allowed(call->type)) {
        fault(op->x, response, 500, NULL, NULL,
              arena_printf(exchange_arena(op->x),
                           "org.xml.sax.SAXException: %.*s is not a legal value for "
                           "RecordType (the mock has customer and vendor)",
                           SLICE_ARG(call->type)));
        return;
    }
    if (operations[at].run == get_saved_search &&
        !search_type_allowed(call->search_type)) {
        fault(op->x, response, 500, NULL, NULL,
              arena_printf(exchange_arena(op->x),
                           "org.xml.sax.SAXException: %.*s is not a legal value for "
                           "SearchRecordType",
                           SLICE_ARG(call->search_type)));
        return;
    }
    start_answer(call, op->netsuite->account_id, response);
    operations[at].run(op);
    end(response);
}

void soap_answer(struct netsuite *netsuite, struct http_exchange *x,
                 struct response *response)
{
    struct soap_call call;
    struct operation op = {netsuite, x, &call, &response->body};
    enum soap_fault found = soap_read(x, &call);
    if (found != SOAP_FINE) {
        fault_of_reading(x, found, response);
        return;
    }
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (slice_is(call.operation, operations[i].name) &&
            slice_eq(call.operation, soap_action(x))) {
            run(&op, i, response);
            return;
        }
    }
    fault(x, response, 500, NULL, NULL,
          arena_printf(exchange_arena(x), "No such operation '%.*s'",
                       SLICE_ARG(call.operation)));
}
