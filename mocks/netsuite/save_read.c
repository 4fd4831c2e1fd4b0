/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a write into a document: which members there are, and what they hold. */
#include <stdio.h>

#include "mocks/netsuite/dates.h"
#include "mocks/netsuite/save_private.h"

enum kind { TEXT, DAY, NUMBER, REF, SUBLIST, IGNORED };

struct member {
    const char *name;
    enum kind kind;
    size_t offset;     /* in struct document or struct line */
    const char *table; /* of a REF: where its id has to be */
};

#define HEAD(name, kind, member, table)                      \
    {                                                        \
        name, kind, offsetof(struct document, member), table \
    }
#define LINE(name, kind, member, table)                  \
    {                                                    \
        name, kind, offsetof(struct line, member), table \
    }
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct member invoice[] = {
    HEAD("entity", REF, entity, "customer"),
    HEAD("tranDate", DAY, date, NULL),
    HEAD("dueDate", DAY, due, NULL),
    HEAD("currency", REF, currency, "currency"),
    HEAD("terms", REF, term, "term"),
    HEAD("memo", TEXT, memo, NULL),
    HEAD("otherRefNum", TEXT, reference, NULL),
    HEAD("externalId", TEXT, external_id, NULL),
    HEAD("department", REF, department, "department"),
    HEAD("class", REF, class_id, "classification"),
    HEAD("location", REF, location, "location"),
    HEAD("item", SUBLIST, lines, NULL),
    HEAD("links", IGNORED, id, NULL),
};

static const struct member journal[] = {
    HEAD("subsidiary", REF, subsidiary, "subsidiary"),
    HEAD("tranDate", DAY, date, NULL),
    HEAD("currency", REF, currency, "currency"),
    HEAD("memo", TEXT, memo, NULL),
    HEAD("externalId", TEXT, external_id, NULL),
    HEAD("line", SUBLIST, lines, NULL),
    HEAD("links", IGNORED, id, NULL),
};

static const struct member item_line[] = {
    LINE("item", REF, item, "item"),
    LINE("quantity", NUMBER, quantity, NULL),
    LINE("rate", NUMBER, rate, NULL),
    LINE("amount", NUMBER, amount, NULL),
    LINE("description", TEXT, description, NULL),
    LINE("department", REF, department, "department"),
    LINE("class", REF, class_id, "classification"),
    LINE("location", REF, location, "location"),
    LINE("line", IGNORED, item, NULL),
    LINE("links", IGNORED, item, NULL),
};

/* As long as an item's line. */
static const struct member journal_line[COUNT(item_line)] = {
    LINE("account", REF, account, "account"),
    LINE("debit", NUMBER, debit, NULL),
    LINE("credit", NUMBER, credit, NULL),
    LINE("memo", TEXT, memo, NULL),
    LINE("entity", REF, entity, "entity"),
    LINE("department", REF, department, "department"),
    LINE("class", REF, class_id, "classification"),
    LINE("location", REF, location, "location"),
    LINE("line", IGNORED, item, NULL),
    LINE("links", IGNORED, item, NULL),
};

/* One object on its way in. */
struct reading {
    struct save *save;
    const struct member *members;
    size_t member_count;
    char *into;        /* the document or the line */
    struct slice path; /* "item.items[0]."; empty for the head */
    bool append;
};

static bool read_object(struct reading *here, const json_t *object);

static struct slice *text_at(struct reading *here, const struct member *member)
{
    return (struct slice *)(void *)(here->into + member->offset);
}

static int64_t *id_at(struct reading *here, const struct member *member)
{
    return (int64_t *)(void *)(here->into + member->offset);
}

static struct slice scalar(struct reading *here, const json_t *value)
{
    struct arena *arena = here->save->arena;

    if (json_is_integer(value)) {
        return arena_printf(arena, "%lld", (long long)json_integer_value(value));
    }
    return json_is_string(value)
               ? arena_slice(arena, slice_of(json_string_value(value),
                                             json_string_length(value)))
               : SLICE_EMPTY;
}

static bool invalid(struct reading *here, const struct member *member,
                    struct slice value)
{
    struct arena *arena = here->save->arena;

    return save_refuse(
        here->save, "INVALID_CONTENT",
        arena_printf(arena,
                     "Error while accessing a resource. You have entered an Invalid "
                     "Field Value %.*s for the following field: %s",
                     SLICE_ARG(value), member->name),
        arena_printf(arena, "%.*s%s", SLICE_ARG(here->path), member->name));
}

/* {"id":"107"}, "107" or 107, of a record that is there. */
static bool read_ref(struct reading *here, const struct member *member,
                     const json_t *value)
{
    const json_t *id = json_is_object(value) ? json_object_get(value, "id") : value;
    struct slice text = scalar(here, id);
    struct arena *arena = here->save->arena;
    unsigned long long number = 0;

    if (!slice_to_u64(text, &number) || number > INT64_MAX) {
        return invalid(here, member, text);
    }
    sqlite3_stmt *stmt = database_statement(
        here->save->database,
        arena_printf(arena, "SELECT 1 FROM \"%s\" WHERE id = ?1", member->table));
    sqlite3_bind_int64(stmt, 1, (int64_t)number);
    bool there = sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_reset(stmt);
    *id_at(here, member) = (int64_t)number;
    return there || invalid(here, member, text);
}

static bool read_day(struct reading *here, const struct member *member,
                     const json_t *value)
{
    struct slice text = scalar(here, value);
    struct moment moment;

    if (text.len != 10 || text.ptr[4] != '-' || !dates_parse(text, &moment)) {
        return invalid(here, member, text);
    }
    *text_at(here, member) = text;
    return true;
}

static bool read_number(struct reading *here, const struct member *member,
                        const json_t *value)
{
    struct slice text = scalar(here, value);
    struct decimal number;

    if (!decimal_parse(text, &number)) {
        return invalid(here, member, text);
    }
    *text_at(here, member) = text;
    return true;
}

static bool read_line(struct reading *here, const struct member *member, size_t index,
                      const json_t *object, struct line *line)
{
    struct reading inside = {
        .save = here->save,
        .members = item_line,
        .member_count = COUNT(item_line),
        .into = (char *)line,
        .path = arena_printf(here->save->arena, "%s.items[%zu].", member->name, index)};

    if (here->save->journal) {
        inside.members = journal_line;
    }
    return read_object(&inside, object);
}

static bool read_sublist(struct reading *here, const struct member *member,
                         const json_t *value)
{
    struct document *document = &here->save->document;
    const json_t *items = json_object_get(value, "items");
    size_t before = here->append ? document->line_count : 0;
    size_t count = json_array_size(items);
    size_t index = 0;
    const json_t *item = NULL;

    if (!json_is_array(items) || before + count > SAVE_LINES) {
        return invalid(here, member, SLICE("items"));
    }
    struct line *lines =
        arena_array(here->save->arena, before + count + 1, sizeof *lines);
    for (size_t i = 0; i < before; i++) {
        lines[i] = document->lines[i];
    }
    for (index = 0; index < count; index++) {
        item = json_array_get(items, index);
        if (!read_line(here, member, index, item, &lines[before + index])) {
            return false;
        }
    }
    document->lines = lines;
    document->line_count = before + count;
    return true;
}

static bool read_member(struct reading *here, const struct member *member,
                        const json_t *value)
{
    if (json_is_null(value)) {
        return true; /* clears nothing here: a new record has nothing yet */
    }
    switch (member->kind) {
    case TEXT:
        *text_at(here, member) = scalar(here, value);
        return json_is_string(value) || invalid(here, member, SLICE("(no text)"));
    case DAY:
        return read_day(here, member, value);
    case NUMBER:
        return read_number(here, member, value);
    case REF:
        return read_ref(here, member, value);
    case SUBLIST:
        return read_sublist(here, member, value);
    case IGNORED:
        break;
    }
    return true;
}

/* X-NetSuite-PropertyNameValidation decides: refused, dropped with a warning, dropped. */
static bool take_unknown(struct reading *here, const char *name)
{
    struct save *save = here->save;
    struct arena *arena = save->arena;
    struct slice how = exchange_header(save->x, "x-netsuite-propertynamevalidation");
    struct slice path = arena_printf(arena, "%.*s%s", SLICE_ARG(here->path), name);

    if (slice_eq_nocase(how, SLICE("Error"))) {
        return save_refuse(save, "INVALID_CONTENT",
                           arena_printf(arena,
                                        "Error while accessing a resource. Unknown "
                                        "reference or field: %s.",
                                        name),
                           path);
    }
    if (!slice_eq_nocase(how, SLICE("Ignore"))) {
        save->unknown =
            arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(save->unknown),
                         save->unknown.len > 0 ? ", " : "", SLICE_ARG(path));
    }
    return true;
}

static bool read_object(struct reading *here, const json_t *object)
{
    const char *name = NULL;
    json_t *value = NULL;

    if (!json_is_object(object)) {
        return save_refuse(here->save, "INVALID_CONTENT",
                           SLICE("Error while accessing a resource. An object was "
                                 "expected."),
                           here->path);
    }
    /* The member's own functions do not change what is iterated over. */
    json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
        size_t i = 0;
        while (i < here->member_count &&
               !slice_eq_nocase(slice_str(name), slice_str(here->members[i].name))) {
            i++;
        }
        if (!(i < here->member_count ? read_member(here, &here->members[i], value)
                                     : take_unknown(here, name))) {
            return false;
        }
    }
    return true;
}

bool save_read(struct save *save, const json_t *body, bool append)
{
    struct reading head = {.save = save,
                           .members = save->journal ? journal : invoice,
                           .member_count =
                               save->journal ? COUNT(journal) : COUNT(invoice),
                           .into = (char *)&save->document,
                           .path = SLICE_EMPTY,
                           .append = append};

    return read_object(&head, body);
}
