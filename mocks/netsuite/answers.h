/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: how NetSuite answers: header fields, error bodies, links.
 * Owns: nothing.
 * Threads: the loop's.
 * Errors: none.
 * Start reading at: answer_error.
 */
#ifndef SLUICE_MOCKS_NETSUITE_ANSWERS_H
#define SLUICE_MOCKS_NETSUITE_ANSWERS_H

#include "mocks/common/http.h"
#include "mocks/common/json_out.h"

/* A 200 with the fields of REST answers; `type` is collection, singular or error. */
void answer_start(struct response *response, int status, const char *type);

struct answer_detail {
    const char *code;
    struct slice detail;
    const char *member; /* "o:errorQueryParam", "o:errorUrl", …; NULL: none */
    struct slice value;
};

/* The body with o:errorDetails (Oracle Help, "Error Handling and Error Codes"); the connection
 * closes. */
void answer_error(struct response *response, int status,
                  const struct answer_detail *detail);

/* {"error":{"code","message"}}: what RESTlets answer. */
void answer_restlet_error(struct response *response, int status, const char *code,
                          const char *message);

/* Scheme and authority the client used, without a slash at the end. */
struct slice answer_origin(struct http_exchange *x);

/* [{"rel":"self","href":…}]; method "GET" or "POST" is added where NetSuite prints it.
 */
struct slice answer_link(struct arena *arena, const char *rel, struct slice href,
                         const char *method);

/* The query parameter's value, decoded; false when absent. */
bool answer_param(struct http_exchange *x, const char *name, struct slice *value);

#endif
