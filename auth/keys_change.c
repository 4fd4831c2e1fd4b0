/* SPDX-License-Identifier: Apache-2.0 */
/* Changes the list of vault keys in the key file, never leaving less than one whole file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/keys_private.h"
#include "base/text.h"

#define FILE_BYTES (64 * 1024)
#define ID_RANDOM_BYTES 6

static void write_key(struct buf *out, struct arena *arena, const struct vault_key *key)
{
    /* An id may hold any character, so it is quoted as JSON asks. */
    buf_append(out, SLICE("{\"id\": \""));
    for (size_t i = 0; i < key->id.len; i++) {
        unsigned char c = (unsigned char)key->id.ptr[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            buf_append(out, arena_printf(arena, "\\u%04x", c));
        } else {
            buf_append(out, slice_of(key->id.ptr + i, 1));
        }
    }
    buf_append(out, SLICE("\", \"key\": \""));
    buf_append(out, text_hex(arena, secret_reveal(key->key)));
    buf_append(out, SLICE("\"}"));
}

/* The content without the key at `skipped`, with `added` at the end (NULL: none). */
static struct slice content(const struct keys *keys, size_t skipped,
                            const struct vault_key *added, struct arena *arena)
{
    struct buf out;
    size_t count = 0;
    const struct vault_key *list = keys_vault(keys, &count);
    const char *between = "";
    buf_init(&out, FILE_BYTES);
    buf_append(&out, SLICE("{\"signing_key\": \""));
    buf_append(&out, text_hex(arena, secret_reveal(keys_signing(keys))));
    buf_append(&out, SLICE("\",\n \"vault_keys\": ["));
    for (size_t i = 0; i < count; i++) {
        if (i != skipped) {
            buf_append(&out, slice_str(between));
            write_key(&out, arena, &list[i]);
            between = ",\n                ";
        }
    }
    if (added != NULL) {
        buf_append(&out, slice_str(between));
        write_key(&out, arena, added);
    }
    buf_append(&out, SLICE("]}\n"));
    struct slice text = arena_slice(arena, buf_slice(&out));
    buf_free(&out);
    return text;
}

static bool write_draft(const char *draft, const struct stat *like, struct slice text)
{
    if (unlink(draft) != 0 && errno != ENOENT) { /* of a change that was killed */
        return false;
    }
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    struct stat made;
    bool ok = fstat(fd, &made) == 0;
    if (ok && (made.st_uid != like->st_uid || made.st_gid != like->st_gid)) {
        ok = fchown(fd, like->st_uid, like->st_gid) == 0;
    }
    ok = ok && fchmod(fd, like->st_mode & 0600) == 0 &&
         write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    return close(fd) == 0 && ok;
}

/* The rename is durable once the folder is. */
static bool sync_folder(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    struct slice folder =
        slash == path ? SLICE("/") : slice_of(path, (size_t)(slash - path));
    int fd = open(arena_copy(arena, folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool ok = fsync(fd) == 0;
    return close(fd) == 0 && ok;
}

/* A link to the file stays a link. */
static enum err replace(const char *path, struct slice text, struct arena *arena,
                        struct slice *problem)
{
    struct stat like;
    char *real = realpath(path, NULL);
    if (real == NULL || stat(real, &like) != 0) {
        *problem = arena_printf(arena, "%s cannot be found: %s", path, strerror(errno));
        free(real);
        return ERR_IO;
    }
    struct slice draft = arena_printf(arena, "%s.new", real);
    bool ok = write_draft(draft.ptr, &like, text) && rename(draft.ptr, real) == 0;
    if (!ok) {
        *problem = arena_printf(arena, "%s cannot be written: %s; %s is as it was",
                                draft.ptr, strerror(errno), path);
        unlink(draft.ptr);
    } else if (!sync_folder(real, arena)) {
        *problem = arena_printf(arena, "the folder of %s cannot be synced: %s", path,
                                strerror(errno));
        ok = false;
    }
    free(real);
    return ok ? ERR_OK : ERR_IO;
}

/* Names are drawn by chance, so that no name stands for two keys, not even after an old
 * copy of the file was put back. */
enum err keys_add(const char *path, struct arena *arena, struct slice *problem)
{
    char id[ID_RANDOM_BYTES], bytes[KEY_BYTES];
    struct keys *keys = NULL;
    enum err err = keys_load(path, arena, &keys, problem);
    if (err != ERR_OK) {
        return err;
    }
    struct arena *own = arena_new(); /* the text of the keys goes with it */
    if (keys_count(keys) == VAULT_KEYS) {
        *problem = arena_printf(arena,
                                "%s holds %d vault keys, the most there may be; remove "
                                "one with sluice vault forget ID",
                                path, VAULT_KEYS);
        err = ERR_CONFLICT;
    } else {
        random_bytes(id, sizeof id);
        random_bytes(bytes, sizeof bytes);
        struct slice name = text_hex(own, slice_of(id, sizeof id));
        struct vault_key added = {arena_printf(own, "k-%.*s", SLICE_ARG(name)),
                                  secret_new(slice_of(bytes, sizeof bytes))};
        wipe(bytes, sizeof bytes);
        err = replace(path, content(keys, VAULT_KEYS, &added, own), arena, problem);
        secret_free(added.key);
    }
    arena_free(own);
    keys_free(keys);
    return err;
}

enum err keys_remove(const char *path, struct slice id, struct arena *arena,
                     struct slice *problem)
{
    struct keys *keys = NULL;
    size_t at = 0;
    enum err err = keys_load(path, arena, &keys, problem);
    if (err != ERR_OK) {
        return err;
    }
    struct arena *own = arena_new();
    while (at < keys_count(keys) && !slice_eq(keys_id(keys, at), id)) {
        at++;
    }
    if (at == keys_count(keys)) {
        *problem =
            arena_printf(arena, "%s holds no vault key %.*s", path, SLICE_ARG(id));
        err = ERR_NOT_FOUND;
    } else if (at + 1 == keys_count(keys)) {
        *problem = arena_printf(
            arena,
            "%.*s is the vault key that seals; sluice vault rotate makes a newer one",
            SLICE_ARG(id));
        err = ERR_CONFLICT;
    } else {
        err = replace(path, content(keys, at, NULL, own), arena, problem);
    }
    arena_free(own);
    keys_free(keys);
    return err;
}
