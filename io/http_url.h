/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the parts of an absolute http or https URL, cut without changing a byte.
 * Owns: nothing: the parts are slices of the URL that was handed in.
 * Threads: any.
 * Errors: false for everything two readers could understand differently.
 * Start reading at: http_url_parse.
 */
#ifndef SLUICE_IO_HTTP_URL_H
#define SLUICE_IO_HTTP_URL_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/slice.h"

#define HTTP_URL_MAX_BYTES 65536

struct http_url {
    struct slice scheme; /* as written */
    struct slice host;   /* without brackets */
    struct slice origin; /* scheme and authority, as written */
    struct slice target; /* path and query, byte for byte; "/" when the URL has none */
    int port;
    bool is_tls;
    bool is_literal;                 /* the host is an address, in `address` */
    struct sockaddr_storage address; /* with the port */
};

/*
 * Refused: other schemes, user information, fragments, blanks, control and non-ASCII
 * bytes, empty or out-of-range ports, a trailing dot, and names whose last label is a
 * number
 * ("127.1", "0x7f000001", "2130706433"): some resolvers take those for addresses.
 */
bool http_url_parse(struct slice text, struct http_url *url);

#endif
