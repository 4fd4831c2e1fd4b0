/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the server's own keys: one for signing tokens and cursors, several for the
 * vault. Owns: the keys, as secrets. Threads: one at a time. Errors:
 * ERR_NOT_FOUND (no file), ERR_UNPROCESSABLE (content), ERR_POLICY_DENIED (others may
 * read the file); the sentence for the operator in `problem`. Start reading at:
 * keys_load. There is no default key.
 */
#ifndef SLUICE_AUTH_KEYS_H
#define SLUICE_AUTH_KEYS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/slice.h"

struct keys;

/*
 * The file is JSON: {"signing_key":"<64 hex>","vault_keys":[{"id":"k1","key":"<64
 * hex>"}]}; the last vault key seals, all open. The file's mode must be 0600 or 0400.
 */
MUST_USE enum err keys_load(const char *path, struct arena *arena, struct keys **out,
                            struct slice *problem);
/* The same JSON from a variable of the environment (SLUICE_KEYS). */
MUST_USE enum err keys_parse(struct slice json, struct arena *arena, struct keys **out,
                             struct slice *problem);
void keys_free(struct keys *keys); /* accepts NULL */

/* The vault keys of `newer` in the place of those of `keys`; takes `newer`. ERR_CONFLICT,
 * and nothing happened, when its signing key is another: every URL and token would end. */
MUST_USE enum err keys_take(struct keys *keys, struct keys *newer);

/* Ids of the vault keys, the oldest first; lent until keys_take. */
size_t keys_count(const struct keys *keys);
struct slice keys_id(const struct keys *keys, size_t index);
struct slice keys_sealing_id(const struct keys *keys); /* the last one */
bool keys_has(const struct keys *keys, struct slice id);

/* Writes a new file, mode 0600, never over an existing one (ERR_CONFLICT). */
MUST_USE enum err keys_generate(const char *path);

/*
 * Changes the file: a new one is written beside it (".new"), synced and renamed over it, so
 * at each moment the name leads to all of the old or all of the new content. Mode and owner
 * stay. One process at a time. Errors as of keys_load, ERR_IO; ERR_CONFLICT when no further
 * key has room, ERR_NOT_FOUND when there is none of that id. The last key, which seals, is
 * not removed: ERR_CONFLICT.
 */
MUST_USE enum err keys_add(const char *path, struct arena *arena,
                           struct slice *problem);
MUST_USE enum err keys_remove(const char *path, struct slice id, struct arena *arena,
                              struct slice *problem);

#endif
