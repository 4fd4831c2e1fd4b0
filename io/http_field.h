/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: one header field of an HTTP message, inbound or outbound.
 * Owns: nothing; both slices are borrowed from the message.
 * Threads: any.  Errors: none.
 * Start reading at: struct http_field.
 */
#ifndef SLUICE_IO_HTTP_FIELD_H
#define SLUICE_IO_HTTP_FIELD_H

#include "base/slice.h"

struct http_field {
    struct slice name;  /* lower case in what was received */
    struct slice value; /* without surrounding blanks */
};

#endif
