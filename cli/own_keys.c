/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/own_keys.h"

#include "cli/command.h"
#include "cli/process.h"

int own_keys_load_all(const struct config *config, struct arena *arena,
                      struct keys **out, size_t count, bool *from_environment)
{
    const char *path = config->keys_file.ptr;
    struct arena *own = arena_new(); /* the text of the keys goes with it */
    struct slice text = SLICE_EMPTY, problem = SLICE_EMPTY;
    bool is_given = process_take_secret("SLUICE_KEYS", own, &text);
    enum err err = ERR_OK;

    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        err = is_given ? keys_parse(text, arena, &out[i], &problem)
                       : keys_load(path, arena, &out[i], &problem);
    }
    if (from_environment != NULL) {
        *from_environment = is_given;
    }
    arena_free(own);
    if (err == ERR_OK) {
        return 0;
    }
    if (err == ERR_NOT_FOUND) {
        return command_fail(
            "there are no keys at %s. Make them once, and keep a copy safe:\n"
            "  sluice keygen %s",
            path, path);
    }
    return command_fail("%s: %.*s", is_given ? "SLUICE_KEYS" : "keys",
                        SLICE_ARG(problem));
}

int own_keys_load(const struct config *config, struct arena *arena, struct keys **out,
                  bool *from_environment)
{
    return own_keys_load_all(config, arena, out, 1, from_environment);
}

/* A key the store needs, that we have and `newer` has not; empty: none. */
static enum err find_lost(const struct own_keys *own, const struct keys *newer,
                          struct arena *arena, struct store_key_use *lost)
{
    struct store_key_use *uses = NULL;
    size_t count = 0;
    enum err err = store_count_secrets(own->store, arena, &uses, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        if (keys_has(own->keys, uses[i].key_id) && !keys_has(newer, uses[i].key_id)) {
            *lost = uses[i];
        }
    }
    return err;
}

static enum err take_file(const struct own_keys *own, struct arena *arena,
                          struct slice *problem)
{
    const char *path = own->config->keys_file.ptr;
    struct keys *newer = NULL;
    struct store_key_use lost = {.key_id = SLICE_EMPTY};
    if (own->from_environment) {
        *problem = SLICE("the keys come from SLUICE_KEYS, which is read at the start "
                         "only: change it there and start the server again");
        return ERR_CONFLICT;
    }
    enum err err = keys_load(path, arena, &newer, problem);
    if (err != ERR_OK) {
        return err;
    }
    err = find_lost(own, newer, arena, &lost);
    if (err != ERR_OK || lost.key_id.len > 0) {
        *problem =
            err != ERR_OK
                ? SLICE("the database cannot be read")
                : arena_printf(arena,
                               "%s lacks the vault key %.*s, which %lld secrets "
                               "of %lld accounts need",
                               path, SLICE_ARG(lost.key_id), (long long)lost.secrets,
                               (long long)lost.accounts);
        keys_free(newer);
        return err != ERR_OK ? err : ERR_CONFLICT;
    }
    err = keys_take(own->keys, newer);
    if (err != ERR_OK) {
        *problem = arena_printf(arena,
                                "%s holds another signing_key: every URL and API token "
                                "would end, so it is not taken while the server runs",
                                path);
    }
    return err;
}

enum err own_keys_reload(void *ctx, struct arena *arena, struct slice *problem)
{
    const struct own_keys *own = ctx;
    enum err err = take_file(own, arena, problem);
    if (err == ERR_OK) {
        log_event(own->log, LOG_INFO, "keys_taken",
                  LOG_PATH(file, own->config->keys_file),
                  LOG_ID(key_id, keys_sealing_id(own->keys)),
                  LOG_INT(count, keys_count(own->keys)));
    } else {
        log_event(own->log, LOG_ERROR, "keys_refused",
                  LOG_PATH(file, own->config->keys_file),
                  LOG_NAME(cause, err_code(err)));
    }
    return err;
}

void own_keys_tell_missing(const struct own_keys *own)
{
    struct arena *arena = arena_new();
    struct store_key_use *uses = NULL;
    size_t count = 0;
    if (store_count_secrets(own->store, arena, &uses, &count) != ERR_OK) {
        count = 0; /* logged by the store; what follows in the start fails too */
    }
    for (size_t i = 0; i < count; i++) {
        if (!keys_has(own->keys, uses[i].key_id)) {
            log_event(own->log, LOG_ERROR, "vault_key_missing",
                      LOG_ID(key_id, uses[i].key_id), LOG_INT(count, uses[i].accounts),
                      LOG_WORD(remedy,
                               "put the key back; sluice vault verify names the "
                               "accounts"));
        }
    }
    arena_free(arena);
}
