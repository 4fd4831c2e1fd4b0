/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite functions that translated SuiteQL calls. All return NULL when an argument
 * is NULL. */
#include "mocks/netsuite/functions.h"

#include <locale.h>
#include <stdlib.h>
#include <wctype.h>

#include "base/require.h"
#include "base/slice.h"
#include "mocks/netsuite/dates.h"
#include "mocks/netsuite/decimal.h"

#define INVALID_NUMBER "Invalid number"
#define INVALID_DATE "Invalid date"

static struct slice value_text(sqlite3_value *value)
{
    const unsigned char *text = sqlite3_value_text(value);
    return slice_of((const char *)text, (size_t)sqlite3_value_bytes(value));
}

static bool any_null(int argc, sqlite3_value **argv)
{
    for (int i = 0; i < argc; i++) {
        if (sqlite3_value_type(argv[i]) == SQLITE_NULL) {
            return true;
        }
    }
    return false;
}

/* ---- decimals ---- */

/* A REAL never becomes a decimal: it would have lost digits already. */
static bool read_decimal(sqlite3_context *ctx, sqlite3_value *value,
                         struct decimal *out)
{
    if (sqlite3_value_type(value) == SQLITE_INTEGER) {
        *out = decimal_from(sqlite3_value_int64(value));
        return true;
    }
    if (sqlite3_value_type(value) == SQLITE_TEXT &&
        decimal_parse(value_text(value), out)) {
        return true;
    }
    sqlite3_result_error(ctx, INVALID_NUMBER, -1);
    return false;
}

static void result_decimal(sqlite3_context *ctx, bool fits, struct decimal value)
{
    char text[DECIMAL_TEXT_BYTES];
    if (!fits) {
        sqlite3_result_error(ctx, "Numeric overflow or division by zero", -1);
        return;
    }
    int length = decimal_format(value, text);
    sqlite3_result_text(ctx, text, length, SQLITE_TRANSIENT);
}

static void fn_decimal(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct decimal value;
    if (!any_null(argc, argv) && read_decimal(ctx, argv[0], &value)) {
        result_decimal(ctx, true, value);
    }
}

static void fn_compare(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct decimal a;
    struct decimal b;
    if (!any_null(argc, argv) && read_decimal(ctx, argv[0], &a) &&
        read_decimal(ctx, argv[1], &b)) {
        sqlite3_result_int(ctx, decimal_compare(a, b));
    }
}

static bool decimal_modulo(struct decimal a, struct decimal b, struct decimal *out)
{
    struct decimal quotient;
    if (b.coefficient == 0) { /* Oracle: MOD(a, 0) is a */
        *out = a;
        return true;
    }
    return decimal_divide(a, b, &quotient) &&
           decimal_round(quotient, 0, DECIMAL_DOWN, &quotient) &&
           decimal_multiply(quotient, b, &quotient) &&
           decimal_subtract(a, quotient, out);
}

typedef bool (*decimal_fn)(struct decimal a, struct decimal b, struct decimal *out);

struct operation {
    const char *name;
    decimal_fn run;
};

static const struct operation operations[] = {
    {"ns_add", decimal_add},           {"ns_subtract", decimal_subtract},
    {"ns_multiply", decimal_multiply}, {"ns_divide", decimal_divide},
    {"ns_mod", decimal_modulo},
};

static void fn_operation(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const struct operation *operation = sqlite3_user_data(ctx);
    struct decimal a;
    struct decimal b;
    struct decimal result = {0, 0};
    if (!any_null(argc, argv) && read_decimal(ctx, argv[0], &a) &&
        read_decimal(ctx, argv[1], &b)) {
        bool fits = operation->run(a, b, &result);
        result_decimal(ctx, fits, result);
    }
}

static void fn_abs(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct decimal value;
    if (!any_null(argc, argv) && read_decimal(ctx, argv[0], &value)) {
        value.coefficient =
            value.coefficient < 0 ? -value.coefficient : value.coefficient;
        result_decimal(ctx, true, value);
    }
}

static void fn_sign(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct decimal value;
    if (!any_null(argc, argv) && read_decimal(ctx, argv[0], &value)) {
        sqlite3_result_int(ctx, decimal_compare(value, decimal_from(0)));
    }
}

struct rounding {
    const char *name;
    enum decimal_rounding how;
};

static const struct rounding roundings[] = {
    {"ns_round", DECIMAL_HALF_UP},
    {"ns_trunc", DECIMAL_DOWN},
    {"ns_floor", DECIMAL_FLOOR},
    {"ns_ceil", DECIMAL_CEILING},
};

static void fn_round(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const struct rounding *rounding = sqlite3_user_data(ctx);
    struct decimal value;
    if (any_null(argc, argv) || !read_decimal(ctx, argv[0], &value)) {
        return;
    }
    int digits = argc == 2 ? sqlite3_value_int(argv[1]) : 0;
    bool fits = digits >= 0 && digits <= 20 &&
                decimal_round(value, digits, rounding->how, &value);
    result_decimal(ctx, fits, value);
}

/* SQLite aligns this for eight bytes, a 128 bit integer wants sixteen: so the sum is
 * copied. */
struct total {
    unsigned char sum[sizeof(struct decimal)];
    int64_t count;
};

static struct decimal total_sum(const struct total *total)
{
    struct decimal sum;
    memcpy(&sum, total->sum, sizeof sum);
    return sum;
}

static void step_total(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct total *total = sqlite3_aggregate_context(ctx, (int)sizeof *total);
    struct decimal value;
    if (total == NULL || any_null(argc, argv) || !read_decimal(ctx, argv[0], &value)) {
        return;
    }
    struct decimal sum = total_sum(total);
    if (!decimal_add(sum, value, &sum)) {
        sqlite3_result_error(ctx, "Numeric overflow", -1);
        return;
    }
    total->count++;
    memcpy(total->sum, &sum, sizeof sum);
}

static void final_sum(sqlite3_context *ctx)
{
    const struct total *total = sqlite3_aggregate_context(ctx, 0);
    if (total != NULL && total->count > 0) {
        result_decimal(ctx, true, total_sum(total));
    }
}

static void final_avg(sqlite3_context *ctx)
{
    const struct total *total = sqlite3_aggregate_context(ctx, 0);
    struct decimal average = {0, 0};
    if (total != NULL && total->count > 0) {
        bool fits =
            decimal_divide(total_sum(total), decimal_from(total->count), &average);
        result_decimal(ctx, fits, average);
    }
}

/* Texts that are no numbers sort after all numbers, by bytes. */
static int collate_decimal(void *ctx, int a_len, const void *a, int b_len,
                           const void *b)
{
    (void)ctx;
    struct slice left = slice_of(a, (size_t)a_len);
    struct slice right = slice_of(b, (size_t)b_len);
    struct decimal x = {0, 0};
    struct decimal y = {0, 0};
    bool x_ok = decimal_parse(left, &x);
    bool y_ok = decimal_parse(right, &y);
    if (x_ok && y_ok) {
        return decimal_compare(x, y);
    }
    return x_ok != y_ok ? (x_ok ? -1 : 1) : slice_cmp(left, right);
}

/* ---- dates ---- */

static bool read_moment(sqlite3_context *ctx, sqlite3_value *value, struct moment *out)
{
    if (sqlite3_value_type(value) == SQLITE_TEXT &&
        dates_parse(value_text(value), out)) {
        return true;
    }
    sqlite3_result_error(ctx, INVALID_DATE, -1);
    return false;
}

static void result_moment(sqlite3_context *ctx, struct moment moment)
{
    char text[DATES_TEXT_BYTES];
    int length = dates_format(moment, text);
    sqlite3_result_text(ctx, text, length, SQLITE_TRANSIENT);
}

static void fn_to_date(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct moment moment;
    if (any_null(argc, argv)) {
        return;
    }
    bool ok = argc == 1
                  ? dates_parse(value_text(argv[0]), &moment)
                  : dates_to_date(value_text(argv[0]), value_text(argv[1]), &moment);
    if (!ok) {
        sqlite3_result_error(ctx, INVALID_DATE, -1);
        return;
    }
    result_moment(ctx, moment);
}

static void fn_to_char(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct moment moment;
    char text[200];
    if (any_null(argc, argv) || !read_moment(ctx, argv[0], &moment)) {
        return;
    }
    if (!dates_to_char(moment, value_text(argv[1]), text, sizeof text)) {
        sqlite3_result_error(ctx, "Invalid date format", -1);
        return;
    }
    sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

static void fn_account_date(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct moment moment;
    char text[DATES_TEXT_BYTES];
    if (!any_null(argc, argv) && read_moment(ctx, argv[0], &moment)) {
        int length = dates_format_account(moment, text);
        sqlite3_result_text(ctx, text, length, SQLITE_TRANSIENT);
    }
}

static void fn_add_months(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct moment moment;
    if (!any_null(argc, argv) && read_moment(ctx, argv[0], &moment)) {
        int months = sqlite3_value_int(argv[1]);
        if (months < -12000 || months > 12000) {
            sqlite3_result_error(ctx, INVALID_DATE, -1);
            return;
        }
        moment.day = dates_add_months(moment.day, months);
        result_moment(ctx, moment);
    }
}

static void fn_last_day(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct moment moment;
    if (!any_null(argc, argv) && read_moment(ctx, argv[0], &moment)) {
        struct civil civil = dates_civil(moment.day);
        civil.day = dates_month_days(civil.year, civil.month);
        moment.day = dates_day(civil);
        result_moment(ctx, moment);
    }
}

static void fn_trunc_date(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct moment moment;
    if (any_null(argc, argv) || !read_moment(ctx, argv[0], &moment)) {
        return;
    }
    struct slice model = argc == 2 ? value_text(argv[1]) : SLICE("DD");
    struct civil civil = dates_civil(moment.day);
    bool year = slice_eq_nocase(model, SLICE("YYYY")) ||
                slice_eq_nocase(model, SLICE("YEAR")) ||
                slice_eq_nocase(model, SLICE("Y"));
    bool month = slice_eq_nocase(model, SLICE("MM")) ||
                 slice_eq_nocase(model, SLICE("MONTH")) ||
                 slice_eq_nocase(model, SLICE("MON"));
    bool quarter = slice_eq_nocase(model, SLICE("Q"));
    if (!year && !month && !quarter && !slice_eq_nocase(model, SLICE("DD"))) {
        sqlite3_result_error(ctx, "Invalid date format", -1);
        return;
    }
    if (year || month || quarter) {
        civil.day = 1;
        civil.month = year ? 1 : quarter ? (civil.month - 1) / 3 * 3 + 1 : civil.month;
    }
    result_moment(ctx, (struct moment){dates_day(civil), 0});
}

/* a - b in days; a fraction only where a time of day is in it. */
static void fn_days(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct moment a;
    struct moment b;
    if (any_null(argc, argv) || !read_moment(ctx, argv[0], &a) ||
        !read_moment(ctx, argv[1], &b)) {
        return;
    }
    int64_t seconds = (a.day - b.day) * 86400 + a.second - b.second;
    if (seconds % 86400 == 0) {
        sqlite3_result_int64(ctx, seconds / 86400);
        return;
    }
    struct decimal days = {0, 0};
    bool fits = decimal_divide(decimal_from(seconds), decimal_from(86400), &days);
    result_decimal(ctx, fits, days);
}

static void move_date(sqlite3_context *ctx, sqlite3_value **argv, int direction)
{
    struct moment moment;
    struct decimal days;
    if (any_null(2, argv) || !read_moment(ctx, argv[0], &moment) ||
        !read_decimal(ctx, argv[1], &days)) {
        return;
    }
    struct decimal seconds = {0, 0};
    if (!decimal_multiply(days, decimal_from(86400 * (int64_t)direction), &seconds) ||
        !decimal_round(seconds, 0, DECIMAL_HALF_UP, &seconds) ||
        decimal_compare(seconds, decimal_from(INT64_C(100000000000))) > 0 ||
        decimal_compare(seconds, decimal_from(INT64_C(-100000000000))) < 0) {
        sqlite3_result_error(ctx, INVALID_DATE, -1);
        return;
    }
    int64_t total = moment.day * 86400 + moment.second + (int64_t)seconds.coefficient;
    int64_t day = total >= 0 ? total / 86400 : (total - 86399) / 86400;
    result_moment(ctx, (struct moment){day, (int32_t)(total - day * 86400)});
}

static void fn_date_plus(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    move_date(ctx, argv, 1);
}

static void fn_date_minus(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    move_date(ctx, argv, -1);
}

/* ---- text ---- */

/* Decodes one UTF-8 sequence; a broken byte stands for itself. Returns its length. */
static size_t decode(struct slice text, uint32_t *code)
{
    unsigned char lead = (unsigned char)text.ptr[0];
    size_t length = lead < 0xC2   ? 1
                    : lead < 0xE0 ? 2
                    : lead < 0xF0 ? 3
                    : lead < 0xF5 ? 4
                                  : 1;
    if (length > text.len || length == 1) {
        *code = lead < 0x80 ? lead : 0;
        return 1;
    }
    *code = lead & (0xFFU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        *code = *code << 6 | ((unsigned char)text.ptr[i] & 0x3FU);
    }
    return length;
}

static size_t encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)(length == 2   ? 0xC0U | code
                    : length == 3 ? 0xE0U | code
                                  : 0xF0U | code);
    return length;
}

struct folding {
    locale_t locale; /* 0: only ASCII is folded */
    bool upper;
};

static uint32_t fold(const struct folding *folding, uint32_t code)
{
    if (code < 0x80 || folding->locale == (locale_t)0) {
        bool change =
            folding->upper ? code >= 'a' && code <= 'z' : code >= 'A' && code <= 'Z';
        return change ? code ^ 0x20U : code;
    }
    return folding->upper ? (uint32_t)towupper_l((wint_t)code, folding->locale)
                          : (uint32_t)towlower_l((wint_t)code, folding->locale);
}

static void fn_fold(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const struct folding *folding = sqlite3_user_data(ctx);
    if (any_null(argc, argv)) {
        return;
    }
    struct slice text = value_text(argv[0]);
    char *out = malloc(text.len * 2 + 5);
    REQUIRE(out != NULL);
    size_t used = 0;
    while (text.len > 0) {
        uint32_t code = 0;
        size_t length = decode(text, &code);
        if (code == 0) {
            out[used++] = text.ptr[0];
        } else {
            used += encode(fold(folding, code), out + used);
        }
        text = slice_from(text, length);
    }
    sqlite3_result_text(ctx, out, (int)used, free);
}

static void free_folding(void *ptr)
{
    struct folding *folding = ptr;
    if (folding->locale != (locale_t)0) {
        freelocale(folding->locale);
    }
    free(folding);
}

/* ---- registration ---- */

#define FLAGS (SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS)

typedef void (*scalar_fn)(sqlite3_context *, int, sqlite3_value **);

static const struct {
    const char *name;
    int args; /* -1: one or two, checked by the translator */
    scalar_fn run;
} scalars[] = {
    {"ns_decimal", 1, fn_decimal},
    {"ns_compare", 2, fn_compare},
    {"ns_abs", 1, fn_abs},
    {"ns_sign", 1, fn_sign},
    {"ns_to_date", -1, fn_to_date},
    {"ns_to_char", 2, fn_to_char},
    {"ns_account_date", 1, fn_account_date},
    {"ns_add_months", 2, fn_add_months},
    {"ns_last_day", 1, fn_last_day},
    {"ns_trunc_date", -1, fn_trunc_date},
    {"ns_days", 2, fn_days},
    {"ns_date_plus", 2, fn_date_plus},
    {"ns_date_minus", 2, fn_date_minus},
};

static bool add_scalar(sqlite3 *db, const char *name, int args, scalar_fn run,
                       const void *data)
{
    union {
        const void *constant;
        void *plain;
    } user = {
        data}; /* SQLite hands it back untouched; the functions read it as const */
    return sqlite3_create_function_v2(db, name, args, FLAGS, user.plain, run, NULL,
                                      NULL, NULL) == SQLITE_OK;
}

static bool add_folding(sqlite3 *db, const char *name, bool upper)
{
    struct folding *folding = calloc(1, sizeof *folding);
    REQUIRE(folding != NULL);
    folding->upper = upper;
    folding->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return sqlite3_create_function_v2(db, name, 1, FLAGS, folding, fn_fold, NULL, NULL,
                                      free_folding) == SQLITE_OK;
}

static bool add_aggregate(sqlite3 *db, const char *name,
                          void (*final)(sqlite3_context *))
{
    return sqlite3_create_function_v2(db, name, 1, FLAGS, NULL, NULL, step_total, final,
                                      NULL) == SQLITE_OK;
}

bool functions_register(sqlite3 *db)
{
    bool ok = sqlite3_create_collation_v2(db, "ns_decimal", SQLITE_UTF8, NULL,
                                          collate_decimal, NULL) == SQLITE_OK;
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++) {
        ok = ok &&
             add_scalar(db, scalars[i].name, scalars[i].args, scalars[i].run, NULL);
    }
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        ok = ok && add_scalar(db, operations[i].name, 2, fn_operation, &operations[i]);
    }
    for (size_t i = 0; i < sizeof roundings / sizeof *roundings; i++) {
        ok = ok && add_scalar(db, roundings[i].name, -1, fn_round, &roundings[i]);
    }
    return ok && add_folding(db, "ns_upper", true) &&
           add_folding(db, "ns_lower", false) &&
           add_aggregate(db, "ns_sum", final_sum) &&
           add_aggregate(db, "ns_avg", final_avg);
}
