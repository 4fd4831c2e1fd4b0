/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SuiteQL over REST: checks of the request, translation (sql.h), a count and one page,
 * rows as NetSuite prints them: all values text, names sorted, NULLs left out.
 */
#include "mocks/netsuite/suiteql.h"

#include <stdlib.h>

#include "mocks/common/json_in.h"
#include "mocks/common/json_out.h"
#include "mocks/netsuite/answers.h"
#include "mocks/netsuite/dates.h"
#include "mocks/netsuite/paging.h"
#include "mocks/netsuite/sql.h"

struct query {
    struct database *database;
    struct http_exchange *x;
    struct response *response;
    struct paging paging;
    json_t *body;
    const json_t *params;
    struct sql_plan plan;
    size_t *order; /* outputs sorted by name, each name once */
    size_t order_count;
    long long total;
};

static bool refuse(struct query *query, int status, const char *code,
                   struct slice detail, const char *member, const char *value)
{
    struct answer_detail error = {code, detail, member, slice_str(value)};
    answer_error(query->response, status, &error);
    return false;
}

static bool refuse_search(struct query *query, const char *why)
{
    struct slice detail =
        arena_printf(exchange_arena(query->x),
                     "Invalid search query. Detailed unprocessed description follows. "
                     "Search error occurred: %s",
                     why);
    return refuse(query, 400, "INVALID_PARAMETER", detail, "o:errorQueryParam", "q");
}

static bool check_request(struct query *query)
{
    struct slice type = exchange_header(query->x, "content-type");
    if (!slice_is(exchange_request(query->x)->method, "POST")) {
        return refuse(query, 405, "INVALID_METHOD",
                      SLICE("Method not allowed. Use POST to run a SuiteQL query."),
                      NULL, NULL);
    }
    if (type.len < 16 ||
        !slice_eq_nocase(slice_of(type.ptr, 16), SLICE("application/json"))) {
        return refuse(query, 415, "INVALID_CONTENT_TYPE",
                      SLICE("Invalid content type. Use application/json."),
                      "o:errorHeader", "Content-Type");
    }
    if (!slice_eq_nocase(exchange_header(query->x, "prefer"), SLICE("transient"))) {
        return refuse(
            query, 400, "INVALID_HEADER",
            SLICE("The required request header 'Prefer' is missing or invalid. "
                  "Provide the value 'transient'."),
            "o:errorHeader", "Prefer");
    }
    return paging_read(query->x, query->response, &query->paging);
}

static bool read_body(struct query *query)
{
    struct slice why = SLICE_EMPTY;
    query->body =
        json_in_parse(exchange_arena(query->x), exchange_request(query->x)->body, &why);
    if (!json_is_object(query->body)) {
        return refuse(
            query, 400, "INVALID_REQUEST",
            SLICE("Invalid content in the request body. Provide a JSON object."), NULL,
            NULL);
    }
    query->params = json_object_get(query->body, "params");
    if (query->params != NULL && !json_is_array(query->params)) {
        return refuse(query, 400, "INVALID_CONTENT",
                      SLICE("Invalid content in the request body: params is no array."),
                      "o:errorPath", "params");
    }
    if (json_in_text(query->body, "q").len == 0) {
        return refuse(query, 400, "INVALID_CONTENT",
                      SLICE("Invalid content in the request body: q is missing."),
                      "o:errorPath", "q");
    }
    return true;
}

static bool translate(struct query *query, struct slice today)
{
    struct slice why = SLICE_EMPTY;
    struct arena *arena = exchange_arena(query->x);
    if (!sql_translate(arena, json_in_text(query->body, "q"), today, &query->plan,
                       &why)) {
        return refuse_search(query, arena_copy(arena, why));
    }
    if ((int)json_array_size(query->params) != query->plan.params) {
        return refuse_search(query, "The number of params differs from the number of "
                                    "question marks.");
    }
    return true;
}

/* ---- running ---- */

/* To Oracle an empty text is NULL. */
static bool bind_param(sqlite3_stmt *stmt, int place, const json_t *value)
{
    if (json_is_string(value) && json_string_length(value) > 0) {
        return sqlite3_bind_text(stmt, place, json_string_value(value),
                                 (int)json_string_length(value),
                                 SQLITE_TRANSIENT) == SQLITE_OK;
    }
    if (json_is_integer(value)) {
        return sqlite3_bind_int64(stmt, place, json_integer_value(value)) == SQLITE_OK;
    }
    if (json_is_boolean(value)) {
        return sqlite3_bind_text(stmt, place, json_is_true(value) ? "T" : "F", 1,
                                 SQLITE_STATIC) == SQLITE_OK;
    }
    return json_is_null(value) || json_is_string(value);
}

/* The count may use fewer of the params than the rows do: what it lacks is skipped. */
static bool bind_params(struct query *query, sqlite3_stmt *stmt)
{
    int places = sqlite3_bind_parameter_count(stmt);
    for (int i = 0; i < query->plan.params && i < places; i++) {
        if (!bind_param(stmt, i + 1, json_array_get(query->params, (size_t)i))) {
            return refuse_search(query, "A param is no text, number or boolean.");
        }
    }
    return true;
}

static sqlite3_stmt *prepare(struct query *query, struct slice sql)
{
    const char *why = NULL;
    sqlite3_stmt *stmt = database_prepare_query(query->database, sql, &why);
    if (stmt == NULL) {
        (void)refuse_search(query,
                            arena_copy(exchange_arena(query->x), slice_str(why)));
        return NULL;
    }
    if (!bind_params(query, stmt)) {
        sqlite3_finalize(stmt);
        return NULL;
    }
    return stmt;
}

static bool failed(struct query *query)
{
    sqlite3 *db = database_handle(query->database);
    const char *why = sqlite3_errcode(db) == SQLITE_INTERRUPT
                          ? "Your search has timed out."
                          : sqlite3_errmsg(db);
    return refuse_search(query, arena_copy(exchange_arena(query->x), slice_str(why)));
}

static bool count_rows(struct query *query)
{
    sqlite3_stmt *stmt = prepare(query, query->plan.count);
    if (stmt == NULL) {
        return false;
    }
    bool ok = sqlite3_step(stmt) == SQLITE_ROW;
    if (ok) {
        query->total = sqlite3_column_int64(stmt, 0);
        long long most = query->plan.fetch_first;
        query->total = most >= 0 && most < query->total ? most : query->total;
    } else {
        (void)failed(query);
    }
    sqlite3_finalize(stmt);
    return ok;
}

/* ---- printing ---- */

static void sort_outputs(struct query *query)
{
    const struct sql_output *outputs = query->plan.outputs;
    query->order = arena_array(exchange_arena(query->x), query->plan.output_count + 1,
                               sizeof *query->order);
    for (size_t i = 0; i < query->plan.output_count; i++) {
        size_t at = 0;
        while (at < query->order_count &&
               slice_cmp(outputs[query->order[at]].name, outputs[i].name) < 0) {
            at++;
        }
        bool again = at < query->order_count &&
                     slice_eq(outputs[query->order[at]].name, outputs[i].name);
        if (again) {
            query->order[at] = i; /* of two columns with one name the last is shown */
            continue;
        }
        memmove(query->order + at + 1, query->order + at,
                (query->order_count - at) * sizeof *query->order);
        query->order[at] = i;
        query->order_count++;
    }
}

static void print_value(struct buf *out, enum schema_type type, struct slice text)
{
    struct moment moment;
    char date[DATES_TEXT_BYTES];
    bool is_date = type == TYPE_DATE || type == TYPE_TIME;
    if (is_date && dates_parse(text, &moment)) {
        int length = dates_format_account(moment, date);
        json_out_string(out, slice_of(date, (size_t)length));
        return;
    }
    json_out_string(out, text);
}

static void print_row(struct query *query, sqlite3_stmt *stmt)
{
    struct buf *out = &query->response->body;
    buf_append(out, SLICE("{\"links\":[]"));
    for (size_t i = 0; i < query->order_count; i++) {
        size_t column = query->order[i];
        const struct sql_output *output = &query->plan.outputs[column];
        const unsigned char *text = sqlite3_column_text(stmt, (int)column);
        int length = sqlite3_column_bytes(stmt, (int)column);
        if (text == NULL || length == 0) {
            continue; /* NULL, or an empty text, which to Oracle is NULL */
        }
        buf_append_byte(out, ',');
        json_out_string(out, output->name);
        buf_append_byte(out, ':');
        print_value(out, output->type, slice_of((const char *)text, (size_t)length));
    }
    buf_append_byte(out, '}');
}

/* A REAL would mean that a number left exact arithmetic: it is refused, never printed.
 */
static bool has_real(const struct query *query, sqlite3_stmt *stmt)
{
    for (size_t i = 0; i < query->plan.output_count; i++) {
        if (sqlite3_column_type(stmt, (int)i) == SQLITE_FLOAT) {
            return true;
        }
    }
    return false;
}

static bool print_rows(struct query *query, sqlite3_stmt *stmt, long long *count)
{
    int rc = sqlite3_step(stmt);
    for (; rc == SQLITE_ROW; rc = sqlite3_step(stmt)) {
        if (has_real(query, stmt)) {
            return refuse_search(query, "Numeric overflow");
        }
        buf_append(&query->response->body, *count > 0 ? SLICE(",") : SLICE_EMPTY);
        print_row(query, stmt);
        (*count)++;
    }
    return rc == SQLITE_DONE || failed(query);
}

static long long page_rows(const struct query *query)
{
    long long left = query->total - query->paging.offset;
    left = left < 0 ? 0 : left;
    return left < query->paging.limit ? left : query->paging.limit;
}

static void answer_page(struct query *query, sqlite3_stmt *stmt)
{
    struct response *response = query->response;
    long long rows = page_rows(query);
    long long count = 0;
    sqlite3_bind_int64(stmt, query->plan.params + 1, rows);
    sqlite3_bind_int64(stmt, query->plan.params + 2, query->paging.offset);
    answer_start(response, 200, "collection");
    response_field(response, "preference-applied", "transient");
    struct slice links = paging_links(query->x, &query->paging, query->total, "POST");
    bool more = query->paging.offset + rows < query->total;
    buf_printf(&response->body,
               "{\"links\":%.*s,\"count\":%lld,\"hasMore\":%s,\"items\":[",
               SLICE_ARG(links), rows, more ? "true" : "false");
    if (print_rows(query, stmt, &count)) {
        buf_printf(&response->body, "],\"offset\":%lld,\"totalResults\":%lld}",
                   query->paging.offset, query->total);
    }
}

static void run(struct query *query)
{
    sqlite3_stmt *stmt = prepare(query, query->plan.rows);
    if (stmt == NULL) {
        return;
    }
    sort_outputs(query);
    answer_page(query, stmt);
    sqlite3_finalize(stmt);
}

void suiteql_answer(struct database *database, struct slice today,
                    struct http_exchange *x, struct response *response)
{
    struct query query = {.database = database, .x = x, .response = response};
    if (check_request(&query) && read_body(&query) && translate(&query, today) &&
        count_rows(&query)) {
        run(&query);
    }
    json_decref(query.body);
}
