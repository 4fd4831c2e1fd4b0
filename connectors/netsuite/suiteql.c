/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a compiled SuiteQL method: arguments in, one POST out; rows in, records out.
 */
#include "connectors/netsuite/suiteql.h"

#include "base/buf.h"
#include "base/jwriter.h"
#include "base/timefmt.h"
#include "connectors/netsuite/errors.h"
#include "connectors/netsuite/hosts.h"
#include "connectors/netsuite/paging.h"
#include "connectors/netsuite/suiteql_private.h"

#define QUERY_BYTES_MAX ((size_t)128 * 1024)
#define BODY_BYTES_MAX ((size_t)512 * 1024)
#define ID_DIGITS_MAX 18
#define DECIMAL_DIGITS_MAX 40

/* ---- One argument's value ---- */

static bool is_digits(struct slice text, size_t max)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
    }
    return text.len > 0 && text.len <= max;
}

/* -?digits[.digits]: what TO_NUMBER reads whatever the session's number format is. */
static bool is_decimal(struct slice text)
{
    struct slice whole =
        text.len > 0 && text.ptr[0] == '-' ? slice_from(text, 1) : text;
    ptrdiff_t point = slice_find(whole, '.');

    if (text.len > DECIMAL_DIGITS_MAX) {
        return false;
    }
    if (point < 0) {
        return is_digits(whole, DECIMAL_DIGITS_MAX);
    }
    return is_digits(slice_of(whole.ptr, (size_t)point), DECIMAL_DIGITS_MAX) &&
           is_digits(slice_from(whole, (size_t)point + 1), DECIMAL_DIGITS_MAX);
}

/* %text% in which every character of the text stands for itself (ESCAPE '\'). */
static struct slice like_pattern(struct arena *arena, struct slice text)
{
    char *out = arena_array(arena, text.len + 1, 2);
    size_t len = 0;

    out[len++] = '%';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%' || c == '_' || c == '\\') {
            out[len++] = '\\';
        }
        out[len++] = c;
    }
    out[len++] = '%';
    return slice_of(out, len);
}

/* NULL and `param` set, or why the value cannot be bound. */
static const char *bind_value(struct arena *arena, enum suiteql_bind bind,
                              const struct jval *value, struct slice *param)
{
    bool number = value->type == JVAL_NUMBER;
    struct slice text = value->text;

    if (value->type != JVAL_STRING &&
        !(number && (bind == SUITEQL_BIND_ID || bind == SUITEQL_BIND_DECIMAL))) {
        return "This has to be text.";
    }
    *param = text;
    switch (bind) {
    case SUITEQL_BIND_ID:
        return is_digits(text, ID_DIGITS_MAX) ? NULL : "An id is 1 to 18 digits.";
    case SUITEQL_BIND_DATE:
        return timefmt_is_date(text) ? NULL
                                     : "A date is YYYY-MM-DD, a day that exists.";
    case SUITEQL_BIND_DECIMAL:
        return is_decimal(text) ? NULL
                                : "An amount is a decimal such as 1250.00, without "
                                  "exponent and separators.";
    case SUITEQL_BIND_LIKE:
        *param = like_pattern(arena, text);
        return NULL;
    case SUITEQL_BIND_TEXT:
        return NULL;
    }
    return "This cannot be bound.";
}

/* ---- The query ---- */

struct query {
    struct buf text;     /* "q" */
    struct buf body;     /* the JSON around it */
    struct jwriter json; /* into body, inside "params" once one is written */
    size_t params, conditions;
};

static void add_condition(struct query *query, const struct suiteql_plan *plan,
                          struct slice sql)
{
    bool first = query->conditions++ == 0 && !plan->has_where;

    buf_printf(&query->text, "%s(%.*s)", first ? " WHERE " : " AND ", SLICE_ARG(sql));
}

static const struct suiteql_choice *choose(const struct suiteql_filter *filter,
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

static void add_params(struct query *query, struct slice param, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        if (query->params++ == 0) {
            jwriter_object(&query->json);
            jwriter_key(&query->json, SLICE("params"));
            jwriter_array(&query->json);
        }
        jwriter_string(&query->json, param);
    }
}

/* False: op->fault says which argument. */
static bool add_filter(struct op *op, const struct suiteql_plan *plan,
                       const struct suiteql_filter *filter, struct query *query)
{
    const struct jval *value = jval_member(
        filter->place == ARGUMENT_PATH ? op->path : op->query, filter->argument);
    struct slice param;

    if (value == NULL) {
        return true;
    }
    if (filter->choice_count > 0) {
        const struct suiteql_choice *choice = choose(filter, value);
        if (choice == NULL) {
            errors_argument(op, filter->argument, SLICE("There is no such choice."));
            return false;
        }
        add_condition(query, plan, choice->sql);
        return true;
    }
    const char *fault = bind_value(op->arena, filter->bind, value, &param);
    if (fault != NULL) {
        errors_argument(op, filter->argument, slice_str(fault));
        return false;
    }
    add_condition(query, plan, filter->sql);
    add_params(query, param, filter->times);
    return true;
}

/* {"params":[...],"q":"..."}: the values first, because the text is complete only at
 * the end. */
static void finish_body(struct query *query, const struct suiteql_plan *plan)
{
    if (plan->order_by.len > 0) {
        buf_printf(&query->text, " ORDER BY %.*s", SLICE_ARG(plan->order_by));
    }
    if (query->params > 0) {
        jwriter_array_end(&query->json);
    } else {
        jwriter_object(&query->json);
    }
    jwriter_key(&query->json, SLICE("q"));
    jwriter_string(&query->json, buf_slice(&query->text));
    jwriter_object_end(&query->json);
}

static bool write_body(struct op *op, const struct suiteql_plan *plan,
                       struct slice *body)
{
    struct query query = {.params = 0};
    bool fits = true;

    buf_init(&query.text, QUERY_BYTES_MAX);
    buf_init(&query.body, BODY_BYTES_MAX);
    jwriter_init(&query.json, &query.body);
    buf_append(&query.text, plan->head);
    for (size_t i = 0; fits && i < plan->filter_count; i++) {
        fits = add_filter(op, plan, &plan->filters[i], &query);
    }
    if (fits) {
        finish_body(&query, plan);
        fits = !buf_full(&query.text) && !buf_full(&query.body);
        if (fits) {
            *body = arena_slice(op->arena, buf_slice(&query.body));
        } else {
            op->fault = (struct fault){
                .err = ERR_TOO_LARGE,
                .message = SLICE("The arguments are too long for one SuiteQL query."),
                .hint = SLICE("Shorten the text arguments.")};
        }
    }
    buf_free(&query.text);
    buf_free(&query.body);
    return fits;
}

void suiteql_write_request(struct op *op, const struct paging_window *window,
                           struct slice body)
{
    static const struct op_field fields[] = {
        {{"Accept", 6}, {"application/json", 16}},
        {{"Content-Type", 12}, {"application/json", 16}},
        /* Without it NetSuite refuses every query. */
        {{"Prefer", 6}, {"transient", 9}},
    };
    const struct hosts *hosts = op->target->private_data;

    op->request = (struct op_request){
        .method = SLICE("POST"),
        .url = arena_printf(op->arena,
                            "%.*s/services/rest/query/v1/suiteql?limit=%zu&offset=%zu",
                            SLICE_ARG(hosts->suitetalk), window->limit, window->offset),
        .fields = fields,
        .field_count = sizeof fields / sizeof fields[0],
        .body = body,
        .has_body = true,
    };
}

enum connector_step suiteql_begin(struct op *op, const struct suiteql_plan *plan)
{
    struct paging_window *window = arena_alloc(op->arena, sizeof *window);
    struct slice body;
    size_t row;

    if (!paging_parse(op->page, &row)) {
        return errors_argument(op, SLICE("next_cursor"),
                               SLICE("This is not a cursor of this list."));
    }
    if (row >= PAGING_OFFSET_END) {
        op->fault = (struct fault){
            .err = ERR_TOO_LARGE,
            .message = SLICE("NetSuite gives at most 100,000 rows of one query."),
            .hint = SLICE("Start again with a narrower filter, such as a date range.")};
        return CONNECTOR_FAILED;
    }
    *window = paging_window(row, op->limit > 0 ? op->limit : plan->rows);
    if (!write_body(op, plan, &body)) {
        return CONNECTOR_FAILED;
    }
    suiteql_write_request(op, window, body);
    op->private_data = window;
    return CONNECTOR_SEND;
}

/* ---- The answer ---- */

static bool are_rows(const struct jval *items)
{
    if (!jval_is(items, JVAL_ARRAY)) {
        return false;
    }
    for (size_t i = 0; i < items->count; i++) {
        if (items->items[i].type != JVAL_OBJECT) {
            return false;
        }
    }
    return true;
}

static const struct jval *some_of(struct arena *arena, const struct jval *items,
                                  size_t from, size_t count)
{
    struct jval *records = jval_new_array(arena, count);

    for (size_t i = 0; i < count; i++) {
        jval_push(arena, records, &items->items[from + i]);
    }
    return records;
}

const struct jval *suiteql_read_rows(struct op *op, const struct op_response *response,
                                     bool *has_more)
{
    const struct jval *answer = errors_read_answer(op, response);

    if (answer == NULL) {
        return NULL;
    }
    const struct jval *items = jval_get(answer, "items");
    const struct jval *more = jval_get(answer, "hasMore");
    if (!are_rows(items) || (!jval_is(more, JVAL_TRUE) && !jval_is(more, JVAL_FALSE))) {
        errors_malformed(op, response,
                         SLICE("The ERP's answer to a query has no rows in it."));
        return NULL;
    }
    *has_more = more->type == JVAL_TRUE;
    return items;
}

enum connector_step suiteql_on_response(struct op *op, const struct suiteql_plan *plan,
                                        const struct op_response *response)
{
    const struct paging_window *window = op->private_data;
    bool has_more = false;
    size_t taken, next;
    const struct jval *items = suiteql_read_rows(op, response, &has_more);

    if (items == NULL) {
        return CONNECTOR_FAILED;
    }
    bool more = paging_next(window, items->count, has_more, &taken, &next);
    if (plan->one && taken == 0) {
        op->fault = (struct fault){.err = ERR_NOT_FOUND};
        return CONNECTOR_FAILED;
    }
    if (more && op->limit == 0 && !plan->one && !plan->sample) {
        op->fault = (struct fault){
            .err = ERR_TOO_LARGE,
            .message = SLICE("The query has more rows than this tool returns."),
            .hint = SLICE("Narrow the filters.")};
        return CONNECTOR_FAILED;
    }
    op->result.records = some_of(op->arena, items, window->skip, taken);
    op->result.next_page =
        more && op->limit > 0 ? paging_text(op->arena, next) : SLICE_EMPTY;
    return CONNECTOR_DONE;
}

enum connector_step suiteql_begin_for(struct op *op, struct op *query,
                                      const struct suiteql_plan *plan)
{
    enum connector_step step = suiteql_begin(query, plan);

    op->request = query->request;
    op->fault = query->fault;
    return step;
}

enum connector_step suiteql_on_response_for(struct op *op, struct op *query,
                                            const struct suiteql_plan *plan,
                                            const struct op_response *response)
{
    enum connector_step step = suiteql_on_response(query, plan, response);

    if (step != CONNECTOR_DONE) {
        op->fault = query->fault;
        op->rate_limited = query->rate_limited;
        op->retry_after_s = query->retry_after_s;
    }
    return step;
}
