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
#include "cli/config.h"

/* 0, or 1 after a sentence. Takes SLUICE_KEYS out of the environment. */
int own_keys_load(const struct config *config, struct arena *arena, struct keys **out);

#endif
