/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what suiteql_plan.c makes and suiteql.c runs, and one exchange of a query.
 * Owns: nothing.  Threads: any.  Errors: none.
 * Start reading at: struct suiteql_plan. Nobody else includes this.
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_SUITEQL_PRIVATE_H
#define SLUICE_CONNECTORS_NETSUITE_SUITEQL_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "catalog/tool.h"
#include "connectors/connector.h"
#include "connectors/netsuite/paging.h"

/* How an argument's value becomes the text of a parameter. */
enum suiteql_bind {
    SUITEQL_BIND_ID,      /* digits */
    SUITEQL_BIND_DATE,    /* YYYY-MM-DD */
    SUITEQL_BIND_DECIMAL, /* -12.50, without exponent */
    SUITEQL_BIND_TEXT,    /* as it is */
    SUITEQL_BIND_LIKE     /* %text%, its own % _ and \ escaped by \ */
};

struct suiteql_choice {
    struct slice value, sql;
};

struct suiteql_filter {
    struct slice argument;
    enum argument_place place;
    /* With `times` marks, each bound to the one value; empty: choices. */
    struct slice sql;
    enum suiteql_bind bind;
    size_t times;
    const struct suiteql_choice *choices;
    size_t choice_count;
};

struct suiteql_plan {
    struct slice head;     /* SELECT ... FROM ... [WHERE ...] */
    bool has_where;        /* a filter continues with AND */
    struct slice order_by; /* empty: none */
    const struct suiteql_filter
        *filters; /* in the catalog's order, and so in the text */
    size_t filter_count;
    size_t rows; /* asked for where the tool does not page */
    bool one;    /* exactly one row is wanted: none is "not found" */
    bool sample; /* a check of the connection: more rows than asked for are no matter */
};

/* The POST that asks for that window of a query's rows. */
void suiteql_write_request(struct op *op, const struct paging_window *window,
                           struct slice body);

/* The rows of an answer to it, each an object; NULL: op->fault says why. */
const struct jval *suiteql_read_rows(struct op *op, const struct op_response *response,
                                     bool *has_more);

#endif
