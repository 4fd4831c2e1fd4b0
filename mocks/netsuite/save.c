/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a document: its own rules (who, which period, do the lines balance), then its
 * rows. A PUT on one that is there writes it anew under its id. Signs are those of
 * company_documents.c.
 */
#include "mocks/netsuite/save.h"

#include <stdio.h>

#include "mocks/common/json_in.h"
#include "mocks/netsuite/company.h"
#include "mocks/netsuite/dates.h"
#include "mocks/netsuite/save_private.h"
#include "mocks/netsuite/writer.h"

#define ACCOUNT_RECEIVABLE 4

bool save_refuse(struct save *save, const char *code, struct slice detail,
                 struct slice path)
{
    struct answer_detail error = {code, detail, path.len > 0 ? "o:errorPath" : NULL,
                                  path};
    answer_error(save->response, 400, &error);
    return false;
}

static bool user_error(struct save *save, struct slice rule)
{
    return save_refuse(save, "USER_ERROR",
                       arena_printf(save->arena,
                                    "Error while accessing a resource. %.*s",
                                    SLICE_ARG(rule)),
                       SLICE_EMPTY);
}

/* ---- One value out of the database ---- */

static sqlite3_stmt *ask(struct save *save, const char *sql)
{
    return database_statement(save->database, slice_str(sql));
}

static struct slice text_of(struct save *save, sqlite3_stmt *stmt, int column)
{
    const unsigned char *text = sqlite3_column_text(stmt, column);
    int length = sqlite3_column_bytes(stmt, column);
    return arena_slice(save->arena, slice_of((const char *)text, (size_t)length));
}

static int64_t number_by_id(struct save *save, const char *sql, int64_t id)
{
    sqlite3_stmt *stmt = ask(save, sql);
    sqlite3_bind_int64(stmt, 1, id);
    int64_t value =
        sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_reset(stmt);
    return value;
}

static const char *type_code(const struct save *save)
{
    return save->journal ? "Journal" : "CustInvc";
}

static int64_t find_by_external_id(struct save *save, struct slice external_id)
{
    sqlite3_stmt *stmt =
        ask(save, "SELECT id FROM \"transaction\" WHERE type = ?1 AND externalid = ?2");
    sqlite3_bind_text(stmt, 1, type_code(save), -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, external_id.ptr, (int)external_id.len, SQLITE_TRANSIENT);
    int64_t id = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_reset(stmt);
    return id;
}

/* ---- What is there already ---- */

static void load_lines(struct save *save)
{
    struct document *document = &save->document;
    sqlite3_stmt *stmt = ask(
        save, "SELECT item, expenseaccount, entity, department, \"class\", "
              "location, ns_abs(quantity), rate, ns_abs(foreignamount), "
              "CASE WHEN ns_sign(foreignamount) >= 0 THEN foreignamount END, "
              "CASE WHEN ns_sign(foreignamount) < 0 THEN ns_abs(foreignamount) END, "
              "memo FROM transactionline WHERE \"transaction\" = ?1 AND id > 0 "
              "ORDER BY id");
    document->lines = arena_array(save->arena, SAVE_LINES, sizeof *document->lines);
    sqlite3_bind_int64(stmt, 1, document->id);
    while (sqlite3_step(stmt) == SQLITE_ROW && document->line_count < SAVE_LINES) {
        struct line *line = &document->lines[document->line_count++];
        struct slice memo = text_of(save, stmt, 11);
        *line = (struct line){.item = sqlite3_column_int64(stmt, 0),
                              .account = sqlite3_column_int64(stmt, 1),
                              .entity = sqlite3_column_int64(stmt, 2),
                              .department = sqlite3_column_int64(stmt, 3),
                              .class_id = sqlite3_column_int64(stmt, 4),
                              .location = sqlite3_column_int64(stmt, 5),
                              .quantity = text_of(save, stmt, 6),
                              .rate = text_of(save, stmt, 7),
                              .amount = text_of(save, stmt, 8)};
        if (save->journal) {
            line->debit = text_of(save, stmt, 9);
            line->credit = text_of(save, stmt, 10);
            line->memo = memo;
        } else {
            line->description = memo;
        }
    }
    sqlite3_reset(stmt);
}

static void load(struct save *save, int64_t id)
{
    struct document *document = &save->document;
    sqlite3_stmt *stmt = ask(
        save, "SELECT tranid, transactionnumber, entity, currency, terms, trandate, "
              "duedate, memo, otherrefnum, externalid FROM \"transaction\" WHERE "
              "id = ?1");
    sqlite3_bind_int64(stmt, 1, id);
    REQUIRE(sqlite3_step(stmt) == SQLITE_ROW);
    document->id = id;
    document->tranid = text_of(save, stmt, 0);
    document->number = text_of(save, stmt, 1);
    document->entity = sqlite3_column_int64(stmt, 2);
    document->currency = sqlite3_column_int64(stmt, 3);
    document->term = sqlite3_column_int64(stmt, 4);
    document->date = text_of(save, stmt, 5);
    document->due = text_of(save, stmt, 6);
    document->memo = text_of(save, stmt, 7);
    document->reference = text_of(save, stmt, 8);
    document->external_id = text_of(save, stmt, 9);
    sqlite3_reset(stmt);
    document->subsidiary = number_by_id(
        save, "SELECT subsidiary FROM transactionline WHERE \"transaction\" = ?1", id);
    load_lines(save);
}

/* ---- Rules ---- */

static struct decimal number_of(struct slice text)
{
    struct decimal value = {0, 0};
    (void)(text.len > 0 && decimal_parse(text, &value));
    return value;
}

static struct slice decimal_text(struct save *save, struct decimal value)
{
    char text[DECIMAL_TEXT_BYTES];
    (void)decimal_format(value, text);
    return arena_slice(save->arena, slice_str(text));
}

/* Exactly the currency's decimals. */
static struct decimal to_money(struct save *save, struct decimal value)
{
    struct decimal money = value;
    int digits =
        (int)number_by_id(save, "SELECT currencyprecision FROM currency WHERE id = ?1",
                          save->document.currency);
    (void)decimal_round(value, digits, DECIMAL_HALF_UP, &money);
    while (money.scale < digits) {
        money.coefficient *= 10;
        money.scale++;
    }
    return money;
}

static struct decimal negated(struct decimal value)
{
    value.coefficient = -value.coefficient;
    return value;
}

static bool settle_party(struct save *save)
{
    struct document *document = &save->document;
    if (document->entity == 0) {
        return user_error(save, SLICE("You must enter a value for Customer."));
    }
    if (number_by_id(save, "SELECT isinactive = 'T' FROM customer WHERE id = ?1",
                     document->entity) != 0) {
        return save_refuse(
            save, "INVALID_CONTENT",
            SLICE("Error while accessing a resource. You have entered an "
                  "Invalid Field Value for the following field: entity"),
            SLICE("entity"));
    }
    document->subsidiary =
        number_by_id(save,
                     "SELECT CAST(name AS INTEGER) FROM \"mock code\" WHERE scheme = "
                     "'entity subsidiary' AND id = CAST(?1 AS TEXT)",
                     document->entity);
    if (document->currency == 0) {
        document->currency = number_by_id(
            save, "SELECT currency FROM customer WHERE id = ?1", document->entity);
    }
    if (document->term == 0) {
        document->term = number_by_id(save, "SELECT terms FROM customer WHERE id = ?1",
                                      document->entity);
    }
    return true;
}

static bool settle_company(struct save *save)
{
    struct document *document = &save->document;
    if (document->subsidiary == 0) {
        return user_error(save, SLICE("You must enter a value for Subsidiary."));
    }
    if (document->currency == 0) {
        document->currency =
            number_by_id(save, "SELECT currency FROM subsidiary WHERE id = ?1",
                         document->subsidiary);
    }
    return true;
}

/* The period that holds the date, if one may still post there; 0: refused. */
static int64_t open_period(struct save *save)
{
    struct slice date = save->document.date;
    sqlite3_stmt *stmt =
        ask(save, "SELECT id, closed = 'T' OR arlocked = 'T' FROM accountingperiod "
                  "WHERE isposting = 'T' AND startdate <= ?1 AND enddate >= ?1");
    sqlite3_bind_text(stmt, 1, date.ptr, (int)date.len, SQLITE_TRANSIENT);
    bool found = sqlite3_step(stmt) == SQLITE_ROW;
    int64_t id = found ? sqlite3_column_int64(stmt, 0) : 0;
    bool closed = found && sqlite3_column_int(stmt, 1) != 0;
    sqlite3_reset(stmt);
    if (!found) {
        (void)user_error(save, SLICE("The transaction date you specified is not within "
                                     "the date range of your accounting periods."));
    } else if (closed) {
        (void)user_error(save, SLICE("You cannot create or change transactions in a "
                                     "closed or locked accounting period."));
    }
    return closed ? 0 : id;
}

static void settle_dates(struct save *save)
{
    struct document *document = &save->document;
    struct moment moment;
    char text[DATES_TEXT_BYTES];

    if (document->date.len == 0) {
        document->date = save->today;
    }
    if (!save->journal && document->due.len == 0 &&
        dates_parse(document->date, &moment)) {
        moment.day += number_by_id(
            save, "SELECT daysuntilnetdue FROM term WHERE id = ?1", document->term);
        (void)dates_format(moment, text);
        document->due = arena_slice(save->arena, slice_str(text));
    }
}

/* Quantity, rate and amount complete each other. */
static bool settle_item(struct save *save, struct line *line)
{
    struct decimal quantity, rate, amount;
    if (line->item == 0) {
        return user_error(save, SLICE("Please choose an item to add."));
    }
    line->quantity = line->quantity.len > 0 ? line->quantity : SLICE("1");
    quantity = number_of(line->quantity);
    rate = line->rate.len > 0 ? number_of(line->rate)
                              : company_price(line->item, (int)save->document.currency);
    if (line->amount.len > 0) {
        amount = number_of(line->amount);
        if (line->rate.len == 0 && (!decimal_divide(amount, quantity, &rate) ||
                                    !decimal_round(rate, 8, DECIMAL_HALF_UP, &rate))) {
            rate = amount;
        }
    } else if (!decimal_multiply(quantity, rate, &amount)) {
        return user_error(save, SLICE("The amount is too large."));
    }
    line->rate = decimal_text(save, rate);
    line->amount = decimal_text(save, to_money(save, amount));
    return true;
}

static bool settle_items(struct save *save)
{
    struct document *document = &save->document;
    if (document->line_count == 0) {
        return user_error(save, SLICE("You must enter at least one line item for this "
                                      "transaction."));
    }
    for (size_t i = 0; i < document->line_count; i++) {
        if (!settle_item(save, &document->lines[i])) {
            return false;
        }
    }
    return true;
}

/* Debit minus credit of one line. */
static struct decimal balance_of(struct save *save, const struct line *line)
{
    return line->debit.len > 0 ? to_money(save, number_of(line->debit))
                               : negated(to_money(save, number_of(line->credit)));
}

static bool settle_postings(struct save *save)
{
    struct document *document = &save->document;
    struct decimal sum = {0, 0};
    if (document->line_count < 2) {
        return user_error(save, SLICE("You must enter at least two lines for this "
                                      "transaction."));
    }
    for (size_t i = 0; i < document->line_count; i++) {
        const struct line *line = &document->lines[i];
        if (line->account == 0 || (line->debit.len > 0) == (line->credit.len > 0)) {
            return user_error(save,
                              SLICE("Each line needs an account, and a debit or a "
                                    "credit amount."));
        }
        if (!decimal_add(sum, balance_of(save, line), &sum)) {
            return user_error(save, SLICE("The amount is too large."));
        }
    }
    if (sum.coefficient != 0) {
        return user_error(
            save, arena_printf(save->arena,
                               "The amounts in the journal entry do not balance. The "
                               "difference is %.*s.",
                               SLICE_ARG(decimal_text(save, sum))));
    }
    return true;
}

static bool settle(struct save *save)
{
    if (!(save->journal ? settle_company(save) : settle_party(save))) {
        return false;
    }
    settle_dates(save);
    return save->journal ? settle_postings(save) : settle_items(save);
}

/* ---- Rows ---- */

static void row_slice(struct save *save, struct row *row, const char *column,
                      struct slice text)
{
    row_text(row, column, text.len > 0 ? arena_copy(save->arena, text) : NULL);
}

static void row_id(struct row *row, const char *column, int64_t id)
{
    if (id > 0) {
        row_int(row, column, id);
    }
}

static struct decimal total_of(struct save *save)
{
    struct decimal total = {0, 0};
    for (size_t i = 0; i < save->document.line_count; i++) {
        const struct line *line = &save->document.lines[i];
        struct decimal part = save->journal ? to_money(save, number_of(line->debit))
                                            : number_of(line->amount);
        (void)decimal_add(total, part, &total);
    }
    return total;
}

/* Of the subsidiary's currency, with two decimals more than needed where it has none. */
static struct slice at_home(struct save *save, struct decimal amount)
{
    struct decimal rate = company_exchange_rate((int)save->document.currency,
                                                (int)save->document.subsidiary);
    struct decimal home = amount;
    if (decimal_multiply(amount, rate, &home)) {
        (void)decimal_round(home, 2, DECIMAL_HALF_UP, &home);
    }
    return decimal_text(save, home);
}

static void name_document(struct save *save)
{
    struct document *document = &save->document;
    sqlite3_stmt *stmt =
        ask(save, "SELECT COUNT(*) + 1 FROM \"transaction\" WHERE type "
                  "= ?1");
    sqlite3_bind_text(stmt, 1, type_code(save), -1, SQLITE_STATIC);
    REQUIRE(sqlite3_step(stmt) == SQLITE_ROW);
    long long number = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    document->id = number_by_id(save, "SELECT MAX(id) + ?1 FROM \"transaction\"", 1);
    document->tranid = arena_printf(save->arena, "%s%lld",
                                    save->journal ? "JE-" : "INV-", 1000 + number);
    document->number = arena_printf(save->arena, "%s%lld",
                                    save->journal ? "JOURNAL" : "CUSTINVC", number);
}

static void write_header(struct save *save, struct writer *writer, int64_t period)
{
    const struct document *document = &save->document;
    struct slice total = decimal_text(save, to_money(save, total_of(save)));
    struct row row = row_begin(writer, "transaction");
    row_int(&row, "id", document->id);
    row_slice(save, &row, "tranid", document->tranid);
    row_slice(save, &row, "transactionnumber", document->number);
    row_text(&row, "type", type_code(save));
    row_text(&row, "recordtype", save->journal ? "journalentry" : "invoice");
    row_text(&row, "abbrevtype", save->journal ? "GENJRNL" : "INV");
    row_slice(save, &row, "trandate", document->date);
    row_text(&row, "status", save->journal ? "B" : "A");
    row_int(&row, "approvalstatus", 2);
    row_bool(&row, "posting", true);
    row_int(&row, "postingperiod", period);
    row_bool(&row, "voided", false);
    row_bool(&row, "void", false);
    row_bool(&row, "isreversal", false);
    row_id(&row, "entity", document->entity);
    row_int(&row, "currency", document->currency);
    row_slice(save, &row, "exchangerate",
              decimal_text(save, company_exchange_rate((int)document->currency,
                                                       (int)document->subsidiary)));
    row_slice(save, &row, "foreigntotal", total);
    if (!save->journal) {
        row_slice(save, &row, "foreignamountpaid",
                  decimal_text(save, to_money(save, (struct decimal){0, 0})));
        row_slice(save, &row, "foreignamountunpaid", total);
        row_slice(save, &row, "duedate", document->due);
        row_id(&row, "terms", document->term);
        row_slice(save, &row, "otherrefnum", document->reference);
    }
    row_slice(save, &row, "memo", document->memo);
    row_slice(save, &row, "externalid", document->external_id);
    row_slice(save, &row, "createddate", save->today);
    row_slice(save, &row, "lastmodifieddate", save->today);
    row_end(&row);
}

/* Line 0 is the document's own; a journal has none. */
static void write_line(struct save *save, struct writer *writer, size_t number,
                       const struct line *line, struct decimal amount)
{
    const struct document *document = &save->document;
    struct row row = row_begin(writer, "transactionline");
    row_int(&row, "id", (int64_t)number);
    row_int(&row, "transaction", document->id);
    row_int(&row, "linesequencenumber", (int64_t)number);
    row_int(&row, "uniquekey",
            number_by_id(save,
                         "SELECT MAX(uniquekey) + ?1 FROM "
                         "transactionline",
                         1));
    row_bool(&row, "mainline", number == 0);
    row_bool(&row, "taxline", false);
    row_bool(&row, "iscogs", false);
    row_bool(&row, "cleared", false);
    row_bool(&row, "eliminate", false);
    row_bool(&row, "isbillable", false);
    row_int(&row, "subsidiary", document->subsidiary);
    row_id(&row, "entity", save->journal ? line->entity : document->entity);
    row_slice(save, &row, "foreignamount", decimal_text(save, amount));
    row_slice(save, &row, "netamount", at_home(save, amount));
    row_slice(save, &row, "memo",
              number == 0     ? document->memo
              : save->journal ? line->memo
                              : line->description);
    row_id(&row, "department",
           line->department > 0 ? line->department : document->department);
    row_id(&row, "class", line->class_id > 0 ? line->class_id : document->class_id);
    row_id(&row, "location", line->location > 0 ? line->location : document->location);
    row_id(&row, "expenseaccount", line->account);
    row_id(&row, "item", line->item);
    if (line->item > 0) {
        row_slice(save, &row, "quantity",
                  decimal_text(save, negated(number_of(line->quantity))));
        row_slice(save, &row, "rate", line->rate);
    }
    row_end(&row);
}

static void write_posting(struct save *save, struct writer *writer, size_t number,
                          int64_t account, struct decimal amount)
{
    struct row row = row_begin(writer, "transactionaccountingline");
    bool is_debit = amount.coefficient >= 0;
    row_int(&row, "transaction", save->document.id);
    row_int(&row, "transactionline", (int64_t)number);
    row_int(&row, "accountingbook", 1);
    row_int(&row, "account", account);
    row_bool(&row, "posting", true);
    row_slice(save, &row, "amount", at_home(save, amount));
    row_slice(save, &row, "netamount", at_home(save, amount));
    row_slice(save, &row, is_debit ? "debit" : "credit",
              at_home(save, is_debit ? amount : negated(amount)));
    row_end(&row);
}

static void write_lines(struct save *save, struct writer *writer)
{
    const struct document *document = &save->document;
    const struct line none = {.item = 0};
    if (!save->journal) {
        struct decimal total = to_money(save, total_of(save));
        write_line(save, writer, 0, &none, total);
        write_posting(save, writer, 0, ACCOUNT_RECEIVABLE, total);
    }
    for (size_t i = 0; i < document->line_count; i++) {
        const struct line *line = &document->lines[i];
        struct decimal amount =
            save->journal ? balance_of(save, line) : negated(number_of(line->amount));
        int64_t account = save->journal
                              ? line->account
                              : number_by_id(save,
                                             "SELECT incomeaccount FROM item WHERE "
                                             "id = ?1",
                                             line->item);
        write_line(save, writer, i + 1, line, amount);
        write_posting(save, writer, i + 1, account, amount);
    }
}

static void forget(struct save *save)
{
    static const char *const sql[] = {
        "DELETE FROM \"transaction\" WHERE id = ?1",
        "DELETE FROM transactionline WHERE \"transaction\" = ?1",
        "DELETE FROM transactionaccountingline WHERE \"transaction\" = ?1"};
    for (size_t i = 0; i < sizeof sql / sizeof sql[0]; i++) {
        (void)number_by_id(save, sql[i], save->document.id);
    }
}

static void write_rows(struct save *save, int64_t period)
{
    struct writer *writer = writer_new(database_handle(save->database));
    if (save->document.id > 0) {
        forget(save);
    } else {
        name_document(save);
    }
    write_header(save, writer, period);
    write_lines(save, writer);
    writer_free(writer);
}

/* ---- The request ---- */

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
    int64_t there = external_id.len > 0 ? find_by_external_id(save, external_id) : 0;
    if (there > 0) {
        load(save, there);
    }
    bool replaces = answer_param(save->x, "replace", &replace) &&
                    slice_is(replace, save->journal ? "line" : "item");
    if (!save_read(save, body, there > 0 && !replaces)) {
        return false;
    }
    if (external_id.len > 0) {
        save->document.external_id = external_id;
    } else if (save->document.external_id.len > 0 &&
               find_by_external_id(save, save->document.external_id) > 0) {
        return user_error(save, SLICE("This entity already exists."));
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
    bool right = choose_document(&save, external_id, body) && settle(&save);
    json_decref(body);
    int64_t period = right ? open_period(&save) : 0;
    if (period == 0) {
        return false;
    }
    write_rows(&save, period);
    answer_saved(&save, base);
    return true;
}
