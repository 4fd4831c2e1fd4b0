/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: where a list goes on: rows we count ourselves, or the next link of a service
 * that cuts its pages. Owns: nothing. Threads: any. Errors: false for text that is no
 * page, or a link that does not lead to the same list. Start reading at:
 * sap_page_turn.
 */
#ifndef SLUICE_CONNECTORS_SAP_PAGING_H
#define SLUICE_CONNECTORS_SAP_PAGING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"

struct sap_page {
    size_t row;         /* how many rows were given before */
    size_t left;        /* with `query`: rows that its window still holds */
    struct slice query; /* of the service's next link; empty: our own $skip */
};

/* "", "skip=25" or "next=50,51,$skiptoken=...". Lends from `text`. */
bool sap_page_parse(struct slice text, struct sap_page *out);
struct slice sap_page_text(struct arena *arena, const struct sap_page *page);

/*
 * The query of a next link, made fit for a URL (empty when it is too long to keep);
 * false when its path is not `path` (`set`, its last segment, alone is the relative
 * form). Scheme and host are not looked
 * at and never used: behind a gateway they name a machine that we cannot reach, and
 * elsewhere they could name any.
 */
bool sap_page_link(struct arena *arena, struct slice link, struct slice path,
                   struct slice set, struct slice *query);

/*
 * `rows` came for `page`, with the link `query` or without (NULL). How many of them to
 * give, whether there are more and where.
 */
size_t sap_page_turn(const struct sap_page *page, size_t limit, size_t rows,
                     const struct slice *query, struct sap_page *next, bool *more);

#endif
