/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: reading what callers say of themselves: forms, Basic pairs, cookies.
 * Owns: nothing; results live in the arena or in the text.
 * Threads: any.
 * Errors: an empty slice, or false.
 * Start reading at: any.
 */
#ifndef SLUICE_MOCKS_SAP_CREDENTIALS_H
#define SLUICE_MOCKS_SAP_CREDENTIALS_H

#include "base/arena.h"
#include "base/slice.h"

/* A field of a form or of a query, decoded. */
struct slice form_field(struct arena *arena, struct slice form, const char *name);

/* The pair of an Authorization field of scheme Basic (RFC 7617). */
bool basic_pair(struct arena *arena, struct slice field, struct slice *name,
                struct slice *secret);

/* The token of a field of scheme Bearer; empty: it is none. */
struct slice bearer_token(struct slice field);

/* A cookie's value, out of a Cookie field. */
struct slice cookie_value(struct slice cookies, const char *name);

/* The same text, in time that does not tell where they differ. */
bool same_secret(struct slice given, const char *expected);

#endif
