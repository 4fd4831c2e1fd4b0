/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: finds the server's own keys: in SLUICE_KEYS, else in the key file.
 * Owns: nothing; the caller frees the keys.
 * Threads: the main thread.
 * Errors: says what is wrong and how to make keys; returns the exit code.
 * Start reading at: own_keys_load.
 */
#ifndef SLUICE_CLI_OWN_KEYS_H
#define SLUICE_CLI_OWN_KEYS_H

#include "auth/keys.h"
#include "base/log.h"
#include "cli/config.h"
#include "store/store.h"

/* 0, or 1 after a sentence. Takes SLUICE_KEYS out of the environment, and says whether the
 * keys came from there (NULL: not asked). */
int own_keys_load(const struct config *config, struct arena *arena, struct keys **out,
                  bool *from_environment);

/* The same, `count` times: one for each worker, which changes its own. */
int own_keys_load_all(const struct config *config, struct arena *arena,
                      struct keys **out, size_t count, bool *from_environment);

/* A server's keys, and where they come from. Keeps all. */
struct own_keys {
    const struct config *config;
    const struct log *log;
    struct store *store;
    struct keys *keys;
    bool from_environment;
};

/* Takes the vault keys of the file as it is now. Refused, with the keys as they were, when
 * it is wrong, holds another signing key, or lacks a vault key that is still needed.
 * `ctx` is a struct own_keys. */
MUST_USE enum err own_keys_reload(void *ctx, struct arena *arena,
                                  struct slice *problem);
/* A line in the log for each vault key that is needed and not there. */
void own_keys_tell_missing(const struct own_keys *own);

#endif
