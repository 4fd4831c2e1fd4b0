/* SPDX-License-Identifier: Apache-2.0 */
/* The session of an account, and how a write goes through it. See csrf.h for the rules. */
#include "connectors/sap/csrf.h"

#include <stdlib.h>

#include "base/buf.h"
#include "connectors/sap/errors.h"
#include "connectors/sap/odata.h"

#define TOKEN_BYTES_MAX 1024
#define COOKIES_BYTES_MAX ((size_t)16 * 1024)
#define COOKIES_MAX 32

struct op_session {
    struct buf token;   /* empty: none, or one that SAP refused */
    struct buf cookies; /* the whole Cookie field of the token's session */
    unsigned long version;
    unsigned long login_faults;
    unsigned long overdue_fetches;
    const struct op *fetcher;
};

struct op_session *sap_session_new(void)
{
    struct op_session *session = calloc(1, sizeof *session);

    REQUIRE(session != NULL);
    buf_init(&session->token, TOKEN_BYTES_MAX);
    buf_init(&session->cookies, COOKIES_BYTES_MAX);
    return session;
}

void sap_session_free(struct op_session *session)
{
    if (session == NULL) {
        return;
    }
    buf_free(&session->token);
    buf_free(&session->cookies);
    free(session);
}

/* ---- Cookies ---- */

static bool is_cookie_byte(char c)
{
    return c > 0x20 && c < 0x7f && c != ';' && c != ',';
}

static bool is_cookie(struct slice pair)
{
    ptrdiff_t equals = slice_find(pair, '=');

    for (size_t i = 0; i < pair.len; i++) {
        if (!is_cookie_byte(pair.ptr[i])) {
            return false;
        }
    }
    return equals > 0;
}

/* A server takes a cookie back by an end in the past. */
static bool is_taken_back(struct slice attributes)
{
    return slice_contains_nocase(attributes, SLICE("max-age=0")) ||
           slice_contains_nocase(attributes, SLICE("1970"));
}

static struct slice name_of(struct slice pair)
{
    return slice_of(pair.ptr, (size_t)slice_find(pair, '='));
}

/* "a=b; Path=/; Secure": the pair, or nothing. Where it goes is no question: a session
 * has one origin. */
static struct slice read_cookie(struct slice field)
{
    ptrdiff_t end = slice_find(field, ';');
    struct slice pair = slice_trim(end < 0 ? field : slice_of(field.ptr, (size_t)end));
    struct slice attributes = end < 0 ? SLICE_EMPTY : slice_from(field, (size_t)end);

    return is_cookie(pair) && !is_taken_back(attributes) ? pair : SLICE_EMPTY;
}

/* The last of a name counts. */
static size_t add_cookie(struct slice *jar, size_t count, struct slice pair)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(name_of(jar[i]), name_of(pair))) {
            jar[i] = pair;
            return count;
        }
    }
    if (count == COOKIES_MAX) {
        return count;
    }
    jar[count] = pair;
    return count + 1;
}

static void keep_cookies(struct op_session *session, const struct op_response *response)
{
    struct slice jar[COOKIES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < response->field_count; i++) {
        const struct op_field *field = &response->fields[i];
        struct slice pair = slice_is(field->name, "set-cookie")
                                ? read_cookie(field->value)
                                : SLICE_EMPTY;
        if (pair.len > 0) {
            count = add_cookie(jar, count, pair);
        }
    }
    buf_clear(&session->cookies);
    for (size_t i = 0; i < count; i++) {
        /* A cookie that has no room is left out whole. */
        if (session->cookies.len + jar[i].len + 2 <= COOKIES_BYTES_MAX) {
            buf_append(&session->cookies, i > 0 ? SLICE("; ") : SLICE_EMPTY);
            buf_append(&session->cookies, jar[i]);
        }
    }
}

/* ---- Tokens ---- */

static bool is_token(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] <= 0x20 || value.ptr[i] >= 0x7f) {
            return false;
        }
    }
    return value.len > 0 && value.len <= TOKEN_BYTES_MAX &&
           !slice_eq_nocase(value, SLICE("Required")) &&
           !slice_eq_nocase(value, SLICE("Fetch"));
}

static bool is_csrf_refusal(const struct op_response *response)
{
    return response->status == 403 &&
           slice_eq_nocase(sap_response_field(response, "x-csrf-token"),
                           SLICE("Required"));
}

/* ---- The way of a write ---- */

static enum connector_step send_write(struct op *op, const struct sap_plan *plan)
{
    struct sap_run *run = op->private_data;
    const struct op_session *session = op->session;

    sap_request(op, "POST", sap_url(op, plan->path));
    sap_request_field(op, "Content-Type", SLICE("application/json"));
    sap_request_field(op, "X-CSRF-Token",
                      arena_slice(op->arena, buf_slice(&session->token)));
    if (session->cookies.len > 0) {
        sap_request_field(op, "Cookie",
                          arena_slice(op->arena, buf_slice(&session->cookies)));
    }
    op->request.body = run->body;
    op->request.has_body = true;
    op->request.is_write = true;
    run->version = session->version;
    run->phase = SAP_WRITING;
    return CONNECTOR_SEND;
}

/* The service's root is small, and needs no right to any data. */
static enum connector_step send_fetch(struct op *op, const struct sap_plan *plan)
{
    struct sap_run *run = op->private_data;
    struct slice root = arena_printf(op->arena, "%.*s/", SLICE_ARG(plan->root));

    op->session->fetcher = op;
    sap_request(op, "GET", sap_url(op, root));
    sap_request_field(op, "X-CSRF-Token", SLICE("Fetch"));
    run->phase = SAP_FETCHING;
    return CONNECTOR_SEND;
}

enum connector_step sap_csrf_write(struct op *op, const struct sap_plan *plan)
{
    struct sap_run *run = op->private_data;
    struct op_session *session = op->session;

    REQUIRE(session != NULL);
    if (session->token.len > 0) {
        return send_write(op, plan);
    }
    if (session->fetcher != NULL && session->fetcher != op) {
        if (run->phase != SAP_PARKED) {
            run->login_faults = session->login_faults;
            run->overdue_fetches = session->overdue_fetches;
        }
        run->phase = SAP_PARKED;
        return CONNECTOR_PARK;
    }
    return send_fetch(op, plan);
}

enum connector_step sap_csrf_resume(struct op *op, const struct sap_plan *plan)
{
    const struct sap_run *run = op->private_data;

    if (op->session->login_faults != run->login_faults) {
        op->fault = (struct fault){
            .err = ERR_NEEDS_REAUTH,
            .message =
                SLICE("SAP refused the login of another call that ran at the same "
                      "time; this one was not sent."),
            .hint = SLICE("The account has to be connected again with valid "
                          "credentials.")};
        return CONNECTOR_FAILED;
    }
    if (op->session->overdue_fetches != run->overdue_fetches) {
        op->fault = (struct fault){
            .err = ERR_UPSTREAM_UNAVAILABLE,
            .message = SLICE("SAP did not answer in time when a call that ran at the "
                             "same time asked for a CSRF token; this one was not "
                             "sent.")};
        return CONNECTOR_FAILED;
    }
    return sap_csrf_write(op, plan);
}

enum connector_step sap_csrf_fetched(struct op *op, const struct sap_plan *plan,
                                     const struct op_response *response)
{
    struct op_session *session = op->session;
    struct slice token = sap_response_field(response, "x-csrf-token");

    session->fetcher = NULL;
    /* An error may carry a token all the same: a user who may not read the service's
     * root may still be allowed to write. But a refused login stays one. */
    if (is_token(token) && response->status != 401) {
        buf_clear(&session->token);
        buf_append(&session->token, token);
        keep_cookies(session, response);
        session->version++;
        return sap_csrf_write(op, plan);
    }
    if (sap_errors_read(op, response) != NULL) {
        sap_errors_malformed(op, response,
                             SLICE("SAP gave no token for a write (x-csrf-token)."));
        op->fault.hint = SLICE("Something between this server and SAP may remove the "
                               "field; the write was not sent.");
    }
    if (op->fault.err == ERR_NEEDS_REAUTH) {
        session->login_faults++;
    }
    return CONNECTOR_FAILED;
}

/* The refused token is of no use to anybody, unless a newer one is there. */
static void forget_token(struct op_session *session, unsigned long version)
{
    if (session->version == version) {
        buf_clear(&session->token);
        buf_clear(&session->cookies);
    }
}

enum connector_step sap_csrf_written(struct op *op, const struct sap_plan *plan,
                                     const struct op_response *response)
{
    struct sap_run *run = op->private_data;

    if (!is_csrf_refusal(response)) {
        return sap_write_answer(op, plan, response);
    }
    forget_token(op->session, run->version);
    if (!run->replayed) {
        run->replayed = true;
        return sap_csrf_write(op, plan);
    }
    op->request.is_write = false; /* refused, so not executed */
    (void)sap_errors_read(op, response);
    op->fault.err = ERR_PERMISSION_DENIED;
    op->fault.message =
        SLICE("SAP refused a fresh CSRF token as well; the write was not "
              "executed.");
    op->fault.hint =
        SLICE("SAP does not recognise the session that the token belongs to: "
              "look at load balancers without sticky sessions, and at "
              "proxies that drop cookies.");
    return CONNECTOR_FAILED;
}

void sap_csrf_leave(struct op *op)
{
    if (op->session != NULL && op->session->fetcher == op) {
        op->session->fetcher = NULL;
        op->session->overdue_fetches += op->overdue ? 1 : 0;
    }
}
