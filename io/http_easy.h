/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: one request as curl wants it: handle, options, field list, address pin.
 * Owns: all of these; wiped on http_easy_free.
 * Threads: one owner at a time.
 * Errors: a literal that names the fault, or NULL.
 * Start reading at: http_easy_set.
 */
#ifndef SLUICE_IO_HTTP_EASY_H
#define SLUICE_IO_HTTP_EASY_H

#include <curl/curl.h>

#include "io/http_client.h"
#include "io/http_url.h"

struct http_easy {
    CURL *curl; /* NULL before http_easy_set */
    CURLU *url; /* curl reads it there */
    /* Field lists, nodes and text in one block; curl reads them there. */
    struct http_head {
        void *block;
    } head, proxy_head;
    struct curl_slist pin;
};

/* The origin of the last request, and the same taken apart by curl; zeroed: none yet. */
struct http_origin {
    char *text;
    CURLU *parts;
};
void http_origin_free(struct http_origin *origin);

/*
 * Makes a handle for the whole request (borrowed). `easy` is zeroed before. `url` and
 * `proxy` are the request's URLs, read; the latter is looked at only where it has one.
 * `last` is kept up by this, for the next one. Answers "method", "field", "head" or
 * "proxy_line" when the request could not go out as it stands.
 */
MUST_USE const char *http_easy_set(struct http_easy *easy, struct http_origin *last,
                                   const struct http_send *request,
                                   const struct http_url *url,
                                   const struct http_url *proxy);

/* From now on `host` is at `addresses` ("192.0.2.1,[2001:db8::1]") and nowhere else. */
void http_easy_pin(struct http_easy *easy, struct slice host, int port,
                   struct slice addresses);

/* The handle is on no multi handle any more. */
void http_easy_free(struct http_easy *easy);

/* Bytes of the request, head and body, that the system has taken. 0 proves that it was
 * never sent; TLS records that were cut in the middle count as not sent. */
long http_easy_bytes_sent(const struct http_easy *easy);

#endif
