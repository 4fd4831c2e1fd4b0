/* SPDX-License-Identifier: Apache-2.0 */
/* The REST record service: reading, and who writes. Which member comes from where:
 * record_types.c. */
#include "mocks/netsuite/records.h"

#include "mocks/common/json_out.h"
#include "mocks/netsuite/answers.h"
#include "mocks/netsuite/dates.h"
#include "mocks/netsuite/paging.h"
#include "mocks/netsuite/record_types.h"
#include "mocks/netsuite/save.h"

#define MAX_SQL ((size_t)32 * 1024)
#define MAX_ID 200

struct read {
    struct database *database;
    struct http_exchange *x;
    struct response *response;
    const struct record_type *type;
    struct slice base; /* https://host/services/rest/record/v1 */
    int64_t id;
    bool expand;
    bool simple_enum;
    bool has_fields;
    struct slice fields;
};

static void refuse(struct read *read, int status, const char *code, struct slice detail,
                   bool with_url)
{
    struct answer_detail error = {code, detail, with_url ? "o:errorUrl" : NULL,
                                  exchange_request(read->x)->path};
    answer_error(read->response, status, &error);
}

static void refuse_unknown_id(struct read *read)
{
    if (read->type->transaction) {
        refuse(read, 400, "USER_ERROR",
               SLICE("Error while accessing a resource. Transaction type specified is "
                     "incorrect."),
               false);
        return;
    }
    refuse(
        read, 404, "NONEXISTENT_ID",
        SLICE(
            "The record instance does not exist. Provide a valid record instance ID."),
        false);
}

/* ---- members ---- */

/* Each field is two columns: its value and its display value. */
static void put_columns(struct buf *sql, const struct record_field *fields,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(sql, "%s%s, %s", i > 0 ? ", " : "", fields[i].value,
                   fields[i].display != NULL ? fields[i].display : "NULL");
    }
}

static struct slice column(sqlite3_stmt *stmt, int at)
{
    const unsigned char *text = sqlite3_column_text(stmt, at);
    return slice_of((const char *)text, (size_t)sqlite3_column_bytes(stmt, at));
}

static struct slice self_link(struct read *read, struct slice href)
{
    struct slice link = answer_link(exchange_arena(read->x), "self", href, NULL);
    return arena_printf(exchange_arena(read->x), "[%.*s]", SLICE_ARG(link));
}

static struct slice reference(struct read *read, const struct record_field *field,
                              struct slice id, struct slice name)
{
    struct arena *arena = exchange_arena(read->x);
    struct json_out *object = json_out_object(arena);
    struct slice links = SLICE("[]");
    if (field->kind == RECORD_REF) {
        links =
            self_link(read, arena_printf(arena, "%.*s/%s/%.*s", SLICE_ARG(read->base),
                                         field->target, SLICE_ARG(id)));
    }
    json_out_raw(object, SLICE("links"), links);
    json_out_text(object, SLICE("id"), id);
    if (name.len > 0) {
        json_out_text(object, SLICE("refName"), name);
    }
    return json_out_render(object);
}

static struct slice iso_time(struct read *read, struct slice text)
{
    struct moment moment;
    char out[DATES_TEXT_BYTES];
    if (!dates_parse(text, &moment) ||
        !dates_to_char(moment, SLICE("YYYY-MM-DDTHH24:MI:SS"), out, sizeof out)) {
        return text;
    }
    return arena_printf(exchange_arena(read->x), "%sZ", out);
}

static void put_member(struct read *read, struct json_out *object,
                       const struct record_field *field, struct slice value,
                       struct slice display)
{
    struct slice name = slice_str(field->name);
    bool is_enum = field->kind == RECORD_ENUM;
    if (field->kind == RECORD_NUMBER) {
        json_out_raw(object, name, value);
    } else if (field->kind == RECORD_BOOL) {
        json_out_raw(object, name,
                     slice_is(value, "T") ? SLICE("true") : SLICE("false"));
    } else if (field->kind == RECORD_TIME) {
        json_out_text(object, name, iso_time(read, value));
    } else if (field->kind == RECORD_REF || (is_enum && !read->simple_enum)) {
        json_out_raw(object, name, reference(read, field, value, display));
    } else {
        json_out_text(object, name, value);
    }
}

static bool is_wanted(const struct read *read, const char *name)
{
    struct slice rest = read->fields;
    while (read->has_fields && rest.len > 0) {
        ptrdiff_t comma = slice_find(rest, ',');
        struct slice one = comma < 0 ? rest : slice_of(rest.ptr, (size_t)comma);
        if (slice_eq_nocase(slice_trim(one), slice_str(name))) {
            return true;
        }
        rest = comma < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)comma + 1);
    }
    return !read->has_fields;
}

static void put_members(struct read *read, struct json_out *object, sqlite3_stmt *stmt,
                        const struct record_field *fields, size_t count, bool all)
{
    for (size_t i = 0; i < count; i++) {
        struct slice value = column(stmt, (int)i * 2);
        if (value.len > 0 && (all || is_wanted(read, fields[i].name))) {
            put_member(read, object, &fields[i], value, column(stmt, (int)i * 2 + 1));
        }
    }
}

/* ---- sublists ---- */

static struct slice sublist_url(struct read *read, const struct record_sublist *sublist)
{
    return arena_printf(exchange_arena(read->x), "%.*s/%s/%lld/%s",
                        SLICE_ARG(read->base), read->type->name, (long long)read->id,
                        sublist->name);
}

static sqlite3_stmt *sublist_rows(struct read *read,
                                  const struct record_sublist *sublist)
{
    struct buf sql;
    buf_init(&sql, MAX_SQL);
    buf_append(&sql, SLICE("SELECT "));
    put_columns(&sql, sublist->fields, sublist->field_count);
    buf_printf(&sql, ", %s FROM %s", sublist->line, sublist->source);
    REQUIRE(!buf_full(&sql));
    sqlite3_stmt *stmt = database_statement(read->database, buf_slice(&sql));
    buf_free(&sql);
    sqlite3_bind_int64(stmt, 1, read->id);
    return stmt;
}

static struct slice sublist_line(struct read *read,
                                 const struct record_sublist *sublist,
                                 sqlite3_stmt *stmt)
{
    struct arena *arena = exchange_arena(read->x);
    struct json_out *line = json_out_object(arena);
    struct slice number = column(stmt, (int)sublist->field_count * 2);
    struct slice href = arena_printf(
        arena, "%.*s/%.*s", SLICE_ARG(sublist_url(read, sublist)), SLICE_ARG(number));
    json_out_raw(line, SLICE("links"), self_link(read, href));
    put_members(read, line, stmt, sublist->fields, sublist->field_count, true);
    return json_out_render(line);
}

static struct slice expanded(struct read *read, const struct record_sublist *sublist)
{
    struct arena *arena = exchange_arena(read->x);
    struct json_out *object = json_out_object(arena);
    sqlite3_stmt *stmt = sublist_rows(read, sublist);
    struct buf items;
    buf_init(&items, (size_t)16 * 1024 * 1024);
    long long count = 0;
    buf_append_byte(&items, '[');
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        buf_append(&items, count++ > 0 ? SLICE(",") : SLICE_EMPTY);
        buf_append(&items, sublist_line(read, sublist, stmt));
    }
    buf_append_byte(&items, ']');
    sqlite3_reset(stmt);
    json_out_raw(object, SLICE("links"), self_link(read, sublist_url(read, sublist)));
    json_out_raw(object, SLICE("items"), buf_slice(&items));
    json_out_int(object, SLICE("totalResults"), count);
    if (count == 0) {
        json_out_int(object, SLICE("count"), 0);
        json_out_int(object, SLICE("offset"), 0);
        json_out_raw(object, SLICE("hasMore"), SLICE("false"));
    }
    buf_free(&items);
    return json_out_render(object);
}

static struct slice unexpanded(struct read *read, const struct record_sublist *sublist)
{
    struct json_out *object = json_out_object(exchange_arena(read->x));
    json_out_raw(object, SLICE("links"), self_link(read, sublist_url(read, sublist)));
    return json_out_render(object);
}

static void put_sublists(struct read *read, struct json_out *object)
{
    for (size_t i = 0; i < read->type->sublist_count; i++) {
        const struct record_sublist *sublist = &read->type->sublists[i];
        if (is_wanted(read, sublist->name)) {
            json_out_raw(object, slice_str(sublist->name),
                         read->expand ? expanded(read, sublist)
                                      : unexpanded(read, sublist));
        }
    }
}

/* ---- one record ---- */

static sqlite3_stmt *find_record(struct read *read, struct slice id)
{
    const struct record_type *type = read->type;
    bool external = slice_starts(id, SLICE("eid:"));
    if (external && type->externalid == NULL) {
        return NULL;
    }
    struct buf sql;
    buf_init(&sql, MAX_SQL);
    buf_append(&sql, SLICE("SELECT "));
    put_columns(&sql, type->fields, type->field_count);
    buf_printf(&sql, ", r.id FROM %s WHERE %s AND %s = ?1", type->source, type->where,
               external ? type->externalid : "r.id");
    REQUIRE(!buf_full(&sql));
    sqlite3_stmt *stmt = database_statement(read->database, buf_slice(&sql));
    buf_free(&sql);
    struct slice key = external ? slice_from(id, 4) : id;
    sqlite3_bind_text(stmt, 1, key.ptr, (int)key.len, SQLITE_TRANSIENT);
    return stmt;
}

static void read_one(struct read *read, struct slice id)
{
    struct arena *arena = exchange_arena(read->x);
    sqlite3_stmt *stmt = id.len <= MAX_ID ? find_record(read, id) : NULL;
    if (stmt == NULL || sqlite3_step(stmt) != SQLITE_ROW) {
        refuse_unknown_id(read);
        return;
    }
    int last = (int)read->type->field_count * 2;
    read->id = sqlite3_column_int64(stmt, last);
    struct json_out *object = json_out_object(arena);
    struct slice href = arena_printf(arena, "%.*s/%s/%lld", SLICE_ARG(read->base),
                                     read->type->name, (long long)read->id);
    json_out_raw(object, SLICE("links"), self_link(read, href));
    json_out_text(object, SLICE("id"), column(stmt, last));
    put_members(read, object, stmt, read->type->fields, read->type->field_count, false);
    sqlite3_reset(stmt);
    put_sublists(read, object);
    answer_start(read->response, 200, "singular");
    buf_append(&read->response->body, json_out_render(object));
}

static void read_sublist(struct read *read, struct slice id, struct slice name)
{
    sqlite3_stmt *stmt = id.len <= MAX_ID ? find_record(read, id) : NULL;
    if (stmt == NULL || sqlite3_step(stmt) != SQLITE_ROW) {
        refuse_unknown_id(read);
        return;
    }
    read->id = sqlite3_column_int64(stmt, (int)read->type->field_count * 2);
    sqlite3_reset(stmt);
    for (size_t i = 0; i < read->type->sublist_count; i++) {
        if (slice_is(name, read->type->sublists[i].name)) {
            answer_start(read->response, 200, "collection");
            buf_append(&read->response->body, expanded(read, &read->type->sublists[i]));
            return;
        }
    }
    refuse(read, 404, "NONEXISTENT_ID",
           arena_printf(exchange_arena(read->x), "Subresource '%.*s' does not exist.",
                        SLICE_ARG(name)),
           true);
}

/* ---- lists ---- */

static long long count_records(const struct read *read)
{
    struct buf sql;
    buf_init(&sql, MAX_SQL);
    buf_printf(&sql, "SELECT COUNT(*) FROM %s WHERE %s", read->type->source,
               read->type->where);
    sqlite3_stmt *stmt = database_statement(read->database, buf_slice(&sql));
    buf_free(&sql);
    REQUIRE(sqlite3_step(stmt) == SQLITE_ROW);
    long long count = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return count;
}

static long long put_ids(struct read *read, const struct paging *paging,
                         struct buf *out)
{
    struct buf sql;
    buf_init(&sql, MAX_SQL);
    buf_printf(&sql, "SELECT r.id FROM %s WHERE %s ORDER BY r.id LIMIT ?1 OFFSET ?2",
               read->type->source, read->type->where);
    sqlite3_stmt *stmt = database_statement(read->database, buf_slice(&sql));
    buf_free(&sql);
    sqlite3_bind_int64(stmt, 1, paging->limit);
    sqlite3_bind_int64(stmt, 2, paging->offset);
    long long count = 0;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        long long id = sqlite3_column_int64(stmt, 0);
        struct slice href = arena_printf(exchange_arena(read->x), "%.*s/%s/%lld",
                                         SLICE_ARG(read->base), read->type->name, id);
        buf_printf(out, "%s{\"links\":%.*s,\"id\":\"%lld\"}", count++ > 0 ? "," : "",
                   SLICE_ARG(self_link(read, href)), id);
    }
    sqlite3_reset(stmt);
    return count;
}

static void read_list(struct read *read)
{
    struct slice q = SLICE_EMPTY;
    struct paging paging;
    if (answer_param(read->x, "q", &q)) {
        struct answer_detail error = {"INVALID_PARAMETER",
                                      SLICE("Invalid search query. Provide a valid "
                                            "search query. (This mock does not "
                                            "filter record lists; use SuiteQL.)"),
                                      "o:errorQueryParam", SLICE("q")};
        answer_error(read->response, 400, &error);
        return;
    }
    if (!paging_read(read->x, read->response, &paging)) {
        return;
    }
    struct buf items;
    buf_init(&items, (size_t)16 * 1024 * 1024);
    long long total = count_records(read);
    long long count = put_ids(read, &paging, &items);
    struct slice links = paging_links(read->x, &paging, total, "GET");
    answer_start(read->response, 200, "collection");
    buf_printf(&read->response->body,
               "{\"links\":%.*s,\"count\":%lld,\"hasMore\":%s,\"items\":[%.*s],"
               "\"offset\":%lld,\"totalResults\":%lld}",
               SLICE_ARG(links), count,
               paging.offset + count < total ? "true" : "false",
               SLICE_ARG(buf_slice(&items)), paging.offset, total);
    buf_free(&items);
}

/* ---- entry ---- */

/* Cuts the first path segment off `rest`. */
static struct slice next_segment(struct slice *rest)
{
    ptrdiff_t slash = slice_find(*rest, '/');
    struct slice segment = slash < 0 ? *rest : slice_of(rest->ptr, (size_t)slash);
    *rest = slash < 0 ? SLICE_EMPTY : slice_from(*rest, (size_t)slash + 1);
    return segment;
}

static bool is_true(struct http_exchange *x, const char *name)
{
    struct slice value = SLICE_EMPTY;
    return answer_param(x, name, &value) && slice_eq_nocase(value, SLICE("true"));
}

/* POST on the type, PUT on eid: and an external id; false: neither. */
static bool is_write(const struct read *read, struct slice id)
{
    struct slice method = exchange_request(read->x)->method;
    struct slice prefix = SLICE("eid:");
    bool creates = slice_is(method, "POST") && id.len == 0;
    bool upserts = slice_is(method, "PUT") && slice_starts(id, prefix) &&
                   id.len > prefix.len && id.len <= MAX_ID;
    return (creates || upserts) && save_is_served(read->type);
}

/* What the path names; true when something was written. */
static bool serve(struct read *read, struct slice rest, struct slice today)
{
    struct slice id = next_segment(&rest);
    struct slice sublist = next_segment(&rest);
    if (sublist.len == 0 && is_write(read, id)) {
        return save_answer(read->database, read->type,
                           slice_from(id, id.len > 4 ? 4 : 0), today, read->base,
                           read->x, read->response);
    }
    if (!slice_is(exchange_request(read->x)->method, "GET")) {
        refuse(read, 405, "INVALID_METHOD",
               SLICE("The method is not allowed on this resource."), false);
    } else if (id.len == 0) {
        read_list(read);
    } else if (sublist.len == 0) {
        read_one(read, id);
    } else {
        read_sublist(read, id, sublist);
    }
    return false;
}

bool records_answer(struct database *database, struct slice today, struct slice rest,
                    struct http_exchange *x, struct response *response)
{
    struct read read = {.database = database,
                        .x = x,
                        .response = response,
                        .expand = is_true(x, "expandSubResources"),
                        .simple_enum = is_true(x, "simpleEnumFormat"),
                        .fields = SLICE_EMPTY};
    struct arena *arena = exchange_arena(x);
    read.base = arena_printf(arena, "%.*s/services/rest/record/v1",
                             SLICE_ARG(answer_origin(x)));
    read.has_fields = answer_param(x, "fields", &read.fields);
    struct slice name = next_segment(&rest);
    read.type = record_type_find(name);
    if (read.type == NULL) {
        refuse(
            &read, 404, "NONEXISTENT_ID",
            arena_printf(arena, "Record type '%.*s' does not exist.", SLICE_ARG(name)),
            true);
        return false;
    }
    return serve(&read, rest, today);
}
