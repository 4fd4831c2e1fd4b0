/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the encodings of the wire: hex, base64, base64url, base32, percent; UTF-8; ids.
 * Owns: nothing; results live in the arena or the buffer that is handed in.
 * Threads: any.
 * Errors: decoders return false for anything that is not exactly the encoding.
 * Start reading at: text_hex.
 */
#ifndef SLUICE_BASE_TEXT_H
#define SLUICE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/random_stock.h"
#include "base/slice.h"

/* Lower-case hex. Decoding takes both cases and an even length. */
struct slice text_hex(struct arena *arena, struct slice bytes);
bool text_unhex(struct arena *arena, struct slice text, struct slice *bytes);

/* RFC 4648 section 4, padded; decoding is strict (padding, no foreign characters). */
struct slice text_base64(struct arena *arena, struct slice bytes);
bool text_unbase64(struct arena *arena, struct slice text, struct slice *bytes);

/* RFC 4648 section 5, without padding. */
struct slice text_base64url(struct arena *arena, struct slice bytes);
bool text_unbase64url(struct arena *arena, struct slice text, struct slice *bytes);

/* RFC 3986: everything but A-Z a-z 0-9 - . _ ~ becomes %XX, upper-case hex. */
bool text_percent(struct buf *out, struct slice bytes);
struct slice text_percent_arena(struct arena *arena, struct slice bytes);
/* False for a bad or truncated %XX. '+' stays '+'. */
bool text_unpercent(struct arena *arena, struct slice text, struct slice *bytes);

bool text_is_utf8(struct slice bytes); /* RFC 3629, no surrogates, shortest form */
/* How many leading bytes are whole, valid UTF-8 sequences. */
size_t text_utf8_prefix(struct slice bytes);

/* What others said, fit to be shown: at most `max` bytes, cut between characters; control
 * characters (C0, DEL, C1) are blanks. `text` is UTF-8. */
struct slice text_clean(struct arena *arena, struct slice text, size_t max);
/* Its visible ASCII characters, at most `max`: an id out of a header field. */
struct slice text_visible(struct arena *arena, struct slice text, size_t max);
/* `base` with a member's name behind it as a reference token (RFC 6901). */
struct slice text_pointer(struct arena *arena, struct slice base, struct slice member);

/* `prefix` + 26 characters of lower-case base32 (RFC 4648 alphabet): 130 random bits. */
#define TEXT_ID_BYTES 26
struct slice text_new_id(struct arena *arena, const char *prefix);
/* The same where ids are made all the time. */
struct slice text_new_id_from(struct random_stock *stock, struct arena *arena,
                              const char *prefix);

#endif
