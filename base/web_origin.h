/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: scheme://host[:port] with nothing behind it: where a credential may go.
 * Owns: nothing; results live in the arena handed in. Threads: any. Errors: false for
 * everything else, and for hosts that two readers could understand differently. Start
 * reading at: web_origin_parse.
 */
#ifndef SLUICE_BASE_WEB_ORIGIN_H
#define SLUICE_BASE_WEB_ORIGIN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

#define WEB_ORIGIN_BYTES_MAX 300

struct web_origin {
    struct slice text; /* canonical: two spellings of an origin are one */
    struct slice host; /* lower case; an IPv6 address with its brackets */
    int port;
    bool is_tls;
};

/* http or https. A path, a query, user information, a name whose last label begins with
 * a digit and is no IPv4 address ("127.1", "0x7f000001"): all refused. */
bool web_origin_parse(struct arena *arena, struct slice text, struct web_origin *out);

#endif
