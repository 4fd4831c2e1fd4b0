/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: limit and offset of collections, and the links of a page.
 * Owns: nothing.  Threads: the loop's.
 * Errors: false, with NetSuite's 400 in the response.
 * Start reading at: paging_read.
 */
#ifndef SLUICE_MOCKS_NETSUITE_PAGING_H
#define SLUICE_MOCKS_NETSUITE_PAGING_H

#include "mocks/common/http.h"

struct paging {
    long long limit, offset;
};

bool paging_read(struct http_exchange *x, struct response *response,
                 struct paging *out);

/* The links member: previous, first, next, last, self as the page has them. `method` as
 * printed in each link. */
struct slice paging_links(struct http_exchange *x, const struct paging *paging,
                          long long total, const char *method);

#endif
