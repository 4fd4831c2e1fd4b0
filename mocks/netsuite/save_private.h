/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what save.c (requests), save_read.c (bodies), save_rules.c and save_rows.c share.
 * Owns: nothing.  Threads: any.  Errors: none.
 * Start reading at: struct document. Nobody else includes this.
 */
#ifndef SLUICE_MOCKS_NETSUITE_SAVE_PRIVATE_H
#define SLUICE_MOCKS_NETSUITE_SAVE_PRIVATE_H

#include <jansson.h>

#include "mocks/netsuite/answers.h"
#include "mocks/netsuite/decimal.h"
#include "mocks/netsuite/save.h"

#define SAVE_LINES 1000

/* References are internal ids, 0: none. Texts are empty when there is nothing. */
struct line {
    int64_t item, account, entity, department, class_id, location;
    struct slice quantity, rate, amount; /* decimals as text; empty: not given */
    struct slice debit, credit;
    struct slice description, memo;
};

struct document {
    int64_t id; /* 0: a new one */
    struct slice tranid, number;
    int64_t entity, currency, subsidiary, term, department, class_id, location;
    struct slice date, due, memo, reference, external_id;
    struct line *lines;
    size_t line_count;
};

struct save {
    struct database *database;
    const struct record_type *type;
    bool journal;
    struct http_exchange *x;
    struct response *response;
    struct arena *arena;
    struct slice today;
    struct document document;
    struct slice unknown; /* names of members that were dropped, for a warning */
};

bool save_refuse(struct save *save, const char *code, struct slice detail,
                 struct slice path);

/* NetSuite's words for a rule that is broken. */
bool save_user_error(struct save *save, struct slice rule);

/* What the body says into save->document, over what is there. `append`: lines are added
 * to the present ones. False: refused. */
bool save_read(struct save *save, const json_t *body, bool append);

/* Completes the document by the rules. False: refused. */
bool save_settle(struct save *save);
/* The period that holds the date, if one may still post there; 0: refused. */
int64_t save_open_period(struct save *save);

/* The document of the type with that external id; 0: none. */
int64_t save_find(struct save *save, struct slice external_id);
/* Into save->document. */
void save_load(struct save *save, int64_t id);
/* The first column of the first row, `id` bound to ?1; 0: no row. */
int64_t save_number_by_id(struct save *save, const char *sql, int64_t id);
/* Gives the document an id and numbers if it is a new one. */
void save_write(struct save *save, int64_t period);

struct decimal save_number(struct slice text);
struct slice save_decimal_text(struct save *save, struct decimal value);
/* Exactly the currency's decimals. */
struct decimal save_money(struct save *save, struct decimal value);
/* Debit minus credit of one line. */
struct decimal save_balance(struct save *save, const struct line *line);

#endif
