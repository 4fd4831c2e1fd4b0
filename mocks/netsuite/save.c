/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request to write a document: its body (save_read.c), the rules (save_rules.c), the rows
 * (save_rows.c), the answer. A PUT on one that is there writes it anew under its id.
 */
#include "mocks/netsuite/save.h"

#include "mocks/common/json_in.h"
#include "mocks/netsuite/save_private.h"

bool save_refuse(struct save *save, const char *code, struct slice detail,
                 struct slice path)
{
    struct answer_detail error = {code, detail, path.len > 0 ? "o:errorPath" : NULL,
                                  path};
    answer_error(save->response, 400, &error);
    return false;
}

bool save_user_error(struct save *save, struct slice rule)
{
    return save_refuse(save, "USER_ERROR",
                       arena_printf(save->arena,
                                    "Error while accessing a resource. %.*s",
                                    SLICE_ARG(rule)),
                       SLICE_EMPTY);
}

static bool check_media_type(struct save *save)
{
    struct slice type = exchange_header(save->x, "content-type");
    ptrdiff_t end = slice_find(type, ';');
    type = slice_trim(end < 0 ? type : slice_of(type.ptr, (size_t)end));
    if (slice_eq_nocase(type, SLICE("application/json")) ||
        slice_eq_nocase(type, SLICE("application/vnd.oracle.resource+json"))) {
        return true;
    }
    struct answer_detail error = {"INVALID_CONTENT_TYPE",
                                  SLICE("Invalid content type. Use application/json."),
                                  "o:errorHeader", SLICE("Content-Type")};
    answer_error(save->response, 415, &error);
    return false;
}

/* Whose document it is: a new one, or under PUT the one that has the external id. */
static bool choose_document(struct save *save, struct slice external_id,
                            const json_t *body)
{
    struct slice replace = SLICE_EMPTY;
    int64_t there = external_id.len > 0 ? save_find(save, external_id) : 0;
    if (there > 0) {
        save_load(save, there);
    }
    bool replaces = answer_param(save->x, "replace", &replace) &&
                    slice_is(replace, save->journal ? "line" : "item");
    if (!save_read(save, body, there > 0 && !replaces)) {
        return false;
    }
    if (external_id.len > 0) {
        save->document.external_id = external_id;
    } else if (save->document.external_id.len > 0 &&
               save_find(save, save->document.external_id) > 0) {
        return save_user_error(save, SLICE("This entity already exists."));
    }
    return true;
}

static void answer_saved(struct save *save, struct slice base)
{
    struct response *response = save->response;
    answer_start(response, 204, "singular");
    response_field(response, "location", "%.*s/%s/%lld", SLICE_ARG(base),
                   save->type->name, (long long)save->document.id);
    if (save->unknown.len > 0) {
        response_field(response, "warning", "199 - \"Unknown fields: %.*s\"",
                       SLICE_ARG(save->unknown));
    }
}

bool save_is_served(const struct record_type *type)
{
    return strcmp(type->name, "invoice") == 0 ||
           strcmp(type->name, "journalEntry") == 0;
}

bool save_answer(struct database *database, const struct record_type *type,
                 struct slice external_id, struct slice today, struct slice base,
                 struct http_exchange *x, struct response *response)
{
    struct save save = {.database = database,
                        .type = type,
                        .journal = strcmp(type->name, "journalEntry") == 0,
                        .x = x,
                        .response = response,
                        .arena = exchange_arena(x),
                        .today = today};
    struct slice why = SLICE_EMPTY;
    if (!check_media_type(&save)) {
        return false;
    }
    json_t *body = json_in_parse(save.arena, exchange_request(x)->body, &why);
    if (!json_is_object(body)) {
        json_decref(body);
        return save_refuse(&save, "INVALID_REQUEST",
                           SLICE("Invalid content in the request body. Provide a JSON "
                                 "object."),
                           SLICE_EMPTY);
    }
    bool right = choose_document(&save, external_id, body) && save_settle(&save);
    json_decref(body);
    int64_t period = right ? save_open_period(&save) : 0;
    if (period == 0) {
        return false;
    }
    save_write(&save, period);
    answer_saved(&save, base);
    return true;
}
