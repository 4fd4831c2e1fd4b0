/* SPDX-License-Identifier: Apache-2.0 */
/* Reads, checks and makes the key file. The JSON passes through jansson, whose copies
 * are wiped. */
#include "auth/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/keys_private.h"
#include "auth/mac.h"
#include "base/text.h"

#define FILE_BYTES (64 * 1024)
#define ID_BYTES 32

struct keys {
    struct arena *arena, *ids; /* its own; of the vault keys */
    struct secret *signing;
    struct mac *mac;
    struct vault_key *vault;
    size_t vault_count;
};

void keys_free(struct keys *keys)
{
    if (keys == NULL) {
        return;
    }
    for (size_t i = 0; i < keys->vault_count; i++) {
        secret_free(keys->vault[i].key);
    }
    secret_free(keys->signing);
    mac_free(keys->mac);
    arena_free(keys->ids);
    arena_free(keys->arena);
}

const struct vault_key *keys_vault(const struct keys *keys, size_t *count)
{
    *count = keys->vault_count;
    return keys->vault;
}

const struct secret *keys_signing(const struct keys *keys)
{
    return keys->signing;
}

size_t keys_count(const struct keys *keys)
{
    return keys->vault_count;
}

struct slice keys_id(const struct keys *keys, size_t index)
{
    return keys->vault[index].id;
}

struct slice keys_sealing_id(const struct keys *keys)
{
    return keys->vault[keys->vault_count - 1].id;
}

bool keys_has(const struct keys *keys, struct slice id)
{
    for (size_t i = 0; i < keys->vault_count; i++) {
        if (slice_eq(keys->vault[i].id, id)) {
            return true;
        }
    }
    return false;
}

enum err keys_take(struct keys *keys, struct keys *newer)
{
    bool is_same = secret_equal(keys->signing, newer->signing);
    if (is_same) {
        struct keys old = *keys;
        keys->ids = newer->ids;
        keys->vault = newer->vault;
        keys->vault_count = newer->vault_count;
        newer->ids = old.ids;
        newer->vault = old.vault;
        newer->vault_count = old.vault_count;
    }
    keys_free(newer);
    return is_same ? ERR_OK : ERR_CONFLICT;
}

void keys_mac(const struct keys *keys, struct slice text, unsigned char out[KEY_BYTES])
{
    mac_compute(keys->mac, MAC_SHA256, secret_reveal(keys->signing), text, out);
}

/* ---- Parsing ---- */

/* Takes 64 hex digits out of a JSON text; wipes jansson's copy, which outlives its use.
 */
static struct secret *read_key(json_t *value)
{
    struct slice text = slice_of(json_string_value(value), json_string_length(value));
    struct secret *secret = NULL;
    struct arena *arena = arena_new();
    struct slice bytes;
    if (json_is_string(value) && text.len == 2 * KEY_BYTES &&
        text_unhex(arena, text, &bytes)) {
        secret = secret_new(bytes);
    }
    arena_free(arena);
    return secret;
}

static void wipe_text(json_t *value)
{
    if (json_is_string(value) && json_string_length(value) > 0) {
        /* jansson frees without wiping and lends its bytes for reading only. */
        size_t len = json_string_length(value);
        union {
            const char *lent;
            char *bytes;
        } view = {json_string_value(value)};
        wipe(view.bytes, len);
    }
}

static bool read_vault_key(struct keys *keys, json_t *entry)
{
    const char *id = json_string_value(json_object_get(entry, "id"));
    struct slice name = slice_str(id);
    struct secret *key = read_key(json_object_get(entry, "key"));
    bool ok = name.len > 0 && name.len <= ID_BYTES && key != NULL;
    for (size_t i = 0; ok && i < keys->vault_count; i++) {
        ok = !slice_eq(keys->vault[i].id, name);
    }
    if (!ok) {
        secret_free(key);
        return false;
    }
    keys->vault[keys->vault_count++] =
        (struct vault_key){arena_slice(keys->ids, name), key};
    return true;
}

static const char *read_keys(struct keys *keys, json_t *root)
{
    json_t *list = json_object_get(root, "vault_keys");
    keys->signing = read_key(json_object_get(root, "signing_key"));
    if (keys->signing == NULL) {
        return "signing_key: 64 hex digits are needed";
    }
    if (!json_is_array(list) || json_array_size(list) == 0 ||
        json_array_size(list) > VAULT_KEYS) {
        return "vault_keys: a list of 1 to 64 keys is needed";
    }
    keys->vault = arena_array(keys->ids, json_array_size(list), sizeof *keys->vault);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!read_vault_key(keys, json_array_get(list, i))) {
            return "vault_keys: each needs an id of its own (1 to 32 bytes) and a key "
                   "of 64 hex digits";
        }
    }
    return NULL;
}

static void wipe_json(json_t *root)
{
    size_t index = 0;
    json_t *entry = NULL;
    wipe_text(json_object_get(root, "signing_key"));
    json_array_foreach (json_object_get(root, "vault_keys"), index, entry) {
        wipe_text(json_object_get(entry, "key"));
    }
    json_decref(root);
}

enum err keys_parse(struct slice json, struct arena *arena, struct keys **out,
                    struct slice *problem)
{
    json_error_t error;
    json_t *root = NULL;
    if (json.len <= FILE_BYTES && memchr(json.ptr, 0, json.len) == NULL) {
        root = json_loadb(json.ptr, json.len, JSON_REJECT_DUPLICATES, &error);
    }
    if (!json_is_object(root)) {
        json_decref(root);
        *problem = SLICE("the keys are not a JSON object");
        return ERR_UNPROCESSABLE;
    }
    struct arena *own = arena_new();
    struct keys *keys = arena_alloc(own, sizeof *keys);
    keys->arena = own;
    keys->ids = arena_new();
    keys->mac = mac_new();
    const char *fault = read_keys(keys, root);
    wipe_json(root);
    if (fault != NULL) {
        keys_free(keys);
        *problem = arena_printf(arena, "%s", fault);
        return ERR_UNPROCESSABLE;
    }
    *out = keys;
    return ERR_OK;
}

/* ---- The file ---- */

static enum err read_file(int fd, struct buf *content)
{
    for (;;) {
        char *room = buf_reserve(content, 4096);
        if (room == NULL) {
            return ERR_UNPROCESSABLE;
        }
        ssize_t got = read(fd, room, 4096);
        if (got < 0) {
            return ERR_IO;
        }
        if (got == 0) {
            return ERR_OK;
        }
        buf_commit(content, (size_t)got);
    }
}

enum err keys_load(const char *path, struct arena *arena, struct keys **out,
                   struct slice *problem)
{
    struct stat info;
    struct buf content;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        enum err missing = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
        *problem = arena_printf(arena, "%s cannot be read", path);
        return missing;
    }
    *problem = arena_printf(arena, "%s is no plain file", path);
    buf_init(&content, FILE_BYTES);
    enum err err = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? ERR_OK : ERR_IO;
    if (err == ERR_OK && (info.st_mode & 0177) != 0) {
        *problem = arena_printf(
            arena,
            "the mode of %s is not 0600; run: chmod 600 %s, and make new keys if "
            "somebody may have",
            path, path);
        err = ERR_POLICY_DENIED;
    } else if (err == ERR_OK) {
        err = read_file(fd, &content);
        *problem =
            arena_printf(arena, "%s cannot be read, or is larger than 64 KiB", path);
    }
    close(fd);
    if (err == ERR_OK) {
        err = keys_parse(buf_slice(&content), arena, out, problem);
    }
    buf_free(&content);
    return err;
}

static struct slice random_hex(struct arena *arena)
{
    char bytes[KEY_BYTES];
    random_bytes(bytes, sizeof bytes);
    struct slice hex = text_hex(arena, slice_of(bytes, sizeof bytes));
    wipe(bytes, sizeof bytes);
    return hex;
}

enum err keys_generate(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == EEXIST ? ERR_CONFLICT : ERR_IO;
    }
    struct arena *arena = arena_new();
    struct slice signing = random_hex(arena);
    struct slice vault = random_hex(arena);
    struct slice text =
        arena_printf(arena,
                     "{\"signing_key\": \"%.*s\",\n \"vault_keys\": [{\"id\": "
                     "\"k1\", \"key\": \"%.*s\"}]}\n",
                     SLICE_ARG(signing), SLICE_ARG(vault));
    bool ok = write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    arena_free(arena);
    int closed = close(fd);
    if (!ok || closed != 0) {
        unlink(path);
        return ERR_IO;
    }
    return ERR_OK;
}
