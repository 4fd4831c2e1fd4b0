/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: takes note of how far a transfer got, for whoever asked for it: struct
 *          http_trace in io/http_client.h.
 * Owns: nothing; a trace is its asker's. Every function takes NULL: nobody asked.
 * Threads: the loop's.
 * Errors: none.
 * Start reading at: http_trace_begin.
 */
#ifndef SLUICE_IO_HTTP_TRACE_H
#define SLUICE_IO_HTTP_TRACE_H

#include <curl/curl.h>

#include "io/http_client.h"
#include "io/http_url.h"

/* `peer`: whose name is looked up and who is connected to. */
void http_trace_begin(struct http_trace *trace, const struct http_url *peer);
/* `addresses`: "192.0.2.1,[2001:db8::1]". */
void http_trace_resolved(struct http_trace *trace, struct slice addresses);
/* Connection and TLS are up; from a callback of curl, before the request is written. */
void http_trace_connected(struct http_trace *trace, CURL *curl);
void http_trace_answered(struct http_trace *trace, const struct http_reply *reply);
/* `curl` may be NULL: it was never made. `reason` is a literal. */
void http_trace_end(struct http_trace *trace, CURL *curl, enum err err,
                    const char *reason);

#endif
