/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what save.c (rules, rows) and save_read.c (bodies) share.
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

/* What the body says into save->document, over what is there. `append`: lines are added
 * to the present ones. False: refused. */
bool save_read(struct save *save, const json_t *body, bool append);

#endif
