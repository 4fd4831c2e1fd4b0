/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of the SuiteQL translator, one after the other. */
#include "mocks/netsuite/sql.h"

#include <stdarg.h>
#include <stdio.h>

#include "mocks/netsuite/sql_private.h"

#define MAX_QUERY ((size_t)256 * 1024)
#define OUT_CEILING ((size_t)4 * 1024 * 1024)

bool sql_failed(const struct sql *sql)
{
    return sql->why.len > 0;
}

bool sql_fail(struct sql *sql, const char *format, ...)
{
    if (sql_failed(sql)) {
        return false;
    }
    char sentence[600];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    size_t kept =
        (size_t)length < sizeof sentence ? (size_t)length : sizeof sentence - 1;
    sql->why = arena_slice(sql->arena, slice_of(sentence, kept));
    return false;
}

static struct slice render(struct sql *sql, const struct sql_select *select,
                           void (*emit)(struct sql *, const struct sql_select *,
                                        struct buf *))
{
    struct buf out;
    buf_init(&out, OUT_CEILING);
    emit(sql, select, &out);
    if (buf_full(&out)) {
        (void)sql_fail(sql, "Invalid or unsupported search: the query is too large");
    }
    struct slice text = arena_slice(sql->arena, buf_slice(&out));
    buf_free(&out);
    return text;
}

static void fill_outputs(struct sql *sql, const struct sql_select *select,
                         struct sql_plan *plan)
{
    plan->output_count = select->item_count;
    plan->outputs =
        arena_array(sql->arena, select->item_count + 1, sizeof *plan->outputs);
    for (size_t i = 0; i < select->item_count; i++) {
        plan->outputs[i] =
            (struct sql_output){select->items[i].name, select->items[i].value->type};
    }
}

bool sql_translate(struct arena *arena, struct slice text, struct slice today,
                   struct sql_plan *plan, struct slice *why)
{
    struct sql sql = {.arena = arena, .today = today, .why = SLICE_EMPTY};
    struct sql_select *select = NULL;
    if (text.len > MAX_QUERY || slice_find(text, '\0') >= 0) {
        (void)sql_fail(&sql, "Invalid or unsupported search: the query is too large");
    } else {
        sql.tokens = sql_tokens(&sql, text);
    }
    if (!sql_failed(&sql)) {
        select = sql_parse(&sql);
    }
    if (!sql_failed(&sql) && select != NULL) {
        sql_bind(&sql, select);
    }
    if (!sql_failed(&sql) && select != NULL) {
        *plan =
            (struct sql_plan){.params = sql.params, .fetch_first = select->fetch_first};
        plan->rows = render(&sql, select, sql_emit_rows);
        plan->count = render(&sql, select, sql_emit_count);
        fill_outputs(&sql, select, plan);
    }
    *why = sql.why;
    return !sql_failed(&sql);
}
