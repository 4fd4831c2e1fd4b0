/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: reads of entity sets: list, count, one entity, with $select, $expand and paging.
 * Owns: nothing.
 * Threads: the loop's.
 * Errors: in the response.
 * Start reading at: query_list.
 */
#ifndef SLUICE_MOCKS_SAP_QUERY_H
#define SLUICE_MOCKS_SAP_QUERY_H

#include <sqlite3.h>

#include "mocks/common/response.h"
#include "mocks/sap/model.h"

struct reading {
    sqlite3 *db;
    const struct service *service;
    const struct entity_set *set;
    struct slice base;  /* "http://host/sap/opu/odata/sap/SERVICE" */
    struct slice query; /* of the target, not decoded */
    struct arena *arena;
};

/* `scope`: SQL that every row must fit with its binds, or NULL: of a navigation. */
struct clause;
void query_list(const struct reading *reading, const struct clause *scope,
                struct response *response);
void query_count(const struct reading *reading, struct response *response);
void query_one(const struct reading *reading, const struct clause *key,
               struct response *response);
/* The entity as {"d":{…}} into `response`'s body, with one navigation expanded (or NULL). */
bool query_entity(const struct reading *reading, const struct clause *key,
                  const char *expand, struct buf *out);

#endif
