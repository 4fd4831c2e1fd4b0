/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents in the database: what is there already, and the rows of one that is written. Signs are
 * those of company_rows.c.
 */
#include "mocks/netsuite/company.h"
#include "mocks/netsuite/save_private.h"
#include "mocks/netsuite/writer.h"

#define ACCOUNT_RECEIVABLE 4

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

int64_t save_number_by_id(struct save *save, const char *sql, int64_t id)
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

int64_t save_find(struct save *save, struct slice external_id)
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

void save_load(struct save *save, int64_t id)
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
    document->subsidiary = save_number_by_id(
        save, "SELECT subsidiary FROM transactionline WHERE \"transaction\" = ?1", id);
    load_lines(save);
}

/* ---- Amounts ---- */

struct decimal save_number(struct slice text)
{
    struct decimal value = {0, 0};
    (void)(text.len > 0 && decimal_parse(text, &value));
    return value;
}

struct slice save_decimal_text(struct save *save, struct decimal value)
{
    char text[DECIMAL_TEXT_BYTES];
    (void)decimal_format(value, text);
    return arena_slice(save->arena, slice_str(text));
}

struct decimal save_money(struct save *save, struct decimal value)
{
    struct decimal money = value;
    int digits = (int)save_number_by_id(
        save, "SELECT currencyprecision FROM currency WHERE id = ?1",
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

struct decimal save_balance(struct save *save, const struct line *line)
{
    return line->debit.len > 0 ? save_money(save, save_number(line->debit))
                               : negated(save_money(save, save_number(line->credit)));
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
        struct decimal part = save->journal ? save_money(save, save_number(line->debit))
                                            : save_number(line->amount);
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
    return save_decimal_text(save, home);
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
    document->id =
        save_number_by_id(save, "SELECT MAX(id) + ?1 FROM \"transaction\"", 1);
    document->tranid = arena_printf(save->arena, "%s%lld",
                                    save->journal ? "JE-" : "INV-", 1000 + number);
    document->number = arena_printf(save->arena, "%s%lld",
                                    save->journal ? "JOURNAL" : "CUSTINVC", number);
}

static void write_header(struct save *save, struct writer *writer, int64_t period)
{
    const struct document *document = &save->document;
    struct slice total = save_decimal_text(save, save_money(save, total_of(save)));
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
    row_slice(
        save, &row, "exchangerate",
        save_decimal_text(save, company_exchange_rate((int)document->currency,
                                                      (int)document->subsidiary)));
    row_slice(save, &row, "foreigntotal", total);
    if (!save->journal) {
        row_slice(save, &row, "foreignamountpaid",
                  save_decimal_text(save, save_money(save, (struct decimal){0, 0})));
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
            save_number_by_id(save,
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
    row_slice(save, &row, "foreignamount", save_decimal_text(save, amount));
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
                  save_decimal_text(save, negated(save_number(line->quantity))));
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
        struct decimal total = save_money(save, total_of(save));
        write_line(save, writer, 0, &none, total);
        write_posting(save, writer, 0, ACCOUNT_RECEIVABLE, total);
    }
    for (size_t i = 0; i < document->line_count; i++) {
        const struct line *line = &document->lines[i];
        struct decimal amount = save->journal ? save_balance(save, line)
                                              : negated(save_number(line->amount));
        int64_t account =
            save->journal ? line->account
                          : save_number_by_id(save,
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
        (void)save_number_by_id(save, sql[i], save->document.id);
    }
}

void save_write(struct save *save, int64_t period)
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
