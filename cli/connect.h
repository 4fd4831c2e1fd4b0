/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the operator's own OAuth client, with which people connect accounts: from the
 * configuration and the file of its secret. Owns: nothing; the caller frees the client.
 * Threads: the main thread. Errors: says what is wrong; returns the exit code. Start
 * reading at: connect_prepare.
 */
#ifndef SLUICE_CLI_CONNECT_H
#define SLUICE_CLI_CONNECT_H

#include "auth/consent.h"
#include "cli/config.h"
#include "core/gateway.h"

/* *client is NULL where none is configured. Keeps `config` in *out. */
int connect_prepare(const struct config *config, struct consent_client **client,
                    struct gateway_connect *out);

#endif
