/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NetSuite's own rules for a document that is to be written: who, which period, what completes
 * what, do the lines balance.
 */
#include "mocks/netsuite/company.h"
#include "mocks/netsuite/dates.h"
#include "mocks/netsuite/save_private.h"

static bool settle_party(struct save *save)
{
    struct document *document = &save->document;
    if (document->entity == 0) {
        return save_user_error(save, SLICE("You must enter a value for Customer."));
    }
    if (save_number_by_id(save, "SELECT isinactive = 'T' FROM customer WHERE id = ?1",
                          document->entity) != 0) {
        return save_refuse(
            save, "INVALID_CONTENT",
            SLICE("Error while accessing a resource. You have entered an "
                  "Invalid Field Value for the following field: entity"),
            SLICE("entity"));
    }
    document->subsidiary = save_number_by_id(
        save,
        "SELECT CAST(name AS INTEGER) FROM \"mock code\" WHERE scheme = "
        "'entity subsidiary' AND id = CAST(?1 AS TEXT)",
        document->entity);
    if (document->currency == 0) {
        document->currency = save_number_by_id(
            save, "SELECT currency FROM customer WHERE id = ?1", document->entity);
    }
    if (document->term == 0) {
        document->term = save_number_by_id(
            save, "SELECT terms FROM customer WHERE id = ?1", document->entity);
    }
    return true;
}

static bool settle_company(struct save *save)
{
    struct document *document = &save->document;
    if (document->subsidiary == 0) {
        return save_user_error(save, SLICE("You must enter a value for Subsidiary."));
    }
    if (document->currency == 0) {
        document->currency =
            save_number_by_id(save, "SELECT currency FROM subsidiary WHERE id = ?1",
                              document->subsidiary);
    }
    return true;
}

int64_t save_open_period(struct save *save)
{
    struct slice date = save->document.date;
    sqlite3_stmt *stmt = database_statement(
        save->database,
        SLICE("SELECT id, closed = 'T' OR arlocked = 'T' FROM accountingperiod "
              "WHERE isposting = 'T' AND startdate <= ?1 AND enddate >= ?1"));
    sqlite3_bind_text(stmt, 1, date.ptr, (int)date.len, SQLITE_TRANSIENT);
    bool found = sqlite3_step(stmt) == SQLITE_ROW;
    int64_t id = found ? sqlite3_column_int64(stmt, 0) : 0;
    bool closed = found && sqlite3_column_int(stmt, 1) != 0;
    sqlite3_reset(stmt);
    if (!found) {
        (void)save_user_error(save,
                              SLICE("The transaction date you specified is not within "
                                    "the date range of your accounting periods."));
    } else if (closed) {
        (void)save_user_error(save,
                              SLICE("You cannot create or change transactions in a "
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
        moment.day += save_number_by_id(
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
        return save_user_error(save, SLICE("Please choose an item to add."));
    }
    line->quantity = line->quantity.len > 0 ? line->quantity : SLICE("1");
    quantity = save_number(line->quantity);
    rate = line->rate.len > 0 ? save_number(line->rate)
                              : company_price(line->item, (int)save->document.currency);
    if (line->amount.len > 0) {
        amount = save_number(line->amount);
        if (line->rate.len == 0 && (!decimal_divide(amount, quantity, &rate) ||
                                    !decimal_round(rate, 8, DECIMAL_HALF_UP, &rate))) {
            rate = amount;
        }
    } else if (!decimal_multiply(quantity, rate, &amount)) {
        return save_user_error(save, SLICE("The amount is too large."));
    }
    line->rate = save_decimal_text(save, rate);
    line->amount = save_decimal_text(save, save_money(save, amount));
    return true;
}

static bool settle_items(struct save *save)
{
    struct document *document = &save->document;
    if (document->line_count == 0) {
        return save_user_error(save,
                               SLICE("You must enter at least one line item for this "
                                     "transaction."));
    }
    for (size_t i = 0; i < document->line_count; i++) {
        if (!settle_item(save, &document->lines[i])) {
            return false;
        }
    }
    return true;
}

static bool settle_postings(struct save *save)
{
    struct document *document = &save->document;
    struct decimal sum = {0, 0};
    if (document->line_count < 2) {
        return save_user_error(save, SLICE("You must enter at least two lines for this "
                                           "transaction."));
    }
    for (size_t i = 0; i < document->line_count; i++) {
        const struct line *line = &document->lines[i];
        if (line->account == 0 || (line->debit.len > 0) == (line->credit.len > 0)) {
            return save_user_error(save,
                                   SLICE("Each line needs an account, and a debit or a "
                                         "credit amount."));
        }
        if (!decimal_add(sum, save_balance(save, line), &sum)) {
            return save_user_error(save, SLICE("The amount is too large."));
        }
    }
    if (sum.coefficient != 0) {
        return save_user_error(
            save, arena_printf(save->arena,
                               "The amounts in the journal entry do not balance. The "
                               "difference is %.*s.",
                               SLICE_ARG(save_decimal_text(save, sum))));
    }
    return true;
}

bool save_settle(struct save *save)
{
    if (!(save->journal ? settle_company(save) : settle_party(save))) {
        return false;
    }
    settle_dates(save);
    return save->journal ? settle_postings(save) : settle_items(save);
}
