/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as OData V2 JSON: decimals and dates as text, never through a double. */
#include "mocks/sap/query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "mocks/common/json_out.h"
#include "mocks/common/percent.h"
#include "mocks/sap/answers.h"
#include "mocks/sap/filter.h"

#define PAGE_CAP 100 /* the server's own pages */
#define CODE_OPTION "005056A509B11EE1B9A8FEC11C23378E"
#define CODE_LITERAL "005056A509B11EE1B9A8FEC11C21578E"

/* ---- Query options ---- */

struct options {
    struct slice filter, select, expand, order_by;
    long top, skip, token; /* -1: not given */
    bool count;
};

static bool set_option(struct options *options, struct slice name, struct slice value)
{
    unsigned long long number = 0;
    long *place = slice_is(name, "$top")         ? &options->top
                  : slice_is(name, "$skip")      ? &options->skip
                  : slice_is(name, "$skiptoken") ? &options->token
                                                 : NULL;
    if (place != NULL) {
        bool ok = slice_to_u64(value, &number) && number <= 1000000;
        *place = (long)number;
        return ok;
    }
    struct slice *text = slice_is(name, "$filter")    ? &options->filter
                         : slice_is(name, "$select")  ? &options->select
                         : slice_is(name, "$expand")  ? &options->expand
                         : slice_is(name, "$orderby") ? &options->order_by
                                                      : NULL;
    if (text != NULL) {
        *text = value;
        return true;
    }
    if (slice_is(name, "$inlinecount")) {
        options->count = slice_is(value, "allpages");
        return options->count || slice_is(value, "none");
    }
    return slice_is(name, "$format") ? slice_is(value, "json")
                                     : name.len > 0 && name.ptr[0] != '$';
}

static bool read_options(const struct reading *reading, struct options *out,
                         struct response *response)
{
    struct slice rest = reading->query;
    *out = (struct options){.top = -1, .skip = -1, .token = -1};
    while (rest.len > 0) {
        ptrdiff_t end = slice_find(rest, '&');
        struct slice pair = end < 0 ? rest : slice_of(rest.ptr, (size_t)end);
        rest = end < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)end + 1);
        ptrdiff_t equals = slice_find(pair, '=');
        size_t name_len = equals < 0 ? pair.len : (size_t)equals;
        struct slice name =
            percent_decode(reading->arena, slice_of(pair.ptr, name_len), PLUS_IS_SPACE);
        struct slice value = percent_decode(
            reading->arena, slice_from(pair, name_len + 1), PLUS_IS_SPACE);
        if (!set_option(out, name, value)) {
            answer_error(
                response, 400, CODE_OPTION,
                SLICE("The Data Services Request contains invalid system query "
                      "options."));
            return false;
        }
    }
    return true;
}

static bool list_has(struct slice list, const char *name)
{
    while (list.len > 0) {
        ptrdiff_t end = slice_find(list, ',');
        struct slice item =
            slice_trim(end < 0 ? list : slice_of(list.ptr, (size_t)end));
        list = end < 0 ? SLICE_EMPTY : slice_from(list, (size_t)end + 1);
        if (slice_is(item, name)) {
            return true;
        }
    }
    return false;
}

static const struct entity_set *target_of(const struct reading *reading,
                                          const struct navigation *navigation)
{
    return model_set(reading->service, slice_str(navigation->target));
}

/* Every item of $select and $expand must exist: "F", "to_X", "to_X/F". */
static bool check_list(const struct reading *reading, struct slice list, bool expand,
                       struct response *response)
{
    while (list.len > 0) {
        ptrdiff_t end = slice_find(list, ',');
        struct slice item =
            slice_trim(end < 0 ? list : slice_of(list.ptr, (size_t)end));
        list = end < 0 ? SLICE_EMPTY : slice_from(list, (size_t)end + 1);
        ptrdiff_t slash = slice_find(item, '/');
        struct slice head = slash < 0 ? item : slice_of(item.ptr, (size_t)slash);
        const struct navigation *navigation = model_navigation(reading->set, head);
        bool ok = navigation != NULL ||
                  (!expand && slash < 0 && model_property(reading->set, head) != NULL);
        if (ok && slash >= 0) {
            ok = !expand && model_property(target_of(reading, navigation),
                                           slice_from(item, (size_t)slash + 1)) != NULL;
        }
        if (!ok) {
            answer_error(
                response, 400, CODE_LITERAL,
                arena_printf(reading->arena,
                             "Resource not found for segment '%.*s' of type '%s'",
                             (int)(item.len < 60 ? item.len : 60), item.ptr,
                             reading->set->type));
            return false;
        }
    }
    return true;
}

/* ---- Rows ---- */

static sqlite3_stmt *prepare(sqlite3 *db, const struct buf *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql->ptr, (int)sql->len, &stmt, NULL) != SQLITE_OK) {
        fprintf(stderr, "mock-sap: %s\n", sqlite3_errmsg(db));
        abort();
    }
    return stmt;
}

static void bind_all(sqlite3_stmt *stmt, const struct clause *clause)
{
    for (int i = 0; clause != NULL && i < clause->bind_count; i++) {
        sqlite3_bind_text(stmt, i + 1, clause->binds[i].ptr, (int)clause->binds[i].len,
                          SQLITE_TRANSIENT);
    }
}

static long long epoch_ms(sqlite3 *db, const char *day)
{
    sqlite3_stmt *stmt = NULL;
    REQUIRE(sqlite3_prepare_v2(db, "SELECT strftime('%s', ?1)", -1, &stmt, NULL) ==
            SQLITE_OK);
    sqlite3_bind_text(stmt, 1, day, -1, SQLITE_TRANSIENT);
    REQUIRE(sqlite3_step(stmt) == SQLITE_ROW);
    long long seconds = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return seconds * 1000;
}

static void write_value(sqlite3 *db, const struct property *property, const char *text,
                        struct buf *out)
{
    if (text == NULL && property->type != EDM_STRING) {
        buf_append(out, SLICE("null"));
    } else if (property->type == EDM_BOOLEAN) {
        buf_append(out, *text == '1' ? SLICE("true") : SLICE("false"));
    } else if (property->type == EDM_DATE) {
        buf_printf(out, "\"/Date(%lld)/\"", epoch_ms(db, text));
    } else {
        json_out_string(out, slice_str(text));
    }
}

static void write_uri(const struct reading *reading, const struct entity_set *set,
                      sqlite3_stmt *stmt, struct buf *out)
{
    const char *comma = "";
    buf_printf(out, "%.*s/%s(", SLICE_ARG(reading->base), set->name);
    for (size_t i = 0; i < set->property_count; i++) {
        if (set->properties[i].traits & TRAIT_KEY) {
            buf_printf(out, "%s%s='%s'", comma, set->properties[i].name,
                       (const char *)sqlite3_column_text(stmt, (int)i));
            comma = ",";
        }
    }
    buf_append_byte(out, ')');
}

static void write_children(const struct reading *reading,
                           const struct navigation *navigation,
                           const struct options *options, sqlite3_stmt *parent,
                           struct buf *out);

/* Columns of the statement are the set's properties in their order. */
static void write_entity(const struct reading *reading, const struct entity_set *set,
                         const struct options *options, const char *prefix,
                         sqlite3_stmt *stmt, struct buf *out)
{
    buf_append(out, SLICE("{\"__metadata\":{\"id\":\""));
    write_uri(reading, set, stmt, out);
    buf_append(out, SLICE("\",\"uri\":\""));
    write_uri(reading, set, stmt, out);
    buf_printf(out, "\",\"type\":\"%s.%s\"}", reading->service->name, set->type);
    for (size_t i = 0; i < set->property_count; i++) {
        struct slice name =
            arena_printf(reading->arena, "%s%s", prefix, set->properties[i].name);
        struct slice whole =
            slice_of(prefix, strlen(prefix) > 0 ? strlen(prefix) - 1 : 0);
        bool chosen = options->select.len == 0 || list_has(options->select, name.ptr) ||
                      (whole.len > 0 &&
                       list_has(options->select, arena_copy(reading->arena, whole)));
        if (chosen) {
            buf_printf(out, ",\"%s\":", set->properties[i].name);
            write_value(reading->db, &set->properties[i],
                        (const char *)sqlite3_column_text(stmt, (int)i), out);
        }
    }
    for (size_t i = 0; i < set->navigation_count; i++) {
        const struct navigation *navigation = &set->navigations[i];
        bool wanted =
            options->select.len == 0 || list_has(options->expand, navigation->name);
        if (!wanted) {
            continue;
        }
        buf_printf(out, ",\"%s\":", navigation->name);
        if (list_has(options->expand, navigation->name)) {
            write_children(reading, navigation, options, stmt, out);
        } else {
            buf_append(out, SLICE("{\"__deferred\":{\"uri\":\""));
            write_uri(reading, set, stmt, out);
            buf_printf(out, "/%s\"}}", navigation->name);
        }
    }
    buf_append_byte(out, '}');
}

static void select_from(const struct entity_set *set, struct buf *sql)
{
    buf_append(sql, SLICE("SELECT "));
    for (size_t i = 0; i < set->property_count; i++) {
        buf_printf(sql, "%s\"%s\"", i > 0 ? "," : "", set->properties[i].name);
    }
    buf_printf(sql, " FROM \"%s\"", set->name);
}

static void order_by_keys(const struct entity_set *set, struct buf *sql)
{
    const char *comma = "";
    for (size_t i = 0; i < set->property_count; i++) {
        if (set->properties[i].traits & TRAIT_KEY) {
            buf_printf(sql, "%slength(\"%s\"),\"%s\"", comma, set->properties[i].name,
                       set->properties[i].name);
            comma = ",";
        }
    }
}

static void write_children(const struct reading *reading,
                           const struct navigation *navigation,
                           const struct options *options, sqlite3_stmt *parent,
                           struct buf *out)
{
    const struct entity_set *target = target_of(reading, navigation);
    struct buf sql;
    int bound = 0;
    buf_init(&sql, 16 * 1024);
    select_from(target, &sql);
    for (size_t i = 0; i < reading->set->property_count; i++) {
        if (reading->set->properties[i].traits & TRAIT_KEY) {
            buf_printf(&sql, " %s \"%s\" = ?%d", bound > 0 ? "AND" : "WHERE",
                       reading->set->properties[i].name, bound + 1);
            bound++;
        }
    }
    buf_append(&sql, SLICE(" ORDER BY "));
    order_by_keys(target, &sql);
    sqlite3_stmt *stmt = prepare(reading->db, &sql);
    bound = 0;
    for (size_t i = 0; i < reading->set->property_count; i++) {
        if (reading->set->properties[i].traits & TRAIT_KEY) {
            sqlite3_bind_text(stmt, ++bound,
                              (const char *)sqlite3_column_text(parent, (int)i), -1,
                              SQLITE_TRANSIENT);
        }
    }
    struct slice prefix = arena_printf(reading->arena, "%s/", navigation->name);
    struct options inner = *options;
    inner.expand = SLICE_EMPTY;
    buf_append(out, SLICE("{\"results\":["));
    for (int n = 0; sqlite3_step(stmt) == SQLITE_ROW; n++) {
        if (n > 0) {
            buf_append_byte(out, ',');
        }
        write_entity(reading, target, &inner, prefix.ptr, stmt, out);
    }
    buf_append(out, SLICE("]}"));
    sqlite3_finalize(stmt);
    buf_free(&sql);
}

/* ---- Lists ---- */

static bool order_by(const struct reading *reading, struct slice list, struct buf *sql,
                     struct response *response)
{
    while (list.len > 0) {
        ptrdiff_t end = slice_find(list, ',');
        struct slice item =
            slice_trim(end < 0 ? list : slice_of(list.ptr, (size_t)end));
        list = end < 0 ? SLICE_EMPTY : slice_from(list, (size_t)end + 1);
        ptrdiff_t blank = slice_find(item, ' ');
        struct slice name = blank < 0 ? item : slice_of(item.ptr, (size_t)blank);
        struct slice way =
            blank < 0 ? SLICE("asc") : slice_trim(slice_from(item, (size_t)blank));
        const struct property *property = model_property(reading->set, name);
        if (property == NULL || (!slice_is(way, "asc") && !slice_is(way, "desc"))) {
            answer_error(response, 400, CODE_LITERAL, SLICE("Malformed $orderby"));
            return false;
        }
        buf_printf(sql, "\"%s\" %.*s,", property->name, SLICE_ARG(way));
    }
    order_by_keys(reading->set, sql);
    return true;
}

static bool where(const struct reading *reading, const struct options *options,
                  const struct clause *scope, struct clause *out,
                  struct response *response)
{
    clause_init(out);
    buf_append(&out->sql, SLICE(" WHERE 1"));
    if (scope != NULL) {
        memcpy(out->binds, scope->binds, sizeof out->binds);
        out->bind_count = scope->bind_count;
        buf_append(&out->sql, SLICE(" AND "));
        buf_append(&out->sql, buf_slice(&scope->sql));
    }
    if (options->filter.len == 0) {
        return true;
    }
    buf_append(&out->sql, SLICE(" AND "));
    if (filter_parse(out, reading->set, options->filter, reading->arena)) {
        return true;
    }
    answer_error(response, 400, CODE_LITERAL, out->problem);
    return false;
}

static long long count_rows(const struct reading *reading, const struct clause *clause)
{
    struct buf sql;
    buf_init(&sql, 256 * 1024);
    buf_printf(&sql, "SELECT COUNT(*) FROM \"%s\"", reading->set->name);
    buf_append(&sql, buf_slice(&clause->sql));
    sqlite3_stmt *stmt = prepare(reading->db, &sql);
    bind_all(stmt, clause);
    REQUIRE(sqlite3_step(stmt) == SQLITE_ROW);
    long long count = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    buf_free(&sql);
    return count;
}

/* Where this answer starts and how much of it the client and the server let through. */
struct window {
    long from, rows;
    bool capped; /* the server's page ends before what was asked for */
};

static struct window window_of(const struct options *options, long long total)
{
    long skip = options->skip > 0 ? options->skip : 0;
    long asked = options->top >= 0 ? options->top : 1000000000;
    long done = options->token > 0 ? options->token : 0;
    struct window window = {skip + done, asked - done, false};
    window.rows = window.rows > 0 ? window.rows : 0;
    if (window.rows > PAGE_CAP) {
        window.rows = PAGE_CAP;
        window.capped = window.from + PAGE_CAP < total && done + PAGE_CAP < asked;
    }
    return window;
}

static void write_next(const struct reading *reading, const struct options *options,
                       struct buf *out)
{
    long done = (options->token > 0 ? options->token : 0) + PAGE_CAP;
    struct slice kept = reading->query;
    for (size_t i = 0; i + 11 < kept.len; i++) {
        if (memcmp(kept.ptr + i, "$skiptoken=", 11) == 0 && i > 0) {
            kept.len = i - 1;
            break;
        }
    }
    struct slice next = arena_printf(reading->arena, "%.*s/%s?%.*s%s$skiptoken=%ld",
                                     SLICE_ARG(reading->base), reading->set->name,
                                     SLICE_ARG(kept), kept.len > 0 ? "&" : "", done);
    buf_append(out, SLICE(",\"__next\":"));
    json_out_string(out, next);
}

static void write_list(const struct reading *reading, const struct options *options,
                       const struct clause *clause, const struct buf *sql,
                       struct response *response)
{
    struct buf *out = &response->body;
    long long total = count_rows(reading, clause);
    struct window window = window_of(options, total);
    struct buf paged;
    buf_init(&paged, 512 * 1024);
    buf_append(&paged, buf_slice(sql));
    buf_printf(&paged, " LIMIT %ld OFFSET %ld", window.rows, window.from);
    sqlite3_stmt *stmt = prepare(reading->db, &paged);
    bind_all(stmt, clause);
    response_reset(response, 200);
    response_field(response, "content-type", "application/json;charset=utf-8");
    response_field(response, "dataserviceversion", "2.0");
    buf_append(out, SLICE("{\"d\":{"));
    if (options->count) {
        buf_printf(out, "\"__count\":\"%lld\",", total);
    }
    buf_append(out, SLICE("\"results\":["));
    for (int n = 0; sqlite3_step(stmt) == SQLITE_ROW; n++) {
        if (n > 0) {
            buf_append_byte(out, ',');
        }
        write_entity(reading, reading->set, options, "", stmt, out);
    }
    buf_append_byte(out, ']');
    if (window.capped) {
        write_next(reading, options, out);
    }
    buf_append(out, SLICE("}}"));
    sqlite3_finalize(stmt);
    buf_free(&paged);
}

void query_list(const struct reading *reading, const struct clause *scope,
                struct response *response)
{
    struct options options;
    struct clause clause;
    struct buf sql;
    if (!read_options(reading, &options, response) ||
        !check_list(reading, options.select, false, response) ||
        !check_list(reading, options.expand, true, response)) {
        return;
    }
    buf_init(&sql, 512 * 1024);
    if (where(reading, &options, scope, &clause, response)) {
        select_from(reading->set, &sql);
        buf_append(&sql, buf_slice(&clause.sql));
        buf_append(&sql, SLICE(" ORDER BY "));
        if (order_by(reading, options.order_by, &sql, response)) {
            write_list(reading, &options, &clause, &sql, response);
        }
    }
    clause_free(&clause);
    buf_free(&sql);
}

void query_count(const struct reading *reading, struct response *response)
{
    struct options options;
    struct clause clause;
    if (!read_options(reading, &options, response)) {
        return;
    }
    if (where(reading, &options, NULL, &clause, response)) {
        char text[24];
        snprintf(text, sizeof text, "%lld", count_rows(reading, &clause));
        response_plain(response, 200, "text/plain;charset=utf-8", slice_str(text));
    }
    clause_free(&clause);
}

/* ---- One ---- */

static bool write_one(const struct reading *reading, const struct clause *key,
                      const struct options *options, struct buf *out)
{
    struct buf sql;
    buf_init(&sql, 64 * 1024);
    select_from(reading->set, &sql);
    buf_append(&sql, SLICE(" WHERE "));
    buf_append(&sql, buf_slice(&key->sql));
    sqlite3_stmt *stmt = prepare(reading->db, &sql);
    bind_all(stmt, key);
    bool found = sqlite3_step(stmt) == SQLITE_ROW;
    if (found) {
        buf_append(out, SLICE("{\"d\":"));
        write_entity(reading, reading->set, options, "", stmt, out);
        buf_append(out, SLICE("}"));
    }
    sqlite3_finalize(stmt);
    buf_free(&sql);
    return found;
}

void query_one(const struct reading *reading, const struct clause *key,
               struct response *response)
{
    struct options options;
    if (!read_options(reading, &options, response) ||
        !check_list(reading, options.select, false, response) ||
        !check_list(reading, options.expand, true, response)) {
        return;
    }
    response_reset(response, 200);
    response_field(response, "content-type", "application/json;charset=utf-8");
    response_field(response, "dataserviceversion", "2.0");
    if (!write_one(reading, key, &options, &response->body)) {
        answer_error(response, 404, "/IWBEP/CM_MGW_RT/020",
                     arena_printf(reading->arena, "Resource not found for segment '%s'",
                                  reading->set->type));
    }
}

bool query_entity(const struct reading *reading, const struct clause *key,
                  const char *expand, struct buf *out)
{
    struct options options = {.expand = slice_str(expand)};
    return write_one(reading, key, &options, out);
}
